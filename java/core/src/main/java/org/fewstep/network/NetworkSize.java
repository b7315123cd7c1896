package org.fewstep.network;

import org.fewstep.mixture.FullCovariance;
import org.fewstep.mixture.GaussianMixture;

/** Estimates of how large a compiled network gets, so that an absurd one is refused before work. */
final class NetworkSize {

  /** About 1 GiB while it is built. */
  private static final long MAX_WEIGHTS = 1L << 25;

  /** Weights per component of all layers of an exponential and its part in the rest, about. */
  private static final long PER_COMPONENT = 400;

  private NetworkSize() {}

  /** Refuses a network for a single time that is too large. */
  static void requireFixedTime(int components, int d, GaussianMixture mixture, boolean shared) {
    double square = (double) d * d;
    double scores = components == 1 || shared ? square : 0;
    double perComponent = PER_COMPONENT + 8.0 * d;
    if (!shared) {
      boolean full = mixture.covariance() instanceof FullCovariance;
      perComponent += full ? 12 * square : 16.0 * d;
    }
    require(scores + (components == 1 ? 0 : perComponent * components), components, d);
  }

  /** Refuses networks that take the time, so many together, that are too large. */
  static void requireTimeInput(int pieces, int components, int d) {
    require(pieces * (PER_COMPONENT + 12.0 * d) * components, components, d);
  }

  private static void require(double weights, int components, int d) {
    if (weights > MAX_WEIGHTS) {
      throw new IllegalArgumentException(
          "mixture must compile to at most %d weights, but %d components in %d dimensions take about %.1e"
              .formatted(MAX_WEIGHTS, components, d, weights));
    }
  }
}
