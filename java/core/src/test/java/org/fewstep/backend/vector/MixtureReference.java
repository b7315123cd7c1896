package org.fewstep.backend.vector;

import java.util.Arrays;

/**
 * The density of a mixture from its textbook form in float64, for one point: dense covariances,
 * Gaussian elimination, nothing shared with the kernels.
 */
final class MixtureReference {

  final double logDensity;
  final double[] score;
  final double[] mean;
  final double divergence;
  final double[] jvp;
  final double[] responsibilities;

  /**
   * Evaluates at x.
   *
   * @param covariances [K][d][d] at t = 0
   * @param alpha the scale of the data, and sigma the noise level
   */
  MixtureReference(
      double[] weights,
      double[][] means,
      double[][][] covariances,
      double alpha,
      double variance,
      double[] x,
      double[] v) {
    int d = x.length;
    int count = weights.length;
    double weightSum = Arrays.stream(weights).sum();
    double[] logits = new double[count];
    double[][] gradients = new double[count][];
    double[][] precisionTimesV = new double[count][];
    double[] traces = new double[count];
    double[][] starts = new double[count][d];
    for (int k = 0; k < count; k++) {
      double[][] c = new double[d][d];
      for (int i = 0; i < d; i++) {
        for (int j = 0; j < d; j++) {
          c[i][j] = alpha * alpha * covariances[k][i][j] + (i == j ? variance : 0);
        }
      }
      double[][] inverse = new double[d][d];
      double logDeterminant = invert(c, inverse);
      double[] e = new double[d];
      for (int i = 0; i < d; i++) {
        e[i] = x[i] - alpha * means[k][i];
      }
      double[] pe = times(inverse, e);
      double q = 0;
      for (int i = 0; i < d; i++) {
        q += e[i] * pe[i];
        traces[k] += inverse[i][i];
      }
      logits[k] =
          Math.log(weights[k] / weightSum) - 0.5 * (q + logDeterminant + d * Math.log(2 * Math.PI));
      gradients[k] = Arrays.stream(pe).map(g -> -g).toArray();
      precisionTimesV[k] = times(inverse, v);
      double[] shift = times(covariances[k], pe);
      for (int i = 0; i < d; i++) {
        starts[k][i] = means[k][i] + alpha * shift[i];
      }
    }
    double largest = Arrays.stream(logits).max().orElseThrow();
    double sum = 0;
    responsibilities = new double[count];
    for (int k = 0; k < count; k++) {
      responsibilities[k] = Math.exp(logits[k] - largest);
      sum += responsibilities[k];
    }
    logDensity = largest + Math.log(sum);
    score = new double[d];
    mean = new double[d];
    for (int k = 0; k < count; k++) {
      responsibilities[k] /= sum;
      for (int i = 0; i < d; i++) {
        score[i] += responsibilities[k] * gradients[k][i];
        mean[i] += responsibilities[k] * starts[k][i];
      }
    }
    double trace = 0;
    jvp = new double[d];
    for (int k = 0; k < count; k++) {
      double along = 0;
      double square = 0;
      for (int i = 0; i < d; i++) {
        double centred = gradients[k][i] - score[i];
        along += centred * v[i];
        square += centred * centred;
      }
      trace += responsibilities[k] * (square - traces[k]);
      for (int i = 0; i < d; i++) {
        jvp[i] +=
            responsibilities[k] * ((gradients[k][i] - score[i]) * along - precisionTimesV[k][i]);
      }
    }
    divergence = trace;
  }

  private static double[] times(double[][] matrix, double[] vector) {
    return Arrays.stream(matrix)
        .mapToDouble(
            row -> {
              double sum = 0;
              for (int j = 0; j < vector.length; j++) {
                sum += row[j] * vector[j];
              }
              return sum;
            })
        .toArray();
  }

  /**
   * Inverts a positive definite matrix, destroying it; returns the logarithm of its determinant.
   */
  private static double invert(double[][] matrix, double[][] inverse) {
    int d = matrix.length;
    double logDeterminant = 0;
    for (int i = 0; i < d; i++) {
      inverse[i][i] = 1;
    }
    for (int i = 0; i < d; i++) {
      double pivot = matrix[i][i];
      logDeterminant += Math.log(pivot);
      for (int j = 0; j < d; j++) {
        matrix[i][j] /= pivot;
        inverse[i][j] /= pivot;
      }
      for (int r = 0; r < d; r++) {
        double factor = matrix[r][i];
        if (r != i && factor != 0) {
          for (int j = 0; j < d; j++) {
            matrix[r][j] -= factor * matrix[i][j];
            inverse[r][j] -= factor * inverse[i][j];
          }
        }
      }
    }
    return logDeterminant;
  }
}
