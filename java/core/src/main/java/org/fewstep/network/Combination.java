package org.fewstep.network;

import java.util.Map;
import java.util.TreeMap;

/** An affine combination of values in the making, read off one level of a network. */
final class Combination {

  private final NetworkBuilder builder;
  private final int level;
  private final Map<Integer, Double> weights = new TreeMap<>();
  private double constant;
  private double low;
  private double high;

  Combination(NetworkBuilder builder, int level) {
    this.builder = builder;
    this.level = level;
  }

  /** Adds a constant. */
  Combination plus(double number) {
    constant += number;
    low += number;
    high += number;
    return this;
  }

  /** Adds a multiple of a value, which is carried to this level if it was known before. */
  Combination plus(double weight, Value value) {
    if (weight == 0) {
      return this;
    }
    Value here = builder.carried(value, level);
    constant += weight * here.constant();
    for (int term = 0; term < here.terms(); term++) {
      weights.merge(here.column(term), weight * here.weight(term), Double::sum);
    }
    low += weight * (weight > 0 ? here.low() : here.high());
    high += weight * (weight > 0 ? here.high() : here.low());
    return this;
  }

  /** The sum. */
  Value value() {
    weights.values().removeIf(weight -> weight == 0);
    int[] columns = weights.keySet().stream().mapToInt(Integer::intValue).toArray();
    double[] values = weights.values().stream().mapToDouble(Double::doubleValue).toArray();
    return new Value(level, columns, values, constant, low, high);
  }
}
