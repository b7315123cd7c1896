package org.fewstep.bench;

/**
 * Guards against timing the wrong thing: a result has to agree with the reference on a few rows
 * before it is timed. How accurate a kernel is, is told by the tests of core and not here.
 */
final class Agreement {

  /** The rows that are looked at. */
  static final long ROWS = 256;

  private Agreement() {}

  /**
   * Compares the first rows with the expected ones, each by its largest difference.
   *
   * @param tolerance relative to one plus the largest expected element of the row
   * @throws AssertionError naming the first row that differs
   */
  static void require(
      String what, double[] expected, double[] actual, int columns, double tolerance) {
    for (int row = 0; row < expected.length / columns; row++) {
      double scale = 1;
      double difference = 0;
      for (int i = row * columns; i < (row + 1) * columns; i++) {
        scale = Math.max(scale, 1 + Math.abs(expected[i]));
        // so that a NaN is the largest difference of all
        double d = Math.abs(actual[i] - expected[i]);
        difference = d <= difference ? difference : d;
      }
      if (!(difference <= tolerance * scale)) {
        throw new AssertionError(
            "%s differs from the scalar backend by %.3g in row %d, which is more than %.3g"
                .formatted(what, difference, row, tolerance * scale));
      }
    }
  }

  /** The same for single precision. */
  static void require(
      String what, double[] expected, float[] actual, int columns, double tolerance) {
    double[] wide = new double[expected.length];
    for (int i = 0; i < wide.length; i++) {
      wide[i] = actual[i];
    }
    require(what, expected, wide, columns, tolerance);
  }
}
