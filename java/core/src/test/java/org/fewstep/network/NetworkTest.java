package org.fewstep.network;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;

import java.util.List;
import org.fewstep.diffusion.OrnsteinUhlenbeck;
import org.fewstep.diffusion.VariancePreserving;
import org.junit.jupiter.api.Test;

/** Networks, their shapes and their frames as data. */
class NetworkTest {

  private static final OrnsteinUhlenbeck OU = new OrnsteinUhlenbeck();

  private static Layer layer(int inputs, int outputs, Unit unit) {
    double[] weights = new double[inputs * outputs];
    for (int i = 0; i < weights.length; i++) {
      weights[i] = i + 1;
    }
    return Layer.dense(inputs, weights, new double[outputs], unit);
  }

  private static Network network() {
    return Network.of(
        List.of(layer(2, 3, Unit.RELU), layer(3, 2, Unit.LINEAR)), Network.Output.VELOCITY);
  }

  @Test
  void aNetworkKnowsItsSizes() {
    Network network = network();
    assertThat(network.inputs()).isEqualTo(2);
    assertThat(network.outputs()).isEqualTo(2);
    assertThat(network.depth()).isEqualTo(2);
    assertThat(network.width()).isEqualTo(3);
    assertThat(network.parameters()).isEqualTo(6 + 3 + 6 + 2);
    assertThat(network.shape()).isEqualTo(NetworkShape.of(2, Unit.RELU, 3, 2));
    assertThat(network).hasToString("Network[2-3-2, velocity, 17 parameters]");
    assertThat(network.takesTime()).isFalse();
    assertThat(network.process()).isEmpty();
    assertThat(network.timeLow()).isZero();
    assertThat(network.timeHigh()).isInfinite();
  }

  @Test
  void aTimeInputIsNoColumnOfX() {
    Network network = network().withTimes(OU, 0.1, 2).withTimeInput();
    assertThat(network.inputs()).isEqualTo(1);
    assertThat(network.takesTime()).isTrue();
    assertThat(network.process()).contains(OU);
    network.requireTime("t", 2);
    assertRefused(
        () -> network.requireTime("t", 3), "t must lie in [0.1, 2.0], the times of the network");
    assertRefused(() -> network.requireTime("t", Double.NaN), "NaN");
  }

  @Test
  void parametersGoFlatAndBack() {
    Network network = network();
    double[] flat = network.flatParameters();
    assertThat(flat).containsExactly(1, 2, 3, 4, 5, 6, 0, 0, 0, 1, 2, 3, 4, 5, 6, 0, 0);
    NetworkShape shape = network.shape();
    assertThat(Network.of(shape.layersOf(flat), Network.Output.SCORE).flatParameters())
        .containsExactly(flat);
    assertThat(shape.weightOffset(1)).isEqualTo(9);
    assertThat(shape.biasOffset(0)).isEqualTo(6);
    assertThat(shape.biasOffset(1)).isEqualTo(15);
    assertThat(shape.hiddenUnits()).isEqualTo(3);
    assertRefused(() -> shape.layersOf(new double[3]), "17 values", "2-3-2", "but has 3");
  }

  @Test
  void layersThatDoNotChain() {
    assertRefused(
        () ->
            Network.of(
                List.of(layer(2, 3, Unit.RELU), layer(4, 2, Unit.LINEAR)), Network.Output.SCORE),
        "layers[1] must have 3 inputs, the outputs of the one before, but has 4");
    assertRefused(() -> Network.of(List.of(), Network.Output.SCORE), "at least one layer");
  }

  @Test
  void timesThatAreNone() {
    assertRefused(() -> network().withTimes(OU, 2, 1), "low must be at most high (1.0)", "2.0");
    assertRefused(() -> network().withTimes(OU, -1, 1), "low must lie in", "-1");
    assertRefused(
        () -> network().withTimes(new VariancePreserving(), 0, 2), "high must lie in [0, 1.0]");
    Network narrow = Network.of(List.of(layer(1, 1, Unit.LINEAR)), Network.Output.SCORE);
    assertRefused(narrow::withTimeInput, "at least 2 inputs", "but has 1");
  }

  @Test
  void framesThatDoNotFitTheirNetwork() {
    Network tall = Network.of(List.of(layer(2, 3, Unit.LINEAR)), Network.Output.SCORE);
    assertRefused(() -> tall.withFrame(Frame.residual(1, 1)), "as many outputs as inputs (2)", "3");
    Frame clamped = Frame.plain().withClamp(new double[3], new double[3]);
    assertRefused(() -> network().withFrame(clamped), "clamp 2 coordinates", "clamps 3");
    assertRefused(
        () -> network().withFrame(Frame.residual(1, 1)).withTimeInput(), "inputs (1)", "are 2");
  }

  @Test
  void framesAreValues() {
    Frame frame = Frame.residual(2, 3).withClamp(new double[] {-1}, new double[] {4});
    assertThat(frame)
        .isEqualTo(Frame.residual(2, 3).withClamp(new double[] {-1}, new double[] {4}))
        .hasSameHashCodeAs(Frame.residual(2, 3).withClamp(new double[] {-1}, new double[] {4}))
        .isNotEqualTo(Frame.residual(2, 3))
        .isNotEqualTo(Frame.scaled(2, 3).withClamp(new double[] {-1}, new double[] {4}))
        .hasToString("Frame[c_in 2.0, c_out 3.0, residual, clamped]");
    assertThat(frame.low(0)).isEqualTo(-1);
    assertThat(frame.high(0)).isEqualTo(4);
    assertThat(frame.dimension()).isEqualTo(1);
    assertThat(Frame.plain().isClamped()).isFalse();
    assertThat(Frame.plain().low(7)).isEqualTo(Double.NEGATIVE_INFINITY);
    assertThat(Frame.plain().high(7)).isEqualTo(Double.POSITIVE_INFINITY);
    assertThat(Frame.plain().dimension()).isZero();
  }

  @Test
  void framesThatAreNone() {
    assertRefused(() -> Frame.residual(0, 1), "inputScale must be finite and > 0, but is 0.0");
    assertRefused(() -> Frame.scaled(1, Double.NaN), "outputScale must be finite and > 0");
    assertRefused(() -> Frame.plain().withClamp(new double[1], new double[2]), "but have 1 and 2");
    assertRefused(() -> Frame.plain().withClamp(new double[0], new double[0]), "0 and 0");
    assertRefused(
        () -> Frame.plain().withClamp(new double[] {2}, new double[] {1}),
        "low[0] <= high[0] must be finite, but are 2.0 and 1.0");
    assertRefused(
        () -> Frame.plain().withClamp(new double[] {Double.NaN}, new double[] {1}), "low[0]");
  }

  @Test
  void shapesAreValues() {
    NetworkShape shape = NetworkShape.of(3, List.of(NetworkShape.mixed(2, 1), List.of(Unit.RELU)));
    assertThat(shape)
        .hasToString("3-3-1")
        .hasSameHashCodeAs(
            NetworkShape.of(3, List.of(NetworkShape.mixed(2, 1), List.of(Unit.RELU))));
    assertThat(shape).isNotEqualTo(NetworkShape.of(3, Unit.RELU, 3, 1));
    assertThat(shape.units(0)).containsExactly(Unit.RELU, Unit.RELU, Unit.REQU);
    assertThat(shape.maxWidth()).isEqualTo(3);
    assertThat(shape.width(-1)).isEqualTo(3);
    assertThat(shape.outputs()).isEqualTo(1);
    assertThat(NetworkShape.of(3, Unit.REQU, 2, 1).units(1)).containsExactly(Unit.LINEAR);
  }

  @Test
  void shapesThatAreNone() {
    assertRefused(() -> NetworkShape.of(0, Unit.RELU, 2), "inputs must be at least 1, but is 0");
    assertRefused(() -> NetworkShape.of(1, List.of()), "at least one layer");
    assertRefused(
        () -> NetworkShape.of(1, Unit.RELU, 2, 0), "layers[1] must have at least one unit");
    assertRefused(
        () -> NetworkShape.of(1, Unit.RELU, 50_000, 50_000), "fewer than 2^31 parameters");
  }

  @Test
  void outputsGoByName() {
    for (Network.Output output : Network.Output.values()) {
      assertThat(Network.Output.named(output.label())).isEqualTo(output);
    }
    assertRefused(() -> Network.Output.named("noise"), "score, velocity, denoised", "'noise'");
  }

  private static void assertRefused(Runnable call, String... parts) {
    assertThatIllegalArgumentException()
        .isThrownBy(call::run)
        .satisfies(error -> assertThat(error.getMessage()).contains(parts));
  }
}
