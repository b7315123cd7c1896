package org.fewstep.backend;

import org.fewstep.network.Network;

/**
 * The outputs asked of one evaluation of a network, each a batch to be written or null if it is not
 * wanted. Built up from {@link #none()}:
 *
 * <pre>{@code NetworkOutputs.none().withValue(y).withDivergence(divergence)}</pre>
 *
 * <p>With y(x) the network, J = dy/dx its Jacobian in x (not in the time), n rows, d inputs (the
 * time not among them) and m outputs:
 *
 * @param value [n,m], y
 * @param divergence [n,1], the trace of J, which needs m = d
 * @param probes the directions of an estimate of the divergence, or null for the exact one, which
 *     costs d Jacobian-vector products
 * @param direction [n,d], an input: the vectors v that J is applied to
 * @param jvp [n,m], J v
 * @param cotangent [n,m], an input: the vectors w that J' is applied to
 * @param vjp [n,d], J' w
 */
public record NetworkOutputs(
    Batch value,
    Batch divergence,
    Probes probes,
    Batch direction,
    Batch jvp,
    Batch cotangent,
    Batch vjp) {

  private static final NetworkOutputs NONE =
      new NetworkOutputs(null, null, null, null, null, null, null);

  /** Refuses an input without its result, and the reverse. */
  public NetworkOutputs {
    if ((direction == null) != (jvp == null)) {
      throw new IllegalArgumentException(
          "direction and jvp go together: give both batches or neither");
    }
    if ((cotangent == null) != (vjp == null)) {
      throw new IllegalArgumentException(
          "cotangent and vjp go together: give both batches or neither");
    }
    if (probes != null && divergence == null) {
      throw new IllegalArgumentException("probes go with a divergence: give its batch too");
    }
  }

  /** No output. */
  public static NetworkOutputs none() {
    return NONE;
  }

  /** These and the value, [n,m]. */
  public NetworkOutputs withValue(Batch batch) {
    return new NetworkOutputs(batch, divergence, probes, direction, jvp, cotangent, vjp);
  }

  /** These and the exact divergence, [n,1]. */
  public NetworkOutputs withDivergence(Batch batch) {
    return new NetworkOutputs(value, batch, null, direction, jvp, cotangent, vjp);
  }

  /** These and an estimate of the divergence, [n,1]. */
  public NetworkOutputs withDivergence(Batch batch, Probes directions) {
    return new NetworkOutputs(value, batch, directions, direction, jvp, cotangent, vjp);
  }

  /** These and the Jacobian times {@code vectors} [n,d], into {@code batch} [n,m]. */
  public NetworkOutputs withJvp(Batch vectors, Batch batch) {
    return new NetworkOutputs(value, divergence, probes, vectors, batch, cotangent, vjp);
  }

  /** These and the transposed Jacobian times {@code vectors} [n,m], into {@code batch} [n,d]. */
  public NetworkOutputs withVjp(Batch vectors, Batch batch) {
    return new NetworkOutputs(value, divergence, probes, direction, jvp, vectors, batch);
  }

  /**
   * Checks every batch against the points and the network: open, in the space and the precision of
   * x, and of the right shape.
   *
   * @throws IllegalArgumentException naming the first one that does not fit
   * @throws IllegalStateException if one is closed
   */
  public void requireFits(Batch x, Network network) {
    BatchChecks.requireGiven("network", network);
    int inputs = network.inputs();
    int outputs = network.outputs();
    BatchChecks.requireColumns("x", x, inputs);
    BatchChecks.requireLike("value", value, x, outputs);
    if (divergence != null && inputs != outputs) {
      throw new IllegalArgumentException(
          "divergence needs a network with as many outputs as inputs, but there are %d and %d"
              .formatted(outputs, inputs));
    }
    BatchChecks.requireLike("divergence", divergence, x, 1);
    BatchChecks.requireLike("direction", direction, x, inputs);
    BatchChecks.requireLike("jvp", jvp, x, outputs);
    BatchChecks.requireLike("cotangent", cotangent, x, outputs);
    BatchChecks.requireLike("vjp", vjp, x, inputs);
  }
}
