package org.fewstep.bench;

import java.util.ArrayList;
import java.util.List;
import org.fewstep.backend.Philox;
import org.fewstep.network.Layer;
import org.fewstep.network.Network;
import org.fewstep.network.NetworkShape;
import org.fewstep.network.Unit;

/** Networks of a given shape with drawn weights. */
final class NetworkWorkload {

  private static final long WEIGHTS_SEED = 21;

  /** The entries of a unit of a sparse layer: about what the compiler of mixtures makes. */
  private static final int SPARSE_ENTRIES = 5;

  private NetworkWorkload() {}

  /** A network from d to d, ReLU and ReQU layers in turn; the last layer is linear. */
  static Network of(int d, int width, int depth, boolean sparse) {
    List<Layer> layers = new ArrayList<>();
    int inputs = d;
    long drawn = 0;
    for (int l = 0; l < depth; l++) {
      boolean last = l == depth - 1;
      int outputs = last ? d : width;
      double[] weights = new double[inputs * outputs];
      Philox.normal(WEIGHTS_SEED, drawn, weights, 0, weights.length);
      drawn += weights.length;
      int entries = sparse ? Math.min(SPARSE_ENTRIES, inputs) : inputs;
      for (int i = 0; i < weights.length; i++) {
        boolean kept = Math.floorMod(i % inputs - 7 * (i / inputs), inputs) < entries;
        weights[i] = kept ? weights[i] / Math.sqrt(entries) : 0;
      }
      Unit unit = last ? Unit.LINEAR : l % 2 == 0 ? Unit.RELU : Unit.REQU;
      Layer layer = Layer.dense(inputs, weights, new double[outputs], unit);
      layers.add(sparse ? layer.compressed() : layer);
      inputs = outputs;
    }
    return Network.of(layers, Network.Output.VELOCITY);
  }

  /** ReLU layers with drawn weights that keep the size of what goes through; the last is linear. */
  static Network relu(int inputs, int outputs, int width, int depth) {
    List<Layer> layers = new ArrayList<>();
    int in = inputs;
    long drawn = 0;
    for (int l = 0; l < depth; l++) {
      boolean last = l == depth - 1;
      int out = last ? outputs : width;
      double[] weights = new double[in * out];
      Philox.normal(WEIGHTS_SEED, drawn, weights, 0, weights.length);
      drawn += weights.length;
      double scale = Math.sqrt((last ? 1.0 : 2.0) / in);
      for (int i = 0; i < weights.length; i++) {
        weights[i] *= scale;
      }
      layers.add(Layer.dense(in, weights, new double[out], last ? Unit.LINEAR : Unit.RELU));
      in = out;
    }
    return Network.of(layers, Network.Output.VELOCITY);
  }

  /** The shape 2-width-…-width-2 with so many hidden layers of ReLU units. */
  static NetworkShape shape(int width, int hiddenLayers) {
    int[] widths = new int[hiddenLayers + 1];
    for (int l = 0; l < hiddenLayers; l++) {
      widths[l] = width;
    }
    widths[hiddenLayers] = 2;
    return NetworkShape.of(2, Unit.RELU, widths);
  }
}
