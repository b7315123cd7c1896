package org.fewstep.flow;

/**
 * DPM-Solver++(3M) (Lu et al., 2022): the parabola through the last three denoised points,
 * integrated exactly against the exponential. Order 3 in its steps, one evaluation a step; the
 * first step is DDIM and the second 2M.
 *
 * <p>With r0 = h_1/h, r1 = h_2/h (h_1 and h_2 the previous steps), d0 = (D - D_1)/r0, d1 = (D_1 -
 * D_2)/r1, D' = d0 + r0 (d0 - d1)/(r0 + r1) and D'' = 2 (d0 - d1)/(r0 + r1),
 *
 * <pre>
 *   x_s = (sigma_s/sigma_t) x_t + alpha_s [ (1 - e^-h) D + (1 - (1 - e^-h)/h) D'
 *                                           + (1/2 - (e^-h - 1 + h)/h^2) D'' ] .
 * </pre>
 *
 * The factor 2 in D'' follows from Newton's form of the parabola; widespread implementations lack
 * it, and are of order 2. The error of the first step, of order 2, remains; it is small when the
 * start is nearly pure noise, where D hardly changes.
 */
public final class DpmSolver3M extends ExponentialMultistep {

  /** The solver "dpmpp3m": of order 3 up to the last step, unless that ends at sigma = 0. */
  public DpmSolver3M() {
    this(false);
  }

  /** The same with the choice whether the last two steps fall back to orders 2 and 1. */
  public DpmSolver3M(boolean lowerOrderAtEnd) {
    super("dpmpp3m", 3, 3, false, lowerOrderAtEnd);
  }
}
