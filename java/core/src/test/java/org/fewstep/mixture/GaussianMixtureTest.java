package org.fewstep.mixture;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import java.lang.reflect.Proxy;
import org.assertj.core.api.ThrowableAssert.ThrowingCallable;
import org.fewstep.diffusion.Diffusion;
import org.fewstep.diffusion.OrnsteinUhlenbeck;
import org.fewstep.diffusion.VarianceExploding;
import org.junit.jupiter.api.Test;

class GaussianMixtureTest {

  private static final double[][] MEANS = {{-1, 0}, {1, 2}};
  private static final Covariance ROUND = Covariance.isotropic(0.5);

  private static void refused(String message, ThrowingCallable call) {
    assertThatThrownBy(call)
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageContaining(message);
  }

  @Test
  void weightsAreNormalised() {
    GaussianMixture mixture = GaussianMixture.of(new double[] {1, 3}, MEANS, ROUND);
    assertThat(mixture.weight(0)).isEqualTo(0.25);
    assertThat(mixture.weight(1)).isEqualTo(0.75);
    assertThat(GaussianMixture.of(MEANS, ROUND).weight(1)).isEqualTo(0.5);
    // Neither overflow nor underflow of the sum.
    for (double scale : new double[] {1e308, 1e-320}) {
      GaussianMixture extreme = GaussianMixture.of(new double[] {scale, scale}, MEANS, ROUND);
      assertThat(extreme.weight(0)).isEqualTo(0.5);
    }
    assertThat(GaussianMixture.of(new double[] {0, 2}, MEANS, ROUND).weight(0)).isZero();
  }

  @Test
  void badWeightsAreRefused() {
    refused(
        "weights must have one entry per mean (2), but has 3",
        () -> GaussianMixture.of(new double[3], MEANS, ROUND));
    refused(
        "weights must have a positive sum, but all are 0",
        () -> GaussianMixture.of(new double[2], MEANS, ROUND));
    for (double bad : new double[] {-1, Double.NaN, Double.POSITIVE_INFINITY}) {
      refused(
          "weights[1] must be finite and >= 0, but is " + bad,
          () -> GaussianMixture.of(new double[] {1, bad}, MEANS, ROUND));
    }
  }

  @Test
  void badMeansAreRefused() {
    refused("means must not be empty", () -> GaussianMixture.of(new double[0][], ROUND));
    refused("means[0] must not be empty", () -> GaussianMixture.of(new double[1][0], ROUND));
    refused(
        "means must have rows of one length, but row 0 has 2 and row 1 has 3",
        () -> GaussianMixture.of(new double[][] {{1, 2}, {1, 2, 3}}, ROUND));
    refused(
        "means[1][0] must be finite, but is NaN",
        () -> GaussianMixture.of(new double[][] {{1, 2}, {Double.NaN, 2}}, ROUND));
  }

  @Test
  void covariancesThatDoNotFitAreRefused() {
    refused(
        "covariance must be shared or have one entry per mean (2), but has 3",
        () -> GaussianMixture.of(MEANS, Covariance.isotropic(new double[3])));
    refused(
        "covariance must have the dimension of the means (2), but has 3",
        () -> GaussianMixture.of(MEANS, Covariance.diagonal(new double[3])));
    refused(
        "covariance must have the dimension of the means (2), but has 1",
        () -> GaussianMixture.of(MEANS, Covariance.full(new double[][] {{1}})));
  }

  @Test
  void badSigmasAreRefused() {
    for (double bad : new double[] {-1, Double.NaN, Double.POSITIVE_INFINITY}) {
      refused("sigma must be finite and >= 0, but is " + bad, () -> Covariance.isotropic(bad));
      refused(
          "sigma[1] must be finite and >= 0, but is " + bad,
          () -> Covariance.isotropic(new double[] {1, bad}));
      refused(
          "bandwidth must be finite and >= 0, but is " + bad,
          () -> GaussianMixture.empirical(MEANS, bad));
    }
    refused("sigma must not be empty", () -> Covariance.isotropic(new double[0]));
    refused("sigma must have a finite square", () -> Covariance.isotropic(1e200));
  }

  @Test
  void badVariancesAreRefused() {
    refused(
        "variances[1][0] must be finite and >= 0, but is -0.5",
        () -> Covariance.diagonal(new double[][] {{1, 2}, {-0.5, 1}}));
    refused(
        "variances must have rows of one length",
        () -> Covariance.diagonal(new double[][] {{1, 2}, {1}}));
    refused("variances must not be empty", () -> Covariance.diagonal(new double[0][]));
    refused("variances[0] must not be empty", () -> Covariance.diagonal(new double[0]));
  }

  @Test
  void badMatricesAreRefused() {
    refused(
        "matrices[0] must be symmetric, but entry [1][0] is 0.5 and [0][1] is 0.25",
        () -> Covariance.full(new double[][] {{1, 0.25}, {0.5, 1}}));
    refused(
        "matrices[0] must have no negative eigenvalue",
        () -> Covariance.full(new double[][] {{1, 2}, {2, 1}}));
    refused(
        "matrices[0][0][1] must be finite, but is NaN",
        () -> Covariance.full(new double[][] {{1, Double.NaN}, {0, 1}}));
    refused(
        "matrices[1] must be 2 by 2 like the first one, but is 1 by 1",
        () -> Covariance.full(new double[][][] {{{1, 0}, {0, 1}}, {{1}}}));
    refused(
        "matrices[0] must be 2 by 2", () -> Covariance.full(new double[][] {{1, 0, 0}, {0, 1, 0}}));
    refused("matrices must not be empty", () -> Covariance.full(new double[0][][]));
    refused("matrices[0] must not be empty", () -> Covariance.full(new double[0][]));
  }

  @Test
  void asymmetryOfRoundingIsTaken() {
    Covariance covariance = Covariance.full(new double[][] {{1, 0.5 + 1e-14}, {0.5, 1}});
    assertThat(covariance.smallestEigenvalue()).isCloseTo(0.5, within(1e-13));
    assertThat(covariance.largestEigenvalue()).isCloseTo(1.5, within(1e-13));
  }

  @Test
  void eigenvectorsDiagonaliseTheMatrix() {
    double[][] matrix = {{2, 0.5, -0.3}, {0.5, 1, 0.2}, {-0.3, 0.2, 0.7}};
    var full = (FullCovariance) Covariance.full(matrix);
    for (int i = 0; i < 3; i++) {
      for (int j = 0; j < 3; j++) {
        double entry = 0;
        double product = 0;
        for (int l = 0; l < 3; l++) {
          entry += full.eigenvector(0, i, l) * full.eigenvalue(0, l) * full.eigenvector(0, j, l);
          product += full.eigenvector(0, l, i) * full.eigenvector(0, l, j);
        }
        assertThat(entry).isCloseTo(matrix[i][j], within(1e-14));
        assertThat(product).isCloseTo(i == j ? 1 : 0, within(1e-14));
      }
    }
    assertThat(full.eigenvalue(7, 0)).isEqualTo(full.eigenvalue(0, 0));
  }

  @Test
  void singularCovariancesAreKnownAsSuch() {
    assertThat(Covariance.isotropic(0).singular()).isTrue();
    assertThat(Covariance.isotropic(new double[] {1, 0}).singular()).isTrue();
    assertThat(Covariance.diagonal(new double[] {1, 0}).singular()).isTrue();
    assertThat(ROUND.singular()).isFalse();
    // Of rank one; the decomposition leaves a rest of rounding, of either sign.
    double[][] matrix = new double[7][7];
    for (int i = 0; i < 7; i++) {
      for (int j = 0; j < 7; j++) {
        matrix[i][j] = Math.sin(i + 1) * Math.sin(j + 1);
      }
    }
    assertThat(Covariance.full(matrix).singular()).isTrue();
    assertThat(Covariance.full(new double[3][3]).singular()).isTrue();
    assertThat(Covariance.full(new double[][] {{1, 0}, {0, 1e-10}}).singular()).isFalse();
  }

  @Test
  void argumentsAreCopied() {
    double[][] means = {{1, 2}};
    double[] weights = {2};
    double[][] variances = {{1, 4}};
    GaussianMixture mixture = GaussianMixture.of(weights, means, Covariance.diagonal(variances));
    means[0][0] = 9;
    weights[0] = 9;
    variances[0][0] = 9;
    assertThat(mixture.mean(0, 0)).isOne();
    assertThat(mixture.weight(0)).isOne();
    assertThat(mixture.covariance().eigenvalue(0, 0)).isOne();
    assertThat(mixture.covariance().largestEigenvalue()).isEqualTo(4);
  }

  @Test
  void aMixtureTellsItsSize() {
    GaussianMixture mixture = GaussianMixture.empirical(MEANS, 0.5);
    assertThat(mixture.components()).isEqualTo(2);
    assertThat(mixture.dimension()).isEqualTo(2);
    assertThat(mixture.largestMeanNorm()).isEqualTo(Math.sqrt(5));
    assertThat(mixture.sharedSigma()).contains(0.5);
    GaussianMixture wider = mixture.withCovariance(Covariance.diagonal(new double[] {1, 2}));
    assertThat(wider.sharedSigma()).isEmpty();
    assertThat(wider.mean(1, 1)).isEqualTo(2);
    assertThat(wider)
        .hasToString("GaussianMixture[components=2, dimension=2, DiagonalCovariance (shared)]");
  }

  @Test
  void theConstantsOfATimeAreThoseOfOrnsteinUhlenbeck() {
    GaussianMixture mixture =
        GaussianMixture.of(
            new double[] {1, 3, 0},
            new double[][] {{0, 0}, {1, 1}, {2, 2}},
            Covariance.isotropic(new double[] {0.5, 1, 2}));
    DiffusedMixture at = DiffusedMixture.at(mixture, new OrnsteinUhlenbeck(), 0.7);
    assertThat(at.scale()).isOne();
    assertThat(at.a() * at.a() + at.b()).isCloseTo(1, within(1e-15));
    assertThat(at.eigenvalue(0, 1)).isEqualTo(at.a() * at.a() * 0.25 + at.b());
    assertThat(at.smallestEigenvalue()).isEqualTo(at.eigenvalue(0, 0));
    assertThat(at.largestEigenvalue()).isEqualTo(at.eigenvalue(2, 0));
    assertThat(at.logNormaliser(0))
        .isCloseTo(Math.log(0.25) - Math.log(at.eigenvalue(0, 0)), within(1e-14));
    assertThat(at.logNormaliser(2)).isEqualTo(Double.NEGATIVE_INFINITY);
    DiffusedMixture exploded = DiffusedMixture.at(mixture, new VarianceExploding(), 3);
    assertThat(exploded.scale()).isEqualTo(Math.sqrt(10));
    assertThat(exploded.a()).isCloseTo(1 / Math.sqrt(10), within(1e-15));
  }

  @Test
  void timesThatMakeNoDensityAreRefused() {
    GaussianMixture points = GaussianMixture.empirical(MEANS, 0);
    GaussianMixture smooth = GaussianMixture.of(MEANS, ROUND);
    var ou = new OrnsteinUhlenbeck();
    refused(
        "t must be > 0 for a mixture with a singular covariance",
        () -> DiffusedMixture.at(points, ou, 0));
    refused("t must be > 0", () -> DiffusedMixture.at(points, ou, 1e-310));
    refused("t must lie in [0, Infinity]", () -> DiffusedMixture.at(smooth, ou, -1));
    refused("t must lie in", () -> DiffusedMixture.at(smooth, ou, Double.NaN));
    refused(
        "t must lie in [0, 80.0]", () -> DiffusedMixture.at(smooth, new VarianceExploding(), 81));
    assertThat(DiffusedMixture.at(points, ou, 1e-300).smallestEigenvalue()).isPositive();
    assertThat(DiffusedMixture.at(smooth, ou, 0).eigenvalue(0, 0)).isEqualTo(0.25);
    assertThat(DiffusedMixture.at(smooth, ou, Double.POSITIVE_INFINITY).a()).isZero();
  }

  /** A process that a user got wrong is told so, rather than giving NaN everywhere. */
  @Test
  void processesWithoutNumbersAreRefused() {
    Diffusion broken =
        (Diffusion)
            Proxy.newProxyInstance(
                getClass().getClassLoader(),
                new Class<?>[] {Diffusion.class},
                (proxy, method, arguments) ->
                    switch (method.getName()) {
                      case "name" -> "broken";
                      case "requireTime" -> null;
                      default -> Double.NaN;
                    });
    refused(
        "the process broken must have a finite scale > 0",
        () -> DiffusedMixture.at(GaussianMixture.of(MEANS, ROUND), broken, 1));
  }
}
