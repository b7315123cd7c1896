package org.fewstep.backend.vector;

import jdk.incubator.vector.FloatVector;

/**
 * Isotropic covariances, {@code C_k = lambda_k I}: pairs of components or of coordinates by pairs
 * of vectors, so that every load serves two and four chains of sums run side by side.
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
    int m = constants.blocked(k, 0);
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
    for (int i = 0; i < dimension; i += 2) {
      scoresOfPair(tile, x, i, Math.min(i + 1, dimension - 1), score, at);
    }
  }

  @Override
  void means(FloatTile tile, int x, float[] mean, int at) {
    for (int i = 0; i < dimension; i += 2) {
      meansOfPair(tile, x, i, Math.min(i + 1, dimension - 1), mean, at);
    }
  }

  /**
   * {@code -sum_k weight_k precision_k e_k} in two coordinates, which may be the same one, and two
   * components at a time: the sums stay in registers.
   */
  private void scoresOfPair(FloatTile tile, int x, int i, int j, float[] score, int at) {
    float[] mean = constants.mean;
    float[] low = constants.meanLow;
    float[] precision = constants.precision;
    float[] weights = tile.weights;
    FloatVector xIa = FloatVector.fromArray(SPECIES, tile.x, x + i * GROUP);
    FloatVector xIb = FloatVector.fromArray(SPECIES, tile.x, x + i * GROUP + LENGTH);
    FloatVector xJa = FloatVector.fromArray(SPECIES, tile.x, x + j * GROUP);
    FloatVector xJb = FloatVector.fromArray(SPECIES, tile.x, x + j * GROUP + LENGTH);
    FloatVector sumIa = FloatVector.zero(SPECIES);
    FloatVector sumIb = sumIa;
    FloatVector sumJa = sumIa;
    FloatVector sumJb = sumIa;
    for (int k = 0; k < components; k += BLOCK) {
      int mI = k * dimension + i * BLOCK;
      int mJ = k * dimension + j * BLOCK;
      FloatVector factor0 = FloatVector.broadcast(SPECIES, -precision[k]);
      FloatVector factor1 = FloatVector.broadcast(SPECIES, -precision[k + 1]);
      int w = k * GROUP;
      FloatVector w0a = FloatVector.fromArray(SPECIES, weights, w).mul(factor0);
      FloatVector w0b = FloatVector.fromArray(SPECIES, weights, w + LENGTH).mul(factor0);
      FloatVector w1a = FloatVector.fromArray(SPECIES, weights, w + GROUP).mul(factor1);
      FloatVector w1b = FloatVector.fromArray(SPECIES, weights, w + GROUP + LENGTH).mul(factor1);
      FloatVector meanI0 = FloatVector.broadcast(SPECIES, mean[mI]);
      FloatVector lowI0 = FloatVector.broadcast(SPECIES, low[mI]);
      FloatVector meanI1 = FloatVector.broadcast(SPECIES, mean[mI + 1]);
      FloatVector lowI1 = FloatVector.broadcast(SPECIES, low[mI + 1]);
      sumIa = xIa.sub(meanI0).sub(lowI0).fma(w0a, sumIa);
      sumIb = xIb.sub(meanI0).sub(lowI0).fma(w0b, sumIb);
      sumIa = xIa.sub(meanI1).sub(lowI1).fma(w1a, sumIa);
      sumIb = xIb.sub(meanI1).sub(lowI1).fma(w1b, sumIb);
      FloatVector meanJ0 = FloatVector.broadcast(SPECIES, mean[mJ]);
      FloatVector lowJ0 = FloatVector.broadcast(SPECIES, low[mJ]);
      FloatVector meanJ1 = FloatVector.broadcast(SPECIES, mean[mJ + 1]);
      FloatVector lowJ1 = FloatVector.broadcast(SPECIES, low[mJ + 1]);
      sumJa = xJa.sub(meanJ0).sub(lowJ0).fma(w0a, sumJa);
      sumJb = xJb.sub(meanJ0).sub(lowJ0).fma(w0b, sumJb);
      sumJa = xJa.sub(meanJ1).sub(lowJ1).fma(w1a, sumJa);
      sumJb = xJb.sub(meanJ1).sub(lowJ1).fma(w1b, sumJb);
    }
    sumIa.intoArray(score, at + i * GROUP);
    sumIb.intoArray(score, at + i * GROUP + LENGTH);
    sumJa.intoArray(score, at + j * GROUP);
    sumJb.intoArray(score, at + j * GROUP + LENGTH);
  }

  /** {@code sum_k weight_k (mu_k + gain_k e_k)}, as {@link #scoresOfPair}. */
  private void meansOfPair(FloatTile tile, int x, int i, int j, float[] means, int at) {
    float[] mean = constants.mean;
    float[] low = constants.meanLow;
    float[] start = constants.start;
    float[] gain = constants.gain;
    float[] weights = tile.weights;
    FloatVector xIa = FloatVector.fromArray(SPECIES, tile.x, x + i * GROUP);
    FloatVector xIb = FloatVector.fromArray(SPECIES, tile.x, x + i * GROUP + LENGTH);
    FloatVector xJa = FloatVector.fromArray(SPECIES, tile.x, x + j * GROUP);
    FloatVector xJb = FloatVector.fromArray(SPECIES, tile.x, x + j * GROUP + LENGTH);
    FloatVector sumIa = FloatVector.zero(SPECIES);
    FloatVector sumIb = sumIa;
    FloatVector sumJa = sumIa;
    FloatVector sumJb = sumIa;
    for (int k = 0; k < components; k++) {
      int mI = constants.blocked(k, i);
      int mJ = constants.blocked(k, j);
      int w = k * GROUP;
      FloatVector factor = FloatVector.broadcast(SPECIES, gain[k]);
      FloatVector weightA = FloatVector.fromArray(SPECIES, weights, w);
      FloatVector weightB = FloatVector.fromArray(SPECIES, weights, w + LENGTH);
      FloatVector meanI = FloatVector.broadcast(SPECIES, mean[mI]);
      FloatVector lowI = FloatVector.broadcast(SPECIES, low[mI]);
      FloatVector startI = FloatVector.broadcast(SPECIES, start[mI]);
      sumIa = xIa.sub(meanI).sub(lowI).fma(factor, startI).fma(weightA, sumIa);
      sumIb = xIb.sub(meanI).sub(lowI).fma(factor, startI).fma(weightB, sumIb);
      FloatVector meanJ = FloatVector.broadcast(SPECIES, mean[mJ]);
      FloatVector lowJ = FloatVector.broadcast(SPECIES, low[mJ]);
      FloatVector startJ = FloatVector.broadcast(SPECIES, start[mJ]);
      sumJa = xJa.sub(meanJ).sub(lowJ).fma(factor, startJ).fma(weightA, sumJa);
      sumJb = xJb.sub(meanJ).sub(lowJ).fma(factor, startJ).fma(weightB, sumJb);
    }
    sumIa.intoArray(means, at + i * GROUP);
    sumIb.intoArray(means, at + i * GROUP + LENGTH);
    sumJa.intoArray(means, at + j * GROUP);
    sumJb.intoArray(means, at + j * GROUP + LENGTH);
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
