package org.fewstep.cli;

import java.awt.BasicStroke;
import java.awt.Color;
import java.io.IOException;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.stream.IntStream;
import org.fewstep.backend.Backend;
import org.fewstep.backend.Batch;
import org.fewstep.backend.MixtureOutputs;
import org.fewstep.backend.Precision;
import org.fewstep.diffusion.Diffusion;
import org.fewstep.flow.Flow;
import org.fewstep.flow.FlowResult;
import org.fewstep.flow.MixtureField;
import org.fewstep.mixture.DiffusedMixture;
import org.fewstep.mixture.GaussianMixture;
import org.knowm.xchart.XYChart;
import org.knowm.xchart.XYSeries;
import org.knowm.xchart.XYSeries.XYSeriesRenderStyle;
import org.knowm.xchart.style.markers.SeriesMarkers;

/**
 * The samples of a flow and the density that they should have: points over contours of the first
 * two coordinates, or a histogram under a curve.
 */
final class SamplePlot {

  /** More points than this hide the contours and make an SVG heavy. */
  private static final int MAX_POINTS = 10_000;

  /** How much of the samples sets the ranges of the axes; single strays do not. */
  private static final double RANGE_TAIL = 0.002;

  private static final double MARGIN = 0.08;

  /** Samples beyond this number are drawn smaller. */
  private static final int CROWD = 2000;

  /** The least and the greatest height of the plot in units of its width. */
  private static final double MIN_ASPECT = 0.4;

  private static final double MAX_ASPECT = 1.2;

  private static final int BINS = 100;
  private static final int CURVE_POINTS = 1000;
  private static final int MAX_LATTICE = 400;
  private static final double LATTICE_WORK = 2e8;

  private static final double[] PARTS = {0.5, 0.9, 0.99};
  private static final Color[] PART_COLORS = {
    new Color(0x7F2704), new Color(0xD94801), new Color(0xFD8D3C)
  };

  private final GaussianMixture mixture;
  private final Diffusion process;
  private final double time;
  private final Batch samples;
  private final Backend backend;
  private final String title;

  private SamplePlot(
      String title,
      GaussianMixture whole,
      Diffusion process,
      double time,
      Batch samples,
      Backend backend) {
    this.mixture = whole.dimension() > 2 ? Marginals.first(whole, 2) : whole;
    this.process = process;
    this.time = time;
    this.samples = samples;
    this.backend = backend;
    this.title = title;
  }

  /** Draws the end states of a flow. */
  static void write(Path path, String label, Flow flow, FlowResult result, Backend backend)
      throws IOException {
    String title =
        "%s: %s on %s:%d, %,d samples"
            .formatted(
                label,
                result.solver(),
                result.grid().kind(),
                result.grid().segments(),
                result.end().rows());
    write(
        path,
        title,
        ((MixtureField) flow.field()).mixture(),
        flow.field().process().orElseThrow(),
        result.reversed() ? result.grid().start() : result.grid().end(),
        result.end(),
        backend);
  }

  /** Draws samples [n,d] over the density of a mixture under a process at a time. */
  static void write(
      Path path,
      String title,
      GaussianMixture mixture,
      Diffusion process,
      double time,
      Batch samples,
      Backend backend)
      throws IOException {
    SamplePlot plot = new SamplePlot(title, mixture, process, time, samples, backend);
    PlotFile.write(path, plot.mixture.dimension() == 1 ? plot.histogram() : plot.scatter());
  }

  private XYChart scatter() {
    double[] x = column(0, MAX_POINTS);
    double[] y = column(1, MAX_POINTS);
    double[] xRange = range(x, 0);
    double[] yRange = range(y, 1);
    widen(xRange, (yRange[1] - yRange[0]) / MAX_ASPECT);
    widen(yRange, (xRange[1] - xRange[0]) * MIN_ASPECT);
    List<Contours.Lines> contours = contours(xRange, yRange);
    // One unit must be as long up as it is across. The room that the axes take is known only once
    // the chart is painted, and grows a little with it.
    int height = PlotFile.HEIGHT;
    double[] fewX = Arrays.copyOf(x, Math.min(1, x.length));
    double[] fewY = Arrays.copyOf(y, fewX.length);
    for (int i = 0; i < 3; i++) {
      XYChart draft = scatter(fewX, fewY, xRange, yRange, contours, height);
      PlotFile.paint(draft, 1);
      double across = draft.getScreenXFromChart(xRange[1]) - draft.getScreenXFromChart(xRange[0]);
      double up = draft.getScreenYFromChart(yRange[0]) - draft.getScreenYFromChart(yRange[1]);
      double wanted = across * (yRange[1] - yRange[0]) / (xRange[1] - xRange[0]);
      height += (int) Math.round(wanted - up);
    }
    return scatter(x, y, xRange, yRange, contours, height);
  }

  private static void widen(double[] range, double least) {
    double missing = Math.max(0, least - (range[1] - range[0]));
    range[0] -= missing / 2;
    range[1] += missing / 2;
  }

  private XYChart scatter(
      double[] x,
      double[] y,
      double[] xRange,
      double[] yRange,
      List<Contours.Lines> contours,
      int height) {
    XYChart chart = PlotFile.chart(title, "x1", "x2", PlotFile.WIDTH, height);
    chart
        .getStyler()
        .setXAxisMin(xRange[0])
        .setXAxisMax(xRange[1])
        .setYAxisMin(yRange[0])
        .setYAxisMax(yRange[1])
        .setMarkerSize(x.length > CROWD ? 2 : 4);
    for (int i = PARTS.length - 1; i >= 0; i--) {
      Contours.Lines lines = contours.get(i);
      if (!lines.xs().isEmpty()) {
        XYSeries series =
            chart.addSeries("%.0f%% of density".formatted(100 * PARTS[i]), lines.xs(), lines.ys());
        series.setMarker(SeriesMarkers.NONE);
        series.setLineColor(PART_COLORS[i]);
        series.setLineStyle(new BasicStroke(1.2f));
      }
    }
    if (x.length > 0) {
      XYSeries points = chart.addSeries("samples", x, y);
      points.setXYSeriesRenderStyle(XYSeriesRenderStyle.Scatter);
      points.setMarker(SeriesMarkers.CIRCLE);
      points.setMarkerColor(translucent(PlotFile.BLUE, x.length > CROWD ? 90 : 130));
    }
    return chart;
  }

  private XYChart histogram() {
    double[] values = column(0, Integer.MAX_VALUE - 8);
    double[] range = range(values, 0);
    XYChart chart = PlotFile.chart(title, "x", "density", PlotFile.WIDTH, PlotFile.HEIGHT);
    double[] edges = lattice(range, BINS + 1);
    double[] heights = new double[BINS + 1];
    double width = edges[1] - edges[0];
    for (double value : values) {
      int bin = (int) Math.floor((value - range[0]) / width);
      if (bin >= 0 && bin < BINS) {
        heights[bin] += 1 / (width * values.length);
      }
    }
    XYSeries bars = chart.addSeries("samples", edges, heights);
    bars.setXYSeriesRenderStyle(XYSeriesRenderStyle.StepArea);
    bars.setMarker(SeriesMarkers.NONE);
    bars.setLineColor(PlotFile.BLUE);
    bars.setFillColor(translucent(PlotFile.BLUE, 90));
    bars.setLineStyle(new BasicStroke(1));

    double[] curve = lattice(range, CURVE_POINTS);
    double[] density = Arrays.stream(logDensity(curve, 1)).map(Math::exp).toArray();
    XYSeries line = chart.addSeries("density", curve, density);
    line.setMarker(SeriesMarkers.NONE);
    line.setLineColor(PlotFile.ORANGE);
    line.setLineStyle(new BasicStroke(1.8f));
    chart.getStyler().setXAxisMin(range[0]).setXAxisMax(range[1]).setYAxisMin(0.0);
    return chart;
  }

  private static Color translucent(Color color, int alpha) {
    return new Color(color.getRed(), color.getGreen(), color.getBlue(), alpha);
  }

  /** The finite values of a column, of evenly spaced rows if there are more than wanted. */
  private double[] column(int column, int most) {
    long step = Math.max(1, Math.ceilDiv(samples.rows(), most));
    int count = (int) Math.ceilDiv(samples.rows(), step);
    try (Batch host = Batch.allocateHost(samples.rows(), samples.columns(), samples.precision())) {
      host.copyFrom(samples);
      return IntStream.range(0, count).mapToDouble(i -> host.get(i * step, column)).toArray();
    }
  }

  /** Where most samples lie, and the means of all components that count. */
  private double[] range(double[] values, int coordinate) {
    double[] sorted = Arrays.stream(values).filter(Double::isFinite).sorted().toArray();
    int tail = (int) (RANGE_TAIL * sorted.length);
    double low = sorted.length == 0 ? Double.POSITIVE_INFINITY : sorted[tail];
    double high = sorted.length == 0 ? Double.NEGATIVE_INFINITY : sorted[sorted.length - 1 - tail];
    double alpha = process.alpha(time);
    for (int k = 0; k < mixture.components(); k++) {
      if (mixture.weight(k) * mixture.components() > 0.01) {
        low = Math.min(low, alpha * mixture.mean(k, coordinate));
        high = Math.max(high, alpha * mixture.mean(k, coordinate));
      }
    }
    double margin = high > low ? MARGIN * (high - low) : Math.max(1e-3, Math.abs(low) * 1e-3);
    return new double[] {low - margin, high + margin};
  }

  private static double[] lattice(double[] range, int count) {
    double[] points = new double[count];
    for (int i = 0; i < count; i++) {
      points[i] = range[0] + (range[1] - range[0]) * i / (count - 1);
    }
    return points;
  }

  private List<Contours.Lines> contours(double[] xRange, double[] yRange) {
    int side = (int) Math.clamp(Math.sqrt(LATTICE_WORK / mixture.components()), 50, MAX_LATTICE);
    double[] xs = lattice(xRange, side);
    double[] ys = lattice(yRange, side);
    double[] points = new double[2 * side * side];
    for (int i = 0; i < side * side; i++) {
      points[2 * i] = xs[i % side];
      points[2 * i + 1] = ys[i / side];
    }
    double[] values = logDensity(points, 2);
    double[][] rows = new double[side][];
    for (int row = 0; row < side; row++) {
      rows[row] = Arrays.copyOfRange(values, row * side, (row + 1) * side);
    }
    Contours contours = new Contours(xs, ys, rows);
    return Arrays.stream(PARTS).mapToObj(part -> contours.at(contours.levelHolding(part))).toList();
  }

  private double[] logDensity(double[] points, int columns) {
    long rows = points.length / columns;
    try (Batch x = backend.allocate(rows, columns, Precision.FLOAT64);
        Batch values = backend.allocate(rows, 1, Precision.FLOAT64)) {
      x.copyFrom(points);
      backend.mixture(
          DiffusedMixture.at(mixture, process, time),
          x,
          MixtureOutputs.none().withLogDensity(values));
      return values.toDoubleArray();
    }
  }
}
