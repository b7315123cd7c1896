package org.fewstep.network;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/** The arithmetic of compiled networks: exact where it is said to be, else within its bound. */
class GadgetsTest {

  private final NetworkBuilder builder = new NetworkBuilder(2);
  private final Gadgets gadgets = new Gadgets(builder);
  private final Value x = builder.input(0);
  private final Value y = builder.input(1);

  @ParameterizedTest
  @ValueSource(doubles = {0, 1, -1, 0.375, -1e6, 1e-6})
  void aCarriedValueIsItself(double point) {
    Built built = Built.of(builder, builder.carried(x, 5));
    assertThat(built.at(point, 7)).containsExactly(point);
    assertThat(built.layers()).hasSize(6).allMatch(layer -> layer.outputs() <= 2);
  }

  @Test
  void aValueOfKnownSignIsCarriedByOneUnit() {
    assertThat(widthOf(builder.carried(x.within(0, 3), 1))).isEqualTo(1);
    assertThat(Built.of(builder, builder.carried(x.within(0, 3), 2)).at(2.5, 0))
        .containsExactly(2.5);
    Value negative = new NetworkBuilder(1).input(0).within(-3, 0);
    NetworkBuilder other = new NetworkBuilder(1);
    Built built = Built.of(other, other.carried(negative, 2));
    assertThat(built.at(-2.5)).containsExactly(-2.5);
    assertThat(built.layers().get(0).outputs()).isEqualTo(1);
  }

  @Test
  void aConstantIsCarriedByNoUnit() {
    Value constant = builder.at(0).plus(3).value();
    Value sum = builder.at(2).plus(2, constant).plus(1, x).value();
    assertThat(Built.of(builder, sum).at(0.5, 0)).containsExactly(6.5);
    assertThat(widthOf(sum)).isEqualTo(2);
  }

  @Test
  void aValueIsCarriedOnceHoweverManyReadIt() {
    Value once = builder.at(3).plus(1, x).value();
    Value again = builder.at(3).plus(-2, x).plus(1).value();
    Built built = Built.of(builder, once, again);
    assertThat(built.layers()).allMatch(layer -> layer.outputs() <= 2);
    assertThat(built.at(4, 0)).containsExactly(4, -7);
  }

  private int widthOf(Value value) {
    return Built.of(builder, value).layers().get(0).outputs();
  }

  @ParameterizedTest
  @CsvSource({"0,0", "3,4", "-3,4", "3,-4", "-3,-4", "0.5,1e3", "-1e-3,0.125", "1e3,-1e3"})
  void squaresAndProductsAreExactWhateverTheirScales(double a, double b) {
    Value square = gadgets.square(x);
    Value product = gadgets.product(x, 2, y, 4);
    double[] values = Built.of(builder, square, product).at(a, b);
    assertThat(values[0]).isEqualTo(a * a);
    assertThat(values[1]).isEqualTo(a * b, within(1e-13 * (a * a + 16 * b * b)));
  }

  @Test
  void aSignThatIsKnownSavesUnits() {
    assertThat(widthOf(gadgets.square(x))).isEqualTo(2);
    NetworkBuilder known = new NetworkBuilder(2);
    Value positive = known.input(0).within(0, 5);
    Value small = known.input(1).within(0, 2);
    Built built = Built.of(known, new Gadgets(known).product(positive, small));
    assertThat(built.layers().get(0).outputs()).isEqualTo(3);
    assertThat(built.at(3, 1.5)[0]).isEqualTo(4.5, within(1e-14));
    NetworkBuilder unknown = new NetworkBuilder(2);
    Value any = new Gadgets(unknown).product(unknown.input(0), 1, unknown.input(1), 1);
    assertThat(Built.of(unknown, any).layers().get(0).outputs()).isEqualTo(4);
  }

  @Test
  void aProductWithAConstantTakesNoLayer() {
    Value constant = builder.at(0).plus(-3).value();
    Value product = gadgets.product(constant, 1, x, 1);
    assertThat(product.level()).isZero();
    assertThat(Built.of(builder, product).at(2, 0)).containsExactly(-6);
  }

  @ParameterizedTest
  @CsvSource({"0.5,1e-3", "3,1e-2", "3,1e-9", "12,1e-5", "20,1e-8", "30,1e-13", "1,1e-6"})
  void exponentialsAreWithinTheirBudget(double range, double error) {
    ExponentialBudget budget = ExponentialBudget.of(range, error);
    Value complement = gadgets.complementOfExponential(x.within(0, range), budget);
    assertThat(budget.error()).isLessThanOrEqualTo(error);
    assertThat(complement.level()).isEqualTo(budget.degree() - 1 + budget.squarings());
    Built built = Built.of(builder, complement);
    double worst = 0;
    for (int i = 0; i <= 2000; i++) {
      double v = range * i / 2000;
      worst = Math.max(worst, Math.abs(1 - built.at(v, 0)[0] - Math.exp(-v)));
    }
    assertThat(worst).isLessThanOrEqualTo(budget.error() + 1e-15);
    assertThat(budget.error()).as("a bound that is not idle").isLessThan(20 * worst + 1e-13);
    double end = 1 - built.at(range, 0)[0];
    assertThat(budget.floor()).isEqualTo(end, within(1e-15));
  }

  @ParameterizedTest
  @ValueSource(doubles = {0.25, 1e-2, 1e-5, 1e-9})
  void clampedExponentialsAreWithinTheirErrorForEveryArgument(double error) {
    ExponentialBudget budget = ExponentialBudget.clamped(error);
    assertThat(budget.clampedError()).isLessThanOrEqualTo(error);
    double floor = budget.floor();
    double worst = 0;
    for (int i = 0; i <= 4000; i++) {
      double v = 3 * budget.range() * i / 4000;
      double y = Math.min(v, budget.range()) / Math.scalb(1, budget.squarings());
      double h = 1;
      for (int j = budget.degree(); j >= 1; j--) {
        h = 1 - y * h / j;
      }
      double value = (Math.pow(h, Math.scalb(1, budget.squarings())) - floor) / (1 - floor);
      worst = Math.max(worst, Math.abs(value - Math.exp(-v)));
    }
    assertThat(worst).isLessThanOrEqualTo(budget.clampedError());
  }

  @Test
  void complementsKeepTheirDigitsInFloat32() {
    ExponentialBudget budget = ExponentialBudget.of(16, 1e-9);
    Built built = Built.of(builder, gadgets.complementOfExponential(x.within(0, 16), budget));
    for (int i = 0; i <= 1000; i++) {
      float v = 16f * i / 1000;
      // (1 - v/N)^N in its place is off by 1e-2 and more.
      assertThat(built.inFloat(v, 0)).isEqualTo(-Math.expm1(-v), within(1e-6));
    }
  }

  @ParameterizedTest
  @CsvSource({"1,2,4", "1,64,10", "0.5,0.5,1", "1e-4,4e-4,5", "0.9,16,1"})
  void reciprocalsAreNewtons(double low, double high, int iterations) {
    Value reciprocal = gadgets.reciprocal(x.within(low, high), low, high, iterations);
    Built built = Built.of(builder, reciprocal);
    for (int i = 0; i <= 100; i++) {
      double z = low + (high - low) * i / 100;
      double error = Math.pow(1 - z / high, Math.scalb(1, iterations));
      assertThat(built.at(z, 0)[0]).isEqualTo((1 - error) / z, within(1e-13 / low));
      assertThat(built.inFloat(z, 0)).isEqualTo((1 - error) / z, within(1e-6 / low));
    }
  }
}
