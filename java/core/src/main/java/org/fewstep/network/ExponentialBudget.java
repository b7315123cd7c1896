package org.fewstep.network;

/**
 * How e^-v is computed for v in [0, range]: as {@code T(-v/2^n)^(2^n)}, with T the Taylor
 * polynomial of degree p and {@code range/2^n <= 1}.
 *
 * @param range the largest v
 * @param squarings n
 * @param degree p
 */
record ExponentialBudget(double range, int squarings, int degree) {

  /** Far below what float64 could hold: budgets ask for no less, and overshoot instead. */
  static final double LEAST_ERROR = 1e-30;

  /**
   * The least deep way of which the {@linkplain #error error} is at most {@code error}, or {@link
   * #LEAST_ERROR}.
   *
   * @param range > 0
   * @param error > 0
   */
  static ExponentialBudget of(double range, double error) {
    int fewest = Math.max(0, Math.getExponent(range) + (isPowerOfTwo(range) ? 0 : 1));
    ExponentialBudget best = null;
    for (int n = fewest; best == null || n + 1 < best.squarings() + best.degree(); n++) {
      int p = 1;
      while (new ExponentialBudget(range, n, p).error() > Math.max(error, LEAST_ERROR)) {
        p++;
      }
      if (best == null || n + p < best.squarings() + best.degree()) {
        best = new ExponentialBudget(range, n, p);
      }
    }
    return best;
  }

  /**
   * The way for a v that is clamped to the range, with the value at its end taken for nothing: the
   * {@linkplain #clampedError clamped error} is at most {@code error}.
   *
   * @param error in (0, 1/2]
   */
  static ExponentialBudget clamped(double error) {
    return of(clampedRange(error), Math.max(error, 4 * LEAST_ERROR) / 4);
  }

  /** The range that {@link #clamped} takes. */
  static double clampedRange(double error) {
    return Math.log(4 / Math.max(error, 4 * LEAST_ERROR));
  }

  private static boolean isPowerOfTwo(double value) {
    return Math.scalb(1.0, Math.getExponent(value)) == value;
  }

  /** The largest v/2^n, at most 1. */
  double reducedRange() {
    return Math.scalb(range, -squarings);
  }

  /**
   * A bound of {@code |T(-v/N)^N - e^-v|}, N = 2^n. For y = v/N in [0, Y], {@code |T(-y) - e^-y| <=
   * r(y) = y^(p+1)/(p+1)!}, so the difference of the powers is at most {@code N r(y) (e^-y +
   * r(y))^(N-1) <= N r(y) e^(-(N-1)y) exp((N-1) r(Y) e^Y)}, which is largest at {@code y = min(Y,
   * (p+1)/(N-1))}.
   */
  double error() {
    double powers = Math.scalb(1.0, squarings);
    double worst = Math.min(reducedRange(), (degree + 1) / (powers - 1));
    double growth = (powers - 1) * remainder(reducedRange()) * Math.exp(reducedRange());
    return powers * remainder(worst) * Math.exp(growth - (powers - 1) * worst);
  }

  private double remainder(double y) {
    double remainder = 1;
    for (int i = 1; i <= degree + 1; i++) {
      remainder *= y / i;
    }
    return remainder;
  }

  /** The computed value at the end of the range, about e^-range. */
  double floor() {
    double h = 1;
    for (int j = degree; j >= 1; j--) {
      h = 1 - reducedRange() * h / j;
    }
    return Math.pow(h, Math.scalb(1.0, squarings));
  }

  /**
   * A bound of the error of {@code (y - floor)/(1 - floor)}, y the computed value at min(v, range),
   * against e^-v for every v >= 0. It is exactly zero, not merely small, from the range on.
   */
  double clampedError() {
    return (error() + floor()) / (1 - floor());
  }
}
