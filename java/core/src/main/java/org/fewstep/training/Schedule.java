package org.fewstep.training;

/**
 * The learning rate over a training.
 *
 * @param kind how it falls after the warm-up
 * @param peak the largest rate, finite and > 0
 * @param floor the last rate, in [0, peak]; of no account to {@link Kind#CONSTANT}
 * @param warmUp the share of the steps over which the rate first rises to the peak, in [0, 1)
 */
public record Schedule(Kind kind, double peak, double floor, double warmUp) {

  /** How a learning rate falls. */
  public enum Kind {
    /** Not at all. */
    CONSTANT,
    /** In a straight line. */
    LINEAR,
    /** Along half a cosine (Loshchilov and Hutter, 2017, "SGDR", without restarts). */
    COSINE
  }

  /** Checks the ranges. */
  public Schedule {
    if (!(peak > 0 && Double.isFinite(peak))) {
      throw new IllegalArgumentException("peak must be finite and > 0, but is " + peak);
    }
    if (!(floor >= 0 && floor <= peak)) {
      throw new IllegalArgumentException(
          "floor must lie in [0, peak = %s], but is %s".formatted(peak, floor));
    }
    if (!(warmUp >= 0 && warmUp < 1)) {
      throw new IllegalArgumentException("warmUp must lie in [0, 1), but is " + warmUp);
    }
  }

  /** One rate for all steps. */
  public static Schedule constant(double rate) {
    return new Schedule(Kind.CONSTANT, rate, rate, 0);
  }

  /** From a peak down to zero along half a cosine. */
  public static Schedule cosine(double peak) {
    return new Schedule(Kind.COSINE, peak, 0, 0);
  }

  /** From a peak down to zero in a straight line. */
  public static Schedule linear(double peak) {
    return new Schedule(Kind.LINEAR, peak, 0, 0);
  }

  /** This with a rise to the peak over a share of the steps. */
  public Schedule withWarmUp(double share) {
    return new Schedule(kind, peak, floor, share);
  }

  /** The rate of step {@code step} of {@code steps}, counted from 1. */
  public double rate(long step, long steps) {
    double done = (step - 0.5) / steps;
    if (done < warmUp) {
      return peak * done / warmUp;
    }
    double fallen = (done - warmUp) / (1 - warmUp);
    return switch (kind) {
      case CONSTANT -> peak;
      case LINEAR -> peak + (floor - peak) * fallen;
      case COSINE -> floor + (peak - floor) * 0.5 * (1 + Math.cos(Math.PI * fallen));
    };
  }
}
