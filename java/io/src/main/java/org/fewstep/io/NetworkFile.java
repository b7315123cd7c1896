package org.fewstep.io;

import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.fewstep.network.Network;

/**
 * The content of a network file: one network, or several that cover a range of times together, and
 * texts of the user's own.
 *
 * <p>Several networks stand from noise to data: each one's largest time is the smallest time of the
 * one before. All have the same output, process and dimensions. Displacements are run one after the
 * other; of the others the one is used in whose range the time lies. Immutable.
 *
 * @param networks at least one
 * @param metadata texts by key; keys that begin with {@code fewstep.} belong to the format
 */
public record NetworkFile(List<Network> networks, Map<String, String> metadata) {

  /** What keys of the format begin with. */
  static final String RESERVED = "fewstep.";

  /**
   * Checks that the networks belong together.
   *
   * @throws IllegalArgumentException if they do not, or a key is taken
   */
  public NetworkFile {
    networks = List.copyOf(networks);
    metadata = Collections.unmodifiableMap(new LinkedHashMap<>(metadata));
    if (networks.isEmpty()) {
      throw new IllegalArgumentException("networks must hold at least one network, but is empty");
    }
    for (String key : metadata.keySet()) {
      if (key.startsWith(RESERVED)) {
        throw new IllegalArgumentException(
            "metadata must have keys that do not begin with 'fewstep.', but has "
                + FileFormatException.quote(key));
      }
    }
    for (int s = 1; s < networks.size(); s++) {
      requireFollows(s, networks.get(s - 1), networks.get(s));
    }
  }

  private static void requireFollows(int s, Network before, Network network) {
    requireSame(s, "output", before.output().label(), network.output().label());
    requireSame(s, "process", before.process(), network.process());
    requireSame(s, "number of inputs", before.inputs(), network.inputs());
    requireSame(s, "number of outputs", before.outputs(), network.outputs());
    if (network.output() == Network.Output.DISPLACEMENT && network.inputs() != network.outputs()) {
      throw new IllegalArgumentException(
          "segments.%d must have as many outputs as inputs (%d) to be composed, but has %d"
              .formatted(s, network.inputs(), network.outputs()));
    }
    if (network.timeHigh() != before.timeLow()) {
      throw new IllegalArgumentException(
          "segments.%d must start at the time %s, where the one before ends, but starts at %s"
              .formatted(s, before.timeLow(), network.timeHigh()));
    }
  }

  private static void requireSame(int s, String what, Object before, Object given) {
    if (!before.equals(given)) {
      throw new IllegalArgumentException(
          "segments.%d must have the %s of the one before, %s, but has %s"
              .formatted(s, what, before, given));
    }
  }

  /** What the output of every network is. */
  public Network.Output output() {
    return networks.getFirst().output();
  }

  /** The smallest time that the networks cover. */
  public double timeLow() {
    return networks.getLast().timeLow();
  }

  /** The largest time that the networks cover. */
  public double timeHigh() {
    return networks.getFirst().timeHigh();
  }

  /** The number of columns of x. */
  public int inputs() {
    return networks.getFirst().inputs();
  }

  /** The number of columns of y. */
  public int outputs() {
    return networks.getFirst().outputs();
  }

  /** The number of weights and biases of all networks. */
  public long parameters() {
    return networks.stream().mapToLong(Network::parameters).sum();
  }

  /**
   * The network in whose range of times {@code t} lies; where two ranges meet, the one of larger
   * times.
   *
   * @throws IllegalArgumentException naming {@code argument} and the range, if there is none
   */
  public Network at(String argument, double t) {
    for (Network network : networks) {
      if (t >= network.timeLow() && t <= network.timeHigh()) {
        return network;
      }
    }
    throw new IllegalArgumentException(
        "%s must lie in [%s, %s], the times of the network, but is %s"
            .formatted(argument, timeLow(), timeHigh(), t));
  }
}
