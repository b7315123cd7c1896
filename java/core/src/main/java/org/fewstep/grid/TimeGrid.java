package org.fewstep.grid;

import java.util.Arrays;

/**
 * The times at which a trajectory is cut: S + 1 knots, strictly descending from the start (noise)
 * to the end (data). Immutable and thread-safe.
 *
 * <p>A grid of S segments divides some density of time into S equal parts. Its cumulative
 * coordinate tells how much of that density lies between the start and each knot: 0 at the start,
 * the total at the end, in equal steps for every built-in kind. What it measures depends on the
 * kind: elapsed time for a uniform grid, half the log of the signal-to-noise ratio for log-snr, the
 * integral of the Lipschitz bound for stability.
 */
public final class TimeGrid {

  /** The kind of a grid that a user gave knot by knot. */
  public static final String CUSTOM = "custom";

  private final String kind;
  private final double[] knots;
  private final double[] cumulative;

  private TimeGrid(String kind, double[] knots, double[] cumulative) {
    this.kind = kind;
    this.knots = knots;
    this.cumulative = cumulative;
  }

  /**
   * A grid of the user's own, of the kind {@value #CUSTOM}; its cumulative coordinate is the time
   * elapsed since the start.
   *
   * @param knots at least two finite times >= 0, strictly descending from noise to data
   * @throws IllegalArgumentException naming the index and the value of the first knot that is not
   *     as above
   */
  public static TimeGrid of(double... knots) {
    requireDescending(knots);
    double[] elapsed = new double[knots.length];
    for (int i = 0; i < knots.length; i++) {
      elapsed[i] = knots[0] - knots[i];
    }
    return new TimeGrid(CUSTOM, knots.clone(), elapsed);
  }

  /**
   * A grid of a named kind, for those who build grids.
   *
   * @param kind a short name for results and messages
   * @param knots as for {@link #of(double...)}
   * @param cumulative one finite value per knot, 0 at the first and never descending
   * @throws IllegalArgumentException naming the index and the value of the first entry that is not
   *     as above
   */
  public static TimeGrid of(String kind, double[] knots, double[] cumulative) {
    requireDescending(knots);
    requireCumulative(cumulative, knots.length);
    return new TimeGrid(kind, knots.clone(), cumulative.clone());
  }

  private static void requireDescending(double[] knots) {
    if (knots.length < 2) {
      throw new IllegalArgumentException(
          "knots must hold at least 2 times, but has " + knots.length);
    }
    for (int i = 0; i < knots.length; i++) {
      if (!(knots[i] >= 0) || Double.isInfinite(knots[i])) {
        throw new IllegalArgumentException(
            "knots[%d] must be finite and >= 0, but is %s".formatted(i, knots[i]));
      }
      if (i > 0 && !(knots[i] < knots[i - 1])) {
        throw new IllegalArgumentException(
            "knots must be strictly descending, but knots[%d] = %s is not below knots[%d] = %s"
                .formatted(i, knots[i], i - 1, knots[i - 1]));
      }
    }
  }

  private static void requireCumulative(double[] cumulative, int count) {
    if (cumulative.length != count) {
      throw new IllegalArgumentException(
          "cumulative must have one value per knot (%d), but has %d"
              .formatted(count, cumulative.length));
    }
    if (cumulative[0] != 0) {
      throw new IllegalArgumentException("cumulative[0] must be 0, but is " + cumulative[0]);
    }
    for (int i = 1; i < count; i++) {
      if (!(cumulative[i] >= cumulative[i - 1]) || Double.isInfinite(cumulative[i])) {
        throw new IllegalArgumentException(
            "cumulative must be finite and never descending, but cumulative[%d] = %s and [%d] = %s"
                .formatted(i, cumulative[i], i - 1, cumulative[i - 1]));
      }
    }
  }

  /** The kind of this grid, such as "log-snr", or {@value #CUSTOM}. */
  public String kind() {
    return kind;
  }

  /** The number of segments S >= 1. */
  public int segments() {
    return knots.length - 1;
  }

  /** Knot i in [0, S]: knot 0 is the start, knot S the end. */
  public double knot(int i) {
    return knots[i];
  }

  /** A copy of all S + 1 knots, from the start down to the end. */
  public double[] knots() {
    return knots.clone();
  }

  /** The first and largest knot, where sampling starts: noise. */
  public double start() {
    return knots[0];
  }

  /** The last and smallest knot, where sampling ends: data. */
  public double end() {
    return knots[knots.length - 1];
  }

  /** The cumulative coordinate of knot i: 0 at the start, the total at the end. */
  public double cumulative(int i) {
    return cumulative[i];
  }

  /** A copy of the cumulative coordinates of all S + 1 knots. */
  public double[] cumulative() {
    return cumulative.clone();
  }

  /** Whether the other object is a grid with the same kind, knots and cumulative coordinates. */
  @Override
  public boolean equals(Object other) {
    return other instanceof TimeGrid grid
        && kind.equals(grid.kind)
        && Arrays.equals(knots, grid.knots)
        && Arrays.equals(cumulative, grid.cumulative);
  }

  @Override
  public int hashCode() {
    return 31 * kind.hashCode() + Arrays.hashCode(knots);
  }

  @Override
  public String toString() {
    return "TimeGrid[%s:%d, %s down to %s]".formatted(kind, segments(), start(), end());
  }
}
