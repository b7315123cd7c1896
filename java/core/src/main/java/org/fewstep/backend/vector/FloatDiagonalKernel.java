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
    for (int k = 0; k < constants.paddedComponents; k += 2) {
      exponentsOfPair(tile, x, k);
    }
  }

  private void exponentsOfPair(FloatTile tile, int x, int k) {
    float[] mean = constants.mean;
    float[] low = constants.meanLow;
    float[] precision = constants.precision;
    FloatVector q0 = FloatVector.zero(SPECIES);
    FloatVector q1 = q0;
    FloatVector p0 = q0;
    FloatVector p1 = q0;
    int m = constants.blocked(k, 0);
    for (int o = 0; o < dimension * GROUP; o += GROUP, m += BLOCK) {
      FloatVector a = FloatVector.fromArray(SPECIES, tile.x, x + o);
      FloatVector b = FloatVector.fromArray(SPECIES, tile.x, x + o + LENGTH);
      q0 = addSquare(a, mean[m], low[m], precision[m], q0);
      p0 = addSquare(b, mean[m], low[m], precision[m], p0);
      q1 = addSquare(a, mean[m + 1], low[m + 1], precision[m + 1], q1);
      p1 = addSquare(b, mean[m + 1], low[m + 1], precision[m + 1], p1);
    }
    q0.mul(HALF_LOG2_E).intoArray(tile.weights, k * GROUP);
    p0.mul(HALF_LOG2_E).intoArray(tile.weights, k * GROUP + LENGTH);
    q1.mul(HALF_LOG2_E).intoArray(tile.weights, (k + 1) * GROUP);
    p1.mul(HALF_LOG2_E).intoArray(tile.weights, (k + 1) * GROUP + LENGTH);
  }

  private static FloatVector addSquare(
      FloatVector x, float mean, float low, float precision, FloatVector sum) {
    FloatVector e = x.sub(mean).sub(low);
    return e.mul(precision).fma(e, sum);
  }

  @Override
  void scores(FloatTile tile, int x, float[] score, int at) {
    clear(score, at);
    for (int k = 0; k < components; k++) {
      if (!negligible(tile, k)) {
        for (int half = 0; half < GROUP; half += LENGTH) {
          addScore(tile, x + half, k, half, score, at + half);
        }
      }
    }
  }

  private void addScore(FloatTile tile, int x, int k, int half, float[] score, int at) {
    FloatVector weight = FloatVector.fromArray(SPECIES, tile.weights, k * GROUP + half);
    int m = constants.blocked(k, 0);
    for (int o = 0; o < dimension * GROUP; o += GROUP, m += BLOCK) {
      FloatVector e = deviation(tile, x + o, m);
      e.mul(-constants.precision[m])
          .fma(weight, FloatVector.fromArray(SPECIES, score, at + o))
          .intoArray(score, at + o);
    }
  }

  @Override
  void means(FloatTile tile, int x, float[] mean, int at) {
    clear(mean, at);
    for (int k = 0; k < components; k++) {
      if (!negligible(tile, k)) {
        for (int half = 0; half < GROUP; half += LENGTH) {
          addMean(tile, x + half, k, half, mean, at + half);
        }
      }
    }
  }

  private void addMean(FloatTile tile, int x, int k, int half, float[] mean, int at) {
    FloatVector weight = FloatVector.fromArray(SPECIES, tile.weights, k * GROUP + half);
    int m = constants.blocked(k, 0);
    for (int o = 0; o < dimension * GROUP; o += GROUP, m += BLOCK) {
      deviation(tile, x + o, m)
          .fma(
              FloatVector.broadcast(SPECIES, constants.gain[m]),
              FloatVector.broadcast(SPECIES, constants.start[m]))
          .fma(weight, FloatVector.fromArray(SPECIES, mean, at + o))
          .intoArray(mean, at + o);
    }
  }

  private FloatVector deviation(FloatTile tile, int x, int m) {
    return FloatVector.fromArray(SPECIES, tile.x, x)
        .sub(constants.mean[m])
        .sub(constants.meanLow[m]);
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
      float precision = -constants.precision[m];
      deviation(tile, x + o, m).mul(precision).intoArray(tile.gradient, o);
      deviation(tile, x + o + LENGTH, m).mul(precision).intoArray(tile.gradient, o + LENGTH);
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
