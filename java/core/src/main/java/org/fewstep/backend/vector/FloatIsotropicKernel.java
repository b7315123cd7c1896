package org.fewstep.backend.vector;

import jdk.incubator.vector.FloatVector;

/** Isotropic covariances, {@code C_k = lambda_k I}: blocks of four components by two vectors. */
class FloatIsotropicKernel extends FloatMixtureKernel {

  /** u = square of the distance times this, per component. */
  private final float[] exponentScale;

  FloatIsotropicKernel(FloatMixtureConstants constants) {
    super(constants);
    exponentScale = new float[constants.paddedComponents];
    for (int k = 0; k < exponentScale.length; k++) {
      int source = constants.index[Math.min(k, components - 1)];
      exponentScale[k] =
          (float) (FloatMixtureConstants.HALF_LOG2_E / constants.time.eigenvalue(source, 0));
    }
  }

  @Override
  void exponents(FloatTile tile, int x) {
    int stride = dimension * BLOCK;
    for (int k = 0; k < components; k += BLOCK) {
      exponentsOfBlock(tile.x, x, k / BLOCK * stride, k, tile.weights);
    }
  }

  private void exponentsOfBlock(float[] x, int at, int m, int k, float[] weights) {
    float[] mean = constants.mean;
    float[] low = constants.meanLow;
    FloatVector q0 = FloatVector.zero(SPECIES);
    FloatVector q1 = q0;
    FloatVector q2 = q0;
    FloatVector q3 = q0;
    FloatVector p0 = q0;
    FloatVector p1 = q0;
    FloatVector p2 = q0;
    FloatVector p3 = q0;
    for (int end = at + dimension * GROUP; at < end; at += GROUP, m += BLOCK) {
      FloatVector a = FloatVector.fromArray(SPECIES, x, at);
      FloatVector b = FloatVector.fromArray(SPECIES, x, at + LENGTH);
      q0 = addSquare(a, mean[m], low[m], q0);
      p0 = addSquare(b, mean[m], low[m], p0);
      q1 = addSquare(a, mean[m + 1], low[m + 1], q1);
      p1 = addSquare(b, mean[m + 1], low[m + 1], p1);
      q2 = addSquare(a, mean[m + 2], low[m + 2], q2);
      p2 = addSquare(b, mean[m + 2], low[m + 2], p2);
      q3 = addSquare(a, mean[m + 3], low[m + 3], q3);
      p3 = addSquare(b, mean[m + 3], low[m + 3], p3);
    }
    store(q0, p0, k, weights);
    store(q1, p1, k + 1, weights);
    store(q2, p2, k + 2, weights);
    store(q3, p3, k + 3, weights);
  }

  private static FloatVector addSquare(FloatVector x, float mean, float low, FloatVector sum) {
    FloatVector e = x.sub(mean).sub(low);
    return e.fma(e, sum);
  }

  private void store(FloatVector q, FloatVector p, int k, float[] weights) {
    q.mul(exponentScale[k]).intoArray(weights, k * GROUP);
    p.mul(exponentScale[k]).intoArray(weights, k * GROUP + LENGTH);
  }

  @Override
  void scores(FloatTile tile, int x, float[] score, int at) {
    clear(score, at);
    for (int k = 0; k < components; k += BLOCK) {
      if (!negligibleBlock(tile, k)) {
        addDeviations(tile, x, k, constants.precision, -1f, score, at);
      }
    }
  }

  @Override
  void means(FloatTile tile, int x, float[] mean, int at) {
    clear(mean, at);
    for (int k = 0; k < components; k += BLOCK) {
      if (!negligibleBlock(tile, k)) {
        addStarts(tile, k, mean, at);
        addDeviations(tile, x, k, constants.gain, 1f, mean, at);
      }
    }
  }

  private void clear(float[] sums, int at) {
    for (int o = at; o < at + dimension * GROUP; o += LENGTH) {
      FloatVector.zero(SPECIES).intoArray(sums, o);
    }
  }

  static boolean negligibleBlock(FloatTile tile, int k) {
    return negligible(tile, k)
        && negligible(tile, k + 1)
        && negligible(tile, k + 2)
        && negligible(tile, k + 3);
  }

  /** sums += sign sum over a block of weight_k factor_k e_k. */
  private void addDeviations(
      FloatTile tile, int x, int k, float[] factor, float sign, float[] sums, int at) {
    for (int half = 0; half < GROUP; half += LENGTH) {
      int w = k * GROUP + half;
      FloatVector w0 = weight(tile, w, sign * factor[k]);
      FloatVector w1 = weight(tile, w + GROUP, sign * factor[k + 1]);
      FloatVector w2 = weight(tile, w + 2 * GROUP, sign * factor[k + 2]);
      FloatVector w3 = weight(tile, w + 3 * GROUP, sign * factor[k + 3]);
      float[] mean = constants.mean;
      float[] low = constants.meanLow;
      int m = k * dimension;
      for (int o = half; o < dimension * GROUP; o += GROUP, m += BLOCK) {
        FloatVector a = FloatVector.fromArray(SPECIES, tile.x, x + o);
        FloatVector s = FloatVector.fromArray(SPECIES, sums, at + o);
        s = a.sub(mean[m]).sub(low[m]).fma(w0, s);
        s = a.sub(mean[m + 1]).sub(low[m + 1]).fma(w1, s);
        s = a.sub(mean[m + 2]).sub(low[m + 2]).fma(w2, s);
        s = a.sub(mean[m + 3]).sub(low[m + 3]).fma(w3, s);
        s.intoArray(sums, at + o);
      }
    }
  }

  private static FloatVector weight(FloatTile tile, int at, float factor) {
    return FloatVector.fromArray(SPECIES, tile.weights, at).mul(factor);
  }

  /** sums += sum over a block of weight_k mu_k. */
  private void addStarts(FloatTile tile, int k, float[] sums, int at) {
    float[] start = constants.start;
    for (int half = 0; half < GROUP; half += LENGTH) {
      int w = k * GROUP + half;
      FloatVector w0 = FloatVector.fromArray(SPECIES, tile.weights, w);
      FloatVector w1 = FloatVector.fromArray(SPECIES, tile.weights, w + GROUP);
      FloatVector w2 = FloatVector.fromArray(SPECIES, tile.weights, w + 2 * GROUP);
      FloatVector w3 = FloatVector.fromArray(SPECIES, tile.weights, w + 3 * GROUP);
      int m = k * dimension;
      for (int o = at + half; o < at + dimension * GROUP; o += GROUP, m += BLOCK) {
        FloatVector s = FloatVector.fromArray(SPECIES, sums, o);
        s = w0.fma(FloatVector.broadcast(SPECIES, start[m]), s);
        s = w1.fma(FloatVector.broadcast(SPECIES, start[m + 1]), s);
        s = w2.fma(FloatVector.broadcast(SPECIES, start[m + 2]), s);
        s = w3.fma(FloatVector.broadcast(SPECIES, start[m + 3]), s);
        s.intoArray(sums, o);
      }
    }
  }

  @Override
  void componentScore(FloatTile tile, int x, int k) {
    FloatVector precision = FloatVector.broadcast(SPECIES, -constants.precision[k]);
    int m = constants.blocked(k, 0);
    for (int o = 0; o < dimension * GROUP; o += GROUP, m += BLOCK) {
      float mean = constants.mean[m];
      float low = constants.meanLow[m];
      for (int i = o; i < o + GROUP; i += LENGTH) {
        FloatVector.fromArray(SPECIES, tile.x, x + i)
            .sub(mean)
            .sub(low)
            .mul(precision)
            .intoArray(tile.gradient, i);
      }
    }
  }

  @Override
  void subtractPrecision(FloatTile tile, int x, int k, float[] jvp, int at) {
    for (int half = 0; half < GROUP; half += LENGTH) {
      FloatVector factor = weight(tile, k * GROUP + half, -constants.precision[k]);
      for (int o = half; o < dimension * GROUP; o += GROUP) {
        FloatVector.fromArray(SPECIES, tile.direction, x + o)
            .fma(factor, FloatVector.fromArray(SPECIES, jvp, at + o))
            .intoArray(jvp, at + o);
      }
    }
  }
}
