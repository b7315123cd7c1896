package org.fewstep.backend.vector;

import org.fewstep.backend.TimeConstants;
import org.fewstep.diffusion.Diffusion;
import org.fewstep.mixture.DiffusedMixture;
import org.fewstep.mixture.GaussianMixture;
import org.fewstep.mixture.IsotropicCovariance;

/**
 * A mixture at one time in the coordinates of x itself: component k has mean {@code alpha mu_k} and
 * covariance {@code alpha^2 Sigma_k + variance I}. Scaling the mixture on the host, in float64,
 * rather than the points in the kernel spares them a rounding.
 */
record MixtureTime(GaussianMixture mixture, double alpha, double variance) {

  static MixtureTime of(DiffusedMixture diffused) {
    double scale = diffused.scale();
    return new MixtureTime(diffused.mixture(), scale * diffused.a(), scale * scale * diffused.b());
  }

  static MixtureTime of(GaussianMixture mixture, TimeConstants at) {
    double t = at.ornsteinUhlenbeckTime();
    return new MixtureTime(
        mixture, at.scale() * Math.exp(-t), at.scale() * at.scale() * -Math.expm1(-2 * t));
  }

  /** The mixture at a time that the process has. */
  static MixtureTime of(GaussianMixture mixture, Diffusion process, double t) {
    double sigma = process.sigma(t);
    return new MixtureTime(mixture, process.alpha(t), sigma * sigma);
  }

  /** Whether a covariance has no inverse: a density is not defined. */
  boolean singular() {
    double least = alpha * alpha * mixture.covariance().smallestEigenvalue() + variance;
    return least < Double.MIN_NORMAL;
  }

  /** Coordinate i of the mean of a component at this time. */
  double mean(int component, int i) {
    return alpha * mixture.mean(component, i);
  }

  /** Eigenvalue i of the covariance of a component at this time. */
  double eigenvalue(int component, int i) {
    return alpha * alpha * mixture.covariance().eigenvalue(component, i) + variance;
  }

  /** The factor alpha sigma^2 / lambda by which a deviation along eigenvector i enters E[x0|x]. */
  double meanGain(int component, int i) {
    return alpha * mixture.covariance().eigenvalue(component, i) / eigenvalue(component, i);
  }

  /** log det C_k. */
  double logDeterminant(int component) {
    if (mixture.covariance() instanceof IsotropicCovariance) {
      return mixture.dimension() * Math.log(eigenvalue(component, 0));
    }
    double sum = 0;
    for (int i = 0; i < mixture.dimension(); i++) {
      sum += Math.log(eigenvalue(component, i));
    }
    return sum;
  }

  /** The trace of the precision matrix of a component. */
  double precisionTrace(int component) {
    if (mixture.covariance() instanceof IsotropicCovariance) {
      return mixture.dimension() / eigenvalue(component, 0);
    }
    double trace = 0;
    for (int i = 0; i < mixture.dimension(); i++) {
      trace += 1 / eigenvalue(component, i);
    }
    return trace;
  }

  /** The trace of alpha Sigma_k C_k^-1: the divergence of E[x0 | x, k]. */
  double meanGainTrace(int component) {
    if (mixture.covariance() instanceof IsotropicCovariance) {
      return mixture.dimension() * meanGain(component, 0);
    }
    double trace = 0;
    for (int i = 0; i < mixture.dimension(); i++) {
      trace += meanGain(component, i);
    }
    return trace;
  }
}
