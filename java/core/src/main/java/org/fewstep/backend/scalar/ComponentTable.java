package org.fewstep.backend.scalar;

import org.fewstep.diffusion.OrnsteinUhlenbeck;
import org.fewstep.mixture.Covariance;
import org.fewstep.mixture.FullCovariance;
import org.fewstep.mixture.GaussianMixture;
import org.fewstep.mixture.IsotropicCovariance;

/**
 * A mixture at one time: what the evaluation of a row reads. Filled again for every time.
 *
 * <p>In Ornstein-Uhlenbeck space component k has the mean a mu_k and the covariance C_k = a^2
 * Sigma_k + b I. C_k has the eigenvectors of Sigma_k (the axes, unless the kind is full), so only
 * its eigenvalues lambda are computed per time.
 */
final class ComponentTable {

  private GaussianMixture mixture;
  private FullCovariance full;
  private double scale;
  private double a;
  private double[] eigenvalues = {};
  private double[] logNormalisers = {};

  /**
   * Fills the table.
   *
   * @param scale rho, which maps x to Ornstein-Uhlenbeck space, x/rho
   * @param time the Ornstein-Uhlenbeck time t'
   * @return false, the table being of no use, if the mixture has no density at that time
   */
  boolean fill(GaussianMixture mixture, double scale, double time) {
    this.mixture = mixture;
    this.scale = scale;
    Covariance covariance = mixture.covariance();
    full = covariance instanceof FullCovariance matrices ? matrices : null;
    a = Math.exp(-time);
    double b = OrnsteinUhlenbeck.noiseVariance(time);
    int dimension = mixture.dimension();
    int tables = covariance.count();
    if (eigenvalues.length < tables * dimension) {
      eigenvalues = new double[tables * dimension];
    }
    if (logNormalisers.length < mixture.components()) {
      logNormalisers = new double[mixture.components()];
    }
    for (int k = 0; k < tables; k++) {
      for (int i = 0; i < dimension; i++) {
        double lambda = a * a * covariance.eigenvalue(k, i) + b;
        if (!(lambda >= Double.MIN_NORMAL)) {
          return false;
        }
        eigenvalues[k * dimension + i] = lambda;
      }
    }
    double logDeterminant = 0;
    for (int k = 0; k < mixture.components(); k++) {
      if (k < tables) {
        logDeterminant = logDeterminant(k);
      }
      logNormalisers[k] = Math.log(mixture.weight(k)) - 0.5 * logDeterminant;
    }
    return true;
  }

  private double logDeterminant(int component) {
    int dimension = dimension();
    if (mixture.covariance() instanceof IsotropicCovariance) {
      return dimension * Math.log(eigenvalue(component, 0));
    }
    double sum = 0;
    for (int i = 0; i < dimension; i++) {
      sum += Math.log(eigenvalue(component, i));
    }
    return sum;
  }

  int dimension() {
    return mixture.dimension();
  }

  int components() {
    return mixture.components();
  }

  /** rho. */
  double scale() {
    return scale;
  }

  /** a = e^-t'. */
  double a() {
    return a;
  }

  /** Whether component k has no weight: it takes no part in anything. */
  boolean isDead(int component) {
    return mixture.weight(component) == 0;
  }

  double mean(int component, int i) {
    return mixture.mean(component, i);
  }

  /** Eigenvalue i of C_k, > 0. */
  double eigenvalue(int component, int i) {
    return eigenvalues[(mixture.covariance().shared() ? 0 : component) * dimension() + i];
  }

  /** Eigenvalue i of Sigma_k, >= 0. */
  double dataEigenvalue(int component, int i) {
    return mixture.covariance().eigenvalue(component, i);
  }

  /** c_k = log w_k - log det C_k / 2. */
  double logNormaliser(int component) {
    return logNormalisers[component];
  }

  /** Q_k' v: the coordinates of v along the eigenvectors of component k. */
  void toEigenbasis(int component, double[] v, double[] out, int offset) {
    int dimension = dimension();
    if (full == null) {
      System.arraycopy(v, 0, out, offset, dimension);
      return;
    }
    for (int j = 0; j < dimension; j++) {
      double sum = 0;
      for (int i = 0; i < dimension; i++) {
        sum += full.eigenvector(component, i, j) * v[i];
      }
      out[offset + j] = sum;
    }
  }

  /** Q_k w: the vector with those coordinates along the eigenvectors of component k. */
  void fromEigenbasis(int component, double[] w, double[] out, int offset) {
    int dimension = dimension();
    if (full == null) {
      System.arraycopy(w, 0, out, offset, dimension);
      return;
    }
    for (int i = 0; i < dimension; i++) {
      double sum = 0;
      for (int j = 0; j < dimension; j++) {
        sum += full.eigenvector(component, i, j) * w[j];
      }
      out[offset + i] = sum;
    }
  }
}
