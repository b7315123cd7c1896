package org.fewstep.network;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;
import static org.assertj.core.api.Assertions.assertThatIllegalStateException;

import java.util.List;
import java.util.stream.Stream;
import org.fewstep.diffusion.Diffusion;
import org.fewstep.diffusion.OrnsteinUhlenbeck;
import org.fewstep.diffusion.VarianceExploding;
import org.fewstep.diffusion.VariancePreserving;
import org.fewstep.mixture.Covariance;
import org.fewstep.mixture.DiffusedMixture;
import org.fewstep.mixture.ExampleMixtures;
import org.fewstep.mixture.GaussianMixture;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/** Scores compiled over an interval of time. */
class TimeInputTest {

  private static final Diffusion OU = new OrnsteinUhlenbeck();

  record Case(
      String name,
      GaussianMixture mixture,
      Diffusion process,
      double low,
      double high,
      int pieces,
      double float32Tolerance) {

    NetworkCompiler compiler(double tolerance) {
      return NetworkCompiler.of(mixture, process).withTolerance(tolerance);
    }

    DiffusedMixture at(double t) {
      return DiffusedMixture.at(mixture, process, t);
    }

    @Override
    public String toString() {
      return name;
    }
  }

  static Stream<Case> cases() {
    GaussianMixture ring = ExampleMixtures.named("ring8");
    GaussianMixture one = GaussianMixture.of(new double[][] {{1, 2}}, Covariance.isotropic(0.1));
    return Stream.of(
        new Case("ring", ExampleMixtures.named("ring8?sigma=0.1"), OU, 0.01, 3, 3, 3e-4),
        new Case("two modes", ExampleMixtures.named("two-modes"), OU, 0.001, 1, 5, 1e-3),
        new Case("8-D", ExampleMixtures.named("gauss8d"), OU, 0.05, 3, 2, 2e-4),
        new Case("data points", ExampleMixtures.named("moons"), OU, 0.001, 3, 5, 0.1),
        new Case("wide", ExampleMixtures.named("ring8?sigma=2"), OU, 0, 3, 1, 1e-5),
        new Case("stationary", ExampleMixtures.named("ring8?sigma=1"), OU, 0, 8, 1, 1e-5),
        new Case("one component", one, OU, 0.001, 3, 4, 1e-4),
        new Case("vp", ring, new VariancePreserving(), 1e-3, 1, 5, 2e-3),
        new Case("ve", ring, new VarianceExploding(), 0, 80, 11, 2e-3));
  }

  @ParameterizedTest
  @MethodSource("cases")
  void theErrorIsWithinTheBoundAtEveryTime(Case given) {
    for (double tolerance : new double[] {1e-1, 1e-3, 1e-6}) {
      CompiledScore score = given.compiler(tolerance).forFloat64().compile(given.low, given.high);
      assertThat(score.errorBound()).isLessThanOrEqualTo(0.5 * tolerance);
      for (Network piece : score.pieces()) {
        for (double share : new double[] {0, 0.03, 0.5, 1}) {
          double t = Math.min(piece.timeLow() + share * duration(piece), piece.timeHigh());
          assertThat(ScoreErrors.rootMeanSquare(piece, given.at(t), t, 300))
              .as("at %s", t)
              .isLessThanOrEqualTo(score.errorBound() + score.roundingError() + 1e-12);
        }
      }
    }
  }

  private static double duration(Network piece) {
    return piece.timeHigh() - piece.timeLow();
  }

  @ParameterizedTest
  @MethodSource("cases")
  void theErrorInFloat32IsWithinTheTolerance(Case given) {
    CompiledScore score = given.compiler(given.float32Tolerance).compile(given.low, given.high);
    for (Network piece : score.pieces()) {
      for (double share : new double[] {0.01, 0.4}) {
        double t = piece.timeLow() + share * duration(piece);
        assertThat(ScoreErrors.rootMeanSquareInFloat(piece, given.at(t), t, 300))
            .as("at %s", t)
            .isLessThanOrEqualTo(given.float32Tolerance);
      }
    }
  }

  @ParameterizedTest
  @MethodSource("cases")
  void piecesTileTheIntervalFromNoiseToDataAndNoneSpansTooMuch(Case given) {
    List<Network> pieces = given.compiler(0.1).compile(given.low, given.high).pieces();
    assertThat(pieces).hasSize(given.pieces);
    assertThat(pieces.get(0).timeHigh()).isEqualTo(given.high);
    assertThat(pieces.get(pieces.size() - 1).timeLow()).isEqualTo(given.low);
    for (int i = 0; i < pieces.size(); i++) {
      Network piece = pieces.get(i);
      if (i > 0) {
        assertThat(piece.timeHigh()).isEqualTo(pieces.get(i - 1).timeLow());
      }
      assertThat(piece.takesTime()).isTrue();
      assertThat(piece.inputs()).isEqualTo(given.mixture.dimension());
      assertThat(piece.process()).contains(given.process);
      double ratio = variance(given, piece.timeHigh()) / variance(given, piece.timeLow());
      assertThat(Math.max(ratio, 1 / ratio)).isLessThan(4.001);
    }
  }

  private static double variance(Case given, double t) {
    DiffusedMixture diffused = given.at(t);
    return diffused.smallestEigenvalue() * diffused.scale() * diffused.scale();
  }

  @ParameterizedTest
  @MethodSource("cases")
  void theWidthIsConstantAndTheDepthGrowsByAboutALayerPerDecade(Case given) {
    CompiledScore coarse = given.compiler(1e-1).forFloat64().compile(given.low, given.high);
    CompiledScore fine = given.compiler(1e-6).forFloat64().compile(given.low, given.high);
    assertThat(fine.width()).isEqualTo(coarse.width());
    assertThat(fine.pieces()).hasSameSizeAs(coarse.pieces());
    // Two exponentials deepen, that of the time and those of the logits.
    assertThat((fine.depth() - coarse.depth()) / 5.0).isBetween(0.5, 2.5);
    assertThat(fine.parameters()).isGreaterThan(coarse.parameters());
  }

  @Test
  void thePieceOfATimeIsFound() {
    Case given = cases().findFirst().orElseThrow();
    CompiledScore score = given.compiler(0.1).compile(0.01, 3);
    double seam = score.pieces().get(0).timeLow();
    assertThat(score.at(3)).isSameAs(score.pieces().get(0));
    assertThat(score.at(seam)).isSameAs(score.pieces().get(0));
    assertThat(score.at(Math.nextDown(seam))).isSameAs(score.pieces().get(1));
    assertThat(score.at(0.01)).isSameAs(score.pieces().get(2));
    assertThatIllegalArgumentException()
        .isThrownBy(() -> score.at(3.5))
        .withMessageContaining("t must lie in [0.01, 3.0]")
        .withMessageContaining("3.5");
    assertThatIllegalStateException().isThrownBy(score::network).withMessageContaining("3 pieces");
  }
}
