package org.fewstep.backend;

import org.fewstep.network.Network;

/**
 * How what a solver wants of a field follows, at one time, from what the field is known by: {@code
 * wanted = ofState x + ofOutput known}. Both are affine in the score s, by
 *
 * <pre>
 *   v = f x - h s ,  h = g^2/2        (the probability flow)
 *   alpha D = x + sigma^2 s           (Tweedie's formula)
 * </pre>
 *
 * @param ofState the coefficient of x
 * @param ofOutput the coefficient of what is known
 */
public record Conversion(double ofState, double ofOutput) {

  private static final Conversion NONE = new Conversion(0, 1);

  /** From what is known at a time to what is wanted there. */
  public static Conversion of(Network.Output known, Plan.Evaluation wanted, TimeConstants at) {
    return switch (wanted) {
      case VELOCITY -> toVelocity(known, at);
      case DENOISED -> toDenoised(known, at);
    };
  }

  /** From the score to the velocity, given f and h. */
  public static Conversion scoreToVelocity(double drift, double halfSquaredDiffusion) {
    return new Conversion(drift, -halfSquaredDiffusion);
  }

  private static Conversion toVelocity(Network.Output known, TimeConstants at) {
    return switch (known) {
      case SCORE -> scoreToVelocity(at.drift(), at.halfSquaredDiffusion());
      case VELOCITY -> NONE;
      case DENOISED -> {
        double rate = at.halfSquaredDiffusion() / at.variance();
        yield new Conversion(at.drift() + rate, -rate * at.alpha());
      }
      case DISPLACEMENT -> throw noField();
    };
  }

  private static Conversion toDenoised(Network.Output known, TimeConstants at) {
    double alpha = at.alpha();
    return switch (known) {
      case SCORE -> new Conversion(1 / alpha, at.variance() / alpha);
      case VELOCITY -> {
        double ratio = at.variance() / at.halfSquaredDiffusion();
        yield new Conversion((1 + ratio * at.drift()) / alpha, -ratio / alpha);
      }
      case DENOISED -> NONE;
      case DISPLACEMENT -> throw noField();
    };
  }

  private static IllegalArgumentException noField() {
    return new IllegalArgumentException("a displacement is no vector field");
  }

  /** Whether what is wanted is what is known. */
  public boolean isNone() {
    return ofState == 0 && ofOutput == 1;
  }

  /** Whether it can be had at all: not where sigma = 0 is divided by. */
  public boolean isFinite() {
    return Double.isFinite(ofState) && Double.isFinite(ofOutput);
  }
}
