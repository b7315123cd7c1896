package org.fewstep.flow;

import java.util.Arrays;
import org.fewstep.backend.AdaptivePlan;
import org.fewstep.diffusion.Diffusion;

/**
 * The adaptive Dormand-Prince method of order 5(4) (Dormand and Prince, 1980, "A family of embedded
 * Runge-Kutta formulae"), "dopri5", with a step size of its own for every row.
 *
 * <p>A step is accepted if the root mean square over the state of the difference between the
 * results of order 5 and 4, in units of {@code absolute + relative max(|x|, |next|)}, is at most 1;
 * the log-likelihood, if it is asked for, counts as one more component of the state. The step size
 * follows the PI controller of Hairer, Norsett and Wanner (1993, "Solving ordinary differential
 * equations I", II.4, and Gustafsson, 1991): {@code h_new = 0.9 h err^-0.17 err_old^0.04}, changed
 * by a factor of 0.2 to 10 and never raised right after a rejection. The first step is theirs too
 * (II.4.14), clipped to the interval. States at knots come from the continuous extension of order 4
 * (II.6), so that knots cost no steps.
 *
 * <p>An error that is not finite is a rejection with the strongest shrink. A row ends early with a
 * {@link RowStatus} of its own, and the other rows go on: NON_FINITE where the field is not finite
 * at the state itself or near it however small the step, STEP_UNDERFLOW where the tolerances cannot
 * be met with the smallest step, MAX_STEPS. Its end state is NaN.
 *
 * <p>States have the precision of the batch, times are float64 always. In float32, tolerances below
 * about 1e-6 ask for more than the states can hold: they cost steps and bring nothing.
 *
 * @param relativeTolerance in (0, 1)
 * @param absoluteTolerance > 0, in units of the state
 * @param maxSteps the largest number of steps of a row, accepted and rejected together, >= 1
 * @param maxStep the largest step in time, > 0; infinite for no limit
 * @param smallestStep the floor of the step size as a fraction of the interval, in (0, 1)
 */
public record DormandPrince(
    double relativeTolerance,
    double absoluteTolerance,
    int maxSteps,
    double maxStep,
    double smallestStep)
    implements Solver {

  /** a[i][j], rows of the tableau; the last row is b (first same as last). */
  static final double[][] A = {
    {},
    {1.0 / 5},
    {3.0 / 40, 9.0 / 40},
    {44.0 / 45, -56.0 / 15, 32.0 / 9},
    {19372.0 / 6561, -25360.0 / 2187, 64448.0 / 6561, -212.0 / 729},
    {9017.0 / 3168, -355.0 / 33, 46732.0 / 5247, 49.0 / 176, -5103.0 / 18656},
    {35.0 / 384, 0, 500.0 / 1113, 125.0 / 192, -2187.0 / 6784, 11.0 / 84}
  };

  static final double[] B = {
    35.0 / 384, 0, 500.0 / 1113, 125.0 / 192, -2187.0 / 6784, 11.0 / 84, 0
  };

  static final double[] C = {0, 1.0 / 5, 3.0 / 10, 4.0 / 5, 8.0 / 9, 1, 1};

  /** b minus the weights of the embedded method of order 4. */
  static final double[] ERROR = {
    71.0 / 57600, 0, -71.0 / 16695, 71.0 / 1920, -17253.0 / 339200, 22.0 / 525, -1.0 / 40
  };

  /** The weights of the quartic term of the continuous extension (Hairer et al., code dopri5). */
  static final double[] DENSE = {
    -12715105075.0 / 11282082432.0,
    0,
    87487479700.0 / 32700410799.0,
    -10690763975.0 / 1880347072.0,
    701980252875.0 / 199316789632.0,
    -1453857185.0 / 822651844.0,
    69997945.0 / 29380423.0
  };

  static final int STAGES = B.length;

  private static final double DEFAULT_TOLERANCE = 1e-5;

  /** Checks the ranges. */
  public DormandPrince {
    Require.positiveFinite("relativeTolerance", relativeTolerance);
    Require.positiveFinite("absoluteTolerance", absoluteTolerance);
    Require.atLeast("maxSteps", 1, maxSteps);
    if (relativeTolerance >= 1) {
      throw new IllegalArgumentException(
          "relativeTolerance must be < 1, but is " + relativeTolerance);
    }
    if (!(maxStep > 0)) {
      throw new IllegalArgumentException("maxStep must be > 0, but is " + maxStep);
    }
    if (!(smallestStep > 0 && smallestStep < 1)) {
      throw new IllegalArgumentException("smallestStep must lie in (0, 1), but is " + smallestStep);
    }
  }

  /** Both tolerances 1e-5. */
  public DormandPrince() {
    this(DEFAULT_TOLERANCE, DEFAULT_TOLERANCE);
  }

  /** With tolerances, at most 10,000 steps, no limit on the step and a floor of 1e-12. */
  public DormandPrince(double relativeTolerance, double absoluteTolerance) {
    this(relativeTolerance, absoluteTolerance, 10_000, Double.POSITIVE_INFINITY, 1e-12);
  }

  /** This with another limit on the number of steps. */
  public DormandPrince withMaxSteps(int steps) {
    return new DormandPrince(relativeTolerance, absoluteTolerance, steps, maxStep, smallestStep);
  }

  /** This with another limit on the step size in time. */
  public DormandPrince withMaxStep(double step) {
    return new DormandPrince(relativeTolerance, absoluteTolerance, maxSteps, step, smallestStep);
  }

  /** The size below which no step between two times goes. */
  double smallestStepBetween(double start, double end) {
    // Times closer than some units in the last place cannot be told apart.
    double resolution = 4 * Math.ulp(Math.max(Math.abs(start), Math.abs(end)));
    return Math.max(smallestStep * Math.abs(end - start), resolution);
  }

  /** The size above which no step between two times goes. */
  double largestStepBetween(double start, double end) {
    return Math.min(maxStep, Math.abs(end - start));
  }

  /**
   * This for a backend that runs whole trajectories.
   *
   * @param knots in the order in which they are passed
   */
  AdaptivePlan compile(Diffusion process, double[] knots) {
    double[][] weights = new double[STAGES][];
    Arrays.setAll(weights, stage -> Arrays.copyOf(A[stage], STAGES));
    double start = knots[0];
    double end = knots[knots.length - 1];
    return new AdaptivePlan(
        process,
        knots,
        new AdaptivePlan.Tableau(
            weights, C, ERROR, DenseOutput.QUADRATIC, DenseOutput.CUBIC, DENSE),
        StepControl.DATA,
        relativeTolerance,
        absoluteTolerance,
        smallestStepBetween(start, end),
        largestStepBetween(start, end),
        maxSteps);
  }

  @Override
  public String name() {
    return "dopri5";
  }

  @Override
  public int order() {
    return 5;
  }
}
