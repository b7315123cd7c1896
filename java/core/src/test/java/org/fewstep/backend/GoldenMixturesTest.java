package org.fewstep.backend;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import org.fewstep.mixture.FullCovariance;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/** Every backend against values that another program computed with 50 digits. */
@Tag("widths")
class GoldenMixturesTest {

  /** The bar for float64, relative to the largest coordinate. */
  private static final double FLOAT64_BAR = 1e-11;

  /** The same half way between modes, where differences of huge logits decide. */
  private static final double FLOAT64_MIDPOINT_BAR = 2e-9;

  private static final double FLOAT32_ULP = 0x1p-24;

  /** How many plain evaluations make a yardstick. */
  private static final int YARDSTICKS = 6;

  private static final List<GoldenMixtures.Case> CASES = GoldenMixtures.read();

  static List<String> backends() {
    return TestBackends.names().toList();
  }

  @Test
  void theCasesCoverWhatTheyShould() {
    assertThat(CASES).hasSize(220);
    assertThat(CASES.stream().mapToInt(c -> c.points().size()).sum()).isEqualTo(880);
    assertThat(CASES.stream().map(c -> c.mixture().dimension()).distinct())
        .containsExactlyInAnyOrder(1, 2, 3, 8, 64);
  }

  @ParameterizedTest
  @MethodSource("backends")
  void float64IsRightToElevenDigits(String name) {
    List<String> misses = new ArrayList<>();
    try (Backend backend = TestBackends.open(name, 1)) {
      for (GoldenMixtures.Case golden : CASES) {
        List<Map<String, double[]>> results =
            evaluate(backend, golden, golden.points(), Precision.FLOAT64);
        for (int p = 0; p < results.size(); p++) {
          GoldenMixtures.Point point = golden.points().get(p);
          double bar = point.label().equals("midpoint") ? FLOAT64_MIDPOINT_BAR : FLOAT64_BAR;
          for (String quantity : GoldenMixtures.QUANTITIES) {
            double[] truth = point.truth().get(quantity);
            double error = distance(results.get(p).get(quantity), truth) / size(truth);
            if (!(error <= bar)) {
              misses.add("%s, %s, %s: %.1e".formatted(golden, point.label(), quantity, error));
            }
          }
        }
      }
    }
    assertThat(misses).isEmpty();
  }

  @ParameterizedTest
  @MethodSource("backends")
  void float32IsNoWorseThanPlainFloatArithmetic(String name) {
    List<String> misses = new ArrayList<>();
    try (Backend backend = TestBackends.open(name, 1)) {
      for (GoldenMixtures.Case golden : CASES) {
        List<GoldenMixtures.Point> points =
            golden.points().stream().filter(point -> !point.wide()).toList();
        PlainFloatMixture plain = new PlainFloatMixture(golden.diffused());
        List<Map<String, double[]>> results = evaluate(backend, golden, points, Precision.FLOAT32);
        for (int p = 0; p < results.size(); p++) {
          GoldenMixtures.Point point = points.get(p);
          Map<String, Double> yardstick = errorsOf(plain, point);
          for (String quantity : GoldenMixtures.QUANTITIES) {
            double[] truth = point.truth().get(quantity);
            double error = distance(results.get(p).get(quantity), truth);
            double allowed =
                factor(golden) * yardstick.get(quantity) + 8 * FLOAT32_ULP * size(truth);
            if (!(error <= allowed)) {
              misses.add(
                  "%s, %s, %s: %.1e of %.1e"
                      .formatted(
                          golden,
                          point.label(),
                          quantity,
                          error / size(truth),
                          allowed / size(truth)));
            }
          }
        }
      }
    }
    assertThat(misses).isEmpty();
  }

  /**
   * How much worse than the yardstick a kernel may be. Twice; four times for full covariances,
   * where half way between many modes a kernel's own order of two matrix products weighs in.
   */
  private static double factor(GoldenMixtures.Case golden) {
    return golden.mixture().covariance() instanceof FullCovariance ? 4 : 2;
  }

  /** The worst errors of some plain evaluations. */
  private static Map<String, Double> errorsOf(PlainFloatMixture plain, GoldenMixtures.Point point) {
    Map<String, Double> worst = new HashMap<>();
    for (int draw = 0; draw < YARDSTICKS; draw++) {
      Map<String, double[]> values = plain.evaluate(point.x(), point.direction());
      for (String quantity : GoldenMixtures.QUANTITIES) {
        double error = distance(values.get(quantity), point.truth().get(quantity));
        worst.merge(quantity, error, Math::max);
      }
    }
    return worst;
  }

  /** The quantities at each point; all points in one batch. */
  private static List<Map<String, double[]>> evaluate(
      Backend backend,
      GoldenMixtures.Case golden,
      List<GoldenMixtures.Point> points,
      Precision precision) {
    int n = points.size();
    int d = golden.mixture().dimension();
    double[] x = points.stream().flatMapToDouble(p -> Arrays.stream(p.x())).toArray();
    double[] u = points.stream().flatMapToDouble(p -> Arrays.stream(p.direction())).toArray();
    Map<String, Batch> batches = new HashMap<>();
    for (String quantity : List.of("x", "direction", "score", "posterior-mean", "jvp")) {
      batches.put(quantity, backend.allocate(n, d, precision));
    }
    for (String quantity : List.of("log-density", "divergence")) {
      batches.put(quantity, backend.allocate(n, 1, precision));
    }
    batches.get("x").copyFrom(x);
    batches.get("direction").copyFrom(u);
    backend.mixture(
        golden.diffused(),
        batches.get("x"),
        MixtureOutputs.none()
            .withLogDensity(batches.get("log-density"))
            .withScore(batches.get("score"))
            .withPosteriorMean(batches.get("posterior-mean"))
            .withDivergence(batches.get("divergence"))
            .withJvp(batches.get("direction"), batches.get("jvp")));
    List<Map<String, double[]>> results = new ArrayList<>();
    for (int row = 0; row < n; row++) {
      Map<String, double[]> result = new HashMap<>();
      for (String quantity : GoldenMixtures.QUANTITIES) {
        try (Batch slice = batches.get(quantity).slice(row, 1)) {
          result.put(quantity, slice.toDoubleArray());
        }
      }
      results.add(result);
    }
    batches.values().forEach(Batch::close);
    return results;
  }

  /** The largest difference of two vectors; NaN if there is one. */
  private static double distance(double[] value, double[] truth) {
    double largest = 0;
    for (int i = 0; i < truth.length; i++) {
      largest = Math.max(largest, Math.abs(value[i] - truth[i]));
    }
    return largest;
  }

  private static double size(double[] truth) {
    return distance(new double[truth.length], truth);
  }
}
