package org.fewstep.backend;

/**
 * The counter-based random stream Philox4x32-10 (Salmon et al., 2011, "Parallel random numbers: as
 * easy as 1, 2, 3"), and the uniforms and normals drawn from it.
 *
 * <p>Block i of the stream of a seed is the Philox function of the 128-bit counter i under the seed
 * as 64-bit key: four 32-bit words w0..w3. Each block gives two numbers of the stream, 2i and 2i+1,
 * from two uniforms of 53 bits,
 *
 * <pre>
 *   u0 = (w1 2^32 + w0 >>> 11) 2^-53     u1 = (w3 2^32 + w2 >>> 11) 2^-53      in [0, 1)
 *   z0 = sqrt(-2 log(1 - u0)) cos(2 pi u1),  z1 = sqrt(-2 log(1 - u0)) sin(2 pi u1)   (Box-Muller)
 * </pre>
 *
 * computed in float64 by operations whose rounding is prescribed ({@link StrictMath} for the
 * logarithm, Taylor series in the angle from the nearest quarter turn), so that they are the same
 * on every machine; float32 batches receive the same numbers, rounded, except that a uniform never
 * rounds to 1. Any number can be drawn without those before it.
 */
public final class Philox {

  private static final int MULTIPLIER_0 = 0xD2511F53;
  private static final int MULTIPLIER_1 = 0xCD9E8D57;
  private static final int WEYL_0 = 0x9E3779B9;
  private static final int WEYL_1 = 0xBB67AE85;
  private static final int ROUNDS = 10;
  private static final double UNIT = 0x1p-53;

  /**
   * (sin v - v)/v^3 by its Taylor series in v^2, highest power first: within rounding for |v| <=
   * pi/4. StrictMath would do, but allocates in every call from which the JIT cannot take it away.
   */
  private static final double[] SINE = {
    1 / 355687428096000.0,
    -1 / 1307674368000.0,
    1 / 6227020800.0,
    -1 / 39916800.0,
    1 / 362880.0,
    -1 / 5040.0,
    1 / 120.0,
    -1 / 6.0
  };

  /** (cos v - 1)/v^2, likewise. */
  private static final double[] COSINE = {
    -1 / 6402373705728000.0,
    1 / 20922789888000.0,
    -1 / 87178291200.0,
    1 / 479001600.0,
    -1 / 3628800.0,
    1 / 40320.0,
    -1 / 720.0,
    1 / 24.0,
    -1 / 2.0
  };

  private Philox() {}

  /** The Philox4x32-10 function: writes the four words of a counter (four words) under a key. */
  public static void block(int c0, int c1, int c2, int c3, int key0, int key1, int[] words) {
    long low = half(c0, c1, c2, c3, key0, key1, false);
    long high = half(c0, c1, c2, c3, key0, key1, true);
    words[0] = (int) low;
    words[1] = (int) (low >>> 32);
    words[2] = (int) high;
    words[3] = (int) (high >>> 32);
  }

  /**
   * Two of a block's words, w1 2^32 + w0 or w3 2^32 + w2. All rounds are run for either half: that
   * costs less than the logarithm that follows, and nothing is allocated to hold four words.
   */
  private static long half(int c0, int c1, int c2, int c3, int key0, int key1, boolean high) {
    for (int round = 0; round < ROUNDS; round++) {
      long product0 = Integer.toUnsignedLong(MULTIPLIER_0) * Integer.toUnsignedLong(c0);
      long product1 = Integer.toUnsignedLong(MULTIPLIER_1) * Integer.toUnsignedLong(c2);
      int next0 = (int) (product1 >>> 32) ^ c1 ^ key0;
      int next2 = (int) (product0 >>> 32) ^ c3 ^ key1;
      c1 = (int) product1;
      c3 = (int) product0;
      c0 = next0;
      c2 = next2;
      key0 += WEYL_0;
      key1 += WEYL_1;
    }
    return high ? pack(c2, c3) : pack(c0, c1);
  }

  private static long pack(int low, int high) {
    return Integer.toUnsignedLong(high) << 32 | Integer.toUnsignedLong(low);
  }

  /** Fills with the uniforms in [0, 1) number {@code first} and on of the stream of a seed. */
  public static void uniform(long seed, long first, double[] out, int offset, int count) {
    fill(seed, first, out, offset, count, false);
  }

  /** Fills with the standard normals number {@code first} and on of the stream of a seed. */
  public static void normal(long seed, long first, double[] out, int offset, int count) {
    fill(seed, first, out, offset, count, true);
  }

  private static void fill(
      long seed, long first, double[] out, int offset, int count, boolean normal) {
    if (first < 0 || first > Long.MAX_VALUE - count) {
      throw new IllegalArgumentException(
          "first must lie in [0, 2^63 - count), but is %d".formatted(first));
    }
    for (int i = 0; i < count; ) {
      long index = (first + i) >>> 1;
      double one = unit(seed, index, false);
      double two = unit(seed, index, true);
      if (normal) {
        double radius = StrictMath.sqrt(-2 * StrictMath.log1p(-one));
        // The nearest quarter turn and the rest, at most an eighth, both exact.
        int quarter = (int) Math.rint(4 * two);
        double rest = 2 * Math.PI * (two - 0.25 * quarter);
        double cosine = radius * (1 + rest * rest * horner(COSINE, rest * rest));
        double sine = radius * (rest + rest * (rest * rest * horner(SINE, rest * rest)));
        one = turn(cosine, sine, quarter);
        two = turn(sine, -cosine, quarter);
      }
      if (((first + i) & 1) == 0) {
        out[offset + i++] = one;
      }
      if (i < count) {
        out[offset + i++] = two;
      }
    }
  }

  private static double horner(double[] coefficients, double z) {
    double sum = 0;
    for (double coefficient : coefficients) {
      sum = sum * z + coefficient;
    }
    return sum;
  }

  /**
   * The cosine of an angle and that many quarter turns; for the sine, pass the sine and -cosine.
   */
  private static double turn(double cosine, double sine, int quarters) {
    return switch (quarters & 3) {
      case 0 -> cosine;
      case 1 -> -sine;
      case 2 -> -cosine;
      default -> sine;
    };
  }

  private static double unit(long seed, long index, boolean high) {
    long word =
        half((int) index, (int) (index >>> 32), 0, 0, (int) seed, (int) (seed >>> 32), high);
    return (word >>> 11) * UNIT;
  }
}
