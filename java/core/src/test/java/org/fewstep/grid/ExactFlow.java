package org.fewstep.grid;

import java.util.Arrays;
import java.util.Random;
import java.util.stream.IntStream;
import org.ejml.data.DMatrixRMaj;
import org.ejml.dense.row.CommonOps_DDRM;
import org.ejml.dense.row.factory.DecompositionFactory_DDRM;
import org.ejml.interfaces.decomposition.EigenDecomposition_F64;
import org.fewstep.diffusion.Diffusion;
import org.fewstep.mixture.Covariance;
import org.fewstep.mixture.GaussianMixture;

/**
 * A mixture with its probability flow from the defining formulas in x-space, dense and slow:
 * nothing in common with what is tested but the mixture's numbers.
 */
record ExactFlow(double[] weights, double[][] means, double[][][] covariances, Covariance compact) {

  GaussianMixture mixture() {
    return GaussianMixture.of(weights, means, compact);
  }

  int dimension() {
    return means[0].length;
  }

  int components() {
    return means.length;
  }

  /** One covariance, sigma^2 I, for all. */
  static ExactFlow isotropic(double[] weights, double[][] means, double sigma) {
    double[] variances = new double[means[0].length];
    Arrays.fill(variances, sigma * sigma);
    double[][][] matrices = new double[means.length][][];
    Arrays.fill(matrices, diagonal(variances));
    return new ExactFlow(weights, means, matrices, Covariance.isotropic(sigma));
  }

  /** Random means, weights and covariances, of any of the six kinds, some of them singular. */
  static ExactFlow random(Random random) {
    int d = 1 + random.nextInt(4);
    int count = 1 + random.nextInt(5);
    double size = Math.exp(random.nextGaussian());
    double[] weights = random.doubles(count, 0.05, 1).toArray();
    double[][] means = new double[count][];
    for (int k = 0; k < count; k++) {
      means[k] = IntStream.range(0, d).mapToDouble(i -> size * random.nextGaussian()).toArray();
    }
    boolean shared = random.nextBoolean();
    int given = shared ? 1 : count;
    double typical = Math.exp(-4 * random.nextDouble());
    double[][][] matrices = new double[given][][];
    Covariance compact;
    switch (random.nextInt(3)) {
      case 0 -> {
        double[] sigmas = new double[given];
        for (int k = 0; k < given; k++) {
          sigmas[k] = random.nextInt(8) == 0 ? 0 : typical * (0.5 + random.nextDouble());
          double variance = sigmas[k] * sigmas[k];
          matrices[k] = diagonal(IntStream.range(0, d).mapToDouble(i -> variance).toArray());
        }
        compact = shared ? Covariance.isotropic(sigmas[0]) : Covariance.isotropic(sigmas);
      }
      case 1 -> {
        double[][] variances = new double[given][];
        for (int k = 0; k < given; k++) {
          variances[k] = random.doubles(d, 0, typical).map(value -> value * value).toArray();
          matrices[k] = diagonal(variances[k]);
        }
        compact = shared ? Covariance.diagonal(variances[0]) : Covariance.diagonal(variances);
      }
      default -> {
        for (int k = 0; k < given; k++) {
          matrices[k] = randomCovariance(random, d, typical);
        }
        compact = shared ? Covariance.full(matrices[0]) : Covariance.full(matrices);
      }
    }
    double[][][] all = new double[count][][];
    Arrays.setAll(all, k -> matrices[shared ? 0 : k]);
    return new ExactFlow(weights, means, all, compact);
  }

  private static double[][] diagonal(double[] values) {
    double[][] matrix = new double[values.length][values.length];
    for (int i = 0; i < values.length; i++) {
      matrix[i][i] = values[i];
    }
    return matrix;
  }

  private static double[][] randomCovariance(Random random, int d, double size) {
    double[][] root = new double[d][];
    Arrays.setAll(root, i -> random.doubles(d, -size, size).toArray());
    double[][] product = new double[d][d];
    for (int i = 0; i < d; i++) {
      for (int j = 0; j < d; j++) {
        for (int k = 0; k < d; k++) {
          product[i][j] += root[i][k] * root[j][k];
        }
      }
    }
    return product;
  }

  /** Responsibilities, component scores and inverse covariances at x. */
  private record Parts(double[] responsibilities, double[][] scores, DMatrixRMaj[] inverses) {

    double[] score() {
      double[] score = new double[scores[0].length];
      for (int k = 0; k < scores.length; k++) {
        for (int i = 0; i < score.length; i++) {
          score[i] += responsibilities[k] * scores[k][i];
        }
      }
      return score;
    }
  }

  private Parts parts(Diffusion process, double t, double[] x) {
    double alpha = process.alpha(t);
    double sigma = process.sigma(t);
    double[] logits = new double[components()];
    double[][] scores = new double[components()][dimension()];
    DMatrixRMaj[] inverses = new DMatrixRMaj[components()];
    for (int k = 0; k < components(); k++) {
      DMatrixRMaj covariance = new DMatrixRMaj(covariances[k]);
      CommonOps_DDRM.scale(alpha * alpha, covariance);
      for (int i = 0; i < dimension(); i++) {
        covariance.add(i, i, sigma * sigma);
      }
      inverses[k] = new DMatrixRMaj(dimension(), dimension());
      CommonOps_DDRM.invert(covariance, inverses[k]);
      double mahalanobis = 0;
      for (int i = 0; i < dimension(); i++) {
        for (int j = 0; j < dimension(); j++) {
          scores[k][i] -= inverses[k].get(i, j) * (x[j] - alpha * means[k][j]);
        }
        mahalanobis -= scores[k][i] * (x[i] - alpha * means[k][i]);
      }
      logits[k] =
          Math.log(weights[k]) - 0.5 * (Math.log(CommonOps_DDRM.det(covariance)) + mahalanobis);
    }
    double largest = Arrays.stream(logits).max().orElseThrow();
    double[] shares = Arrays.stream(logits).map(logit -> Math.exp(logit - largest)).toArray();
    double sum = Arrays.stream(shares).sum();
    return new Parts(Arrays.stream(shares).map(share -> share / sum).toArray(), scores, inverses);
  }

  /** The velocity f x - h score [d]. */
  double[] velocity(Diffusion process, double t, double[] x) {
    double[] score = parts(process, t, x).score();
    double[] velocity = new double[x.length];
    Arrays.setAll(
        velocity, i -> process.drift(t) * x[i] - process.halfSquaredDiffusion(t) * score[i]);
    return velocity;
  }

  /** The Jacobian of the velocity, f I - h Hessian(log p). */
  DMatrixRMaj jacobian(Diffusion process, double t, double[] x) {
    Parts parts = parts(process, t, x);
    double[] score = parts.score();
    DMatrixRMaj jacobian = CommonOps_DDRM.identity(dimension());
    CommonOps_DDRM.scale(process.drift(t), jacobian);
    for (int k = 0; k < components(); k++) {
      double factor = process.halfSquaredDiffusion(t) * parts.responsibilities[k];
      for (int i = 0; i < dimension(); i++) {
        for (int j = 0; j < dimension(); j++) {
          double outer = (parts.scores[k][i] - score[i]) * (parts.scores[k][j] - score[j]);
          jacobian.add(i, j, factor * (parts.inverses[k].get(i, j) - outer));
        }
      }
    }
    return jacobian;
  }

  /** The eigenvalues of a symmetric matrix, ascending. */
  static double[] eigenvalues(DMatrixRMaj matrix) {
    int d = matrix.getNumRows();
    EigenDecomposition_F64<DMatrixRMaj> decomposition =
        DecompositionFactory_DDRM.eig(d, false, true);
    DMatrixRMaj symmetric = new DMatrixRMaj(d, d);
    for (int i = 0; i < d; i++) {
      for (int j = 0; j < d; j++) {
        symmetric.set(i, j, 0.5 * (matrix.get(i, j) + matrix.get(j, i)));
      }
    }
    decomposition.decompose(symmetric);
    return IntStream.range(0, d)
        .mapToDouble(i -> decomposition.getEigenvalue(i).getReal())
        .sorted()
        .toArray();
  }

  /**
   * A point where the flow is hard: one that x_t may take, or one between two components, where the
   * responsibilities are shared.
   */
  double[] point(Diffusion process, double t, Random random) {
    double[] from = means[random.nextInt(components())];
    double[] to = means[random.nextInt(components())];
    double between = random.nextBoolean() ? 0 : random.nextDouble();
    double spread = random.nextInt(4) == 0 ? 5 * random.nextDouble() : random.nextDouble();
    double deviation =
        Math.hypot(process.sigma(t), process.alpha(t) * Math.sqrt(covariances[0][0][0]));
    double[] x = new double[dimension()];
    for (int i = 0; i < x.length; i++) {
      double mean = from[i] + between * (to[i] - from[i]);
      x[i] = process.alpha(t) * mean + spread * deviation * random.nextGaussian();
    }
    return x;
  }
}
