package org.fewstep.distill;

import java.util.Arrays;
import java.util.List;
import org.fewstep.network.Frame;
import org.fewstep.network.NetworkShape;
import org.fewstep.network.Unit;

/**
 * The network that learns a segment: {@code u + c_out W3 relu(W2 phi(W1 u/c_in + b1) + b2) + b3},
 * with u the clamped state, half of phi ReLU and half ReQU.
 *
 * <p>One ReQU layer and no more: a composition of several squares amplifies what lies outside of
 * the data without bound. The clamp to the range of the training data bounds the rest.
 *
 * @param width the units of both hidden layers, >= 2
 */
public record Student(int width) {

  private static final int LEAST = 32;
  private static final int MOST = 256;
  private static final int UNITS_A_COORDINATE = 8;

  /** Checks the width. */
  public Student {
    if (width < 2 || width > 4096) {
      throw new IllegalArgumentException("width must lie in [2, 4096], but is " + width);
    }
  }

  /** For states of d coordinates: eight units a coordinate, but at least 32 and at most 256. */
  public static Student ofDimension(int dimension) {
    return new Student(Math.clamp((long) UNITS_A_COORDINATE * dimension, LEAST, MOST));
  }

  /** The layers for states of d coordinates. */
  public NetworkShape shape(int dimension) {
    return NetworkShape.of(
        dimension,
        List.of(
            NetworkShape.mixed(width / 2, width - width / 2),
            NetworkShape.units(width, Unit.RELU),
            NetworkShape.units(dimension, Unit.LINEAR)));
  }

  /**
   * The widest student that has no more parameters than so many of this width: what one step is
   * given to compare with a composition.
   */
  public Student ofEqualSize(int students, int dimension) {
    long budget = (long) students * shape(dimension).parameters();
    int widest = width;
    while (widest < 4096 && new Student(widest + 1).shape(dimension).parameters() <= budget) {
      widest++;
    }
    return new Student(widest);
  }

  /** What surrounds the layers: scales and clamp from pairs of states, [rows, d] row-major. */
  static Frame frame(double[] from, double[] to, int dimension) {
    double inputs = 0;
    double displacements = 0;
    double[] low = new double[dimension];
    double[] high = new double[dimension];
    Arrays.fill(low, Double.POSITIVE_INFINITY);
    Arrays.fill(high, Double.NEGATIVE_INFINITY);
    for (int e = 0; e < from.length; e++) {
      inputs += from[e] * from[e];
      displacements += (to[e] - from[e]) * (to[e] - from[e]);
      int i = e % dimension;
      low[i] = Math.min(low[i], from[e]);
      high[i] = Math.max(high[i], from[e]);
    }
    double count = from.length;
    return Frame.residual(
            positive(Math.sqrt(inputs / count)), positive(Math.sqrt(displacements / count)))
        .withClamp(low, high);
  }

  /** A flow that stands still has no scale of its own: any will do. */
  private static double positive(double scale) {
    return scale > 0 ? scale : 1;
  }
}
