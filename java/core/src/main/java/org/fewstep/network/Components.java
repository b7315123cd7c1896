package org.fewstep.network;

import java.util.stream.IntStream;
import org.fewstep.mixture.Covariance;
import org.fewstep.mixture.DiffusedMixture;
import org.fewstep.mixture.FullCovariance;
import org.fewstep.mixture.GaussianMixture;

/**
 * The components of positive weight of a mixture at one time, in Ornstein-Uhlenbeck space (see
 * {@link DiffusedMixture}), as the compiler wants them.
 */
final class Components {

  private final DiffusedMixture diffused;
  private final GaussianMixture mixture;
  private final int[] active;

  Components(DiffusedMixture diffused) {
    this.diffused = diffused;
    this.mixture = diffused.mixture();
    this.active = active(mixture);
  }

  /** The components of positive weight. */
  static int[] active(GaussianMixture mixture) {
    return IntStream.range(0, mixture.components()).filter(k -> mixture.weight(k) > 0).toArray();
  }

  /** Whether all components of positive weight have the same covariance. */
  static boolean shareCovariance(GaussianMixture mixture) {
    int[] active = active(mixture);
    for (int k = 1; k < active.length && !mixture.covariance().shared(); k++) {
      if (!sameCovariance(mixture, active[0], active[k])) {
        return false;
      }
    }
    return true;
  }

  private static boolean sameCovariance(GaussianMixture mixture, int j, int k) {
    Covariance covariance = mixture.covariance();
    for (int i = 0; i < mixture.dimension(); i++) {
      if (covariance.eigenvalue(j, i) != covariance.eigenvalue(k, i)) {
        return false;
      }
      for (int r = 0; covariance instanceof FullCovariance full && r < full.dimension(); r++) {
        if (full.eigenvector(j, r, i) != full.eigenvector(k, r, i)) {
          return false;
        }
      }
    }
    return true;
  }

  int count() {
    return active.length;
  }

  int dimension() {
    return mixture.dimension();
  }

  /** rho, the scale that maps x to Ornstein-Uhlenbeck space, x/rho. */
  double scale() {
    return diffused.scale();
  }

  double weight(int k) {
    return mixture.weight(active[k]);
  }

  /** c_k = log w_k - log det C_k / 2. */
  double logNormaliser(int k) {
    return diffused.logNormaliser(active[k]);
  }

  /** m_k. */
  double[] mean(int k) {
    double[] mean = new double[dimension()];
    for (int i = 0; i < mean.length; i++) {
      mean[i] = diffused.a() * mixture.mean(active[k], i);
    }
    return mean;
  }

  /** The plain mean of the m_k. */
  double[] centre() {
    double[] centre = new double[dimension()];
    for (int k = 0; k < count(); k++) {
      double[] mean = mean(k);
      for (int i = 0; i < centre.length; i++) {
        centre[i] += mean[i] / count();
      }
    }
    return centre;
  }

  /** Eigenvalue i of C_k. */
  double eigenvalue(int k, int i) {
    return diffused.eigenvalue(active[k], i);
  }

  double smallestEigenvalue(int k) {
    return IntStream.range(0, dimension()).mapToDouble(i -> eigenvalue(k, i)).min().orElseThrow();
  }

  /** tr C_k^-1. */
  double precisionTrace(int k) {
    return IntStream.range(0, dimension()).mapToDouble(i -> 1 / eigenvalue(k, i)).sum();
  }

  /** Entry r of eigenvector i of C_k. */
  double eigenvector(int k, int r, int i) {
    if (mixture.covariance() instanceof FullCovariance full) {
      return full.eigenvector(active[k], r, i);
    }
    return r == i ? 1 : 0;
  }

  /** Entry (r, c) of C_k^-1. */
  double precision(int k, int r, int c) {
    if (!(mixture.covariance() instanceof FullCovariance)) {
      return r == c ? 1 / eigenvalue(k, r) : 0;
    }
    double sum = 0;
    for (int i = 0; i < dimension(); i++) {
      sum += eigenvector(k, r, i) * eigenvector(k, c, i) / eigenvalue(k, i);
    }
    return sum;
  }

  /** C_k^-1 v. */
  double[] precisionTimes(int k, double[] v) {
    double[] product = new double[dimension()];
    for (int i = 0; i < product.length; i++) {
      double projection = 0;
      for (int r = 0; r < product.length; r++) {
        projection += eigenvector(k, r, i) * v[r];
      }
      for (int r = 0; r < product.length; r++) {
        product[r] += eigenvector(k, r, i) * projection / eigenvalue(k, i);
      }
    }
    return product;
  }
}
