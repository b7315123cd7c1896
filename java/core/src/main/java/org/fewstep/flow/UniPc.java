package org.fewstep.flow;

/**
 * UniPC with data prediction and B(h) = e^h - 1, "bh2" (Zhao et al., 2023, "UniPC: a unified
 * predictor-corrector framework for fast sampling of diffusion models"): UniP-p predicts through
 * the last p denoised points, UniC-p repeats the step with the point at the prediction as one more
 * node. That evaluation serves the next step, so a step costs one; the last step is the prediction.
 *
 * <p>Matching the Taylor series of the integral (their theorem 3.1, {@code R_p rho = phi_p/B})
 * determines the weights, for any B: they are those of the polynomial through the nodes. B only
 * enters where the paper takes rho = 1/2 instead, in UniP-2 and UniC-1; so UniP-1 is DDIM, UniP-2
 * is DPM-Solver++(2M) and UniP-3 is DPM-Solver++(3M).
 *
 * <p>UniPC-p converges with order p + 1. The fall to order 1 in the last step adds an error of
 * order 2, small where the end is nearly data.
 */
public final class UniPc extends ExponentialMultistep {

  /** The solver "unipc": p = 2, with lower order in the last steps, as its authors use it. */
  public UniPc() {
    this(2, true);
  }

  /**
   * UniPC of a choice.
   *
   * @param history p, the number of denoised points in the predictor: 1, 2 or 3
   * @param lowerOrderAtEnd whether the last steps fall back to orders p - 1, ..., 1
   */
  public UniPc(int history, boolean lowerOrderAtEnd) {
    super("unipc", history + 1, history, true, lowerOrderAtEnd);
    if (history < 1 || history > 3) {
      throw new IllegalArgumentException("history must be 1, 2 or 3, but is %d".formatted(history));
    }
  }
}
