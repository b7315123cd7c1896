package org.fewstep.cli;

import java.awt.Color;
import java.io.IOException;
import java.nio.file.Path;
import java.util.Comparator;
import java.util.List;
import org.fewstep.grid.GridKind;
import org.fewstep.grid.GridSpec;
import org.knowm.xchart.XYChart;
import org.knowm.xchart.XYSeries;
import org.knowm.xchart.style.markers.SeriesMarkers;

/** The error of distilled flows over their number of segments, a curve for each kind of grid. */
final class StudyPlot {

  private static final List<Color> COLORS =
      List.of(PlotFile.GREY, new Color(0x7570B3), PlotFile.BLUE, PlotFile.ORANGE);

  private StudyPlot() {}

  /** Draws one mixture's curves. */
  static void write(Path path, StudyCase studied) throws IOException {
    XYChart chart =
        PlotFile.chart(
            "%s to t = %s: error of distilled flows".formatted(studied.name(), studied.end()),
            "segments",
            "relative mean squared error",
            PlotFile.WIDTH,
            PlotFile.HEIGHT);
    chart.getStyler().setXAxisLogarithmic(true).setYAxisLogarithmic(true).setMarkerSize(7);
    List<GridKind> kinds =
        studied.grids().keySet().stream()
            .filter(spec -> spec.segments() != StudyCommand.SEGMENTS)
            .map(GridSpec::kind)
            .distinct()
            .toList();
    for (int k = 0; k < kinds.size(); k++) {
      GridKind kind = kinds.get(k);
      List<GridSpec> specs =
          studied.grids().keySet().stream()
              .filter(spec -> spec.kind() == kind)
              .sorted(Comparator.comparingInt(GridSpec::segments))
              .toList();
      XYSeries series =
          chart.addSeries(
              kind.label(),
              specs.stream().mapToDouble(GridSpec::segments).toArray(),
              specs.stream().mapToDouble(studied::error).toArray());
      series.setMarker(SeriesMarkers.CIRCLE);
      series.setLineColor(COLORS.get(k % COLORS.size()));
      series.setMarkerColor(COLORS.get(k % COLORS.size()));
    }
    PlotFile.write(path, chart);
  }
}
