package org.fewstep.backend;

/**
 * The random directions of Hutchinson's estimate of a divergence, {@code div f ~ mean_p v_p . J
 * v_p} over directions v_p of independent signs (Hutchinson, 1990): unbiased over seeds.
 *
 * <p>Sign i of direction p is + where the uniform number {@code p d + i} of the Philox stream of
 * the seed is below 1/2. Every row sees the same directions, so that a row's result does not depend
 * on its place in a batch.
 *
 * @param count the number of directions, at least 1
 * @param seed of the stream
 */
public record Probes(int count, long seed) {

  /** Checks the count. */
  public Probes {
    if (count < 1) {
      throw new IllegalArgumentException("count must be at least 1, but is " + count);
    }
  }

  /** The directions, [count, dimension] row-major, each entry 1 or -1. */
  public double[] signs(int dimension) {
    double[] signs = new double[Math.multiplyExact(count, dimension)];
    Philox.uniform(seed, 0, signs, 0, signs.length);
    for (int i = 0; i < signs.length; i++) {
      signs[i] = signs[i] < 0.5 ? 1 : -1;
    }
    return signs;
  }
}
