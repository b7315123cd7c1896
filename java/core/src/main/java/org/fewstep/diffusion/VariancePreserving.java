package org.fewstep.diffusion;

/**
 * The variance-preserving process with a noise rate linear in time, beta(t) = betaMin + (betaMax -
 * betaMin) t on t in [0, 1] (Song et al., 2021, appendix C): {@code alpha = exp(-B(t)/2)} with B
 * the integral of beta, {@code sigma^2 = 1 - alpha^2}.
 *
 * @param betaMin the rate at t = 0, > 0
 * @param betaMax the rate at t = 1, >= betaMin
 */
public record VariancePreserving(double betaMin, double betaMax) implements Diffusion {

  /** Checks the rates. */
  public VariancePreserving {
    if (!(betaMin > 0) || !(betaMax >= betaMin) || Double.isInfinite(betaMax)) {
      throw new IllegalArgumentException(
          "betaMin and betaMax must be finite with 0 < betaMin <= betaMax, but are %s and %s"
              .formatted(betaMin, betaMax));
    }
  }

  /** The rates of the original paper: 0.1 and 20. */
  public VariancePreserving() {
    this(0.1, 20);
  }

  private double beta(double t) {
    return betaMin + (betaMax - betaMin) * t;
  }

  private double integratedBeta(double t) {
    return t * (betaMin + 0.5 * (betaMax - betaMin) * t);
  }

  @Override
  public String name() {
    return "vp";
  }

  @Override
  public double alpha(double t) {
    return Math.exp(-0.5 * integratedBeta(t));
  }

  @Override
  public double sigma(double t) {
    return Math.sqrt(-Math.expm1(-integratedBeta(t)));
  }

  @Override
  public double drift(double t) {
    return -0.5 * beta(t);
  }

  @Override
  public double halfSquaredDiffusion(double t) {
    return 0.5 * beta(t);
  }

  @Override
  public double maxTime() {
    return 1;
  }

  @Override
  public double defaultStart() {
    return 1;
  }

  @Override
  public double defaultEnd() {
    return 1e-3;
  }

  @Override
  public double halfLogSnr(double t) {
    double integral = integratedBeta(t);
    return -0.5 * (integral + Math.log(-Math.expm1(-integral)));
  }

  /** {@inheritDoc} Solves the quadratic B(t) = log(1 + e^(-2 lambda)) in its stable form. */
  @Override
  public double timeAtHalfLogSnr(double lambda) {
    double target = lambda < -300 ? -2 * lambda : Math.log1p(Math.exp(-2 * lambda));
    double slope = betaMax - betaMin;
    double t = 2 * target / (betaMin + Math.sqrt(betaMin * betaMin + 2 * slope * target));
    if (!(t <= 1 + 1e-12)) {
      throw new IllegalArgumentException(
          "lambda must be at least %s (t = 1) for the process vp, but is %s"
              .formatted(halfLogSnr(1), lambda));
    }
    return Math.min(t, 1);
  }

  @Override
  public double scale(double t) {
    return 1;
  }

  @Override
  public double ornsteinUhlenbeckTime(double t) {
    return 0.5 * integratedBeta(t);
  }
}
