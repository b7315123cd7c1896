package org.fewstep.backend;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import java.util.Arrays;
import java.util.Random;
import java.util.stream.Stream;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;

/** Steps of Adam and draws of rows by every backend. */
@Tag("widths")
class OptimiserTest {

  private static final int[] COUNTS = {1, 2, 17, 1024, 2500};

  static Stream<Arguments> backends() {
    return TestBackends.names()
        .flatMap(name -> Stream.of(Precision.values()).map(p -> Arguments.of(name, p)));
  }

  private static AdamStep step(long number, double weightDecay, double clip) {
    return new AdamStep(number, 0.01, 0.9, 0.99, 1e-8, weightDecay, clip);
  }

  private static double[] draw(int seed, int count) {
    Random random = new Random(seed);
    return random.doubles(count).map(ignored -> (float) random.nextGaussian()).toArray();
  }

  /** Some steps as the formulas of {@link AdamStep} are written. */
  private static double[] reference(int count, double weightDecay, double clip) {
    double[] p = draw(1, count);
    double[] m = new double[count];
    double[] v = new double[count];
    for (int t = 1; t <= 3; t++) {
      double[] g = draw(1 + t, count);
      double norm = Math.sqrt(Arrays.stream(g).map(value -> value * value).sum());
      for (int i = 0; i < count; i++) {
        double clipped = g[i] * Math.min(1, clip / norm);
        m[i] = 0.9 * m[i] + 0.1 * clipped;
        v[i] = 0.99 * v[i] + 0.01 * clipped * clipped;
        double mean = m[i] / (1 - Math.pow(0.9, t));
        double root = Math.sqrt(v[i] / (1 - Math.pow(0.99, t)));
        p[i] -= 0.01 * (mean / (root + 1e-8) + weightDecay * p[i]);
      }
    }
    return p;
  }

  @ParameterizedTest
  @MethodSource("backends")
  void adamIsAsWritten(String name, Precision precision) {
    double bar = precision == Precision.FLOAT32 ? 0x1p-20 : 0x1p-49;
    for (int threads : new int[] {1, 2}) {
      try (Backend tested = TestBackends.open(name, threads)) {
        for (int count : COUNTS) {
          for (double clip : new double[] {Double.POSITIVE_INFINITY, 0.5}) {
            double[] result = steps(tested, precision, count, 0.1, clip);
            double[] truth = reference(count, 0.1, clip);
            for (int i = 0; i < count; i++) {
              assertThat(result[i]).isCloseTo(truth[i], within(bar * (1 + Math.abs(truth[i]))));
            }
          }
        }
      }
    }
  }

  private static double[] steps(
      Backend tested, Precision precision, int count, double weightDecay, double clip) {
    try (Batch p = NetworkEvaluations.batch(tested, draw(1, count), count, precision);
        Batch m = tested.allocate(1, count, precision);
        Batch v = tested.allocate(1, count, precision)) {
      for (int t = 1; t <= 3; t++) {
        try (Batch g = NetworkEvaluations.batch(tested, draw(1 + t, count), count, precision)) {
          tested.adam(step(t, weightDecay, clip), p, g, m, v);
          tested.synchronize();
          assertThat(g.toDoubleArray()).isEqualTo(draw(1 + t, count));
        }
      }
      return p.toDoubleArray();
    }
  }

  @ParameterizedTest
  @MethodSource("backends")
  void aGradientThatIsNotFiniteSpoilsEveryParameter(String name, Precision precision) {
    try (Backend tested = TestBackends.open(name, 1)) {
      for (double bad : new double[] {Double.NaN, Double.NEGATIVE_INFINITY}) {
        double[] gradient = draw(2, 1500);
        gradient[1300] = bad;
        try (Batch p = NetworkEvaluations.batch(tested, draw(1, 1500), 1500, precision);
            Batch g = NetworkEvaluations.batch(tested, gradient, 1500, precision);
            Batch m = tested.allocate(1, 1500, precision);
            Batch v = tested.allocate(1, 1500, precision)) {
          tested.adam(step(1, 0, 1), p, g, m, v);
          tested.synchronize();
          assertThat(p.toDoubleArray()).containsOnly(Double.NaN);
        }
      }
    }
  }

  @ParameterizedTest
  @MethodSource("backends")
  void drawsAreRowsOfTheSource(String name, Precision precision) {
    for (int threads : new int[] {1, 3}) {
      try (Backend tested = TestBackends.open(name, threads)) {
        for (int columns : new int[] {1, 2, 5, 8, 9, 70}) {
          for (int rows : new int[] {0, 1, 33, 2300}) {
            double[] values = draw(columns, 100 * columns);
            double[] numbers = new double[rows];
            Philox.uniform(7, 11, numbers, 0, rows);
            try (Batch source = NetworkEvaluations.batch(tested, values, columns, precision);
                Batch out = tested.allocate(rows, columns, precision)) {
              tested.draw(out, source, 7, 11);
              tested.synchronize();
              double[] drawn = out.toDoubleArray();
              for (int i = 0; i < rows; i++) {
                int row = (int) (numbers[i] * 100);
                assertThat(Evaluations.row(drawn, i, columns))
                    .isEqualTo(Evaluations.row(values, row, columns));
              }
            }
          }
        }
      }
    }
  }
}
