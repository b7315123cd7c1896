package org.fewstep.bench;

import java.util.Arrays;
import org.fewstep.backend.Backend;
import org.fewstep.backend.Backends;
import org.fewstep.backend.Batch;
import org.fewstep.backend.NetworkOutputs;
import org.fewstep.backend.Philox;
import org.fewstep.backend.Precision;
import org.fewstep.network.Layer;
import org.fewstep.network.Network;

/**
 * A network and standard normal rows for it: the same numbers for us and for every peer.
 *
 * @param network without a time input
 * @param rows the number of rows
 */
record NetworkRows(Network network, long rows) {

  private static final long ROWS_SEED = 22;

  /** The rows [n,in], row-major. */
  float[] values() {
    return normals(ROWS_SEED, Math.toIntExact(rows * network.inputs()));
  }

  /** Standard normal numbers of a seed, rounded. */
  static float[] normals(long seed, int count) {
    double[] wide = new double[count];
    Philox.normal(seed, 0, wide, 0, count);
    float[] narrow = new float[count];
    for (int i = 0; i < count; i++) {
      narrow[i] = (float) wide[i];
    }
    return narrow;
  }

  /** The same rows for the same network with every layer in dense form. */
  NetworkRows toDense() {
    return new NetworkRows(
        Network.of(network.layers().stream().map(Layer::toDense).toList(), network.output()), rows);
  }

  /** The weights of all layers, zeros included. */
  double weights() {
    double weights = 0;
    for (Layer layer : network.layers()) {
      weights += (double) layer.inputs() * layer.outputs();
    }
    return weights;
  }

  /** Floating-point operations of a dense evaluation: two for every weight and row. */
  double operations() {
    return 2 * weights() * rows;
  }

  /** The outputs of the first rows by the scalar backend in double precision, row-major. */
  double[] expected() {
    long count = Math.min(rows, Agreement.ROWS);
    float[] first = Arrays.copyOf(values(), Math.toIntExact(count * network.inputs()));
    try (Backend scalar = Backends.named("scalar");
        Batch x = scalar.allocate(count, network.inputs(), Precision.FLOAT64);
        Batch y = scalar.allocate(count, network.outputs(), Precision.FLOAT64)) {
      x.copyFrom(first);
      scalar.network(network, 0, x, NetworkOutputs.none().withValue(y));
      return y.toDoubleArray();
    }
  }
}
