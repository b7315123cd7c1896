package org.fewstep.grid;

import java.util.Arrays;
import java.util.function.DoubleUnaryOperator;

/** Adaptive Simpson quadrature with Richardson's correction (Lyness, 1969). */
final class Quadrature {

  private static final int MAX_DEPTH = 24;
  private static final double TOLERANCE = 1e-10;

  private Quadrature() {}

  /**
   * The integral of a continuous function from the first node to the last, to about 1e-10 of the
   * integral of its size.
   *
   * @param nodes ascending, so dense that no feature of the function hides between two
   */
  static double integrate(DoubleUnaryOperator function, double[] nodes) {
    int panels = nodes.length - 1;
    double[] ends = Arrays.stream(nodes).map(function).toArray();
    double[] middles = new double[panels];
    double[] first = new double[panels];
    double size = 0;
    for (int i = 0; i < panels; i++) {
      double width = nodes[i + 1] - nodes[i];
      middles[i] = function.applyAsDouble(nodes[i] + 0.5 * width);
      first[i] = simpson(width, ends[i], middles[i], ends[i + 1]);
      size += Math.abs(first[i]);
    }
    double allowed = TOLERANCE * size / panels;
    double sum = 0;
    for (int i = 0; i < panels; i++) {
      double width = nodes[i + 1] - nodes[i];
      sum +=
          refine(function, nodes[i], width, ends[i], middles[i], ends[i + 1], first[i], allowed, 0);
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
