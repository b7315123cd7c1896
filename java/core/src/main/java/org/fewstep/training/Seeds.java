package org.fewstep.training;

/** Seeds made from seeds, so that what is drawn for one purpose does not repeat for another. */
public final class Seeds {

  private static final long GOLDEN = 0x9E3779B97F4A7C15L;

  private Seeds() {}

  /**
   * The seed of purpose number {@code purpose} under a seed: the finaliser of SplitMix64 (Steele,
   * Lea and Flood, 2014), which maps different arguments far apart.
   */
  public static long derived(long seed, long purpose) {
    long z = seed + purpose * GOLDEN;
    z = (z ^ (z >>> 30)) * 0xBF58476D1CE4E5B9L;
    z = (z ^ (z >>> 27)) * 0x94D049BB133111EBL;
    return z ^ (z >>> 31);
  }
}
