package org.fewstep.backend.vector;

import java.util.Arrays;

/**
 * What a worker keeps for one vector of points with a time each: the constants of {@link
 * LaneConstants} rounded, and the weights of the components. Arrays are {@code [..][LENGTH]}.
 */
final class FloatLaneScratch {

  private static final int LENGTH = FloatLanes.LENGTH;

  final LaneConstants exact = new LaneConstants(LENGTH);

  /** Minus alpha, split into a high and a low part. */
  final float[] minusAlpha = new float[LENGTH];

  final float[] minusAlphaLow = new float[LENGTH]; // float32-only

  final float[] logScale = new float[LENGTH];
  float[] precision = new float[0];
  float[] gain = new float[0];
  float[] trace = new float[0];
  float[] logit = new float[0];

  /** Squared Mahalanobis distances, then weights, per component. */
  float[] weights = new float[0];

  final float[] inverseTotal = new float[LENGTH];
  final float[] spread = new float[LENGTH];

  /** The least squared distance. */
  final float[] nearest = new float[LENGTH];

  /** Computes the constants for the times set in {@link #exact}, in float64, and rounds them. */
  void prepare(LaneConstants.Mixture mixture, boolean wantsLogDensity) {
    reserve(mixture);
    exact.compute(mixture, wantsLogDensity);
    int rows = mixture.eigenvalues().length * LENGTH;
    round(exact.precision, precision, rows);
    round(exact.gain, gain, rows);
    round(exact.trace, trace, mixture.covariances() * LENGTH);
    round(exact.logit, logit, mixture.components() * LENGTH);
    round(exact.logScale, logScale, LENGTH);
    for (int lane = 0; lane < LENGTH; lane++) {
      minusAlpha[lane] = (float) -exact.alpha[lane];
      minusAlphaLow[lane] = (float) (-exact.alpha[lane] - minusAlpha[lane]); // float32-only
    }
  }

  private void reserve(LaneConstants.Mixture mixture) {
    int rows = mixture.eigenvalues().length * LENGTH;
    if (precision.length < rows) {
      precision = new float[rows];
      gain = new float[rows];
      trace = new float[rows];
    }
    if (logit.length < mixture.components() * LENGTH) {
      logit = new float[mixture.components() * LENGTH];
      weights = new float[mixture.components() * LENGTH];
    }
  }

  private static void round(double[] from, float[] to, int length) {
    for (int i = 0; i < length; i++) {
      to[i] = (float) from[i];
    }
  }

  void clearWeights(int components) {
    Arrays.fill(weights, 0, components * LENGTH, 0f);
  }
}
