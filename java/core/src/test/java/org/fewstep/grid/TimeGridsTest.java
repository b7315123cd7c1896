package org.fewstep.grid;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;
import static org.assertj.core.api.Assertions.within;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import org.fewstep.backend.Backend;
import org.fewstep.backend.BackendOptions;
import org.fewstep.backend.Backends;
import org.fewstep.diffusion.Diffusion;
import org.fewstep.diffusion.Diffusions;
import org.fewstep.diffusion.OrnsteinUhlenbeck;
import org.fewstep.diffusion.VarianceExploding;
import org.fewstep.diffusion.VariancePreserving;
import org.fewstep.mixture.Covariance;
import org.fewstep.mixture.ExampleMixtures;
import org.fewstep.mixture.GaussianMixture;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.MethodSource;
import org.junit.jupiter.params.provider.ValueSource;

class TimeGridsTest {

  private static final Diffusion OU = new OrnsteinUhlenbeck();
  private static final GaussianMixture RING = ExampleMixtures.named("ring8");
  private static final GaussianMixture STANDARD_NORMAL =
      GaussianMixture.of(new double[][] {{0, 0}}, Covariance.isotropic(1));

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

  static List<GaussianMixture> mixtures() {
    double[][] two = {{-1, 0}, {1, 0.5}};
    double[][][] matrices = {{{0.02, 0.01}, {0.01, 0.03}}, {{0.5, 0}, {0, 0}}};
    return List.of(
        RING,
        STANDARD_NORMAL,
        ExampleMixtures.named("bimodal"),
        GaussianMixture.of(two, Covariance.isotropic(0)),
        GaussianMixture.of(two, Covariance.isotropic(new double[] {0, 3})),
        GaussianMixture.of(two, Covariance.diagonal(new double[] {1e-8, 4})),
        GaussianMixture.of(two, Covariance.full(matrices)));
  }

  private static TimeGrid grid(
      GridKind kind, GaussianMixture mixture, Diffusion process, int segments) {
    return TimeGrids.of(
        new GridSpec(kind, segments),
        mixture,
        process,
        process.defaultStart(),
        process.defaultEnd(),
        backend,
        1);
  }

  static void assertIsGrid(TimeGrid grid, GridKind kind, double start, double end, int segments) {
    assertThat(grid.kind()).isEqualTo(kind.label());
    assertThat(grid.segments()).isEqualTo(segments);
    assertThat(grid.start()).isEqualTo(start);
    assertThat(grid.end()).isEqualTo(end);
    double[] knots = grid.knots();
    for (int i = 1; i <= segments; i++) {
      assertThat(knots[i]).isLessThan(knots[i - 1]);
    }
    double[] cumulative = grid.cumulative();
    double total = cumulative[segments];
    for (int i = 0; i <= segments; i++) {
      assertThat(cumulative[i]).isCloseTo(total * i / segments, within(1e-12 * Math.abs(total)));
    }
  }

  @ParameterizedTest
  @MethodSource("processes")
  void everyKindCutsEveryMixtureUnderEveryProcess(Diffusion process) {
    for (GridKind kind : GridKind.values()) {
      if (kind.isSearched()) {
        continue;
      }
      for (GaussianMixture mixture : mixtures()) {
        for (int segments : new int[] {1, 2, 8, 1000}) {
          TimeGrid grid = grid(kind, mixture, process, segments);
          assertIsGrid(grid, kind, process.defaultStart(), process.defaultEnd(), segments);
        }
      }
    }
  }

  @Test
  void uniformKnotsAreEquallySpaced() {
    TimeGrid grid = TimeGrids.uniform(OU, 3, 1, 4);
    assertThat(grid.knots()).containsExactly(3, 2.5, 2, 1.5, 1);
    assertThat(grid.cumulative()).containsExactly(0, 0.5, 1, 1.5, 2);
    assertThat(TimeGrids.uniform(OU, 1, 0, 2).knots()).containsExactly(1, 0.5, 0);
  }

  @ParameterizedTest
  @MethodSource("processes")
  void logSnrKnotsAreEquallySpacedInLambda(Diffusion process) {
    TimeGrid grid = grid(GridKind.LOG_SNR, null, process, 10);
    double first = process.halfLogSnr(grid.start());
    double last = process.halfLogSnr(grid.end());
    for (int i = 0; i <= 10; i++) {
      double expected = first + (last - first) * i / 10;
      assertThat(process.halfLogSnr(grid.knot(i))).isCloseTo(expected, within(1e-9));
      assertThat(grid.cumulative(i)).isCloseTo(expected - first, within(1e-12 * (last - first)));
    }
  }

  /** Under variance exploding, sigma/alpha = t, and this is equation 5 of Karras et al. itself. */
  @Test
  void karrasKnotsAreThoseOfThePaper() {
    TimeGrid grid = TimeGrids.karras(new VarianceExploding(), 80, 0.002, 17);
    for (int i = 0; i <= 17; i++) {
      double root =
          Math.pow(80, 1 / 7.0) + i / 17.0 * (Math.pow(0.002, 1 / 7.0) - Math.pow(80, 1 / 7.0));
      double expected = Math.pow(root, 7);
      assertThat(grid.knot(i)).isCloseTo(expected, within(1e-12 * expected));
    }
  }

  @ParameterizedTest
  @MethodSource("processes")
  void stabilityKnotsCutTheIntegralOfTheLipschitzBoundInEqualParts(Diffusion process) {
    for (GaussianMixture mixture : mixtures()) {
      if (mixture == STANDARD_NORMAL) {
        continue;
      }
      TimeGrid grid = grid(GridKind.STABILITY, mixture, process, 8);
      StabilityBounds bounds = StabilityBounds.of(mixture, process);
      double total = bounds.between(grid.end(), grid.start()).integratedLipschitz();
      assertThat(grid.cumulative(8)).isCloseTo(total, within(1e-4 * total));
      for (int i = 0; i < 8; i++) {
        double part = bounds.between(grid.knot(i + 1), grid.knot(i)).integratedLipschitz();
        assertThat(part).isCloseTo(total / 8, within(1e-4 * total));
      }
    }
  }

  /** At low noise the bound is D^2/(4 s^4), so that knots are uniform in 1/s^2. */
  @Test
  void stabilityKnotsAreUniformInTheInverseVarianceAtLowNoise() {
    GaussianMixture two = ExampleMixtures.named("two-modes?sigma=0.01");
    TimeGrid grid = TimeGrids.stability(two, OU, 0.01, 1e-4, 5);
    double[] inverse =
        Arrays.stream(grid.knots())
            .map(t -> 1 / (Math.exp(-2 * t) * 1e-4 - Math.expm1(-2 * t)))
            .toArray();
    for (int i = 0; i <= 5; i++) {
      double expected = inverse[0] + (inverse[5] - inverse[0]) * i / 5;
      assertThat(inverse[i]).isCloseTo(expected, within(0.01 * inverse[5]));
    }
  }

  /**
   * The knots mark the same noise levels whatever clock a variance-preserving process keeps, to the
   * accuracy of the table that densities are held in.
   */
  @ParameterizedTest
  @CsvSource({"karras, 1e-9", "log-snr, 1e-9", "stability, 5e-5", "typical, 5e-3"})
  void gridsDoNotDependOnHowAProcessMeasuresTime(String name, double accuracy) {
    GridKind kind = GridKind.named(name);
    for (String other : List.of("vp", "vp-cosine")) {
      Diffusion process = Diffusions.named(other);
      TimeGrid grid = grid(kind, RING, process, 8);
      double start = process.ornsteinUhlenbeckTime(grid.start());
      double end = process.ornsteinUhlenbeckTime(grid.end());
      TimeGrid expected = TimeGrids.of(new GridSpec(kind, 8), RING, OU, start, end, backend, 1);
      for (int i = 0; i <= 8; i++) {
        double time = process.ornsteinUhlenbeckTime(grid.knot(i));
        assertThat(time).isCloseTo(expected.knot(i), within(accuracy * expected.knot(i)));
      }
    }
  }

  @ParameterizedTest
  @ValueSource(strings = {"stability", "typical"})
  void aDensityThatIsZeroEverywhereGivesTheUniformGrid(String name) {
    for (Diffusion process : List.of(OU, new VariancePreserving())) {
      TimeGrid grid = grid(GridKind.named(name), STANDARD_NORMAL, process, 8);
      TimeGrid uniform = grid(GridKind.UNIFORM, null, process, 8);
      assertThat(grid.knots()).containsExactly(uniform.knots());
      assertThat(grid.cumulative()).containsOnly(0);
      assertThat(grid.kind()).isEqualTo(name);
    }
  }

  @ParameterizedTest
  @ValueSource(strings = {"uniform", "stability", "typical"})
  void anEndAtDataItselfIsTakenWhereTheDensityIsFinite(String name) {
    GridKind kind = GridKind.named(name);
    for (Diffusion process : processes()) {
      double start = process.defaultStart();
      TimeGrid grid = TimeGrids.of(new GridSpec(kind, 50), RING, process, start, 0, backend, 1);
      assertIsGrid(grid, kind, start, 0, 50);
    }
  }

  @ParameterizedTest
  @ValueSource(strings = {"uniform", "log-snr", "karras", "stability", "typical"})
  void knotsStayApartOnTheTiniestIntervals(String name) {
    GridSpec spec = new GridSpec(GridKind.named(name), 20);
    double end = 0.5;
    double start = end + 20 * Math.ulp(end);
    for (Diffusion process : processes()) {
      TimeGrid grid = TimeGrids.of(spec, RING, process, start, end, backend, 1);
      assertIsGrid(grid, spec.kind(), start, end, 20);
      assertThatIllegalArgumentException()
          .isThrownBy(
              () -> TimeGrids.of(spec, RING, process, Math.nextDown(start), end, backend, 1))
          .withMessageContaining("segments must be at most 19")
          .withMessageContaining("but is 20");
    }
  }

  @ParameterizedTest
  @ValueSource(strings = {"uniform", "stability", "typical"})
  void knotsStayApartBetweenExtremeTimes(String name) {
    GridSpec spec = new GridSpec(GridKind.named(name), 64);
    TimeGrid grid = TimeGrids.of(spec, RING, OU, 1e9, 1e-300, backend, 1);
    assertIsGrid(grid, spec.kind(), 1e9, 1e-300, 64);
  }

  /**
   * The process of rectified flows, alpha = 1 - t and sigma = t: at t = 0 its noise grows at no
   * rate while its data shrink, so that no change of the clock maps it smoothly to the built-in
   * ones.
   */
  private record Interpolation() implements Diffusion {
    @Override
    public String name() {
      return "interpolation";
    }

    @Override
    public double alpha(double t) {
      return 1 - t;
    }

    @Override
    public double sigma(double t) {
      return t;
    }

    @Override
    public double drift(double t) {
      return -1 / (1 - t);
    }

    @Override
    public double halfSquaredDiffusion(double t) {
      return t / (1 - t);
    }

    @Override
    public double maxTime() {
      return 0.999;
    }

    @Override
    public double defaultStart() {
      return 0.999;
    }

    @Override
    public double defaultEnd() {
      return 1e-3;
    }

    @Override
    public double timeAtHalfLogSnr(double lambda) {
      return 1 / (1 + Math.exp(lambda));
    }
  }

  @ParameterizedTest
  @ValueSource(doubles = {0, 1e-9, 1e-3})
  void aUsersOwnProcessIsCutInEqualPartsToo(double end) {
    Diffusion process = new Interpolation();
    StabilityBounds bounds = StabilityBounds.of(RING, process);
    TimeGrid grid = TimeGrids.stability(RING, process, 0.999, end, 6);
    double total = bounds.between(end, 0.999).integratedLipschitz();
    assertThat(grid.cumulative(6)).isCloseTo(total, within(1e-4 * total));
    for (int i = 0; i < 6; i++) {
      double part = bounds.between(grid.knot(i + 1), grid.knot(i)).integratedLipschitz();
      assertThat(part).isCloseTo(total / 6, within(1e-4 * total));
    }
    GridSpec typical = new GridSpec(GridKind.TYPICAL, 6);
    assertIsGrid(
        TimeGrids.of(typical, RING, process, 0.999, end, backend, 1),
        GridKind.TYPICAL,
        0.999,
        end,
        6);
  }

  @Test
  void aMillionSegmentsTakeNoMinutes() {
    List<TimeGrid> grids = new ArrayList<>();
    for (GridKind kind : GridKind.values()) {
      if (!kind.isSearched()) {
        grids.add(grid(kind, RING, OU, GridSpec.MAX_SEGMENTS));
      }
    }
    assertThat(grids).allMatch(grid -> grid.segments() == 1_000_000);
  }

  @Test
  void gridsThatAreSearchedForAreSentToTheirSolverOrStudent() {
    assertThatIllegalArgumentException()
        .isThrownBy(() -> grid(GridKind.REFINED, RING, OU, 8))
        .withMessageContaining("needs a solver")
        .withMessageContaining("org.fewstep.flow.RefinedGrid");
    assertThatIllegalArgumentException()
        .isThrownBy(() -> grid(GridKind.STUDENT, RING, OU, 8))
        .withMessageContaining("needs a student")
        .withMessageContaining("org.fewstep.distill.StudentGrid");
  }

  @Test
  void timesThatMakeNoIntervalAreRefusedByName() {
    assertThatIllegalArgumentException()
        .isThrownBy(() -> TimeGrids.uniform(OU, 1, 1, 8))
        .withMessage("end (data) must lie below start (noise) = 1.0, but is 1.0");
    assertThatIllegalArgumentException()
        .isThrownBy(() -> TimeGrids.logSnr(OU, 1, 2, 8))
        .withMessageContaining("end (data) must lie below start (noise) = 1.0, but is 2.0");
    assertThatIllegalArgumentException()
        .isThrownBy(() -> TimeGrids.uniform(OU, Double.NaN, 1, 8))
        .withMessageContaining("start must lie in [0, Infinity] for the process ou, but is NaN");
    assertThatIllegalArgumentException()
        .isThrownBy(() -> TimeGrids.uniform(OU, 1, Double.NaN, 8))
        .withMessageContaining("end must lie in");
    assertThatIllegalArgumentException()
        .isThrownBy(() -> TimeGrids.uniform(OU, 1, -1, 8))
        .withMessageContaining("end must lie in [0, Infinity] for the process ou, but is -1.0");
    assertThatIllegalArgumentException()
        .isThrownBy(() -> TimeGrids.stability(RING, new VariancePreserving(), 3, 1e-3, 8))
        .withMessageContaining("start must lie in [0, 1.0] for the process vp, but is 3.0");
    assertThatIllegalArgumentException()
        .isThrownBy(() -> TimeGrids.uniform(OU, Double.POSITIVE_INFINITY, 1, 8))
        .withMessageContaining("start must be finite, but is Infinity");
  }

  @Test
  void segmentsOutOfRangeAreRefused() {
    for (int segments : new int[] {0, -1, 1_000_001}) {
      assertThatIllegalArgumentException()
          .isThrownBy(() -> TimeGrids.uniform(OU, 3, 1, segments))
          .withMessage("segments must be a whole number in [1, 1000000], but is " + segments);
    }
  }

  @Test
  void infiniteSignalToNoiseRatiosAreRefusedWithACure() {
    assertThatIllegalArgumentException()
        .isThrownBy(() -> TimeGrids.logSnr(OU, 3, 0, 8))
        .withMessageContaining("end must have a finite log of the signal-to-noise ratio")
        .withMessageContaining("take an end > 0, such as 0.001, or a uniform grid");
    assertThatIllegalArgumentException()
        .isThrownBy(() -> TimeGrids.karras(new VarianceExploding(), 80, 0, 8))
        .withMessageContaining("take an end > 0, such as 0.002");
    // At a large time the ratio is tiny, not zero: its logarithm is minus the time.
    TimeGrids.logSnr(OU, 1e4, 1, 8);
  }

  @Test
  void whatAKindNeedsIsAskedFor() {
    assertThatIllegalArgumentException()
        .isThrownBy(() -> TimeGrids.stability(null, OU, 3, 1, 8))
        .withMessageContaining("mixture must be given for a stability grid");
    assertThatIllegalArgumentException()
        .isThrownBy(() -> TimeGrids.typical(null, OU, 3, 1, 8, backend, 0))
        .withMessageContaining("mixture must be given for a typical grid");
    assertThatIllegalArgumentException()
        .isThrownBy(() -> TimeGrids.typical(RING, OU, 3, 1, 8, null, 0))
        .withMessageContaining("backend must be given");
  }

  @ParameterizedTest
  @ValueSource(strings = {"stability", "typical"})
  void dataPointsHaveNoDensityAtTimeZero(String name) {
    GridSpec spec = new GridSpec(GridKind.named(name), 8);
    GaussianMixture points = RING.withCovariance(Covariance.isotropic(0));
    assertThatIllegalArgumentException()
        .isThrownBy(() -> TimeGrids.of(spec, points, OU, 3, 0, backend, 0))
        .withMessageContaining("end must be > 0 for a mixture with a singular covariance");
  }

  @Test
  void aBoundThatOverflowsIsRefused() {
    GaussianMixture points = RING.withCovariance(Covariance.isotropic(0));
    assertThatIllegalArgumentException()
        .isThrownBy(() -> TimeGrids.stability(points, OU, 3, 1e-305, 8))
        .withMessageContaining("end must be so large that the Jacobian of the flow is finite");
  }
}
