package org.fewstep.training;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.util.List;
import java.util.Map;
import org.fewstep.backend.Backend;
import org.fewstep.backend.Batch;
import org.fewstep.backend.Precision;
import org.fewstep.backend.TestBackends;
import org.fewstep.network.Frame;
import org.fewstep.network.NetworkShape;
import org.fewstep.network.Unit;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/** The training loop on small problems whose answer is known. */
class RegressionTest {

  private static final int ROWS = 300;

  private static final NetworkShape SHAPE =
      NetworkShape.of(
          2,
          List.of(
              NetworkShape.mixed(4, 3),
              NetworkShape.units(6, Unit.RELU),
              NetworkShape.units(2, Unit.LINEAR)));

  private static final TrainingOptions OPTIONS =
      new TrainingOptions().withSteps(120).withBatch(70).withSeed(5).withCheckEvery(40);

  static List<String> backends() {
    return TestBackends.names().toList();
  }

  /** Pairs (x, f(x)) with a kink and a square, as batches of a backend. */
  private static final class Pairs implements AutoCloseable {

    final Batch x;
    final Batch y;

    Pairs(Backend backend, Precision precision, long seed) {
      x = backend.allocate(ROWS, 2, precision);
      y = backend.allocate(ROWS, 2, precision);
      backend.normal(x, seed, 0);
      for (int i = 0; i < ROWS; i++) {
        double a = x.get(i, 0);
        double b = x.get(i, 1);
        y.set(i, 0, Math.abs(a) - b);
        y.set(i, 1, 0.5 * a * Math.max(b, 0));
      }
    }

    @Override
    public void close() {
      x.close();
      y.close();
    }
  }

  private static double meanSquare(Batch y) {
    double sum = 0;
    for (double value : y.toDoubleArray()) {
      sum += value * value;
    }
    return sum / (y.rows() * y.columns());
  }

  @ParameterizedTest
  @MethodSource("backends")
  void learnsAFunctionWithAKinkAndASquare(String name) {
    try (Backend backend = TestBackends.open(name, 2);
        Pairs pairs = new Pairs(backend, Precision.FLOAT64, 1);
        Pairs others = new Pairs(backend, Precision.FLOAT64, 2)) {
      TrainingResult result =
          new Regression(backend, SHAPE, Frame.plain(), pairs.x, pairs.y)
              .withValidation(others.x, others.y)
              .train(OPTIONS.withSteps(1500).withSchedule(Schedule.cosine(2e-2)));
      assertThat(result.outcome()).isEqualTo(TrainingResult.Outcome.COMPLETED);
      assertThat(result.steps()).isEqualTo(1500);
      assertThat(result.validationError()).isLessThan(0.02 * meanSquare(others.y));
    }
  }

  @ParameterizedTest
  @MethodSource("backends")
  void bitsDoNotDependOnTheNumberOfThreads(String name) {
    for (Precision precision : Precision.values()) {
      assertThat(parameters(name, 5, precision)).isEqualTo(parameters(name, 1, precision));
    }
  }

  private static double[] parameters(String name, int threads, Precision precision) {
    try (Backend backend = TestBackends.open(name, threads);
        Pairs pairs = new Pairs(backend, precision, 1)) {
      return new Regression(backend, SHAPE, Frame.residual(1, 2), pairs.x, pairs.y)
          .train(OPTIONS.withBatch(ROWS))
          .parameters();
    }
  }

  @ParameterizedTest
  @MethodSource("backends")
  void goesOnFromACheckpointToTheSameBits(String name) throws IOException {
    try (Backend backend = TestBackends.open(name, 2);
        Pairs pairs = new Pairs(backend, Precision.FLOAT32, 1)) {
      Regression regression =
          new Regression(backend, SHAPE, Frame.plain(), pairs.x, pairs.y)
              .withValidation(pairs.x, pairs.y);
      TrainingOptions options = OPTIONS.withPatience(50);
      TrainingResult whole = regression.train(options);

      MemoryStore store = new MemoryStore();
      TrainingResult half = regression.train(options, endingAt(80), store);
      assertThat(half.outcome()).isEqualTo(TrainingResult.Outcome.CANCELLED);
      assertThat(half.steps()).isEqualTo(80);
      assertThat(half.parameters()).isNotEqualTo(whole.parameters());
      TrainingResult rest = regression.train(options, TrainingListener.NONE, store);
      assertThat(rest.steps()).isEqualTo(120);
      assertThat(rest.parameters()).isEqualTo(whole.parameters());
      assertThat(rest.validationError()).isEqualTo(whole.validationError());

      TrainingResult again = regression.train(options, TrainingListener.NONE, store);
      assertThat(again.parameters()).as("nothing is left to do").isEqualTo(whole.parameters());
    }
  }

  private static TrainingListener endingAt(long last) {
    return new TrainingListener() {
      private long reached;

      @Override
      public void onCheck(long step, long steps, double validationError) {
        reached = step;
      }

      @Override
      public boolean isCancelled() {
        return reached >= last;
      }
    };
  }

  @Test
  void aCheckpointOfAnotherTrainingIsRefused() throws IOException {
    try (Backend backend = TestBackends.open("scalar", 1);
        Pairs pairs = new Pairs(backend, Precision.FLOAT64, 1)) {
      MemoryStore store = new MemoryStore();
      TrainingOptions brief = OPTIONS.withSteps(2).withCheckEvery(1);
      Regression regression =
          new Regression(backend, SHAPE, Frame.plain(), pairs.x, pairs.y)
              .withIdentity(Map.of("mixture", "ring"));
      regression.train(brief, TrainingListener.NONE, store);
      assertThatIllegalArgumentException()
          .isThrownBy(() -> regression.train(brief.withSeed(6), TrainingListener.NONE, store))
          .withMessageContaining("seed is 5, not 6");
      regression.withIdentity(Map.of("mixture", "grid"));
      assertThatIllegalArgumentException()
          .isThrownBy(() -> regression.train(brief, TrainingListener.NONE, store))
          .withMessageContaining("mixture is ring, not grid");
      Regression scaled =
          new Regression(backend, SHAPE, Frame.scaled(1, 2), pairs.x, pairs.y)
              .withIdentity(Map.of("mixture", "ring"));
      assertThatIllegalArgumentException()
          .isThrownBy(() -> scaled.train(brief, TrainingListener.NONE, store))
          .withMessageContaining("frame");
    }
  }

  @Test
  void stopsEarlyAndKeepsTheBest() {
    try (Backend backend = TestBackends.open("scalar", 1);
        Pairs pairs = new Pairs(backend, Precision.FLOAT64, 1);
        Pairs others = new Pairs(backend, Precision.FLOAT64, 2)) {
      Regression regression =
          new Regression(backend, SHAPE, Frame.plain(), pairs.x, pairs.y)
              .withValidation(others.x, others.y);
      // A rate this large soon throws the parameters about.
      TrainingOptions wild =
          OPTIONS
              .withSteps(5000)
              .withCheckEvery(10)
              .withPatience(3)
              .withSchedule(Schedule.constant(0.3));
      TrainingResult result = regression.train(wild);
      assertThat(result.outcome()).isEqualTo(TrainingResult.Outcome.STOPPED_EARLY);
      assertThat(result.steps()).isLessThan(5000);
      try (Batch parameters = backend.allocate(1, SHAPE.parameters(), Precision.FLOAT64);
          Batch predicted = backend.allocate(ROWS, 2, Precision.FLOAT64)) {
        parameters.copyFrom(result.parameters());
        backend.networkForward(SHAPE, Frame.plain(), parameters, others.x, predicted, null);
        backend.combine(predicted, List.of(predicted, others.y), new double[] {1, -1});
        assertThat(meanSquare(predicted)).isEqualTo(result.validationError());
      }
    }
  }

  @Test
  void saysWhenItDiverges() {
    try (Backend backend = TestBackends.open("scalar", 1);
        Pairs pairs = new Pairs(backend, Precision.FLOAT64, 1)) {
      Regression regression = new Regression(backend, SHAPE, Frame.plain(), pairs.x, pairs.y);
      TrainingOptions absurd = OPTIONS.withSchedule(Schedule.constant(1e200));
      assertThatThrownBy(() -> regression.train(absurd))
          .isInstanceOf(DivergedException.class)
          .hasMessageContaining("step 40")
          .hasMessageContaining("smaller learning rate");
    }
  }

  @Test
  void refusesPairsThatDoNotFit() {
    try (Backend backend = TestBackends.open("scalar", 1);
        Pairs pairs = new Pairs(backend, Precision.FLOAT64, 1);
        Batch narrow = backend.allocate(ROWS, 1, Precision.FLOAT64);
        Batch few = backend.allocate(3, 2, Precision.FLOAT64);
        Batch single = backend.allocate(ROWS, 2, Precision.FLOAT32);
        Batch none = backend.allocate(0, 2, Precision.FLOAT64)) {
      refuses(backend, narrow, pairs.y, "x must be");
      refuses(backend, pairs.x, narrow, "y must be");
      refuses(backend, pairs.x, few, "y must be");
      refuses(backend, pairs.x, single, "precision");
      refuses(backend, none, none, "at least 1 row");
      refuses(backend, pairs.x, null, "y must be given");
      Regression regression = new Regression(backend, SHAPE, Frame.plain(), pairs.x, pairs.y);
      assertThatIllegalArgumentException()
          .isThrownBy(() -> regression.train(OPTIONS.withPatience(1)))
          .withMessageContaining("patience must be 0 without validation pairs");
    }
  }

  private static void refuses(Backend backend, Batch x, Batch y, String message) {
    assertThatIllegalArgumentException()
        .isThrownBy(() -> new Regression(backend, SHAPE, Frame.plain(), x, y))
        .withMessageContaining(message);
  }
}
