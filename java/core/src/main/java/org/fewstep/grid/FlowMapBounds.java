package org.fewstep.grid;

/**
 * Bounds on the map that takes the flow's state at a time t down to an earlier time s, in the
 * direction that is sampled, from the integrals of the bounds on the Jacobian between the two
 * times; all in nats.
 *
 * @param integratedLipschitz the integral of L
 * @param integratedLogNorm the integral of M = -lower; may be negative (the map contracts)
 * @param integratedUpper the integral of the upper eigenvalue bound
 * @param integratedDivergenceLower the integral of the lower bound on the divergence
 * @param integratedDivergenceUpper the integral of the upper bound on the divergence
 */
public record FlowMapBounds(
    double integratedLipschitz,
    double integratedLogNorm,
    double integratedUpper,
    double integratedDivergenceLower,
    double integratedDivergenceUpper) {

  /** exp of the integral of M: no two states part by more than this factor. */
  public double largestSingularValue() {
    return Math.exp(integratedLogNorm);
  }

  /** exp of the integral of L: what Gronwall's inequality gives, never below the former. */
  public double lipschitzConstant() {
    return Math.exp(integratedLipschitz);
  }

  /** exp of minus the integral of the upper bound: no two states approach by more than this. */
  public double smallestSingularValue() {
    return Math.exp(-integratedUpper);
  }

  /** The least log of the determinant of the map's Jacobian: the strongest loss of volume. */
  public double logVolumeLower() {
    return -integratedDivergenceUpper;
  }

  /** The largest log of the determinant of the map's Jacobian. */
  public double logVolumeUpper() {
    return -integratedDivergenceLower;
  }
}
