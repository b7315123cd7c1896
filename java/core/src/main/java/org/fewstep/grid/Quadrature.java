package org.fewstep.grid;

import java.util.function.DoubleUnaryOperator;

/** Adaptive Simpson quadrature with Richardson's correction (Lyness, 1969). */
final class Quadrature {

  /** Panels before any adaption, so that a narrow feature is not overlooked. */
  private static final int PANELS = 16;

  private static final int MAX_DEPTH = 24;
  private static final double TOLERANCE = 1e-10;

  private Quadrature() {}

  /** The integral of a continuous function over [0, length], to about 1e-10 of its size. */
  static double integrate(DoubleUnaryOperator function, double length) {
    double width = length / PANELS;
    double[] ends = new double[PANELS + 1];
    double[] middles = new double[PANELS];
    double size = 0;
    for (int i = 0; i <= PANELS; i++) {
      ends[i] = function.applyAsDouble(i * width);
    }
    for (int i = 0; i < PANELS; i++) {
      middles[i] = function.applyAsDouble((i + 0.5) * width);
      size += Math.abs(simpson(width, ends[i], middles[i], ends[i + 1]));
    }
    double allowed = TOLERANCE * size / PANELS;
    double sum = 0;
    for (int i = 0; i < PANELS; i++) {
      double whole = simpson(width, ends[i], middles[i], ends[i + 1]);
      sum +=
          refine(function, i * width, width, ends[i], middles[i], ends[i + 1], whole, allowed, 0);
    }
    return sum;
  }

  private static double refine(
      DoubleUnaryOperator function,
      double from,
      double width,
      double left,
      double middle,
      double right,
      double whole,
      double allowed,
      int depth) {
    double half = 0.5 * width;
    double leftMiddle = function.applyAsDouble(from + 0.5 * half);
    double rightMiddle = function.applyAsDouble(from + 1.5 * half);
    double leftHalf = simpson(half, left, leftMiddle, middle);
    double rightHalf = simpson(half, middle, rightMiddle, right);
    double correction = (leftHalf + rightHalf - whole) / 15;
    // Written so that NaN stops, too.
    if (!(Math.abs(correction) > allowed) || depth == MAX_DEPTH) {
      return leftHalf + rightHalf + correction;
    }
    return refine(function, from, half, left, leftMiddle, middle, leftHalf, allowed / 2, depth + 1)
        + refine(
            function,
            from + half,
            half,
            middle,
            rightMiddle,
            right,
            rightHalf,
            allowed / 2,
            depth + 1);
  }

  private static double simpson(double width, double left, double middle, double right) {
    return width / 6 * (left + 4 * middle + right);
  }
}
