package org.fewstep.flow;

import org.fewstep.backend.AdaptivePlan;

/**
 * The PI step size control of Hairer, Norsett and Wanner (1993, II.4) for a method of order 5 with
 * an error estimate of order 4: pure functions of the error in units of the tolerance.
 */
final class StepControl {

  /** The weight of the last accepted error; 0 would be the elementary controller. */
  private static final double BETA = 0.04;

  private static final double EXPONENT = 1.0 / 5 - 0.75 * BETA;
  private static final double SAFETY = 0.9;
  private static final double SMALLEST_FACTOR = 0.2;
  private static final double LARGEST_FACTOR = 10;

  /** A tiny error must not let the next step be refused growth for long. */
  static final double SMALLEST_REMEMBERED_ERROR = 1e-4;

  private static final double FIRST_EXPONENT = 1.0 / 5;

  /** These rules for a backend that follows them by itself. */
  static final AdaptivePlan.Control DATA =
      new AdaptivePlan.Control(
          EXPONENT,
          BETA,
          SAFETY,
          SMALLEST_FACTOR,
          LARGEST_FACTOR,
          SMALLEST_REMEMBERED_ERROR,
          FIRST_EXPONENT);

  private StepControl() {}

  /**
   * The factor on the step size after an accepted step.
   *
   * @param error of the step, in [0, 1]
   * @param previous error of the accepted step before
   * @param afterRejection whether the attempt before was rejected: the step then does not grow
   */
  static double afterAccepted(double error, double previous, boolean afterRejection) {
    double factor =
        error == 0
            ? LARGEST_FACTOR
            : SAFETY * Math.pow(error, -EXPONENT) * Math.pow(previous, BETA);
    return Math.clamp(factor, SMALLEST_FACTOR, afterRejection ? 1 : LARGEST_FACTOR);
  }

  /** The factor on the step size after a rejected step, whose error is above 1 or not finite. */
  static double afterRejected(double error) {
    if (!Double.isFinite(error)) {
      return SMALLEST_FACTOR;
    }
    return Math.max(SMALLEST_FACTOR, SAFETY * Math.pow(error, -EXPONENT));
  }

  /**
   * The first step size (II.4.14), not yet clipped.
   *
   * @param state the norm of the state in units of the tolerance
   * @param slope the norm of the slope, likewise
   * @param interval the length of the whole interval, > 0
   * @return the explicit Euler step by which {@link #firstStep} probes the second derivative
   */
  static double probeStep(double state, double slope, double interval) {
    return state < 1e-5 || slope < 1e-5 ? 1e-6 * interval : 0.01 * state / slope;
  }

  /**
   * The first step size.
   *
   * @param probe the Euler step that was taken
   * @param slope the norm of the slope in units of the tolerance
   * @param curvature the norm of the change of the slope over the probe, divided by the probe
   * @param interval the length of the whole interval, > 0
   */
  static double firstStep(double probe, double slope, double curvature, double interval) {
    double largest = Math.max(slope, curvature);
    if (Double.isNaN(largest)) {
      return probe;
    }
    double step =
        largest <= 1e-15
            ? Math.max(1e-6 * interval, 1e-3 * probe)
            : Math.pow(0.01 / largest, FIRST_EXPONENT);
    return Math.min(100 * probe, step);
  }
}
