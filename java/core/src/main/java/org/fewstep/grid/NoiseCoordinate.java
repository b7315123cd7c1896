package org.fewstep.grid;

import org.fewstep.diffusion.Diffusion;

/**
 * The coordinate in which the densities of grids are smooth: {@code u = log sqrt(S^2 + s^2)} with S
 * = sigma/alpha the noise ratio and s^2 the smallest variance of the data, counted from the end of
 * an interval, so that it runs from 0 at the end to {@link #length()} at the start.
 *
 * <p>It is log time where the noise exceeds the data's own spread and has no singularity at t = 0
 * where it does not. In Ornstein-Uhlenbeck time t', with lambda = e^-2t' s^2 + 1 - e^-2t' the
 * smallest variance of the diffused data there, {@code dt' = lambda du}.
 */
final class NoiseCoordinate {

  /** Past this t' alpha^2 is 1e-295 and no density is left; further, S^2 would overflow. */
  private static final double LATEST = 340;

  private final Diffusion process;
  private final double smallestVariance;
  private final double start;
  private final double end;
  private final double endRatioSquared;
  private final double endSumSquared;
  private final double length;

  /** The coordinate on [end, start], end < start; not both the variance and the end are zero. */
  NoiseCoordinate(Diffusion process, double smallestVariance, double start, double end) {
    this.process = process;
    this.smallestVariance = smallestVariance;
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

  /** The coordinate of the start, >= 0. */
  double length() {
    return length;
  }

  /** The time at a coordinate in [0, length], never outside [end, start]; exact at both ends. */
  double time(double coordinate) {
    if (coordinate <= 0) {
      return end;
    }
    if (coordinate >= length) {
      return start;
    }
    double ratioSquared = endRatioSquared + endSumSquared * Math.expm1(2 * coordinate);
    return Math.clamp(process.timeAtHalfLogSnr(-0.5 * Math.log(ratioSquared)), end, start);
  }

  /** dt'/du at a time: the smallest variance of the diffused data in Ornstein-Uhlenbeck space. */
  double ornsteinUhlenbeckTimePerUnit(double t) {
    double time = process.ornsteinUhlenbeckTime(t);
    return Math.exp(-2 * time) * smallestVariance - Math.expm1(-2 * time);
  }
}
