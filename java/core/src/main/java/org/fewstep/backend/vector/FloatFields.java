package org.fewstep.backend.vector;

/**
 * What is computed for the points of some groups: scalars {@code [groups][GROUP]}, vectors {@code
 * [groups][d][GROUP]}. An array is null where nobody wants it.
 */
final class FloatFields {

  float[] logDensity;
  float[] score;
  float[] mean;
  float[] divergence;
  float[] jvp;

  boolean wantsDerivative() {
    return divergence != null || jvp != null;
  }
}
