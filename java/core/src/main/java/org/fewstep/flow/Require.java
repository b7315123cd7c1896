package org.fewstep.flow;

import org.fewstep.diffusion.Diffusion;

/** Refusals of bad arguments, each naming the argument, its value and what is allowed. */
final class Require {

  private Require() {}

  static void notNull(String argument, Object value) {
    if (value == null) {
      throw new IllegalArgumentException(argument + " must not be null");
    }
  }

  static void atLeast(String argument, long least, long value) {
    if (value < least) {
      throw new IllegalArgumentException(
          "%s must be at least %d, but is %d".formatted(argument, least, value));
    }
  }

  static void positiveFinite(String argument, double value) {
    if (!(value > 0) || Double.isInfinite(value)) {
      throw new IllegalArgumentException(
          "%s must be finite and > 0, but is %s".formatted(argument, value));
    }
  }

  static void nonNegativeFinite(String argument, double value) {
    if (!(value >= 0) || Double.isInfinite(value)) {
      throw new IllegalArgumentException(
          "%s must be finite and >= 0, but is %s".formatted(argument, value));
    }
  }

  /** At least two finite times, strictly ascending or strictly descending. */
  static void monotone(double[] knots) {
    if (knots.length < 2) {
      throw new IllegalArgumentException(
          "knots must hold at least 2 times, but has " + knots.length);
    }
    double sign = Math.signum(knots[1] - knots[0]);
    for (int i = 0; i < knots.length; i++) {
      if (!Double.isFinite(knots[i])) {
        throw new IllegalArgumentException(
            "knots[%d] must be finite, but is %s".formatted(i, knots[i]));
      }
      if (i > 0 && !(sign * (knots[i] - knots[i - 1]) > 0)) {
        throw new IllegalArgumentException(
            "knots must be strictly ascending or strictly descending, but knots[%d] = %s follows %s"
                .formatted(i, knots[i], knots[i - 1]));
      }
    }
  }

  /** Knots as of {@link #monotone}, each a time of the process. */
  static void timesOf(Diffusion process, double[] knots) {
    monotone(knots);
    for (int i = 0; i < knots.length; i++) {
      process.requireTime("knots[" + i + "]", knots[i]);
    }
  }
}
