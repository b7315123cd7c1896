package org.fewstep.diffusion;

/**
 * The Ornstein-Uhlenbeck process dx = -x dt + sqrt(2) dW: {@code alpha = e^-t, sigma^2 = 1 -
 * e^-2t}. Its stationary law is the standard normal, and alpha^2 + sigma^2 = 1 at every time.
 */
public record OrnsteinUhlenbeck() implements Diffusion {

  /** sigma^2 = 1 - e^-2t, without the subtraction that loses every digit at small t. */
  public static double noiseVariance(double t) {
    return -Math.expm1(-2 * t);
  }

  @Override
  public String name() {
    return "ou";
  }

  @Override
  public double alpha(double t) {
    return Math.exp(-t);
  }

  @Override
  public double sigma(double t) {
    return Math.sqrt(noiseVariance(t));
  }

  @Override
  public double drift(double t) {
    return -1;
  }

  @Override
  public double halfSquaredDiffusion(double t) {
    return 1;
  }

  @Override
  public double maxTime() {
    return Double.POSITIVE_INFINITY;
  }

  @Override
  public double defaultStart() {
    return 3;
  }

  @Override
  public double defaultEnd() {
    return 1e-3;
  }

  /** {@inheritDoc} Written without 1 - e^-2t and e^2t: digits at small t, no overflow at large. */
  @Override
  public double halfLogSnr(double t) {
    return -t - 0.5 * Math.log(noiseVariance(t));
  }

  @Override
  public double timeAtHalfLogSnr(double lambda) {
    if (Double.isNaN(lambda)) {
      throw new IllegalArgumentException("lambda must be a number, but is NaN");
    }
    return lambda < -300 ? -lambda : 0.5 * Math.log1p(Math.exp(-2 * lambda));
  }

  @Override
  public double scale(double t) {
    return 1;
  }

  @Override
  public double ornsteinUhlenbeckTime(double t) {
    return t;
  }
}
