package org.fewstep.network;

import java.util.List;

/**
 * A plain evaluation of layers at single points, in float64 or as float32 would do it: weights,
 * products and sums rounded one by one. For checks of what was compiled; kernels are elsewhere.
 */
final class NetworkEvaluation {

  private final List<Layer> layers;

  NetworkEvaluation(List<Layer> layers) {
    this.layers = layers;
  }

  /** In float64. */
  double[] inDouble(double[] input) {
    double[] values = input;
    for (Layer layer : layers) {
      double[] next = new double[layer.outputs()];
      for (int o = 0; o < next.length; o++) {
        double z = layer.bias(o);
        for (int e = layer.start(o); e < layer.end(o); e++) {
          z += layer.value(e) * values[layer.column(e)];
        }
        next[o] = layer.unit(o).value(z);
      }
      values = next;
    }
    return values;
  }

  /** In float32. */
  double[] inFloat(double[] input) {
    float[] values = new float[input.length];
    for (int i = 0; i < input.length; i++) {
      values[i] = (float) input[i];
    }
    for (Layer layer : layers) {
      float[] next = new float[layer.outputs()];
      for (int o = 0; o < next.length; o++) {
        float z = (float) layer.bias(o);
        for (int e = layer.start(o); e < layer.end(o); e++) {
          z += (float) layer.value(e) * values[layer.column(e)];
        }
        next[o] = (float) layer.unit(o).value(z);
      }
      values = next;
    }
    double[] result = new double[values.length];
    for (int o = 0; o < result.length; o++) {
      result[o] = values[o];
    }
    return result;
  }
}
