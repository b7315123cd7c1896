package org.fewstep.distill;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import java.io.IOException;
import java.util.Arrays;
import java.util.List;
import java.util.concurrent.CancellationException;
import org.fewstep.backend.Backend;
import org.fewstep.backend.Batch;
import org.fewstep.backend.Precision;
import org.fewstep.backend.TestBackends;
import org.fewstep.diffusion.OrnsteinUhlenbeck;
import org.fewstep.grid.TimeGrid;
import org.fewstep.grid.TimeGrids;
import org.fewstep.mixture.Covariance;
import org.fewstep.mixture.ExampleMixtures;
import org.fewstep.mixture.GaussianMixture;
import org.fewstep.network.Frame;
import org.fewstep.network.Layer;
import org.fewstep.network.Network;
import org.fewstep.network.Unit;
import org.fewstep.training.MemoryStore;
import org.fewstep.training.Schedule;
import org.fewstep.training.TrainingOptions;
import org.junit.jupiter.api.Test;

/** Distillation of small flows, and what it promises: bits, resuming, bounded samples, reports. */
class DistillationTest {

  private static final GaussianMixture RING = ExampleMixtures.named("ring8?sigma=0.3");
  private static final OrnsteinUhlenbeck OU = new OrnsteinUhlenbeck();

  private static final DistillationOptions SMALL =
      new DistillationOptions(2)
          .withWidth(12)
          .withTraining(new TrainingOptions().withSteps(400).withSeed(3).withCheckEvery(100))
          .withTrajectories(1000, 500);

  private static Backend open(int threads) {
    return TestBackends.open(
        TestBackends.names().toList().contains("vector") ? "vector" : "scalar", threads);
  }

  private static TimeGrid typical(Backend backend, int segments) {
    return TimeGrids.typical(RING, OU, 3, 1e-2, segments, backend, 0);
  }

  @Test
  void aCompositionLearnsTheFlow() throws IOException {
    try (Backend backend = open(2)) {
      DistillationResult result =
          Distillation.of(RING)
              .withOptions(SMALL.withTraining(SMALL.training().withSteps(1500)))
              .run(backend, typical(backend, 4));
      // Left where it starts, a state of unit size is as far from its end as the end is large.
      assertThat(result.error().mean()).isLessThan(5e-3);
      assertThat(result.error().trimmed()).isLessThan(result.error().mean());
      assertThat(result.segments()).hasSize(4);
      assertThat(result.flow().grid().knots()).isEqualTo(typical(backend, 4).knots());
      for (SegmentReport segment : result.segments()) {
        assertThat(segment.localError().mean()).isBetween(0.0, 2e-3);
        assertThat(segment.exactAmplification())
            .isBetween(segment.meanExactAmplification(), 1.001 * segment.stabilityBound());
        assertThat(segment.learnedAmplification()).isBetween(0.1, 100.0);
      }
    }
  }

  @Test
  void bitsDoNotDependOnTheNumberOfThreads() throws IOException {
    assertThat(parameters(3)).isEqualTo(parameters(1));
  }

  private static double[] parameters(int threads) throws IOException {
    try (Backend backend = open(threads)) {
      return flat(Distillation.of(RING).withOptions(SMALL).run(backend, TimeGrid.of(3, 0.3, 0.01)));
    }
  }

  private static double[] flat(DistillationResult result) {
    return result.flow().networks().stream()
        .flatMapToDouble(network -> Arrays.stream(network.flatParameters()))
        .toArray();
  }

  @Test
  void aRunThatWasEndedGoesOnToTheSameBits() throws IOException {
    TimeGrid grid = TimeGrid.of(3, 0.3, 0.01);
    try (Backend backend = open(2)) {
      Distillation distillation = Distillation.of(RING).withOptions(SMALL);
      double[] whole = flat(distillation.run(backend, grid));
      MemoryStore store = new MemoryStore();
      Distillation ended =
          distillation
              .withCheckpoints(store)
              .withListener(
                  new DistillationListener() {
                    private long done;

                    @Override
                    public void onProgress(long now, long steps) {
                      assertThat(steps).isEqualTo(800);
                      assertThat(now).isGreaterThan(done);
                      done = now;
                    }

                    @Override
                    public boolean isCancelled() {
                      return done >= 300;
                    }
                  });
      assertThatThrownBy(() -> ended.run(backend, grid)).isInstanceOf(CancellationException.class);
      assertThat(store.part("segment-0").load()).isPresent();
      double[] resumed = flat(distillation.withCheckpoints(store).run(backend, grid));
      assertThat(resumed).isEqualTo(whole);

      Distillation other =
          Distillation.of(ExampleMixtures.named("ring8")).withOptions(SMALL).withCheckpoints(store);
      assertThatIllegalArgumentException()
          .isThrownBy(() -> other.run(backend, grid))
          .withMessageContaining("the checkpoint is of another training: its mixture is");
    }
  }

  @Test
  void fineTuningLowersTheErrorAtTheEnd() throws IOException {
    TimeGrid grid = TimeGrid.of(3, 0.5, 0.05, 0.01);
    try (Backend backend = open(2)) {
      DistillationResult alone = Distillation.of(RING).withOptions(SMALL).run(backend, grid);
      TrainingOptions tuning = SMALL.training().withSteps(600).withSchedule(Schedule.cosine(1e-3));
      DistillationResult together =
          Distillation.of(RING).withOptions(SMALL.withFineTuning(tuning)).run(backend, grid);
      assertThat(together.error().mean()).isLessThan(0.8 * alone.error().mean());
    }
  }

  /** The second network turns signs round: only the chain rule moves the first the right way. */
  @Test
  void fineTuningFollowsTheChainRule() {
    double[] zero = {0};
    Network first =
        Network.of(List.of(Layer.dense(1, zero, zero, Unit.LINEAR)), Network.Output.DISPLACEMENT)
            .withFrame(Frame.residual(1, 1))
            .withTimes(OU, 0.5, 1);
    Network second =
        Network.of(
                List.of(Layer.dense(1, new double[] {-1}, zero, Unit.LINEAR)),
                Network.Output.DISPLACEMENT)
            .withTimes(OU, 0.1, 0.5);
    double[] starts = new double[100];
    double[] ends = new double[100];
    for (int i = 0; i < starts.length; i++) {
      starts[i] = Math.sin(i);
      ends[i] = -(starts[i] + 1);
    }
    try (Backend backend = open(1)) {
      List<Network> tuned =
          new FineTuning(backend, List.of(first, second), Precision.FLOAT64)
              .run(
                  new double[][] {starts, ends},
                  new TrainingOptions().withSteps(20),
                  DistillationListener.NONE);
      assertThat(tuned.get(0).layers().get(0).bias(0)).isGreaterThan(0.01);
      assertThat(tuned.get(1).layers().get(0).bias(0)).isLessThan(-0.01);
    }
  }

  /** Inputs are clamped by construction, so that no state can run away, however absurd. */
  @Test
  void aCompositionNeverRunsAway() throws IOException {
    try (Backend backend = open(2)) {
      DistilledFlow flow =
          Distillation.of(RING).withOptions(SMALL).run(backend, TimeGrid.of(3, 0.3, 0.01)).flow();
      long rows = 1_000_000;
      try (Batch x = flow.noise(backend, rows, Precision.FLOAT32, 1)) {
        backend.combine(x, List.of(x), new double[] {1e10});
        flow.sample(backend, x, x);
        for (float value : x.toFloatArray()) {
          assertThat(value).isBetween(-20f, 20f);
        }
      }
      try (Batch x = Batch.wrap(new double[] {Double.NaN, 0, 1e300, -1e300, 0, 0}, 2)) {
        flow.sample(backend, x, x);
        assertThat(x.get(0, 0)).isNaN();
        assertThat(x.get(0, 1)).isNaN();
        assertThat(Math.abs(x.get(1, 0))).isLessThan(20);
        assertThat(Math.abs(x.get(2, 0))).isLessThan(20);
      }
    }
  }

  @Test
  void aTrajectoryPassesTheKnots() throws IOException {
    try (Backend backend = open(1)) {
      DistilledFlow flow =
          Distillation.of(RING).withOptions(SMALL).run(backend, TimeGrid.of(3, 0.3, 0.01)).flow();
      try (Batch x = flow.noise(backend, 50, Precision.FLOAT64, 1);
          Batch y = backend.allocate(50, 2, Precision.FLOAT64)) {
        List<Batch> states = flow.trajectory(backend, x);
        flow.sample(backend, x, y);
        assertThat(states).hasSize(3);
        assertThat(states.get(0).toDoubleArray()).isEqualTo(x.toDoubleArray());
        assertThat(states.get(2).toDoubleArray()).isEqualTo(y.toDoubleArray());
        states.forEach(Batch::close);
      }
    }
  }

  @Test
  void oneStepHasNoMoreParametersThanTheComposition() throws IOException {
    try (Backend backend = open(2)) {
      OneStepDiagnosis diagnosis =
          Distillation.of(RING)
              .withOptions(SMALL.withTraining(SMALL.training().withSteps(100)))
              .diagnose(backend, TimeGrid.of(3, 0.3, 0.05, 0.01));
      long many = diagnosis.many().flow().parameters();
      assertThat(diagnosis.one().flow().networks()).hasSize(1);
      assertThat(diagnosis.one().flow().parameters()).isBetween(many * 9 / 10, many);
      assertThat(diagnosis.errorRatio())
          .isCloseTo(
              diagnosis.one().error().mean() / diagnosis.many().error().mean(), within(1e-12));
      assertThat(diagnosis.mismatchOfOne()).isPositive().isFinite();
    }
  }

  @Test
  void aFlowIsMadeOfDisplacementsThatFollowOneAnother() throws IOException {
    try (Backend backend = open(1)) {
      List<Network> networks =
          Distillation.of(RING)
              .withOptions(SMALL.withTraining(SMALL.training().withSteps(1)))
              .run(backend, TimeGrid.of(3, 0.3, 0.01))
              .flow()
              .networks();
      assertThatIllegalArgumentException()
          .isThrownBy(() -> DistilledFlow.of(networks.reversed()))
          .withMessageContaining("networks[1] must start at 0.01, where the one before ends");
      assertThatIllegalArgumentException()
          .isThrownBy(() -> DistilledFlow.of(List.of()))
          .withMessageContaining("at least one network");
      Network score = Network.of(networks.get(0).layers(), Network.Output.SCORE);
      assertThatIllegalArgumentException()
          .isThrownBy(() -> DistilledFlow.of(List.of(score)))
          .withMessageContaining("networks[0] must be a displacement, but: score");
    }
  }

  @Test
  void optionsRefuseWhatIsOutOfRange() {
    assertThatIllegalArgumentException()
        .isThrownBy(() -> new DistillationOptions(2).withWidth(1))
        .withMessageContaining("width must lie in [2, 4096], but is 1");
    assertThatIllegalArgumentException()
        .isThrownBy(() -> new DistillationOptions(2).withTrajectories(1, 10))
        .withMessageContaining("trajectories and heldOut must be at least 2");
  }

  /** The exact map of one Gaussian scales both axes alike, by a factor known in closed form. */
  @Test
  void amplificationOfAGaussianIsTheRatioOfItsDeviations() {
    GaussianMixture gaussian =
        GaussianMixture.of(new double[][] {{1, -2}}, Covariance.isotropic(0.5));
    try (Backend backend = open(1)) {
      Teacher teacher = new Teacher(gaussian, OU, backend);
      TimeGrid grid = TimeGrid.of(1, 0.1);
      double[] states = MixtureSampler.sample(gaussian, OU, 1, 20, 7);
      Amplification amplification =
          Amplification.of(points -> teacher.trajectories(grid, points)[1], states, 2);
      double expected = Math.sqrt(variance(0.1) / variance(1));
      assertThat(amplification.largest()).isCloseTo(expected, within(1e-4));
      assertThat(amplification.mean()).isCloseTo(expected, within(1e-4));
    }
  }

  private static double variance(double t) {
    return 0.25 * Math.exp(-2 * t) - Math.expm1(-2 * t);
  }

  /** Of samples that miss by known amounts. */
  @Test
  void errorsAreRelativeAndTrimmed() {
    double[] exact = new double[400];
    double[] states = new double[400];
    Arrays.fill(exact, 2);
    Arrays.fill(states, 2);
    states[0] += 20;
    states[2] += 2;
    FlowError error = FlowError.of(states, exact, 2);
    assertThat(error.mean()).isCloseTo((400.0 + 4) / (400 * 4), within(1e-12));
    assertThat(error.trimmed()).isZero();
  }

  /** Means and variances of the samples that teachers start from. */
  @Test
  void samplesHaveTheMomentsOfTheMixtureAtItsTime() {
    GaussianMixture mixture =
        GaussianMixture.of(
            new double[] {0.25, 0.75},
            new double[][] {{0, 4}, {1, 0}},
            Covariance.full(new double[][] {{1, 0.6}, {0.6, 0.5}}));
    int rows = 200_000;
    double t = 0.3;
    double[] samples = MixtureSampler.sample(mixture, OU, t, rows, 11);
    double alpha = OU.alpha(t);
    double[] mean = new double[2];
    double cross = 0;
    for (int i = 0; i < rows; i++) {
      mean[0] += samples[2 * i] / rows;
      mean[1] += samples[2 * i + 1] / rows;
      cross += samples[2 * i] * samples[2 * i + 1] / rows;
    }
    assertThat(mean[0]).isCloseTo(alpha * 0.75, within(0.01));
    assertThat(mean[1]).isCloseTo(alpha, within(0.02));
    assertThat(cross).isCloseTo(alpha * alpha * 0.6, within(0.03));
  }
}
