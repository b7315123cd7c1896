package org.fewstep.backend.vector;

import jdk.incubator.vector.FloatVector;
import jdk.incubator.vector.VectorMask;
import jdk.incubator.vector.VectorOperators;
import jdk.incubator.vector.VectorShuffle;
import jdk.incubator.vector.VectorSpecies;

/**
 * The exponentials between the two products of the blocked kernel: turns the logits of one row into
 * weights in place, relative to the largest so far. Lengths are multiples of two vectors.
 *
 * <p>Lanes are added up in a fixed order by {@link #addLanes}: {@code reduceLanes} leaves the order
 * open, and with it the last bits.
 */
final class FloatBlockedSoftmax {

  private static final VectorSpecies<Float> SPECIES = FloatLanes.SPECIES;
  private static final int LANES = FloatLanes.LENGTH;

  // Constants each, and not an array of them, so that they are compiled into the code. A vector of
  // float32 has at most 16 lanes.
  private static final VectorShuffle<Float> ACROSS_8 = across(8);
  private static final VectorShuffle<Float> ACROSS_4 = across(4);
  private static final VectorShuffle<Float> ACROSS_2 = across(2);
  private static final VectorShuffle<Float> ACROSS_1 = across(1);

  private FloatBlockedSoftmax() {}

  /** The largest of {@code bound} and {@code length} values; NaN counts as nothing. */
  static float largest(float[] values, int from, int length, float bound) {
    FloatVector even = FloatVector.broadcast(SPECIES, bound);
    FloatVector odd = even;
    for (int k = from; k < from + length; k += 2 * LANES) {
      even = larger(even, FloatVector.fromArray(SPECIES, values, k));
      odd = larger(odd, FloatVector.fromArray(SPECIES, values, k + LANES));
    }
    return larger(even, odd).reduceLanes(VectorOperators.MAX);
  }

  /** The offset from {@code from} of the first value that equals one known to be there. */
  static int indexOf(float[] values, int from, int length, float value) {
    for (int k = 0; k < length; k += LANES) {
      VectorMask<Float> equal =
          FloatVector.fromArray(SPECIES, values, from + k).compare(VectorOperators.EQ, value);
      if (equal.anyTrue()) {
        return k + equal.firstTrue();
      }
    }
    return 0;
  }

  /** As {@code max}, but for NaN and the sign of zero, whose handling takes most of its time. */
  private static FloatVector larger(FloatVector a, FloatVector b) {
    return a.blend(b, b.compare(VectorOperators.GT, a));
  }

  /** Replaces values z by {@code exp2(z - largest)} and stores sums of them, lane by lane. */
  static void exponentials(
      float[] values, int from, int length, float largest, float[] lanes, int sums) {
    FloatVector bound = FloatVector.broadcast(SPECIES, largest);
    FloatVector even = FloatVector.zero(SPECIES);
    FloatVector odd = even;
    for (int k = from; k < from + length; k += 2 * LANES) {
      FloatVector a = FloatExp.exp2(FloatVector.fromArray(SPECIES, values, k).sub(bound));
      FloatVector b = FloatExp.exp2(FloatVector.fromArray(SPECIES, values, k + LANES).sub(bound));
      a.intoArray(values, k);
      b.intoArray(values, k + LANES);
      even = even.add(a);
      odd = odd.add(b);
    }
    even.add(odd).intoArray(lanes, sums);
  }

  /** Replaces t by {@code (t - shift) gain_k + offset_k}. */
  static void scale(
      float[] values, int from, int length, float shift, float[] gain, float[] offset, int first) {
    FloatVector subtrahend = FloatVector.broadcast(SPECIES, shift);
    for (int k = 0; k < length; k += LANES) {
      FloatVector.fromArray(SPECIES, values, from + k)
          .sub(subtrahend)
          .fma(
              FloatVector.fromArray(SPECIES, gain, first + k),
              FloatVector.fromArray(SPECIES, offset, first + k))
          .intoArray(values, from + k);
    }
  }

  /** Stores sums of the products of values and factors, lane by lane. */
  static void dot(
      float[] values, int from, int length, float[] factor, int first, float[] lanes, int sums) {
    FloatVector products = FloatVector.zero(SPECIES);
    for (int k = 0; k < length; k += LANES) {
      products =
          FloatVector.fromArray(SPECIES, values, from + k)
              .fma(FloatVector.fromArray(SPECIES, factor, first + k), products);
    }
    products.intoArray(lanes, sums);
  }

  /** Replaces each value by its product with its factor. */
  static void multiply(float[] values, int from, int length, float[] factor, int first) {
    for (int k = 0; k < length; k += LANES) {
      FloatVector.fromArray(SPECIES, values, from + k)
          .mul(FloatVector.fromArray(SPECIES, factor, first + k))
          .intoArray(values, from + k);
    }
  }

  /**
   * The sum of the lanes stored at {@code from}, by halving: always the same tree. Sums of lanes
   * pass through memory and not as a vector, which would be boxed where the JIT does not inline
   * this.
   */
  static float addLanes(float[] lanes, int from) {
    FloatVector sum = FloatVector.fromArray(SPECIES, lanes, from);
    if (LANES > 8) {
      sum = sum.add(sum.rearrange(ACROSS_8));
    }
    if (LANES > 4) {
      sum = sum.add(sum.rearrange(ACROSS_4));
    }
    if (LANES > 2) {
      sum = sum.add(sum.rearrange(ACROSS_2));
    }
    if (LANES > 1) {
      sum = sum.add(sum.rearrange(ACROSS_1));
    }
    return sum.lane(0);
  }

  private static VectorShuffle<Float> across(int distance) {
    return VectorShuffle.fromOp(SPECIES, i -> (i ^ distance) & (LANES - 1));
  }
}
