package org.fewstep.backend.vector;

/**
 * The affine part of a layer, or the transpose of its matrix, in a form for groups of points:
 * {@code z = A x + b} for points stored coordinate by coordinate, {@code [coordinates][GROUP]}.
 */
abstract sealed class FloatLinearMap permits FloatDenseMap, FloatSparseMap {

  /** The number of coordinates of x. */
  final int inputs;

  /** The number of coordinates of z. */
  final int outputs;

  FloatLinearMap(int inputs, int outputs) {
    this.inputs = inputs;
    this.outputs = outputs;
  }

  /**
   * Applies the map to some groups; group g of x from {@code xStart + g xStride} on, and so of z.
   * Up to {@link FloatMatrixTile#ROWS} - 1 coordinates behind those of z are overwritten, too.
   *
   * @param affine whether the bias is added
   */
  abstract void apply(
      float[] x,
      int xStart,
      int xStride,
      float[] z,
      int zStart,
      int zStride,
      int groups,
      boolean affine);

  /** Applies the map to groups {@code stride} apart, and the units of the layer to what is z. */
  void values(float[] x, float[] y, int stride, int groups, FloatUnits units) {
    apply(x, 0, stride, y, 0, stride, groups, true);
    if (!units.linear()) {
      units.values(y, 0, stride, y, 0, stride, groups);
    }
  }
}
