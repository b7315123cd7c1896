package org.fewstep.cli;

import com.fasterxml.jackson.core.JsonGenerator;
import java.io.IOException;
import java.nio.file.Path;
import java.util.concurrent.Callable;
import org.fewstep.backend.Backend;
import org.fewstep.backend.Batch;
import org.fewstep.distill.Student;
import org.fewstep.distill.StudentGrid;
import org.fewstep.flow.Flow;
import org.fewstep.grid.GridKind;
import org.fewstep.grid.GridSpec;
import org.fewstep.grid.TimeGrid;
import org.fewstep.io.AtomicFile;
import org.fewstep.io.Npy;
import org.fewstep.mixture.GaussianMixture;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;

/** Computes the time grid of a flow. */
@Command(
    name = "grid",
    description =
        "Prints a time grid as JSON: its kind, its knots from start down to end, and the cumulative"
            + " coordinate that they cut into equal parts.")
final class GridCommand implements Callable<Integer> {

  @Mixin private CommonOptions common;
  @Mixin private MixtureOptions mixtureOptions;
  @Mixin private FlowOptions flowOptions;

  @Option(
      names = "--kind",
      required = true,
      paramLabel = "KIND",
      description =
          "uniform, log-snr, karras, stability, typical, refined (for the --solver), or student"
              + " (for learned segments).")
  private String kind;

  @Option(names = "--segments", required = true, paramLabel = "S", description = "1 or more.")
  private int segments;

  @Option(names = "--output", paramLabel = "G.npy", description = "Writes the knots, [segments+1].")
  private Path output;

  @Option(
      names = "--plot",
      paramLabel = "P.png|P.svg",
      description = "Draws the knots on the cumulative curve.")
  private Path plot;

  @Override
  public Integer call() throws IOException {
    common.check();
    if (plot != null) {
      PlotFile.requireKnown(plot);
      AtomicFile.requireWritable(plot);
    }
    if (output != null) {
      AtomicFile.requireWritable(output);
    }
    GridSpec spec = new GridSpec(GridKind.named(kind), segments);
    GaussianMixture mixture = mixtureOptions.load();
    try (Backend backend = common.openBackend()) {
      Flow flow = flowOptions.flow(mixture, common.process(), spec, false);
      TimeGrid grid = grid(flow, mixture, backend);
      if (output != null) {
        write(grid);
      }
      if (plot != null) {
        GridPlot.write(plot, mixtureOptions.label(), flow, grid, backend);
      }
      if (common.json() || common.talkative()) {
        Json.print(common.out(), out -> write(out, grid));
      }
    }
    return 0;
  }

  /** A student's grid is the one kind that no flow can build: it has to train. */
  private TimeGrid grid(Flow flow, GaussianMixture mixture, Backend backend) {
    if (GridKind.named(kind) != GridKind.STUDENT) {
      return flow.grid(backend);
    }
    StudentGrid.requireSegments(segments);
    return StudentGrid.of(
            mixture,
            common.process(),
            flow.start(),
            flow.end(),
            Student.ofDimension(mixture.dimension()),
            backend,
            0)
        .grid(segments);
  }

  private void write(TimeGrid grid) throws IOException {
    try (Batch knots = Batch.allocateHost(grid.segments() + 1L, 1, common.precision())) {
      knots.copyFrom(grid.knots());
      Npy.writeVector(output, knots);
    }
  }

  private static void write(JsonGenerator out, TimeGrid grid) throws IOException {
    out.writeStringField("kind", grid.kind());
    Json.numbers(out, "knots", grid.knots());
    Json.numbers(out, "cumulative", grid.cumulative());
  }
}
