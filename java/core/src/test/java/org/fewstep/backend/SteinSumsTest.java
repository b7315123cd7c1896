package org.fewstep.backend;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import java.math.BigDecimal;
import java.util.Random;
import java.util.function.DoubleSupplier;
import java.util.stream.DoubleStream;
import java.util.stream.Stream;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;

/** The sums of Stein's coefficient by every backend, against exact ones. */
@Tag("widths")
class SteinSumsTest {

  private static final int[][] SHAPES = {
    {0, 3}, {1, 1}, {3, 1}, {7, 2}, {5, 17}, {511, 2}, {513, 2}, {2, 4099}, {8193, 2}, {300, 257}
  };

  /** Some runs of elements for whoever takes them in runs. */
  private static final int[] LARGE = {40_001, 3};

  static Stream<Arguments> backends() {
    return TestBackends.names()
        .flatMap(name -> Stream.of(Precision.values()).map(p -> Arguments.of(name, p)));
  }

  private record Points(int columns, double[] x, double[] u, double[] divergence) {

    static Points draw(int[] shape, DoubleSupplier number) {
      int elements = shape[0] * shape[1];
      return new Points(
          shape[1], draw(elements, number), draw(elements, number), draw(shape[0], number));
    }

    private static double[] draw(int count, DoubleSupplier number) {
      return DoubleStream.generate(number).limit(count).toArray();
    }

    /** Normals that both precisions hold. */
    static Points normals(int[] shape) {
      Random random = new Random(shape[0]);
      return draw(shape, () -> (float) random.nextGaussian());
    }

    /** The sums by a backend. */
    double[] sums(Backend backend, Precision precision) {
      try (Batch points = batch(backend, x, columns, precision);
          Batch displacements = batch(backend, u, columns, precision);
          Batch divergences = batch(backend, divergence, 1, precision);
          Batch sums = batch(backend, new double[] {7, 7, 7}, 3, Precision.FLOAT64)) {
        backend.steinSums(points, displacements, divergences, sums);
        backend.synchronize();
        return sums.toDoubleArray();
      }
    }
  }

  private static Batch batch(Backend backend, double[] values, int columns, Precision precision) {
    return NetworkEvaluations.batch(backend, values, columns, precision);
  }

  @ParameterizedTest
  @MethodSource("backends")
  void sumsOfIntegersAreExact(String name, Precision precision) {
    for (int threads : new int[] {1, 3}) {
      try (Backend tested = TestBackends.open(name, threads)) {
        for (int[] shape : SHAPES) {
          Random random = new Random(shape[1]);
          // None of them is 0, so that each is missed.
          Points points =
              Points.draw(
                  shape, () -> (1 + random.nextInt(1000)) * (random.nextBoolean() ? 1 : -1));
          double[] expected = new double[3];
          for (int e = 0; e < points.u.length; e++) {
            expected[0] += points.u[e] * points.x[e];
            expected[1] += points.u[e] * points.u[e];
          }
          expected[2] = DoubleStream.of(points.divergence).sum();
          assertThat(points.sums(tested, precision))
              .as("%d x %d, %d threads", shape[0], shape[1], threads)
              .isEqualTo(expected);
        }
      }
    }
  }

  @ParameterizedTest
  @MethodSource("backends")
  void sumsAreAccumulatedInFloat64(String name, Precision precision) {
    Points points = Points.normals(LARGE);
    BigDecimal[] expected = {BigDecimal.ZERO, BigDecimal.ZERO, BigDecimal.ZERO};
    double[] sizes = new double[3];
    for (int e = 0; e < points.u.length; e++) {
      BigDecimal u = new BigDecimal(points.u[e]);
      expected[0] = expected[0].add(u.multiply(new BigDecimal(points.x[e])));
      expected[1] = expected[1].add(u.multiply(u));
      sizes[0] += Math.abs(points.u[e] * points.x[e]);
      sizes[1] += points.u[e] * points.u[e];
    }
    for (double divergence : points.divergence) {
      expected[2] = expected[2].add(new BigDecimal(divergence));
      sizes[2] += Math.abs(divergence);
    }
    try (Backend tested = TestBackends.open(name, 2)) {
      double[] sums = points.sums(tested, precision);
      for (int s = 0; s < 3; s++) {
        assertThat(sums[s]).isCloseTo(expected[s].doubleValue(), within(0x1p-44 * sizes[s]));
      }
    }
  }

  @ParameterizedTest
  @MethodSource("backends")
  void bitsDependNeitherOnThreadsNorOnThePlace(String name, Precision precision) {
    Points points = Points.normals(LARGE);
    double[] sums;
    try (Backend one = TestBackends.open(name, 1)) {
      sums = points.sums(one, precision);
    }
    try (Backend three = TestBackends.open(name, 3);
        Batch x = three.allocate(LARGE[0] + 1, LARGE[1], precision);
        Batch u = three.allocate(LARGE[0] + 1, LARGE[1], precision);
        Batch divergence = three.allocate(LARGE[0] + 1, 1, precision);
        Batch view = three.allocate(1, 3, Precision.FLOAT64)) {
      for (int repeat = 0; repeat < 5; repeat++) {
        assertThat(points.sums(three, precision)).isEqualTo(sums);
      }
      x.slice(1, LARGE[0]).copyFrom(points.x);
      u.slice(1, LARGE[0]).copyFrom(points.u);
      divergence.slice(1, LARGE[0]).copyFrom(points.divergence);
      three.steinSums(
          x.slice(1, LARGE[0]), u.slice(1, LARGE[0]), divergence.slice(1, LARGE[0]), view);
      assertThat(view.toDoubleArray()).isEqualTo(sums);
    }
  }

  @ParameterizedTest
  @MethodSource("backends")
  void whatIsNoNumberGoesTheWayOfTheArithmetic(String name, Precision precision) {
    Points points = Points.normals(new int[] {1500, 3});
    try (Backend tested = TestBackends.open(name, 2)) {
      final double[] clean = points.sums(tested, precision);
      points.x[4000] = Double.NaN;
      assertThat(points.sums(tested, precision)).containsExactly(Double.NaN, clean[1], clean[2]);
      points.x[4000] = 0;
      points.u[4000] = Double.NEGATIVE_INFINITY;
      points.divergence[1499] = Double.POSITIVE_INFINITY;
      assertThat(points.sums(tested, precision))
          .containsExactly(Double.NaN, Double.POSITIVE_INFINITY, Double.POSITIVE_INFINITY);
    }
  }

  @ParameterizedTest
  @MethodSource("backends")
  void squaresOfLargeFloatsDoNotOverflow(String name, Precision precision) {
    double large = 1e30f;
    Points points =
        new Points(1, new double[] {1, -large}, new double[] {2, large}, new double[] {large, 0});
    try (Backend tested = TestBackends.open(name, 1)) {
      assertThat(points.sums(tested, precision))
          .containsExactly(-large * large, large * large, large);
    }
  }
}
