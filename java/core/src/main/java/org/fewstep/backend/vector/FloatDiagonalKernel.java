package org.fewstep.backend.vector;

import jdk.incubator.vector.FloatVector;

/** Diagonal covariances: as the isotropic kind, with a precision per coordinate. */
final class FloatDiagonalKernel extends FloatMixtureKernel {

  private static final float HALF_LOG2_E = (float) FloatMixtureConstants.HALF_LOG2_E;

  FloatDiagonalKernel(FloatMixtureConstants constants) {
    super(constants);
  }

  @Override
  void exponents(FloatTile tile, int x) {
    for (int k = 0; k < components; k += BLOCK) {
      exponentsOfPair(tile, x, k);
    }
  }

  private void exponentsOfPair(FloatTile tile, int x, int k) {
    float[] mean = constants.mean;
    float[] low = constants.meanLow;
    float[] precision = constants.precision;
    FloatVector q0a = FloatVector.zero(SPECIES);
    FloatVector q0b = FloatVector.zero(SPECIES);
    FloatVector q1a = FloatVector.zero(SPECIES);
    FloatVector q1b = FloatVector.zero(SPECIES);
    int m = k * dimension;
    for (int o = x; o < x + dimension * GROUP; o += GROUP, m += BLOCK) {
      FloatVector a = FloatVector.fromArray(SPECIES, tile.x, o);
      FloatVector b = FloatVector.fromArray(SPECIES, tile.x, o + LENGTH);
      FloatVector mean0 = FloatVector.broadcast(SPECIES, mean[m]);
      FloatVector low0 = FloatVector.broadcast(SPECIES, low[m]);
      FloatVector mean1 = FloatVector.broadcast(SPECIES, mean[m + 1]);
      FloatVector low1 = FloatVector.broadcast(SPECIES, low[m + 1]);
      FloatVector precision0 = FloatVector.broadcast(SPECIES, precision[m]);
      FloatVector precision1 = FloatVector.broadcast(SPECIES, precision[m + 1]);
      FloatVector e0a = a.sub(mean0).sub(low0);
      FloatVector e0b = b.sub(mean0).sub(low0);
      FloatVector e1a = a.sub(mean1).sub(low1);
      FloatVector e1b = b.sub(mean1).sub(low1);
      q0a = e0a.mul(precision0).fma(e0a, q0a);
      q0b = e0b.mul(precision0).fma(e0b, q0b);
      q1a = e1a.mul(precision1).fma(e1a, q1a);
      q1b = e1b.mul(precision1).fma(e1b, q1b);
    }
    q0a.mul(HALF_LOG2_E).intoArray(tile.weights, k * GROUP);
    q0b.mul(HALF_LOG2_E).intoArray(tile.weights, k * GROUP + LENGTH);
    q1a.mul(HALF_LOG2_E).intoArray(tile.weights, k * GROUP + GROUP);
    q1b.mul(HALF_LOG2_E).intoArray(tile.weights, k * GROUP + GROUP + LENGTH);
  }

  @Override
  void scores(FloatTile tile, int x, float[] score, int at) {
    clear(score, at);
    for (int k = 0; k < components; k++) {
      if (!negligible(tile, k)) {
        addScore(tile, x, k, score, at);
      }
    }
  }

  private void addScore(FloatTile tile, int x, int k, float[] score, int at) {
    FloatVector weightA = FloatVector.fromArray(SPECIES, tile.weights, k * GROUP);
    FloatVector weightB = FloatVector.fromArray(SPECIES, tile.weights, k * GROUP + LENGTH);
    int m = constants.blocked(k, 0);
    for (int o = 0; o < dimension * GROUP; o += GROUP, m += BLOCK) {
      FloatVector mean = FloatVector.broadcast(SPECIES, constants.mean[m]);
      FloatVector low = FloatVector.broadcast(SPECIES, constants.meanLow[m]);
      FloatVector precision = FloatVector.broadcast(SPECIES, -constants.precision[m]);
      FloatVector a = FloatVector.fromArray(SPECIES, tile.x, x + o).sub(mean).sub(low);
      FloatVector b = FloatVector.fromArray(SPECIES, tile.x, x + o + LENGTH).sub(mean).sub(low);
      FloatVector sumA = FloatVector.fromArray(SPECIES, score, at + o);
      FloatVector sumB = FloatVector.fromArray(SPECIES, score, at + o + LENGTH);
      a.mul(precision).fma(weightA, sumA).intoArray(score, at + o);
      b.mul(precision).fma(weightB, sumB).intoArray(score, at + o + LENGTH);
    }
  }

  @Override
  void means(FloatTile tile, int x, float[] mean, int at) {
    clear(mean, at);
    for (int k = 0; k < components; k++) {
      if (!negligible(tile, k)) {
        addMean(tile, x, k, mean, at);
      }
    }
  }

  private void addMean(FloatTile tile, int x, int k, float[] means, int at) {
    FloatVector weightA = FloatVector.fromArray(SPECIES, tile.weights, k * GROUP);
    FloatVector weightB = FloatVector.fromArray(SPECIES, tile.weights, k * GROUP + LENGTH);
    int m = constants.blocked(k, 0);
    for (int o = 0; o < dimension * GROUP; o += GROUP, m += BLOCK) {
      FloatVector mean = FloatVector.broadcast(SPECIES, constants.mean[m]);
      FloatVector low = FloatVector.broadcast(SPECIES, constants.meanLow[m]);
      FloatVector gain = FloatVector.broadcast(SPECIES, constants.gain[m]);
      FloatVector start = FloatVector.broadcast(SPECIES, constants.start[m]);
      FloatVector a = FloatVector.fromArray(SPECIES, tile.x, x + o).sub(mean).sub(low);
      FloatVector b = FloatVector.fromArray(SPECIES, tile.x, x + o + LENGTH).sub(mean).sub(low);
      FloatVector sumA = FloatVector.fromArray(SPECIES, means, at + o);
      FloatVector sumB = FloatVector.fromArray(SPECIES, means, at + o + LENGTH);
      a.fma(gain, start).fma(weightA, sumA).intoArray(means, at + o);
      b.fma(gain, start).fma(weightB, sumB).intoArray(means, at + o + LENGTH);
    }
  }

  private void clear(float[] sums, int at) {
    for (int o = at; o < at + dimension * GROUP; o += LENGTH) {
      FloatVector.zero(SPECIES).intoArray(sums, o);
    }
  }

  @Override
  void componentScore(FloatTile tile, int x, int k) {
    int m = constants.blocked(k, 0);
    for (int o = 0; o < dimension * GROUP; o += GROUP, m += BLOCK) {
      FloatVector mean = FloatVector.broadcast(SPECIES, constants.mean[m]);
      FloatVector low = FloatVector.broadcast(SPECIES, constants.meanLow[m]);
      FloatVector precision = FloatVector.broadcast(SPECIES, -constants.precision[m]);
      for (int i = o; i < o + GROUP; i += LENGTH) {
        FloatVector e = FloatVector.fromArray(SPECIES, tile.x, x + i).sub(mean).sub(low);
        e.mul(precision).intoArray(tile.gradient, i);
      }
    }
  }

  @Override
  void subtractPrecision(FloatTile tile, int x, int k, float[] jvp, int at) {
    for (int half = 0; half < GROUP; half += LENGTH) {
      FloatVector weight = FloatVector.fromArray(SPECIES, tile.weights, k * GROUP + half);
      int m = constants.blocked(k, 0);
      for (int o = half; o < dimension * GROUP; o += GROUP, m += BLOCK) {
        FloatVector.fromArray(SPECIES, tile.direction, x + o)
            .mul(-constants.precision[m])
            .fma(weight, FloatVector.fromArray(SPECIES, jvp, at + o))
            .intoArray(jvp, at + o);
      }
    }
  }
}
