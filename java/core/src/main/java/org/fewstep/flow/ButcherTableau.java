package org.fewstep.flow;

import org.fewstep.backend.Plan;

/**
 * The coefficients of an explicit Runge-Kutta method with s stages for dx/dt = v(x, t):
 *
 * <pre>
 *   k_i = v(x + h sum_{j &lt; i} a_ij k_j, t + c_i h),     x(t + h) = x + h sum_i b_i k_i
 * </pre>
 *
 * The nodes c are the row sums of a. Immutable.
 */
public final class ButcherTableau {

  /** Row sums and weights may miss their exact values by rounding. */
  private static final double ROUNDING = 1e-12;

  private final double[][] a;
  private final double[] b;
  private final double[] c;

  /**
   * A tableau of s = b.length stages.
   *
   * @param a [s][i], row i with one entry per earlier stage
   * @param b [s], summing to 1
   * @throws IllegalArgumentException if there are more than {@value Plan#MAX_SLOTS} - 1 stages, the
   *     shapes do not fit, or b does not sum to 1 (a method of order 0)
   */
  public ButcherTableau(double[][] a, double[] b) {
    if (b.length < 1 || b.length >= Plan.MAX_SLOTS) {
      throw new IllegalArgumentException(
          "b must have 1 to %d stages, but has %d".formatted(Plan.MAX_SLOTS - 1, b.length));
    }
    if (a.length != b.length) {
      throw new IllegalArgumentException(
          "a must have one row per stage (%d), but has %d".formatted(b.length, a.length));
    }
    this.a = new double[a.length][];
    this.b = b.clone();
    this.c = new double[b.length];
    for (int i = 0; i < a.length; i++) {
      if (a[i].length != i) {
        throw new IllegalArgumentException(
            "a[%d] must have one entry per earlier stage (%d), but has %d"
                .formatted(i, i, a[i].length));
      }
      this.a[i] = a[i].clone();
      this.c[i] = sum(a[i]);
    }
    if (!(Math.abs(sum(b) - 1) <= ROUNDING)) {
      throw new IllegalArgumentException("b must sum to 1, but sums to " + sum(b));
    }
  }

  private static double sum(double[] values) {
    double sum = 0;
    for (double value : values) {
      sum += value;
    }
    return sum;
  }

  /** The number of stages s. */
  public int stages() {
    return b.length;
  }

  /** The weight of slope j in the state at which stage i evaluates, for j below i. */
  public double a(int i, int j) {
    return a[i][j];
  }

  /** The weight of slope i in the step. */
  public double b(int i) {
    return b[i];
  }

  /** The place of stage i within the step, 0 at its start and 1 at its end. */
  public double c(int i) {
    return c[i];
  }
}
