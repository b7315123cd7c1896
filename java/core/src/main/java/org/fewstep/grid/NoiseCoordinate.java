package org.fewstep.grid;

import org.fewstep.diffusion.Diffusion;

/**
 * The coordinate in which densities of grids are resolved: {@code u = log sqrt(S^2 + s^2)} with S =
 * sigma/alpha the noise ratio and s^2 the smallest variance of the data, counted from the end of an
 * interval, so that it runs from 0 at the end to its length at the start.
 *
 * <p>It is log time where the noise exceeds the data's own spread, and has no singularity at t = 0
 * where it does not: the Jacobian of the flow changes by a factor where u changes by one.
 */
final class NoiseCoordinate {

  /** Past this t' alpha^2 is 1e-295 and no density is left; further, S^2 would overflow. */
  private static final double LATEST = 340;

  private final Diffusion process;
  private final double start;
  private final double end;
  private final double endRatioSquared;
  private final double endSumSquared;
  private final double length;

  /** The coordinate on [end, start], end < start; not both the variance and the end are zero. */
  NoiseCoordinate(Diffusion process, double smallestVariance, double start, double end) {
    this.process = process;
    this.start = start;
    this.end = end;
    double startTime = Math.min(process.ornsteinUhlenbeckTime(start), LATEST);
    double endTime = Math.min(process.ornsteinUhlenbeckTime(end), LATEST);
    this.endRatioSquared = Math.expm1(2 * endTime);
    this.endSumSquared = endRatioSquared + smallestVariance;
    // S^2(start) - S^2(end) without the difference, which a short interval would lose.
    double growth = Math.exp(2 * endTime) * Math.expm1(2 * (startTime - endTime));
    this.length = 0.5 * Math.log1p(growth / endSumSquared);
  }

  private double time(double coordinate) {
    if (coordinate <= 0) {
      return end;
    }
    if (coordinate >= length) {
      return start;
    }
    double ratioSquared = endRatioSquared + endSumSquared * Math.expm1(2 * coordinate);
    return Math.clamp(process.timeAtHalfLogSnr(-0.5 * Math.log(ratioSquared)), end, start);
  }

  /**
   * Times at equal steps of the coordinate from the end up to the start, both exact; never
   * descending.
   *
   * @param spacing the step aimed at
   * @param fewest the least number of steps
   * @param most the largest number of steps
   */
  double[] times(double spacing, int fewest, int most) {
    int steps = (int) Math.clamp(Math.ceil(length / spacing), fewest, most);
    double[] times = new double[steps + 1];
    for (int i = 0; i <= steps; i++) {
      times[i] = time(length * i / steps);
    }
    times[steps] = start;
    return times;
  }
}
