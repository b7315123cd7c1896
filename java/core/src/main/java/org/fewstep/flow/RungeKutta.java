package org.fewstep.flow;

import java.util.ArrayList;
import java.util.List;
import java.util.function.DoubleFunction;
import org.fewstep.backend.Plan;
import org.fewstep.backend.TimeConstants;
import org.fewstep.diffusion.Diffusion;

/**
 * An explicit Runge-Kutta method on dx/dt = v(x, t), in either direction of time: the one engine
 * that turns a tableau into a plan. A user's own method is {@code new RungeKutta(name, order,
 * tableau)}.
 *
 * <p>Log-density: along the flow d log p/dt = -div v (the continuity equation), whose right-hand
 * side does not depend on log p; so the method applied to the pair (x, log p) adds {@code -h sum_i
 * b_i div v_i}, with the same weights and to the same order.
 *
 * <p>Last-step rule: nothing is divided by sigma. A step may end at t = 0 where the field is
 * defined at the times of its stages: Euler and the midpoint rule do not evaluate it at the end of
 * a step, Heun and RK4 do, and need a mixture without singular covariances there.
 */
public class RungeKutta implements FixedStepSolver {

  private final String name;
  private final int order;
  private final ButcherTableau tableau;

  /**
   * A method by its tableau.
   *
   * @param name for results
   * @param order the order of convergence, >= 1
   */
  public RungeKutta(String name, int order, ButcherTableau tableau) {
    Require.notNull("name", name);
    Require.notNull("tableau", tableau);
    Require.atLeast("order", 1, order);
    this.name = name;
    this.order = order;
    this.tableau = tableau;
  }

  @Override
  public final String name() {
    return name;
  }

  @Override
  public final int order() {
    return order;
  }

  @Override
  public Plan compile(Diffusion process, double[] knots) {
    Require.timesOf(process, knots);
    return compile(t -> TimeConstants.of(process, t), knots);
  }

  /** As above, for a field that has no process: only the time of the constants is ever used. */
  Plan compileWithoutProcess(double[] knots) {
    Require.monotone(knots);
    return compile(t -> new TimeConstants(t, 1, t, 0, 0), knots);
  }

  private Plan compile(DoubleFunction<TimeConstants> constants, double[] knots) {
    List<Plan.Step> steps = new ArrayList<>();
    for (int n = 0; n + 1 < knots.length; n++) {
      steps.add(step(constants, knots[n], knots[n + 1]));
    }
    return new Plan(Plan.Evaluation.VELOCITY, tableau.stages() + 1, steps);
  }

  /** One step; slot 0 is the state and slot i + 1 the slope of stage i. */
  private Plan.Step step(DoubleFunction<TimeConstants> constants, double from, double to) {
    int stages = tableau.stages();
    double h = to - from;
    List<Plan.Stage> plan = new ArrayList<>();
    double[] update = new double[stages + 1];
    double[] logDensityWeights = new double[stages + 1];
    update[0] = 1;
    for (int i = 0; i < stages; i++) {
      double[] inputs = new double[stages + 1];
      inputs[0] = 1;
      for (int j = 0; j < i; j++) {
        inputs[j + 1] = h * tableau.a(i, j);
      }
      // from + 1 * (to - from) may miss the knot by rounding, and with it t = 0.
      double t = tableau.c(i) == 1 ? to : from + tableau.c(i) * h;
      plan.add(new Plan.Stage(constants.apply(t), inputs, i + 1));
      update[i + 1] = h * tableau.b(i);
      logDensityWeights[i + 1] = -h * tableau.b(i);
    }
    return new Plan.Step(to, plan, update, 0, logDensityWeights);
  }

  @Override
  public final String toString() {
    return name;
  }
}
