package org.fewstep.grid;

import java.util.Arrays;
import java.util.function.DoubleUnaryOperator;

/** Cuts an interval of time into equal parts: of a map, or of the integral of a density. */
final class Equidistribution {

  private Equidistribution() {}

  /**
   * Knots at equal parts of a coordinate that runs from 0 at the start to {@code total} at the end.
   *
   * @param timeAt the time at a value of the coordinate; asked for inner knots only
   */
  static TimeGrid ofCoordinate(
      GridKind kind,
      double start,
      double end,
      int segments,
      double total,
      DoubleUnaryOperator timeAt) {
    double[] cumulative = equalParts(total, segments);
    double[] knots = new double[segments + 1];
    knots[0] = start;
    for (int i = 1; i < segments; i++) {
      knots[i] = timeAt.applyAsDouble(cumulative[i]);
    }
    knots[segments] = end;
    makeDescending(knots);
    return TimeGrid.of(kind.label(), knots, cumulative);
  }

  /** Knots at equal parts of time; {@code total} is what their cumulative coordinate ends at. */
  static TimeGrid uniform(GridKind kind, double start, double end, int segments, double total) {
    double[] knots = new double[segments + 1];
    for (int i = 0; i <= segments; i++) {
      double fraction = i / (double) segments;
      knots[i] = start * (1 - fraction) + end * fraction;
    }
    knots[0] = start;
    knots[segments] = end;
    makeDescending(knots);
    return TimeGrid.of(kind.label(), knots, equalParts(total, segments));
  }

  /**
   * Knots at equal parts of the integral of a density over time. Between nodes the density is taken
   * to be linear, so that its integral is quadratic and inverted exactly. A density that is zero
   * everywhere gives the uniform grid.
   *
   * @param times the nodes, from the end up to the start; not all equal
   * @param density at the nodes; finite, >= 0
   */
  static TimeGrid ofDensity(GridKind kind, double[] times, double[] density, int segments) {
    int last = times.length - 1;
    double total = 0;
    for (int cell = last - 1; cell >= 0; cell--) {
      total += mass(times, density, cell);
    }
    if (!(total >= Double.MIN_NORMAL)) {
      return uniform(kind, times[last], times[0], segments, 0);
    }
    double[] parts = equalParts(total, segments);
    double[] knots = new double[segments + 1];
    knots[0] = times[last];
    int cell = last - 1;
    double above = 0;
    for (int i = 1; i < segments; i++) {
      double mass = mass(times, density, cell);
      while (cell > 0 && above + mass < parts[i]) {
        above += mass;
        cell--;
        mass = mass(times, density, cell);
      }
      double width = times[cell + 1] - times[cell];
      double inCell = (parts[i] - above) / width;
      knots[i] = times[cell + 1] - width * fraction(density[cell + 1], density[cell], inCell);
    }
    knots[segments] = times[0];
    makeDescending(knots);
    return TimeGrid.of(kind.label(), knots, parts);
  }

  /** The integral of the density between nodes {@code cell} and {@code cell + 1}. */
  private static double mass(double[] times, double[] density, int cell) {
    return (0.5 * density[cell] + 0.5 * density[cell + 1]) * (times[cell + 1] - times[cell]);
  }

  /**
   * Which fraction of a cell of unit width, from its upper end, holds this mass, where the density
   * goes linearly from {@code upper} to {@code lower}: the root of upper f + (lower - upper) f^2/2
   * = mass in the form that does not cancel.
   */
  private static double fraction(double upper, double lower, double mass) {
    if (!(mass > 0)) {
      return 0;
    }
    double discriminant = upper * upper + 2 * (lower - upper) * mass;
    return Math.min(1, 2 * mass / (upper + Math.sqrt(Math.max(0, discriminant))));
  }

  private static double[] equalParts(double total, int segments) {
    double[] parts = new double[segments + 1];
    Arrays.setAll(parts, i -> total * (i / (double) segments));
    return parts;
  }

  /**
   * Moves inner knots, by rounding errors only unless the interval is nearly as short as its knots
   * are many, until they descend strictly between the ends. There are enough doubles between the
   * ends ({@link TimeGrids} has checked that).
   */
  private static void makeDescending(double[] knots) {
    int last = knots.length - 1;
    for (int i = 1; i < last; i++) {
      knots[i] = Math.min(knots[i], Math.nextDown(knots[i - 1]));
    }
    for (int i = last - 1; i > 0; i--) {
      knots[i] = Math.max(knots[i], Math.nextUp(knots[i + 1]));
    }
  }
}
