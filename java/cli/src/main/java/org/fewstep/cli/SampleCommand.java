package org.fewstep.cli;

import com.fasterxml.jackson.core.JsonGenerator;
import java.io.IOException;
import java.nio.file.Path;
import java.util.concurrent.Callable;
import org.fewstep.backend.Backend;
import org.fewstep.backend.Batch;
import org.fewstep.distill.DistilledFlow;
import org.fewstep.io.AtomicFile;
import org.fewstep.io.FileFormatException;
import org.fewstep.io.NetworkFiles;
import org.fewstep.io.Npy;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;

/** Samples by a distilled flow. */
@Command(name = "sample", description = "Turns noise into samples by a distilled flow.")
final class SampleCommand implements Callable<Integer> {

  @Mixin private CommonOptions common;
  @Mixin private NoiseOptions noise;

  @Option(
      names = "--flow",
      required = true,
      paramLabel = "F.safetensors",
      description = "What the verb distill wrote.")
  private Path flow;

  @Option(
      names = "--output",
      required = true,
      paramLabel = "Y.npy",
      description = "The samples, [n,d].")
  private Path output;

  @Option(
      names = "--repeat",
      paramLabel = "N",
      description = "Samples N times after a warm-up; --json tells how long it took.")
  private Integer repeat;

  @Override
  public Integer call() throws IOException {
    common.check();
    Timing.check(repeat);
    noise.check();
    DistilledFlow distilled = read();
    common.requireNoOtherProcess(flow, distilled.process());
    if (noise.count() != null) {
      Memory.requireBatches(noise.count(), distilled.dimension(), common.precision(), 2);
    }
    try (Backend backend = common.openBackend();
        Batch x =
            noise.readOrDraw(
                common,
                distilled.dimension(),
                "flow",
                backend,
                (rows, seed) -> distilled.noise(backend, rows, common.precision(), seed));
        Batch y = backend.allocate(x.rows(), x.columns(), x.precision())) {
      AtomicFile.requireWritable(output);
      Timing.Work work =
          () -> {
            distilled.sample(backend, x, y);
            backend.synchronize();
          };
      Timing timing = repeat == null ? Timing.once(work) : Timing.repeat(repeat, work);
      Npy.write(output, y);
      report(distilled, y, backend, timing);
    }
    return 0;
  }

  private DistilledFlow read() throws IOException {
    try {
      return DistilledFlow.of(NetworkFiles.read(flow).networks());
    } catch (FileFormatException e) {
      throw e;
    } catch (IllegalArgumentException e) {
      throw new IllegalArgumentException(flow + " is no distilled flow: " + e.getMessage(), e);
    }
  }

  private void report(DistilledFlow distilled, Batch y, Backend backend, Timing timing)
      throws IOException {
    if (common.json()) {
      Json.print(common.out(), out -> write(out, distilled, y, backend, timing));
    } else if (common.talkative()) {
      common
          .out()
          .printf(
              "wrote %d samples to %s: %d networks, %s, %s, %s%n",
              y.rows(),
              output,
              distilled.networks().size(),
              backend.name(),
              common.precisionName(),
              timing);
    }
  }

  private void write(
      JsonGenerator out, DistilledFlow distilled, Batch y, Backend backend, Timing timing)
      throws IOException {
    out.writeStringField("backend", backend.name());
    out.writeStringField("precision", common.precisionName());
    out.writeNumberField("threads", backend.threads());
    out.writeNumberField("rows", y.rows());
    timing.write(out);
    out.writeNumberField("networks", distilled.networks().size());
    out.writeNumberField("parameters", distilled.parameters());
    Json.numbers(out, "knots", distilled.grid().knots());
    out.writeStringField("output", output.toString());
  }
}
