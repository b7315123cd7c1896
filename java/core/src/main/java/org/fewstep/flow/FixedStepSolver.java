package org.fewstep.flow;

import org.fewstep.backend.Plan;
import org.fewstep.diffusion.Diffusion;

/**
 * A solver that takes one step from each knot of a grid to the next. It compiles to a {@link Plan}
 * in float64 and never sees a batch. Users may add their own.
 */
public non-sealed interface FixedStepSolver extends Solver {

  /**
   * The trajectory over the knots as data.
   *
   * @param process the process whose probability flow is solved
   * @param knots at least two times of the process, strictly descending (noise to data) or strictly
   *     ascending (data to noise)
   * @throws IllegalArgumentException naming the knot that is not as above, or that this solver
   *     cannot step from or to
   */
  Plan compile(Diffusion process, double[] knots);
}
