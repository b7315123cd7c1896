package org.fewstep.distill;

import java.util.ArrayList;
import java.util.List;
import org.fewstep.backend.Backend;
import org.fewstep.backend.Batch;
import org.fewstep.backend.BatchChecks;
import org.fewstep.backend.NetworkOutputs;
import org.fewstep.backend.Precision;
import org.fewstep.diffusion.Diffusion;
import org.fewstep.grid.TimeGrid;
import org.fewstep.network.Network;

/**
 * A flow as a composition of networks, one a segment: network s takes the state at knot s to that
 * at knot s + 1. Immutable and thread-safe.
 *
 * <p>Every network clamps its input to the range that it was trained on, so that samples stay
 * bounded whatever they start from.
 */
public final class DistilledFlow {

  private final List<Network> networks;
  private final Diffusion process;
  private final TimeGrid grid;

  private DistilledFlow(List<Network> networks, Diffusion process, TimeGrid grid) {
    this.networks = networks;
    this.process = process;
    this.grid = grid;
  }

  /**
   * The composition of displacements, from noise to data.
   *
   * @param networks each starts at the time at which the one before ends; all of one process and
   *     dimension, none takes the time
   * @throws IllegalArgumentException naming the first network that is not as above
   */
  public static DistilledFlow of(List<Network> networks) {
    if (networks.isEmpty()) {
      throw new IllegalArgumentException("networks must hold at least one network, but is empty");
    }
    double[] knots = new double[networks.size() + 1];
    for (int s = 0; s < networks.size(); s++) {
      requireSegment(networks, s);
      knots[s] = networks.get(s).timeHigh();
      knots[s + 1] = networks.get(s).timeLow();
    }
    Diffusion process = networks.get(0).process().orElseThrow();
    return new DistilledFlow(List.copyOf(networks), process, TimeGrid.of(knots));
  }

  private static void requireSegment(List<Network> networks, int s) {
    Network network = networks.get(s);
    Network first = networks.get(0);
    require(
        network.output() == Network.Output.DISPLACEMENT,
        s,
        "be a displacement",
        network.output().label());
    require(!network.takesTime(), s, "take no time", "takes it");
    require(
        network.inputs() == first.inputs() && network.outputs() == first.inputs(),
        s,
        "have %d inputs and outputs".formatted(first.inputs()),
        "%d and %d".formatted(network.inputs(), network.outputs()));
    require(network.process().isPresent(), s, "name its process", "names none");
    require(
        network.process().equals(first.process()),
        s,
        "be of the process " + first.process().map(Diffusion::name).orElse("?"),
        network.process().map(Diffusion::name).orElse("none"));
    if (s > 0) {
      double before = networks.get(s - 1).timeLow();
      require(
          network.timeHigh() == before,
          s,
          "start at %s, where the one before ends".formatted(before),
          Double.toString(network.timeHigh()));
    }
  }

  private static void require(boolean holds, int s, String what, String found) {
    if (!holds) {
      throw new IllegalArgumentException("networks[%d] must %s, but: %s".formatted(s, what, found));
    }
  }

  /** The networks, from noise to data. */
  public List<Network> networks() {
    return networks;
  }

  /** The knots between the networks, from noise down to data. */
  public TimeGrid grid() {
    return grid;
  }

  /** The process whose flow this is. */
  public Diffusion process() {
    return process;
  }

  /** The dimension d of the states. */
  public int dimension() {
    return networks.get(0).inputs();
  }

  /** The parameters of all networks together. */
  public long parameters() {
    return networks.stream().mapToLong(Network::parameters).sum();
  }

  /**
   * Starting noise: standard normals times sigma(start), in the backend's memory; the caller closes
   * it.
   *
   * @param seed of the stream, the same on every backend
   */
  public Batch noise(Backend backend, long rows, Precision precision, long seed) {
    Batch noise = backend.allocate(rows, dimension(), precision);
    backend.normal(noise, seed, 0);
    backend.combine(noise, List.of(noise), new double[] {process.sigma(grid.start())});
    return noise;
  }

  /**
   * Takes every row from the start to the end.
   *
   * @param x [n,d], the states at the start; not changed unless it is {@code out}
   * @param out [n,d], written; may be x
   */
  public void sample(Backend backend, Batch x, Batch out) {
    requireStates(x);
    BatchChecks.requireGiven("out", out);
    BatchChecks.requireLike("out", out, x, dimension());
    Batch state = x;
    for (Network network : networks) {
      backend.network(network, network.timeHigh(), state, NetworkOutputs.none().withValue(out));
      state = out;
    }
  }

  /**
   * The states at all knots, a copy of x first; the caller closes the batches.
   *
   * @param x [n,d], the states at the start
   */
  public List<Batch> trajectory(Backend backend, Batch x) {
    requireStates(x);
    List<Batch> states = new ArrayList<>();
    try {
      for (int s = 0; s <= networks.size(); s++) {
        Batch next = backend.allocate(x.rows(), dimension(), x.precision());
        states.add(next);
        if (s == 0) {
          next.copyFrom(x);
        } else {
          Network network = networks.get(s - 1);
          backend.network(
              network,
              network.timeHigh(),
              states.get(s - 1),
              NetworkOutputs.none().withValue(next));
        }
      }
      return states;
    } catch (RuntimeException e) {
      states.forEach(Batch::close);
      throw e;
    }
  }

  private void requireStates(Batch x) {
    BatchChecks.requireColumns("x", x, dimension());
  }
}
