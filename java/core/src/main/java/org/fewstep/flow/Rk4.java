package org.fewstep.flow;

/** The classical Runge-Kutta method (Kutta, 1901): order 4, four evaluations a step. */
public final class Rk4 extends RungeKutta {

  private static final ButcherTableau TABLEAU =
      new ButcherTableau(
          new double[][] {{}, {0.5}, {0, 0.5}, {0, 0, 1}},
          new double[] {1.0 / 6, 1.0 / 3, 1.0 / 3, 1.0 / 6});

  /** The solver "rk4". */
  public Rk4() {
    super("rk4", 4, TABLEAU);
  }
}
