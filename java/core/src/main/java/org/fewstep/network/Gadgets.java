package org.fewstep.network;

import java.util.stream.DoubleStream;

/**
 * The arithmetic of ReLU-ReQU networks. Squares and products are exact whatever their operands; the
 * bounds of values only choose the scales at which float32 loses least, and save units where a sign
 * is known.
 *
 * <p>1 - e^-v is (Taylor, then squarings) computed by its complement, so that in float32 it keeps
 * its digits where v is small: with c = 1 - y, squaring y is {@code c <- 2c - c^2}.
 */
final class Gadgets {

  private final NetworkBuilder builder;

  Gadgets(NetworkBuilder builder) {
    this.builder = builder;
  }

  private Value scaled(double factor, Value value) {
    return builder.where(value).plus(factor, value).value();
  }

  /** x^2, one level on: one unit if the sign of x is known, else two. */
  Value square(Value x) {
    Combination sum = builder.at(x.level() + 1);
    if (x.high() > 0) {
      sum.plus(1, builder.requ(x));
    }
    if (x.low() < 0) {
      sum.plus(1, builder.requ(scaled(-1, x)));
    }
    double reach = Math.max(Math.abs(x.low()), Math.abs(x.high()));
    return sum.value().within(0, reach * reach);
  }

  /** x y, one level on, for bounded factors. */
  Value product(Value x, Value y) {
    return product(x, reach(x), y, reach(y));
  }

  private static double reach(Value value) {
    double reach = Math.max(Math.abs(value.low()), Math.abs(value.high()));
    return reach > 0 ? reach : 1;
  }

  /**
   * {@code x y = (X Y/4) ((x/X + y/Y)^2 - (x/X - y/Y)^2)}, one level on: three units if x/X + y/Y
   * cannot be negative, else four. If x is constant, neither a level nor a unit.
   *
   * @param xScale X, about as large as x is
   * @param yScale Y, about as large as y is
   */
  Value product(Value x, double xScale, Value y, double yScale) {
    if (x.isConstant()) {
      return builder.where(x, y).plus(x.constant(), y).value();
    }
    Value sum = builder.where(x, y).plus(1 / xScale, x).plus(1 / yScale, y).value();
    Value difference = builder.where(x, y).plus(1 / xScale, x).plus(-1 / yScale, y).value();
    double quarter = 0.25 * xScale * yScale;
    double[] corners =
        DoubleStream.of(
                times(x.low(), y.low()),
                times(x.low(), y.high()),
                times(x.high(), y.low()),
                times(x.high(), y.high()))
            .sorted()
            .toArray();
    return builder
        .at(sum.level() + 1)
        .plus(quarter, square(sum))
        .plus(-quarter, square(difference))
        .value()
        .within(corners[0], corners[3]);
  }

  /** A bound of a product: nothing times whatever is nothing. */
  private static double times(double x, double y) {
    return x == 0 || y == 0 ? 0 : x * y;
  }

  /**
   * {@code 1 - T(-v/2^n)^(2^n)}, about {@code 1 - e^-v}, with T the Taylor polynomial of the
   * exponential: p - 1 levels of Horner's rule, then n of squarings.
   *
   * @param v in [0, range]
   */
  Value complementOfExponential(Value v, ExponentialBudget budget) {
    double reach = budget.reducedRange();
    Value y = scaled(Math.scalb(1, -budget.squarings()), v).within(0, reach);
    // T(-y) = 1 - y h_1, h_j = 1 - y h_(j+1)/(j+1): every h lies in [0, 1] for y in [0, 1].
    Value h = builder.where(y).plus(1).value();
    Value complement = y;
    for (int j = budget.degree(); j >= 1; j--) {
      complement = j == budget.degree() ? y : product(y, reach, h, 1).within(0, reach);
      if (j > 1) {
        h = builder.where(complement).plus(1).plus(-1.0 / j, complement).value().within(0, 1);
      }
    }
    for (int i = 0; i < budget.squarings(); i++) {
      complement = oneMinusSquare(complement);
    }
    return complement;
  }

  /** {@code 1 - (1 - c)^2 = 2c - c^2} for c in [0, 1], one level on. */
  Value oneMinusSquare(Value c) {
    Value squared = square(c);
    return builder.where(squared).plus(2, c).plus(-1, squared).value().within(0, 1);
  }

  /**
   * {@code (1 - e^(2^I))/z} with {@code e = 1 - z/high}: Newton's iteration for the reciprocal from
   * y = 1/high, of which the first step is affine in z and each further one takes a level. With f =
   * z y, {@code y <- y + y(1 - f)} and {@code f <- 2f - f^2}. In float32 f, never above one, keeps
   * its digits, and 1 - f has a scale that shrinks with its bound.
   *
   * @param z in [low, high], low > 0
   * @param iterations I, at least 1
   */
  Value reciprocal(Value z, double low, double high, int iterations) {
    double error = 1 - low / high;
    Value f = scaled(1 / high, z).within(low / high, 1);
    Value y = builder.where(f).plus(2 / high).plus(-1 / high, f).value();
    for (int i = 1; i < iterations; i++) {
      y = y.within(1 / high, Math.min(1 / low, Math.scalb(1 / high, i)));
      error *= error;
      f = oneMinusSquare(f).within(1 - error, 1);
      Value rest = builder.where(f).plus(1).plus(-1, f).value().within(0, error);
      Value growth = product(y, rest);
      y = builder.where(growth).plus(1, y).plus(1, growth).value();
    }
    return y.within(1 / high, 1 / low);
  }
}
