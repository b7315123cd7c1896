package org.fewstep.network;

/**
 * How responsibilities are computed: {@code e_k = exp(l_k - M)} with M the largest logit plus a
 * {@linkplain #MARGIN margin}, each within {@link #weightError}, and their reciprocal sum within
 * {@link #sumError} relative.
 *
 * @param components K, at least 2
 * @param exponential of l_k - M
 * @param iterations of the reciprocal
 */
record SoftmaxBudget(int components, ExponentialBudget exponential, int iterations) {

  /**
   * How far below zero the largest l_k - M is put: rounding of M may then exceed the largest logit
   * a little without running into the end of the exponential's range.
   */
  static final double MARGIN = 1.0 / 32;

  private static final double LARGEST_ERROR = 0.25;

  /**
   * The least deep way within two errors.
   *
   * @param weightError of each e_k, > 0
   * @param sumError of the reciprocal sum, relative, > 0
   */
  static SoftmaxBudget of(int components, double weightError, double sumError) {
    double error = Math.min(weightError, LARGEST_ERROR / components);
    SoftmaxBudget budget = new SoftmaxBudget(components, ExponentialBudget.clamped(error), 1);
    while (budget.sumError() > Math.min(sumError, LARGEST_ERROR)) {
      budget = new SoftmaxBudget(components, budget.exponential(), budget.iterations() + 1);
    }
    return budget;
  }

  /** A bound of the error of each e_k. */
  double weightError() {
    return exponential.clampedError();
  }

  /** The least that the computed sum of the e_k can be: that of the largest alone. */
  double smallestSum() {
    return Math.exp(-MARGIN) - weightError();
  }

  /** A bound of the relative error of the reciprocal of the computed sum, which is too small. */
  double sumError() {
    double e = 1 - smallestSum() / components;
    return Math.pow(e, Math.scalb(1.0, iterations));
  }

  /**
   * A bound of the sum over k of the errors of the responsibilities, before the error of the
   * reciprocal: with Z >= e^-MARGIN, {@code sum |e~_k/Z~ - e_k/Z| <= 2 sum |e~_k - e_k|/Z}.
   */
  double spread() {
    return 2 * components * weightError() * Math.exp(MARGIN);
  }
}
