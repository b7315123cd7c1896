package org.fewstep.cli;

import com.fasterxml.jackson.core.JsonGenerator;
import java.io.IOException;
import java.nio.file.Path;
import java.util.Map;
import java.util.concurrent.Callable;
import org.fewstep.backend.Precision;
import org.fewstep.io.AtomicFile;
import org.fewstep.io.NetworkFiles;
import org.fewstep.mixture.GaussianMixture;
import org.fewstep.network.CompiledScore;
import org.fewstep.network.NetworkCompiler;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;

/** Compiles the score of a mixture, at a time or on a range of times, to networks in a file. */
@Command(
    name = "compile",
    description = {
      "Writes the score of a mixture as a ReLU-ReQU network that holds a tolerance.",
      "With --precision f32, the default, it holds in float32; a range of times is cut into pieces."
    })
final class NetworkCompileCommand implements Callable<Integer> {

  @Mixin private CommonOptions common;
  @Mixin private MixtureOptions mixtureOptions;

  @Option(
      names = "--time",
      required = true,
      paramLabel = "T[:T2]",
      description = "The time of the process, or a range of times for a network that takes it.")
  private String time;

  @Option(
      names = "--tolerance",
      paramLabel = "E",
      description = "The error of the score in L2(p_t), absolute (default 1e-3).")
  private double tolerance = NetworkCompiler.DEFAULT_TOLERANCE;

  @Option(
      names = "--output",
      required = true,
      paramLabel = "N.safetensors",
      description = "The file of the network.")
  private Path output;

  @Override
  public Integer call() throws IOException {
    common.check();
    double[] times = times();
    GaussianMixture mixture = mixtureOptions.load();
    AtomicFile.requireWritable(output);
    CompiledScore[] score = new CompiledScore[1];
    Timing timing = Timing.once(() -> score[0] = compile(mixture, times));
    NetworkFiles.write(output, score[0].pieces(), common.precision(), metadata(score[0]));
    report(score[0], timing);
    return 0;
  }

  /** One time, or two with the smaller one first. */
  private double[] times() {
    String[] words = time.split(":", -1);
    double[] times = new double[words.length];
    try {
      for (int i = 0; i < words.length; i++) {
        times[i] = Double.parseDouble(words[i]);
      }
    } catch (NumberFormatException e) {
      throw malformedTime(e);
    }
    if (times.length > 2) {
      throw malformedTime(null);
    }
    for (double t : times) {
      common.process().requireTime("--time", t);
    }
    return times.length == 2 && times[0] > times[1] ? new double[] {times[1], times[0]} : times;
  }

  private IllegalArgumentException malformedTime(Throwable cause) {
    return new IllegalArgumentException(
        "--time must be a number T or two, T:T2, but is '%s'".formatted(time), cause);
  }

  private CompiledScore compile(GaussianMixture mixture, double[] times) {
    try {
      NetworkCompiler compiler =
          NetworkCompiler.of(mixture, common.process()).withTolerance(tolerance);
      if (common.precision() == Precision.FLOAT64) {
        compiler = compiler.forFloat64();
      }
      return times.length == 1 ? compiler.compile(times[0]) : compiler.compile(times[0], times[1]);
    } catch (IllegalArgumentException e) {
      // The cures that the library names are calls; here they are options.
      throw new IllegalArgumentException(
          e.getMessage()
              .replace("forFloat64()", "--precision f64")
              .replace("compile(t)", "--time T"),
          e);
    }
  }

  private static Map<String, String> metadata(CompiledScore score) {
    return Map.of("tolerance", Double.toString(score.tolerance()));
  }

  private void report(CompiledScore score, Timing timing) throws IOException {
    if (common.json()) {
      Json.print(common.out(), out -> write(out, score, timing));
    } else if (common.talkative()) {
      common
          .out()
          .printf(
              "wrote %s to %s: %d layers of at most %d units, %d parameters;"
                  + " error at most %.2e proved, %.2e measured in %s; %s%n",
              score.pieces().size() == 1 ? "a network" : score.pieces().size() + " networks",
              output,
              score.depth(),
              score.width(),
              score.parameters(),
              score.errorBound(),
              score.measuredError(),
              common.precisionName(),
              timing);
    }
  }

  private void write(JsonGenerator out, CompiledScore score, Timing timing) throws IOException {
    out.writeStringField("precision", common.precisionName());
    timing.write(out);
    out.writeNumberField("networks", score.pieces().size());
    out.writeNumberField("depth", score.depth());
    out.writeNumberField("width", score.width());
    out.writeNumberField("parameters", score.parameters());
    Json.number(out, "tolerance", score.tolerance());
    Json.number(out, "error-bound", score.errorBound());
    out.writeBooleanField("everywhere", score.everywhere());
    Json.number(out, "rounding-error", score.roundingError());
    Json.number(out, "measured-error", score.measuredError());
    out.writeStringField("output", output.toString());
  }
}
