package org.fewstep.diffusion;

/**
 * The variance-preserving process with a cosine schedule (Nichol and Dhariwal, 2021, "Improved
 * denoising diffusion probabilistic models", eq. 17): {@code alpha = cos(u(t))/cos(u(0))} with
 * {@code u(t) = (t + s)/(1 + s) pi/2} and s = 0.008, {@code sigma^2 = 1 - alpha^2}.
 *
 * <p>alpha vanishes at t = 1, so the process ends a little before, at t = 0.9999.
 */
public record VariancePreservingCosine() implements Diffusion {

  private static final double OFFSET = 0.008;
  private static final double RATE = Math.PI / 2 / (1 + OFFSET);
  private static final double START_ANGLE = RATE * OFFSET;

  @Override
  public String name() {
    return "vp-cosine";
  }

  @Override
  public double alpha(double t) {
    return Math.cos(START_ANGLE + RATE * t) / Math.cos(START_ANGLE);
  }

  /**
   * {@inheritDoc} By sin(u - v) sin(u + v) = cos^2 v - cos^2 u, which keeps its digits at small t.
   */
  @Override
  public double sigma(double t) {
    double angle = RATE * t;
    return Math.sqrt(Math.sin(angle) * Math.sin(angle + 2 * START_ANGLE)) / Math.cos(START_ANGLE);
  }

  @Override
  public double drift(double t) {
    return -RATE * Math.tan(START_ANGLE + RATE * t);
  }

  /** {@inheritDoc} Variance preserving: alpha alpha' + sigma sigma' = 0, so it is -drift. */
  @Override
  public double halfSquaredDiffusion(double t) {
    return -drift(t);
  }

  @Override
  public double maxTime() {
    return 0.9999;
  }

  @Override
  public double defaultStart() {
    return 0.99;
  }

  @Override
  public double defaultEnd() {
    return 1e-3;
  }

  @Override
  public double timeAtHalfLogSnr(double lambda) {
    double smallest = halfLogSnr(maxTime());
    if (!(lambda >= smallest - 1e-9)) {
      throw new IllegalArgumentException(
          "lambda must be at least %s (t = %s) for the process vp-cosine, but is %s"
              .formatted(smallest, maxTime(), lambda));
    }
    // alpha^2 = 1/(1 + e^-2lambda); the squared sine of the angle keeps digits where alpha ~ 1:
    // sin^2 u = 1 - cos^2(u0) alpha^2 = sigma^2 + sin^2(u0) alpha^2.
    double e = Math.exp(-2 * lambda);
    double alphaSquared = 1 / (1 + e);
    double sigmaSquared = 1 / (1 + 1 / e);
    double startSine = Math.sin(START_ANGLE);
    double startCosine = Math.cos(START_ANGLE);
    double sine = Math.sqrt(sigmaSquared + startSine * startSine * alphaSquared);
    double cosine = startCosine * Math.sqrt(alphaSquared);
    // sin(u - u0) = (sin^2 u - sin^2 u0)/sin(u + u0), free of cancellation at small t.
    double squares = sigmaSquared * startCosine * startCosine;
    double angle =
        Math.atan2(
            squares / (sine * startCosine + cosine * startSine),
            cosine * startCosine + sine * startSine);
    return Math.clamp(angle / RATE, 0, maxTime());
  }

  @Override
  public double scale(double t) {
    return 1;
  }
}
