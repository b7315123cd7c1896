package org.fewstep.backend.vector;

import java.util.List;
import java.util.function.Function;
import org.fewstep.network.Layer;
import org.fewstep.network.NetworkShape;

/**
 * The layers of a network in a form for groups of points, and their passes: values forwards,
 * tangents forwards, cotangents backwards.
 *
 * <p>The affine parts z of all layers stand one behind the other in a group, those of layer l from
 * {@link #offset} on; groups are {@link #affineStride} apart.
 */
final class FloatLayers {

  private static final int GROUP = FloatLanes.GROUP;

  private final FloatLinearMap[] maps;
  private final FloatUnits[] units;
  private final int[] offsets;

  /** The transposed maps of a network that may need them, or null until it does. */
  private volatile FloatLinearMap[] transposed;

  private final Function<FloatLayers, FloatLinearMap[]> transpose;

  private FloatLayers(
      FloatLinearMap[] maps,
      FloatUnits[] units,
      Function<FloatLayers, FloatLinearMap[]> transpose) {
    this.maps = maps;
    this.units = units;
    this.transpose = transpose;
    this.offsets = new int[maps.length + 1];
    for (int l = 0; l < maps.length; l++) {
      offsets[l + 1] = offsets[l] + maps[l].outputs * GROUP;
    }
  }

  /** Layers with their weights, once and for all. */
  static FloatLayers of(List<Layer> layers) {
    FloatLinearMap[] maps = new FloatLinearMap[layers.size()];
    FloatUnits[] units = new FloatUnits[maps.length];
    for (int l = 0; l < maps.length; l++) {
      Layer layer = layers.get(l);
      maps[l] = layer.isSparse() ? FloatSparseMap.of(layer) : FloatDenseMap.of(layer);
      units[l] = new FloatUnits(layer.units());
    }
    return new FloatLayers(maps, units, self -> transposed(layers));
  }

  private static FloatLinearMap[] transposed(List<Layer> layers) {
    FloatLinearMap[] maps = new FloatLinearMap[layers.size()];
    for (int l = 0; l < maps.length; l++) {
      Layer layer = layers.get(l);
      maps[l] =
          layer.isSparse() ? FloatSparseMap.transposed(layer) : FloatDenseMap.transposed(layer);
    }
    return maps;
  }

  /** Layers whose weights are {@linkplain #set given} anew for every call. */
  static FloatLayers of(NetworkShape shape) {
    FloatLinearMap[] maps = new FloatLinearMap[shape.layers()];
    FloatLinearMap[] back = new FloatLinearMap[maps.length];
    FloatUnits[] units = new FloatUnits[maps.length];
    for (int l = 0; l < maps.length; l++) {
      maps[l] = new FloatDenseMap(shape.width(l - 1), shape.width(l));
      back[l] = new FloatDenseMap(shape.width(l), shape.width(l - 1));
      units[l] = new FloatUnits(shape.units(l));
    }
    return new FloatLayers(maps, units, self -> back);
  }

  /** Takes the weights of a shape's parameters, and their transposes if asked. */
  void set(NetworkShape shape, float[] parameters, boolean backward) {
    for (int l = 0; l < maps.length; l++) {
      ((FloatDenseMap) maps[l]).set(parameters, shape.weightOffset(l), shape.biasOffset(l));
      if (backward) {
        ((FloatDenseMap) transposed()[l]).setTransposed(parameters, shape.weightOffset(l));
      }
    }
  }

  /** Made at worst twice, by threads that need them at once for the first time. */
  private FloatLinearMap[] transposed() {
    FloatLinearMap[] found = transposed;
    if (found == null) {
      found = transpose.apply(this);
      transposed = found;
    }
    return found;
  }

  int depth() {
    return maps.length;
  }

  /** The number of inputs of a layer. */
  int inputs(int layer) {
    return maps[layer].inputs;
  }

  int outputs() {
    return maps[maps.length - 1].outputs;
  }

  FloatUnits units(int layer) {
    return units[layer];
  }

  /** The largest number of coordinates that any pass has in a group at a time. */
  int width() {
    int widest = 0;
    for (FloatLinearMap map : maps) {
      int inputs = FloatMatrixTile.padded(map.inputs);
      widest = Math.max(widest, Math.max(inputs, FloatMatrixTile.padded(map.outputs)));
    }
    return widest;
  }

  /** Where the affine parts of a layer are in a group; of layer {@link #depth}, where they end. */
  int offset(int layer) {
    return offsets[layer];
  }

  /** The distance of the affine parts of two groups. */
  int affineStride() {
    return offsets[maps.length] + FloatMatrixTile.ROWS * GROUP;
  }

  /**
   * Runs all layers.
   *
   * @param one the inputs, groups {@code stride} apart; overwritten
   * @param other scratch
   * @param stride of both, at least {@link #width} coordinates
   * @return which of the two has the outputs
   */
  float[] values(float[] one, float[] other, int stride, int groups) {
    float[] in = one;
    float[] out = other;
    for (int l = 0; l < maps.length; l++) {
      maps[l].values(in, out, stride, groups, units[l]);
      float[] free = in;
      in = out;
      out = free;
    }
    return in;
  }

  /** The same, which keeps the affine parts. */
  float[] values(float[] one, float[] other, int stride, float[] affine, int groups) {
    float[] in = one;
    float[] out = other;
    for (int l = 0; l < maps.length; l++) {
      affine(l, in, stride, affine, groups);
      values(l, affine, out, stride, groups);
      float[] free = in;
      in = out;
      out = free;
    }
    return in;
  }

  /** Tangents of the outputs, from those of the inputs, where the affine parts are known. */
  float[] tangents(float[] one, float[] other, int stride, float[] affine, int groups) {
    float[] in = one;
    float[] out = other;
    for (int l = 0; l < maps.length; l++) {
      maps[l].apply(in, 0, stride, out, 0, stride, groups, false);
      derivatives(l, affine, out, stride, groups);
      float[] free = in;
      in = out;
      out = free;
    }
    return in;
  }

  /** Cotangents of the inputs, from those of the outputs, likewise. */
  float[] cotangents(float[] one, float[] other, int stride, float[] affine, int groups) {
    float[] in = one;
    float[] out = other;
    for (int l = maps.length - 1; l >= 0; l--) {
      derivatives(l, affine, in, stride, groups);
      back(l, in, out, stride, groups);
      float[] free = in;
      in = out;
      out = free;
    }
    return in;
  }

  /** Writes the affine part of one layer, given its inputs. */
  void affine(int layer, float[] in, int stride, float[] affine, int groups) {
    maps[layer].apply(in, 0, stride, affine, offsets[layer], affineStride(), groups, true);
  }

  /** Writes the values of one layer, given the affine parts. */
  void values(int layer, float[] affine, float[] out, int stride, int groups) {
    units[layer].values(affine, offsets[layer], affineStride(), out, 0, stride, groups);
  }

  /** Multiplies slopes by the derivatives of one layer's units. */
  void derivatives(int layer, float[] affine, float[] slopes, int stride, int groups) {
    units[layer].derivatives(affine, offsets[layer], affineStride(), slopes, 0, stride, groups);
  }

  /** Applies the transposed matrix of one layer. */
  void back(int layer, float[] in, float[] out, int stride, int groups) {
    transposed()[layer].apply(in, 0, stride, out, 0, stride, groups, false);
  }
}
