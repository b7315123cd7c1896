package org.fewstep.flow;

/**
 * DPM-Solver++(2M) (Lu et al., 2022, "DPM-Solver++: fast solver for guided sampling of diffusion
 * probabilistic models", algorithm 2): with r = h_previous/h,
 *
 * <pre>
 *   x_s = (sigma_s/sigma_t) x_t + alpha_s (1 - e^-h) ((1 + 1/2r) D - D_previous/2r)
 * </pre>
 *
 * Order 2, one evaluation a step; the first step is DDIM. The default solver. Equal to the
 * predictor of order 2 of UniPC.
 */
public final class DpmSolver2M extends ExponentialMultistep {

  /** The solver "dpmpp2m": of order 2 up to the last step, unless that ends at sigma = 0. */
  public DpmSolver2M() {
    this(false);
  }

  /** The same with the choice whether the last step falls back to order 1. */
  public DpmSolver2M(boolean lowerOrderAtEnd) {
    super("dpmpp2m", 2, 2, false, lowerOrderAtEnd);
  }
}
