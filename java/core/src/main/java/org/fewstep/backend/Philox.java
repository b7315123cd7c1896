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
 * computed in float64 with {@link StrictMath}, so that they are the same on every machine; float32
 * batches receive the same numbers, rounded. Any number can be drawn without those before it.
 */
public final class Philox {

  private static final int MULTIPLIER_0 = 0xD2511F53;
  private static final int MULTIPLIER_1 = 0xCD9E8D57;
  private static final int WEYL_0 = 0x9E3779B9;
  private static final int WEYL_1 = 0xBB67AE85;
  private static final int ROUNDS = 10;
  private static final double UNIT = 0x1p-53;

  private Philox() {}

  /** The Philox4x32-10 function: writes the four words of a counter (four words) under a key. */
  public static void block(int c0, int c1, int c2, int c3, int key0, int key1, int[] words) {
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
    words[0] = c0;
    words[1] = c1;
    words[2] = c2;
    words[3] = c3;
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
    int[] words = new int[4];
    double[] pair = new double[2];
    for (int i = 0; i < count; ) {
      long number = first + i;
      pair(seed, number >>> 1, normal, words, pair);
      for (int half = (int) (number & 1); half < 2 && i < count; half++, i++) {
        out[offset + i] = pair[half];
      }
    }
  }

  private static void pair(long seed, long index, boolean normal, int[] words, double[] pair) {
    block((int) index, (int) (index >>> 32), 0, 0, (int) seed, (int) (seed >>> 32), words);
    double u0 = unit(words[0], words[1]);
    double u1 = unit(words[2], words[3]);
    if (normal) {
      double radius = StrictMath.sqrt(-2 * StrictMath.log1p(-u0));
      double angle = 2 * Math.PI * u1;
      pair[0] = radius * StrictMath.cos(angle);
      pair[1] = radius * StrictMath.sin(angle);
    } else {
      pair[0] = u0;
      pair[1] = u1;
    }
  }

  private static double unit(int low, int high) {
    return ((Integer.toUnsignedLong(high) << 32 | Integer.toUnsignedLong(low)) >>> 11) * UNIT;
  }
}
