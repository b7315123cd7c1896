package org.fewstep.flow;

/** The explicit midpoint rule (Runge, 1895): order 2, two evaluations a step, none at its end. */
public final class Midpoint extends RungeKutta {

  private static final ButcherTableau TABLEAU =
      new ButcherTableau(new double[][] {{}, {0.5}}, new double[] {0, 1});

  /** The solver "midpoint". */
  public Midpoint() {
    super("midpoint", 2, TABLEAU);
  }
}
