package org.fewstep.network;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import java.util.LinkedHashMap;
import java.util.Map;
import java.util.stream.Stream;
import org.fewstep.diffusion.Diffusion;
import org.fewstep.diffusion.Diffusions;
import org.fewstep.diffusion.OrnsteinUhlenbeck;
import org.fewstep.mixture.Covariance;
import org.fewstep.mixture.DiffusedMixture;
import org.fewstep.mixture.ExampleMixtures;
import org.fewstep.mixture.GaussianMixture;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/** Scores compiled at one time: their accuracy, measured by the kernels, and their size. */
class NetworkCompilerTest {

  private static final Diffusion PROCESS = new OrnsteinUhlenbeck();

  /** The float32 tolerance is one that float32 can just hold. */
  record Case(GaussianMixture mixture, double t, double float32Tolerance) {

    boolean isLarge() {
      return mixture.components() * mixture.dimension() > 500;
    }
  }

  private static final Map<String, Case> CASES = new LinkedHashMap<>();

  static {
    CASES.put("ring8", new Case(ExampleMixtures.named("ring8"), 0.01, 2e-4));
    CASES.put("grid16", new Case(ExampleMixtures.named("grid16?sigma=0.1"), 0.05, 1e-4));
    CASES.put("two modes", new Case(ExampleMixtures.named("two-modes"), 0.001, 5e-4));
    CASES.put("8-D", new Case(ExampleMixtures.named("gauss8d?sigma=0.1"), 0.1, 1e-4));
    CASES.put("diagonal 3 x 2", new Case(Mixtures.diagonal(3, 2), 0.05, 2e-5));
    CASES.put("full 5 x 3", new Case(Mixtures.full(5, 3), 0.05, 2e-5));
    CASES.put("isotropic 64 x 16", new Case(Mixtures.isotropic(64, 16, 0.1), 0.05, 3e-4));
    CASES.put("isotropic each 64 x 16", new Case(Mixtures.isotropicEach(64, 16), 0.05, 2e-4));
    CASES.put("diagonal 64 x 16", new Case(Mixtures.diagonal(64, 16), 0.05, 2e-4));
    CASES.put("full 64 x 16", new Case(Mixtures.full(64, 16), 0.05, 2e-4));
  }

  static Stream<String> cases() {
    return CASES.keySet().stream();
  }

  private static NetworkCompiler compiler(Case given, double tolerance) {
    return NetworkCompiler.of(given.mixture, PROCESS).withTolerance(tolerance);
  }

  @ParameterizedTest
  @MethodSource("cases")
  void theErrorIsWithinTheBoundAndTheSizeGrowsByAboutALayerPerDecade(String name) {
    Case given = CASES.get(name);
    DiffusedMixture diffused = DiffusedMixture.at(given.mixture, PROCESS, given.t);
    int step = given.isLarge() ? 5 : 1;
    int width = 0;
    int first = 0;
    int last = 0;
    for (int decade = 1; decade <= 6; decade += step) {
      double tolerance = Math.pow(10, -decade);
      CompiledScore score = compiler(given, tolerance).forFloat64().compile(given.t);
      double error =
          ScoreErrors.rootMeanSquare(
              score.network(), diffused, given.t, given.isLarge() ? 200 : 2000);
      assertThat(score.errorBound()).isLessThanOrEqualTo(0.5 * tolerance);
      assertThat(score.errorBound()).as("no layer too many").isGreaterThan(tolerance / 100);
      assertThat(error).isLessThanOrEqualTo(score.errorBound() + score.roundingError() + 1e-12);
      assertThat(score.roundingError()).isLessThan(1e-11);
      width = decade == 1 ? score.width() : width;
      assertThat(score.width()).as("width at every tolerance").isEqualTo(width);
      first = decade == 1 ? score.depth() : first;
      assertThat(score.depth()).isGreaterThanOrEqualTo(Math.max(first, last));
      last = score.depth();
    }
    assertThat((last - first) / 5.0).as("layers per decade").isBetween(0.5, 1.6);
  }

  @ParameterizedTest
  @MethodSource("cases")
  void theErrorInFloat32IsWithinTheTolerance(String name) {
    Case given = CASES.get(name);
    CompiledScore score = compiler(given, given.float32Tolerance).compile(given.t);
    DiffusedMixture diffused = DiffusedMixture.at(given.mixture, PROCESS, given.t);
    double error =
        ScoreErrors.rootMeanSquareInFloat(
            score.network(), diffused, given.t, given.isLarge() ? 200 : 2000);
    assertThat(error).isLessThanOrEqualTo(given.float32Tolerance);
    assertThat(score.float64()).isFalse();
    assertThat(score.roundingError()).isLessThanOrEqualTo(0.5 * given.float32Tolerance);
    assertThat(score.roundingError()).isGreaterThan(1e-8);
  }

  /** Depths and widths of a prototype of the construction, in numpy: none may be exceeded. */
  @Test
  void noNetworkIsDeeperOrWiderThanTheConstructionNeeds() {
    assertDepths("ring8", 44, 21, 22, 23, 23, 25, 26);
    assertDepths("grid16", 84, 21, 23, 24, 25, 27, 28);
    assertDepths("two modes", 14, 17, 18, 19, 19, 21, 22);
    assertDepths("8-D", 66, 21, 22, 23, 25, 25, 26);
  }

  private static void assertDepths(String name, int width, int... depths) {
    for (int decade = 1; decade <= depths.length; decade++) {
      Case given = CASES.get(name);
      CompiledScore score = compiler(given, Math.pow(10, -decade)).forFloat64().compile(given.t);
      assertThat(score.width()).as(name).isLessThanOrEqualTo(width);
      assertThat(score.depth()).as(name).isLessThanOrEqualTo(depths[decade - 1]);
      assertThat(score.parameters()).isEqualTo(score.network().parameters());
    }
  }

  @Test
  void sharedCovariancesKeepTheBoundHoweverFarOut() {
    GaussianMixture full =
        GaussianMixture.of(Mixtures.normals(6, 3, 5), Covariance.full(Mixtures.matrix(3, 6)));
    for (GaussianMixture mixture : new GaussianMixture[] {full, CASES.get("ring8").mixture}) {
      CompiledScore score =
          NetworkCompiler.of(mixture, PROCESS).withTolerance(1e-4).forFloat64().compile(0.02);
      assertThat(score.everywhere()).isTrue();
      DiffusedMixture diffused = DiffusedMixture.at(mixture, PROCESS, 0.02);
      for (double radius = 0.01; radius <= 1000; radius *= 1.2) {
        double[][] rows = Mixtures.normals(40, mixture.dimension(), 9);
        double[] points = new double[rows.length * mixture.dimension()];
        for (int i = 0; i < points.length; i++) {
          double[] row = rows[i / mixture.dimension()];
          points[i] = radius * row[i % mixture.dimension()] / Vectors.norm(row);
        }
        for (double error : ScoreErrors.at(score.network(), diffused, 0.02, points)) {
          assertThat(error).isLessThanOrEqualTo(score.errorBound() + 1e-9);
        }
      }
    }
  }

  @Test
  void theBoundIsInL2ForCovariancesOfTheirOwn() {
    CompiledScore score = compiler(CASES.get("full 5 x 3"), 1e-3).compile(0.05);
    assertThat(score.everywhere()).isFalse();
  }

  @Test
  void everyProcessIsCompiledAtAFixedTime() {
    GaussianMixture shared = ExampleMixtures.named("ring8?sigma=0.1");
    GaussianMixture separate = Mixtures.full(4, 2);
    for (Diffusion process : Diffusions.builtIn()) {
      for (GaussianMixture mixture : new GaussianMixture[] {shared, separate}) {
        CompiledScore score =
            NetworkCompiler.of(mixture, process).withTolerance(1e-5).forFloat64().compile(0.5);
        DiffusedMixture diffused = DiffusedMixture.at(mixture, process, 0.5);
        assertThat(ScoreErrors.rootMeanSquare(score.network(), diffused, 0.5, 500))
            .isLessThanOrEqualTo(score.errorBound());
        assertThat(score.network().process()).contains(process);
        assertThat(score.network().output()).isEqualTo(Network.Output.SCORE);
        assertThat(score.network().timeLow()).isEqualTo(0.5);
        assertThat(score.network().timeHigh()).isEqualTo(0.5);
      }
    }
  }

  @Test
  void oneComponentIsOneAffineLayer() {
    double[][] mean = {{3, -1, 2}};
    GaussianMixture mixture = GaussianMixture.of(mean, Covariance.full(Mixtures.matrix(3, 6)));
    CompiledScore score = NetworkCompiler.of(mixture, PROCESS).withTolerance(1e-3).compile(0.1);
    assertThat(score.depth()).isEqualTo(1);
    assertThat(score.errorBound()).isZero();
    DiffusedMixture diffused = DiffusedMixture.at(mixture, PROCESS, 0.1);
    assertThat(ScoreErrors.rootMeanSquare(score.network(), diffused, 0.1, 100)).isLessThan(1e-12);
  }

  @Test
  void componentsOfNoWeightAreLeftOut() {
    double[][] means = {{1, 0}, {50, 50}, {-1, 0}};
    double[] sigmas = {0.2, 0.9, 0.2};
    GaussianMixture mixture =
        GaussianMixture.of(new double[] {2, 0, 1}, means, Covariance.isotropic(sigmas));
    CompiledScore score = NetworkCompiler.of(mixture, PROCESS).compile(0.1);
    assertThat(score.everywhere()).as("the two that are left share a covariance").isTrue();
    GaussianMixture two =
        GaussianMixture.of(
            new double[] {2, 1}, new double[][] {{1, 0}, {-1, 0}}, Covariance.isotropic(0.2));
    assertThat(score.parameters())
        .isEqualTo(NetworkCompiler.of(two, PROCESS).compile(0.1).parameters());
    DiffusedMixture diffused = DiffusedMixture.at(mixture, PROCESS, 0.1);
    assertThat(ScoreErrors.rootMeanSquare(score.network(), diffused, 0.1, 500)).isLessThan(1e-3);
    GaussianMixture alone =
        GaussianMixture.of(new double[] {1, 0, 0}, means, Covariance.isotropic(sigmas));
    assertThat(NetworkCompiler.of(alone, PROCESS).compile(0.1).depth()).isEqualTo(1);
  }

  @Test
  void componentsThatAreAllTheSameAreOne() {
    GaussianMixture mixture =
        GaussianMixture.of(new double[][] {{1, 2}, {1, 2}}, Covariance.isotropic(0.3));
    assertThat(NetworkCompiler.of(mixture, PROCESS).compile(0.1).depth()).isEqualTo(1);
  }

  @Test
  void dataPointsAreCompiledOnceThereIsNoise() {
    GaussianMixture points = ExampleMixtures.named("moons");
    CompiledScore score =
        NetworkCompiler.of(points, PROCESS).withTolerance(1e-5).forFloat64().compile(0.01);
    DiffusedMixture diffused = DiffusedMixture.at(points, PROCESS, 0.01);
    assertThat(ScoreErrors.rootMeanSquare(score.network(), diffused, 0.01, 1000))
        .isLessThanOrEqualTo(1e-5);
  }

  @Test
  void layersAreSparse() {
    Network network = compiler(CASES.get("isotropic 64 x 16"), 1e-2).compile(0.05).network();
    long dense = network.shape().parameters();
    assertThat(network.parameters()).isLessThan(dense / 20);
  }

  @Test
  void theSampleOfTheCheckIsTheMixture() {
    Case given = CASES.get("full 5 x 3");
    DiffusedMixture diffused = DiffusedMixture.at(given.mixture, PROCESS, given.t);
    double[] points = ScoreErrors.draws(diffused, 4000);
    double[] scores = ScoreErrors.scores(diffused, points);
    ScoreSample sample = new ScoreSample(diffused, 1);
    // E[score] = 0 and E[x_i score_j] = -1 if i = j else 0, for x from p_t.
    double[][] moments = new double[3][4];
    for (int i = 0; i < points.length; i += 3) {
      double[] x = {points[i], points[i + 1], points[i + 2]};
      double[] score = sample.score(x);
      for (int j = 0; j < 3; j++) {
        assertThat(score[j]).isEqualTo(scores[i + j], within(1e-9));
        moments[j][3] += score[j] / 4000;
        for (int k = 0; k < 3; k++) {
          moments[j][k] += score[j] * x[k] / 4000;
        }
      }
    }
    for (int j = 0; j < 3; j++) {
      for (int k = 0; k < 4; k++) {
        assertThat(moments[j][k]).isBetween((j == k ? -1 : 0) - 0.25, (j == k ? -1 : 0) + 0.25);
      }
    }
  }
}
