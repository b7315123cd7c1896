package org.fewstep.flow;

/** Explicit Euler, {@code x + h v(x, t)}: order 1, one evaluation a step. */
public final class Euler extends RungeKutta {

  private static final ButcherTableau TABLEAU =
      new ButcherTableau(new double[][] {{}}, new double[] {1});

  /** The solver "euler". */
  public Euler() {
    super("euler", 1, TABLEAU);
  }
}
