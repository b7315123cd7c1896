package org.fewstep.backend;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.stream.IntStream;
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
            double error =
                Evaluations.distance(results.get(p).get(quantity), truth) / Evaluations.size(truth);
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
          Map<String, Double> yardstick =
              plain.worstErrors(8, point.x(), point.direction(), point.truth());
          for (String quantity : GoldenMixtures.QUANTITIES) {
            double[] truth = point.truth().get(quantity);
            double error = Evaluations.distance(results.get(p).get(quantity), truth);
            double allowed =
                2 * yardstick.get(quantity) + 8 * FLOAT32_ULP * Evaluations.size(truth);
            if (!(error <= allowed)) {
              misses.add(
                  "%s, %s, %s: %.1e of %.1e"
                      .formatted(
                          golden,
                          point.label(),
                          quantity,
                          error / Evaluations.size(truth),
                          allowed / Evaluations.size(truth)));
            }
          }
        }
      }
    }
    assertThat(misses).isEmpty();
  }

  /** The quantities at each point; all points in one batch. */
  private static List<Map<String, double[]>> evaluate(
      Backend backend,
      GoldenMixtures.Case golden,
      List<GoldenMixtures.Point> points,
      Precision precision) {
    double[] x = points.stream().flatMapToDouble(p -> Arrays.stream(p.x())).toArray();
    double[] u = points.stream().flatMapToDouble(p -> Arrays.stream(p.direction())).toArray();
    Map<String, double[]> results = Evaluations.at(backend, golden.diffused(), x, u, precision);
    return IntStream.range(0, points.size())
        .mapToObj(row -> Evaluations.row(results, row, golden.mixture()))
        .toList();
  }
}
