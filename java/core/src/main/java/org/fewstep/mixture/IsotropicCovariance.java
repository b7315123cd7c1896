package org.fewstep.mixture;

import java.util.Arrays;

/** Covariances sigma_k^2 I. */
public final class IsotropicCovariance implements Covariance {

  private final double[] sigmas;
  private final boolean shared;
  private final double smallest;
  private final double largest;

  IsotropicCovariance(double[] sigmas, boolean shared) {
    Checks.notEmpty("sigma", sigmas.length);
    for (int k = 0; k < sigmas.length; k++) {
      Checks.nonNegativeFinite(shared ? "sigma" : "sigma[" + k + "]", sigmas[k]);
      Checks.finiteSquare(shared ? "sigma" : "sigma[" + k + "]", sigmas[k]);
    }
    this.sigmas = sigmas.clone();
    this.shared = shared;
    this.smallest = Arrays.stream(sigmas).min().orElseThrow();
    this.largest = Arrays.stream(sigmas).max().orElseThrow();
  }

  /** The standard deviation of component k. */
  public double sigma(int component) {
    return sigmas[shared ? 0 : component];
  }

  @Override
  public boolean shared() {
    return shared;
  }

  @Override
  public int count() {
    return sigmas.length;
  }

  @Override
  public int dimension() {
    return 0;
  }

  @Override
  public double eigenvalue(int component, int i) {
    double sigma = sigma(component);
    return sigma * sigma;
  }

  @Override
  public double smallestEigenvalue() {
    return smallest * smallest;
  }

  @Override
  public double largestEigenvalue() {
    return largest * largest;
  }
}
