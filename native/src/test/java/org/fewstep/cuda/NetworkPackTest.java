package org.fewstep.cuda;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.Arrays;
import java.util.List;
import org.fewstep.network.Frame;
import org.fewstep.network.Layer;
import org.fewstep.network.Network;
import org.fewstep.network.NetworkShape;
import org.fewstep.network.Unit;
import org.junit.jupiter.api.Test;

/** The layout of packed networks, read back map by map. */
class NetworkPackTest {

  private static final Layer DENSE =
      Layer.dense(
          3,
          new double[] {1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15},
          new double[] {-1, -2, -3, -4, -5},
          List.of(Unit.RELU, Unit.REQU, Unit.LINEAR, Unit.RELU, Unit.REQU));

  /** Entries [0,1], [0,4], [2,0], [2,4]; none of output 1. */
  private static final Layer SPARSE =
      Layer.sparse(
          5,
          new int[] {0, 2, 2, 4},
          new int[] {1, 4, 0, 4},
          new double[] {21, 22, 23, 24},
          new double[] {-6, -7, -8},
          NetworkShape.units(3, Unit.RELU));

  private static final Layer LAST =
      Layer.dense(3, new double[] {31, 32, 33, 34, 35, 36}, new double[] {-9, -10}, Unit.LINEAR);

  private static final Network NETWORK =
      Network.of(List.of(DENSE, SPARSE, LAST), Network.Output.VELOCITY)
          .withTimeInput()
          .withFrame(Frame.residual(2, 3).withClamp(new double[] {-1, -2}, new double[] {0.1, 2}));

  /** The weights [outputs, inputs] of a map, whatever form it is in. */
  private static double[] weights(NetworkPack pack, int map) {
    int[] integers = pack.integers();
    int[] fields = fields(pack, map);
    int inputs = fields[0];
    int outputs = fields[1];
    int width = (outputs + 3) / 4 * 4;
    double[] weights = new double[outputs * inputs];
    for (int o = 0; o < outputs; o++) {
      if (fields[4] < 0) {
        for (int i = 0; i < inputs; i++) {
          weights[o * inputs + i] = pack.numbers()[fields[3] + i * width + o];
        }
      } else {
        for (int e = integers[fields[4] + o]; e < integers[fields[4] + o + 1]; e++) {
          weights[o * inputs + integers[fields[5] + e]] = pack.numbers()[fields[3] + e];
        }
      }
    }
    return weights;
  }

  private static int[] fields(NetworkPack pack, int map) {
    return Arrays.copyOfRange(pack.integers(), 8 * map, 8 * map + 8);
  }

  private static double[] transposed(Layer layer) {
    double[] weights = layer.weights();
    double[] result = new double[weights.length];
    for (int o = 0; o < layer.outputs(); o++) {
      for (int i = 0; i < layer.inputs(); i++) {
        result[i * layer.outputs() + o] = weights[o * layer.inputs() + i];
      }
    }
    return result;
  }

  @Test
  void everyMapHoldsItsLayer() {
    NetworkPack pack = NetworkPack.of(NETWORK, true);
    for (int l = 0; l < 3; l++) {
      Layer layer = NETWORK.layers().get(l);
      int[] fields = fields(pack, l);
      assertEquals(layer.inputs(), fields[0]);
      assertEquals(layer.outputs(), fields[1]);
      assertArrayEquals(
          layer.biases(),
          Arrays.copyOfRange(pack.numbers(), fields[2], fields[2] + layer.outputs()));
      assertArrayEquals(layer.weights(), weights(pack, l));
      assertEquals(layer.isSparse(), fields[4] >= 0);
      int[] back = fields(pack, 5 - l);
      assertEquals(layer.outputs(), back[0]);
      assertEquals(layer.inputs(), back[1]);
      assertEquals(-1, back[2]);
      assertArrayEquals(transposed(layer), weights(pack, 5 - l));
      assertEquals(0, fields[2] % 4);
      assertEquals(0, fields[3] % 4);
      assertEquals(0, back[3] % 4);
    }
  }

  @Test
  void largeDenseMapsAreInFragmentsForTensorCores() {
    int inputs = 21;
    int outputs = 43;
    double[] weights = new double[inputs * outputs];
    Arrays.setAll(weights, i -> i + 1);
    Layer large = Layer.dense(inputs, weights, new double[outputs], Unit.RELU);
    Layer last = Layer.dense(outputs, new double[outputs], new double[1], Unit.LINEAR);
    Network network = Network.of(List.of(large, last), Network.Output.VELOCITY);
    NetworkPack pack = NetworkPack.of(network, true);
    assertTrue(pack.inFragments());
    assertEquals(NetworkPack.FRAGMENTS, fields(pack, 0)[4]);
    assertEquals(-1, fields(pack, 1)[4]);
    assertEquals(-1, fields(pack, 3)[4], "21 outputs are few");
    int from = fields(pack, 0)[3];
    double[] read = new double[weights.length];
    int steps = 3;
    for (int at = 0; at < 4 * steps * 128; at++) {
      int word = at % 4;
      int lane = at / 4 % 32;
      int fragment = at / 128;
      int output = fragment / steps * 16 + lane / 4 + 8 * (word % 2);
      int input = fragment % steps * 8 + lane % 4 + 4 * (word / 2);
      double number = pack.numbers()[from + at];
      if (output < outputs && input < inputs) {
        read[output * inputs + input] = number;
      } else {
        assertEquals(0, number);
      }
    }
    assertArrayEquals(weights, read);
    assertFalse(NetworkPack.of(network, false).inFragments());
    assertFalse(NetworkPack.of(NETWORK, true).inFragments(), "layers are small");
  }

  @Test
  void numbersOfLayersComeBeforeThoseOfTransposedMaps() {
    NetworkPack pack = NetworkPack.of(NETWORK, false);
    for (int map = 0; map < 6; map++) {
      assertEquals(map < 3, fields(pack, map)[3] < pack.layerNumbers());
    }
  }

  @Test
  void unitsStandWithTheMapsWhoseOutputsGoThroughThem() {
    NetworkPack pack = NetworkPack.of(NETWORK, true);
    int first = fields(pack, 0)[6];
    assertArrayEquals(
        new int[] {1, 2, 0, 1, 2}, Arrays.copyOfRange(pack.integers(), first, first + 5));
    int second = fields(pack, 1)[6];
    assertArrayEquals(new int[] {1, 1, 1}, Arrays.copyOfRange(pack.integers(), second, second + 3));
    int[] units = {first, second, -1, second, first, -1};
    int[] affine = {0, 5, 8, 5, 0, -1};
    for (int map = 0; map < 6; map++) {
      assertEquals(units[map], fields(pack, map)[6]);
      assertEquals(affine[map], fields(pack, map)[7]);
    }
  }

  @Test
  void theFrameAndTheSizesAreTold() {
    NetworkPack pack = NetworkPack.of(NETWORK, true);
    assertArrayEquals(
        new double[] {-1, -2, 0.1, 2}, Arrays.copyOf(pack.numbers(), 4), "the time has no bounds");
    assertEquals(
        List.of(2, 2, 3, 5, 10),
        List.of(pack.inputs(), pack.outputs(), pack.layers(), pack.width(), pack.units()));
    assertEquals(20 + 18 + 8, pack.parameters());
    assertEquals(List.of(true, true), List.of(pack.takesTime(), pack.residual()));
    assertEquals(List.of(2.0, 3.0), List.of(pack.inputScale(), pack.outputScale()));
    assertEquals(List.of(0.0, Double.POSITIVE_INFINITY), List.of(pack.timeLow(), pack.timeHigh()));
  }

  @Test
  void aShapeHasTheLayoutOfItsNetworks() {
    NetworkShape shape = NetworkShape.of(3, Unit.REQU, 6, 5, 2);
    double[] parameters = new double[shape.parameters()];
    Arrays.setAll(parameters, i -> i + 1);
    Network network = Network.of(shape.layersOf(parameters), Network.Output.SCORE);
    NetworkPack trained = NetworkPack.of(shape, Frame.plain());
    NetworkPack packed = NetworkPack.of(network, false);
    assertArrayEquals(packed.integers(), trained.integers());
    assertEquals(packed.numbers().length, trained.numbers().length);
    assertEquals(Double.NEGATIVE_INFINITY, trained.numbers()[2]);
    assertEquals(Double.POSITIVE_INFINITY, trained.numbers()[3]);
    assertEquals(0, Arrays.stream(trained.numbers()).skip(6).map(Math::abs).sum());
  }

  @Test
  void moreThanAnArrayHoldsIsRefused() {
    NetworkShape shape = NetworkShape.of(40000, Unit.RELU, 40000, 2);
    assertThrows(IllegalArgumentException.class, () -> NetworkPack.of(shape, Frame.plain()));
  }
}
