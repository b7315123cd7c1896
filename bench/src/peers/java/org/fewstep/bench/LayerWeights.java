package org.fewstep.bench;

import org.fewstep.network.Layer;

/** The weights of a layer as array libraries take them. */
final class LayerWeights {

  private LayerWeights() {}

  /** The weights [in,out], row-major: what rows are multiplied by from the right. */
  static float[] columns(Layer layer) {
    double[] rows = layer.weights();
    float[] columns = new float[rows.length];
    for (int e = 0; e < rows.length; e++) {
      columns[e % layer.inputs() * layer.outputs() + e / layer.inputs()] = (float) rows[e];
    }
    return columns;
  }

  /** The biases [out]. */
  static float[] biases(Layer layer) {
    float[] biases = new float[layer.outputs()];
    for (int i = 0; i < biases.length; i++) {
      biases[i] = (float) layer.bias(i);
    }
    return biases;
  }
}
