package org.fewstep.grid;

import java.util.Arrays;
import java.util.Comparator;

/** Upper bounds on the diameter of a finite set of points. */
final class PointCloud {

  /** Coordinates read before the exact search gives up: some 0.1 s. */
  private static final long BUDGET = 1L << 26;

  /** Steps towards the centre of the smallest enclosing ball. */
  private static final int CENTRING_STEPS = 16;

  private PointCloud() {}

  /**
   * The largest distance between two points, or a little more where that would take too long.
   *
   * <p>Points are visited from the outermost to the innermost as seen from a centre c, and a pair
   * is skipped once |p - c| + |q - c| is no more than the largest distance found. That is exact for
   * up to 8000 points in 2 dimensions whatever they are, and for many more if few of them lie far
   * out. Where the budget runs out, no pair left is farther apart than twice the distance from c of
   * the outermost point not yet done, and that is returned. It is never less than the diameter, and
   * at most twice a radius about nearly the best centre, which is some 1.4 times the diameter.
   *
   * @param points [K][d], K >= 1
   */
  static double diameter(double[][] points) {
    double[] centre = centre(points);
    double[] radii = new double[points.length];
    Arrays.setAll(radii, i -> distance(points[i], centre));
    Integer[] outermostFirst = new Integer[points.length];
    Arrays.setAll(outermostFirst, i -> i);
    Arrays.sort(outermostFirst, Comparator.comparingDouble(i -> -radii[i]));

    double largest = 0;
    long budget = BUDGET / points[0].length;
    for (int i = 0; i < points.length - 1; i++) {
      int p = outermostFirst[i];
      if (2 * radii[p] <= largest) {
        break;
      }
      if (budget < 0) {
        return Math.max(largest, 2 * radii[p]);
      }
      for (int j = i + 1; j < points.length; j++) {
        int q = outermostFirst[j];
        if (radii[p] + radii[q] <= largest) {
          break;
        }
        largest = Math.max(largest, distance(points[p], points[q]));
        budget--;
      }
    }
    return largest;
  }

  /**
   * Nearly the centre of the smallest enclosing ball: from the mean of the points towards the
   * farthest one by 1/2, 1/3, 1/4, ... (Badoiu and Clarkson, 2003, "Smaller core-sets for balls").
   */
  private static double[] centre(double[][] points) {
    int dimension = points[0].length;
    double[] centre = new double[dimension];
    for (double[] point : points) {
      for (int i = 0; i < dimension; i++) {
        centre[i] += point[i] / points.length;
      }
    }
    for (int step = 1; step <= CENTRING_STEPS; step++) {
      double[] farthest = points[0];
      double radius = 0;
      for (double[] point : points) {
        double distance = distance(point, centre);
        if (distance > radius) {
          radius = distance;
          farthest = point;
        }
      }
      for (int i = 0; i < dimension; i++) {
        centre[i] += (farthest[i] - centre[i]) / (step + 1);
      }
    }
    return centre;
  }

  static double distance(double[] p, double[] q) {
    double square = 0;
    for (int i = 0; i < p.length; i++) {
      square += (p[i] - q[i]) * (p[i] - q[i]);
    }
    return Math.sqrt(square);
  }
}
