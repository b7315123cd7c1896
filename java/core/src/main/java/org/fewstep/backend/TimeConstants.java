package org.fewstep.backend;

import org.fewstep.diffusion.Diffusion;
import org.fewstep.diffusion.OrnsteinUhlenbeck;
import org.fewstep.mixture.GaussianMixture;

/**
 * What a kernel needs to know of a process at one time, in float64.
 *
 * @param time the time t of the process
 * @param scale rho(t) = sqrt(alpha^2 + sigma^2), which maps x to Ornstein-Uhlenbeck space, x/rho
 * @param ornsteinUhlenbeckTime t' with the same ratio of noise to signal
 * @param drift f(t) of the probability flow {@code v = f x - h score}
 * @param halfSquaredDiffusion h(t) = g(t)^2/2 of the probability flow
 */
public record TimeConstants(
    double time,
    double scale,
    double ornsteinUhlenbeckTime,
    double drift,
    double halfSquaredDiffusion) {

  /** The constants of a process at time t. */
  public static TimeConstants of(Diffusion process, double t) {
    return new TimeConstants(
        t,
        process.scale(t),
        process.ornsteinUhlenbeckTime(t),
        process.drift(t),
        process.halfSquaredDiffusion(t));
  }

  /** alpha = rho e^-t'. */
  public double alpha() {
    return scale * Math.exp(-ornsteinUhlenbeckTime);
  }

  /** sigma^2 = rho^2 (1 - e^-2t'). */
  public double variance() {
    return -scale * scale * Math.expm1(-2 * ornsteinUhlenbeckTime);
  }

  /** Whether a mixture has a density then: there is noise, or no covariance is singular. */
  boolean givesDensity(GaussianMixture mixture) {
    double a = Math.exp(-ornsteinUhlenbeckTime);
    double b = OrnsteinUhlenbeck.noiseVariance(ornsteinUhlenbeckTime);
    double smallest = mixture.covariance().smallestEigenvalue();
    return a * a * smallest + b >= Double.MIN_NORMAL && scale > 0;
  }
}
