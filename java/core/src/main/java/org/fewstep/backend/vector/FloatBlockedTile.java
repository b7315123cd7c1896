package org.fewstep.backend.vector;

import jdk.incubator.vector.FloatVector;
import jdk.incubator.vector.VectorSpecies;

/**
 * The register tile of the blocked kernel: 6 rows by 2 vectors of a matrix product {@code C = A B}.
 *
 * <p>A is row-major and its elements are broadcast; B is packed in <em>panels</em> of {@link
 * #COLUMNS} columns, each panel row-major, so that the tile reads it in one forward sweep. Six by
 * two is the shape that stays in registers with sixteen of them (AVX2) as well as with thirty-two:
 * 12 sums, 2 vectors of B and a broadcast. With 32 registers it reaches the same share of the peak
 * as 6 by 4, so one shape serves every width.
 *
 * <p>Sums are taken in two levels: chains of 16 or 32 fused multiply-adds, which are then added up.
 * That costs a sixteenth more additions and cuts the rounding error, which grows with the length of
 * a chain and with the size of its partial sums. Every element has its own sequence of operations,
 * which depends on the depth and the chain alone: not on its row, its column or the rows beside it.
 */
final class FloatBlockedTile {

  private static final VectorSpecies<Float> SPECIES = FloatLanes.SPECIES;

  /** Rows of a tile. */
  static final int ROWS = 6;

  private static final int LANES = SPECIES.length();

  /** Columns of a tile and of a panel: two vectors. */
  static final int COLUMNS = 2 * LANES;

  /**
   * Processors whose vectors end at 256 bits mostly have 16 vector registers. There the totals of
   * the chains are in memory, and the JIT keeps them out of the innermost loop only if it knows its
   * length: 110 GFLOP/s instead of 70. With 32 registers a length known only at run time is better.
   */
  private static final boolean FIXED_CHAIN = SPECIES.vectorBitSize() <= 256;

  private static final int FIXED_CHAIN_LENGTH = 16;

  private FloatBlockedTile() {}

  /** The length of the chains that {@link #multiply} takes where this one is asked for. */
  static int chain(int wished) {
    return FIXED_CHAIN ? FIXED_CHAIN_LENGTH : wished;
  }

  /**
   * Overwrites one tile with {@code C[r,c] = sum over chains of (start[chain,c] + sum over its p of
   * A[r,p] B[p,c])}.
   *
   * @param a row-major, row r of the tile from {@code aStart + r aStride} on
   * @param b the panel, row p from {@code bStart + p COLUMNS} on
   * @param depth the number of products in a sum
   * @param wishedChain the number of products in a chain, subject to {@link #chain}
   * @param start the value a chain starts from: for chain i, {@code start[startOffset + i
   *     startStride + c]}, the same for every row
   * @param c row-major, row r of the tile from {@code cStart + r cStride} on
   */
  static void multiply(
      float[] a,
      int aStart,
      int aStride,
      float[] b,
      int bStart,
      int depth,
      int wishedChain,
      float[] start,
      int startOffset,
      int startStride,
      float[] c,
      int cStart,
      int cStride) {
    int chain = chain(wishedChain);
    // The row offsets stay inside the indices: held in variables they cost registers and a tenth of
    // the speed.
    FloatVector total00 = FloatVector.zero(SPECIES);
    FloatVector total01 = total00;
    FloatVector total10 = total00;
    FloatVector total11 = total00;
    FloatVector total20 = total00;
    FloatVector total21 = total00;
    FloatVector total30 = total00;
    FloatVector total31 = total00;
    FloatVector total40 = total00;
    FloatVector total41 = total00;
    FloatVector total50 = total00;
    FloatVector total51 = total00;
    int startIndex = startOffset;
    for (int first = 0; first < depth; first += chain) {
      int end = Math.min(first + chain, depth);
      FloatVector sum00 = FloatVector.fromArray(SPECIES, start, startIndex);
      FloatVector sum01 = FloatVector.fromArray(SPECIES, start, startIndex + LANES);
      FloatVector sum10 = sum00;
      FloatVector sum11 = sum01;
      FloatVector sum20 = sum00;
      FloatVector sum21 = sum01;
      FloatVector sum30 = sum00;
      FloatVector sum31 = sum01;
      FloatVector sum40 = sum00;
      FloatVector sum41 = sum01;
      FloatVector sum50 = sum00;
      FloatVector sum51 = sum01;
      startIndex += startStride;
      for (int p = first; p < end; p++) {
        FloatVector b0 = FloatVector.fromArray(SPECIES, b, bStart + p * COLUMNS);
        FloatVector b1 = FloatVector.fromArray(SPECIES, b, bStart + p * COLUMNS + LANES);
        FloatVector row = FloatVector.broadcast(SPECIES, a[aStart + p]);
        sum00 = row.fma(b0, sum00);
        sum01 = row.fma(b1, sum01);
        row = FloatVector.broadcast(SPECIES, a[aStart + p + aStride]);
        sum10 = row.fma(b0, sum10);
        sum11 = row.fma(b1, sum11);
        row = FloatVector.broadcast(SPECIES, a[aStart + p + 2 * aStride]);
        sum20 = row.fma(b0, sum20);
        sum21 = row.fma(b1, sum21);
        row = FloatVector.broadcast(SPECIES, a[aStart + p + 3 * aStride]);
        sum30 = row.fma(b0, sum30);
        sum31 = row.fma(b1, sum31);
        row = FloatVector.broadcast(SPECIES, a[aStart + p + 4 * aStride]);
        sum40 = row.fma(b0, sum40);
        sum41 = row.fma(b1, sum41);
        row = FloatVector.broadcast(SPECIES, a[aStart + p + 5 * aStride]);
        sum50 = row.fma(b0, sum50);
        sum51 = row.fma(b1, sum51);
      }
      total00 = total00.add(sum00);
      total01 = total01.add(sum01);
      total10 = total10.add(sum10);
      total11 = total11.add(sum11);
      total20 = total20.add(sum20);
      total21 = total21.add(sum21);
      total30 = total30.add(sum30);
      total31 = total31.add(sum31);
      total40 = total40.add(sum40);
      total41 = total41.add(sum41);
      total50 = total50.add(sum50);
      total51 = total51.add(sum51);
    }
    store(total00, total01, c, cStart);
    store(total10, total11, c, cStart + cStride);
    store(total20, total21, c, cStart + 2 * cStride);
    store(total30, total31, c, cStart + 3 * cStride);
    store(total40, total41, c, cStart + 4 * cStride);
    store(total50, total51, c, cStart + 5 * cStride);
  }

  private static void store(FloatVector left, FloatVector right, float[] c, int index) {
    left.intoArray(c, index);
    right.intoArray(c, index + LANES);
  }
}
