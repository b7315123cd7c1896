package org.fewstep.cuda;

import java.util.List;
import org.fewstep.network.Frame;
import org.fewstep.network.Layer;
import org.fewstep.network.Network;
import org.fewstep.network.NetworkShape;
import org.fewstep.network.Unit;

/**
 * A network as the kernels of kernels/network.cuh read it: integers and numbers, each one array.
 *
 * <p>The numbers are of the precision of a call. They begin with the bounds of the clamp, {@code
 * low [inputs]} and {@code high [inputs]}, infinite where nothing is clamped. The integers begin
 * with 2 {@link #layers()} maps of {@value #FIELDS} each, which say where everything else is:
 *
 * <pre>
 *   0 inputs
 *   1 outputs
 *   2 bias      [padded outputs] numbers; -1: none
 *   3 weights   dense: [inputs][padded outputs] numbers, or fragments; sparse: values of entries
 *   4 starts    sparse: [outputs + 1] integers, where the entries of each output begin; dense: -1,
 *               or -2 in fragments
 *   5 columns   sparse: the input of each entry, an integer; dense: -1
 *   6 units     [outputs] integers, the codes of the units; -1: all are linear
 *   7 affine    the number of the first of those units among the units of all layers; -1: no units
 * </pre>
 *
 * <p>Outputs are padded with zeros to a multiple of {@value #PAD}, and the numbers of a map begin
 * at one, so that a thread reads {@value #PAD} weights at once. First come the maps of the layers,
 * and their numbers, which a kernel may copy to its chip as they stand. Then come the transposed
 * ones, from the last layer's to the first's, in the order in which cotangents meet them; they have
 * no bias, and their units are those of the layer before, whose slopes the cotangents meet next.
 *
 * <p>A pack for tensor cores has the weights of large dense maps in fragments of 16 outputs by 8
 * inputs, as a warp reads them: outputs in order, then inputs, and 4 numbers for each of the 32
 * lanes, lane 4 g + t those of outputs g and g + 8 and inputs t and t + 4. Outputs are padded to 32
 * with zeros, and inputs to 8.
 *
 * <p>To call a kernel: copy {@link #integers()} and {@link #numbers()} to the device once, and make
 * an {@code fs_network} of the two addresses, the precision, and the accessors here that have the
 * names of its fields. For training, whose weights come with every call, the numbers of {@linkplain
 * #of(NetworkShape, Frame) a shape} are zero but for the bounds, and the calls write to them: they
 * belong to one context.
 */
final class NetworkPack {

  /** Integers of a map. */
  static final int FIELDS = 8;

  /** Outputs that a thread of a dense layer computes together, OUTPUTS of network.cuh. */
  static final int PAD = 4;

  private static final int NONE = -1;

  /** What a dense map in fragments has for starts. */
  static final int FRAGMENTS = -2;

  /** Dense maps of so many outputs and inputs are worth a tensor core. */
  private static final int LEAST_OUTPUTS = 32;

  private static final int LEAST_INPUTS = 16;

  /** The most units of a layer, with which a tile of rows fits on any chip. */
  private static final int MOST_UNITS = 256;

  private static final int LANES = 32;

  private final NetworkShape shape;
  private final Frame frame;
  private final boolean takesTime;
  private final double timeLow;
  private final double timeHigh;
  private final int[] integers;
  private final double[] numbers;
  private final int layerNumbers;
  private final boolean inFragments;

  private NetworkPack(
      NetworkShape shape,
      List<Layer> layers,
      Frame frame,
      boolean takesTime,
      double timeLow,
      double timeHigh,
      boolean onTensorCores) {
    this.shape = shape;
    this.inFragments =
        onTensorCores
            && shape.maxWidth() <= MOST_UNITS
            && layers.stream().anyMatch(l -> isLarge(l));
    this.frame = frame;
    this.takesTime = takesTime;
    this.timeLow = timeLow;
    this.timeHigh = timeHigh;
    Places places = new Places(shape, layers, inFragments, 2L * inputs());
    integers = new int[places.integers()];
    numbers = new double[places.numbers()];
    layerNumbers = places.layerNumbers;
    for (int i = 0; i < inputs(); i++) {
      numbers[i] = frame.low(i);
      numbers[inputs() + i] = frame.high(i);
    }
    places.writeMaps(integers);
    for (int l = 0; l < layers.size(); l++) {
      int record = l * FIELDS;
      int back = (2 * layers.size() - 1 - l) * FIELDS;
      Layer layer = layers.get(l);
      for (int o = 0; o < layer.outputs(); o++) {
        numbers[integers[record + 2] + o] = layer.bias(o);
      }
      if (layer.isSparse()) {
        writeSparse(layer, record);
        writeSparseTransposed(layer, back);
      } else {
        writeDense(layer, record, back);
      }
    }
  }

  /**
   * The pack of a network with its weights.
   *
   * @param onTensorCores whether it is for kernels that have them, if it has layers for them
   */
  static NetworkPack of(Network network, boolean onTensorCores) {
    return new NetworkPack(
        network.shape(),
        network.layers(),
        network.frame(),
        network.takesTime(),
        network.timeLow(),
        network.timeHigh(),
        onTensorCores);
  }

  /** The pack of a network in training, with room for weights. */
  static NetworkPack of(NetworkShape shape, Frame frame) {
    return new NetworkPack(shape, List.of(), frame, false, 0, Double.POSITIVE_INFINITY, false);
  }

  private void writeDense(Layer layer, int record, int back) {
    for (int o = 0; o < layer.outputs(); o++) {
      for (int i = 0; i < layer.inputs(); i++) {
        double weight = layer.value(layer.start(o) + i);
        numbers[place(record, o, i)] = weight;
        numbers[place(back, i, o)] = weight;
      }
    }
  }

  /** Where a dense map has the weight of an output and an input. */
  private int place(int record, int output, int input) {
    int weights = integers[record + 3];
    if (integers[record + 4] == NONE) {
      return weights + input * padded(integers[record + 1]) + output;
    }
    int fragment = output / 16 * Math.ceilDiv(integers[record], 8) + input / 8;
    int lane = 4 * (output % 8) + input % 4;
    int word = output % 16 / 8 + 2 * (input % 8 / 4);
    return weights + 4 * (LANES * fragment + lane) + word;
  }

  private static boolean isLarge(Layer layer) {
    return !layer.isSparse() && isLarge(layer.inputs(), layer.outputs());
  }

  private static boolean isLarge(int inputs, int outputs) {
    return inputs >= LEAST_INPUTS && outputs >= LEAST_OUTPUTS;
  }

  private void writeSparse(Layer layer, int record) {
    int weights = integers[record + 3];
    int starts = integers[record + 4];
    int columns = integers[record + 5];
    for (int o = 0; o < layer.outputs(); o++) {
      for (int e = layer.start(o); e < layer.end(o); e++) {
        integers[columns + e] = layer.column(e);
        numbers[weights + e] = layer.value(e);
      }
      integers[starts + o + 1] = layer.end(o);
    }
  }

  private void writeSparseTransposed(Layer layer, int record) {
    int weights = integers[record + 3];
    int starts = integers[record + 4];
    int columns = integers[record + 5];
    for (int e = 0; e < layer.entries(); e++) {
      integers[starts + layer.column(e) + 1]++;
    }
    for (int i = 0; i < layer.inputs(); i++) {
      integers[starts + i + 1] += integers[starts + i];
    }
    int[] next = new int[layer.inputs()];
    for (int o = 0; o < layer.outputs(); o++) {
      for (int e = layer.start(o); e < layer.end(o); e++) {
        int i = layer.column(e);
        int at = integers[starts + i] + next[i]++;
        integers[columns + at] = o;
        numbers[weights + at] = layer.value(e);
      }
    }
  }

  private static int padded(int outputs) {
    return Math.ceilDiv(outputs, PAD) * PAD;
  }

  /** Columns of x, the time not among them. */
  int inputs() {
    return shape.inputs() - (takesTime ? 1 : 0);
  }

  int outputs() {
    return shape.outputs();
  }

  int layers() {
    return shape.layers();
  }

  /** The largest number of columns between two layers. */
  int width() {
    return shape.maxWidth();
  }

  /** The units of all layers together. */
  int units() {
    return shape.hiddenUnits() + shape.outputs();
  }

  boolean takesTime() {
    return takesTime;
  }

  /** Whether dense maps, if they are large, are in fragments. */
  boolean inFragments() {
    return inFragments;
  }

  boolean residual() {
    return frame.isResidual();
  }

  double inputScale() {
    return frame.inputScale();
  }

  double outputScale() {
    return frame.outputScale();
  }

  double timeLow() {
    return timeLow;
  }

  double timeHigh() {
    return timeHigh;
  }

  /** The parameters of the shape, zeros of sparse layers included. */
  long parameters() {
    return shape.parameters();
  }

  /** The first so many numbers are all that values need: transposed maps come after them. */
  int layerNumbers() {
    return layerNumbers;
  }

  /** The integers; not to be changed. */
  int[] integers() {
    return integers;
  }

  /** The numbers, in double precision; not to be changed. */
  double[] numbers() {
    return numbers;
  }

  /** Where everything comes to stand; only the maps and the codes of units are known to it. */
  private static final class Places {

    private final NetworkShape shape;
    private final int[] maps;

    /** Where the codes of each layer's units begin, or NONE if all are linear. */
    private final int[] units;

    private final boolean inFragments;
    private long integers;
    private long numbers;

    /** The numbers of the maps of the layers, and of what stands before them. */
    final int layerNumbers;

    /**
     * Finds a place for all.
     *
     * @param layers those of the shape, or none if their weights are not known
     * @param bounds the numbers before those of the maps
     */
    Places(NetworkShape shape, List<Layer> layers, boolean inFragments, long bounds) {
      this.shape = shape;
      this.inFragments = inFragments;
      int depth = shape.layers();
      maps = new int[2 * depth * FIELDS];
      units = new int[depth];
      integers = maps.length;
      numbers = bounds;
      int affine = 0;
      int[] affines = new int[depth];
      for (int l = 0; l < depth; l++) {
        boolean linear = shape.units(l).stream().allMatch(unit -> unit == Unit.LINEAR);
        units[l] = linear ? NONE : takeIntegers(shape.width(l));
        affines[l] = affine;
        affine += shape.width(l);
      }
      for (int l = 0; l < depth; l++) {
        addMap(l, shape.width(l - 1), shape.width(l), true, layer(layers, l), units[l], affines[l]);
      }
      layerNumbers = (int) numbers;
      for (int l = 0; l < depth; l++) {
        addMap(
            2 * depth - 1 - l,
            shape.width(l),
            shape.width(l - 1),
            false,
            layer(layers, l),
            l == 0 ? NONE : units[l - 1],
            l == 0 ? NONE : affines[l - 1]);
      }
    }

    private static Layer layer(List<Layer> layers, int l) {
      return layers.isEmpty() ? null : layers.get(l);
    }

    private void addMap(
        int map, int in, int out, boolean biased, Layer layer, int codes, int affine) {
      boolean sparse = layer != null && layer.isSparse();
      boolean fragments = inFragments && !sparse && isLarge(in, out);
      int[] fields = {
        in,
        out,
        biased ? takeNumbers(out) : NONE,
        takeNumbers(
            sparse
                ? layer.entries()
                : fragments
                    ? Math.ceilDiv(in, 8) * 8L * Math.ceilDiv(out, 32) * 32
                    : (long) in * padded(out)),
        sparse ? takeIntegers(out + 1L) : fragments ? FRAGMENTS : NONE,
        sparse ? takeIntegers(layer.entries()) : NONE,
        codes,
        affine
      };
      System.arraycopy(fields, 0, maps, map * FIELDS, FIELDS);
    }

    private int takeIntegers(long count) {
      int place = (int) integers;
      integers = fitting(integers + count);
      return place;
    }

    private int takeNumbers(long count) {
      int place = (int) fitting((numbers + PAD - 1) / PAD * PAD);
      numbers = fitting(place + (count + PAD - 1) / PAD * PAD);
      return place;
    }

    private long fitting(long size) {
      if (size > Integer.MAX_VALUE - 8) {
        throw new IllegalArgumentException(
            "network must have fewer than 2^30 parameters on a device, but is " + shape);
      }
      return size;
    }

    int integers() {
      return (int) integers;
    }

    int numbers() {
      return (int) numbers;
    }

    void writeMaps(int[] to) {
      System.arraycopy(maps, 0, to, 0, maps.length);
      for (int l = 0; l < units.length; l++) {
        for (int o = 0; units[l] != NONE && o < shape.width(l); o++) {
          to[units[l] + o] = shape.units(l).get(o).code();
        }
      }
    }
  }
}
