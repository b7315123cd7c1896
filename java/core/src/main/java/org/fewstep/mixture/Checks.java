package org.fewstep.mixture;

/** Refusals of malformed mixtures, each naming the argument, its value and what is allowed. */
final class Checks {

  private Checks() {}

  static void finite(String argument, double value) {
    if (!Double.isFinite(value)) {
      throw new IllegalArgumentException("%s must be finite, but is %s".formatted(argument, value));
    }
  }

  static void nonNegativeFinite(String argument, double value) {
    if (!(value >= 0) || Double.isInfinite(value)) {
      throw new IllegalArgumentException(
          "%s must be finite and >= 0, but is %s".formatted(argument, value));
    }
  }

  static void finiteSquare(String argument, double value) {
    if (Double.isInfinite(value * value)) {
      throw new IllegalArgumentException(
          "%s must have a finite square, but is %s".formatted(argument, value));
    }
  }

  static void notEmpty(String argument, int length) {
    if (length == 0) {
      throw new IllegalArgumentException(argument + " must not be empty");
    }
  }

  /** A deep copy of a non-empty array of equally long, non-empty rows. */
  static double[][] rectangle(String argument, double[][] rows) {
    notEmpty(argument, rows.length);
    double[][] copy = new double[rows.length][];
    for (int i = 0; i < rows.length; i++) {
      notEmpty("%s[%d]".formatted(argument, i), rows[i].length);
      if (rows[i].length != rows[0].length) {
        throw new IllegalArgumentException(
            "%s must have rows of one length, but row 0 has %d and row %d has %d"
                .formatted(argument, rows[0].length, i, rows[i].length));
      }
      copy[i] = rows[i].clone();
    }
    return copy;
  }
}
