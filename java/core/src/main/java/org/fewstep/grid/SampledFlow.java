package org.fewstep.grid;

/**
 * A flow that is known by running it and by products with its Jacobian J(x, t), for grids that
 * follow |J| where there is no mixture to tell it. Arrays are row-major [n,d].
 */
public interface SampledFlow {

  /** The dimension d of the states. */
  int dimension();

  /**
   * States along trajectories.
   *
   * @param starts [n,d], at the first time
   * @param times strictly descending
   * @return [n,d] for each time, the first of them the starts
   */
  double[][] states(double[] starts, double[] times);

  /** {@code J(x_i, t) v_i} in each row i, J the Jacobian of the velocity dx/dt in x. */
  double[] jvp(double t, double[] points, double[] vectors);

  /** {@code J(x_i, t)' v_i} in each row i. */
  double[] vjp(double t, double[] points, double[] vectors);
}
