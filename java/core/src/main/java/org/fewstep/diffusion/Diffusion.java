package org.fewstep.diffusion;

/**
 * A Gaussian forward process: given a data point x0, {@code x_t ~ N(alpha(t) x0, sigma(t)^2 I)}.
 *
 * <p>Time t is dimensionless and runs forward, from data (t = 0, alpha = 1, sigma = 0) to noise (t
 * = {@link #maxTime()}). Implementations are immutable, thread-safe, and smooth on {@code (0,
 * maxTime()]}, with sigma/alpha strictly increasing.
 *
 * <p>Every such process is the Ornstein-Uhlenbeck process seen through a scale: with {@code rho^2 =
 * alpha^2 + sigma^2} and {@code t' = log(1 + sigma^2/alpha^2)/2}, the density of x_t is that of rho
 * times the Ornstein-Uhlenbeck variable at t'. Kernels rely on this and evaluate the
 * Ornstein-Uhlenbeck process only; see {@link #scale} and {@link #ornsteinUhlenbeckTime}.
 *
 * <p>The probability-flow ODE (Song et al., 2021, "Score-based generative modeling through
 * stochastic differential equations", eq. 13) is {@code dx/dt = f(t) x - g(t)^2/2 score(x, t)}; its
 * two coefficients are {@link #drift} and {@link #halfSquaredDiffusion}.
 */
public interface Diffusion {

  /** The short name by which the command line and results call this process, such as "ou". */
  String name();

  /** The scale alpha(t) > 0 of the data at time t. */
  double alpha(double t);

  /** The noise level sigma(t) >= 0 at time t; 0 at t = 0. */
  double sigma(double t);

  /** The drift coefficient f(t) = alpha'(t)/alpha(t). */
  double drift(double t);

  /** Half the squared diffusion coefficient, g(t)^2/2 = sigma sigma' - f sigma^2, always >= 0. */
  double halfSquaredDiffusion(double t);

  /** The largest time at which the process is defined; may be positive infinity. */
  double maxTime();

  /** The time from which sampling starts unless told otherwise: the state is noise there. */
  double defaultStart();

  /** The time at which sampling ends unless told otherwise: close to data. */
  double defaultEnd();

  /** Half the logarithm of the signal-to-noise ratio, lambda(t) = log(alpha/sigma), decreasing. */
  default double halfLogSnr(double t) {
    return Math.log(alpha(t) / sigma(t));
  }

  /**
   * The inverse of {@link #halfLogSnr}: the time at which log(alpha/sigma) is {@code lambda}.
   *
   * @throws IllegalArgumentException if lambda is NaN or is not reached on (0, maxTime]
   */
  double timeAtHalfLogSnr(double lambda);

  /** The scale rho(t) = sqrt(alpha^2 + sigma^2) that maps x to Ornstein-Uhlenbeck space, x/rho. */
  default double scale(double t) {
    return Math.hypot(alpha(t), sigma(t));
  }

  /** The Ornstein-Uhlenbeck time t' = log(1 + sigma^2/alpha^2)/2 with the same noise ratio. */
  default double ornsteinUhlenbeckTime(double t) {
    double ratio = sigma(t) / alpha(t);
    return 0.5 * Math.log1p(ratio * ratio);
  }

  /**
   * Checks that t is a time of this process.
   *
   * @throws IllegalArgumentException naming {@code argument}, if t is NaN, negative or beyond
   *     {@link #maxTime()}
   */
  default void requireTime(String argument, double t) {
    if (!(t >= 0 && t <= maxTime())) {
      throw new IllegalArgumentException(
          "%s must lie in [0, %s] for the process %s, but is %s"
              .formatted(argument, maxTime(), name(), t));
    }
  }
}
