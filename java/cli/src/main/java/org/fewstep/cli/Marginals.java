package org.fewstep.cli;

import org.fewstep.mixture.Covariance;
import org.fewstep.mixture.DiagonalCovariance;
import org.fewstep.mixture.FullCovariance;
import org.fewstep.mixture.GaussianMixture;
import org.fewstep.mixture.IsotropicCovariance;

/** Mixtures of fewer coordinates. */
final class Marginals {

  private Marginals() {}

  /** The law of the first {@code size} coordinates. */
  static GaussianMixture first(GaussianMixture mixture, int size) {
    double[] weights = new double[mixture.components()];
    double[][] means = new double[weights.length][size];
    for (int k = 0; k < weights.length; k++) {
      weights[k] = mixture.weight(k);
      for (int i = 0; i < size; i++) {
        means[k][i] = mixture.mean(k, i);
      }
    }
    return GaussianMixture.of(weights, means, first(mixture.covariance(), size));
  }

  private static Covariance first(Covariance covariance, int size) {
    return switch (covariance) {
      case IsotropicCovariance isotropic -> isotropic;
      case DiagonalCovariance diagonal -> {
        double[][] variances = new double[diagonal.count()][size];
        for (int k = 0; k < variances.length; k++) {
          for (int i = 0; i < size; i++) {
            variances[k][i] = diagonal.eigenvalue(k, i);
          }
        }
        yield diagonal.shared()
            ? Covariance.diagonal(variances[0])
            : Covariance.diagonal(variances);
      }
      case FullCovariance full -> {
        double[][][] matrices = new double[full.count()][size][size];
        for (int k = 0; k < matrices.length; k++) {
          for (int i = 0; i < size; i++) {
            for (int j = 0; j < size; j++) {
              matrices[k][i][j] = entry(full, k, i, j);
            }
          }
        }
        yield full.shared() ? Covariance.full(matrices[0]) : Covariance.full(matrices);
      }
    };
  }

  private static double entry(FullCovariance full, int component, int i, int j) {
    double sum = 0;
    for (int l = 0; l < full.dimension(); l++) {
      double product = full.eigenvector(component, i, l) * full.eigenvector(component, j, l);
      sum += full.eigenvalue(component, l) * product;
    }
    return sum;
  }
}
