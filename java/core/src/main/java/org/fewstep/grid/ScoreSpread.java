package org.fewstep.grid;

import org.fewstep.mixture.Covariance;
import org.fewstep.mixture.FullCovariance;
import org.fewstep.mixture.GaussianMixture;

/**
 * How far apart the scores of two components can be at one point: an upper bound on Gamma = sup_x
 * max_jk |g_j(x) - g_k(x)| with g_k(x) = -P_k (x - a mu_k), in Ornstein-Uhlenbeck space, where P_k
 * is the inverse of the diffused covariance C_k = a^2 Sigma_k + b I.
 *
 * <p>The covariance of the component scores under the responsibilities is what makes the flow
 * expand; along any direction it is at most Gamma^2/4 (Popoviciu's inequality on variances).
 */
sealed interface ScoreSpread permits SharedCovarianceSpread, VaryingCovarianceSpread {

  /** Multiply-adds that one evaluation may take before a looser bound is taken instead. */
  int PAIR_BUDGET = 20_000;

  /** The bound where the means are scaled by a and the noise has variance b = 1 - a^2. */
  double at(double a, double b);

  /** Whether the bound holds at every x, and not in the ball of {@link #radius} alone. */
  boolean global();

  /** The radius of the ball about a c0 on which the bound holds; infinite if it is global. */
  double radius(double a, double b);

  /**
   * The spread of a mixture.
   *
   * @param components the indices of the components that have weight
   * @param centre c0 [d], the centre of the data
   * @param deviations how far into the tails of a component the ball reaches
   */
  static ScoreSpread of(
      GaussianMixture mixture, int[] components, double[] centre, double deviations) {
    return sameCovariances(mixture.covariance(), components, mixture.dimension())
        ? new SharedCovarianceSpread(mixture, components)
        : new VaryingCovarianceSpread(mixture, components, centre, deviations);
  }

  private static boolean sameCovariances(Covariance covariance, int[] components, int dimension) {
    if (covariance.shared()) {
      return true;
    }
    for (int k : components) {
      for (int i = 0; i < dimension; i++) {
        if (covariance.eigenvalue(k, i) != covariance.eigenvalue(components[0], i)
            || !sameEigenvector(covariance, k, components[0], i, dimension)) {
          return false;
        }
      }
    }
    return true;
  }

  private static boolean sameEigenvector(
      Covariance covariance, int k, int other, int column, int dimension) {
    if (covariance instanceof FullCovariance full) {
      for (int row = 0; row < dimension; row++) {
        if (full.eigenvector(k, row, column) != full.eigenvector(other, row, column)) {
          return false;
        }
      }
    }
    return true;
  }

  /**
   * The mean of a component less an origin [d], in the eigenbasis of the component's covariance.
   */
  static double[] inEigenbasis(GaussianMixture mixture, int component, double[] origin) {
    int dimension = mixture.dimension();
    double[] shift = new double[dimension];
    for (int i = 0; i < dimension; i++) {
      shift[i] = mixture.mean(component, i) - origin[i];
    }
    if (!(mixture.covariance() instanceof FullCovariance full)) {
      return shift;
    }
    double[] rotated = new double[dimension];
    for (int j = 0; j < dimension; j++) {
      for (int i = 0; i < dimension; i++) {
        rotated[j] += full.eigenvector(component, i, j) * shift[i];
      }
    }
    return rotated;
  }
}
