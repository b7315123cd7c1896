package org.fewstep.backend;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.util.Arrays;
import java.util.Collections;
import java.util.List;
import java.util.function.Consumer;
import java.util.stream.Stream;
import org.assertj.core.api.ThrowableAssert.ThrowingCallable;
import org.fewstep.diffusion.OrnsteinUhlenbeck;
import org.fewstep.mixture.DiffusedMixture;
import org.fewstep.mixture.ExampleMixtures;
import org.fewstep.mixture.GaussianMixture;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/** Bad arguments are refused by every backend alike, before any work. */
class BackendRefusalsTest {

  private static final GaussianMixture RING = ExampleMixtures.named("ring8");
  private static final DiffusedMixture RING_AT =
      DiffusedMixture.at(RING, new OrnsteinUhlenbeck(), 0.5);
  private static final Precision F32 = Precision.FLOAT32;
  private static final Precision F64 = Precision.FLOAT64;

  static Stream<String> backends() {
    return TestBackends.names();
  }

  private static Plan plan(double t) {
    return new Plan(
        Plan.Evaluation.VELOCITY,
        2,
        List.of(
            new Plan.Step(
                t,
                List.of(
                    new Plan.Stage(
                        TimeConstants.of(new OrnsteinUhlenbeck(), t), new double[] {1, 0}, 1)),
                new double[] {1, 0.5},
                0,
                new double[2])));
  }

  private static AdaptivePlan adaptive(double... times) {
    double[] stages = new double[AdaptivePlan.STAGES];
    return new AdaptivePlan(
        new OrnsteinUhlenbeck(),
        times,
        new AdaptivePlan.Tableau(
            new double[AdaptivePlan.STAGES][AdaptivePlan.STAGES],
            stages,
            stages,
            stages,
            stages,
            stages),
        new AdaptivePlan.Control(0.2, 0, 0.9, 0.2, 10, 1e-4, 0.2),
        1e-3,
        1e-3,
        1e-9,
        1,
        10);
  }

  private static void refused(String message, ThrowingCallable call) {
    assertThatThrownBy(call)
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageContaining(message);
  }

  private static void closed(String message, ThrowingCallable call) {
    assertThatThrownBy(call)
        .isInstanceOf(IllegalStateException.class)
        .hasMessageContaining(message);
  }

  @ParameterizedTest
  @MethodSource("backends")
  void mixturesRefuse(String name) {
    try (Backend b = TestBackends.open(name, 2)) {
      Batch x = b.allocate(5, 2, F32);
      MixtureOutputs none = MixtureOutputs.none();
      refused("mixture", () -> b.mixture(null, x, none));
      refused("x", () -> b.mixture(RING_AT, null, none));
      refused("outputs", () -> b.mixture(RING_AT, x, null));
      refused(
          "x must be 5 x 2, but is 5 x 3", () -> b.mixture(RING_AT, b.allocate(5, 3, F32), none));
      refused(
          "score must be 5 x 2, but is 4 x 2",
          () -> b.mixture(RING_AT, x, none.withScore(b.allocate(4, 2, F32))));
      refused(
          "logDensity must be 5 x 1, but is 5 x 2",
          () -> b.mixture(RING_AT, x, none.withLogDensity(b.allocate(5, 2, F32))));
      refused(
          "posteriorMean must be 5 x 2",
          () -> b.mixture(RING_AT, x, none.withPosteriorMean(b.allocate(5, 1, F32))));
      refused(
          "divergence must be of precision FLOAT32, but is of FLOAT64",
          () -> b.mixture(RING_AT, x, none.withDivergence(b.allocate(5, 1, F64))));
      refused(
          "responsibilities must be 5 x 8",
          () -> b.mixture(RING_AT, x, none.withResponsibilities(b.allocate(5, 2, F32))));
      refused(
          "direction must be 5 x 2",
          () -> b.mixture(RING_AT, x, none.withJvp(b.allocate(5, 3, F32), b.allocate(5, 2, F32))));
      refused(
          "jvp must be 5 x 2",
          () -> b.mixture(RING_AT, x, none.withJvp(b.allocate(5, 2, F32), b.allocate(5, 3, F32))));
      refused("direction and jvp go together", () -> none.withJvp(null, b.allocate(5, 2, F32)));
      Batch gone = b.allocate(5, 2, F32);
      gone.close();
      closed("score is closed", () -> b.mixture(RING_AT, x, none.withScore(gone)));
      closed("x is closed", () -> b.mixture(RING_AT, gone, none));
      x.close();
    }
  }

  @ParameterizedTest
  @MethodSource("backends")
  void timesPerRowAreRefused(String name) {
    var process = new OrnsteinUhlenbeck();
    try (Backend b = TestBackends.open(name, 2);
        Batch x = b.allocate(5, 2, F32)) {
      MixtureOutputs none = MixtureOutputs.none();
      refused("times", () -> b.mixture(RING, process, null, x, none));
      refused(
          "times must be 5 x 1", () -> b.mixture(RING, process, b.allocate(4, 1, F64), x, none));
      refused(
          "times must be of precision FLOAT64",
          () -> b.mixture(RING, process, b.allocate(5, 1, F32), x, none));
      refused("process", () -> b.mixture(RING, null, b.allocate(5, 1, F64), x, none));
      refused("mixture", () -> b.mixture(null, process, b.allocate(5, 1, F64), x, none));
    }
  }

  @ParameterizedTest
  @MethodSource("backends")
  void trajectoriesRefuse(String name) {
    try (Backend b = TestBackends.open(name, 2);
        Batch x = b.allocate(5, 2, F32)) {
      TrajectoryOutputs end = TrajectoryOutputs.end(x);
      refused("plan", () -> b.trajectory(RING, null, x, end));
      refused("mixture", () -> b.trajectory(null, plan(1), x, end));
      refused("outputs", () -> b.trajectory(RING, plan(1), x, null));
      refused("x", () -> b.trajectory(RING, plan(1), null, end));
      refused("x must be 5 x 2", () -> b.trajectory(RING, plan(1), b.allocate(5, 1, F32), end));
      refused(
          "end must be 5 x 2",
          () -> b.trajectory(RING, plan(1), x, TrajectoryOutputs.end(b.allocate(4, 2, F32))));
      refused(
          "knots must be empty or have steps + 1 = 2 batches, but has 1",
          () -> b.trajectory(RING, plan(1), x, new TrajectoryOutputs(x, List.of(x), null)));
      refused(
          "knots[1] must be of precision",
          () ->
              b.trajectory(
                  RING,
                  plan(1),
                  x,
                  new TrajectoryOutputs(x, List.of(x, b.allocate(5, 2, F64)), null)));
      refused(
          "logDensity must be 5 x 1",
          () -> b.trajectory(RING, plan(1), x, new TrajectoryOutputs(x, List.of(), x)));
      refused(
          "singular covariance",
          () -> b.trajectory(ExampleMixtures.named("moons"), plan(0), x, end));
    }
  }

  @ParameterizedTest
  @MethodSource("backends")
  void adaptiveTrajectoriesRefuse(String name) {
    try (Backend b = TestBackends.open(name, 2);
        Batch x = b.allocate(5, 2, F32);
        Batch report = b.allocate(5, 3, F32)) {
      AdaptivePlan plan = adaptive(1, 0.1);
      AdaptiveOutputs end = AdaptiveOutputs.end(x, report);
      refused("plan", () -> b.trajectory(RING, null, x, end));
      refused("mixture", () -> b.trajectory(null, plan, x, end));
      refused("outputs", () -> b.trajectory(RING, plan, x, null));
      refused("x", () -> b.trajectory(RING, plan, null, end));
      refused("x must be 5 x 2", () -> b.trajectory(RING, plan, b.allocate(5, 1, F32), end));
      refused(
          "end must be 5 x 2",
          () -> b.trajectory(RING, plan, x, AdaptiveOutputs.end(b.allocate(4, 2, F32), report)));
      refused(
          "knots must be empty or have one batch for each of the 2 times, but has 1",
          () -> b.trajectory(RING, plan, x, new AdaptiveOutputs(x, List.of(x), null, report)));
      refused(
          "logDensity must be 5 x 1",
          () -> b.trajectory(RING, plan, x, new AdaptiveOutputs(x, List.of(), x, report)));
      refused("report", () -> b.trajectory(RING, plan, x, AdaptiveOutputs.end(x, null)));
      refused("report must be 5 x 3", () -> b.trajectory(RING, plan, x, AdaptiveOutputs.end(x, x)));
      refused(
          "report must be of precision FLOAT32",
          () -> b.trajectory(RING, plan, x, AdaptiveOutputs.end(x, b.allocate(5, 3, F64))));
      refused(
          "singular covariance",
          () -> b.trajectory(ExampleMixtures.named("moons"), adaptive(1, 0), x, end));
      refused("times must be at least a start and an end", () -> adaptive(1));
      refused("times must all rise or all fall", () -> adaptive(1, 0.5, 0.7));
      refused("times[1] must lie in", () -> adaptive(1, -1));
    }
  }

  @ParameterizedTest
  @MethodSource("backends")
  void combinationsAndStepsRefuse(String name) {
    try (Backend b = TestBackends.open(name, 2);
        Batch x = b.allocate(5, 2, F32);
        Batch other = b.allocate(4, 2, F32);
        Batch wide = b.allocate(5, 2, F64);
        Batch sizes = b.allocate(5, 1, F64)) {
      double[] one = {1};
      refused("out", () -> b.combine(null, List.of(x), one));
      refused("terms", () -> b.combine(x, null, one));
      refused("weights", () -> b.combine(x, List.of(x), null));
      refused(
          "weights must have one entry per batch (1), but has 2",
          () -> b.combine(x, List.of(x), new double[2]));
      refused(
          "terms[1] must be 5 x 2, but is 4 x 2",
          () -> b.combine(x, List.of(x, other), new double[2]));
      refused("terms[0] must be of precision", () -> b.combine(x, List.of(wide), one));
      refused("terms[0]", () -> b.combine(x, Arrays.asList((Batch) null), one));
      refused(
          "terms must be at most 8 batches, but are 9",
          () -> b.combine(x, Collections.nCopies(9, x), new double[9]));
      refused("stepSizes must be 5 x 1", () -> b.step(x, List.of(x), x, one, x, null));
      refused("stepSizes", () -> b.step(x, List.of(x), null, one, x, null));
      refused("next must be 5 x 2", () -> b.step(x, List.of(x), sizes, one, other, null));
      refused("next", () -> b.step(x, List.of(x), sizes, one, null, null));
      refused("slopes[0] must be 5 x 2", () -> b.step(x, List.of(other), sizes, one, x, null));
      refused("x", () -> b.step(null, List.of(x), sizes, one, x, null));
      refused(
          "error.squares must be 5 x 1",
          () -> b.step(x, List.of(x), sizes, one, x, new ErrorEstimate(one, 1, 1, x)));
      refused(
          "error.weights must have one entry",
          () ->
              b.step(
                  x,
                  List.of(x),
                  sizes,
                  one,
                  x,
                  new ErrorEstimate(new double[2], 1, 1, b.allocate(5, 1, F32))));
      refused("absolute and relative must be finite", () -> new ErrorEstimate(one, -1, 1, x));
      refused("absolute and relative must be finite", () -> new ErrorEstimate(one, 0, 0, x));
      refused("absolute and relative", () -> new ErrorEstimate(one, Double.NaN, 0, x));
    }
  }

  @ParameterizedTest
  @MethodSource("backends")
  void steinSumsRefuse(String name) {
    try (Backend b = TestBackends.open(name, 2);
        Batch x = b.allocate(5, 2, F32);
        Batch other = b.allocate(4, 2, F32);
        Batch wide = b.allocate(5, 2, F64);
        Batch divergence = b.allocate(5, 1, F32);
        Batch sums = b.allocate(1, 3, F64)) {
      refused("x must be given", () -> b.steinSums(null, x, divergence, sums));
      refused("u must be given", () -> b.steinSums(x, null, divergence, sums));
      refused("divergence must be given", () -> b.steinSums(x, x, null, sums));
      refused("sums must be given", () -> b.steinSums(x, x, divergence, null));
      refused("u must be 5 x 2, but is 4 x 2", () -> b.steinSums(x, other, divergence, sums));
      refused(
          "u must be of precision FLOAT32, but is of FLOAT64",
          () -> b.steinSums(x, wide, divergence, sums));
      refused("divergence must be 5 x 1, but is 5 x 2", () -> b.steinSums(x, x, x, sums));
      refused(
          "divergence must be of precision FLOAT64",
          () -> b.steinSums(wide, wide, divergence, sums));
      refused("sums must be 1 x 3, but is 5 x 1", () -> b.steinSums(x, x, divergence, divergence));
      refused(
          "sums must be of precision FLOAT64",
          () -> b.steinSums(x, x, divergence, b.allocate(1, 3, F32)));
      Batch gone = b.allocate(1, 3, F64);
      gone.close();
      closed("sums is closed", () -> b.steinSums(x, x, divergence, gone));
    }
  }

  @ParameterizedTest
  @MethodSource("backends")
  void randomStreamsRefuse(String name) {
    try (Backend b = TestBackends.open(name, 2);
        Batch x = b.allocate(5, 2, F32)) {
      refused("out", () -> b.normal(null, 0, 0));
      refused("first must lie in", () -> b.normal(x, 0, -1));
      refused("first must lie in", () -> b.uniform(x, 0, Long.MAX_VALUE - 9));
      b.uniform(x, 0, Long.MAX_VALUE - 10);
    }
  }

  @ParameterizedTest
  @MethodSource("backends")
  void aClosedBackendRefusesEverything(String name) {
    Backend b = TestBackends.open(name, 2);
    Batch x = b.allocate(5, 2, F32);
    Batch sizes = b.allocate(5, 1, F64);
    Batch divergence = b.allocate(5, 1, F32);
    Batch sums = b.allocate(1, 3, F64);
    Batch report = b.allocate(5, 3, F32);
    b.normal(x, 0, 0);
    b.close();
    b.close();
    List<Consumer<Backend>> calls =
        List.of(
            backend -> backend.allocate(1, 1, F32),
            backend -> backend.mixture(RING_AT, x, MixtureOutputs.none().withScore(x)),
            backend ->
                backend.mixture(
                    RING, new OrnsteinUhlenbeck(), sizes, x, MixtureOutputs.none().withScore(x)),
            backend -> backend.trajectory(RING, plan(1), x, TrajectoryOutputs.end(x)),
            backend ->
                backend.trajectory(RING, adaptive(1, 0.1), x, AdaptiveOutputs.end(x, report)),
            backend -> backend.combine(x, List.of(x), new double[] {1}),
            backend -> backend.step(x, List.of(x), sizes, new double[] {1}, x, null),
            backend -> backend.steinSums(x, x, divergence, sums),
            backend -> backend.normal(x, 0, 0),
            backend -> backend.uniform(x, 0, 0),
            Backend::synchronize);
    for (Consumer<Backend> call : calls) {
      closed("closed", () -> call.accept(b));
    }
    x.close();
    sizes.close();
    divergence.close();
    sums.close();
    report.close();
  }

  @ParameterizedTest
  @MethodSource("backends")
  void aBackendTellsWhatItIs(String name) {
    try (Backend b = TestBackends.open(name, 3)) {
      assertThat(b.name()).isEqualTo(name);
      assertThat(b.description()).isNotBlank().doesNotContain("\n");
      assertThat(b.threads()).isPositive();
    }
    BackendProvider provider =
        Backends.providers().stream().filter(p -> p.name().equals(name)).findFirst().orElseThrow();
    assertThat(provider.availability().available()).isTrue();
    assertThat(provider.availability().reason()).isNotBlank();
  }
}
