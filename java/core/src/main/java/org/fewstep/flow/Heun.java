package org.fewstep.flow;

/**
 * Heun's method, the explicit trapezoid (Heun, 1900; the solver of EDM, Karras et al., 2022): order
 * 2, two evaluations a step, the second one at its end.
 */
public final class Heun extends RungeKutta {

  private static final ButcherTableau TABLEAU =
      new ButcherTableau(new double[][] {{}, {1}}, new double[] {0.5, 0.5});

  /** The solver "heun". */
  public Heun() {
    super("heun", 2, TABLEAU);
  }
}
