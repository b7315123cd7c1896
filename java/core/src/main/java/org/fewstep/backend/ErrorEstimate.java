package org.fewstep.backend;

/**
 * The local error estimate asked of a step with an embedded method.
 *
 * @param weights one weight per slope: the difference of the two methods' weights
 * @param absolute the absolute tolerance, >= 0
 * @param relative the relative tolerance, >= 0
 * @param squares [n,1], in and out: receives per row, added to what it holds, the sum over columns
 *     of the squared error in units of {@code absolute + relative max(|x|, |next|)}
 */
public record ErrorEstimate(double[] weights, double absolute, double relative, Batch squares) {

  /** Checks the tolerances. */
  public ErrorEstimate {
    if (!(absolute >= 0 && relative >= 0 && absolute + relative > 0)
        || Double.isInfinite(absolute + relative)) {
      throw new IllegalArgumentException(
          "absolute and relative must be finite and >= 0 and not both 0, but are %s and %s"
              .formatted(absolute, relative));
    }
  }
}
