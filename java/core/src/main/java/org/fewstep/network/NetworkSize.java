package org.fewstep.network;

import org.fewstep.mixture.DiffusedMixture;
import org.fewstep.mixture.FullCovariance;
import org.fewstep.mixture.GaussianMixture;

/** Refusals, before any work, of mixtures whose networks would be too large or overflow. */
final class NetworkSize {

  /** About 2 GiB while it is built. */
  private static final long MAX_WEIGHTS = 1L << 25;

  /** Weights per component, about, of the layers of an exponential and of what follows. */
  private static final double PER_COMPONENT = 400;

  /** The largest |mean|/s whose square stays finite in the products to come. */
  private static final double FARTHEST = 1e100;

  private NetworkSize() {}

  /** Refuses a network for a single time. */
  static void requireFixedTime(DiffusedMixture diffused) {
    GaussianMixture mixture = diffused.mixture();
    boolean full = mixture.covariance() instanceof FullCovariance;
    boolean shared = Components.shareCovariance(mixture);
    double d = mixture.dimension();
    int count = Components.active(mixture).length;
    double perComponent = PER_COMPONENT + 8 * d;
    if (!shared) {
      perComponent += full ? 12 * d * d : 16 * d;
    }
    require(diffused, (full ? d * d : d) + (count == 1 ? 0 : perComponent * count));
  }

  /** Refuses networks that take the time, so many together. */
  static void requireTimeInput(DiffusedMixture diffused, int pieces) {
    GaussianMixture mixture = diffused.mixture();
    double perComponent = PER_COMPONENT + 8.0 * mixture.dimension();
    require(diffused, pieces * perComponent * Components.active(mixture).length);
  }

  private static void require(DiffusedMixture diffused, double weights) {
    GaussianMixture mixture = diffused.mixture();
    if (weights > MAX_WEIGHTS) {
      throw new IllegalArgumentException(
          "mixture must compile to at most %d weights, but %d components in %d dimensions take"
                  .formatted(MAX_WEIGHTS, mixture.components(), mixture.dimension())
              + " about %.1e".formatted(weights));
    }
    double reach =
        diffused.a() * mixture.largestMeanNorm() / Math.sqrt(diffused.smallestEigenvalue());
    if (!(reach <= FARTHEST && diffused.smallestEigenvalue() >= 1 / FARTHEST)) {
      throw new IllegalArgumentException(
          "mixture must have means within %.0e standard deviations of the origin and variances of"
                  .formatted(FARTHEST)
              + " at least %.0e to be compiled, but has %s and %s"
                  .formatted(1 / FARTHEST, reach, diffused.smallestEigenvalue()));
    }
  }
}
