package org.fewstep.mixture;

import java.util.Arrays;
import org.ejml.data.DMatrixRMaj;
import org.ejml.dense.row.factory.DecompositionFactory_DDRM;
import org.ejml.interfaces.decomposition.EigenDecomposition_F64;

/**
 * Full covariances, held as Sigma_k = Q_k diag(lambda_k) Q_k' with orthonormal columns in Q_k. The
 * decomposition is made once, here; every time t reuses it.
 */
public final class FullCovariance implements Covariance {

  /** How far from symmetric a matrix may be, relative to its largest entry. */
  private static final double SYMMETRY_TOLERANCE = 1e-12;

  /** Eigenvalues this far below zero, relative to d times the largest entry, are rounding. */
  private static final double NEGATIVE_TOLERANCE = 1e-12;

  /** The decomposition's own error, likewise: an eigenvalue below it is 0 for all that is known. */
  private static final double ROUNDING = 0x1p-52;

  private final int dimension;
  private final boolean shared;
  private final double[][] eigenvalues;
  private final double[][] eigenvectors;
  private final double smallest;
  private final double largest;

  FullCovariance(double[][][] matrices, boolean shared) {
    Checks.notEmpty("matrices", matrices.length);
    this.dimension = matrices[0].length;
    this.shared = shared;
    this.eigenvalues = new double[matrices.length][];
    this.eigenvectors = new double[matrices.length][];
    for (int k = 0; k < matrices.length; k++) {
      decompose(k, "matrices[" + k + "]", matrices[k]);
    }
    this.smallest = Arrays.stream(eigenvalues).flatMapToDouble(Arrays::stream).min().orElseThrow();
    this.largest = Arrays.stream(eigenvalues).flatMapToDouble(Arrays::stream).max().orElseThrow();
  }

  private void decompose(int k, String argument, double[][] matrix) {
    double[][] rows = Checks.rectangle(argument, matrix);
    if (rows.length != dimension || rows[0].length != dimension) {
      throw new IllegalArgumentException(
          "%s must be %d by %d like the first one, but is %d by %d"
              .formatted(argument, dimension, dimension, rows.length, rows[0].length));
    }
    double largest = checkSymmetric(argument, rows);
    DMatrixRMaj symmetric = new DMatrixRMaj(dimension, dimension);
    for (int i = 0; i < dimension; i++) {
      for (int j = 0; j < dimension; j++) {
        symmetric.set(i, j, 0.5 * rows[i][j] + 0.5 * rows[j][i]);
      }
    }
    EigenDecomposition_F64<DMatrixRMaj> decomposition =
        DecompositionFactory_DDRM.eig(dimension, true, true);
    if (!decomposition.decompose(symmetric)) {
      throw new IllegalArgumentException(
          argument + " has no eigendecomposition in double precision; rescale its entries");
    }
    eigenvalues[k] = new double[dimension];
    eigenvectors[k] = new double[dimension * dimension];
    for (int j = 0; j < dimension; j++) {
      double value = decomposition.getEigenvalue(j).getReal();
      if (value < -NEGATIVE_TOLERANCE * dimension * largest) {
        throw new IllegalArgumentException(
            "%s must have no negative eigenvalue, but has %s".formatted(argument, value));
      }
      eigenvalues[k][j] = value > ROUNDING * dimension * largest ? value : 0;
      DMatrixRMaj vector = decomposition.getEigenVector(j);
      for (int i = 0; i < dimension; i++) {
        eigenvectors[k][i * dimension + j] = vector.get(i);
      }
    }
  }

  private static double checkSymmetric(String argument, double[][] rows) {
    double largest = 0;
    for (int i = 0; i < rows.length; i++) {
      for (int j = 0; j < rows.length; j++) {
        Checks.finite("%s[%d][%d]".formatted(argument, i, j), rows[i][j]);
        largest = Math.max(largest, Math.abs(rows[i][j]));
      }
    }
    for (int i = 0; i < rows.length; i++) {
      for (int j = 0; j < i; j++) {
        if (Math.abs(rows[i][j] - rows[j][i]) > SYMMETRY_TOLERANCE * largest) {
          throw new IllegalArgumentException(
              "%s must be symmetric, but entry [%d][%d] is %s and [%d][%d] is %s"
                  .formatted(argument, i, j, rows[i][j], j, i, rows[j][i]));
        }
      }
    }
    return largest;
  }

  /** Entry i of eigenvector j of component k: Q_k[i][j]. */
  public double eigenvector(int component, int i, int j) {
    return eigenvectors[shared ? 0 : component][i * dimension + j];
  }

  @Override
  public boolean shared() {
    return shared;
  }

  @Override
  public int count() {
    return eigenvalues.length;
  }

  @Override
  public int dimension() {
    return dimension;
  }

  @Override
  public double eigenvalue(int component, int i) {
    return eigenvalues[shared ? 0 : component][i];
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
