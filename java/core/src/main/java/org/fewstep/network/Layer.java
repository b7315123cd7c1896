package org.fewstep.network;

import java.util.Arrays;
import java.util.List;

/**
 * One layer: an affine map {@code z = W x + b}, and what each of its units does with its z.
 *
 * <p>Weights are held dense, [out, in] row-major, or sparse, by the non-zero entries of each row
 * (CSR). The two forms compute the same; kernels skip the zeros of a sparse layer. Immutable.
 */
public final class Layer {

  /** A layer with at most this share of non-zero weights is quicker in sparse form. */
  private static final double SPARSE_SHARE = 0.25;

  private final int inputs;
  private final List<Unit> units;
  private final double[] bias;

  /** The weights [out, in], or, if sparse, the values of the entries. */
  private final double[] values;

  /** If sparse, [out + 1]: where the entries of each row begin; else null. */
  private final int[] starts;

  /** If sparse, the column of each entry; else null. */
  private final int[] columns;

  private Layer(
      int inputs, List<Unit> units, double[] bias, double[] values, int[] starts, int[] columns) {
    this.inputs = inputs;
    this.units = units;
    this.bias = bias;
    this.values = values;
    this.starts = starts;
    this.columns = columns;
  }

  /**
   * A dense layer.
   *
   * @param inputs at least 1
   * @param weights [out, in] row-major, finite
   * @param bias [out], finite
   * @param units [out], at least one
   */
  public static Layer dense(int inputs, double[] weights, double[] bias, List<Unit> units) {
    requireSizes(inputs, bias, units);
    if (weights.length != (long) inputs * units.size()) {
      throw new IllegalArgumentException(
          "weights must have out x in = %d x %d values, but has %d"
              .formatted(units.size(), inputs, weights.length));
    }
    requireFinite("weights", weights);
    return new Layer(inputs, List.copyOf(units), bias.clone(), weights.clone(), null, null);
  }

  /** A dense layer of units of one kind. */
  public static Layer dense(int inputs, double[] weights, double[] bias, Unit unit) {
    return dense(inputs, weights, bias, NetworkShape.units(bias.length, unit));
  }

  /**
   * A sparse layer.
   *
   * @param inputs at least 1
   * @param starts [out + 1], from 0 ascending to the number of entries: where each row begins
   * @param columns of each entry, in [0, in), ascending within a row
   * @param values of each entry, finite
   * @param bias [out], finite
   * @param units [out], at least one
   */
  public static Layer sparse(
      int inputs, int[] starts, int[] columns, double[] values, double[] bias, List<Unit> units) {
    requireSizes(inputs, bias, units);
    if (columns.length != values.length) {
      throw new IllegalArgumentException(
          "columns must have one entry per value (%d), but has %d"
              .formatted(values.length, columns.length));
    }
    if (starts.length != units.size() + 1
        || starts[0] != 0
        || starts[units.size()] != values.length) {
      throw new IllegalArgumentException(
          "starts must have out + 1 = %d entries from 0 to %d, but is %s"
              .formatted(units.size() + 1, values.length, summary(starts)));
    }
    for (int row = 0; row < units.size(); row++) {
      requireRow(row, inputs, starts, columns);
    }
    requireFinite("values", values);
    return new Layer(
        inputs, List.copyOf(units), bias.clone(), values.clone(), starts.clone(), columns.clone());
  }

  private static void requireRow(int row, int inputs, int[] starts, int[] columns) {
    if (starts[row + 1] < starts[row] || starts[row + 1] > columns.length) {
      throw new IllegalArgumentException(
          "starts must ascend, but starts[%d] = %d and starts[%d] = %d"
              .formatted(row, starts[row], row + 1, starts[row + 1]));
    }
    for (int e = starts[row]; e < starts[row + 1]; e++) {
      boolean ascends = e == starts[row] || columns[e] > columns[e - 1];
      if (columns[e] < 0 || columns[e] >= inputs || !ascends) {
        throw new IllegalArgumentException(
            "columns of row %d must ascend within [0, %d), but columns[%d] is %d"
                .formatted(row, inputs, e, columns[e]));
      }
    }
  }

  private static String summary(int[] starts) {
    return starts.length <= 8 ? Arrays.toString(starts) : starts.length + " entries";
  }

  private static void requireSizes(int inputs, double[] bias, List<Unit> units) {
    if (inputs < 1) {
      throw new IllegalArgumentException("inputs must be at least 1, but is " + inputs);
    }
    if (units.isEmpty()) {
      throw new IllegalArgumentException("units must hold at least one unit, but is empty");
    }
    if (bias.length != units.size()) {
      throw new IllegalArgumentException(
          "bias must have one value per unit (%d), but has %d"
              .formatted(units.size(), bias.length));
    }
    requireFinite("bias", bias);
  }

  private static void requireFinite(String argument, double[] values) {
    for (int i = 0; i < values.length; i++) {
      if (!Double.isFinite(values[i])) {
        throw new IllegalArgumentException(
            "%s[%d] must be finite, but is %s".formatted(argument, i, values[i]));
      }
    }
  }

  /** The number of inputs. */
  public int inputs() {
    return inputs;
  }

  /** The number of units. */
  public int outputs() {
    return units.size();
  }

  /** The units, in order. */
  public List<Unit> units() {
    return units;
  }

  /** What unit {@code output} does with its z. */
  public Unit unit(int output) {
    return units.get(output);
  }

  /** The bias of a unit. */
  public double bias(int output) {
    return bias[output];
  }

  /** Whether the weights are held in sparse form. */
  public boolean isSparse() {
    return starts != null;
  }

  /** The number of entries held: all out x in of them, or the non-zero ones. */
  public int entries() {
    return values.length;
  }

  /** The first entry of a row; entries of a row follow one another. */
  public int start(int output) {
    return isSparse() ? starts[output] : output * inputs;
  }

  /** One after the last entry of a row. */
  public int end(int output) {
    return isSparse() ? starts[output + 1] : (output + 1) * inputs;
  }

  /** The input that an entry, between {@link #start} and {@link #end}, weighs. */
  public int column(int entry) {
    return isSparse() ? columns[entry] : entry % inputs;
  }

  /** The weight of an entry. */
  public double value(int entry) {
    return values[entry];
  }

  /** A copy of the weights [out, in], row-major, zeros included. */
  public double[] weights() {
    if (!isSparse()) {
      return values.clone();
    }
    double[] weights = new double[outputs() * inputs];
    for (int row = 0; row < outputs(); row++) {
      for (int e = starts[row]; e < starts[row + 1]; e++) {
        weights[row * inputs + columns[e]] = values[e];
      }
    }
    return weights;
  }

  /** A copy of the biases [out]. */
  public double[] biases() {
    return bias.clone();
  }

  /** The same map in dense form. */
  public Layer toDense() {
    return isSparse() ? new Layer(inputs, units, bias, weights(), null, null) : this;
  }

  /** The same map in the form that is quicker: sparse if at most a quarter of it is not zero. */
  public Layer compressed() {
    if (isSparse()) {
      return values.length > SPARSE_SHARE * inputs * outputs() ? toDense() : this;
    }
    int[] rowStarts = new int[outputs() + 1];
    int count = 0;
    for (int row = 0; row < outputs(); row++) {
      for (int i = 0; i < inputs; i++) {
        count += values[row * inputs + i] != 0 ? 1 : 0;
      }
      rowStarts[row + 1] = count;
    }
    if (count > SPARSE_SHARE * values.length) {
      return this;
    }
    int[] entryColumns = new int[count];
    double[] entries = new double[count];
    int next = 0;
    for (int e = 0; e < values.length; e++) {
      if (values[e] != 0) {
        entryColumns[next] = e % inputs;
        entries[next++] = values[e];
      }
    }
    return new Layer(inputs, units, bias, entries, rowStarts, entryColumns);
  }

  @Override
  public String toString() {
    return "Layer[%d -> %d, %s]".formatted(inputs, outputs(), isSparse() ? "sparse" : "dense");
  }
}
