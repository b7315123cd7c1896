package org.fewstep.grid;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;
import static org.assertj.core.api.Assertions.within;

import java.util.Arrays;
import java.util.List;
import java.util.Random;
import java.util.function.DoubleUnaryOperator;
import org.ejml.data.DMatrixRMaj;
import org.fewstep.diffusion.Diffusion;
import org.fewstep.diffusion.Diffusions;
import org.fewstep.diffusion.OrnsteinUhlenbeck;
import org.fewstep.diffusion.VarianceExploding;
import org.fewstep.diffusion.VariancePreserving;
import org.fewstep.mixture.Covariance;
import org.fewstep.mixture.ExampleMixtures;
import org.fewstep.mixture.GaussianMixture;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.MethodSource;
import org.junit.jupiter.params.provider.ValueSource;

class StabilityBoundsTest {

  private static final Diffusion OU = new OrnsteinUhlenbeck();

  static Diffusion[] processes() {
    return Diffusions.builtIn().toArray(Diffusion[]::new);
  }

  private static double randomTime(Diffusion process, Random random) {
    double least = Math.log(process.defaultEnd());
    return Math.exp(least + (Math.log(process.defaultStart()) - least) * random.nextDouble());
  }

  private static double distance(double[] x, double[] y) {
    double square = 0;
    for (int i = 0; i < x.length; i++) {
      square += (x[i] - y[i]) * (x[i] - y[i]);
    }
    return Math.sqrt(square);
  }

  /** What the bounds are tested against is itself tested against differences of the velocity. */
  @ParameterizedTest
  @MethodSource("processes")
  void theExactJacobianIsTheDerivativeOfTheVelocity(Diffusion process) {
    Random random = new Random(5);
    for (int round = 0; round < 40; round++) {
      ExactFlow flow = ExactFlow.random(random);
      double t = process.defaultStart() * (0.3 + 0.7 * random.nextDouble());
      double[] x = flow.point(process, t, random);
      DMatrixRMaj jacobian = flow.jacobian(process, t, x);
      double size = 1 + Arrays.stream(jacobian.data).map(Math::abs).max().orElseThrow();
      double step = 1e-5 * process.scale(t);
      for (int j = 0; j < x.length; j++) {
        double[] right = x.clone();
        right[j] += step;
        double[] left = x.clone();
        left[j] -= step;
        double[] above = flow.velocity(process, t, right);
        double[] below = flow.velocity(process, t, left);
        for (int i = 0; i < x.length; i++) {
          assertThat((above[i] - below[i]) / (2 * step))
              .isCloseTo(jacobian.get(i, j), within(1e-5 * size));
        }
      }
    }
  }

  @ParameterizedTest
  @MethodSource("processes")
  void noEigenvalueOfTheJacobianEverLeavesTheBounds(Diffusion process) {
    Random random = new Random(7);
    int checked = 0;
    double closest = Double.POSITIVE_INFINITY;
    for (int round = 0; round < 250; round++) {
      ExactFlow flow = ExactFlow.random(random);
      StabilityBounds bounds = StabilityBounds.of(flow.mixture(), process);
      for (int moment = 0; moment < 5; moment++) {
        double t = randomTime(process, random);
        double lower = bounds.lower(t);
        double upper = bounds.upper(t);
        double rounding = 1e-8 * Math.max(Math.abs(lower), Math.abs(upper)) + 1e-12;
        for (int sample = 0; sample < 8; sample++) {
          double[] x = flow.point(process, t, random);
          if (distance(x, bounds.centre(t)) > bounds.radius(t)) {
            continue;
          }
          double[] eigenvalues = ExactFlow.eigenvalues(flow.jacobian(process, t, x));
          double least = eigenvalues[0];
          double largest = eigenvalues[eigenvalues.length - 1];
          double trace = Arrays.stream(eigenvalues).sum();
          assertThat(least).isGreaterThanOrEqualTo(lower - rounding);
          assertThat(largest).isLessThanOrEqualTo(upper + rounding);
          assertThat(trace)
              .isBetween(
                  bounds.divergenceLower(t) - 4 * rounding,
                  bounds.divergenceUpper(t) + 4 * rounding);
          assertThat(Math.max(Math.abs(least), Math.abs(largest)))
              .isLessThanOrEqualTo(bounds.lipschitz(t) + rounding);
          closest = Math.min(closest, (upper - largest) / Math.abs(upper));
          checked++;
        }
      }
    }
    assertThat(checked).isGreaterThan(8000);
    assertThat(closest).as("the upper bound is met within a mode").isLessThan(1e-9);
  }

  /** Half-way between two modes the lower bound is attained: it cannot be improved. */
  @ParameterizedTest
  @MethodSource("processes")
  void theBoundsAreTightHalfWayBetweenTwoModes(Diffusion process) {
    ExactFlow flow = ExactFlow.isotropic(new double[] {1, 1}, new double[][] {{-1}, {1}}, 0.05);
    StabilityBounds bounds = StabilityBounds.of(flow.mixture(), process);
    for (double t : new double[] {process.defaultEnd(), 0.03, 0.2}) {
      double least = ExactFlow.eigenvalues(flow.jacobian(process, t, new double[1]))[0];
      assertThat(bounds.lower(t)).isCloseTo(least, within(1e-9 * Math.abs(least)));
      assertThat(bounds.logNorm(t)).isEqualTo(-bounds.lower(t));
      assertThat(bounds.global()).isTrue();
      assertThat(bounds.radius(t)).isInfinite();
    }
  }

  /** The reference values come from quadrature of the definition on a fine grid in log t. */
  @ParameterizedTest
  @CsvSource({
    "ring8, 441.5, 441.5",
    "ring8?sigma=0.1, 164.4, 164.4",
    "two-modes?sigma=0.1, 42.2, 42.1",
    "bimodal, 108.5, 108.4",
  })
  void integralsOfTheKnownMixtures(String name, double lipschitz, double logNorm) {
    FlowMapBounds map = StabilityBounds.of(ExampleMixtures.named(name), OU).between(1e-3, 3);
    assertThat(map.integratedLipschitz()).isCloseTo(lipschitz, within(0.051));
    assertThat(map.integratedLogNorm()).isCloseTo(logNorm, within(0.051));
  }

  @Test
  void integralsAreThoseOfThePointwiseBounds() {
    Random random = new Random(11);
    for (int round = 0; round < 60; round++) {
      ExactFlow flow = ExactFlow.random(random);
      Diffusion process = processes()[round % 4];
      StabilityBounds bounds = StabilityBounds.of(flow.mixture(), process);
      double end = 10 * process.defaultEnd();
      double start = process.defaultStart() / 2;
      FlowMapBounds map = bounds.between(end, start);
      check(map.integratedLipschitz(), bounds::lipschitz, end, start);
      check(map.integratedLogNorm(), bounds::logNorm, end, start);
      check(map.integratedUpper(), bounds::upper, end, start);
      check(map.integratedDivergenceLower(), bounds::divergenceLower, end, start);
      check(map.integratedDivergenceUpper(), bounds::divergenceUpper, end, start);
    }
  }

  private static void check(
      double integral, DoubleUnaryOperator density, double end, double start) {
    int cells = 2000;
    double width = Math.log(start / end) / cells;
    double sum = 0;
    double size = 0;
    for (int i = 0; i <= cells; i++) {
      double t = i == cells ? start : end * Math.exp(i * width);
      double weight = i == 0 || i == cells ? 1 : i % 2 == 0 ? 2 : 4;
      double value = density.applyAsDouble(t) * t * weight * width / 3;
      sum += value;
      size += Math.abs(value);
    }
    assertThat(integral).isCloseTo(sum, within(1e-4 * size + 1e-12));
  }

  @Test
  void integralsAddUpOverIntervals() {
    StabilityBounds bounds = StabilityBounds.of(ExampleMixtures.named("moons"), OU);
    FlowMapBounds whole = bounds.between(1e-3, 3);
    FlowMapBounds low = bounds.between(1e-3, 0.1);
    FlowMapBounds high = bounds.between(0.1, 3);
    assertThat(low.integratedLipschitz() + high.integratedLipschitz())
        .isCloseTo(whole.integratedLipschitz(), within(1e-8 * whole.integratedLipschitz()));
    assertThat(low.integratedLogNorm() + high.integratedLogNorm())
        .isCloseTo(whole.integratedLogNorm(), within(1e-10 * whole.integratedLogNorm()));
    assertThat(bounds.between(0.5, 0.5).largestSingularValue()).isEqualTo(1);
  }

  /** One Gaussian: the flow is linear and known, x_s = x_t s_s/s_t about the mean. */
  @ParameterizedTest
  @MethodSource("processes")
  void theMapOfOneGaussianIsBoundedByItself(Diffusion process) {
    double sigma = 0.3;
    GaussianMixture mixture =
        GaussianMixture.of(new double[][] {{1, -2, 0.5}}, Covariance.isotropic(sigma));
    double end = process.defaultEnd();
    double start = process.defaultStart();
    FlowMapBounds map = StabilityBounds.of(mixture, process).between(end, start);
    double factor =
        Math.hypot(process.alpha(end) * sigma, process.sigma(end))
            / Math.hypot(process.alpha(start) * sigma, process.sigma(start));
    assertThat(map.largestSingularValue()).isCloseTo(factor, within(1e-12));
    assertThat(map.smallestSingularValue()).isCloseTo(factor, within(1e-12));
    assertThat(map.logVolumeLower()).isCloseTo(3 * Math.log(factor), within(1e-12));
    assertThat(map.logVolumeUpper()).isCloseTo(3 * Math.log(factor), within(1e-12));
    assertThat(map.lipschitzConstant()).isCloseTo(1 / factor, within(1e-8 / factor));
  }

  @Test
  void pathsPartNoFasterThanTheMapsBound() {
    Random random = new Random(3);
    for (int round = 0; round < 30; round++) {
      ExactFlow flow = ExactFlow.random(random);
      StabilityBounds bounds = StabilityBounds.of(flow.mixture(), OU);
      if (!bounds.global()) {
        continue;
      }
      double[] x = flow.point(OU, 1, random);
      double[] y = flow.point(OU, 1, random);
      double apart = distance(x, y);
      FlowMapBounds map = bounds.between(0.3, 1);
      double ratio = distance(descend(flow, x, 1, 0.3), descend(flow, y, 1, 0.3)) / apart;
      assertThat(ratio)
          .isBetween(
              map.smallestSingularValue() * (1 - 1e-6), map.largestSingularValue() * (1 + 1e-6));
    }
  }

  private static double[] descend(ExactFlow flow, double[] from, double start, double end) {
    int steps = 200;
    double h = (end - start) / steps;
    double[] x = from.clone();
    for (int step = 0; step < steps; step++) {
      double t = start + step * h;
      double[] k1 = flow.velocity(OU, t, x);
      double[] k2 = flow.velocity(OU, t + h / 2, moved(x, k1, h / 2));
      double[] k3 = flow.velocity(OU, t + h / 2, moved(x, k2, h / 2));
      double[] k4 = flow.velocity(OU, t + h, moved(x, k3, h));
      for (int i = 0; i < x.length; i++) {
        x[i] += h / 6 * (k1[i] + 2 * k2[i] + 2 * k3[i] + k4[i]);
      }
    }
    return x;
  }

  private static double[] moved(double[] x, double[] slope, double h) {
    double[] next = x.clone();
    for (int i = 0; i < next.length; i++) {
      next[i] += h * slope[i];
    }
    return next;
  }

  /**
   * diag(1, 2) against diag(2, 1) about one mean: |J| grows with |x| and no global bound exists.
   */
  @Test
  void differentCovariancesAreBoundedOnABall() {
    GaussianMixture mixture =
        GaussianMixture.of(
            new double[][] {{0, 0}, {0, 0}}, Covariance.diagonal(new double[][] {{1, 2}, {2, 1}}));
    StabilityBounds bounds = StabilityBounds.of(mixture, OU);
    assertThat(bounds.global()).isFalse();
    assertThat(bounds.radius(0.1)).isBetween(Math.sqrt(2) + 6, 2 * (Math.sqrt(2) + 6));
    assertThat(StabilityBounds.of(mixture, OU, 60).logNorm(0.1))
        .isGreaterThan(10 * bounds.logNorm(0.1));
  }

  /** Where the two share a point on the ball's edge evenly, their scores are Gamma apart. */
  @Test
  void theBoundForDifferentCovariancesIsMetOnTheEdgeOfTheBall() {
    double[][][] matrices = {{{1, 0}, {0, 2}}, {{2, 0}, {0, 1}}};
    ExactFlow flow =
        new ExactFlow(
            new double[] {1, 1},
            new double[2][2],
            matrices,
            Covariance.diagonal(new double[][] {{1, 2}, {2, 1}}));
    for (Covariance covariance : List.of(flow.compact(), Covariance.full(matrices))) {
      StabilityBounds bounds =
          StabilityBounds.of(flow.mixture().withCovariance(covariance), OU, 60);
      double t = 0.1;
      double edge = bounds.radius(t) / Math.sqrt(2);
      double least = ExactFlow.eigenvalues(flow.jacobian(OU, t, new double[] {edge, edge}))[0];
      // The full kind bounds the norm of a difference of inverses by its Frobenius norm or by its
      // eigenvalues, whichever is smaller; here the latter is exact.
      assertThat(bounds.lower(t)).isBetween(1.001 * least, least);
    }
  }

  @Test
  void equalCovariancesAreEqualHoweverTheyAreGiven() {
    double[][] means = {{-1, 0}, {1, 0.5}};
    double[][] matrix = {{0.02, 0.01}, {0.01, 0.03}};
    assertSameBounds(means, Covariance.isotropic(0.2), Covariance.isotropic(new double[] {.2, .2}));
    assertSameBounds(
        means, Covariance.full(matrix), Covariance.full(new double[][][] {matrix, matrix}));
  }

  private static void assertSameBounds(double[][] means, Covariance one, Covariance two) {
    StabilityBounds first = StabilityBounds.of(GaussianMixture.of(means, one), OU);
    StabilityBounds second = StabilityBounds.of(GaussianMixture.of(means, two), OU);
    assertThat(second.global()).isTrue();
    assertThat(second.lower(0.1)).isEqualTo(first.lower(0.1));
  }

  @Test
  void componentsWithoutWeightDoNotCount() {
    double[][] means = {{0}, {1}, {100}};
    Covariance sigmas = Covariance.isotropic(new double[] {0.5, 0.5, 7});
    StabilityBounds bounds =
        StabilityBounds.of(GaussianMixture.of(new double[] {1, 1, 0}, means, sigmas), OU);
    StabilityBounds expected =
        StabilityBounds.of(
            GaussianMixture.of(new double[][] {{0}, {1}}, Covariance.isotropic(0.5)), OU);
    assertThat(bounds.global()).isTrue();
    assertThat(bounds.lower(0.5)).isEqualTo(expected.lower(0.5));
    assertThat(bounds.upper(0.5)).isEqualTo(expected.upper(0.5));
  }

  /** Looser bounds serve where pairs of components are too many; they must still be bounds. */
  @Test
  void manyComponentsAreBoundedFromAbove() {
    Random random = new Random(2);
    int count = 400;
    double[][] means = new double[count][3];
    double[][] variances = new double[count][];
    for (int k = 0; k < count; k++) {
      Arrays.setAll(means[k], i -> random.nextGaussian());
      variances[k] = random.doubles(3, 0.01, 0.02).toArray();
    }
    GaussianMixture shared = GaussianMixture.of(means, Covariance.diagonal(variances[0]));
    assertAboveEveryPair(shared, StabilityBounds.of(shared, OU), means, variances, true);
    GaussianMixture varying = GaussianMixture.of(means, Covariance.diagonal(variances));
    assertAboveEveryPair(varying, StabilityBounds.of(varying, OU), means, variances, false);
  }

  private static void assertAboveEveryPair(
      GaussianMixture mixture,
      StabilityBounds bounds,
      double[][] means,
      double[][] variances,
      boolean shared) {
    double t = 0.01;
    for (int j = 0; j < mixture.components(); j += 13) {
      for (int k = 0; k < j; k += 7) {
        double[][] pair = {means[j], means[k]};
        double[][] pairVariances = {variances[shared ? 0 : j], variances[shared ? 0 : k]};
        GaussianMixture two = GaussianMixture.of(pair, Covariance.diagonal(pairVariances));
        assertThat(bounds.lower(t)).isLessThanOrEqualTo(StabilityBounds.of(two, OU, 3).lower(t));
      }
    }
  }

  /** Over all pairs this would be hours; the limit is wide, for machines that are busy. */
  @ParameterizedTest
  @ValueSource(booleans = {true, false})
  @Timeout(60)
  void veryManyComponentsTakeNoMinutes(boolean shared) {
    Random random = new Random(4);
    double[][] points = new double[shared ? 100_000 : 20_000][8];
    for (double[] point : points) {
      Arrays.setAll(point, i -> random.nextGaussian());
    }
    Covariance covariance =
        shared
            ? Covariance.isotropic(0.1)
            : Covariance.isotropic(random.doubles(points.length, 0.1, 0.11).toArray());
    StabilityBounds bounds = StabilityBounds.of(GaussianMixture.of(points, covariance), OU);
    assertThat(bounds.between(1e-3, 3).integratedLogNorm()).isGreaterThan(100);
  }

  @Test
  void extremeTimesStayFinite() {
    StabilityBounds bounds = StabilityBounds.of(ExampleMixtures.named("ring8"), OU);
    assertThat(bounds.lipschitz(1e6)).isZero();
    assertThat(bounds.lipschitz(0)).isFinite().isPositive();
    FlowMapBounds far = bounds.between(0, 1e6);
    assertThat(far.integratedLipschitz())
        .isCloseTo(bounds.between(0, 100).integratedLipschitz(), within(1e-6));
    StabilityBounds exploding =
        StabilityBounds.of(ExampleMixtures.named("ring8"), new VarianceExploding());
    assertThat(exploding.lower(0)).isZero();
    assertThat(exploding.between(0, 80).integratedLipschitz()).isFinite().isPositive();
  }

  @Test
  void badInputIsRefusedByName() {
    GaussianMixture ring = ExampleMixtures.named("ring8");
    GaussianMixture points = ExampleMixtures.named("ring8?sigma=0");
    StabilityBounds bounds = StabilityBounds.of(ring, new VariancePreserving());
    assertThatIllegalArgumentException()
        .isThrownBy(() -> StabilityBounds.of(ring, OU, -1))
        .withMessage("deviations must be finite and >= 0, but is -1.0");
    assertThatIllegalArgumentException()
        .isThrownBy(() -> StabilityBounds.of(ring, OU, Double.NaN))
        .withMessageContaining("deviations");
    assertThatIllegalArgumentException()
        .isThrownBy(() -> bounds.lower(1.5))
        .withMessageContaining("t must lie in [0, 1.0] for the process vp, but is 1.5");
    assertThatIllegalArgumentException()
        .isThrownBy(() -> bounds.between(Double.NaN, 1))
        .withMessageContaining("end must lie in");
    assertThatIllegalArgumentException()
        .isThrownBy(() -> bounds.between(0.5, 0.4))
        .withMessage("end must not lie above start = 0.4, but is 0.5");
    assertThatIllegalArgumentException()
        .isThrownBy(() -> StabilityBounds.of(points, OU).between(0, 1))
        .withMessageContaining("end must be > 0 for a mixture with a singular covariance")
        .withMessageContaining("take 0.001");
  }
}
