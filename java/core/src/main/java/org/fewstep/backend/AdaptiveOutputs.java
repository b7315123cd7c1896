package org.fewstep.backend;

import java.util.List;

/**
 * The outputs asked of an adaptive trajectory, each but the report null or empty if it is not
 * wanted. A row that has not reached the end is NaN from there on.
 *
 * @param end [n,d], the state at the last time; may be the starting batch itself
 * @param knots one batch [n,d] for each of the plan's times, or empty
 * @param logDensity [n,1], in and out: holds log p of the starting points and receives log p of the
 *     end points by the integral of the divergence along the flow, which takes part in the control
 *     of the error
 * @param report [n,{@value #REPORT_COLUMNS}] in FLOAT32 whatever the precision of x: the ordinal of
 *     the row's {@link End}, its accepted steps, its rejected steps
 */
public record AdaptiveOutputs(Batch end, List<Batch> knots, Batch logDensity, Batch report) {

  /** The columns of a report. */
  public static final int REPORT_COLUMNS = 3;

  /** How a row ended. */
  public enum End {
    /** At the last time. */
    REACHED,
    /** The largest number of steps was used up. */
    MAX_STEPS,
    /** The tolerances could not be met with the smallest step. */
    STEP_UNDERFLOW,
    /** The field is not finite at the state, or near it however small the step. */
    NON_FINITE
  }

  /** Keeps its own copy of the list. */
  public AdaptiveOutputs {
    knots = List.copyOf(knots);
  }

  /** Only the end state, and the report. */
  public static AdaptiveOutputs end(Batch end, Batch report) {
    return new AdaptiveOutputs(end, List.of(), null, report);
  }

  /**
   * Checks every batch against the starting points and the plan.
   *
   * @throws IllegalArgumentException naming the first one that does not fit
   */
  public void requireFits(Batch x, AdaptivePlan plan) {
    BatchChecks.requireGiven("x", x);
    BatchChecks.requireGiven("plan", plan);
    BatchChecks.requireLike("end", end, x, x.columns());
    BatchChecks.requireLike("logDensity", logDensity, x, 1);
    if (!knots.isEmpty() && knots.size() != plan.times().length) {
      throw new IllegalArgumentException(
          "knots must be empty or have one batch for each of the %d times, but has %d"
              .formatted(plan.times().length, knots.size()));
    }
    BatchChecks.requireAllLike("knots", knots, x, x.columns());
    BatchChecks.requireGiven("report", report);
    BatchChecks.requireShape("report", report, x.rows(), REPORT_COLUMNS);
    BatchChecks.requirePrecision("report", report, Precision.FLOAT32);
    BatchChecks.requireSpace("report", report, x.space());
  }
}
