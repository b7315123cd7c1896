package org.fewstep.grid;

import java.util.Arrays;
import org.fewstep.mixture.FullCovariance;
import org.fewstep.mixture.GaussianMixture;

/**
 * Covariances that differ: g_j - g_k = (P_k - P_j)(x - a c0) + P_j a (mu_j - c0) - P_k a (mu_k -
 * c0) grows with x, so there is no global bound, and this one holds on a ball |x - a c0| <= R.
 *
 * <p>R = max_k (a |mu_k - c0| + sqrt(lambda_max(C_k)) (sqrt d + m)) with m standard deviations:
 * each component has less than e^(-m^2/2) of its mass outside (Gaussian concentration of |z| about
 * sqrt d). Where pairs of components are too many, Gamma is bounded by twice the largest distance
 * of a component's score from -p (x - a c0), p midway between the extreme eigenvalues of the P_k.
 */
final class VaryingCovarianceSpread implements ScoreSpread {

  private final GaussianMixture mixture;
  private final int[] components;
  private final double[][] offsets;
  private final double[] distances;
  private final double[] smallestVariances;
  private final double[] largestVariances;
  private final double tail;
  private final boolean everyDirection;
  private final boolean searchPairs;

  VaryingCovarianceSpread(
      GaussianMixture mixture, int[] components, double[] centre, double deviations) {
    this.mixture = mixture;
    this.components = components;
    this.tail = Math.sqrt(mixture.dimension()) + deviations;
    this.offsets = new double[components.length][];
    this.distances = new double[components.length];
    this.smallestVariances = new double[components.length];
    this.largestVariances = new double[components.length];
    for (int k = 0; k < components.length; k++) {
      offsets[k] = ScoreSpread.inEigenbasis(mixture, components[k], centre);
      distances[k] = norm(offsets[k]);
      double[] variances = new double[mixture.dimension()];
      for (int i = 0; i < variances.length; i++) {
        variances[i] = mixture.covariance().eigenvalue(components[k], i);
      }
      smallestVariances[k] = Arrays.stream(variances).min().orElseThrow();
      largestVariances[k] = Arrays.stream(variances).max().orElseThrow();
    }
    this.everyDirection = (double) components.length * mixture.dimension() <= PAIR_BUDGET;
    double pairs = 0.5 * components.length * (components.length - 1.0);
    double entries = entriesPerMatrix();
    double assembly = components.length * entries * (full() ? mixture.dimension() : 1);
    this.searchPairs = pairs * entries + assembly <= PAIR_BUDGET;
  }

  private boolean full() {
    return mixture.covariance() instanceof FullCovariance;
  }

  private double entriesPerMatrix() {
    return full() ? (double) mixture.dimension() * mixture.dimension() : mixture.dimension();
  }

  @Override
  public boolean global() {
    return false;
  }

  @Override
  public double radius(double a, double b) {
    double radius = 0;
    for (int k = 0; k < components.length; k++) {
      double deviation = Math.sqrt(a * a * largestVariances[k] + b);
      radius = Math.max(radius, a * distances[k] + deviation * tail);
    }
    return radius;
  }

  @Override
  public double at(double a, double b) {
    double radius = radius(a, b);
    double byCentre = boundByCentre(a, b, radius);
    return searchPairs ? Math.min(byCentre, boundByPairs(a, b, radius)) : byCentre;
  }

  private double boundByCentre(double a, double b, double radius) {
    double smallest = Double.POSITIVE_INFINITY;
    double largest = 0;
    for (int k = 0; k < components.length; k++) {
      smallest = Math.min(smallest, 1 / (a * a * largestVariances[k] + b));
      largest = Math.max(largest, 1 / (a * a * smallestVariances[k] + b));
    }
    double middle = 0.5 * (smallest + largest);
    double bound = 0;
    for (int k = 0; k < components.length; k++) {
      double least = 1 / (a * a * largestVariances[k] + b);
      double most = 1 / (a * a * smallestVariances[k] + b);
      double deviation = Math.max(most - middle, middle - least);
      double shift =
          everyDirection
              ? a * norm(scaled(precisions(k, a, b), offsets[k]))
              : a * distances[k] * most;
      bound = Math.max(bound, deviation * radius + shift);
    }
    return 2 * bound;
  }

  /** The eigenvalues of P_k. */
  private double[] precisions(int k, double a, double b) {
    double[] precisions = new double[mixture.dimension()];
    for (int i = 0; i < precisions.length; i++) {
      precisions[i] = 1 / (a * a * mixture.covariance().eigenvalue(components[k], i) + b);
    }
    return precisions;
  }

  private double boundByPairs(double a, double b, double radius) {
    double[][] precisions = new double[components.length][];
    Arrays.setAll(precisions, k -> precisions(k, a, b));
    double[][] matrices = new double[precisions.length][];
    double[][] shifts = new double[precisions.length][];
    for (int k = 0; k < precisions.length; k++) {
      matrices[k] = full() ? assemble(k, precisions[k]) : precisions[k];
      shifts[k] = inAxes(k, scaled(precisions[k], offsets[k]));
    }
    double bound = 0;
    for (int j = 1; j < precisions.length; j++) {
      for (int k = 0; k < j; k++) {
        double difference =
            full()
                ? Math.min(
                    PointCloud.distance(matrices[j], matrices[k]),
                    normOfDifference(precisions[j], precisions[k]))
                : largestDifference(matrices[j], matrices[k]);
        double shift = a * PointCloud.distance(shifts[j], shifts[k]);
        bound = Math.max(bound, difference * radius + shift);
      }
    }
    return bound;
  }

  /** A bound on |A - B|_2 from the eigenvalues of two symmetric matrices alone. */
  private static double normOfDifference(double[] eigenvalues, double[] others) {
    return Math.max(
        largest(eigenvalues) - smallest(others), largest(others) - smallest(eigenvalues));
  }

  /** The matrix Q_k diag(eigenvalues) Q_k', row-major. */
  private double[] assemble(int k, double[] eigenvalues) {
    FullCovariance covariance = (FullCovariance) mixture.covariance();
    int dimension = mixture.dimension();
    double[] matrix = new double[dimension * dimension];
    for (int row = 0; row < dimension; row++) {
      for (int column = 0; column < dimension; column++) {
        double sum = 0;
        for (int i = 0; i < dimension; i++) {
          sum +=
              covariance.eigenvector(components[k], row, i)
                  * eigenvalues[i]
                  * covariance.eigenvector(components[k], column, i);
        }
        matrix[row * dimension + column] = sum;
      }
    }
    return matrix;
  }

  /** A vector in the eigenbasis of component k, in the coordinate axes. */
  private double[] inAxes(int k, double[] vector) {
    if (!(mixture.covariance() instanceof FullCovariance covariance)) {
      return vector;
    }
    double[] rotated = new double[vector.length];
    for (int i = 0; i < vector.length; i++) {
      for (int j = 0; j < vector.length; j++) {
        rotated[i] += covariance.eigenvector(components[k], i, j) * vector[j];
      }
    }
    return rotated;
  }

  private static double[] scaled(double[] factors, double[] vector) {
    double[] product = new double[vector.length];
    Arrays.setAll(product, i -> factors[i] * vector[i]);
    return product;
  }

  private static double largestDifference(double[] values, double[] others) {
    double largest = 0;
    for (int i = 0; i < values.length; i++) {
      largest = Math.max(largest, Math.abs(values[i] - others[i]));
    }
    return largest;
  }

  private static double norm(double[] vector) {
    double square = 0;
    for (double value : vector) {
      square += value * value;
    }
    return Math.sqrt(square);
  }

  private static double smallest(double[] values) {
    return Arrays.stream(values).min().orElseThrow();
  }

  private static double largest(double[] values) {
    return Arrays.stream(values).max().orElseThrow();
  }
}
