package org.fewstep.cli;

import com.fasterxml.jackson.core.JsonGenerator;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.EnumMap;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.Callable;
import java.util.stream.Collectors;
import org.fewstep.backend.Backend;
import org.fewstep.backend.Batch;
import org.fewstep.backend.MixtureOutputs;
import org.fewstep.io.AtomicFile;
import org.fewstep.mixture.DiffusedMixture;
import org.fewstep.mixture.GaussianMixture;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;

/** Evaluates a mixture at one time for every point of a file. */
@Command(
    name = "evaluate",
    description =
        "Writes score, log-density and more of a mixture at time T, as DIR/<quantity>.npy.")
final class EvaluateCommand implements Callable<Integer> {

  /**
   * Components times coordinates between two looks at the progress: some hundredths of a second.
   */
  private static final long WORK_PER_CHUNK = 1L << 25;

  @Mixin private CommonOptions common;
  @Mixin private MixtureOptions mixtureOptions;

  @Option(
      names = "--points",
      required = true,
      paramLabel = "X.npy",
      description = "Points, [n,d] (or [n] for d = 1).")
  private Path points;

  @Option(
      names = "--time",
      required = true,
      paramLabel = "T",
      description = "The time of the process: 0 is data.")
  private double time;

  @Option(
      names = "--output",
      required = true,
      paramLabel = "DIR",
      description = "The folder of the results; made if it is not there.")
  private Path output;

  @Option(
      names = "--quantities",
      paramLabel = "LIST",
      description =
          "Of score, log-density, posterior-mean, divergence, jvp, responsibilities"
              + " (default: score,log-density; and jvp if --direction is given).")
  private String quantities;

  @Option(
      names = "--direction",
      paramLabel = "V.npy",
      description = "The vectors [n,d] that jvp applies the Hessian of log p to.")
  private Path direction;

  @Option(
      names = "--repeat",
      paramLabel = "N",
      description = "Runs the kernel N times after a warm-up; --json tells how long it took.")
  private Integer repeat;

  @Override
  public Integer call() throws IOException {
    common.check();
    Timing.check(repeat);
    Set<Quantity> wanted = quantities();
    GaussianMixture mixture = mixtureOptions.load();
    common.process().requireTime("--time", time);
    DiffusedMixture diffused = DiffusedMixture.at(mixture, common.process(), time);
    try (Backend backend = common.openBackend();
        Batch x = common.readPoints("--points", points, mixture.dimension(), "mixture", backend);
        Batch v = direction == null ? null : readDirection(mixture, x, backend)) {
      Map<Quantity, Batch> results = allocate(wanted, mixture, x, backend);
      prepareFolder(wanted);
      Timing timing = run(backend, diffused, x, v, results);
      for (Map.Entry<Quantity, Batch> result : results.entrySet()) {
        result.getKey().write(output, result.getValue());
      }
      report(backend, x, wanted, timing);
      results.values().forEach(Batch::close);
    }
    return 0;
  }

  private Set<Quantity> quantities() {
    Set<Quantity> wanted =
        Quantity.parse(
            quantities != null
                ? quantities
                : direction == null ? "score,log-density" : "score,log-density,jvp");
    if (wanted.contains(Quantity.JVP) != (direction != null)) {
      throw new IllegalArgumentException(
          direction == null
              ? "the quantity jvp needs --direction V.npy"
              : "--direction is of use only to the quantity jvp; add it to --quantities");
    }
    return wanted;
  }

  private Batch readDirection(GaussianMixture mixture, Batch x, Backend backend)
      throws IOException {
    Batch v = common.readPoints("--direction", direction, mixture.dimension(), "mixture", backend);
    if (v.rows() != x.rows()) {
      v.close();
      throw new IllegalArgumentException(
          "--direction must have one row per point (%d), but %s has %d"
              .formatted(x.rows(), direction, v.rows()));
    }
    return v;
  }

  private Map<Quantity, Batch> allocate(
      Set<Quantity> wanted, GaussianMixture mixture, Batch x, Backend backend) {
    Map<Quantity, Batch> results = new EnumMap<>(Quantity.class);
    for (Quantity quantity : wanted) {
      results.put(
          quantity, backend.allocate(x.rows(), quantity.columns(mixture), common.precision()));
    }
    return results;
  }

  /** Makes sure, before the work, that its results can be written. */
  private void prepareFolder(Set<Quantity> wanted) throws IOException {
    Files.createDirectories(output);
    for (Quantity quantity : wanted) {
      AtomicFile.requireWritable(quantity.fileIn(output));
    }
  }

  private Timing run(
      Backend backend, DiffusedMixture mixture, Batch x, Batch v, Map<Quantity, Batch> results)
      throws IOException {
    if (repeat != null) {
      return Timing.repeat(repeat, () -> evaluate(backend, mixture, x, v, results));
    }
    return Timing.once(() -> evaluateInChunks(backend, mixture, x, v, results));
  }

  private void evaluateInChunks(
      Backend backend, DiffusedMixture mixture, Batch x, Batch v, Map<Quantity, Batch> results) {
    long work = (long) mixture.mixture().components() * x.columns();
    long chunk = Math.max(1, WORK_PER_CHUNK / work);
    try (Progress progress = new Progress("evaluate", common.showsProgress())) {
      for (long row = 0; row < x.rows(); row += chunk) {
        long first = row;
        long count = Math.min(chunk, x.rows() - row);
        Map<Quantity, Batch> slices = new EnumMap<>(Quantity.class);
        results.forEach((quantity, batch) -> slices.put(quantity, batch.slice(first, count)));
        Batch directions = v == null ? null : v.slice(first, count);
        evaluate(backend, mixture, x.slice(first, count), directions, slices);
        progress.update(row + count, x.rows());
      }
    }
  }

  private static void evaluate(
      Backend backend, DiffusedMixture mixture, Batch x, Batch v, Map<Quantity, Batch> results) {
    MixtureOutputs outputs = MixtureOutputs.none();
    for (Map.Entry<Quantity, Batch> result : results.entrySet()) {
      outputs = result.getKey().addTo(outputs, result.getValue(), v);
    }
    backend.mixture(mixture, x, outputs);
    backend.synchronize();
  }

  private void report(Backend backend, Batch x, Set<Quantity> wanted, Timing timing)
      throws IOException {
    if (common.json()) {
      Json.print(common.out(), out -> write(out, backend, x, wanted, timing));
    } else if (common.talkative()) {
      common
          .out()
          .printf(
              "wrote %s of %d points to %s: %s, %s, %s%n",
              wanted.stream().map(Quantity::label).collect(Collectors.joining(", ")),
              x.rows(),
              output,
              backend.name(),
              common.precisionName(),
              timing);
    }
  }

  private void write(
      JsonGenerator out, Backend backend, Batch x, Set<Quantity> wanted, Timing timing)
      throws IOException {
    out.writeStringField("backend", backend.name());
    out.writeStringField("precision", common.precisionName());
    out.writeNumberField("threads", backend.threads());
    out.writeNumberField("rows", x.rows());
    timing.write(out);
    out.writeArrayFieldStart("outputs");
    for (Quantity quantity : wanted) {
      out.writeString(quantity.fileIn(output).toString());
    }
    out.writeEndArray();
  }
}
