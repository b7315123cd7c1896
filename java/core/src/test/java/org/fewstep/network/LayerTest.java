package org.fewstep.network;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;

import java.util.List;
import org.junit.jupiter.api.Test;

class LayerTest {

  private static final List<Unit> UNITS = List.of(Unit.RELU, Unit.REQU);

  /** 2 x 5 with three entries. */
  private static Layer sparse() {
    return Layer.sparse(
        5,
        new int[] {0, 2, 3},
        new int[] {0, 4, 2},
        new double[] {1, 2, -3},
        new double[] {0.5, -0.5},
        UNITS);
  }

  @Test
  void denseAndSparseFormsAreOneMap() {
    Layer sparse = sparse();
    double[] weights = {1, 0, 0, 0, 2, 0, 0, -3, 0, 0};
    assertThat(sparse.weights()).containsExactly(weights);
    assertThat(sparse.entries()).isEqualTo(3);
    assertThat(sparse.isSparse()).isTrue();
    assertThat(sparse).hasToString("Layer[5 -> 2, sparse]");
    Layer dense = sparse.toDense();
    assertThat(dense.isSparse()).isFalse();
    assertThat(dense.weights()).containsExactly(weights);
    assertThat(dense.biases()).containsExactly(0.5, -0.5);
    assertThat(dense.units()).isEqualTo(UNITS);
    assertThat(dense.entries()).isEqualTo(10);
    assertThat(dense.start(1)).isEqualTo(5);
    assertThat(dense.end(1)).isEqualTo(10);
    assertThat(dense.column(7)).isEqualTo(2);
    assertThat(dense.value(7)).isEqualTo(-3);
    assertThat(dense).hasToString("Layer[5 -> 2, dense]");
    Layer again = Layer.dense(12, padded(weights), new double[] {0.5, -0.5}, UNITS).compressed();
    assertThat(again.isSparse()).isTrue();
    assertThat(again.column(1)).isEqualTo(4);
    assertThat(again.start(1)).isEqualTo(2);
    assertThat(again.end(1)).isEqualTo(3);
    assertThat(again.compressed()).isSameAs(again);
  }

  private static double[] padded(double[] weights) {
    double[] padded = new double[24];
    System.arraycopy(weights, 0, padded, 0, 5);
    System.arraycopy(weights, 5, padded, 12, 5);
    return padded;
  }

  @Test
  void aLayerMoreThanAQuarterFullStaysDense() {
    Layer quarter = Layer.dense(4, new double[] {1, 0, 0, 0}, new double[] {0}, Unit.LINEAR);
    assertThat(quarter.compressed().isSparse()).isTrue();
    Layer half = Layer.dense(4, new double[] {1, 1, 0, 0}, new double[] {0}, Unit.LINEAR);
    assertThat(half.compressed()).isSameAs(half);
    Layer full = sparse().toDense();
    assertThat(sparse().compressed().isSparse()).as("3 of 10 entries").isFalse();
    assertThat(sparse().compressed().weights()).containsExactly(full.weights());
  }

  @Test
  void laterChangesOfTheArraysAreNotSeen() {
    double[] weights = {1, 2};
    double[] bias = {3};
    Layer layer = Layer.dense(2, weights, bias, Unit.RELU);
    weights[0] = 9;
    bias[0] = 9;
    layer.weights()[1] = 9;
    layer.biases()[0] = 9;
    assertThat(layer.weights()).containsExactly(1, 2);
    assertThat(layer.bias(0)).isEqualTo(3);
  }

  @Test
  void unitsDoWhatTheySay() {
    assertThat(Unit.LINEAR.value(-2)).isEqualTo(-2);
    assertThat(Unit.RELU.value(-2)).isZero();
    assertThat(Unit.RELU.value(2)).isEqualTo(2);
    assertThat(Unit.REQU.value(-2)).isZero();
    assertThat(Unit.REQU.value(3)).isEqualTo(9);
    for (Unit unit : Unit.values()) {
      assertThat(unit.value(Double.NaN)).isNaN();
      assertThat(Unit.ofCode(unit.code())).isEqualTo(unit);
      double slope = (unit.value(2 + 1e-6) - unit.value(2 - 1e-6)) / 2e-6;
      assertThat(unit.derivative(2)).isBetween(slope - 1e-6, slope + 1e-6);
    }
    assertThat(Unit.LINEAR.derivative(-1)).isEqualTo(1);
    assertThat(Unit.RELU.derivative(0)).isZero();
    assertThat(Unit.REQU.derivative(-1)).isZero();
    assertRefused(() -> Unit.ofCode(3), "0 (linear), 1 (ReLU) or 2 (ReQU), but is 3");
  }

  @Test
  void denseLayersThatDoNotFit() {
    double[] one = {1};
    assertRefused(() -> Layer.dense(0, one, one, Unit.RELU), "inputs must be at least 1, but is 0");
    assertRefused(() -> Layer.dense(2, one, one, Unit.RELU), "out x in = 1 x 2 values, but has 1");
    assertRefused(() -> Layer.dense(1, one, one, UNITS), "bias must have one value per unit (2)");
    assertRefused(() -> Layer.dense(1, one, new double[0], List.of()), "at least one unit");
    assertRefused(
        () -> Layer.dense(1, new double[] {Double.NaN}, one, Unit.RELU),
        "weights[0] must be finite, but is NaN");
    assertRefused(
        () -> Layer.dense(1, one, new double[] {Double.POSITIVE_INFINITY}, Unit.RELU),
        "bias[0] must be finite, but is Infinity");
  }

  @Test
  void sparseLayersThatAreMalformed() {
    assertRefused(() -> sparse(new int[] {0, 3}, 0, 4, 2), "out + 1 = 3 entries from 0 to 3");
    assertRefused(() -> sparse(new int[] {1, 2, 3}, 0, 4, 2), "starts", "[1, 2, 3]");
    assertRefused(() -> sparse(new int[] {0, 2, 2}, 0, 4, 2), "starts");
    assertRefused(() -> sparse(new int[] {0, 4, 3}, 0, 4, 2), "starts must ascend");
    assertRefused(() -> sparse(new int[] {0, -1, 3}, 0, 4, 2), "starts must ascend");
    assertRefused(() -> sparse(new int[] {0, 2, 3}, 4, 0, 2), "columns of row 0 must ascend");
    assertRefused(() -> sparse(new int[] {0, 2, 3}, 0, 0, 2), "columns of row 0 must ascend");
    assertRefused(() -> sparse(new int[] {0, 2, 3}, 0, 5, 2), "within [0, 5)", "columns[1] is 5");
    assertRefused(() -> sparse(new int[] {0, 2, 3}, 0, 4, -1), "columns of row 1");
    assertRefused(() -> sparse(new int[] {0, 2, 3}, 0, 4), "one entry per value (3), but has 2");
    assertRefused(
        () ->
            Layer.sparse(
                1,
                new int[] {0, 1},
                new int[] {0},
                new double[] {Double.NaN},
                new double[1],
                List.of(Unit.RELU)),
        "values[0] must be finite, but is NaN");
  }

  private static void sparse(int[] starts, int... columns) {
    Layer.sparse(5, starts, columns, new double[] {1, 2, 3}, new double[2], UNITS);
  }

  private static void assertRefused(Runnable call, String... parts) {
    assertThatIllegalArgumentException()
        .isThrownBy(call::run)
        .satisfies(error -> assertThat(error.getMessage()).contains(parts));
  }
}
