package org.fewstep.mixture;

import java.util.Arrays;
import java.util.Optional;

/**
 * A Gaussian mixture, {@code p(x) = sum_k w_k N(x; mu_k, Sigma_k)}, in float64.
 *
 * <p>Immutable and thread-safe; belongs to nobody and is never closed. Weights are normalised to
 * sum to one. Components of zero weight keep their index (their responsibility is zero), and
 * duplicate means are kept apart.
 */
public final class GaussianMixture {

  private final int dimension;
  private final double[] weights;
  private final double[] means;
  private final Covariance covariance;

  private GaussianMixture(double[] weights, double[][] means, Covariance covariance) {
    this.dimension = means[0].length;
    this.weights = weights;
    this.means = Arrays.stream(means).flatMapToDouble(Arrays::stream).toArray();
    this.covariance = covariance;
  }

  /**
   * A mixture of K components in d dimensions.
   *
   * @param weights [K], finite, >= 0, with a positive sum; need not sum to one
   * @param means [K][d], finite
   * @param covariance shared, or one per component
   * @throws IllegalArgumentException naming the entry that is not as above
   */
  public static GaussianMixture of(double[] weights, double[][] means, Covariance covariance) {
    double[][] rows = Checks.rectangle("means", means);
    for (int k = 0; k < rows.length; k++) {
      for (int i = 0; i < rows[k].length; i++) {
        Checks.finite("means[%d][%d]".formatted(k, i), rows[k][i]);
      }
    }
    if (weights.length != rows.length) {
      throw new IllegalArgumentException(
          "weights must have one entry per mean (%d), but has %d"
              .formatted(rows.length, weights.length));
    }
    if (!covariance.shared() && covariance.count() != rows.length) {
      throw new IllegalArgumentException(
          "covariance must be shared or have one entry per mean (%d), but has %d"
              .formatted(rows.length, covariance.count()));
    }
    if (covariance.dimension() != 0 && covariance.dimension() != rows[0].length) {
      throw new IllegalArgumentException(
          "covariance must have the dimension of the means (%d), but has %d"
              .formatted(rows[0].length, covariance.dimension()));
    }
    return new GaussianMixture(normalise(weights), rows, covariance);
  }

  /** A mixture with equal weights; see {@link #of(double[], double[][], Covariance)}. */
  public static GaussianMixture of(double[][] means, Covariance covariance) {
    double[] weights = new double[means.length];
    Arrays.fill(weights, 1);
    return of(weights, means, covariance);
  }

  /**
   * The empirical distribution of data points, one component a point, smoothed by a Gaussian
   * kernel.
   *
   * @param points [K][d], finite
   * @param bandwidth the standard deviation of the kernel, >= 0; 0 keeps the points themselves
   */
  public static GaussianMixture empirical(double[][] points, double bandwidth) {
    Checks.nonNegativeFinite("bandwidth", bandwidth);
    return of(points, Covariance.isotropic(bandwidth));
  }

  /**
   * Divides by the largest weight first, so that huge and tiny weights neither overflow nor die.
   */
  private static double[] normalise(double[] weights) {
    double largest = 0;
    for (int k = 0; k < weights.length; k++) {
      Checks.nonNegativeFinite("weights[" + k + "]", weights[k]);
      largest = Math.max(largest, weights[k]);
    }
    if (largest == 0) {
      throw new IllegalArgumentException("weights must have a positive sum, but all are 0");
    }
    double[] normalised = new double[weights.length];
    double sum = 0;
    for (int k = 0; k < weights.length; k++) {
      normalised[k] = weights[k] / largest;
      sum += normalised[k];
    }
    for (int k = 0; k < weights.length; k++) {
      normalised[k] /= sum;
    }
    return normalised;
  }

  /** The number of components K. */
  public int components() {
    return weights.length;
  }

  /** The dimension d. */
  public int dimension() {
    return dimension;
  }

  /** The normalised weight of component k. */
  public double weight(int component) {
    return weights[component];
  }

  /** Coordinate i of the mean of component k. */
  public double mean(int component, int i) {
    return means[component * dimension + i];
  }

  /** The covariances. */
  public Covariance covariance() {
    return covariance;
  }

  /** The largest Euclidean norm of a mean. */
  public double largestMeanNorm() {
    double largest = 0;
    for (int k = 0; k < components(); k++) {
      double square = 0;
      for (int i = 0; i < dimension; i++) {
        square += mean(k, i) * mean(k, i);
      }
      largest = Math.max(largest, square);
    }
    return Math.sqrt(largest);
  }

  /** The same mixture with another covariance; an alternative sigma for a built-in example, say. */
  public GaussianMixture withCovariance(Covariance other) {
    double[][] rows = new double[components()][];
    for (int k = 0; k < rows.length; k++) {
      rows[k] = Arrays.copyOfRange(means, k * dimension, (k + 1) * dimension);
    }
    return of(weights, rows, other);
  }

  /** The shared isotropic sigma, if this mixture has one. */
  public Optional<Double> sharedSigma() {
    return covariance instanceof IsotropicCovariance isotropic && isotropic.shared()
        ? Optional.of(isotropic.sigma(0))
        : Optional.empty();
  }

  @Override
  public String toString() {
    return "GaussianMixture[components=%d, dimension=%d, %s%s]"
        .formatted(
            components(),
            dimension,
            covariance.getClass().getSimpleName(),
            covariance.shared() ? " (shared)" : "");
  }
}
