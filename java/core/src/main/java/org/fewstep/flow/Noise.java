package org.fewstep.flow;

import org.fewstep.backend.TimeConstants;

/** The noise level of a process, from the time constants that plans carry. */
final class Noise {

  private Noise() {}

  /** alpha = rho e^-t'. */
  static double alpha(TimeConstants at) {
    return at.scale() * Math.exp(-at.ornsteinUhlenbeckTime());
  }

  /** sigma^2 = rho^2 (1 - e^-2t'). */
  static double variance(TimeConstants at) {
    return -at.scale() * at.scale() * Math.expm1(-2 * at.ornsteinUhlenbeckTime());
  }
}
