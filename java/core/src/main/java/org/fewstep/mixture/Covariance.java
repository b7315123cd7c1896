package org.fewstep.mixture;

/**
 * The covariances of a mixture: isotropic, diagonal or full, each either shared by all components
 * or given one per component. Singular covariances (sigma = 0: data points) are legal; the mixture
 * then has a density only at t > 0.
 *
 * <p>Every kind is held by its eigenvalues, and the full kind by its eigenvectors too, so that the
 * covariance at any time t, alpha^2 Sigma + sigma_t^2 I, needs no further factorisation.
 */
public sealed interface Covariance permits IsotropicCovariance, DiagonalCovariance, FullCovariance {

  /** Whether one covariance serves every component. */
  boolean shared();

  /** The number of covariances given: 1 if shared, else one per component. */
  int count();

  /** The dimension d that this covariance prescribes, or 0 if it fits any (isotropic). */
  int dimension();

  /**
   * Eigenvalue i (a variance, at least 0) of the covariance of component k, for i from 0 to d - 1.
   * For the isotropic kind the same for every i; for the diagonal kind the variance along axis i.
   */
  double eigenvalue(int component, int i);

  /** The smallest eigenvalue over all components and directions. */
  double smallestEigenvalue();

  /** The largest eigenvalue over all components and directions. */
  double largestEigenvalue();

  /** Whether some direction of some component has no variance, so that t = 0 is not allowed. */
  default boolean singular() {
    return smallestEigenvalue() == 0;
  }

  /** The same standard deviation, at least 0, in every direction for every component. */
  static Covariance isotropic(double sigma) {
    return new IsotropicCovariance(new double[] {sigma}, true);
  }

  /** One standard deviation per component, each at least 0. */
  static Covariance isotropic(double[] sigmas) {
    return new IsotropicCovariance(sigmas, false);
  }

  /** The same variances [d] along the axes for every component. */
  static Covariance diagonal(double[] variances) {
    return new DiagonalCovariance(new double[][] {variances}, true);
  }

  /** Variances [K][d] along the axes, one row per component. */
  static Covariance diagonal(double[][] variances) {
    return new DiagonalCovariance(variances, false);
  }

  /** The same symmetric matrix [d][d], no negative eigenvalue, for every component. */
  static Covariance full(double[][] matrix) {
    return new FullCovariance(new double[][][] {matrix}, true);
  }

  /** One symmetric matrix per component, [K][d][d], no negative eigenvalue. */
  static Covariance full(double[][][] matrices) {
    return new FullCovariance(matrices, false);
  }
}
