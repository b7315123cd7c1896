package org.fewstep.network;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Objects;

/**
 * The shape of a dense network: how many inputs, and the units of every layer. It also fixes the
 * order in which all parameters of such a network stand in one flat vector: layer by layer, the
 * weights [out, in] row-major, then the biases [out].
 *
 * <p>Immutable; equal shapes are equal.
 */
public final class NetworkShape {

  private final int inputs;
  private final List<List<Unit>> layers;
  private final int[] offsets;

  private NetworkShape(int inputs, List<List<Unit>> layers) {
    this.inputs = inputs;
    this.layers = layers;
    this.offsets = new int[layers.size() + 1];
    long end = 0;
    for (int l = 0; l < layers.size(); l++) {
      end += (width(l - 1) + 1L) * width(l);
      if (end > Integer.MAX_VALUE - 8) {
        throw new IllegalArgumentException(
            "layers must have fewer than 2^31 parameters together, but have more: " + widths());
      }
      offsets[l + 1] = (int) end;
    }
  }

  /**
   * A shape.
   *
   * @param inputs at least 1, time included if the network takes it
   * @param layers the units of each layer, at least one layer of at least one unit
   */
  public static NetworkShape of(int inputs, List<List<Unit>> layers) {
    if (inputs < 1) {
      throw new IllegalArgumentException("inputs must be at least 1, but is " + inputs);
    }
    if (layers.isEmpty()) {
      throw new IllegalArgumentException("layers must hold at least one layer, but is empty");
    }
    List<List<Unit>> copies = new ArrayList<>();
    for (int l = 0; l < layers.size(); l++) {
      if (layers.get(l).isEmpty()) {
        throw new IllegalArgumentException(
            "layers[%d] must have at least one unit, but has none".formatted(l));
      }
      copies.add(List.copyOf(layers.get(l)));
    }
    return new NetworkShape(inputs, List.copyOf(copies));
  }

  /** A shape of layers of units of one kind each, given as widths; the last one is linear. */
  public static NetworkShape of(int inputs, Unit hidden, int... widths) {
    List<List<Unit>> layers = new ArrayList<>();
    for (int l = 0; l < widths.length; l++) {
      layers.add(units(widths[l], l < widths.length - 1 ? hidden : Unit.LINEAR));
    }
    return of(inputs, layers);
  }

  /** So many units of one kind. */
  public static List<Unit> units(int count, Unit unit) {
    Unit[] units = new Unit[Math.max(count, 0)];
    Arrays.fill(units, unit);
    return List.of(units);
  }

  /** ReLU units followed by ReQU units. */
  public static List<Unit> mixed(int relu, int requ) {
    List<Unit> units = new ArrayList<>(units(relu, Unit.RELU));
    units.addAll(units(requ, Unit.REQU));
    return List.copyOf(units);
  }

  /** The number of inputs of the first layer, time included. */
  public int inputs() {
    return inputs;
  }

  /** The number of outputs of the last layer. */
  public int outputs() {
    return width(layers() - 1);
  }

  /** The number of layers, the last one included. */
  public int layers() {
    return layers.size();
  }

  /** The number of units of a layer; of layer -1, the inputs. */
  public int width(int layer) {
    return layer < 0 ? inputs : layers.get(layer).size();
  }

  /** The largest width, inputs and outputs included. */
  public int maxWidth() {
    int widest = inputs;
    for (List<Unit> layer : layers) {
      widest = Math.max(widest, layer.size());
    }
    return widest;
  }

  /** The number of units of all layers but the last: what a backward pass wants saved, per row. */
  public int hiddenUnits() {
    int sum = 0;
    for (int l = 0; l < layers() - 1; l++) {
      sum += width(l);
    }
    return sum;
  }

  /** The units of a layer. */
  public List<Unit> units(int layer) {
    return layers.get(layer);
  }

  /** The number P of parameters, at least 2. */
  public int parameters() {
    return offsets[layers()];
  }

  /** Where the weights [out, in] of a layer begin in the flat vector of parameters. */
  public int weightOffset(int layer) {
    return offsets[layer];
  }

  /** Where the biases [out] of a layer begin in the flat vector of parameters. */
  public int biasOffset(int layer) {
    return offsets[layer] + width(layer - 1) * width(layer);
  }

  /** The layers of a network of this shape, from a flat vector of its parameters. */
  public List<Layer> layersOf(double[] parameters) {
    if (parameters.length != parameters()) {
      throw new IllegalArgumentException(
          "parameters must have %d values for the shape %s, but has %d"
              .formatted(parameters(), this, parameters.length));
    }
    List<Layer> result = new ArrayList<>();
    for (int l = 0; l < layers(); l++) {
      int bias = biasOffset(l);
      result.add(
          Layer.dense(
              width(l - 1),
              Arrays.copyOfRange(parameters, weightOffset(l), bias),
              Arrays.copyOfRange(parameters, bias, bias + width(l)),
              layers.get(l)));
    }
    return List.copyOf(result);
  }

  /** The kinds of units layer by layer, in words that are the same in every run of a program. */
  public String unitRuns() {
    StringBuilder text = new StringBuilder();
    for (List<Unit> layer : layers) {
      text.append(text.isEmpty() ? "" : ", ");
      for (int first = 0, end; first < layer.size(); first = end) {
        end = first + 1;
        while (end < layer.size() && layer.get(end) == layer.get(first)) {
          end++;
        }
        text.append(first == 0 ? "" : " + ").append(end - first).append(' ');
        text.append(layer.get(first));
      }
    }
    return text.toString();
  }

  private List<Integer> widths() {
    return layers.stream().map(List::size).toList();
  }

  @Override
  public boolean equals(Object other) {
    return other instanceof NetworkShape shape
        && shape.inputs == inputs
        && shape.layers.equals(layers);
  }

  @Override
  public int hashCode() {
    return Objects.hash(inputs, layers);
  }

  /** The inputs and the widths, such as {@code 2-32-32-2}. */
  @Override
  public String toString() {
    StringBuilder text = new StringBuilder(Integer.toString(inputs));
    layers.forEach(layer -> text.append('-').append(layer.size()));
    return text.toString();
  }
}
