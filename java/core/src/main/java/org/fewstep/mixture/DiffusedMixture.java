package org.fewstep.mixture;

import org.fewstep.diffusion.Diffusion;
import org.fewstep.diffusion.OrnsteinUhlenbeck;

/**
 * A mixture carried through a diffusion to one time: what a kernel needs to know of the time, in
 * float64.
 *
 * <p>Under the process at time t, {@code x_t = alpha x_0 + sigma z}. With the scale rho and the
 * Ornstein-Uhlenbeck time t' of {@link Diffusion}, x_t/rho has the density of the mixture under the
 * Ornstein-Uhlenbeck process at t': means {@code a mu_k} and covariances {@code a^2 Sigma_k + b I}
 * with {@code a = e^-t'} and {@code b = 1 - e^-2t'}. Kernels evaluate that density q at y = x/rho
 * and scale back:
 *
 * <pre>
 *   log p(x) = log q(y) - d log rho      score(x) = score_q(y)/rho
 *   Hessian(x) = Hessian_q(y)/rho^2      E[x_0 | x] = E_q[x_0 | y]
 * </pre>
 */
public final class DiffusedMixture {

  private final GaussianMixture mixture;
  private final double scale;
  private final double ornsteinUhlenbeckTime;
  private final double a;
  private final double b;

  private DiffusedMixture(GaussianMixture mixture, double scale, double ornsteinUhlenbeckTime) {
    this.mixture = mixture;
    this.scale = scale;
    this.ornsteinUhlenbeckTime = ornsteinUhlenbeckTime;
    this.a = Math.exp(-ornsteinUhlenbeckTime);
    this.b = OrnsteinUhlenbeck.noiseVariance(ornsteinUhlenbeckTime);
  }

  /**
   * The mixture at time t of a process.
   *
   * @throws IllegalArgumentException if t is not a time of the process, or is 0 (or so small that
   *     the noise underflows) while a covariance is singular
   */
  public static DiffusedMixture at(GaussianMixture mixture, Diffusion process, double t) {
    process.requireTime("t", t);
    double scale = process.scale(t);
    double time = process.ornsteinUhlenbeckTime(t);
    if (!(scale > 0 && scale < Double.POSITIVE_INFINITY && time >= 0)) {
      throw new IllegalArgumentException(
          "the process %s must have a finite scale > 0 and an Ornstein-Uhlenbeck time >= 0, but at"
                  .formatted(process.name())
              + " t = %s has %s and %s".formatted(t, scale, time));
    }
    DiffusedMixture diffused = new DiffusedMixture(mixture, scale, time);
    if (diffused.smallestEigenvalue() < Double.MIN_NORMAL) {
      throw new IllegalArgumentException(
          "t must be > 0 for a mixture with a singular covariance (data points have no density at"
              + " t = 0), but is "
              + t);
    }
    return diffused;
  }

  /** The mixture at t = 0. */
  public GaussianMixture mixture() {
    return mixture;
  }

  /** The scale rho that maps x to Ornstein-Uhlenbeck space, x/rho. */
  public double scale() {
    return scale;
  }

  /** The Ornstein-Uhlenbeck time t'. */
  public double ornsteinUhlenbeckTime() {
    return ornsteinUhlenbeckTime;
  }

  /** a = e^-t', the scale of the means in Ornstein-Uhlenbeck space. */
  public double a() {
    return a;
  }

  /** b = 1 - e^-2t', the variance of the noise in Ornstein-Uhlenbeck space. */
  public double b() {
    return b;
  }

  /** Eigenvalue i of the covariance of component k in Ornstein-Uhlenbeck space, a^2 s + b. */
  public double eigenvalue(int component, int i) {
    return a * a * mixture.covariance().eigenvalue(component, i) + b;
  }

  /** The smallest eigenvalue over components and directions, in Ornstein-Uhlenbeck space. */
  public double smallestEigenvalue() {
    return a * a * mixture.covariance().smallestEigenvalue() + b;
  }

  /** The largest eigenvalue over components and directions, in Ornstein-Uhlenbeck space. */
  public double largestEigenvalue() {
    return a * a * mixture.covariance().largestEigenvalue() + b;
  }

  /**
   * The logit of component k at its own mean, {@code c_k = log w_k - log det C_k / 2}; negative
   * infinity for a component of zero weight.
   */
  public double logNormaliser(int component) {
    double logDeterminant = 0;
    if (mixture.covariance() instanceof IsotropicCovariance) {
      logDeterminant = mixture.dimension() * Math.log(eigenvalue(component, 0));
    } else {
      for (int i = 0; i < mixture.dimension(); i++) {
        logDeterminant += Math.log(eigenvalue(component, i));
      }
    }
    return Math.log(mixture.weight(component)) - 0.5 * logDeterminant;
  }
}
