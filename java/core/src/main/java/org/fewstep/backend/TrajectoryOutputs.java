package org.fewstep.backend;

import java.util.List;

/**
 * The outputs asked of a trajectory, each null or empty if it is not wanted.
 *
 * @param end [n,d], the state after the last step; may be the starting batch itself
 * @param knots one batch [n,d] for the start and one for the end of each step (steps + 1), or empty
 * @param logDensity [n,1], in and out: holds log p of the starting points and receives log p of the
 *     end points by the integral of the divergence along the flow
 */
public record TrajectoryOutputs(Batch end, List<Batch> knots, Batch logDensity) {

  /** Keeps its own copy of the list. */
  public TrajectoryOutputs {
    knots = List.copyOf(knots);
  }

  /** Only the end state. */
  public static TrajectoryOutputs end(Batch end) {
    return new TrajectoryOutputs(end, List.of(), null);
  }

  /**
   * Checks every batch against the starting points and the plan.
   *
   * @throws IllegalArgumentException naming the first one that does not fit
   */
  public void requireFits(Batch x, Plan plan) {
    BatchChecks.requireGiven("x", x);
    BatchChecks.requireGiven("plan", plan);
    BatchChecks.requireLike("end", end, x, x.columns());
    BatchChecks.requireLike("logDensity", logDensity, x, 1);
    if (!knots.isEmpty() && knots.size() != plan.steps().size() + 1) {
      throw new IllegalArgumentException(
          "knots must be empty or have steps + 1 = %d batches, but has %d"
              .formatted(plan.steps().size() + 1, knots.size()));
    }
    BatchChecks.requireAllLike("knots", knots, x, x.columns());
  }
}
