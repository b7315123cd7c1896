package org.fewstep.network;

import java.util.Arrays;
import java.util.Objects;

/**
 * What surrounds the layers F of a network:
 *
 * <pre>
 *   u = clamp(x) ;   y = outputScale F(u/inputScale) + (residual ? u : 0)
 * </pre>
 *
 * The clamp keeps every coordinate of x in its own interval, so that a composition of residual
 * networks stays bounded whatever it is given. A time input is neither clamped nor scaled.
 *
 * <p>Immutable; equal frames are equal.
 */
public final class Frame {

  private static final Frame PLAIN = new Frame(1, 1, false, null, null);

  private final double inputScale;
  private final double outputScale;
  private final boolean residual;
  private final double[] low;
  private final double[] high;

  private Frame(
      double inputScale, double outputScale, boolean residual, double[] low, double[] high) {
    this.inputScale = inputScale;
    this.outputScale = outputScale;
    this.residual = residual;
    this.low = low;
    this.high = high;
  }

  /** Nothing around the layers: y = F(x). */
  public static Frame plain() {
    return PLAIN;
  }

  /**
   * A residual block, {@code y = x + outputScale F(x/inputScale)}.
   *
   * @param inputScale c_in, finite and > 0
   * @param outputScale c_out, finite and > 0
   */
  public static Frame residual(double inputScale, double outputScale) {
    return new Frame(
        requireScale("inputScale", inputScale),
        requireScale("outputScale", outputScale),
        true,
        null,
        null);
  }

  /** Scales without a residual path, {@code y = outputScale F(x/inputScale)}. */
  public static Frame scaled(double inputScale, double outputScale) {
    return new Frame(
        requireScale("inputScale", inputScale),
        requireScale("outputScale", outputScale),
        false,
        null,
        null);
  }

  /**
   * This with a clamp.
   *
   * @param low [d], finite
   * @param high [d], finite, not below {@code low}
   */
  public Frame withClamp(double[] low, double[] high) {
    if (low.length != high.length || low.length == 0) {
      throw new IllegalArgumentException(
          "low and high must have one value per coordinate, but have %d and %d"
              .formatted(low.length, high.length));
    }
    for (int i = 0; i < low.length; i++) {
      if (!(Double.isFinite(low[i]) && Double.isFinite(high[i]) && low[i] <= high[i])) {
        throw new IllegalArgumentException(
            "low[%d] <= high[%d] must be finite, but are %s and %s"
                .formatted(i, i, low[i], high[i]));
      }
    }
    return new Frame(inputScale, outputScale, residual, low.clone(), high.clone());
  }

  private static double requireScale(String argument, double scale) {
    if (!(scale > 0 && Double.isFinite(scale))) {
      throw new IllegalArgumentException(argument + " must be finite and > 0, but is " + scale);
    }
    return scale;
  }

  /** c_in > 0: inputs are divided by it. */
  public double inputScale() {
    return inputScale;
  }

  /** c_out > 0: the outputs of the layers are multiplied by it. */
  public double outputScale() {
    return outputScale;
  }

  /** Whether the clamped input is added to the output. */
  public boolean isResidual() {
    return residual;
  }

  /** Whether inputs are clamped. */
  public boolean isClamped() {
    return low != null;
  }

  /** The number of coordinates that the clamp prescribes, or 0 if any number fits. */
  public int dimension() {
    return low == null ? 0 : low.length;
  }

  /** The least value of a coordinate; negative infinity without a clamp. */
  public double low(int i) {
    return low == null ? Double.NEGATIVE_INFINITY : low[i];
  }

  /** The largest value of a coordinate; infinity without a clamp. */
  public double high(int i) {
    return high == null ? Double.POSITIVE_INFINITY : high[i];
  }

  /**
   * Checks that this surrounds layers of so many inputs, time apart, and outputs.
   *
   * @throws IllegalArgumentException saying what would
   */
  public void requireFits(int inputs, int outputs) {
    if (isClamped() && low.length != inputs) {
      throw new IllegalArgumentException(
          "frame must clamp %d coordinates like the network has inputs, but clamps %d"
              .formatted(inputs, low.length));
    }
    if (residual && inputs != outputs) {
      throw new IllegalArgumentException(
          "a residual frame needs as many outputs as inputs (%d), but there are %d"
              .formatted(inputs, outputs));
    }
  }

  @Override
  public boolean equals(Object other) {
    return other instanceof Frame frame
        && frame.inputScale == inputScale
        && frame.outputScale == outputScale
        && frame.residual == residual
        && Arrays.equals(frame.low, low)
        && Arrays.equals(frame.high, high);
  }

  @Override
  public int hashCode() {
    return Objects.hash(
        inputScale, outputScale, residual, Arrays.hashCode(low), Arrays.hashCode(high));
  }

  @Override
  public String toString() {
    return "Frame[c_in %s, c_out %s%s%s]"
        .formatted(
            inputScale, outputScale, residual ? ", residual" : "", isClamped() ? ", clamped" : "");
  }
}
