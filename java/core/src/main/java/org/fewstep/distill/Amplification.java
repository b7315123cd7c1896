package org.fewstep.distill;

import java.util.Arrays;
import java.util.function.UnaryOperator;
import org.ejml.data.DMatrixRMaj;
import org.ejml.dense.row.factory.DecompositionFactory_DDRM;
import org.ejml.interfaces.decomposition.SingularValueDecomposition_F64;
import org.fewstep.backend.Philox;

/**
 * By which factor a map parts two neighbouring states: the largest singular value of its Jacobian,
 * by central differences.
 *
 * <p>In up to {@value #MAX_DIMENSION} dimensions the whole Jacobian is taken; above that the
 * largest factor along as many random directions, which errs low.
 *
 * @param largest over the states
 * @param mean over the states
 */
record Amplification(double largest, double mean) {

  private static final int MAX_DIMENSION = 16;

  /** Differences half this wide, relative to the size of the states: for maps good to 1e-9. */
  private static final double SPACING = 1e-4;

  /**
   * Measures a map.
   *
   * @param map takes states [rows, d] row-major to as many; rows do not influence each other
   * @param states [rows, d] row-major
   */
  static Amplification of(UnaryOperator<double[]> map, double[] states, int d) {
    int rows = states.length / d;
    int directions = Math.min(d, MAX_DIMENSION);
    double[][] axes = axes(d, directions);
    double h = SPACING * Math.sqrt(Arrays.stream(states).map(v -> v * v).sum() / states.length);
    double[] around = new double[2 * directions * states.length];
    for (int row = 0; row < rows; row++) {
      for (int j = 0; j < 2 * directions; j++) {
        for (int i = 0; i < d; i++) {
          double shift = (j % 2 == 0 ? h : -h) * axes[j / 2][i];
          around[(row * 2 * directions + j) * d + i] = states[row * d + i] + shift;
        }
      }
    }
    double[] mapped = map.apply(around);
    double largest = 0;
    double sum = 0;
    DMatrixRMaj jacobian = new DMatrixRMaj(d, directions);
    for (int row = 0; row < rows; row++) {
      for (int j = 0; j < directions; j++) {
        int plus = (row * 2 * directions + 2 * j) * d;
        for (int i = 0; i < d; i++) {
          jacobian.set(i, j, (mapped[plus + i] - mapped[plus + d + i]) / (2 * h));
        }
      }
      double factor = d <= MAX_DIMENSION ? norm(jacobian) : longestColumn(jacobian);
      largest = Math.max(largest, factor);
      sum += factor;
    }
    return new Amplification(largest, sum / rows);
  }

  private static double[][] axes(int d, int directions) {
    double[][] axes = new double[directions][d];
    for (int j = 0; j < directions; j++) {
      if (directions == d) {
        axes[j][j] = 1;
      } else {
        Philox.normal(0, (long) j * d, axes[j], 0, d);
        double length = Math.sqrt(Arrays.stream(axes[j]).map(v -> v * v).sum());
        for (int i = 0; i < d; i++) {
          axes[j][i] /= length;
        }
      }
    }
    return axes;
  }

  private static double norm(DMatrixRMaj matrix) {
    SingularValueDecomposition_F64<DMatrixRMaj> svd =
        DecompositionFactory_DDRM.svd(matrix.numRows, matrix.numCols, false, false, true);
    if (!svd.decompose(matrix.copy())) {
      return Double.NaN;
    }
    return Arrays.stream(svd.getSingularValues()).max().orElseThrow();
  }

  private static double longestColumn(DMatrixRMaj matrix) {
    double longest = 0;
    for (int j = 0; j < matrix.numCols; j++) {
      double square = 0;
      for (int i = 0; i < matrix.numRows; i++) {
        square += matrix.get(i, j) * matrix.get(i, j);
      }
      longest = Math.max(longest, Math.sqrt(square));
    }
    return longest;
  }
}
