package org.fewstep.backend.vector;

import org.fewstep.network.Layer;

/** A linear map with all its weights, packed for {@link FloatMatrixTile}. */
final class FloatDenseMap extends FloatLinearMap {

  private static final int GROUP = FloatLanes.GROUP;

  /**
   * The longest chain of multiply-adds: longer sums are added up from several. It bounds the
   * rounding error, and a group of so many inputs stays in the L1 cache for all outputs.
   */
  private static final int CHAIN = 128;

  /** Outputs whose weights for a chain are in work for all groups: whole strips, some L2 cache. */
  private static final int BLOCK = 16 * FloatMatrixTile.ROWS;

  private static final float[] ZEROS = new float[FloatMatrixTile.ROWS];

  private final float[] weights;
  private final float[] bias;

  /** A map whose weights are all zero. */
  FloatDenseMap(int inputs, int outputs) {
    super(inputs, outputs);
    weights = new float[Math.multiplyExact(FloatMatrixTile.padded(outputs), inputs)];
    bias = new float[FloatMatrixTile.padded(outputs)];
  }

  /** The map of a layer. */
  static FloatDenseMap of(Layer layer) {
    FloatDenseMap map = new FloatDenseMap(layer.inputs(), layer.outputs());
    for (int o = 0; o < map.outputs; o++) {
      for (int e = layer.start(o); e < layer.end(o); e++) {
        map.weights[map.index(o, layer.column(e))] = (float) layer.value(e);
      }
      map.bias[o] = (float) layer.bias(o);
    }
    return map;
  }

  /** The transposed matrix of a layer, without a bias. */
  static FloatDenseMap transposed(Layer layer) {
    FloatDenseMap map = new FloatDenseMap(layer.outputs(), layer.inputs());
    for (int o = 0; o < layer.outputs(); o++) {
      for (int e = layer.start(o); e < layer.end(o); e++) {
        map.weights[map.index(layer.column(e), o)] = (float) layer.value(e);
      }
    }
    return map;
  }

  /** Where the strip of an output begins for the chain of an input. */
  private int strip(int first, int input) {
    int chain = input - input % CHAIN;
    return chain * bias.length + first * Math.min(CHAIN, inputs - chain);
  }

  /** Where the weight of an input for an output is: chain by chain, strip by strip. */
  private int index(int output, int input) {
    int row = output % FloatMatrixTile.ROWS;
    int first = output - row;
    int height = FloatMatrixTile.height(first, outputs);
    return strip(first, input) + input % CHAIN * height + row;
  }

  /** Takes other weights, [outputs, inputs] row-major, and biases. */
  void set(float[] parameters, int weightsFrom, int biasFrom) {
    for (int input = 0; input < inputs; input += CHAIN) {
      int depth = Math.min(CHAIN, inputs - input);
      for (int o = 0; o < outputs; o++) {
        int row = o % FloatMatrixTile.ROWS;
        int height = FloatMatrixTile.height(o - row, outputs);
        int from = weightsFrom + o * inputs + input;
        int to = strip(o - row, input) + row;
        for (int i = 0; i < depth; i++) {
          weights[to + i * height] = parameters[from + i];
        }
      }
    }
    System.arraycopy(parameters, biasFrom, bias, 0, outputs);
  }

  /** Takes the transpose of other weights, [inputs, outputs] row-major. */
  void setTransposed(float[] parameters, int weightsFrom) {
    for (int first = 0; first < outputs; first += FloatMatrixTile.ROWS) {
      int height = FloatMatrixTile.height(first, outputs);
      int rows = Math.min(height, outputs - first);
      for (int i = 0; i < inputs; i++) {
        int from = weightsFrom + i * outputs + first;
        int to = strip(first, i) + i % CHAIN * height;
        for (int row = 0; row < rows; row++) {
          weights[to + row] = parameters[from + row];
        }
      }
    }
  }

  @Override
  void apply(
      float[] x,
      int xStart,
      int xStride,
      float[] z,
      int zStart,
      int zStride,
      int groups,
      boolean affine) {
    for (int input = 0; input < inputs; input += CHAIN) {
      int depth = Math.min(CHAIN, inputs - input);
      for (int first = 0; first < outputs; first += BLOCK) {
        int end = Math.min(first + BLOCK, outputs);
        for (int g = 0; g < groups; g++) {
          int from = xStart + g * xStride + input * GROUP;
          int to = zStart + g * zStride;
          if (input == 0) {
            strips(x, from, depth, first, end, z, to, affine);
          } else {
            addStrips(x, from, input, depth, first, end, z, to);
          }
        }
      }
    }
  }

  /** The first chain of one group for some outputs. */
  private void strips(
      float[] x, int from, int depth, int first, int end, float[] z, int zStart, boolean affine) {
    for (int o = first; o < end; o += FloatMatrixTile.ROWS) {
      FloatMatrixTile.multiply(
          FloatMatrixTile.height(o, outputs),
          weights,
          strip(o, 0),
          x,
          from,
          depth,
          affine ? bias : ZEROS,
          affine ? o : 0,
          z,
          zStart + o * GROUP);
    }
  }

  /** A later chain. */
  private void addStrips(
      float[] x, int from, int input, int depth, int first, int end, float[] z, int zStart) {
    for (int o = first; o < end; o += FloatMatrixTile.ROWS) {
      int height = FloatMatrixTile.height(o, outputs);
      int at = strip(o, input);
      FloatMatrixTile.multiplyAndAdd(height, weights, at, x, from, depth, z, zStart + o * GROUP);
    }
  }
}
