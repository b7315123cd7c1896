package org.fewstep.backend.vector;

import jdk.incubator.vector.FloatVector;
import jdk.incubator.vector.VectorSpecies;
import org.fewstep.network.Layer;

/** A linear map by its non-zero weights. */
final class FloatSparseMap extends FloatLinearMap {

  private static final VectorSpecies<Float> SPECIES = FloatLanes.SPECIES;
  private static final int LENGTH = FloatLanes.LENGTH;
  private static final int GROUP = FloatLanes.GROUP;

  private final float[] weights;
  private final float[] bias;

  /** Where the entries of each output begin, and last their end. */
  private final int[] starts;

  /** Where the input of each entry is in a group. */
  private final int[] offsets;

  private FloatSparseMap(int inputs, int outputs, int entries) {
    super(inputs, outputs);
    weights = new float[entries];
    offsets = new int[entries];
    starts = new int[outputs + 1];
    bias = new float[outputs];
  }

  /** The map of a layer. */
  static FloatSparseMap of(Layer layer) {
    FloatSparseMap map = new FloatSparseMap(layer.inputs(), layer.outputs(), layer.entries());
    for (int o = 0; o < layer.outputs(); o++) {
      for (int e = layer.start(o); e < layer.end(o); e++) {
        map.weights[e] = (float) layer.value(e);
        map.offsets[e] = layer.column(e) * GROUP;
      }
      map.starts[o + 1] = layer.end(o);
      map.bias[o] = (float) layer.bias(o);
    }
    return map;
  }

  /** The transposed matrix of a layer, without a bias. */
  static FloatSparseMap transposed(Layer layer) {
    FloatSparseMap map = new FloatSparseMap(layer.outputs(), layer.inputs(), layer.entries());
    for (int e = 0; e < layer.entries(); e++) {
      map.starts[layer.column(e) + 1]++;
    }
    for (int i = 0; i < layer.inputs(); i++) {
      map.starts[i + 1] += map.starts[i];
    }
    int[] next = map.starts.clone();
    for (int o = 0; o < layer.outputs(); o++) {
      for (int e = layer.start(o); e < layer.end(o); e++) {
        int at = next[layer.column(e)]++;
        map.weights[at] = (float) layer.value(e);
        map.offsets[at] = o * GROUP;
      }
    }
    return map;
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
    int g = 0;
    for (; g + 1 < groups; g += 2) {
      pair(x, xStart + g * xStride, xStride, z, zStart + g * zStride, zStride, affine);
    }
    if (g < groups) {
      single(x, xStart + g * xStride, z, zStart + g * zStride, affine);
    }
  }

  /** Two groups at once: half as many loads of weights and offsets. */
  private void pair(
      float[] x, int from, int xStride, float[] z, int to, int zStride, boolean affine) {
    int start = 0;
    for (int o = 0; o < outputs; o++) {
      FloatVector sum0 = FloatVector.broadcast(SPECIES, affine ? bias[o] : 0f);
      FloatVector sum1 = sum0;
      FloatVector sum2 = sum0;
      FloatVector sum3 = sum0;
      int end = starts[o + 1];
      for (int e = start; e < end; e++) {
        FloatVector weight = FloatVector.broadcast(SPECIES, weights[e]);
        int at = from + offsets[e];
        sum0 = weight.fma(FloatVector.fromArray(SPECIES, x, at), sum0);
        sum1 = weight.fma(FloatVector.fromArray(SPECIES, x, at + LENGTH), sum1);
        sum2 = weight.fma(FloatVector.fromArray(SPECIES, x, at + xStride), sum2);
        sum3 = weight.fma(FloatVector.fromArray(SPECIES, x, at + xStride + LENGTH), sum3);
      }
      start = end;
      int at = to + o * GROUP;
      sum0.intoArray(z, at);
      sum1.intoArray(z, at + LENGTH);
      sum2.intoArray(z, at + zStride);
      sum3.intoArray(z, at + zStride + LENGTH);
    }
  }

  private void single(float[] x, int from, float[] z, int to, boolean affine) {
    for (int o = 0; o < outputs; o++) {
      FloatVector sum0 = FloatVector.broadcast(SPECIES, affine ? bias[o] : 0f);
      FloatVector sum1 = sum0;
      int end = starts[o + 1];
      for (int e = starts[o]; e < end; e++) {
        FloatVector weight = FloatVector.broadcast(SPECIES, weights[e]);
        int at = from + offsets[e];
        sum0 = weight.fma(FloatVector.fromArray(SPECIES, x, at), sum0);
        sum1 = weight.fma(FloatVector.fromArray(SPECIES, x, at + LENGTH), sum1);
      }
      sum0.intoArray(z, to + o * GROUP);
      sum1.intoArray(z, to + o * GROUP + LENGTH);
    }
  }
}
