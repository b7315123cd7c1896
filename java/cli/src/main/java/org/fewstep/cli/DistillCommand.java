package org.fewstep.cli;

import com.fasterxml.jackson.core.JsonGenerator;
import java.io.IOException;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.concurrent.Callable;
import org.fewstep.backend.Backend;
import org.fewstep.backend.Batch;
import org.fewstep.backend.Precision;
import org.fewstep.diffusion.Diffusion;
import org.fewstep.distill.Distillation;
import org.fewstep.distill.DistillationOptions;
import org.fewstep.distill.DistillationResult;
import org.fewstep.distill.FlowError;
import org.fewstep.distill.OneStepDiagnosis;
import org.fewstep.distill.SegmentReport;
import org.fewstep.grid.GridSpec;
import org.fewstep.grid.TimeGrid;
import org.fewstep.io.AtomicFile;
import org.fewstep.io.CheckpointFiles;
import org.fewstep.io.NetworkFiles;
import org.fewstep.mixture.GaussianMixture;
import org.fewstep.training.Schedule;
import org.fewstep.training.TrainingOptions;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;

/** Distils the flow of a mixture into networks, one a segment. */
@Command(
    name = "distill",
    description = "Distils the flow of a mixture into a composition of small networks.")
final class DistillCommand implements Callable<Integer> {

  private static final double FINE_TUNING_RATE = 3e-4;
  private static final int PLOTTED = 10_000;

  @Mixin private CommonOptions common;
  @Mixin private MixtureOptions mixtureOptions;
  @Mixin private TimeOptions times;

  @Option(
      names = "--grid",
      paramLabel = "KIND:SEGMENTS",
      description =
          "uniform, log-snr, karras, stability, typical or student (default typical:8). A student"
              + " grid trains many small students to find its knots.")
  private String grid;

  @Option(
      names = "--seed",
      required = true,
      paramLabel = "S",
      description = "Of trajectories, initial parameters and mini-batches.")
  private long seed;

  @Option(
      names = "--output",
      required = true,
      paramLabel = "F.safetensors",
      description = "The distilled flow.")
  private Path output;

  @Option(names = "--steps", paramLabel = "N", description = "Of each segment (default 4000).")
  private Integer steps;

  @Option(
      names = "--width",
      paramLabel = "W",
      description =
          "Units of each hidden layer (default 8 a coordinate, but at least 32 and at most 256).")
  private Integer width;

  @Option(
      names = "--fine-tune",
      paramLabel = "N",
      description = "Then trains all segments together for N steps, end to end.")
  private Integer fineTune;

  @Option(
      names = "--checkpoint",
      paramLabel = "DIR",
      description = "Keeps checkpoints in a folder, and goes on from those that are there.")
  private Path checkpoint;

  @Option(
      names = "--diagnose",
      description = "Also trains one network of as many parameters for the whole way.")
  private boolean diagnose;

  @Option(
      names = "--plot",
      paramLabel = "P.png|P.svg",
      description = "Draws samples of the distilled flow over the density.")
  private Path plot;

  @Override
  public Integer call() throws IOException {
    common.check();
    if (plot != null) {
      PlotFile.requireKnown(plot);
      AtomicFile.requireWritable(plot);
    }
    AtomicFile.requireWritable(output);
    GridSpec spec = grid == null ? GridSpec.DISTILLATION_DEFAULT : GridSpec.parse(grid);
    GaussianMixture mixture = mixtureOptions.load();
    DistillationOptions options = options(mixture.dimension());
    Diffusion process = common.process();
    try (Backend backend = common.openBackend();
        Progress progress = new Progress("distill", common.showsProgress())) {
      TimeGrid knots = times.learnedGrid(mixture, process, spec, options.student(), backend);
      Distillation distillation =
          Distillation.of(mixture, process).withOptions(options).withListener(progress::update);
      if (checkpoint != null) {
        distillation = distillation.withCheckpoints(CheckpointFiles.in(checkpoint));
      }
      OneStepDiagnosis diagnosis = diagnose ? distillation.diagnose(backend, knots) : null;
      DistillationResult result = diagnose ? diagnosis.many() : distillation.run(backend, knots);
      NetworkFiles.write(
          output,
          result.flow().networks(),
          common.precision(),
          Map.of("mixture", mixtureOptions.label(), "grid", spec.toString()));
      if (plot != null) {
        draw(mixture, process, spec, result, backend);
      }
      report(spec, result, diagnosis);
    }
    return 0;
  }

  private DistillationOptions options(int dimension) {
    TrainingOptions training = new TrainingOptions().withSeed(seed);
    if (steps != null) {
      training = training.withSteps(steps);
    }
    DistillationOptions options =
        new DistillationOptions(dimension).withTraining(training).withPrecision(common.precision());
    if (width != null) {
      options = options.withWidth(width);
    }
    if (fineTune != null) {
      options =
          options.withFineTuning(
              training.withSteps(fineTune).withSchedule(Schedule.cosine(FINE_TUNING_RATE)));
    }
    return options;
  }

  private void draw(
      GaussianMixture mixture,
      Diffusion process,
      GridSpec spec,
      DistillationResult result,
      Backend backend)
      throws IOException {
    try (Batch x = result.flow().noise(backend, PLOTTED, Precision.FLOAT32, seed)) {
      result.flow().sample(backend, x, x);
      SamplePlot.write(
          plot,
          "%s: distilled on %s, %,d samples".formatted(mixtureOptions.label(), spec, PLOTTED),
          mixture,
          process,
          result.flow().grid().end(),
          x,
          backend);
    }
  }

  private void report(GridSpec spec, DistillationResult result, OneStepDiagnosis diagnosis)
      throws IOException {
    if (common.json()) {
      Json.print(common.out(), out -> write(out, spec, result, diagnosis));
    } else if (common.talkative()) {
      print(spec, result, diagnosis);
    }
  }

  private void print(GridSpec spec, DistillationResult result, OneStepDiagnosis diagnosis) {
    StringBuilder text = new StringBuilder();
    text.append(
        "%9s %9s %11s %11s %12s %9s %9s%n"
            .formatted("from", "to", "error", "99%", "exp(int L)", "exact |J|", "learned"));
    for (SegmentReport segment : result.segments()) {
      text.append(
          "%9.4g %9.4g %11.3g %11.3g %12.3g %9.3g %9.3g%n"
              .formatted(
                  segment.start(),
                  segment.end(),
                  segment.localError().mean(),
                  segment.localError().trimmed(),
                  segment.stabilityBound(),
                  segment.exactAmplification(),
                  segment.learnedAmplification()));
    }
    text.append(
        "end to end: relative error %.3g, of the best 99%% %.3g; %d parameters on %s, %s%n"
            .formatted(
                result.error().mean(),
                result.error().trimmed(),
                result.flow().parameters(),
                spec,
                output));
    if (diagnosis != null) {
      text.append(
          "one step with %d parameters: %.3g, %.2g times the error; the exact flow parts states %.2g"
              .formatted(
                  diagnosis.one().flow().parameters(),
                  diagnosis.one().error().mean(),
                  diagnosis.errorRatio(),
                  diagnosis.mismatchOfOne()));
      text.append(
          " times as much as it does (segments: %.2g at the most)%n"
              .formatted(diagnosis.largestMismatchOfMany()));
    }
    common.out().print(text);
  }

  private void write(
      JsonGenerator out, GridSpec spec, DistillationResult result, OneStepDiagnosis diagnosis)
      throws IOException {
    out.writeStringField("grid", spec.toString());
    Json.numbers(out, "knots", result.flow().grid().knots());
    out.writeNumberField("parameters", result.flow().parameters());
    writeError(out, "error", result.error());
    writeSegments(out, result.segments());
    if (diagnosis != null) {
      out.writeObjectFieldStart("one_step");
      out.writeNumberField("parameters", diagnosis.one().flow().parameters());
      writeError(out, "error", diagnosis.one().error());
      Json.number(out, "error_ratio", diagnosis.errorRatio());
      Json.number(out, "mismatch", diagnosis.mismatchOfOne());
      Json.number(out, "largest_mismatch_of_segments", diagnosis.largestMismatchOfMany());
      writeSegments(out, diagnosis.one().segments());
      out.writeEndObject();
    }
    out.writeStringField("output", output.toString());
  }

  /** An error as an object. */
  static void writeError(JsonGenerator out, String name, FlowError error) throws IOException {
    out.writeObjectFieldStart(name);
    Json.number(out, "mean", error.mean());
    Json.number(out, "trimmed", error.trimmed());
    out.writeEndObject();
  }

  private static void writeSegments(JsonGenerator out, List<SegmentReport> segments)
      throws IOException {
    out.writeArrayFieldStart("segments");
    for (SegmentReport segment : segments) {
      out.writeStartObject();
      Json.number(out, "start", segment.start());
      Json.number(out, "end", segment.end());
      writeError(out, "error", segment.localError());
      Json.number(out, "displacement", segment.displacement());
      Json.number(out, "stability_bound", segment.stabilityBound());
      Json.number(out, "exact_amplification", segment.exactAmplification());
      Json.number(out, "mean_exact_amplification", segment.meanExactAmplification());
      Json.number(out, "learned_amplification", segment.learnedAmplification());
      out.writeEndObject();
    }
    out.writeEndArray();
  }
}
