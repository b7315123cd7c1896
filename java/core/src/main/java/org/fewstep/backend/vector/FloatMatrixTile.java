package org.fewstep.backend.vector;

import jdk.incubator.vector.FloatVector;
import jdk.incubator.vector.VectorSpecies;

/**
 * The register tile of the networks: six (or four) rows of a matrix A times a group of points, two
 * vectors wide. Lanes are points; the elements of A are broadcast.
 *
 * <p>A is packed in <em>strips</em> of {@link #ROWS} rows, the last strip of {@link #LAST} if that
 * is enough, each strip column by column: the tile reads it in one forward sweep. Rows that fill
 * the last strip are computed, stored and never read.
 */
final class FloatMatrixTile {

  private static final VectorSpecies<Float> SPECIES = FloatLanes.SPECIES;
  private static final int LENGTH = FloatLanes.LENGTH;
  private static final int GROUP = FloatLanes.GROUP;

  /** Rows of a strip: with two vectors of points it fits sixteen registers. */
  static final int ROWS = 6;

  /** Rows of a last strip that has no more than these. */
  static final int LAST = 4;

  private FloatMatrixTile() {}

  /** The number of rows that a matrix has in strips. */
  static int padded(int rows) {
    int rest = rows % ROWS;
    return rows - rest + (rest == 0 ? 0 : rest <= LAST ? LAST : ROWS);
  }

  /** The rows of the strip that begins with a row. */
  static int height(int first, int rows) {
    return rows - first <= LAST ? LAST : ROWS;
  }

  /**
   * One strip times one group: {@code C[r,c] = start[r] + sum_p A[r,p] B[p,c]}.
   *
   * @param height rows of the strip
   * @param a the strip, column p from {@code aStart + p height} on
   * @param b points, [depth][GROUP] from {@code bStart} on
   * @param depth the number of products in a sum, one chain of multiply-adds
   * @param start what row r starts from: {@code start[startAt + r]}
   * @param c results, [height][GROUP] from {@code cStart} on
   */
  static void multiply(
      int height,
      float[] a,
      int aStart,
      float[] b,
      int bStart,
      int depth,
      float[] start,
      int startAt,
      float[] c,
      int cStart) {
    if (height == ROWS) {
      six(a, aStart, b, bStart, depth, start, startAt, c, cStart);
    } else {
      four(a, aStart, b, bStart, depth, start, startAt, c, cStart);
    }
  }

  /**
   * The same sums from zero, added to C. Methods of their own: where a tile can do both, the JIT
   * gives up keeping its vectors in registers.
   */
  static void multiplyAndAdd(
      int height, float[] a, int aStart, float[] b, int bStart, int depth, float[] c, int cStart) {
    if (height == ROWS) {
      addSix(a, aStart, b, bStart, depth, c, cStart);
    } else {
      addFour(a, aStart, b, bStart, depth, c, cStart);
    }
  }

  /** A whole strip. */
  private static void six(
      float[] a,
      int aStart,
      float[] b,
      int bStart,
      int depth,
      float[] start,
      int startAt,
      float[] c,
      int cStart) {
    FloatVector sum00 = FloatVector.broadcast(SPECIES, start[startAt]);
    FloatVector sum01 = sum00;
    FloatVector sum10 = FloatVector.broadcast(SPECIES, start[startAt + 1]);
    FloatVector sum11 = sum10;
    FloatVector sum20 = FloatVector.broadcast(SPECIES, start[startAt + 2]);
    FloatVector sum21 = sum20;
    FloatVector sum30 = FloatVector.broadcast(SPECIES, start[startAt + 3]);
    FloatVector sum31 = sum30;
    FloatVector sum40 = FloatVector.broadcast(SPECIES, start[startAt + 4]);
    FloatVector sum41 = sum40;
    FloatVector sum50 = FloatVector.broadcast(SPECIES, start[startAt + 5]);
    FloatVector sum51 = sum50;
    for (int p = 0; p < depth; p++) {
      FloatVector b0 = FloatVector.fromArray(SPECIES, b, bStart + p * GROUP);
      FloatVector b1 = FloatVector.fromArray(SPECIES, b, bStart + p * GROUP + LENGTH);
      FloatVector weight = FloatVector.broadcast(SPECIES, a[aStart + p * ROWS]);
      sum00 = weight.fma(b0, sum00);
      sum01 = weight.fma(b1, sum01);
      weight = FloatVector.broadcast(SPECIES, a[aStart + p * ROWS + 1]);
      sum10 = weight.fma(b0, sum10);
      sum11 = weight.fma(b1, sum11);
      weight = FloatVector.broadcast(SPECIES, a[aStart + p * ROWS + 2]);
      sum20 = weight.fma(b0, sum20);
      sum21 = weight.fma(b1, sum21);
      weight = FloatVector.broadcast(SPECIES, a[aStart + p * ROWS + 3]);
      sum30 = weight.fma(b0, sum30);
      sum31 = weight.fma(b1, sum31);
      weight = FloatVector.broadcast(SPECIES, a[aStart + p * ROWS + 4]);
      sum40 = weight.fma(b0, sum40);
      sum41 = weight.fma(b1, sum41);
      weight = FloatVector.broadcast(SPECIES, a[aStart + p * ROWS + 5]);
      sum50 = weight.fma(b0, sum50);
      sum51 = weight.fma(b1, sum51);
    }
    store(sum00, sum01, c, cStart);
    store(sum10, sum11, c, cStart + GROUP);
    store(sum20, sum21, c, cStart + 2 * GROUP);
    store(sum30, sum31, c, cStart + 3 * GROUP);
    store(sum40, sum41, c, cStart + 4 * GROUP);
    store(sum50, sum51, c, cStart + 5 * GROUP);
  }

  /** A last strip. */
  private static void four(
      float[] a,
      int aStart,
      float[] b,
      int bStart,
      int depth,
      float[] start,
      int startAt,
      float[] c,
      int cStart) {
    FloatVector sum00 = FloatVector.broadcast(SPECIES, start[startAt]);
    FloatVector sum01 = sum00;
    FloatVector sum10 = FloatVector.broadcast(SPECIES, start[startAt + 1]);
    FloatVector sum11 = sum10;
    FloatVector sum20 = FloatVector.broadcast(SPECIES, start[startAt + 2]);
    FloatVector sum21 = sum20;
    FloatVector sum30 = FloatVector.broadcast(SPECIES, start[startAt + 3]);
    FloatVector sum31 = sum30;
    for (int p = 0; p < depth; p++) {
      FloatVector b0 = FloatVector.fromArray(SPECIES, b, bStart + p * GROUP);
      FloatVector b1 = FloatVector.fromArray(SPECIES, b, bStart + p * GROUP + LENGTH);
      FloatVector weight = FloatVector.broadcast(SPECIES, a[aStart + p * LAST]);
      sum00 = weight.fma(b0, sum00);
      sum01 = weight.fma(b1, sum01);
      weight = FloatVector.broadcast(SPECIES, a[aStart + p * LAST + 1]);
      sum10 = weight.fma(b0, sum10);
      sum11 = weight.fma(b1, sum11);
      weight = FloatVector.broadcast(SPECIES, a[aStart + p * LAST + 2]);
      sum20 = weight.fma(b0, sum20);
      sum21 = weight.fma(b1, sum21);
      weight = FloatVector.broadcast(SPECIES, a[aStart + p * LAST + 3]);
      sum30 = weight.fma(b0, sum30);
      sum31 = weight.fma(b1, sum31);
    }
    store(sum00, sum01, c, cStart);
    store(sum10, sum11, c, cStart + GROUP);
    store(sum20, sum21, c, cStart + 2 * GROUP);
    store(sum30, sum31, c, cStart + 3 * GROUP);
  }

  /** A whole strip. */
  private static void addSix(
      float[] a, int aStart, float[] b, int bStart, int depth, float[] c, int cStart) {
    FloatVector sum00 = FloatVector.zero(SPECIES);
    FloatVector sum01 = sum00;
    FloatVector sum10 = sum00;
    FloatVector sum11 = sum10;
    FloatVector sum20 = sum00;
    FloatVector sum21 = sum20;
    FloatVector sum30 = sum00;
    FloatVector sum31 = sum30;
    FloatVector sum40 = sum00;
    FloatVector sum41 = sum40;
    FloatVector sum50 = sum00;
    FloatVector sum51 = sum50;
    for (int p = 0; p < depth; p++) {
      FloatVector b0 = FloatVector.fromArray(SPECIES, b, bStart + p * GROUP);
      FloatVector b1 = FloatVector.fromArray(SPECIES, b, bStart + p * GROUP + LENGTH);
      FloatVector weight = FloatVector.broadcast(SPECIES, a[aStart + p * ROWS]);
      sum00 = weight.fma(b0, sum00);
      sum01 = weight.fma(b1, sum01);
      weight = FloatVector.broadcast(SPECIES, a[aStart + p * ROWS + 1]);
      sum10 = weight.fma(b0, sum10);
      sum11 = weight.fma(b1, sum11);
      weight = FloatVector.broadcast(SPECIES, a[aStart + p * ROWS + 2]);
      sum20 = weight.fma(b0, sum20);
      sum21 = weight.fma(b1, sum21);
      weight = FloatVector.broadcast(SPECIES, a[aStart + p * ROWS + 3]);
      sum30 = weight.fma(b0, sum30);
      sum31 = weight.fma(b1, sum31);
      weight = FloatVector.broadcast(SPECIES, a[aStart + p * ROWS + 4]);
      sum40 = weight.fma(b0, sum40);
      sum41 = weight.fma(b1, sum41);
      weight = FloatVector.broadcast(SPECIES, a[aStart + p * ROWS + 5]);
      sum50 = weight.fma(b0, sum50);
      sum51 = weight.fma(b1, sum51);
    }
    add(sum00, sum01, c, cStart);
    add(sum10, sum11, c, cStart + GROUP);
    add(sum20, sum21, c, cStart + 2 * GROUP);
    add(sum30, sum31, c, cStart + 3 * GROUP);
    add(sum40, sum41, c, cStart + 4 * GROUP);
    add(sum50, sum51, c, cStart + 5 * GROUP);
  }

  /** A last strip. */
  private static void addFour(
      float[] a, int aStart, float[] b, int bStart, int depth, float[] c, int cStart) {
    FloatVector sum00 = FloatVector.zero(SPECIES);
    FloatVector sum01 = sum00;
    FloatVector sum10 = sum00;
    FloatVector sum11 = sum10;
    FloatVector sum20 = sum00;
    FloatVector sum21 = sum20;
    FloatVector sum30 = sum00;
    FloatVector sum31 = sum30;
    for (int p = 0; p < depth; p++) {
      FloatVector b0 = FloatVector.fromArray(SPECIES, b, bStart + p * GROUP);
      FloatVector b1 = FloatVector.fromArray(SPECIES, b, bStart + p * GROUP + LENGTH);
      FloatVector weight = FloatVector.broadcast(SPECIES, a[aStart + p * LAST]);
      sum00 = weight.fma(b0, sum00);
      sum01 = weight.fma(b1, sum01);
      weight = FloatVector.broadcast(SPECIES, a[aStart + p * LAST + 1]);
      sum10 = weight.fma(b0, sum10);
      sum11 = weight.fma(b1, sum11);
      weight = FloatVector.broadcast(SPECIES, a[aStart + p * LAST + 2]);
      sum20 = weight.fma(b0, sum20);
      sum21 = weight.fma(b1, sum21);
      weight = FloatVector.broadcast(SPECIES, a[aStart + p * LAST + 3]);
      sum30 = weight.fma(b0, sum30);
      sum31 = weight.fma(b1, sum31);
    }
    add(sum00, sum01, c, cStart);
    add(sum10, sum11, c, cStart + GROUP);
    add(sum20, sum21, c, cStart + 2 * GROUP);
    add(sum30, sum31, c, cStart + 3 * GROUP);
  }

  private static void add(FloatVector left, FloatVector right, float[] c, int index) {
    left.add(FloatVector.fromArray(SPECIES, c, index)).intoArray(c, index);
    right.add(FloatVector.fromArray(SPECIES, c, index + LENGTH)).intoArray(c, index + LENGTH);
  }

  private static void store(FloatVector left, FloatVector right, float[] c, int index) {
    left.intoArray(c, index);
    right.intoArray(c, index + LENGTH);
  }
}
