package org.fewstep.network;

import org.fewstep.diffusion.Diffusion;
import org.fewstep.diffusion.OrnsteinUhlenbeck;
import org.fewstep.diffusion.VarianceExploding;
import org.fewstep.diffusion.VariancePreserving;

/**
 * What of a process depends on the time, over an interval [low, high] of it: alpha, and the
 * variance {@code s^2 = alpha^2 sigma0^2 + sigma^2} of a component of variance sigma0^2, both
 * monotone there, and the layers that compute them from the time.
 *
 * <p>Where alpha^2 + sigma^2 = 1, {@code alpha = alpha(low) e^-v} with {@code v(t) = t'(t) -
 * t'(low)} the Ornstein-Uhlenbeck time since {@code low}, a polynomial; by its complement {@code c
 * = 1 - e^-v}, {@code s^2 = s^2(low) + (1 - sigma0^2) alpha(low)^2 (2c - c^2)} keeps its digits
 * where s is small. The variance-exploding process has alpha = 1 and s^2 a square, both exact.
 */
final class TimeSchedule {

  private final Diffusion process;
  private final double low;
  private final double high;
  private final double dataVariance;

  /**
   * A schedule.
   *
   * @param process one that {@link #supports} says yes to
   */
  TimeSchedule(Diffusion process, double low, double high, double dataVariance) {
    this.process = process;
    this.low = low;
    this.high = high;
    this.dataVariance = dataVariance;
  }

  /** Whether the time of a process can be an input. */
  static boolean supports(Diffusion process) {
    return process instanceof OrnsteinUhlenbeck
        || process instanceof VariancePreserving
        || process instanceof VarianceExploding;
  }

  /** alpha and s^2 in a network. */
  record Values(Value alpha, Value variance) {}

  double variance(double t) {
    double alpha = process.alpha(t);
    double sigma = process.sigma(t);
    return alpha * alpha * dataVariance + sigma * sigma;
  }

  double smallestVariance() {
    return Math.min(variance(low), variance(high));
  }

  double largestVariance() {
    return Math.max(variance(low), variance(high));
  }

  /** The largest alpha: at {@code low}. */
  double largestAlpha() {
    return process.alpha(low);
  }

  /**
   * The ends of the pieces, from {@code high} down to {@code low}, so that s^2 changes by equal
   * ratios over each, at most {@code ratio}.
   */
  double[] knots(double ratio) {
    double total = Math.log(largestVariance() / smallestVariance());
    int pieces = (int) Math.max(1, Math.ceil(total / Math.log(ratio) * (1 - 1e-12)));
    double[] knots = new double[pieces + 1];
    knots[0] = high;
    knots[pieces] = low;
    for (int i = 1; i < pieces; i++) {
      double share = i / (double) pieces;
      knots[i] = timeOf(Math.pow(variance(high), 1 - share) * Math.pow(variance(low), share));
    }
    return knots;
  }

  /** The time in the interval at which s^2, monotone, has a value, by bisection. */
  private double timeOf(double variance) {
    boolean grows = variance(low) < variance(high);
    double below = low;
    double above = high;
    while (true) {
      double middle = 0.5 * (below + above);
      if (middle <= below || middle >= above) {
        return above;
      }
      if (variance(middle) < variance == grows) {
        below = middle;
      } else {
        above = middle;
      }
    }
  }

  private boolean isExact() {
    return process instanceof VarianceExploding;
  }

  /** The largest v. */
  private double largestExponent() {
    return process.ornsteinUhlenbeckTime(high) - process.ornsteinUhlenbeckTime(low);
  }

  /** |ds^2/dalpha^2| times alpha(low)^2, over the least s^2. */
  private double varianceGain() {
    double alpha = largestAlpha();
    return Math.abs(1 - dataVariance) * alpha * alpha / smallestVariance();
  }

  /**
   * The least deep exponential for which alpha is within {@code error} of its largest value, and
   * s^2 within {@code error} of its least; null if both are exact anyway.
   */
  ExponentialBudget budget(double error) {
    return isExact()
        ? null
        : ExponentialBudget.of(largestExponent(), error / Math.max(1, 2 * varianceGain()));
  }

  /** A bound of the error of alpha, over its largest value. */
  double alphaError(ExponentialBudget budget) {
    return isExact() ? 0 : budget.error();
  }

  /** A bound of the error of s^2, over its least value: |a^2 - b^2| <= 2|a - b| for a, b <= 1. */
  double varianceError(ExponentialBudget budget) {
    return isExact() ? 0 : 2 * varianceGain() * budget.error();
  }

  /** The layers that compute alpha and s^2 from the time. */
  Values values(NetworkBuilder builder, Value time, ExponentialBudget budget) {
    Gadgets gadgets = new Gadgets(builder);
    if (isExact()) {
      Value squared = gadgets.square(time.within(low, high));
      Value variance = builder.where(squared).plus(dataVariance).plus(1, squared).value();
      return new Values(builder.at(0).plus(1).value(), variance);
    }
    Value since = builder.where(time).plus(-low).plus(1, time).value().within(0, high - low);
    Value exponent = exponent(builder, gadgets, since).within(0, largestExponent());
    Value complement = gadgets.complementOfExponential(exponent, budget);
    double alpha = largestAlpha();
    Value scale = builder.where(complement).plus(alpha).plus(-alpha, complement).value();
    Value twice = gadgets.oneMinusSquare(complement);
    Combination variance = builder.where(twice).plus(variance(low));
    variance.plus((1 - dataVariance) * alpha * alpha, twice);
    return new Values(scale.within(0, alpha), variance.value());
  }

  /** v, a polynomial of the time since {@code low}. */
  private Value exponent(NetworkBuilder builder, Gadgets gadgets, Value since) {
    if (process instanceof VariancePreserving vp) {
      double slope = vp.betaMax() - vp.betaMin();
      Value squared = gadgets.square(since);
      return builder
          .where(squared)
          .plus(0.5 * (vp.betaMin() + slope * low), since)
          .plus(0.25 * slope, squared)
          .value();
    }
    return since;
  }
}
