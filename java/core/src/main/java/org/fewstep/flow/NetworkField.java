package org.fewstep.flow;

import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.Locale;
import java.util.Optional;
import org.fewstep.backend.Conversion;
import org.fewstep.backend.Plan;
import org.fewstep.backend.Probes;
import org.fewstep.backend.TimeConstants;
import org.fewstep.diffusion.Diffusion;
import org.fewstep.network.Network;

/**
 * The probability flow that networks hold: their output is its score, its velocity or its denoised
 * point, and each of these follows from any other. One network serves a range of time, or several
 * of them, the pieces, each its own part of it.
 *
 * <p>At a time that two pieces share, the one on the side of the data (of the smaller times)
 * serves: it is the one that a step down from there runs through. Across such a time the field may
 * jump; {@link DormandPrince} then takes small steps there.
 *
 * <p>The divergence, which the log-likelihood needs, is exact in up to {@value
 * #MAX_EXACT_DIMENSION} dimensions, and above that a Hutchinson estimate by as many directions, the
 * same for all rows and times; see {@link #withProbes} and {@link #withExactDivergence}.
 *
 * <p>Immutable, like its networks.
 */
public final class NetworkField implements VectorField {

  /** The largest dimension in which the divergence is exact unless told otherwise. */
  public static final int MAX_EXACT_DIMENSION = 16;

  private static final Probes DEFAULT_PROBES = new Probes(MAX_EXACT_DIMENSION, 0);

  /** By ascending time. */
  private final List<Network> pieces;

  private final Diffusion process;
  private final Probes probes;

  private NetworkField(List<Network> pieces, Probes probes) {
    this.pieces = pieces;
    this.process = pieces.getFirst().process().orElseThrow();
    this.probes = probes;
  }

  /**
   * The field of one network.
   *
   * @param network of as many outputs as inputs, whose output is the score, the velocity or the
   *     denoised point, under a process and on an interval of its time ({@link Network#withTimes})
   * @throws IllegalArgumentException saying what the network lacks
   */
  public static NetworkField of(Network network) {
    Require.notNull("network", network);
    return of(List.of(network));
  }

  /**
   * The field of several networks, each on its own interval of time.
   *
   * @param networks as above, in any order, all of one dimension, process and output; their
   *     intervals follow one another without gaps or overlaps
   * @throws IllegalArgumentException naming the network that does not fit, by its place in the list
   */
  public static NetworkField of(List<Network> networks) {
    Require.notNull("networks", networks);
    if (networks.isEmpty()) {
      throw new IllegalArgumentException("networks must hold at least one network, but is empty");
    }
    for (int i = 0; i < networks.size(); i++) {
      String name = networks.size() == 1 ? "network" : "networks[" + i + "]";
      requireField(name, networks.get(i));
      requireLike(name, networks.get(i), networks.getFirst());
    }
    List<Network> pieces = new ArrayList<>(networks);
    pieces.sort(Comparator.comparingDouble(Network::timeLow));
    for (int i = 1; i < pieces.size(); i++) {
      requireFollows(pieces.get(i - 1), pieces.get(i));
    }
    boolean exact = pieces.getFirst().inputs() <= MAX_EXACT_DIMENSION;
    return new NetworkField(List.copyOf(pieces), exact ? null : DEFAULT_PROBES);
  }

  private static void requireField(String name, Network network) {
    Require.notNull(name, network);
    if (network.output() == Network.Output.DISPLACEMENT) {
      throw new IllegalArgumentException(
          name
              + " must give a score, a velocity or a denoised point, but gives a displacement,"
              + " which is a whole step and no vector field; evaluate it by Backend.network");
    }
    if (network.process().isEmpty()) {
      throw new IllegalArgumentException(
          name + " must name its process and times, but does not; see Network.withTimes");
    }
    if (network.timeLow() == network.timeHigh()) {
      throw new IllegalArgumentException(
          "%s must hold on an interval of time for a flow, but holds at t = %s alone"
              .formatted(name, network.timeLow()));
    }
    if (network.inputs() != network.outputs()) {
      throw new IllegalArgumentException(
          "%s must have as many outputs as inputs, time apart (%d), but has %d"
              .formatted(name, network.inputs(), network.outputs()));
    }
  }

  private static void requireLike(String name, Network network, Network first) {
    requireEqual(name, "dimension", network.inputs(), first.inputs());
    requireEqual(name, "output", network.output().label(), first.output().label());
    requireEqual(name, "process", network.process().orElseThrow(), first.process().orElseThrow());
  }

  private static void requireEqual(String name, String what, Object value, Object first) {
    if (!value.equals(first)) {
      throw new IllegalArgumentException(
          "%s must have the %s of the first network, %s, but has %s"
              .formatted(name, what, first, value));
    }
  }

  private static void requireFollows(Network below, Network above) {
    if (below.timeHigh() != above.timeLow()) {
      throw new IllegalArgumentException(
          "networks must hold on times that follow one another without gaps or overlaps, but"
              + " [%s, %s] is followed by [%s, %s]"
                  .formatted(below.timeLow(), below.timeHigh(), above.timeLow(), above.timeHigh()));
    }
  }

  /** This with a Hutchinson estimate of the divergence, whatever the dimension. */
  public NetworkField withProbes(Probes directions) {
    Require.notNull("probes", directions);
    return new NetworkField(pieces, directions);
  }

  /** This with the exact divergence, for d Jacobian-vector products, whatever the dimension d. */
  public NetworkField withExactDivergence() {
    return new NetworkField(pieces, null);
  }

  /** The networks, by ascending time. */
  public List<Network> pieces() {
    return pieces;
  }

  /** What the outputs of the networks are. */
  public Network.Output output() {
    return pieces.getFirst().output();
  }

  /** The directions of the estimate of the divergence; empty if it is exact. */
  public Optional<Probes> probes() {
    return Optional.ofNullable(probes);
  }

  /** The smallest time of the networks. */
  public double timeLow() {
    return pieces.getFirst().timeLow();
  }

  /** The largest time of the networks. */
  public double timeHigh() {
    return pieces.getLast().timeHigh();
  }

  @Override
  public int dimension() {
    return pieces.getFirst().inputs();
  }

  @Override
  public Optional<Diffusion> process() {
    return Optional.of(process);
  }

  /** The index of the piece that serves a time, or -1 if none does. */
  int pieceAt(double t) {
    if (t >= timeLow()) {
      for (int i = 0; i < pieces.size(); i++) {
        if (t <= pieces.get(i).timeHigh()) {
          return i;
        }
      }
    }
    return -1;
  }

  /**
   * Checks that some piece serves a time.
   *
   * @throws IllegalArgumentException naming {@code argument} and the times that are served
   */
  void requireTime(String argument, double t) {
    if (pieceAt(t) < 0) {
      throw new IllegalArgumentException(
          "%s must lie in [%s, %s], the times of the network, but is %s"
              .formatted(argument, timeLow(), timeHigh(), t));
    }
  }

  /**
   * Checks that a velocity or a denoised point can be had at a time.
   *
   * @throws IllegalArgumentException if no piece serves it, or sigma = 0 would be divided by
   */
  void requireEvaluation(Plan.Evaluation wanted, double t) {
    requireTime("t", t);
    if (!Conversion.of(output(), wanted, TimeConstants.of(process, t)).isFinite()) {
      throw new IllegalArgumentException(
          "the end must be > %s for a network that gives the %s: there is no %s from it there"
              .formatted(t, output().label(), wanted.name().toLowerCase(Locale.ROOT)));
    }
  }

  @Override
  public String toString() {
    return "NetworkField[%s, %d pieces on [%s, %s]]"
        .formatted(output().label(), pieces.size(), timeLow(), timeHigh());
  }
}
