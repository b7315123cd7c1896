package org.fewstep.network;

import java.util.ArrayList;
import java.util.List;

/**
 * A ReLU-ReQU network under construction, as a computation on values.
 *
 * <p>A unit stands in the first layer that can read its input; a value wanted at a later level is
 * carried there by ReLU units, {@code x = relu(x) - relu(-x)}, one if its sign is known.
 */
final class NetworkBuilder {

  /** A unit and the affine function that it reads. */
  private record Row(Value input, Unit unit) {}

  private final List<Value> inputs = new ArrayList<>();
  private final List<List<Row>> hidden = new ArrayList<>();

  /** A network of so many inputs, of which nothing is known. */
  NetworkBuilder(int inputs) {
    for (int i = 0; i < inputs; i++) {
      this.inputs.add(Value.ofUnit(0, i, Double.NEGATIVE_INFINITY, Double.POSITIVE_INFINITY));
    }
  }

  /** An input. */
  Value input(int i) {
    return inputs.get(i);
  }

  /** An empty sum of values at a level. */
  Combination at(int level) {
    return new Combination(this, level);
  }

  /** An empty sum at the first level where all of these values are known. */
  Combination where(Value... values) {
    int level = 0;
    for (Value value : values) {
      level = Math.max(level, value.level());
    }
    return at(level);
  }

  /** max(0, z), one level on. */
  Value relu(Value z) {
    int column = add(z, Unit.RELU);
    return Value.ofUnit(z.level() + 1, column, Math.max(0, z.low()), Math.max(0, z.high()));
  }

  /** max(0, z)^2, one level on. */
  Value requ(Value z) {
    double low = Math.max(0, z.low());
    double high = Math.max(0, z.high());
    return Value.ofUnit(z.level() + 1, add(z, Unit.REQU), low * low, high * high);
  }

  private int add(Value z, Unit unit) {
    while (hidden.size() <= z.level()) {
      hidden.add(new ArrayList<>());
    }
    List<Row> rows = hidden.get(z.level());
    rows.add(new Row(z, unit));
    return rows.size() - 1;
  }

  /** A value at a level, not before its own. */
  Value carried(Value value, int level) {
    Value here = value;
    while (here.level() < level) {
      if (here.next() == null) {
        here.setNext(kept(here));
      }
      here = here.next();
    }
    return here;
  }

  private Value kept(Value value) {
    Combination sum = at(value.level() + 1);
    if (value.isConstant()) {
      return sum.plus(value.constant()).value();
    }
    if (value.high() > 0) {
      sum.plus(1, relu(value));
    }
    if (value.low() < 0) {
      sum.plus(-1, relu(at(value.level()).plus(-1, value).value()));
    }
    return sum.value().within(value.low(), value.high());
  }

  /** The layers that compute these values, the last one affine. */
  List<Layer> layers(List<Value> outputs) {
    int last = outputs.stream().mapToInt(Value::level).max().orElseThrow();
    List<Row> rows =
        outputs.stream().map(output -> new Row(carried(output, last), Unit.LINEAR)).toList();
    List<Layer> layers = new ArrayList<>();
    int width = inputs.size();
    for (List<Row> level : hidden.subList(0, last)) {
      layers.add(layer(width, level));
      width = level.size();
    }
    layers.add(layer(width, rows));
    return layers;
  }

  private static Layer layer(int inputs, List<Row> rows) {
    int[] starts = new int[rows.size() + 1];
    for (int row = 0; row < rows.size(); row++) {
      starts[row + 1] = Math.addExact(starts[row], rows.get(row).input().terms());
    }
    int[] columns = new int[starts[rows.size()]];
    double[] values = new double[columns.length];
    double[] bias = new double[rows.size()];
    for (int row = 0; row < rows.size(); row++) {
      Value z = rows.get(row).input();
      for (int term = 0; term < z.terms(); term++) {
        columns[starts[row] + term] = z.column(term);
        values[starts[row] + term] = z.weight(term);
      }
      bias[row] = z.constant();
    }
    return Layer.sparse(
            inputs, starts, columns, values, bias, rows.stream().map(Row::unit).toList())
        .compressed();
  }
}
