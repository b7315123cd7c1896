package org.fewstep.backend.vector;

import static org.assertj.core.api.Assertions.assertThat;

import java.lang.foreign.MemorySegment;
import java.util.Arrays;
import java.util.Random;
import java.util.stream.Stream;
import org.fewstep.backend.Allocation;
import org.fewstep.mixture.Covariance;
import org.fewstep.mixture.GaussianMixture;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/** The blocked kernel against the textbook form in float64 and against plain differences. */
@Tag("widths")
class FloatBlockedValueTest {

  /** A mixture at a time, and points of it. */
  record Case(String kind, int dimension, int components, int rows, double squarePerDimension) {

    MixtureTime time() {
      Random random = new Random(31L * dimension + components);
      double alpha = 0.7;
      double norm = 4;
      double lambda = alpha * alpha * norm * norm / (squarePerDimension * dimension);
      double[] weights = random.doubles(components, 0.1, 1).toArray();
      double[][] means = new double[components][];
      for (int k = 0; k < components; k++) {
        means[k] = random.doubles(dimension, -1, 1).toArray();
        double length = Math.sqrt(Arrays.stream(means[k]).map(m -> m * m).sum());
        means[k] = Arrays.stream(means[k]).map(m -> 3 + m * norm / length).toArray();
      }
      double variance = 0.3 * lambda / (alpha * alpha);
      return new MixtureTime(
          GaussianMixture.of(weights, means, covariance(random, variance)), alpha, 0.7 * lambda);
    }

    private Covariance covariance(Random random, double variance) {
      return switch (kind) {
        case "shared" -> Covariance.isotropic(Math.sqrt(variance));
        case "isotropic" ->
            Covariance.isotropic(
                random.doubles(components, 0.5, 1.5).map(s -> s * Math.sqrt(variance)).toArray());
        case "diagonal" ->
            Covariance.diagonal(random.doubles(dimension, 0.5, 2).map(s -> s * variance).toArray());
        default -> throw new IllegalArgumentException(kind);
      };
    }

    /** Points of a component, and every other one between two of them. */
    float[] points(MixtureTime time) {
      Random random = new Random(7);
      float[] x = new float[rows * dimension];
      for (int i = 0; i < rows; i++) {
        int k = random.nextInt(components);
        int other = i % 2 == 0 ? k : random.nextInt(components);
        for (int j = 0; j < dimension; j++) {
          double centre = 0.5 * (time.mean(k, j) + time.mean(other, j));
          double deviation = Math.sqrt(time.eigenvalue(k, j));
          x[i * dimension + j] = (float) (centre + deviation * random.nextGaussian());
        }
      }
      return x;
    }
  }

  static Stream<Case> cases() {
    return Stream.of("shared", "isotropic", "diagonal")
        .flatMap(
            kind ->
                Stream.of(
                    new Case(kind, 16, 7, 13, 0.5),
                    new Case(kind, 9, 2, 5, 0.3),
                    new Case(kind, 5, 1, 1, 0.3),
                    new Case(kind, 17, 31, 100, 0.5),
                    new Case(kind, 64, 257, 59, 1.5),
                    new Case(kind, 257, 101, 37, 1.5),
                    new Case(kind, 19, 4099, 7, 0.5)));
  }

  /** What the kernel wrote. */
  record Result(
      float[] logDensity, float[] score, float[] mean, float[] responsibilities, int outside) {

    static Result of(MixtureTime time, float[] x) {
      int rows = x.length / time.mixture().dimension();
      FloatBlockedMeans means = new FloatBlockedMeans(time.mixture());
      FloatBlockedMixture mixture = new FloatBlockedMixture(means, time);
      FloatBlockedScratch scratch = new FloatBlockedScratch(means);
      Result result =
          new Result(
              new float[rows],
              new float[x.length],
              new float[x.length],
              new float[rows * time.mixture().components()],
              0);
      int outside = 0;
      for (int row = 0; row < rows; row += scratch.rows()) {
        outside +=
            FloatBlockedValue.evaluate(
                mixture,
                scratch,
                MemorySegment.ofArray(x),
                row,
                Math.min(scratch.rows(), rows - row),
                MemorySegment.ofArray(result.logDensity),
                MemorySegment.ofArray(result.score),
                MemorySegment.ofArray(result.mean),
                MemorySegment.ofArray(result.responsibilities));
      }
      return new Result(
          result.logDensity, result.score, result.mean, result.responsibilities, outside);
    }
  }

  @ParameterizedTest
  @MethodSource("cases")
  void errsAtMostTwiceAsMuchAsPlainDifferences(Case test) {
    MixtureTime time = test.time();
    float[] x = test.points(time);
    Differences truth = Differences.inDouble(time, x);
    Differences plain = Differences.inFloat(time, x);
    Result result = Result.of(time, x);

    assertThat(FloatBlockedMixture.accurate(time)).isTrue();
    assertThat(result.outside).isZero();
    assertNear("log-density", result.logDensity, plain.logDensity, truth.logDensity, x.length);
    int d = test.dimension;
    assertNear("score", result.score, plain.score, truth.score, d);
    assertNear("posterior mean", result.mean, plain.mean, truth.mean, d);
    assertNear(
        "responsibilities",
        result.responsibilities,
        plain.responsibilities,
        truth.responsibilities,
        test.components);
  }

  /** Compares the worst rows; errors are relative to the largest entry of a row. */
  private static void assertNear(
      String what, float[] actual, double[] plain, double[] truth, int columns) {
    double error = Differences.largestError(Differences.widened(actual), truth, columns);
    double allowed = 2 * Differences.largestError(plain, truth, columns) + 0x1p-22;
    assertThat(error).as("error of the %s", what).isLessThanOrEqualTo(allowed);
  }

  @ParameterizedTest
  @MethodSource("cases")
  void givesARowTheSameBitsInEveryBatch(Case test) {
    MixtureTime time = test.time();
    float[] x = test.points(time);
    Result together = Result.of(time, x);
    int d = test.dimension;
    for (int row = 0; row < test.rows; row += 3) {
      float[] point = Arrays.copyOfRange(x, row * d, (row + 1) * d);
      Result alone = Result.of(time, point);
      assertThat(alone.score).isEqualTo(Arrays.copyOfRange(together.score, row * d, (row + 1) * d));
      assertThat(alone.mean).isEqualTo(Arrays.copyOfRange(together.mean, row * d, (row + 1) * d));
      assertThat(alone.logDensity[0]).isEqualTo(together.logDensity[row]);
    }
  }

  @Test
  void leavesPointsOutsideTheRadiusAndNotNumbersToDifferences() {
    Case test = new Case("shared", 16, 40, 20, 1);
    MixtureTime time = test.time();
    float[] x = test.points(time);
    float[] clean = Result.of(time, x).score;
    x[3 * 16 + 5] = Float.NaN;
    x[8 * 16] = Float.POSITIVE_INFINITY;
    x[19 * 16 + 15] = 1e6f;
    Result result = Result.of(time, x);
    assertThat(result.outside).isEqualTo(3);
    for (int row = 0; row < 20; row++) {
      boolean left = row == 3 || row == 8 || row == 19;
      float[] expected = left ? new float[16] : Arrays.copyOfRange(clean, row * 16, row * 16 + 16);
      assertThat(Arrays.copyOfRange(result.score, row * 16, row * 16 + 16)).isEqualTo(expected);
    }
  }

  @Test
  void namesTheRowsThatItLeaves() {
    Case test = new Case("isotropic", 16, 40, 10, 1);
    MixtureTime time = test.time();
    float[] x = test.points(time);
    x[7 * 16] = Float.NaN;
    FloatBlockedMeans means = new FloatBlockedMeans(time.mixture());
    FloatBlockedScratch scratch = new FloatBlockedScratch(means);
    int count =
        FloatBlockedValue.evaluate(
            new FloatBlockedMixture(means, time),
            scratch,
            MemorySegment.ofArray(x),
            4,
            6,
            null,
            MemorySegment.ofArray(new float[x.length]),
            null,
            null);
    assertThat(count).isEqualTo(1);
    assertThat(scratch.outside(0)).isEqualTo(3);
  }

  @Test
  void ignoresComponentsWithoutWeight() {
    double[][] means = {{1, 0}, {50, 50}, {-1, 0}};
    Covariance covariance = Covariance.isotropic(0.5);
    double[] weights = {0.5, 0, 0.5};
    MixtureTime three = new MixtureTime(GaussianMixture.of(weights, means, covariance), 1, 0.5);
    MixtureTime two =
        new MixtureTime(
            GaussianMixture.of(new double[][] {means[0], means[2]}, covariance), 1, 0.5);
    float[] x = {0.25f, -1, 1, 1};
    Result result = Result.of(three, x);
    assertThat(result.score).isEqualTo(Result.of(two, x).score);
    assertThat(result.responsibilities[1]).isZero();
  }

  @Test
  void asksForDifferencesAtLowNoiseWhateverThePoints() {
    MixtureTime noisy = new Case("shared", 64, 100, 1, 2.5).time();
    MixtureTime sharp = new Case("shared", 64, 100, 1, 4).time();
    assertThat(FloatBlockedMixture.accurate(noisy)).isTrue();
    assertThat(FloatBlockedMixture.accurate(sharp)).isFalse();
  }

  @Test
  void supportsWhatHasAnExpandedForm() {
    double[][] means = {{0, 1}, {1, 0}};
    double[][] matrix = {{1, 0}, {0, 1}};
    assertThat(supports(means, Covariance.isotropic(1))).isTrue();
    assertThat(supports(means, Covariance.isotropic(new double[] {1, 2}))).isTrue();
    assertThat(supports(means, Covariance.diagonal(new double[] {1, 2}))).isTrue();
    assertThat(supports(means, Covariance.diagonal(matrix))).isFalse();
    assertThat(supports(means, Covariance.full(matrix))).isFalse();
  }

  @Test
  void leavesSmallAndSharpMixturesToDifferences() {
    assertThat(FloatBlockedMixture.of(new Case("shared", 32, 32, 1, 1).time())).isNotNull();
    assertThat(FloatBlockedMixture.of(new Case("shared", 4, 1000, 1, 1).time())).isNull();
    assertThat(FloatBlockedMixture.of(new Case("shared", 32, 31, 1, 1).time())).isNull();
    assertThat(FloatBlockedMixture.of(new Case("shared", 32, 32, 1, 9).time())).isNull();
  }

  private static boolean supports(double[][] means, Covariance covariance) {
    return FloatBlockedMixture.supports(GaussianMixture.of(means, covariance));
  }

  @Test
  void writesOverItsPoints() {
    Case test = new Case("shared", 33, 50, 40, 1);
    MixtureTime time = test.time();
    float[] x = test.points(time);
    float[] expected = Result.of(time, x).score;
    FloatBlockedMeans means = new FloatBlockedMeans(time.mixture());
    FloatBlockedMixture mixture = new FloatBlockedMixture(means, time);
    MemorySegment memory = MemorySegment.ofArray(x);
    FloatBlockedScratch scratch = new FloatBlockedScratch(means);
    for (int row = 0; row < 40; row += 6) {
      int rows = Math.min(6, 40 - row);
      FloatBlockedValue.evaluate(mixture, scratch, memory, row, rows, null, memory, null, null);
    }
    assertThat(x).isEqualTo(expected);
  }

  @Test
  void allocatesNothing() {
    Case test = new Case("shared", 64, 64, 24, 1);
    MixtureTime time = test.time();
    FloatBlockedMeans means = new FloatBlockedMeans(time.mixture());
    FloatBlockedMixture mixture = new FloatBlockedMixture(means, time);
    FloatBlockedScratch scratch = new FloatBlockedScratch(means);
    MemorySegment x = MemorySegment.ofArray(test.points(time));
    MemorySegment score = MemorySegment.ofArray(new float[24 * 64]);
    Runnable call =
        () -> FloatBlockedValue.evaluate(mixture, scratch, x, 0, 24, null, score, null, null);
    // The JIT may take its time where cores are busy; until it is done, vectors are boxed.
    double allocated = Double.POSITIVE_INFINITY;
    for (int round = 0; round < 20 && allocated >= 64; round++) {
      allocated = Allocation.perCall("none", 5_000, call);
    }
    assertThat(allocated).isLessThan(64);
  }
}
