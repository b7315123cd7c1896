package org.fewstep.network;

import java.util.Arrays;

/**
 * A number that a network under construction knows at one of its layers: an affine function of that
 * layer's outputs, and an interval in which it lies.
 *
 * <p>Level 0 is the input of the network, level l the output of its l-th hidden layer.
 */
final class Value {

  private final int level;
  private final int[] columns;
  private final double[] weights;
  private final double constant;
  private final double low;
  private final double high;

  /** The same number one level on, once something wanted it there; else null. */
  private Value next;

  /** Columns ascend; no weight is zero. */
  Value(int level, int[] columns, double[] weights, double constant, double low, double high) {
    this.level = level;
    this.columns = columns;
    this.weights = weights;
    this.constant = constant;
    this.low = low;
    this.high = high;
  }

  /** The output of one unit. */
  static Value ofUnit(int level, int column, double low, double high) {
    return new Value(level, new int[] {column}, new double[] {1}, 0, low, high);
  }

  int level() {
    return level;
  }

  int terms() {
    return columns.length;
  }

  int column(int term) {
    return columns[term];
  }

  double weight(int term) {
    return weights[term];
  }

  double constant() {
    return constant;
  }

  /** The least that it can be; negative infinity if nothing is known. */
  double low() {
    return low;
  }

  /** The most that it can be; infinity if nothing is known. */
  double high() {
    return high;
  }

  boolean isConstant() {
    return columns.length == 0;
  }

  Value next() {
    return next;
  }

  void setNext(Value value) {
    this.next = value;
  }

  /** The same number, of which more is known. */
  Value within(double least, double most) {
    return new Value(level, columns, weights, constant, Math.max(low, least), Math.min(high, most));
  }

  @Override
  public String toString() {
    return "Value[level %d, %s + %s %s, in [%s, %s]]"
        .formatted(level, constant, Arrays.toString(weights), Arrays.toString(columns), low, high);
  }
}
