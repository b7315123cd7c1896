package org.fewstep.grid;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import java.util.Arrays;
import java.util.stream.IntStream;
import org.fewstep.backend.Backend;
import org.fewstep.backend.BackendOptions;
import org.fewstep.backend.Backends;
import org.fewstep.diffusion.Diffusion;
import org.fewstep.diffusion.Diffusions;
import org.fewstep.diffusion.OrnsteinUhlenbeck;
import org.fewstep.mixture.Covariance;
import org.fewstep.mixture.ExampleMixtures;
import org.fewstep.mixture.GaussianMixture;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.MethodSource;

class TypicalGridTest {

  private static final Diffusion OU = new OrnsteinUhlenbeck();
  private static final int SEEDS = 12;

  private static Backend backend;

  @BeforeAll
  static void open() {
    backend = Backends.named("scalar", BackendOptions.defaults().withThreads(1));
  }

  @AfterAll
  static void close() {
    backend.close();
  }

  static Diffusion[] processes() {
    return Diffusions.builtIn().toArray(Diffusion[]::new);
  }

  private static TimeGrid grid(GaussianMixture mixture, Diffusion process, long seed) {
    double start = process.defaultStart();
    return TimeGrids.typical(mixture, process, start, process.defaultEnd(), 8, backend, seed);
  }

  private static TimeGrid[] grids(GaussianMixture mixture) {
    return IntStream.range(0, SEEDS)
        .mapToObj(seed -> grid(mixture, OU, seed))
        .toArray(TimeGrid[]::new);
  }

  /** The reference values come from an independent Monte Carlo in another language. */
  @ParameterizedTest
  @CsvSource({
    "ring8, 2.81",
    "ring8?sigma=0.1, 2.32",
    "two-modes?sigma=0.1, 2.26",
    "bimodal, 2.42",
  })
  void totalsOfTheKnownMixtures(String name, double expected) {
    double mean =
        Arrays.stream(grids(ExampleMixtures.named(name)))
            .mapToDouble(grid -> grid.cumulative(8))
            .average()
            .orElseThrow();
    assertThat(mean).isCloseTo(expected, within(0.01 * expected));
  }

  @Test
  void theSameSeedGivesTheSameBitsOnAnyNumberOfThreads() {
    GaussianMixture ring = ExampleMixtures.named("ring8");
    TimeGrid grid = grid(ring, OU, 42);
    assertThat(grid(ring, OU, 42)).isEqualTo(grid);
    assertThat(grid(ring, OU, 43)).isNotEqualTo(grid);
    try (Backend other = Backends.named("scalar", BackendOptions.defaults().withThreads(3))) {
      assertThat(TimeGrids.typical(ring, OU, 3, 1e-3, 8, other, 42)).isEqualTo(grid);
    }
  }

  @ParameterizedTest
  @CsvSource({
    "ring8, 0.03",
    "two-modes, 0.03",
    "bimodal, 0.03",
    "gauss8d, 0.05",
  })
  void knotsMoveLittleBetweenSeeds(String name, double deviation) {
    TimeGrid[] grids = grids(ExampleMixtures.named(name));
    for (int knot = 1; knot < 8; knot++) {
      int i = knot;
      double[] logs = Arrays.stream(grids).mapToDouble(grid -> Math.log(grid.knot(i))).toArray();
      double mean = Arrays.stream(logs).average().orElseThrow();
      double square =
          Arrays.stream(logs).map(log -> (log - mean) * (log - mean)).average().orElseThrow();
      assertThat(Math.sqrt(square)).as("knot %d", knot).isLessThan(deviation);
    }
  }

  /** In one dimension the mean of |J| is an integral over x, done here by the trapezoidal rule. */
  @ParameterizedTest
  @MethodSource("processes")
  void inOneDimensionTheKnotsAreThoseOfQuadratureOverSpace(Diffusion process) {
    ExactFlow flow =
        ExactFlow.isotropic(new double[] {0.7, 0.3}, new double[][] {{-1}, {1.5}}, 0.2);
    double start = process.defaultStart();
    double end = process.defaultEnd();
    double[] parts = new double[9];
    TimeGrid typical = grid(flow.mixture(), process, 7);
    double total = 0;
    for (int part = 0; part < 8; part++) {
      double from = Math.log(typical.knot(part + 1));
      double to = Math.log(typical.knot(part));
      int cells = 40;
      for (int i = 0; i <= cells; i++) {
        double weight = i == 0 || i == cells ? 1 : i % 2 == 0 ? 2 : 4;
        double t = Math.clamp(Math.exp(from + (to - from) * i / cells), end, start);
        parts[part] += weight * (to - from) / cells / 3 * t * meanNorm(flow, process, t);
      }
      total += parts[part];
    }
    assertThat(typical.cumulative(8)).isCloseTo(total, within(0.03 * total));
    for (int part = 0; part < 8; part++) {
      assertThat(parts[part]).isCloseTo(total / 8, within(0.08 * total / 8));
    }
  }

  private static double meanNorm(ExactFlow flow, Diffusion process, double t) {
    double alpha = process.alpha(t);
    double sigma = process.sigma(t);
    double deviation = Math.hypot(0.2 * alpha, sigma);
    int cells = 400;
    double from = -alpha - 7 * deviation;
    double width = (2.5 * alpha + 14 * deviation) / cells;
    double sum = 0;
    for (int i = 0; i <= cells; i++) {
      double x = from + i * width;
      double density = 0;
      for (int k = 0; k < 2; k++) {
        double z = (x - alpha * flow.means()[k][0]) / deviation;
        density +=
            flow.weights()[k] * Math.exp(-0.5 * z * z) / (Math.sqrt(2 * Math.PI) * deviation);
      }
      if (density > 1e-14) {
        sum += width * density * Math.abs(flow.jacobian(process, t, new double[] {x}).get(0));
      }
    }
    return sum;
  }

  /** One Gaussian: |J| does not depend on x, and the total is half a logarithm. */
  @ParameterizedTest
  @MethodSource("processes")
  void oneGaussianHasItsClosedForm(Diffusion process) {
    for (int dimension : new int[] {1, 3, 16, 17, 40}) {
      GaussianMixture mixture =
          GaussianMixture.of(new double[1][dimension], Covariance.isotropic(0.3));
      TimeGrid grid = grid(mixture, process, 5);
      double total = Math.log(deviation(process, grid.start()) / deviation(process, grid.end()));
      assertThat(grid.cumulative(8)).isCloseTo(total, within(0.002 * total));
      for (int i = 0; i < 8; i++) {
        double part =
            Math.log(deviation(process, grid.knot(i)) / deviation(process, grid.knot(i + 1)));
        assertThat(part).isCloseTo(total / 8, within(0.002 * total));
      }
    }
  }

  private static double deviation(Diffusion process, double t) {
    return Math.hypot(0.3 * process.alpha(t), process.sigma(t));
  }

  /** A diagonal Gaussian: the norm is that of the narrowest or the widest axis, here the former. */
  @Test
  void powerIterationsAgreeWithEigenvalues() {
    double total = 0;
    for (int dimension : new int[] {16, 17}) {
      double[] variances = new double[dimension];
      Arrays.setAll(variances, i -> 0.01 * (1 + i * i));
      double[][] means = new double[2][dimension];
      means[0][0] = -1;
      means[1][0] = 1;
      double sum =
          grid(GaussianMixture.of(means, Covariance.diagonal(variances)), OU, 9).cumulative(8);
      if (dimension == 17) {
        assertThat(sum).isBetween(0.94 * total, 1.02 * total);
      }
      total = sum;
    }
  }

  /** Turning the data turns nothing but the samples: norms keep their law. */
  @Test
  void fullCovariancesAreSampledAlongTheirOwnAxes() {
    double c = Math.cos(0.4);
    double s = Math.sin(0.4);
    double[] variances = {0.09, 0.0025};
    double[][] turned = {
      {c * c * variances[0] + s * s * variances[1], c * s * (variances[0] - variances[1])},
      {c * s * (variances[0] - variances[1]), s * s * variances[0] + c * c * variances[1]}
    };
    double[][] means = {{-1, 0}, {1, 0}};
    double[][] turnedMeans = {{-c, -s}, {c, s}};
    TimeGrid straight = grid(GaussianMixture.of(means, Covariance.diagonal(variances)), OU, 1);
    TimeGrid skew = grid(GaussianMixture.of(turnedMeans, Covariance.full(turned)), OU, 1);
    for (int i = 0; i <= 8; i++) {
      assertThat(skew.knot(i)).isCloseTo(straight.knot(i), within(0.08 * straight.knot(i)));
    }
  }

  @Test
  void componentsWithoutWeightAreNeverDrawn() {
    double[][] means = {{50}, {-1}, {90}, {1}, {70}};
    GaussianMixture padded =
        GaussianMixture.of(new double[] {0, 1, 0, 1, 0}, means, Covariance.isotropic(0.05));
    TimeGrid expected = grid(ExampleMixtures.named("bimodal"), OU, 3);
    double[] knots = grid(padded, OU, 3).knots();
    for (int i = 0; i <= 8; i++) {
      assertThat(knots[i]).isCloseTo(expected.knot(i), within(1e-9));
    }
  }
}
