package org.fewstep.backend.vector;

import jdk.incubator.vector.FloatVector;
import jdk.incubator.vector.VectorShuffle;
import jdk.incubator.vector.VectorSpecies;

/**
 * Transposes square blocks of LENGTH rows of one vector each. Zipping row i with row i + LENGTH/2,
 * for all i, rotates the bits of the index (row, column) of an element by one; after as many rounds
 * as a column has bits, row and column have changed places.
 */
final class FloatTranspose {

  private static final VectorSpecies<Float> SPECIES = FloatLanes.SPECIES;
  private static final int LENGTH = FloatLanes.LENGTH;
  private static final int HALF = LENGTH / 2;
  private static final int BLOCK = LENGTH * LENGTH;
  private static final int ROUNDS = Integer.numberOfTrailingZeros(LENGTH);
  private static final VectorShuffle<Float> LOW = VectorShuffle.makeZip(SPECIES, 0);
  private static final VectorShuffle<Float> HIGH = VectorShuffle.makeZip(SPECIES, 1);

  /** The scratch that {@link #block} takes. */
  static final int SCRATCH = 2 * BLOCK;

  private FloatTranspose() {}

  /**
   * Writes the transpose of a block.
   *
   * @param source row i from {@code from + i fromStride} on
   * @param target row i from {@code to + i toStride} on
   * @param scratch of {@link #SCRATCH} elements, neither of the two
   */
  static void block(
      float[] source,
      int from,
      int fromStride,
      float[] target,
      int to,
      int toStride,
      float[] scratch) {
    float[] in = source;
    int at = from;
    int stride = fromStride;
    for (int round = 1; round < ROUNDS; round++) {
      int next = (round & 1) * BLOCK;
      zip(in, at, stride, scratch, next, LENGTH);
      in = scratch;
      at = next;
      stride = LENGTH;
    }
    zip(in, at, stride, target, to, toStride);
  }

  private static void zip(float[] in, int from, int fromStride, float[] out, int to, int toStride) {
    for (int i = 0; i < HALF; i++) {
      FloatVector a = FloatVector.fromArray(SPECIES, in, from + i * fromStride);
      FloatVector b = FloatVector.fromArray(SPECIES, in, from + (i + HALF) * fromStride);
      a.rearrange(LOW, b).intoArray(out, to + 2 * i * toStride);
      a.rearrange(HIGH, b).intoArray(out, to + (2 * i + 1) * toStride);
    }
  }
}
