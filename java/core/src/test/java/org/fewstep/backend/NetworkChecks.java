package org.fewstep.backend;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeSet;

/**
 * What every backend promises of networks, as checks that throw an {@link AssertionError}; apart
 * from the tests for the sake of backends with known faults.
 */
final class NetworkChecks {

  private NetworkChecks() {}

  /**
   * Every quantity of every row is as near to the reference as the arithmetic allows: within a few
   * times the worst error of plain float arithmetic in any row, which for float64 is scaled by
   * 2^-29.
   */
  static void accuracy(
      Backend tested,
      Backend scalar,
      NetworkCase drawn,
      Precision precision,
      Set<String> wanted,
      boolean timePerRow) {
    Map<String, double[]> truth =
        NetworkEvaluations.at(scalar, drawn, Precision.FLOAT64, wanted, timePerRow);
    Map<String, double[]> results =
        NetworkEvaluations.at(tested, drawn, precision, wanted, timePerRow);
    if (!results.keySet().equals(wanted)) {
      throw new AssertionError("asked for %s, got %s".formatted(wanted, results.keySet()));
    }
    List<Map<String, Double>> errors = plainErrors(drawn, truth, precision, timePerRow);
    double ulp = precision == Precision.FLOAT32 ? 0x1p-24 : 0x1p-53;
    double scale = precision == Precision.FLOAT32 ? 1 : 0x1p-29;
    List<String> misses = new ArrayList<>();
    for (String quantity : wanted) {
      double yardstick = largestFinite(errors, quantity);
      int width = NetworkEvaluations.width(quantity, drawn.network());
      for (int row = 0; row < drawn.rows(); row++) {
        double[] right = Evaluations.row(truth.get(quantity), row, width);
        double error =
            Evaluations.distance(Evaluations.row(results.get(quantity), row, width), right);
        double own = errors.get(row).get(quantity);
        double allowed = 16 * ulp * Evaluations.size(right) + 8 * scale * Math.max(own, yardstick);
        if (!(error <= allowed)) {
          misses.add(
              "row %d, %s: error %.1e of at most %.1e".formatted(row, quantity, error, allowed));
        }
      }
    }
    if (!misses.isEmpty()) {
      throw new AssertionError("%s, %s: %s".formatted(drawn, precision, misses));
    }
  }

  private static List<Map<String, Double>> plainErrors(
      NetworkCase drawn, Map<String, double[]> truth, Precision precision, boolean timePerRow) {
    PlainFloatNetwork plain = new PlainFloatNetwork(drawn.network());
    double kink = precision == Precision.FLOAT32 ? 0x1p-18 : 0x1p-46;
    List<Map<String, Double>> errors = new ArrayList<>();
    for (int row = 0; row < drawn.rows(); row++) {
      double t = timePerRow ? drawn.times()[row] : drawn.t();
      Map<String, double[]> right = NetworkEvaluations.row(truth, row, drawn.network());
      errors.add(plain.worstErrors(drawn.of(row), t, right, kink));
    }
    return errors;
  }

  private static double largestFinite(List<Map<String, Double>> errors, String quantity) {
    return errors.stream()
        .mapToDouble(row -> row.get(quantity))
        .filter(Double::isFinite)
        .max()
        .orElse(0);
  }

  /** Every subset of the outputs, with either divergence. */
  static void subsets(Backend tested, Backend scalar, NetworkCase drawn, Precision precision) {
    List<String> all = NetworkEvaluations.QUANTITIES;
    boolean square = drawn.network().inputs() == drawn.network().outputs();
    for (int mask = 0; mask < 1 << all.size(); mask++) {
      Set<String> wanted = new TreeSet<>();
      for (int i = 0; i < all.size(); i++) {
        if ((mask >> i & 1) != 0) {
          wanted.add(all.get(i));
        }
      }
      boolean both = wanted.contains("divergence") && wanted.contains("estimate");
      boolean either = wanted.contains("divergence") || wanted.contains("estimate");
      if (!both && (square || !either)) {
        accuracy(tested, scalar, drawn, precision, wanted, false);
      }
    }
  }

  /** A row's bits do not depend on the rows around it, nor on its place. */
  static void rowsStandAlone(Backend tested, NetworkCase drawn, Precision precision) {
    Map<String, double[]> whole = all(tested, drawn, precision);
    int n = drawn.rows();
    int[] reversed = new int[n];
    Arrays.setAll(reversed, row -> n - 1 - row);
    Map<String, double[]> turned = all(tested, drawn.of(reversed), precision);
    for (int row = 0; row < n; row++) {
      Map<String, double[]> expected = NetworkEvaluations.row(whole, row, drawn.network());
      ParityChecks.requireSame(
          drawn + ", row " + row + " in reverse",
          NetworkEvaluations.row(turned, n - 1 - row, drawn.network()),
          expected);
      if (row % 7 == 0 || row == n - 1) {
        ParityChecks.requireSame(
            drawn + ", row " + row + " alone", all(tested, drawn.of(row), precision), expected);
      }
    }
  }

  /** Every quantity, at times per row. */
  static Map<String, double[]> all(Backend tested, NetworkCase drawn, Precision precision) {
    Set<String> wanted = NetworkEvaluations.quantities(drawn.network());
    return NetworkEvaluations.at(tested, drawn, precision, wanted, true);
  }

  /** A bad row is all NaN, and the other rows do not notice. */
  static void badRowsStandAlone(Backend tested, NetworkCase drawn, Precision precision) {
    double[] poison = {Double.NaN, Double.POSITIVE_INFINITY, Double.NEGATIVE_INFINITY};
    int d = drawn.network().inputs();
    Map<String, double[]> good = all(tested, drawn, precision);
    double[] x = drawn.x().clone();
    double[] times = drawn.times().clone();
    for (int row = 0; row < drawn.rows(); row += 2) {
      if (row % 8 == 6) {
        times[row] = new double[] {Double.NaN, 0.01, 50}[row / 8 % 3];
      } else {
        x[row * d + row % d] = poison[row / 2 % poison.length];
      }
    }
    NetworkCase spoiled =
        new NetworkCase(
            drawn.name(),
            drawn.network(),
            drawn.t(),
            x,
            drawn.direction(),
            drawn.cotangent(),
            times);
    requireOddRows(all(tested, spoiled, precision), good, drawn, Set.of());
  }

  /** A bad direction or cotangent spoils the jvp or the vjp of its row and nothing else. */
  static void badVectorsSpoilTheirProductsAlone(
      Backend tested, NetworkCase drawn, Precision precision) {
    Map<String, double[]> good = all(tested, drawn, precision);
    double[] v = drawn.direction().clone();
    double[] w = drawn.cotangent().clone();
    for (int row = 0; row < drawn.rows(); row += 2) {
      v[row * drawn.network().inputs()] = Double.NaN;
      w[(row + 1) * drawn.network().outputs() - 1] = Double.POSITIVE_INFINITY;
    }
    NetworkCase spoiled =
        new NetworkCase(drawn.name(), drawn.network(), drawn.t(), drawn.x(), v, w, drawn.times());
    requireOddRows(all(tested, spoiled, precision), good, drawn, Set.of("value", "divergence"));
  }

  /** Rows with an odd number are as they were; the others are NaN but for some quantities. */
  private static void requireOddRows(
      Map<String, double[]> results,
      Map<String, double[]> good,
      NetworkCase drawn,
      Set<String> untouched) {
    for (int row = 0; row < drawn.rows(); row++) {
      Map<String, double[]> values =
          new HashMap<>(NetworkEvaluations.row(results, row, drawn.network()));
      Map<String, double[]> before = NetworkEvaluations.row(good, row, drawn.network());
      if (row % 2 == 0) {
        for (String quantity : untouched) {
          if (values.containsKey(quantity)) {
            ParityChecks.requireSame(
                drawn + ", row " + row, quantity, values.remove(quantity), before.get(quantity));
          }
        }
        ParityChecks.requireNaN(drawn + ", bad row " + row, values);
      } else {
        ParityChecks.requireSame(drawn + ", row " + row + " beside bad ones", values, before);
      }
    }
  }
}
