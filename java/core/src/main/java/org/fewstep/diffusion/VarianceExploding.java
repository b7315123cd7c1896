package org.fewstep.diffusion;

/**
 * The variance-exploding process in the parametrisation of EDM (Karras et al., 2022, "Elucidating
 * the design space of diffusion-based generative models"): {@code alpha = 1, sigma = t}, so that
 * time is the noise level itself.
 *
 * @param sigmaMax the largest noise level, > 0
 */
public record VarianceExploding(double sigmaMax) implements Diffusion {

  /** Checks the noise level. */
  public VarianceExploding {
    if (!(sigmaMax > 0) || Double.isInfinite(sigmaMax)) {
      throw new IllegalArgumentException(
          "sigmaMax must be finite and > 0, but is %s".formatted(sigmaMax));
    }
  }

  /** The largest noise level of EDM, 80. */
  public VarianceExploding() {
    this(80);
  }

  @Override
  public String name() {
    return "ve";
  }

  @Override
  public double alpha(double t) {
    return 1;
  }

  @Override
  public double sigma(double t) {
    return t;
  }

  @Override
  public double drift(double t) {
    return 0;
  }

  @Override
  public double halfSquaredDiffusion(double t) {
    return t;
  }

  @Override
  public double maxTime() {
    return sigmaMax;
  }

  @Override
  public double defaultStart() {
    return sigmaMax;
  }

  @Override
  public double defaultEnd() {
    return Math.min(0.002, sigmaMax / 2);
  }

  @Override
  public double timeAtHalfLogSnr(double lambda) {
    double t = Math.exp(-lambda);
    if (!(t <= sigmaMax * (1 + 1e-12))) {
      throw new IllegalArgumentException(
          "lambda must be at least %s (t = %s) for the process ve, but is %s"
              .formatted(-Math.log(sigmaMax), sigmaMax, lambda));
    }
    return Math.min(t, sigmaMax);
  }
}
