package org.fewstep.flow;

/**
 * DDIM (Song, Meng and Ermon, 2020, "Denoising diffusion implicit models"), the exponential Euler
 * method: {@code x_s = (sigma_s/sigma_t) x_t + (alpha_s - alpha_t sigma_s/sigma_t) D}. Order 1, one
 * evaluation a step, exact where D does not change along the path: for a single data point.
 *
 * <p>Equal to DPM-Solver++ of order 1. (alpha_s - alpha_t sigma_s/sigma_t is alpha_s (1 - e^-h),
 * computed without cancellation.)
 */
public final class Ddim extends ExponentialMultistep {

  /** The solver "ddim". */
  public Ddim() {
    super("ddim", 1, 1, false, false);
  }
}
