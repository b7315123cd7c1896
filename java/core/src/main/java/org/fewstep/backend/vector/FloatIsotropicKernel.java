package org.fewstep.backend.vector;

import jdk.incubator.vector.FloatVector;

/**
 * Isotropic covariances, {@code C_k = lambda_k I}: pairs of components by pairs of vectors, so that
 * every load serves two and four chains of sums run side by side.
 *
 * <p>Loops call nothing that takes or returns a vector but the Vector API itself: where a compiled
 * method has grown large, the JIT stops inlining calls of ours, and their vectors go to the heap.
 */
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
    for (int k = 0; k < components; k += BLOCK) {
      exponentsOfPair(tile.x, x, k, tile.weights);
    }
  }

  private void exponentsOfPair(float[] x, int at, int k, float[] weights) {
    float[] mean = constants.mean;
    float[] low = constants.meanLow;
    FloatVector q0a = FloatVector.zero(SPECIES);
    FloatVector q0b = FloatVector.zero(SPECIES);
    FloatVector q1a = FloatVector.zero(SPECIES);
    FloatVector q1b = FloatVector.zero(SPECIES);
    int m = k * dimension;
    for (int o = at; o < at + dimension * GROUP; o += GROUP, m += BLOCK) {
      FloatVector a = FloatVector.fromArray(SPECIES, x, o);
      FloatVector b = FloatVector.fromArray(SPECIES, x, o + LENGTH);
      FloatVector mean0 = FloatVector.broadcast(SPECIES, mean[m]);
      FloatVector low0 = FloatVector.broadcast(SPECIES, low[m]);
      FloatVector mean1 = FloatVector.broadcast(SPECIES, mean[m + 1]);
      FloatVector low1 = FloatVector.broadcast(SPECIES, low[m + 1]);
      FloatVector e0a = a.sub(mean0).sub(low0);
      FloatVector e0b = b.sub(mean0).sub(low0);
      FloatVector e1a = a.sub(mean1).sub(low1);
      FloatVector e1b = b.sub(mean1).sub(low1);
      q0a = e0a.fma(e0a, q0a);
      q0b = e0b.fma(e0b, q0b);
      q1a = e1a.fma(e1a, q1a);
      q1b = e1b.fma(e1b, q1b);
    }
    FloatVector scale0 = FloatVector.broadcast(SPECIES, exponentScale[k]);
    FloatVector scale1 = FloatVector.broadcast(SPECIES, exponentScale[k + 1]);
    q0a.mul(scale0).intoArray(weights, k * GROUP);
    q0b.mul(scale0).intoArray(weights, k * GROUP + LENGTH);
    q1a.mul(scale1).intoArray(weights, k * GROUP + GROUP);
    q1b.mul(scale1).intoArray(weights, k * GROUP + GROUP + LENGTH);
  }

  @Override
  void scores(FloatTile tile, int x, float[] score, int at) {
    clear(score, at);
    for (int k = 0; k < components; k += BLOCK) {
      if (!negligiblePair(tile, k)) {
        addDeviations(tile, x, k, constants.precision, -1f, score, at);
      }
    }
  }

  @Override
  void means(FloatTile tile, int x, float[] mean, int at) {
    clear(mean, at);
    for (int k = 0; k < components; k += BLOCK) {
      if (!negligiblePair(tile, k)) {
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

  private static boolean negligiblePair(FloatTile tile, int k) {
    return negligible(tile, k) && negligible(tile, k + 1);
  }

  /** sums += sign sum over a pair of weight_k factor_k e_k. */
  private void addDeviations(
      FloatTile tile, int x, int k, float[] factor, float sign, float[] sums, int at) {
    float[] mean = constants.mean;
    float[] low = constants.meanLow;
    int w = k * GROUP;
    FloatVector factor0 = FloatVector.broadcast(SPECIES, sign * factor[k]);
    FloatVector factor1 = FloatVector.broadcast(SPECIES, sign * factor[k + 1]);
    FloatVector w0a = FloatVector.fromArray(SPECIES, tile.weights, w).mul(factor0);
    FloatVector w0b = FloatVector.fromArray(SPECIES, tile.weights, w + LENGTH).mul(factor0);
    FloatVector w1a = FloatVector.fromArray(SPECIES, tile.weights, w + GROUP).mul(factor1);
    FloatVector w1b = FloatVector.fromArray(SPECIES, tile.weights, w + GROUP + LENGTH).mul(factor1);
    int m = k * dimension;
    for (int o = 0; o < dimension * GROUP; o += GROUP, m += BLOCK) {
      FloatVector a = FloatVector.fromArray(SPECIES, tile.x, x + o);
      FloatVector b = FloatVector.fromArray(SPECIES, tile.x, x + o + LENGTH);
      FloatVector mean0 = FloatVector.broadcast(SPECIES, mean[m]);
      FloatVector low0 = FloatVector.broadcast(SPECIES, low[m]);
      FloatVector mean1 = FloatVector.broadcast(SPECIES, mean[m + 1]);
      FloatVector low1 = FloatVector.broadcast(SPECIES, low[m + 1]);
      FloatVector sumA = FloatVector.fromArray(SPECIES, sums, at + o);
      FloatVector sumB = FloatVector.fromArray(SPECIES, sums, at + o + LENGTH);
      sumA = a.sub(mean0).sub(low0).fma(w0a, sumA);
      sumB = b.sub(mean0).sub(low0).fma(w0b, sumB);
      sumA = a.sub(mean1).sub(low1).fma(w1a, sumA);
      sumB = b.sub(mean1).sub(low1).fma(w1b, sumB);
      sumA.intoArray(sums, at + o);
      sumB.intoArray(sums, at + o + LENGTH);
    }
  }

  /** sums += sum over a pair of weight_k mu_k. */
  private void addStarts(FloatTile tile, int k, float[] sums, int at) {
    float[] start = constants.start;
    int w = k * GROUP;
    FloatVector w0a = FloatVector.fromArray(SPECIES, tile.weights, w);
    FloatVector w0b = FloatVector.fromArray(SPECIES, tile.weights, w + LENGTH);
    FloatVector w1a = FloatVector.fromArray(SPECIES, tile.weights, w + GROUP);
    FloatVector w1b = FloatVector.fromArray(SPECIES, tile.weights, w + GROUP + LENGTH);
    int m = k * dimension;
    for (int o = at; o < at + dimension * GROUP; o += GROUP, m += BLOCK) {
      FloatVector start0 = FloatVector.broadcast(SPECIES, start[m]);
      FloatVector start1 = FloatVector.broadcast(SPECIES, start[m + 1]);
      FloatVector sumA = w0a.fma(start0, FloatVector.fromArray(SPECIES, sums, o));
      FloatVector sumB = w0b.fma(start0, FloatVector.fromArray(SPECIES, sums, o + LENGTH));
      w1a.fma(start1, sumA).intoArray(sums, o);
      w1b.fma(start1, sumB).intoArray(sums, o + LENGTH);
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
      FloatVector factor =
          FloatVector.fromArray(SPECIES, tile.weights, k * GROUP + half)
              .mul(-constants.precision[k]);
      for (int o = half; o < dimension * GROUP; o += GROUP) {
        FloatVector.fromArray(SPECIES, tile.direction, x + o)
            .fma(factor, FloatVector.fromArray(SPECIES, jvp, at + o))
            .intoArray(jvp, at + o);
      }
    }
  }
}
