package org.fewstep.backend;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.Random;
import org.fewstep.diffusion.Diffusion;
import org.fewstep.diffusion.Diffusions;
import org.fewstep.mixture.Covariance;
import org.fewstep.mixture.DiffusedMixture;
import org.fewstep.mixture.GaussianMixture;

/**
 * A mixture of a drawn shape and points near and far, for comparing backends.
 *
 * @param name tells the shape, in messages
 * @param x [n,d], numbers that float32 can hold
 * @param direction [n,d], likewise
 */
record DrawnCase(
    String name,
    GaussianMixture mixture,
    Diffusion process,
    double t,
    double[] x,
    double[] direction) {

  private static final int[] DIMENSIONS = {1, 2, 3, 4, 5, 7, 8, 15, 16, 17, 31, 33, 64, 100, 257};
  private static final int[] COMPONENTS = {1, 2, 3, 7, 8, 16, 17, 61, 128, 499, 500};
  private static final int[] ROWS = {1, 5, 16, 37, 2, 9, 7};
  private static final double[] TIMES = {1e-3, 0.03, 0.2, 1, 3};
  private static final double[] SIGMAS = {0.3, 0.05, 1, 0};

  /** The most numbers in the matrices of one case: what decomposing them may take. */
  private static final long MATRIX_BUDGET = 300_000;

  /** The most multiplications for the rows of one case, beyond the first three. */
  private static final long ROW_BUDGET = 400_000;

  int rows() {
    return x.length / mixture.dimension();
  }

  DiffusedMixture diffused() {
    return DiffusedMixture.at(mixture, process, t);
  }

  @Override
  public String toString() {
    return name;
  }

  /** Every kind of covariance with every dimension, and numbers of components in turn. */
  static List<DrawnCase> all() {
    List<DrawnCase> cases = new ArrayList<>();
    int number = 0;
    for (String kind : List.of("isotropic", "diagonal", "full")) {
      for (boolean shared : new boolean[] {true, false}) {
        for (int d : DIMENSIONS) {
          int components = COMPONENTS[number % COMPONENTS.length];
          long matrices = (long) d * d * (shared ? 1 : components);
          if (kind.equals("full")) {
            // The scalar backend takes K d^2 for a row, shared or not.
            components = (int) Math.min(components, 1 + MATRIX_BUDGET / ((long) d * d));
          }
          cases.add(draw(number++, kind, shared, d, components));
        }
      }
    }
    return cases;
  }

  /** A smaller case of a kind, for checks that evaluate it many times. */
  static DrawnCase small(String kind, boolean shared, int d, int components) {
    return draw(1000 + d * components, kind, shared, d, components);
  }

  private static DrawnCase draw(int seed, String kind, boolean shared, int d, int components) {
    Random random = new Random(seed);
    double sigma = SIGMAS[seed % SIGMAS.length];
    double t = TIMES[seed % TIMES.length];
    Diffusion process = Diffusions.builtIn().get(seed % 3 == 0 ? seed / 3 % 4 : 0);
    t = Math.min(t, process.maxTime());
    double[] weights = random.doubles(components, 0.1, 1).toArray();
    if (components > 2 && seed % 4 == 1) {
      weights[random.nextInt(components)] = 0;
    }
    double[][] means = new double[components][];
    for (int k = 0; k < components; k++) {
      means[k] = random.doubles(d, -2, 2).toArray();
    }
    if (components > 2 && seed % 5 == 1) {
      means[2] = means[0].clone();
    }
    Covariance covariance = covariance(random, kind, shared ? 1 : components, shared, d, sigma);
    GaussianMixture mixture = GaussianMixture.of(weights, means, covariance);
    long work = (long) components * d * (kind.equals("full") ? d : 1);
    int rows = (int) Math.min(ROWS[seed % ROWS.length], 3 + ROW_BUDGET / work);
    double[] x = new double[rows * d];
    double[] direction = new double[rows * d];
    double alpha = process.alpha(t);
    double spread = Math.hypot(alpha * sigma, process.sigma(t));
    for (int row = 0; row < rows; row++) {
      double[] mean = means[random.nextInt(components)];
      double[] other = means[random.nextInt(components)];
      for (int i = 0; i < d; i++) {
        double value =
            switch (row % 4) {
              case 0, 1 -> alpha * mean[i] + spread * random.nextGaussian();
              case 2 -> alpha * (0.7 * mean[i] + 0.3 * other[i]) + spread * random.nextGaussian();
              default -> 30 * random.nextGaussian();
            };
        x[row * d + i] = (float) value;
        direction[row * d + i] = (float) random.nextGaussian();
      }
    }
    String name =
        "case %d: %s %s, d=%d, K=%d, n=%d, %s t=%s, sigma=%s"
            .formatted(
                seed,
                kind,
                shared ? "shared" : "each",
                d,
                components,
                rows,
                process.name(),
                t,
                sigma);
    return new DrawnCase(name, mixture, process, t, x, direction);
  }

  private static Covariance covariance(
      Random random, String kind, int count, boolean shared, int d, double sigma) {
    double variance = sigma * sigma;
    switch (kind) {
      case "isotropic" -> {
        double[] sigmas = random.doubles(count, 0.5 * sigma, 1.5 * sigma + 1e-300).toArray();
        if (sigma == 0) {
          Arrays.fill(sigmas, 0);
        }
        return shared ? Covariance.isotropic(sigmas[0]) : Covariance.isotropic(sigmas);
      }
      case "diagonal" -> {
        double[][] variances = new double[count][d];
        for (double[] row : variances) {
          Arrays.setAll(row, i -> variance * (0.5 + random.nextDouble()));
        }
        return shared ? Covariance.diagonal(variances[0]) : Covariance.diagonal(variances);
      }
      default -> {
        double[][][] matrices = new double[count][][];
        for (int k = 0; k < count; k++) {
          matrices[k] = matrix(random, d, variance);
        }
        return shared ? Covariance.full(matrices[0]) : Covariance.full(matrices);
      }
    }
  }

  /**
   * variance (I/2 + u u' + v v'); without noise u u' alone, so that it is singular from d = 2 on.
   */
  private static double[][] matrix(Random random, int d, double variance) {
    double[] u = random.doubles(d, -1, 1).toArray();
    double[] v = random.doubles(d, -1, 1).toArray();
    double[][] matrix = new double[d][d];
    for (int i = 0; i < d; i++) {
      for (int j = 0; j < d; j++) {
        matrix[i][j] =
            variance == 0
                ? 0.1 * u[i] * u[j]
                : variance * ((i == j ? 0.5 : 0) + (u[i] * u[j] + v[i] * v[j]) * 2 / d);
      }
    }
    return matrix;
  }

  /** The quantities of one row. */
  static Map<String, double[]> row(Map<String, double[]> results, int row, DrawnCase drawn) {
    return Evaluations.row(results, row, drawn.mixture());
  }
}
