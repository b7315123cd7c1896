package org.fewstep.grid;

import java.util.Arrays;
import org.ejml.data.DMatrixRMaj;
import org.ejml.dense.row.factory.DecompositionFactory_DDRM;
import org.ejml.interfaces.decomposition.SingularValueDecomposition_F64;

/**
 * The spectral norms |J|_2 of Jacobians at {@value #SAMPLES} points at once, from products with
 * them: by the singular values of the whole J in up to {@value #MAX_WHOLE_DIMENSION} dimensions,
 * and above that by {@value #POWER_ITERATIONS} power iterations, with J and its transpose in turn,
 * which err low by up to some per cent.
 */
final class JacobianNorms {

  static final int SAMPLES = 128;
  static final int MAX_WHOLE_DIMENSION = 16;
  static final int POWER_ITERATIONS = 8;

  /** Products of the Jacobians at points with vectors; both, and the result, are [n,d]. */
  @FunctionalInterface
  interface Products {
    double[] of(double[] points, double[] vectors);
  }

  private final int dimension;
  private final double[] directions;

  /**
   * Norms in so many dimensions.
   *
   * @param directions [SAMPLES,d], random: where power iterations start from
   */
  JacobianNorms(int dimension, double[] directions) {
    this.dimension = dimension;
    this.directions = directions;
  }

  /** Makes every odd row the negative of the one before. */
  static void makeAntithetic(double[] rows, int dimension) {
    for (int i = 0; i < rows.length; i++) {
      if (i / dimension % 2 == 1) {
        rows[i] = -rows[i - dimension];
      }
    }
  }

  static double mean(double[] norms) {
    return Arrays.stream(norms).sum() / norms.length;
  }

  /**
   * The norm at each point; NaN where J is not finite.
   *
   * @param points [SAMPLES,d]
   * @param jacobian products with J
   * @param transposed products with its transpose, which a symmetric J is itself
   */
  double[] at(double[] points, Products jacobian, Products transposed) {
    return dimension <= MAX_WHOLE_DIMENSION
        ? bySingularValues(points, jacobian)
        : byPowerIterations(points, jacobian, transposed);
  }

  private double[] bySingularValues(double[] points, Products jacobian) {
    int rows = SAMPLES * dimension;
    double[] repeated = new double[rows * dimension];
    double[] axes = new double[rows * dimension];
    for (int row = 0; row < rows; row++) {
      System.arraycopy(points, row / dimension * dimension, repeated, row * dimension, dimension);
      axes[row * dimension + row % dimension] = 1;
    }
    // Rows of products are columns of J, whose transpose has the same norm.
    double[] columns = jacobian.of(repeated, axes);
    SingularValueDecomposition_F64<DMatrixRMaj> decomposition =
        DecompositionFactory_DDRM.svd(dimension, dimension, false, false, false);
    int size = dimension * dimension;
    double[] norms = new double[SAMPLES];
    for (int sample = 0; sample < SAMPLES; sample++) {
      double[] matrix = Arrays.copyOfRange(columns, sample * size, (sample + 1) * size);
      norms[sample] = Double.NaN;
      if (Arrays.stream(matrix).allMatch(Double::isFinite)) {
        decomposition.decompose(DMatrixRMaj.wrap(dimension, dimension, matrix));
        double[] values = decomposition.getSingularValues();
        norms[sample] =
            Arrays.stream(values, 0, decomposition.numberOfSingularValues()).max().orElseThrow();
      }
    }
    return norms;
  }

  private double[] byPowerIterations(double[] points, Products jacobian, Products transposed) {
    double[] vectors = directions.clone();
    double[] lengths = normaliseRows(vectors);
    for (int iteration = 0; iteration < POWER_ITERATIONS; iteration++) {
      vectors = (iteration % 2 == 0 ? jacobian : transposed).of(points, vectors);
      lengths = normaliseRows(vectors);
    }
    return lengths;
  }

  /** Scales every row to length one, leaving rows of zeros; returns the lengths. */
  private double[] normaliseRows(double[] vectors) {
    double[] lengths = new double[SAMPLES];
    for (int row = 0; row < SAMPLES; row++) {
      double square = 0;
      for (int i = 0; i < dimension; i++) {
        square += vectors[row * dimension + i] * vectors[row * dimension + i];
      }
      lengths[row] = Math.sqrt(square);
      for (int i = 0; i < dimension && lengths[row] > 0; i++) {
        vectors[row * dimension + i] /= lengths[row];
      }
    }
    return lengths;
  }
}
