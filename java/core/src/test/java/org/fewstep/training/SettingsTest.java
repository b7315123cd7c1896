package org.fewstep.training;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;
import static org.assertj.core.api.Assertions.within;

import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.stream.LongStream;
import org.fewstep.network.NetworkShape;
import org.fewstep.network.Unit;
import org.junit.jupiter.api.Test;

/** Schedules, optimisers, initial parameters, seeds and checkpoints. */
class SettingsTest {

  @Test
  void schedulesRiseAndFall() {
    Schedule cosine = Schedule.cosine(2);
    assertThat(cosine.rate(1, 1_000_000)).isCloseTo(2, within(1e-6));
    assertThat(cosine.rate(500_000, 1_000_000)).isCloseTo(1, within(1e-5));
    assertThat(cosine.rate(1_000_000, 1_000_000)).isCloseTo(0, within(1e-6));
    assertThat(Schedule.linear(2).rate(25, 100)).isCloseTo(2 * (1 - 0.245), within(1e-12));
    assertThat(Schedule.constant(2).rate(99, 100)).isEqualTo(2);
    Schedule warm = Schedule.cosine(2).withWarmUp(0.5);
    assertThat(warm.rate(25, 100)).isCloseTo(2 * 0.245 / 0.5, within(1e-12));
    assertThat(warm.rate(51, 100)).isCloseTo(2, within(1e-2));
    assertThat(new Schedule(Schedule.Kind.COSINE, 2, 1, 0).rate(100, 100))
        .isCloseTo(1, within(1e-3));
  }

  @Test
  void schedulesAndOptimisersRefuseWhatIsOutOfRange() {
    refuses(() -> Schedule.constant(0), "peak must be finite and > 0, but is 0.0");
    refuses(() -> Schedule.constant(Double.NaN), "peak");
    refuses(() -> new Schedule(Schedule.Kind.LINEAR, 1, 2, 0), "floor must lie in [0, peak");
    refuses(() -> Schedule.linear(1).withWarmUp(1), "warmUp must lie in [0, 1)");
    refuses(() -> new Adam(1, 0.9, 1e-8, 0, 1), "beta1 must be in [0, 1)");
    refuses(() -> new Adam().withWeightDecay(-1), "weightDecay");
    refuses(() -> new Adam().withClipNorm(0), "clipNorm");
    refuses(() -> new TrainingOptions().withSteps(0), "steps must be at least 1, but is 0");
    refuses(() -> new TrainingOptions().withBatch(0), "batch must be at least 1");
    refuses(() -> new TrainingOptions().withCheckEvery(0), "checkEvery");
    refuses(() -> new TrainingOptions().withPatience(-1), "patience");
  }

  private static void refuses(Runnable construction, String message) {
    assertThatIllegalArgumentException()
        .isThrownBy(construction::run)
        .withMessageContaining(message);
  }

  /** The variance of weights of a layer is what keeps the signal's. */
  @Test
  void initialParametersHaveTheScaleOfTheirLayer() {
    NetworkShape shape =
        NetworkShape.of(
            50,
            List.of(
                NetworkShape.units(400, Unit.RELU),
                NetworkShape.units(300, Unit.REQU),
                NetworkShape.units(7, Unit.LINEAR)));
    double[] parameters = InitialParameters.of(shape, 3);
    assertThat(variance(parameters, shape.weightOffset(0), 50 * 400))
        .isCloseTo(2.0 / 50, within(0.1 * 2 / 50));
    assertThat(variance(parameters, shape.weightOffset(1), 400 * 300))
        .isCloseTo(1.0 / 400, within(0.1 / 400));
    assertThat(variance(parameters, shape.weightOffset(2), 300 * 7))
        .isCloseTo(1e-4 / 300, within(1e-5 / 300));
    assertThat(variance(parameters, shape.biasOffset(0), 400)).isCloseTo(1, within(0.3));
    assertThat(variance(parameters, shape.biasOffset(1), 300)).isZero();
    assertThat(InitialParameters.of(shape, 3)).isEqualTo(parameters);
    assertThat(InitialParameters.of(shape, 4)).isNotEqualTo(parameters);
  }

  private static double variance(double[] values, int from, int count) {
    return Arrays.stream(values, from, from + count).map(v -> v * v).sum() / count;
  }

  @Test
  void derivedSeedsAreAllDifferent() {
    long distinct =
        LongStream.range(0, 1000)
            .flatMap(seed -> LongStream.range(0, 100).map(p -> Seeds.derived(seed, p)))
            .distinct()
            .count();
    assertThat(distinct).isEqualTo(100_000);
  }

  @Test
  void checkpointsSayWhatDiffersAndWhatIsMissing() {
    Checkpoint checkpoint =
        new Checkpoint(Map.of("seed", "1"), 3, Map.of("mean", new double[] {1, 2}));
    checkpoint.requireConfiguration(Map.of("seed", "1"));
    refuses(
        () -> checkpoint.requireConfiguration(Map.of("seed", "2")),
        "its seed is 1, not 2; remove it or train as it says");
    refuses(() -> checkpoint.requireConfiguration(Map.of("rows", "2")), "its rows is null");
    refuses(() -> checkpoint.vector("mean", 3), "must hold 3 values of mean, but holds 2");
    refuses(() -> checkpoint.vector("best", 3), "but holds none");
    refuses(() -> new Checkpoint(Map.of(), -1, Map.of()), "step must be at least 0");
  }
}
