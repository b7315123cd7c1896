package org.fewstep.backend;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.function.Consumer;
import java.util.stream.Stream;
import org.assertj.core.data.Offset;
import org.fewstep.diffusion.OrnsteinUhlenbeck;
import org.fewstep.diffusion.VariancePreserving;
import org.fewstep.mixture.Covariance;
import org.fewstep.mixture.DiffusedMixture;
import org.fewstep.mixture.GaussianMixture;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;

/** The evaluation of mixtures by every backend, against the scalar one in float64. */
@Tag("widths")
class MixtureParityTest {

  private static final List<DrawnCase> CASES = DrawnCase.all();

  /** One for each kind, about as large as kernels treat apart: low dimension, blocks, tails. */
  private static final List<DrawnCase> SMALL =
      List.of(
          DrawnCase.small("isotropic", true, 2, 8),
          DrawnCase.small("isotropic", false, 3, 7),
          DrawnCase.small("isotropic", true, 17, 33),
          DrawnCase.small("isotropic", false, 40, 5),
          DrawnCase.small("diagonal", true, 2, 3),
          DrawnCase.small("diagonal", false, 19, 6),
          DrawnCase.small("full", true, 5, 4),
          DrawnCase.small("full", false, 2, 3),
          DrawnCase.small("full", false, 18, 3));

  private static List<Map<String, double[]>> references;
  private static Backend scalar;

  static Stream<Arguments> backends() {
    return TestBackends.names()
        .flatMap(name -> Stream.of(Precision.values()).map(p -> Arguments.of(name, p)));
  }

  @BeforeAll
  static void evaluateReferences() {
    scalar = TestBackends.open("scalar", 2);
    references = CASES.stream().map(MixtureParityTest::reference).toList();
  }

  @AfterAll
  static void close() {
    scalar.close();
  }

  private static Map<String, double[]> reference(DrawnCase drawn) {
    return Evaluations.at(
        scalar, drawn.diffused(), drawn.x(), drawn.direction(), Precision.FLOAT64);
  }

  /** Runs a check on all cases and tells of all that fail. */
  private static void forAll(List<DrawnCase> cases, Consumer<DrawnCase> check) {
    List<String> failures = new ArrayList<>();
    for (DrawnCase drawn : cases) {
      try {
        check.accept(drawn);
      } catch (AssertionError e) {
        failures.add(e.getMessage());
      }
    }
    assertThat(failures).isEmpty();
  }

  @ParameterizedTest
  @MethodSource("backends")
  void everyShapeIsAsNearAsArithmeticAllows(String name, Precision precision) {
    try (Backend tested = TestBackends.open(name, 1)) {
      forAll(
          CASES,
          drawn ->
              ParityChecks.accuracy(
                  tested, drawn, references.get(CASES.indexOf(drawn)), precision));
    }
  }

  @ParameterizedTest
  @MethodSource("backends")
  void everySubsetOfTheOutputsCanBeHad(String name, Precision precision) {
    try (Backend tested = TestBackends.open(name, 1)) {
      forAll(
          SMALL,
          drawn ->
              ParityChecks.subsets(
                  tested, drawn, reference(drawn), precision, name.equals("scalar")));
    }
  }

  @ParameterizedTest
  @MethodSource("backends")
  void rowsStandAlone(String name, Precision precision) {
    try (Backend tested = TestBackends.open(name, 1)) {
      forAll(SMALL, drawn -> ParityChecks.rowsStandAlone(tested, drawn, precision));
    }
  }

  @ParameterizedTest
  @MethodSource("backends")
  void badRowsStandAlone(String name, Precision precision) {
    try (Backend tested = TestBackends.open(name, 1)) {
      forAll(SMALL, drawn -> ParityChecks.badRowsStandAlone(tested, drawn, precision));
    }
  }

  @ParameterizedTest
  @MethodSource("backends")
  void theNumberOfThreadsChangesNoBit(String name, Precision precision) {
    try (Backend one = TestBackends.open(name, 1)) {
      for (int threads : new int[] {2, 3, 7}) {
        try (Backend other = TestBackends.open(name, threads)) {
          forAll(SMALL, drawn -> ParityChecks.sameBits(one, other, many(drawn), precision));
        }
      }
    }
  }

  /** The case with its rows repeated, so that there is something to split. */
  private static DrawnCase many(DrawnCase drawn) {
    int times = 2000 / drawn.rows() / drawn.mixture().dimension() + 1;
    return new DrawnCase(
        drawn.name(),
        drawn.mixture(),
        drawn.process(),
        drawn.t(),
        repeat(drawn.x(), times),
        repeat(drawn.direction(), times));
  }

  private static double[] repeat(double[] values, int times) {
    double[] repeated = new double[values.length * times];
    for (int i = 0; i < times; i++) {
      System.arraycopy(values, 0, repeated, i * values.length, values.length);
    }
    return repeated;
  }

  @ParameterizedTest
  @MethodSource("backends")
  void noRowsIsNoWork(String name, Precision precision) {
    try (Backend tested = TestBackends.open(name, 2)) {
      for (DrawnCase drawn : SMALL) {
        Map<String, double[]> results =
            Evaluations.at(tested, drawn.diffused(), new double[0], new double[0], precision);
        assertThat(results).hasSize(Evaluations.QUANTITIES.size());
        assertThat(results.values()).allSatisfy(values -> assertThat(values).isEmpty());
      }
    }
  }

  @ParameterizedTest
  @MethodSource("backends")
  void anOutputMayBeTheInput(String name, Precision precision) {
    try (Backend tested = TestBackends.open(name, 2)) {
      for (DrawnCase drawn : SMALL) {
        Map<String, double[]> apart =
            Evaluations.at(tested, drawn.diffused(), drawn.x(), drawn.direction(), precision);
        for (String quantity : List.of("score", "posterior-mean", "jvp")) {
          Map<String, double[]> within =
              Evaluations.run(
                  tested,
                  drawn.mixture(),
                  drawn.x(),
                  drawn.direction(),
                  precision,
                  Set.of("divergence"),
                  (x, outputs) -> {
                    try (Batch direction = tested.allocate(x.rows(), x.columns(), precision)) {
                      direction.copyFrom(drawn.direction());
                      MixtureOutputs inPlace = Evaluations.with(outputs, quantity, x, direction);
                      tested.mixture(drawn.diffused(), x, inPlace);
                      tested.synchronize();
                      ParityChecks.requireSame(
                          drawn + " in place", quantity, x.toDoubleArray(), apart.get(quantity));
                    }
                  });
          ParityChecks.requireSame(drawn + " with " + quantity + " in place", within, apart);
        }
      }
    }
  }

  @ParameterizedTest
  @MethodSource("backends")
  void memoryOfUsersNeedNotBeAligned(String name, Precision precision) {
    DrawnCase drawn = SMALL.get(2);
    int d = drawn.mixture().dimension();
    int n = drawn.rows();
    try (Backend tested = TestBackends.open(name, 2);
        Arena arena = Arena.ofShared()) {
      assumeTrue(TestBackends.worksOnTheHost(tested));
      Map<String, double[]> expected =
          Evaluations.at(tested, drawn.diffused(), drawn.x(), drawn.direction(), precision);
      long size = (long) n * d * precision.bytes();
      MemorySegment memory = arena.allocate(2 * size + 64, 64);
      try (Batch x = Batch.wrap(memory.asSlice(1, size), n, d, precision);
          Batch score = Batch.wrap(memory.asSlice(size + 3, size), n, d, precision);
          Batch heap =
              precision == Precision.FLOAT32
                  ? Batch.wrap(new float[n * d], d)
                  : Batch.wrap(new double[n * d], d)) {
        x.copyFrom(drawn.x());
        tested.mixture(drawn.diffused(), x, MixtureOutputs.none().withScore(score));
        heap.copyFrom(drawn.x());
        tested.mixture(drawn.diffused(), heap, MixtureOutputs.none().withScore(heap));
        // A subset of the outputs may be rounded otherwise, but the two must be the same.
        ParityChecks.requireSame(
            "unaligned and heap", "score", score.toDoubleArray(), heap.toDoubleArray());
        ParityChecks.requireNear(drawn, Map.of("score", heap.toDoubleArray()), expected, precision);
      }
    }
  }

  @ParameterizedTest
  @MethodSource("backends")
  void aTimePerRowIsLikeOneTimeForAll(String name, Precision precision) {
    aTimePerRowIsLikeOneTimeForAll(name, precision, Set.copyOf(Evaluations.QUANTITIES));
    aTimePerRowIsLikeOneTimeForAll(
        name, precision, Set.of("log-density", "score", "posterior-mean", "divergence"));
  }

  private static void aTimePerRowIsLikeOneTimeForAll(
      String name, Precision precision, Set<String> wanted) {
    double[] times = {0.2, 1e-3, 3, Double.NaN, -1, 0.7, Double.POSITIVE_INFINITY, 0.2, 1.5};
    var vp = new VariancePreserving();
    try (Backend tested = TestBackends.open(name, 2)) {
      for (DrawnCase drawn : SMALL) {
        int d = drawn.mixture().dimension();
        for (var process : List.of(new OrnsteinUhlenbeck(), vp)) {
          int n = times.length;
          double[] x = Arrays.copyOf(repeat(drawn.x(), n), n * d);
          double[] u = Arrays.copyOf(repeat(drawn.direction(), n), n * d);
          Map<String, double[]> results =
              Evaluations.run(
                  tested,
                  drawn.mixture(),
                  x,
                  u,
                  precision,
                  wanted,
                  (points, outputs) -> {
                    try (Batch t = tested.allocate(n, 1, Precision.FLOAT64)) {
                      t.copyFrom(times);
                      tested.mixture(drawn.mixture(), process, t, points, outputs);
                      tested.synchronize();
                    }
                  });
          for (int row = 0; row < n; row++) {
            Map<String, double[]> values = Evaluations.row(results, row, drawn.mixture());
            if (!(times[row] >= 0 && times[row] <= process.maxTime())) {
              ParityChecks.requireNaN(drawn + " at t = " + times[row], values);
              continue;
            }
            DrawnCase one =
                new DrawnCase(
                    drawn + " at t = " + times[row],
                    drawn.mixture(),
                    process,
                    times[row],
                    Evaluations.row(x, row, d),
                    Evaluations.row(u, row, d));
            ParityChecks.requireNear(one, values, reference(one), precision);
          }
        }
      }
    }
  }

  @ParameterizedTest
  @MethodSource("backends")
  void aSingularMixtureAtTimeZeroIsNaNInThatRow(String name, Precision precision) {
    GaussianMixture points =
        GaussianMixture.of(new double[][] {{0, 1}, {2, 3}}, Covariance.isotropic(0));
    try (Backend tested = TestBackends.open(name, 1);
        Batch times = tested.allocate(2, 1, Precision.FLOAT64)) {
      TestBackends.set(times, 1, 0, 0.5);
      Map<String, double[]> results =
          Evaluations.run(
              tested,
              points,
              new double[] {0, 1, 0, 1},
              new double[4],
              precision,
              Set.copyOf(Evaluations.QUANTITIES),
              (x, outputs) -> tested.mixture(points, new OrnsteinUhlenbeck(), times, x, outputs));
      ParityChecks.requireNaN("t = 0", Evaluations.row(results, 0, points));
      assertThat(results.get("log-density")[1]).isFinite();
    }
  }

  @ParameterizedTest
  @MethodSource("backends")
  void extremesAreWhatTheyShouldBe(String name, Precision precision) {
    GaussianMixture mixture =
        GaussianMixture.of(
            new double[] {0.25, 0.75, 0},
            new double[][] {{-1, 0}, {1, 0.5}, {5, 5}},
            Covariance.isotropic(new double[] {0.1, 0.5, 9}));
    Offset<Double> rounding = within(precision == Precision.FLOAT32 ? 0x1p-23 : 0x1p-52);
    try (Backend tested = TestBackends.open(name, 1)) {
      // At a time when nothing is left of the data, the posterior mean is the mixture's.
      Map<String, double[]> late =
          Evaluations.at(
              tested,
              DiffusedMixture.at(mixture, new OrnsteinUhlenbeck(), 2000),
              new double[] {0.5, -1},
              new double[] {1, 2},
              precision);
      assertThat(late.get("posterior-mean")).containsExactly(new double[] {0.5, 0.375}, rounding);
      assertThat(late.get("score")).containsExactly(new double[] {-0.5, 1}, rounding);
      assertThat(late.get("jvp")).containsExactly(new double[] {-1, -2}, rounding);
      assertThat(late.get("responsibilities"))
          .containsExactly(new double[] {0.25, 0.75, 0}, rounding);
      // So far away that squares overflow: the density is zero, and the widest mode takes all.
      double far = precision == Precision.FLOAT32 ? 0x1p100 : 0x1p1000;
      Map<String, double[]> away =
          Evaluations.at(
              tested,
              DiffusedMixture.at(mixture, new OrnsteinUhlenbeck(), 0.5),
              new double[] {far, 0, -far, 0},
              new double[4],
              precision);
      assertThat(away.get("log-density")).containsOnly(Double.NEGATIVE_INFINITY);
      assertThat(away.get("responsibilities")).containsExactly(0, 1, 0, 0, 1, 0);
      assertThat(away.get("score")[0]).isNegative().isFinite();
    }
  }

  @ParameterizedTest
  @MethodSource("backends")
  void oneComponentIsAGaussian(String name, Precision precision) {
    GaussianMixture mixture =
        GaussianMixture.of(new double[][] {{1, -2}}, Covariance.isotropic(0.5));
    try (Backend tested = TestBackends.open(name, 1)) {
      Map<String, double[]> results =
          Evaluations.at(
              tested,
              DiffusedMixture.at(mixture, new OrnsteinUhlenbeck(), 0),
              new double[] {1, -2, 2, 0},
              new double[] {1, 0, 0, 1},
              precision);
      assertThat(results.get("responsibilities")).containsExactly(1, 1);
      assertThat(results.get("score")).containsExactly(0, 0, -4, -8);
      assertThat(results.get("divergence")).containsExactly(-8, -8);
      assertThat(results.get("jvp")).containsExactly(-4, 0, 0, -4);
      assertThat(results.get("posterior-mean")).containsExactly(1, -2, 2, 0);
    }
  }
}
