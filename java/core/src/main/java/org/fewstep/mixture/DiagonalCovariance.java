package org.fewstep.mixture;

import java.util.Arrays;

/** Covariances that are diagonal in the coordinate axes. */
public final class DiagonalCovariance implements Covariance {

  private final double[][] variances;
  private final boolean shared;
  private final double smallest;
  private final double largest;

  DiagonalCovariance(double[][] variances, boolean shared) {
    this.variances = Checks.rectangle("variances", variances);
    this.shared = shared;
    for (int k = 0; k < variances.length; k++) {
      for (int i = 0; i < variances[k].length; i++) {
        Checks.nonNegativeFinite("variances[%d][%d]".formatted(k, i), variances[k][i]);
      }
    }
    this.smallest =
        Arrays.stream(this.variances).flatMapToDouble(Arrays::stream).min().orElseThrow();
    this.largest =
        Arrays.stream(this.variances).flatMapToDouble(Arrays::stream).max().orElseThrow();
  }

  @Override
  public boolean shared() {
    return shared;
  }

  @Override
  public int count() {
    return variances.length;
  }

  @Override
  public int dimension() {
    return variances[0].length;
  }

  @Override
  public double eigenvalue(int component, int i) {
    return variances[shared ? 0 : component][i];
  }

  @Override
  public double smallestEigenvalue() {
    return smallest;
  }

  @Override
  public double largestEigenvalue() {
    return largest;
  }
}
