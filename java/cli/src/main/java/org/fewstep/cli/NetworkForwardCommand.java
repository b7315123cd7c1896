package org.fewstep.cli;

import com.fasterxml.jackson.core.JsonGenerator;
import java.io.IOException;
import java.nio.file.Path;
import java.util.List;
import java.util.concurrent.Callable;
import org.fewstep.backend.Backend;
import org.fewstep.backend.Batch;
import org.fewstep.backend.NetworkOutputs;
import org.fewstep.diffusion.Diffusion;
import org.fewstep.io.AtomicFile;
import org.fewstep.io.NetworkFile;
import org.fewstep.io.NetworkFiles;
import org.fewstep.io.Npy;
import org.fewstep.network.Network;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;

/** Evaluates the network of a file for every point of another. */
@Command(
    name = "forward",
    description = {
      "Writes what a network makes of every point.",
      "Of networks for several ranges of time the one of time T is taken; displacements are run one"
          + " after the other, from noise to data."
    })
final class NetworkForwardCommand implements Callable<Integer> {

  @Mixin private CommonOptions common;

  @Option(
      names = "--network",
      required = true,
      paramLabel = "N.safetensors",
      description = "The network, or several.")
  private Path networks;

  @Option(
      names = "--points",
      required = true,
      paramLabel = "X.npy",
      description = "Points, [n,d] (or [n] for d = 1).")
  private Path points;

  @Option(
      names = "--time",
      paramLabel = "T",
      description = "The time, for a network that takes it or one of several by time.")
  private Double time;

  @Option(
      names = "--output",
      required = true,
      paramLabel = "Y.npy",
      description = "The file of the results, [n,out].")
  private Path output;

  @Option(
      names = "--repeat",
      paramLabel = "N",
      description = "Runs the kernel N times after a warm-up; --json tells how long it took.")
  private Integer repeat;

  @Override
  public Integer call() throws IOException {
    common.check();
    Timing.check(repeat);
    NetworkFile file = NetworkFiles.read(networks);
    file.networks().getFirst().process().ifPresent(this::requireProcess);
    List<Network> chosen = choose(file);
    try (Backend backend = common.openBackend();
        Batch x = common.readPoints("--points", points, file.inputs(), "network", backend);
        Batch y = backend.allocate(x.rows(), file.outputs(), common.precision())) {
      AtomicFile.requireWritable(output);
      Timing.Work work = () -> forward(backend, chosen, x, y);
      Timing timing = repeat == null ? Timing.once(work) : Timing.repeat(repeat, work);
      Npy.write(output, y);
      report(backend, x, chosen, timing);
    }
    return 0;
  }

  private void requireProcess(Diffusion process) {
    common.requireNoOtherProcess(networks, process);
  }

  /** The networks to run one after the other. */
  private List<Network> choose(NetworkFile file) {
    boolean several = file.networks().size() > 1;
    boolean displaces = file.output() == Network.Output.DISPLACEMENT;
    boolean takesTime = file.networks().stream().anyMatch(Network::takesTime);
    if (several && displaces && takesTime) {
      throw new IllegalArgumentException(
          networks + ": displacements that take the time cannot be run one after the other");
    }
    if (time == null && (takesTime || several && !displaces)) {
      throw new IllegalArgumentException(
          "--time is missing: %s holds for the times [%s, %s]"
              .formatted(networks, file.timeLow(), file.timeHigh()));
    }
    if (time == null) {
      return file.networks();
    }
    if (several && displaces) {
      throw new IllegalArgumentException(
          "--time does not go with displacements: %s runs from the time %s to %s"
              .formatted(networks, file.timeHigh(), file.timeLow()));
    }
    if (time.isInfinite()) {
      throw new IllegalArgumentException("--time must be finite, but is " + time);
    }
    return List.of(file.at("--time", time));
  }

  private void forward(Backend backend, List<Network> chosen, Batch x, Batch y) {
    Batch from = x;
    for (Network network : chosen) {
      // A network that takes no time takes any of its times for one.
      double t = time == null ? network.timeLow() : time;
      backend.network(network, t, from, NetworkOutputs.none().withValue(y));
      from = y;
    }
    backend.synchronize();
  }

  private void report(Backend backend, Batch x, List<Network> chosen, Timing timing)
      throws IOException {
    if (common.json()) {
      Json.print(common.out(), out -> write(out, backend, x, chosen, timing));
    } else if (common.talkative()) {
      common
          .out()
          .printf(
              "wrote %s of %d points to %s: %s, %s, %s%n",
              chosen.getFirst().output().label(),
              x.rows(),
              output,
              backend.name(),
              common.precisionName(),
              timing);
    }
  }

  private void write(
      JsonGenerator out, Backend backend, Batch x, List<Network> chosen, Timing timing)
      throws IOException {
    out.writeStringField("backend", backend.name());
    out.writeStringField("precision", common.precisionName());
    out.writeNumberField("threads", backend.threads());
    out.writeNumberField("rows", x.rows());
    timing.write(out);
    out.writeStringField("quantity", chosen.getFirst().output().label());
    out.writeNumberField("networks", chosen.size());
    out.writeNumberField("parameters", chosen.stream().mapToLong(Network::parameters).sum());
    out.writeStringField("output", output.toString());
  }
}
