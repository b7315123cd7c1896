package org.fewstep.backend.vector;

import jdk.incubator.vector.FloatVector;

/**
 * Full covariances: deviations are whitened, {@code y = W e} with {@code W = Lambda^(-1/2) Q'}, so
 * that {@code q = |y|^2}, {@code g = -W' y} and {@code P v = W' (W v)}; nothing is factored here.
 */
final class FloatFullKernel extends FloatMixtureKernel {

  /** Rows of a matrix worked on at once. */
  private static final int ROWS = 4;

  private static final float HALF_LOG2_E = (float) FloatMixtureConstants.HALF_LOG2_E;

  FloatFullKernel(FloatMixtureConstants constants) {
    super(constants);
  }

  @Override
  void exponents(FloatTile tile, int x) {
    for (int k = 0; k < components; k++) {
      whiten(tile, x, k);
      FloatVector q = FloatVector.zero(SPECIES);
      FloatVector p = q;
      for (int o = 0; o < dimension * GROUP; o += GROUP) {
        FloatVector a = FloatVector.fromArray(SPECIES, tile.whitened, o);
        FloatVector b = FloatVector.fromArray(SPECIES, tile.whitened, o + LENGTH);
        q = a.fma(a, q);
        p = b.fma(b, p);
      }
      q.mul(HALF_LOG2_E).intoArray(tile.weights, k * GROUP);
      p.mul(HALF_LOG2_E).intoArray(tile.weights, k * GROUP + LENGTH);
    }
    for (int o = components * GROUP; o < constants.paddedComponents * GROUP; o += LENGTH) {
      FloatVector.zero(SPECIES).intoArray(tile.weights, o);
    }
  }

  /** Leaves W_k (x - m_k) in {@code tile.whitened}. */
  private void whiten(FloatTile tile, int x, int k) {
    int m = constants.blocked(k, 0);
    for (int o = 0; o < dimension * GROUP; o += GROUP, m += BLOCK) {
      float mean = constants.mean[m];
      float low = constants.meanLow[m];
      for (int i = o; i < o + GROUP; i += LENGTH) {
        FloatVector.fromArray(SPECIES, tile.x, x + i)
            .sub(mean)
            .sub(low)
            .intoArray(tile.deviation, i);
      }
    }
    multiply(k, tile.deviation, 0, tile.whitened);
  }

  @Override
  void scores(FloatTile tile, int x, float[] score, int at) {
    clear(score, at);
    for (int k = 0; k < components; k++) {
      if (!negligible(tile, k)) {
        componentScore(tile, x, k);
        addWeighted(tile, k, 1f, score, at);
      }
    }
  }

  @Override
  void means(FloatTile tile, int x, float[] mean, int at) {
    clear(mean, at);
    for (int k = 0; k < components; k++) {
      if (!negligible(tile, k)) {
        whiten(tile, x, k);
        matrixTimes(constants.colouring, k, dimension, 1, tile.whitened, 0, tile.gradient);
        int m = constants.blocked(k, 0);
        for (int o = 0; o < dimension * GROUP; o += GROUP, m += BLOCK) {
          float start = constants.start[m];
          for (int i = o; i < o + GROUP; i += LENGTH) {
            FloatVector.fromArray(SPECIES, tile.gradient, i).add(start).intoArray(tile.gradient, i);
          }
        }
        addWeighted(tile, k, 1f, mean, at);
      }
    }
  }

  @Override
  void componentScore(FloatTile tile, int x, int k) {
    whiten(tile, x, k);
    multiplyTransposed(k, tile.whitened, tile.gradient);
    for (int o = 0; o < dimension * GROUP; o += LENGTH) {
      FloatVector.fromArray(SPECIES, tile.gradient, o).neg().intoArray(tile.gradient, o);
    }
  }

  @Override
  void subtractPrecision(FloatTile tile, int x, int k, float[] jvp, int at) {
    multiply(k, tile.direction, x, tile.whitened);
    multiplyTransposed(k, tile.whitened, tile.gradient);
    addWeighted(tile, k, -1f, jvp, at);
  }

  private void clear(float[] sums, int at) {
    for (int o = at; o < at + dimension * GROUP; o += LENGTH) {
      FloatVector.zero(SPECIES).intoArray(sums, o);
    }
  }

  /** sums += sign weight_k times the vectors in {@code tile.gradient}. */
  private void addWeighted(FloatTile tile, int k, float sign, float[] sums, int at) {
    for (int half = 0; half < GROUP; half += LENGTH) {
      FloatVector weight = FloatVector.fromArray(SPECIES, tile.weights, k * GROUP + half).mul(sign);
      for (int o = half; o < dimension * GROUP; o += GROUP) {
        FloatVector.fromArray(SPECIES, tile.gradient, o)
            .fma(weight, FloatVector.fromArray(SPECIES, sums, at + o))
            .intoArray(sums, at + o);
      }
    }
  }

  private void multiply(int k, float[] in, int at, float[] out) {
    matrixTimes(constants.whitening, k, dimension, 1, in, at, out);
  }

  private void multiplyTransposed(int k, float[] in, float[] out) {
    matrixTimes(constants.whitening, k, 1, dimension, in, 0, out);
  }

  /** out = A in for each point, element (j, i) of A_k at {@code j row + i column}. */
  private void matrixTimes(
      float[] matrices, int k, int row, int column, float[] in, int at, float[] out) {
    int a = k * constants.matrixStride;
    int j = 0;
    for (; j + ROWS <= dimension; j += ROWS, a += ROWS * row) {
      fourRows(matrices, a, row, column, in, at, out, j * GROUP);
    }
    for (; j < dimension; j++, a += row) {
      oneRow(matrices, a, column, in, at, out, j * GROUP);
    }
  }

  private void fourRows(
      float[] matrix, int a, int row, int column, float[] in, int at, float[] out, int to) {
    FloatVector s0 = FloatVector.zero(SPECIES);
    FloatVector s1 = s0;
    FloatVector s2 = s0;
    FloatVector s3 = s0;
    FloatVector t0 = s0;
    FloatVector t1 = s0;
    FloatVector t2 = s0;
    FloatVector t3 = s0;
    for (int end = at + dimension * GROUP; at < end; at += GROUP, a += column) {
      FloatVector u = FloatVector.fromArray(SPECIES, in, at);
      FloatVector v = FloatVector.fromArray(SPECIES, in, at + LENGTH);
      FloatVector c = FloatVector.broadcast(SPECIES, matrix[a]);
      s0 = u.fma(c, s0);
      t0 = v.fma(c, t0);
      c = FloatVector.broadcast(SPECIES, matrix[a + row]);
      s1 = u.fma(c, s1);
      t1 = v.fma(c, t1);
      c = FloatVector.broadcast(SPECIES, matrix[a + 2 * row]);
      s2 = u.fma(c, s2);
      t2 = v.fma(c, t2);
      c = FloatVector.broadcast(SPECIES, matrix[a + 3 * row]);
      s3 = u.fma(c, s3);
      t3 = v.fma(c, t3);
    }
    s0.intoArray(out, to);
    t0.intoArray(out, to + LENGTH);
    s1.intoArray(out, to + GROUP);
    t1.intoArray(out, to + GROUP + LENGTH);
    s2.intoArray(out, to + 2 * GROUP);
    t2.intoArray(out, to + 2 * GROUP + LENGTH);
    s3.intoArray(out, to + 3 * GROUP);
    t3.intoArray(out, to + 3 * GROUP + LENGTH);
  }

  private void oneRow(float[] matrix, int a, int column, float[] in, int at, float[] out, int to) {
    FloatVector s = FloatVector.zero(SPECIES);
    FloatVector t = s;
    for (int end = at + dimension * GROUP; at < end; at += GROUP, a += column) {
      FloatVector c = FloatVector.broadcast(SPECIES, matrix[a]);
      s = FloatVector.fromArray(SPECIES, in, at).fma(c, s);
      t = FloatVector.fromArray(SPECIES, in, at + LENGTH).fma(c, t);
    }
    s.intoArray(out, to);
    t.intoArray(out, to + LENGTH);
  }
}
