package org.fewstep.cli;

import java.awt.BasicStroke;
import java.io.IOException;
import java.nio.file.Path;
import java.util.stream.IntStream;
import org.fewstep.backend.Backend;
import org.fewstep.flow.Flow;
import org.fewstep.grid.GridKind;
import org.fewstep.grid.GridSpec;
import org.fewstep.grid.TimeGrid;
import org.knowm.xchart.XYChart;
import org.knowm.xchart.XYSeries;
import org.knowm.xchart.style.markers.SeriesMarkers;

/** The knots of a time grid on its cumulative curve, over time. */
final class GridPlot {

  /** The curve is that of a grid of the same kind with about so many segments. */
  private static final int CURVE_SEGMENTS = 512;

  /** More markers than this hide each other. */
  private static final int MAX_MARKERS = 1000;

  private GridPlot() {}

  /** Draws a grid. */
  static void write(Path path, String label, Flow flow, TimeGrid grid, Backend backend)
      throws IOException {
    XYChart chart =
        PlotFile.chart(
            "%s: %s:%d".formatted(label, grid.kind(), grid.segments()),
            "time t",
            "cumulative coordinate",
            PlotFile.WIDTH,
            PlotFile.HEIGHT);
    // Grids of a flow crowd towards the data; only a logarithm shows them.
    boolean logarithmic = grid.end() > 0;
    chart.getStyler().setXAxisLogarithmic(logarithmic).setMarkerSize(7);
    TimeGrid fine = fine(flow, grid, backend);
    XYSeries curve = chart.addSeries("cumulative", uneven(fine.knots()), uneven(fine.cumulative()));
    curve.setMarker(SeriesMarkers.NONE);
    curve.setLineColor(PlotFile.GREY);
    curve.setLineStyle(new BasicStroke(1.5f));
    XYSeries knots = chart.addSeries("knots", few(grid.knots()), few(grid.cumulative()));
    knots.setMarker(SeriesMarkers.CIRCLE);
    knots.setMarkerColor(PlotFile.ORANGE);
    knots.setLineStyle(new BasicStroke(0, BasicStroke.CAP_BUTT, BasicStroke.JOIN_BEVEL));
    knots.setXYSeriesRenderStyle(XYSeries.XYSeriesRenderStyle.Scatter);
    PlotFile.write(path, chart);
  }

  /**
   * Without the second value: XChart takes evenly spaced values, however crooked, for its ticks.
   */
  private static double[] uneven(double[] values) {
    return IntStream.range(0, values.length)
        .filter(i -> i != 1 || values.length == 2)
        .mapToDouble(i -> values[i])
        .toArray();
  }

  /** Evenly chosen values, the first and the last among them, if there are too many to be seen. */
  private static double[] few(double[] values) {
    int count = Math.min(values.length, MAX_MARKERS);
    return IntStream.range(0, count)
        .mapToDouble(i -> values[(int) ((long) i * (values.length - 1) / (count - 1))])
        .toArray();
  }

  /** A grid that shows the curve; of those that were searched for only the knots are known. */
  private static TimeGrid fine(Flow flow, TimeGrid grid, Backend backend) {
    GridKind kind = GridKind.named(grid.kind());
    if (kind.isSearched() || grid.segments() >= CURVE_SEGMENTS) {
      return grid;
    }
    int segments = grid.segments() * Math.ceilDiv(CURVE_SEGMENTS, grid.segments());
    return flow.withGrid(new GridSpec(kind, segments)).grid(backend);
  }
}
