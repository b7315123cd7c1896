package org.fewstep.network;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatCode;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;
import static org.assertj.core.api.Assertions.catchIllegalArgumentException;

import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.fewstep.diffusion.Diffusion;
import org.fewstep.diffusion.OrnsteinUhlenbeck;
import org.fewstep.diffusion.VarianceExploding;
import org.fewstep.diffusion.VariancePreservingCosine;
import org.fewstep.mixture.Covariance;
import org.fewstep.mixture.ExampleMixtures;
import org.fewstep.mixture.GaussianMixture;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** What the compiler refuses, and how it says so. */
class CompilerRefusalsTest {

  private static final Diffusion PROCESS = new OrnsteinUhlenbeck();
  private static final GaussianMixture RING = ExampleMixtures.named("ring8");

  private static NetworkCompiler ring() {
    return NetworkCompiler.of(RING, PROCESS);
  }

  private static void assertRefused(Runnable call, String... parts) {
    assertThatIllegalArgumentException()
        .isThrownBy(call::run)
        .satisfies(error -> assertThat(error.getMessage()).contains(parts));
  }

  @ParameterizedTest
  @ValueSource(doubles = {0, -1, Double.NaN, Double.POSITIVE_INFINITY})
  void aToleranceThatIsNone(double tolerance) {
    assertRefused(
        () -> ring().withTolerance(tolerance),
        "tolerance must be finite and > 0",
        String.valueOf(tolerance));
  }

  /** The tolerance that the message names holds, and float64 holds the one that was refused. */
  @Test
  void aToleranceThatFloat32CannotHold() {
    NetworkCompiler strict = ring().withTolerance(1e-6);
    IllegalArgumentException error = catchIllegalArgumentException(() -> strict.compile(0.01));
    assertThat(error).hasMessageContaining("float32").hasMessageContaining("forFloat64()");
    double reachable = reachable(error);
    assertThat(reachable).isBetween(1e-6, 1e-3);
    assertThatCode(() -> ring().withTolerance(reachable).compile(0.01)).doesNotThrowAnyException();
    assertThat(strict.forFloat64().compile(0.01).float64()).isTrue();
    assertRefused(() -> strict.forFloat64().forFloat32().compile(0.01), "float32");
  }

  private static double reachable(IllegalArgumentException error) {
    Matcher matcher = Pattern.compile("at least ([0-9.E-]+)").matcher(error.getMessage());
    assertThat(matcher.find()).as(error.getMessage()).isTrue();
    return Double.parseDouble(matcher.group(1));
  }

  @ParameterizedTest
  @ValueSource(doubles = {1e-15, 1e-40, Double.MIN_VALUE})
  void aToleranceThatFloat64CannotHold(double tolerance) {
    NetworkCompiler compiler = ring().forFloat64();
    IllegalArgumentException error =
        catchIllegalArgumentException(() -> compiler.withTolerance(tolerance).compile(0.01));
    assertThat(error).hasMessageContaining("float64");
    assertThatCode(() -> compiler.withTolerance(reachable(error)).compile(0.01))
        .doesNotThrowAnyException();
    GaussianMixture full = Mixtures.full(3, 2);
    assertRefused(
        () -> NetworkCompiler.of(full, PROCESS).forFloat64().withTolerance(tolerance).compile(1),
        "float64");
    assertRefused(() -> compiler.withTolerance(tolerance).compile(0.01, 1), "float64");
  }

  @Test
  void aLooseToleranceIsNoneOfThese() {
    assertThat(ring().withTolerance(1e6).compile(0.01).errorBound()).isLessThan(5e5);
    assertThat(ring().withTolerance(1e6).compile(0.01, 3).errorBound()).isLessThan(5e5);
    NetworkCompiler full = NetworkCompiler.of(Mixtures.full(3, 2), PROCESS);
    assertThat(full.withTolerance(1e6).compile(0.01).errorBound()).isLessThan(5e5);
  }

  @Test
  void timesThatAreNotOfTheProcess() {
    assertRefused(() -> ring().compile(-1), "t must lie in", "-1");
    assertRefused(() -> ring().compile(Double.NaN), "t must lie in", "NaN");
    NetworkCompiler exploding = NetworkCompiler.of(RING, new VarianceExploding());
    assertRefused(() -> exploding.compile(81), "t must lie in [0, 80.0]", "81");
    assertRefused(() -> exploding.compile(1, 81), "high must lie in [0, 80.0]", "81");
    assertRefused(() -> exploding.compile(-1, 1), "low must lie in [0, 80.0]", "-1");
    assertRefused(() -> ring().compile(2, 1), "low must be below high", "2.0", "1.0");
    assertRefused(() -> ring().compile(1, 1), "low must be below high", "compile(t)");
    assertRefused(() -> ring().compile(1, Double.POSITIVE_INFINITY), "both finite");
  }

  @Test
  void dataPointsWithoutNoise() {
    NetworkCompiler points = NetworkCompiler.of(ExampleMixtures.named("moons"), PROCESS);
    assertRefused(() -> points.compile(0), "t must be > 0", "singular");
    assertRefused(() -> points.compile(0, 1), "low must be > 0", "singular");
  }

  @Test
  void intervalsOfOtherMixturesAndProcesses() {
    NetworkCompiler full = NetworkCompiler.of(Mixtures.full(3, 2), PROCESS);
    assertRefused(() -> full.compile(0.1, 1), "one isotropic covariance", "compile(t)");
    NetworkCompiler cosine = NetworkCompiler.of(RING, new VariancePreservingCosine());
    assertRefused(() -> cosine.compile(0.1, 0.5), "ou, vp or ve", "vp-cosine", "compile(t)");
  }

  @Test
  void mixturesThatAreTooLargeOrTooFarApart() {
    GaussianMixture large = GaussianMixture.of(new double[100_000][2], Covariance.isotropic(0.1));
    assertRefused(
        () -> NetworkCompiler.of(large, PROCESS).compile(0.1), "100000 components", "weights");
    assertRefused(() -> NetworkCompiler.of(large, PROCESS).compile(0.1, 1), "100000 components");
    GaussianMixture far =
        GaussianMixture.of(new double[][] {{1e150}, {0}}, Covariance.isotropic(0.1));
    assertRefused(() -> NetworkCompiler.of(far, PROCESS).compile(0.1), "standard deviations");
  }

  @Test
  void aNetworkThatOverflowsFloat32() {
    GaussianMixture far =
        GaussianMixture.of(new double[][] {{1e25}, {0}}, Covariance.isotropic(0.1));
    NetworkCompiler compiler = NetworkCompiler.of(far, PROCESS).withTolerance(1e20);
    assertRefused(() -> compiler.compile(0.1), "cannot be met", "float32", "overflows");
    assertRefused(
        () -> compiler.forFloat64().compile(0.1), "tolerance must be at least", "float64");
  }

  @Test
  void nothingToCompile() {
    assertRefused(() -> NetworkCompiler.of(null, PROCESS), "mixture and process", "null");
    assertRefused(() -> NetworkCompiler.of(RING, null), "mixture and process", "null");
  }
}
