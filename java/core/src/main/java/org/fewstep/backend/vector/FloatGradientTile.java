package org.fewstep.backend.vector;

import jdk.incubator.vector.FloatVector;
import jdk.incubator.vector.VectorSpecies;

/**
 * The register tile of weight gradients: the sum over points of the products of six (or four)
 * coordinates of one vector with two vectors of coordinates of another. Unlike {@link
 * FloatMatrixTile}, whose lanes are points, it sums over points: one factor has them in the lanes
 * and is broadcast, the other is transposed.
 */
final class FloatGradientTile {

  private static final VectorSpecies<Float> SPECIES = FloatLanes.SPECIES;
  private static final int LENGTH = FloatLanes.LENGTH;
  private static final int GROUP = FloatLanes.GROUP;

  private FloatGradientTile() {}

  /**
   * Adds to a tile of sums, {@code C[r,c] += sum over points p of A[r,p] B[p,c]}.
   *
   * @param height rows of the tile, as of a strip of {@link FloatMatrixTile}
   * @param a groups of points {@code [height][GROUP]}, the first from {@code aStart} on, {@code
   *     aStride} apart
   * @param b transposed groups {@code [points of the group][GROUP coordinates]}, likewise
   * @param points their number: all groups but the last are full
   * @param c sums, row r from {@code cStart + r cStride} on
   */
  static void add(
      int height,
      float[] a,
      int aStart,
      int aStride,
      float[] b,
      int bStart,
      int bStride,
      int points,
      float[] c,
      int cStart,
      int cStride) {
    if (height == FloatMatrixTile.ROWS) {
      six(a, aStart, aStride, b, bStart, bStride, points, c, cStart, cStride);
    } else {
      four(a, aStart, aStride, b, bStart, bStride, points, c, cStart, cStride);
    }
  }

  /** Six rows. */
  private static void six(
      float[] a,
      int aStart,
      int aStride,
      float[] b,
      int bStart,
      int bStride,
      int points,
      float[] c,
      int cStart,
      int cStride) {
    FloatVector sum00 = FloatVector.zero(SPECIES);
    FloatVector sum01 = sum00;
    FloatVector sum10 = sum00;
    FloatVector sum11 = sum00;
    FloatVector sum20 = sum00;
    FloatVector sum21 = sum00;
    FloatVector sum30 = sum00;
    FloatVector sum31 = sum00;
    FloatVector sum40 = sum00;
    FloatVector sum41 = sum00;
    FloatVector sum50 = sum00;
    FloatVector sum51 = sum00;
    int aGroup = aStart;
    int bGroup = bStart;
    for (int left = points; left > 0; left -= GROUP) {
      int count = Math.min(left, GROUP);
      for (int p = 0; p < count; p++) {
        FloatVector b0 = FloatVector.fromArray(SPECIES, b, bGroup + p * GROUP);
        FloatVector b1 = FloatVector.fromArray(SPECIES, b, bGroup + p * GROUP + LENGTH);
        FloatVector slope = FloatVector.broadcast(SPECIES, a[aGroup + p]);
        sum00 = slope.fma(b0, sum00);
        sum01 = slope.fma(b1, sum01);
        slope = FloatVector.broadcast(SPECIES, a[aGroup + p + GROUP]);
        sum10 = slope.fma(b0, sum10);
        sum11 = slope.fma(b1, sum11);
        slope = FloatVector.broadcast(SPECIES, a[aGroup + p + 2 * GROUP]);
        sum20 = slope.fma(b0, sum20);
        sum21 = slope.fma(b1, sum21);
        slope = FloatVector.broadcast(SPECIES, a[aGroup + p + 3 * GROUP]);
        sum30 = slope.fma(b0, sum30);
        sum31 = slope.fma(b1, sum31);
        slope = FloatVector.broadcast(SPECIES, a[aGroup + p + 4 * GROUP]);
        sum40 = slope.fma(b0, sum40);
        sum41 = slope.fma(b1, sum41);
        slope = FloatVector.broadcast(SPECIES, a[aGroup + p + 5 * GROUP]);
        sum50 = slope.fma(b0, sum50);
        sum51 = slope.fma(b1, sum51);
      }
      aGroup += aStride;
      bGroup += bStride;
    }
    add(sum00, sum01, c, cStart + 0 * cStride);
    add(sum10, sum11, c, cStart + 1 * cStride);
    add(sum20, sum21, c, cStart + 2 * cStride);
    add(sum30, sum31, c, cStart + 3 * cStride);
    add(sum40, sum41, c, cStart + 4 * cStride);
    add(sum50, sum51, c, cStart + 5 * cStride);
  }

  /** Four rows. */
  private static void four(
      float[] a,
      int aStart,
      int aStride,
      float[] b,
      int bStart,
      int bStride,
      int points,
      float[] c,
      int cStart,
      int cStride) {
    FloatVector sum00 = FloatVector.zero(SPECIES);
    FloatVector sum01 = sum00;
    FloatVector sum10 = sum00;
    FloatVector sum11 = sum00;
    FloatVector sum20 = sum00;
    FloatVector sum21 = sum00;
    FloatVector sum30 = sum00;
    FloatVector sum31 = sum00;
    int aGroup = aStart;
    int bGroup = bStart;
    for (int left = points; left > 0; left -= GROUP) {
      int count = Math.min(left, GROUP);
      for (int p = 0; p < count; p++) {
        FloatVector b0 = FloatVector.fromArray(SPECIES, b, bGroup + p * GROUP);
        FloatVector b1 = FloatVector.fromArray(SPECIES, b, bGroup + p * GROUP + LENGTH);
        FloatVector slope = FloatVector.broadcast(SPECIES, a[aGroup + p]);
        sum00 = slope.fma(b0, sum00);
        sum01 = slope.fma(b1, sum01);
        slope = FloatVector.broadcast(SPECIES, a[aGroup + p + GROUP]);
        sum10 = slope.fma(b0, sum10);
        sum11 = slope.fma(b1, sum11);
        slope = FloatVector.broadcast(SPECIES, a[aGroup + p + 2 * GROUP]);
        sum20 = slope.fma(b0, sum20);
        sum21 = slope.fma(b1, sum21);
        slope = FloatVector.broadcast(SPECIES, a[aGroup + p + 3 * GROUP]);
        sum30 = slope.fma(b0, sum30);
        sum31 = slope.fma(b1, sum31);
      }
      aGroup += aStride;
      bGroup += bStride;
    }
    add(sum00, sum01, c, cStart + 0 * cStride);
    add(sum10, sum11, c, cStart + 1 * cStride);
    add(sum20, sum21, c, cStart + 2 * cStride);
    add(sum30, sum31, c, cStart + 3 * cStride);
  }

  private static void add(FloatVector left, FloatVector right, float[] c, int index) {
    left.add(FloatVector.fromArray(SPECIES, c, index)).intoArray(c, index);
    right.add(FloatVector.fromArray(SPECIES, c, index + LENGTH)).intoArray(c, index + LENGTH);
  }
}
