package org.fewstep.distill;

import java.util.Arrays;

/**
 * How far states are from exact ones, relative: {@code E|x' - x|^2 / E|x|^2}.
 *
 * @param mean over all rows
 * @param trimmed over the 99% of rows that err least, still relative to all: what is left when rare
 *     rows that ended in another mode are not counted
 */
public record FlowError(double mean, double trimmed) {

  private static final double KEPT = 0.99;

  /** The error of states [rows, d] row-major. */
  static FlowError of(double[] states, double[] exact, int dimension) {
    int rows = exact.length / dimension;
    double[] squares = new double[rows];
    double size = 0;
    for (int e = 0; e < exact.length; e++) {
      double difference = states[e] - exact[e];
      squares[e / dimension] += difference * difference;
      size += exact[e] * exact[e];
    }
    Arrays.sort(squares);
    int kept = (int) Math.ceil(KEPT * rows);
    double smallest = Arrays.stream(squares, 0, kept).sum();
    double rest = Arrays.stream(squares, kept, rows).sum();
    return new FlowError((smallest + rest) / size, smallest / kept * rows / size);
  }
}
