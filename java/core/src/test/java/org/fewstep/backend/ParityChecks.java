package org.fewstep.backend;

import static org.fewstep.backend.Evaluations.QUANTITIES;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.fewstep.mixture.DiffusedMixture;

/**
 * What every backend promises, as checks that throw an {@link AssertionError}. Written apart from
 * the tests that run them so that backends with known faults can be put to the same checks.
 */
final class ParityChecks {

  private ParityChecks() {}

  /**
   * Every quantity at every point is as near to the reference as the arithmetic allows: within a
   * few times the error of plain float arithmetic, which for float64 is scaled by 2^-29.
   */
  static void accuracy(
      Backend tested, DrawnCase drawn, Map<String, double[]> reference, Precision precision) {
    Map<String, double[]> results =
        Evaluations.at(tested, drawn.diffused(), drawn.x(), drawn.direction(), precision);
    requireNear(drawn, results, reference, precision);
  }

  static void requireNear(
      DrawnCase drawn,
      Map<String, double[]> results,
      Map<String, double[]> reference,
      Precision precision) {
    int d = drawn.mixture().dimension();
    PlainFloatMixture plain = new PlainFloatMixture(drawn.diffused());
    double ulp = precision == Precision.FLOAT32 ? 0x1p-24 : 0x1p-53;
    double scale = precision == Precision.FLOAT32 ? 1 : 0x1p-29;
    List<String> misses = new ArrayList<>();
    for (int row = 0; row < drawn.rows(); row++) {
      Map<String, double[]> truth = Evaluations.row(reference, row, drawn.mixture());
      Map<String, double[]> values = Evaluations.row(results, row, drawn.mixture());
      Map<String, Double> yardstick = null;
      for (String quantity : values.keySet()) {
        double error = Evaluations.distance(values.get(quantity), truth.get(quantity));
        double size = Evaluations.size(truth.get(quantity));
        double allowed = 16 * ulp * size;
        if (!(error <= allowed)) {
          if (yardstick == null) { // slow, and seldom needed
            double[] x = Evaluations.row(drawn.x(), row, d);
            double[] direction = Evaluations.row(drawn.direction(), row, d);
            yardstick = plain.worstErrors(2, x, direction, truth);
          }
          allowed += 8 * scale * yardstick.get(quantity);
        }
        if (!(error <= allowed)) {
          misses.add(
              "row %d, %s: error %.1e of at most %.1e, size %.1e"
                  .formatted(row, quantity, error, allowed, size));
        }
      }
    }
    if (!misses.isEmpty()) {
      throw new AssertionError("%s, %s: %s".formatted(drawn, precision, misses));
    }
  }

  /** Subsets of the outputs are right too; bit for bit the same if {@code exactly}. */
  static void subsets(
      Backend tested,
      DrawnCase drawn,
      Map<String, double[]> reference,
      Precision precision,
      boolean exactly) {
    Map<String, double[]> full =
        Evaluations.at(tested, drawn.diffused(), drawn.x(), drawn.direction(), precision);
    for (int mask = 0; mask < 1 << QUANTITIES.size(); mask++) {
      Set<String> wanted = new HashSet<>();
      for (int i = 0; i < QUANTITIES.size(); i++) {
        if ((mask >> i & 1) != 0) {
          wanted.add(QUANTITIES.get(i));
        }
      }
      Map<String, double[]> part =
          Evaluations.at(tested, drawn.diffused(), drawn.x(), drawn.direction(), precision, wanted);
      if (!part.keySet().equals(wanted)) {
        throw new AssertionError("asked for %s, got %s".formatted(wanted, part.keySet()));
      }
      requireNear(drawn, part, reference, precision);
      if (exactly) {
        part.forEach(
            (quantity, values) ->
                requireSame(drawn + ", only " + wanted, quantity, values, full.get(quantity)));
      }
    }
  }

  /** A row's bits do not depend on the rows around it, nor on its place. */
  static void rowsStandAlone(Backend tested, DrawnCase drawn, Precision precision) {
    DiffusedMixture at = drawn.diffused();
    int d = drawn.mixture().dimension();
    int n = drawn.rows();
    Map<String, double[]> whole =
        Evaluations.at(tested, at, drawn.x(), drawn.direction(), precision);
    for (int row = 0; row < n; row++) {
      Map<String, double[]> alone =
          Evaluations.at(
              tested,
              at,
              Evaluations.row(drawn.x(), row, d),
              Evaluations.row(drawn.direction(), row, d),
              precision);
      requireSame(
          drawn + ", row " + row + " alone", alone, Evaluations.row(whole, row, drawn.mixture()));
    }
    Map<String, double[]> reversed =
        Evaluations.at(
            tested, at, reverseRows(drawn.x(), d), reverseRows(drawn.direction(), d), precision);
    for (int row = 0; row < n; row++) {
      requireSame(
          drawn + ", row " + row + " in reverse",
          Evaluations.row(reversed, n - 1 - row, drawn.mixture()),
          Evaluations.row(whole, row, drawn.mixture()));
    }
  }

  /** Two backends that differ in nothing but the number of threads give the same bits. */
  static void sameBits(Backend one, Backend other, DrawnCase drawn, Precision precision) {
    DiffusedMixture at = drawn.diffused();
    requireSame(
        drawn + ", " + other.threads() + " threads",
        Evaluations.at(other, at, drawn.x(), drawn.direction(), precision),
        Evaluations.at(one, at, drawn.x(), drawn.direction(), precision));
  }

  /** A bad row is all NaN, and the other rows do not notice. */
  static void badRowsStandAlone(Backend tested, DrawnCase drawn, Precision precision) {
    DiffusedMixture at = drawn.diffused();
    int d = drawn.mixture().dimension();
    Map<String, double[]> good =
        Evaluations.at(tested, at, drawn.x(), drawn.direction(), precision);
    double[] poison = {Double.NaN, Double.POSITIVE_INFINITY, Double.NEGATIVE_INFINITY};
    double[] x = drawn.x().clone();
    for (int row = 0; row < drawn.rows(); row += 2) {
      x[row * d + row % d] = poison[row / 2 % poison.length];
    }
    Map<String, double[]> mixed = Evaluations.at(tested, at, x, drawn.direction(), precision);
    for (int row = 0; row < drawn.rows(); row++) {
      Map<String, double[]> values = Evaluations.row(mixed, row, drawn.mixture());
      if (row % 2 == 0) {
        requireNaN(drawn + ", bad row " + row, values);
      } else {
        requireSame(
            drawn + ", row " + row + " beside bad ones",
            values,
            Evaluations.row(good, row, drawn.mixture()));
      }
    }
  }

  static void requireNaN(String what, Map<String, double[]> values) {
    values.forEach(
        (quantity, vector) -> {
          if (!Arrays.stream(vector).allMatch(Double::isNaN)) {
            throw new AssertionError(
                "%s: %s must be NaN, but is %s".formatted(what, quantity, Arrays.toString(vector)));
          }
        });
  }

  static void requireSame(
      String what, Map<String, double[]> values, Map<String, double[]> expected) {
    values.forEach(
        (quantity, vector) -> requireSame(what, quantity, vector, expected.get(quantity)));
  }

  static void requireSame(String what, String quantity, double[] values, double[] expected) {
    if (values.length != expected.length) {
      throw new AssertionError(
          "%s: %s has %d values instead of %d"
              .formatted(what, quantity, values.length, expected.length));
    }
    for (int i = 0; i < values.length; i++) {
      // By value: a zero may change its sign and NaN its payload.
      if (values[i] != expected[i] && !(Double.isNaN(values[i]) && Double.isNaN(expected[i]))) {
        throw new AssertionError(
            "%s: %s[%d] must be %s bit for bit, but is %s"
                .formatted(what, quantity, i, expected[i], values[i]));
      }
    }
  }

  static double[] reverseRows(double[] values, int d) {
    double[] reversed = new double[values.length];
    for (int i = 0; i < values.length; i += d) {
      System.arraycopy(values, i, reversed, values.length - d - i, d);
    }
    return reversed;
  }
}
