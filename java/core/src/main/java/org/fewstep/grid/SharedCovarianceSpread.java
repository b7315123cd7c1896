package org.fewstep.grid;

import java.util.Arrays;
import org.fewstep.mixture.GaussianMixture;

/**
 * One covariance for all components: g_j - g_k = P a (mu_j - mu_k) does not depend on x, so the
 * bound is global.
 *
 * <p>If the covariance is a multiple of the identity, Gamma = a D/lambda with D the diameter of the
 * means. Else the largest distance in the metric P is searched over all pairs where those are few,
 * and bounded from above by the extents along the eigenvectors and by a D/lambda_min where they are
 * many.
 */
final class SharedCovarianceSpread implements ScoreSpread {

  private final double[] variances;
  private final double[][] means;
  private final double[] extents;
  private final double diameter;
  private final boolean isotropic;
  private final boolean searchPairs;

  SharedCovarianceSpread(GaussianMixture mixture, int[] components) {
    int dimension = mixture.dimension();
    this.variances = new double[dimension];
    Arrays.setAll(variances, i -> mixture.covariance().eigenvalue(components[0], i));
    this.isotropic = Arrays.stream(variances).allMatch(variance -> variance == variances[0]);
    double[] origin = new double[dimension];
    double[][] points = new double[components.length][];
    Arrays.setAll(points, k -> ScoreSpread.inEigenbasis(mixture, components[k], origin));
    this.diameter = PointCloud.diameter(points);
    this.extents = extents(points);
    double pairs = 0.5 * points.length * (points.length - 1.0);
    this.searchPairs = pairs * dimension <= PAIR_BUDGET;
    this.means = searchPairs ? points : null;
  }

  private static double[] extents(double[][] points) {
    double[] extents = new double[points[0].length];
    for (int i = 0; i < extents.length; i++) {
      double smallest = Double.POSITIVE_INFINITY;
      double largest = Double.NEGATIVE_INFINITY;
      for (double[] point : points) {
        smallest = Math.min(smallest, point[i]);
        largest = Math.max(largest, point[i]);
      }
      extents[i] = largest - smallest;
    }
    return extents;
  }

  /** The diameter D of the means, or a little more if they are very many. */
  double diameter() {
    return diameter;
  }

  /** Whether the covariance is a multiple of the identity. */
  boolean isotropic() {
    return isotropic;
  }

  @Override
  public double at(double a, double b) {
    if (isotropic) {
      return a * diameter / (a * a * variances[0] + b);
    }
    double[] precisions = new double[variances.length];
    Arrays.setAll(precisions, i -> 1 / (a * a * variances[i] + b));
    if (searchPairs) {
      return a * Math.sqrt(largestScaledSquare(precisions));
    }
    double square = 0;
    double largestPrecision = 0;
    for (int i = 0; i < extents.length; i++) {
      square += precisions[i] * extents[i] * precisions[i] * extents[i];
      largestPrecision = Math.max(largestPrecision, precisions[i]);
    }
    return a * Math.min(Math.sqrt(square), diameter * largestPrecision);
  }

  private double largestScaledSquare(double[] precisions) {
    double largest = 0;
    for (int j = 1; j < means.length; j++) {
      for (int k = 0; k < j; k++) {
        double square = 0;
        for (int i = 0; i < precisions.length; i++) {
          double difference = precisions[i] * (means[j][i] - means[k][i]);
          square += difference * difference;
        }
        largest = Math.max(largest, square);
      }
    }
    return largest;
  }

  @Override
  public boolean global() {
    return true;
  }

  @Override
  public double radius(double a, double b) {
    return Double.POSITIVE_INFINITY;
  }
}
