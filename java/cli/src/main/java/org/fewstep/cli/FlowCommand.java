package org.fewstep.cli;

import com.fasterxml.jackson.core.JsonGenerator;
import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.concurrent.Callable;
import java.util.stream.Collectors;
import org.fewstep.backend.Backend;
import org.fewstep.backend.Batch;
import org.fewstep.flow.Flow;
import org.fewstep.flow.FlowResult;
import org.fewstep.flow.RowStatus;
import org.fewstep.grid.GridSpec;
import org.fewstep.io.AtomicFile;
import org.fewstep.io.Npy;
import org.fewstep.mixture.GaussianMixture;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;

/** Turns noise into samples of a mixture by its probability flow. */
@Command(
    name = "flow",
    description = "Runs the probability flow of a mixture from noise to samples, or back.")
final class FlowCommand implements Callable<Integer> {

  @Mixin private CommonOptions common;
  @Mixin private MixtureOptions mixtureOptions;
  @Mixin private FlowOptions flowOptions;
  @Mixin private NoiseOptions noise;

  @Option(
      names = "--output",
      required = true,
      paramLabel = "Y.npy",
      description = "The samples, [n,d], or with --trajectory [segments+1,n,d].")
  private Path output;

  @Option(
      names = "--grid",
      paramLabel = "KIND:SEGMENTS",
      description =
          "uniform, log-snr, karras, stability, typical or refined (default log-snr:8). With dopri5"
              + " its knots are the outputs of --trajectory.")
  private String grid;

  @Option(
      names = "--rtol",
      paramLabel = "R",
      description = "The relative tolerance of dopri5 (default 1e-5).")
  private Double relativeTolerance;

  @Option(
      names = "--atol",
      paramLabel = "A",
      description = "The absolute tolerance of dopri5 (default 1e-5).")
  private Double absoluteTolerance;

  @Option(
      names = "--reverse",
      description = "From data (--end) to noise (--start); --noise then holds the data.")
  private boolean reverse;

  @Option(names = "--trajectory", description = "Writes the states at every knot.")
  private boolean trajectory;

  @Option(
      names = "--log-likelihood",
      paramLabel = "OUT.npy",
      description = "Writes log p of the samples along the flow, [n].")
  private Path logLikelihood;

  @Option(
      names = "--plot",
      paramLabel = "P.png|P.svg",
      description = "Draws the samples: two coordinates over the density, or a histogram.")
  private Path plot;

  @Option(names = "--stabilizer", paramLabel = "NAME", description = "Not there yet.")
  private String stabilizer;

  @Option(
      names = "--repeat",
      paramLabel = "N",
      description = "Runs the flow N times after a warm-up; --json tells how long it took.")
  private Integer repeat;

  @Override
  public Integer call() throws IOException {
    common.check();
    Timing.check(repeat);
    checkSource();
    if (stabilizer != null) {
      throw NotYet.refusal("--stabilizer");
    }
    if (plot != null) {
      PlotFile.requireKnown(plot);
    }
    GridSpec spec = grid == null ? GridSpec.FLOW_DEFAULT : GridSpec.parse(grid);
    GaussianMixture mixture = mixtureOptions.load();
    try (Backend backend = common.openBackend()) {
      requireWritableOutputs();
      Flow flow = flow(mixture, spec);
      if (noise.count() != null) {
        Memory.requireBatches(
            noise.count(), mixture.dimension(), common.precision(), batches(spec));
      }
      flow = flow.withGrid(flow.grid(backend));
      try (Batch x = readOrDraw(flow, backend)) {
        run(flow, x, backend);
      }
    }
    return 0;
  }

  private void checkSource() {
    noise.check();
    if (reverse && !noise.fromFile()) {
      throw new IllegalArgumentException(
          "--reverse begins with data, so it needs --noise X.npy that holds them");
    }
  }

  private void requireWritableOutputs() throws IOException {
    List<Path> paths = new ArrayList<>(List.of(output));
    if (logLikelihood != null) {
      paths.add(logLikelihood);
    }
    if (plot != null) {
      paths.add(plot);
    }
    for (int i = 0; i < paths.size(); i++) {
      AtomicFile.requireWritable(paths.get(i));
      for (int j = 0; j < i; j++) {
        if (paths
            .get(i)
            .toAbsolutePath()
            .normalize()
            .equals(paths.get(j).toAbsolutePath().normalize())) {
          throw new IllegalArgumentException("two outputs have the same name: " + paths.get(i));
        }
      }
    }
  }

  private Flow flow(GaussianMixture mixture, GridSpec spec) {
    return flowOptions
        .flow(mixture, common.process(), spec, reverse)
        .withSolver(flowOptions.solver(relativeTolerance, absoluteTolerance))
        .withTrajectory(trajectory)
        .withLogLikelihood(logLikelihood != null);
  }

  /** The batches [n,d] that the flow holds at once. */
  private long batches(GridSpec spec) {
    return 2 + (trajectory ? spec.segments() + 1L : 0) + (logLikelihood != null ? 1 : 0);
  }

  private Batch readOrDraw(Flow flow, Backend backend) throws IOException {
    return noise.readOrDraw(
        common,
        flow.field().dimension(),
        "mixture",
        backend,
        (rows, seed) -> flow.noise(backend, rows, common.precision(), seed));
  }

  private void run(Flow flow, Batch x, Backend backend) throws IOException {
    FlowResult[] last = new FlowResult[1];
    Timing timing = time(flow, x, backend, last);
    try (FlowResult result = last[0]) {
      write(flow, result, backend);
      report(result, backend, timing);
    }
  }

  /** Runs the flow, once or repeatedly, and leaves the last result to the caller. */
  private Timing time(Flow flow, Batch x, Backend backend, FlowResult[] last) throws IOException {
    try (Progress progress = new Progress("flow", common.showsProgress())) {
      Flow reporting = flow.withProgress(progress::update);
      Timing.Work work =
          () -> {
            if (last[0] != null) {
              last[0].close();
            }
            last[0] = reporting.run(backend, x);
            backend.synchronize();
          };
      return repeat == null ? Timing.once(work) : Timing.repeat(repeat, work);
    }
  }

  private void write(Flow flow, FlowResult result, Backend backend) throws IOException {
    if (trajectory) {
      Npy.writeStack(output, result.trajectory());
    } else {
      Npy.write(output, result.end());
    }
    if (logLikelihood != null) {
      Npy.writeVector(logLikelihood, result.logLikelihood());
    }
    if (plot != null) {
      SamplePlot.write(plot, mixtureOptions.label(), flow, result, backend);
    }
  }

  private void report(FlowResult result, Backend backend, Timing timing) throws IOException {
    long failed = result.end().rows() - result.statistics().count(RowStatus.OK);
    if (common.json()) {
      Json.print(common.out(), out -> write(out, result, backend, timing));
    } else if (common.talkative()) {
      common
          .out()
          .printf(
              "wrote %d samples to %s: %s on %s:%d, %s evaluations a row, %s, %s, %s%s%n",
              result.end().rows(),
              output,
              result.solver(),
              result.grid().kind(),
              result.grid().segments(),
              evaluationsPerRow(result),
              backend.name(),
              common.precisionName(),
              timing,
              failed == 0 ? "" : "; %d rows failed: %s".formatted(failed, failures(result)));
    }
  }

  private static String evaluationsPerRow(FlowResult result) {
    double mean =
        result.statistics().totalEvaluations() / (double) Math.max(1, result.end().rows());
    return mean == Math.rint(mean)
        ? Long.toString((long) mean)
        : String.format(Locale.ROOT, "%.1f", mean);
  }

  private static String failures(FlowResult result) {
    return List.of(RowStatus.values()).stream()
        .filter(status -> status != RowStatus.OK && result.statistics().count(status) > 0)
        .map(status -> result.statistics().count(status) + " because " + status.message())
        .collect(Collectors.joining(", "));
  }

  private void write(JsonGenerator out, FlowResult result, Backend backend, Timing timing)
      throws IOException {
    out.writeStringField("backend", result.backend());
    out.writeStringField("precision", common.precisionName());
    out.writeNumberField("threads", backend.threads());
    out.writeNumberField("rows", result.end().rows());
    timing.write(out);
    out.writeStringField("solver", result.solver());
    out.writeStringField("grid", result.grid().kind() + ":" + result.grid().segments());
    Json.numbers(out, "knots", result.grid().knots());
    out.writeBooleanField("reversed", result.reversed());
    out.writeBooleanField("fused", result.fused());
    out.writeNumberField("evaluations", result.statistics().totalEvaluations());
    out.writeObjectFieldStart("status");
    for (RowStatus status : RowStatus.values()) {
      out.writeNumberField(
          status.name().toLowerCase(Locale.ROOT).replace('_', '-'),
          result.statistics().count(status));
    }
    out.writeEndObject();
    out.writeStringField("output", output.toString());
  }
}
