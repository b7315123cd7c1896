package org.fewstep.backend;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Random;
import java.util.stream.Stream;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;

/** Combinations and steps by every backend, against sums in float64. */
@Tag("widths")
class LinearOperationsTest {

  private static final int[][] SHAPES = {{1, 1}, {3, 1}, {7, 2}, {5, 17}, {2, 257}, {1000, 3}};

  static Stream<Arguments> backends() {
    return TestBackends.names()
        .flatMap(name -> Stream.of(Precision.values()).map(p -> Arguments.of(name, p)));
  }

  private static double bar(Precision precision) {
    return precision == Precision.FLOAT32 ? 0x1p-20 : 0x1p-49;
  }

  private static List<double[]> draw(int count, int length) {
    Random random = new Random(length);
    List<double[]> values = new ArrayList<>();
    for (int j = 0; j < count; j++) {
      double[] term = new double[length];
      Arrays.setAll(term, i -> (float) random.nextGaussian());
      values.add(term);
    }
    return values;
  }

  private static Batch batch(Backend backend, double[] values, int columns, Precision precision) {
    Batch batch = backend.allocate(values.length / columns, columns, precision);
    batch.copyFrom(values);
    return batch;
  }

  @ParameterizedTest
  @MethodSource("backends")
  void combinationsAreSums(String name, Precision precision) {
    for (int threads : new int[] {1, 3}) {
      try (Backend backend = TestBackends.open(name, threads)) {
        for (int[] shape : SHAPES) {
          for (int count = 0; count <= Plan.MAX_SLOTS; count++) {
            int length = shape[0] * shape[1];
            List<double[]> values = draw(count, length);
            double[] weights = new Random(count).doubles(count, -2, 2).toArray();
            List<Batch> terms =
                values.stream().map(v -> batch(backend, v, shape[1], precision)).toList();
            try (Batch out = backend.allocate(shape[0], shape[1], precision)) {
              backend.combine(out, terms, weights);
              backend.synchronize();
              double[] result = out.toDoubleArray();
              for (int i = 0; i < length; i++) {
                double sum = 0;
                for (int j = 0; j < count; j++) {
                  sum += weights[j] * values.get(j)[i];
                }
                assertThat(result[i]).isCloseTo(sum, within(20 * bar(precision)));
              }
              if (count > 0) {
                backend.combine(terms.getLast(), terms, weights);
                assertThat(terms.getLast().toDoubleArray()).isEqualTo(result);
              }
            }
            terms.forEach(Batch::close);
          }
        }
      }
    }
  }

  @ParameterizedTest
  @MethodSource("backends")
  void termsOfWeightZeroAreNotRead(String name, Precision precision) {
    try (Backend backend = TestBackends.open(name, 1);
        Batch out = backend.allocate(2, 3, precision);
        Batch one = batch(backend, new double[] {1, 2, 3, 4, 5, 6}, 3, precision);
        Batch bad = batch(backend, nans(6), 3, precision)) {
      backend.combine(out, List.of(bad, one), new double[] {0, 2});
      assertThat(out.toDoubleArray()).containsExactly(2, 4, 6, 8, 10, 12);
      backend.combine(out, List.of(bad), new double[] {0});
      assertThat(out.toDoubleArray()).containsOnly(0);
    }
  }

  private static double[] nans(int length) {
    double[] values = new double[length];
    Arrays.fill(values, Double.NaN);
    return values;
  }

  @ParameterizedTest
  @MethodSource("backends")
  void stepsAreSumsWithTheirOwnSize(String name, Precision precision) {
    double absolute = 1e-3;
    double relative = 1e-2;
    for (int threads : new int[] {1, 3}) {
      try (Backend backend = TestBackends.open(name, threads)) {
        for (int[] shape : SHAPES) {
          int n = shape[0];
          int d = shape[1];
          List<double[]> values = draw(4, n * d);
          double[] weights = {0.5, -0.25, 0};
          double[] errors = {0.125, 0, -0.5};
          double[] sizes = new double[n];
          Arrays.setAll(sizes, row -> row % 5 == 4 ? 0 : (row % 2 == 0 ? 0.3 : -0.7));
          double[] held = new double[n];
          Arrays.fill(held, 2);
          try (Batch x = batch(backend, values.get(3), d, precision);
              Batch a = batch(backend, values.get(0), d, precision);
              Batch b = batch(backend, values.get(1), d, precision);
              Batch c = batch(backend, values.get(2), d, precision);
              Batch h = batch(backend, sizes, 1, Precision.FLOAT64);
              Batch next = backend.allocate(n, d, precision);
              Batch squares = batch(backend, held, 1, precision)) {
            ErrorEstimate estimate = new ErrorEstimate(errors, absolute, relative, squares);
            backend.step(x, List.of(a, b, c), h, weights, next, estimate);
            backend.synchronize();
            double[] result = next.toDoubleArray();
            for (int row = 0; row < n; row++) {
              double sum = 2;
              for (int i = row * d; i < (row + 1) * d; i++) {
                double before = values.get(3)[i];
                double after =
                    before + sizes[row] * (0.5 * values.get(0)[i] - 0.25 * values.get(1)[i]);
                assertThat(result[i]).isCloseTo(after, within(8 * bar(precision)));
                double error = sizes[row] * (0.125 * values.get(0)[i] - 0.5 * values.get(2)[i]);
                double unit = absolute + relative * Math.max(Math.abs(before), Math.abs(after));
                sum += error / unit * (error / unit);
              }
              assertThat(TestBackends.get(squares, row, 0))
                  .isCloseTo(sum, within(40 * bar(precision) * sum));
            }
            // The same without an estimate, in place.
            backend.step(x, List.of(a, b, c), h, weights, x, null);
            assertThat(x.toDoubleArray()).isEqualTo(result);
          }
        }
      }
    }
  }

  @ParameterizedTest
  @MethodSource("backends")
  void aRowThatStandsStillIsNotTouched(String name, Precision precision) {
    try (Backend backend = TestBackends.open(name, 1);
        Batch x = batch(backend, new double[] {1, 2, 3, 4}, 2, precision);
        Batch slope =
            batch(
                backend, new double[] {Double.POSITIVE_INFINITY, Double.NaN, 1, 1}, 2, precision);
        Batch h = batch(backend, new double[] {0, 1}, 1, Precision.FLOAT64);
        Batch squares = batch(backend, new double[] {5, 0}, 1, precision)) {
      backend.step(
          x,
          List.of(slope),
          h,
          new double[] {1},
          x,
          new ErrorEstimate(new double[] {1}, 1, 0, squares));
      assertThat(x.toDoubleArray()).containsExactly(1, 2, 4, 5);
      assertThat(squares.toDoubleArray()).containsExactly(5, 2);
    }
  }
}
