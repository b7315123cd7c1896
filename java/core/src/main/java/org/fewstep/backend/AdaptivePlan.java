package org.fewstep.backend;

import org.fewstep.diffusion.Diffusion;
import org.fewstep.mixture.GaussianMixture;

/**
 * An adaptive trajectory as data: every row takes steps of its own by an embedded Runge-Kutta
 * method, from the first of the times to the last, in either direction.
 *
 * <p>The first step size follows Hairer, Norsett and Wanner (1993, "Solving ordinary differential
 * equations I", II.4.14), by one probe of the field beside the first slope. Then, until the row has
 * ended: an attempt that would nearly reach the end (1.01 of its size does) is stretched or cut to
 * it; its error is the root mean square, over the components of the state and the log-density if
 * that is wanted, of {@code h sum_j error[j] slope_j} in units of {@code absoluteTolerance +
 * relativeTolerance max(|before|, |after|)}. Up to 1 the attempt is taken, and the {@link Control}
 * says how large the next one is. A row ends as {@link AdaptiveOutputs.End} says.
 *
 * @param process of the probability flow
 * @param times at least two, in the order in which they are passed; states are wanted there, which
 *     come of the continuous extension and cost no steps
 * @param tableau the method
 * @param control of the step size
 * @param relativeTolerance > 0
 * @param absoluteTolerance > 0, in units of the state
 * @param smallestStep an attempt that must be smaller ends the row; > 0
 * @param largestStep of an attempt, > 0, finite
 * @param maxSteps of a row, accepted and rejected together, >= 1
 */
public record AdaptivePlan(
    Diffusion process,
    double[] times,
    Tableau tableau,
    Control control,
    double relativeTolerance,
    double absoluteTolerance,
    double smallestStep,
    double largestStep,
    int maxSteps) {

  /** The number of stages of a method. */
  public static final int STAGES = 7;

  /**
   * An embedded Runge-Kutta method of {@value #STAGES} stages, whose last one is evaluated at the
   * next state and so is the first one of the next step. With theta in [0, 1] the part of a step
   * {@code h}, the state there is {@code x + h theta (k_1 + theta (q_2 + theta (q_3 + theta
   * q_4)))}, the q being combinations of the slopes.
   *
   * @param weights [stages][stages], of the slopes in the state of each stage; the last row makes
   *     the next state. Entries on the diagonal and above it are zero
   * @param nodes [stages], the times of the stages as parts of the step
   * @param error [stages], of the slopes in the error estimate
   * @param quadratic [stages], q_2
   * @param cubic [stages], q_3
   * @param quartic [stages], q_4
   */
  public record Tableau(
      double[][] weights,
      double[] nodes,
      double[] error,
      double[] quadratic,
      double[] cubic,
      double[] quartic) {

    /** Checks the lengths. */
    public Tableau {
      requireStages("weights", weights.length);
      for (int i = 0; i < STAGES; i++) {
        requireStages("weights[" + i + "]", weights[i].length);
      }
      requireStages("nodes", nodes.length);
      requireStages("error", error.length);
      requireStages("quadratic", quadratic.length);
      requireStages("cubic", cubic.length);
      requireStages("quartic", quartic.length);
    }

    private static void requireStages(String argument, int length) {
      if (length != STAGES) {
        throw new IllegalArgumentException(
            "%s must have %d entries, but has %d".formatted(argument, STAGES, length));
      }
    }
  }

  /**
   * How the step size follows the error {@code err}: after an accepted attempt {@code h} is
   * multiplied by {@code safety err^-errorExponent err_old^previousExponent}, with err_old that of
   * the accepted attempt before; after a rejected one by {@code safety err^-errorExponent}, and by
   * the smallest factor if the error is not finite. It is not raised right after a rejection.
   *
   * @param errorExponent > 0
   * @param previousExponent >= 0
   * @param safety in (0, 1]
   * @param smallestFactor in (0, 1)
   * @param largestFactor > 1
   * @param smallestRemembered the smallest err_old, which is also that of the first attempt
   * @param firstExponent 1/p with p the order of the method
   */
  public record Control(
      double errorExponent,
      double previousExponent,
      double safety,
      double smallestFactor,
      double largestFactor,
      double smallestRemembered,
      double firstExponent) {}

  /** Checks the ranges. */
  public AdaptivePlan {
    BatchChecks.requireGiven("process", process);
    BatchChecks.requireGiven("times", times);
    BatchChecks.requireGiven("tableau", tableau);
    BatchChecks.requireGiven("control", control);
    if (times.length < 2) {
      throw new IllegalArgumentException(
          "times must be at least a start and an end, but are %d".formatted(times.length));
    }
    double sign = Math.signum(times[times.length - 1] - times[0]);
    for (int i = 0; i < times.length; i++) {
      process.requireTime("times[" + i + "]", times[i]);
      if (i > 0 && !(sign * (times[i] - times[i - 1]) > 0)) {
        throw new IllegalArgumentException(
            "times must all rise or all fall, but %s follows %s".formatted(times[i], times[i - 1]));
      }
    }
    requirePositive("relativeTolerance", relativeTolerance);
    requirePositive("absoluteTolerance", absoluteTolerance);
    requirePositive("smallestStep", smallestStep);
    requirePositive("largestStep", largestStep);
    if (maxSteps < 1) {
      throw new IllegalArgumentException("maxSteps must be >= 1, but is " + maxSteps);
    }
  }

  private static void requirePositive(String argument, double value) {
    if (!(value > 0 && Double.isFinite(value))) {
      throw new IllegalArgumentException(
          "%s must be finite and > 0, but is %s".formatted(argument, value));
    }
  }

  /** The time at which rows start. */
  public double start() {
    return times[0];
  }

  /** The time at which rows end. */
  public double end() {
    return times[times.length - 1];
  }

  /**
   * Checks that the mixture has a density at all times.
   *
   * @throws IllegalArgumentException if a covariance is singular and there is no noise at an end
   */
  public void requireFits(GaussianMixture mixture) {
    for (double time : new double[] {start(), end()}) {
      if (!TimeConstants.of(process, time).givesDensity(mixture)) {
        throw new IllegalArgumentException(
            "plan must run a mixture with a singular covariance at t > 0 only, but runs to t = "
                + time);
      }
    }
  }
}
