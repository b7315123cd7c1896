package org.fewstep.backend;

import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.util.List;
import java.util.function.Consumer;
import java.util.stream.Stream;
import org.assertj.core.api.ThrowableAssert.ThrowingCallable;
import org.fewstep.diffusion.OrnsteinUhlenbeck;
import org.fewstep.network.Frame;
import org.fewstep.network.Layer;
import org.fewstep.network.Network;
import org.fewstep.network.NetworkShape;
import org.fewstep.network.Unit;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/** Bad arguments of the calls about networks are refused by every backend, before any work. */
class NetworkRefusalsTest {

  private static final Precision F32 = Precision.FLOAT32;
  private static final Precision F64 = Precision.FLOAT64;
  private static final Frame PLAIN = Frame.plain();

  /** From 2 to 3, with a time from 1 to 2. */
  private static final Network NETWORK =
      Network.of(
              List.of(Layer.dense(3, new double[9], new double[3], Unit.LINEAR)),
              Network.Output.VELOCITY)
          .withTimeInput()
          .withTimes(new OrnsteinUhlenbeck(), 1, 2);

  /** 2-4-3: 12 and 15 parameters. */
  private static final NetworkShape SHAPE = NetworkShape.of(2, Unit.RELU, 4, 3);

  private static final AdamStep STEP = new AdamStep(1, 0.1, 0.9, 0.99, 1e-8, 0, 1);

  static Stream<String> backends() {
    return TestBackends.names();
  }

  private static void refused(String message, ThrowingCallable call) {
    assertThatThrownBy(call)
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageContaining(message);
  }

  @ParameterizedTest
  @MethodSource("backends")
  void trajectoriesRefuse(String name) {
    Network network =
        Network.of(
                List.of(Layer.dense(2, new double[4], new double[2], Unit.LINEAR)),
                Network.Output.SCORE)
            .withTimes(new OrnsteinUhlenbeck(), 0, 2);
    Network displacement =
        Network.of(network.layers(), Network.Output.DISPLACEMENT)
            .withTimes(new OrnsteinUhlenbeck(), 0, 2);
    Network denoised =
        Network.of(network.layers(), Network.Output.DENOISED)
            .withTimes(new OrnsteinUhlenbeck(), 0, 2);
    Plan plan = Plans.heun(new OrnsteinUhlenbeck(), new double[] {1, 0});
    Plan early = Plans.heun(new OrnsteinUhlenbeck(), new double[] {3, 1});
    try (Backend b = TestBackends.open(name, 2);
        Batch x = b.allocate(5, 2, F32)) {
      TrajectoryOutputs end = TrajectoryOutputs.end(x);
      refused("network", () -> b.networkTrajectory(null, plan, x, end));
      refused("plan", () -> b.networkTrajectory(network, null, x, end));
      refused("x", () -> b.networkTrajectory(network, plan, null, end));
      refused("outputs", () -> b.networkTrajectory(network, plan, x, null));
      refused(
          "x must be 5 x 2", () -> b.networkTrajectory(network, plan, b.allocate(5, 1, F32), end));
      refused(
          "end must be 5 x 2",
          () ->
              b.networkTrajectory(network, plan, x, TrajectoryOutputs.end(b.allocate(4, 2, F32))));
      refused("of its inputs", () -> b.networkTrajectory(NETWORK, plan, x, end));
      refused("of its inputs", () -> b.networkTrajectory(displacement, plan, x, end));
      refused("the time of a stage must lie in", () -> b.networkTrajectory(network, early, x, end));
      refused(
          "plan.steps[0] needs the velocity, which does not follow from the denoised at t = 0.0",
          () -> b.networkTrajectory(denoised, plan, x, end));
    }
  }

  @ParameterizedTest
  @MethodSource("backends")
  void evaluationsRefuse(String name) {
    try (Backend b = TestBackends.open(name, 2);
        Batch x = b.allocate(5, 2, F32)) {
      NetworkOutputs none = NetworkOutputs.none();
      refused("network", () -> b.network(null, 1, x, none));
      refused("x", () -> b.network(NETWORK, 1, null, none));
      refused("outputs", () -> b.network(NETWORK, 1, x, null));
      refused("x must", () -> b.network(NETWORK, 1, b.allocate(5, 3, F32), none));
      refused("t must lie in [1.0, 2.0]", () -> b.network(NETWORK, 0.5, x, none));
      refused("t must lie in", () -> b.network(NETWORK, Double.NaN, x, none));
      refused("times", () -> b.network(NETWORK, null, x, none));
      refused("times must be 5 x 1", () -> b.network(NETWORK, b.allocate(4, 1, F64), x, none));
      refused(
          "times must be of precision", () -> b.network(NETWORK, b.allocate(5, 1, F32), x, none));
      refused("value must be 5 x 3", () -> b.network(NETWORK, 1, x, none.withValue(x)));
      refused(
          "value must be of precision",
          () -> b.network(NETWORK, 1, x, none.withValue(b.allocate(5, 3, F64))));
      refused(
          "as many outputs as inputs",
          () -> b.network(NETWORK, 1, x, none.withDivergence(b.allocate(5, 1, F32))));
      refused(
          "direction must be 5 x 2",
          () ->
              b.network(NETWORK, 1, x, none.withJvp(b.allocate(5, 3, F32), b.allocate(5, 3, F32))));
      refused(
          "jvp must be 5 x 3",
          () ->
              b.network(NETWORK, 1, x, none.withJvp(b.allocate(5, 2, F32), b.allocate(5, 2, F32))));
      refused(
          "cotangent must be 5 x 3",
          () ->
              b.network(NETWORK, 1, x, none.withVjp(b.allocate(5, 2, F32), b.allocate(5, 2, F32))));
      refused(
          "vjp must be 5 x 2",
          () ->
              b.network(NETWORK, 1, x, none.withVjp(b.allocate(5, 3, F32), b.allocate(5, 3, F32))));
    }
  }

  @ParameterizedTest
  @MethodSource("backends")
  void trainingRefuses(String name) {
    try (Backend b = TestBackends.open(name, 2);
        Batch p = b.allocate(1, 27, F32);
        Batch x = b.allocate(5, 2, F32);
        Batch y = b.allocate(5, 3, F32);
        Batch s = b.allocate(5, 4, F32)) {
      refused("shape", () -> b.networkForward(null, PLAIN, p, x, y, s));
      refused("frame", () -> b.networkForward(SHAPE, null, p, x, y, s));
      refused("residual", () -> b.networkForward(SHAPE, Frame.residual(1, 1), p, x, y, s));
      refused("parameters must be 1 x 27", () -> b.networkForward(SHAPE, PLAIN, s, x, y, s));
      refused("x must", () -> b.networkForward(SHAPE, PLAIN, p, y, y, s));
      refused("y must be 5 x 3", () -> b.networkForward(SHAPE, PLAIN, p, x, x, s));
      refused("y", () -> b.networkForward(SHAPE, PLAIN, p, x, null, s));
      refused("saved must be 5 x 4", () -> b.networkForward(SHAPE, PLAIN, p, x, y, y));
      refused(
          "parameters must be of precision",
          () -> b.networkForward(SHAPE, PLAIN, b.allocate(1, 27, F64), x, y, s));
      refused("saved", () -> b.networkBackward(SHAPE, PLAIN, p, x, null, y, x, p));
      refused("dy must be 5 x 3", () -> b.networkBackward(SHAPE, PLAIN, p, x, s, x, x, p));
      refused("dy", () -> b.networkBackward(SHAPE, PLAIN, p, x, s, null, x, p));
      refused("dx must be 5 x 2", () -> b.networkBackward(SHAPE, PLAIN, p, x, s, y, y, p));
      refused("gradient must be 1 x 27", () -> b.networkBackward(SHAPE, PLAIN, p, x, s, y, x, s));
    }
  }

  @ParameterizedTest
  @MethodSource("backends")
  void stepsAndDrawsRefuse(String name) {
    try (Backend b = TestBackends.open(name, 2);
        Batch p = b.allocate(1, 27, F32);
        Batch x = b.allocate(5, 2, F32)) {
      refused("step", () -> b.adam(null, p, p, p, p));
      refused("parameters", () -> b.adam(STEP, null, p, p, p));
      refused("gradient must be 1 x 27", () -> b.adam(STEP, p, x, p, p));
      refused("mean", () -> b.adam(STEP, p, p, null, p));
      refused("square must be of precision", () -> b.adam(STEP, p, p, p, b.allocate(1, 27, F64)));
      refused("out", () -> b.draw(null, x, 0, 0));
      refused("source", () -> b.draw(x, null, 0, 0));
      refused("source", () -> b.draw(x, p, 0, 0));
      refused("source must be of precision", () -> b.draw(x, b.allocate(5, 2, F64), 0, 0));
      refused("source must have at least 1 row", () -> b.draw(x, b.allocate(0, 2, F32), 0, 0));
      refused("first must lie in", () -> b.draw(x, b.allocate(5, 2, F32), 0, -1));
    }
  }

  @ParameterizedTest
  @MethodSource("backends")
  void aClosedBackendRefusesEverything(String name) {
    Backend b = TestBackends.open(name, 2);
    try (Batch p = b.allocate(1, 27, F32);
        Batch x = b.allocate(5, 2, F32);
        Batch y = b.allocate(5, 3, F32);
        Batch s = b.allocate(5, 4, F32);
        Batch times = b.allocate(5, 1, F64)) {
      b.close();
      NetworkOutputs outputs = NetworkOutputs.none().withValue(y);
      List<Consumer<Backend>> calls =
          List.of(
              backend -> backend.network(NETWORK, 1, x, outputs),
              backend -> backend.network(NETWORK, times, x, outputs),
              backend -> backend.networkForward(SHAPE, PLAIN, p, x, y, s),
              backend -> backend.networkBackward(SHAPE, PLAIN, p, x, s, y, x, p),
              backend -> backend.adam(STEP, p, p, p, p),
              backend -> backend.draw(x, x.slice(0, 2), 0, 0));
      for (Consumer<Backend> call : calls) {
        assertThatThrownBy(() -> call.accept(b))
            .isInstanceOf(IllegalStateException.class)
            .hasMessageContaining("closed");
      }
    }
  }
}
