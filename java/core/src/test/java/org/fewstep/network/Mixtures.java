package org.fewstep.network;

import java.util.Random;
import org.fewstep.mixture.Covariance;
import org.fewstep.mixture.GaussianMixture;

/** Mixtures drawn for tests, always the same. */
final class Mixtures {

  private Mixtures() {}

  static double[][] normals(int count, int dimension, long seed) {
    Random random = new Random(seed);
    double[][] rows = new double[count][dimension];
    for (double[] row : rows) {
      for (int i = 0; i < dimension; i++) {
        row[i] = random.nextGaussian();
      }
    }
    return rows;
  }

  static GaussianMixture isotropic(int count, int dimension, double sigma) {
    return GaussianMixture.of(normals(count, dimension, 1), Covariance.isotropic(sigma));
  }

  static GaussianMixture isotropicEach(int count, int dimension) {
    double[] sigmas = new Random(2).doubles(count, 0.1, 1).toArray();
    return GaussianMixture.of(
        weights(count), normals(count, dimension, 1), Covariance.isotropic(sigmas));
  }

  static GaussianMixture diagonal(int count, int dimension) {
    Random random = new Random(3);
    double[][] variances = new double[count][];
    for (int k = 0; k < count; k++) {
      variances[k] = random.doubles(dimension, 0.01, 0.3).toArray();
    }
    return GaussianMixture.of(
        weights(count), normals(count, dimension, 1), Covariance.diagonal(variances));
  }

  static GaussianMixture full(int count, int dimension) {
    double[][][] matrices = new double[count][][];
    for (int k = 0; k < count; k++) {
      matrices[k] = matrix(dimension, 100 + k);
    }
    return GaussianMixture.of(
        weights(count), normals(count, dimension, 1), Covariance.full(matrices));
  }

  /** F F' / 25 + I / 100. */
  static double[][] matrix(int dimension, long seed) {
    double[][] factor = normals(dimension, dimension, seed);
    double[][] matrix = new double[dimension][dimension];
    for (int i = 0; i < dimension; i++) {
      for (int j = 0; j < dimension; j++) {
        matrix[i][j] = Vectors.dot(factor[i], factor[j]) / 25 + (i == j ? 0.01 : 0);
      }
    }
    return matrix;
  }

  private static double[] weights(int count) {
    return new Random(4).doubles(count, 0.2, 1).toArray();
  }
}
