package org.fewstep.backend.vector;

import java.util.Arrays;
import jdk.incubator.vector.FloatVector;
import jdk.incubator.vector.VectorMask;
import jdk.incubator.vector.VectorOperators;
import jdk.incubator.vector.VectorSpecies;
import org.fewstep.network.Frame;

/**
 * What surrounds the layers of a network, see {@link Frame}, for groups of points: values, tangents
 * and cotangents on their way into the layers and out of them.
 *
 * <p>Groups of x and of everything that has its shape are {@code [groups][dimension][GROUP]}; what
 * lies inside the network has strides of its own. A <em>fault</em> is a number per point, zero or
 * NaN, that is added to what comes out: the clamp must not hide a point that is not finite.
 */
final class FloatFrame {

  private static final VectorSpecies<Float> SPECIES = FloatLanes.SPECIES;
  private static final int LENGTH = FloatLanes.LENGTH;
  private static final int GROUP = FloatLanes.GROUP;

  private final int inputs;
  private final int outputs;
  private final float inputScale;
  private final float outputScale;
  private final boolean residual;
  private final float[] low;
  private final float[] high;

  /**
   * A frame.
   *
   * @param inputs columns of x
   * @param outputs columns of y
   */
  FloatFrame(Frame frame, int inputs, int outputs) {
    this.inputs = inputs;
    this.outputs = outputs;
    inputScale = (float) frame.inputScale();
    outputScale = (float) frame.outputScale();
    residual = frame.isResidual();
    low = new float[inputs];
    high = new float[inputs];
    for (int i = 0; i < inputs; i++) {
      low[i] = (float) frame.low(i);
      high[i] = (float) frame.high(i);
    }
  }

  private FloatVector clamped(FloatVector v, int i) {
    return v.max(low[i]).min(high[i]);
  }

  private VectorMask<Float> passes(FloatVector v, int i) {
    return v.compare(VectorOperators.GE, low[i]).and(v.compare(VectorOperators.LE, high[i]));
  }

  /** Adds to the faults NaN for every point that is not finite. */
  static void findFaults(float[] x, int columns, float[] faults, int groups) {
    for (int g = 0; g < groups; g++) {
      for (int half = 0; half < GROUP; half += LENGTH) {
        FloatVector fault = FloatVector.fromArray(SPECIES, faults, g * GROUP + half);
        for (int i = 0; i < columns; i++) {
          int at = (g * columns + i) * GROUP + half;
          fault = fault.add(FloatVector.fromArray(SPECIES, x, at).mul(0f));
        }
        fault.intoArray(faults, g * GROUP + half);
      }
    }
  }

  /** Writes the inputs of the first layer at x; what is not finite is NaN. */
  void enter(float[] x, float[] to, int stride, int groups) {
    for (int g = 0; g < groups; g++) {
      for (int i = 0; i < inputs; i++) {
        for (int half = 0; half < GROUP; half += LENGTH) {
          FloatVector v = FloatVector.fromArray(SPECIES, x, (g * inputs + i) * GROUP + half);
          FloatVector entered = clamped(v, i).add(v.mul(0f)).div(inputScale);
          entered.intoArray(to, g * stride + i * GROUP + half);
        }
      }
    }
  }

  /** Writes y, given what the last layer has at x. */
  void leave(
      float[] last, int start, int stride, float[] x, float[] faults, float[] y, int groups) {
    for (int g = 0; g < groups; g++) {
      for (int o = 0; o < outputs; o++) {
        for (int half = 0; half < GROUP; half += LENGTH) {
          int from = start + g * stride + o * GROUP + half;
          int at = (g * outputs + o) * GROUP + half;
          FloatVector v = FloatVector.fromArray(SPECIES, last, from).mul(outputScale);
          v = v.add(FloatVector.fromArray(SPECIES, faults, g * GROUP + half));
          if (residual) {
            v = v.add(clamped(FloatVector.fromArray(SPECIES, x, at), o));
          }
          v.intoArray(y, at);
        }
      }
    }
  }

  /** Writes the tangents of the first layer's inputs, given those of x. */
  void enterTangents(float[] direction, float[] x, float[] to, int stride, int groups) {
    for (int g = 0; g < groups; g++) {
      for (int i = 0; i < inputs; i++) {
        for (int half = 0; half < GROUP; half += LENGTH) {
          int at = (g * inputs + i) * GROUP + half;
          FloatVector v = FloatVector.fromArray(SPECIES, direction, at).div(inputScale);
          VectorMask<Float> passes = passes(FloatVector.fromArray(SPECIES, x, at), i);
          FloatVector entered = FloatVector.zero(SPECIES).blend(v, passes);
          entered.intoArray(to, g * stride + i * GROUP + half);
        }
      }
    }
  }

  /** Writes the tangents of y, given those of what the last layer has. */
  void leaveTangents(
      float[] last,
      int stride,
      float[] direction,
      float[] x,
      float[] faults,
      float[] to,
      int groups) {
    for (int g = 0; g < groups; g++) {
      for (int o = 0; o < outputs; o++) {
        for (int half = 0; half < GROUP; half += LENGTH) {
          int at = (g * outputs + o) * GROUP + half;
          int from = g * stride + o * GROUP + half;
          FloatVector v = FloatVector.fromArray(SPECIES, last, from).mul(outputScale);
          v = v.add(FloatVector.fromArray(SPECIES, faults, g * GROUP + half));
          if (residual) {
            VectorMask<Float> passes = passes(FloatVector.fromArray(SPECIES, x, at), o);
            v = v.blend(v.add(FloatVector.fromArray(SPECIES, direction, at)), passes);
          }
          v.intoArray(to, at);
        }
      }
    }
  }

  /** Writes the cotangents of what the last layer has, given those of y. */
  void enterCotangents(float[] cotangent, float[] to, int stride, int groups) {
    for (int g = 0; g < groups; g++) {
      for (int i = 0; i < outputs * GROUP; i += LENGTH) {
        FloatVector.fromArray(SPECIES, cotangent, g * outputs * GROUP + i)
            .mul(outputScale)
            .intoArray(to, g * stride + i);
      }
    }
  }

  /** Writes the cotangents of x, given those of the first layer's inputs. */
  void leaveCotangents(
      float[] first,
      int stride,
      float[] cotangent,
      float[] x,
      float[] faults,
      float[] to,
      int groups) {
    for (int g = 0; g < groups; g++) {
      for (int i = 0; i < inputs; i++) {
        for (int half = 0; half < GROUP; half += LENGTH) {
          int at = (g * inputs + i) * GROUP + half;
          int from = g * stride + i * GROUP + half;
          FloatVector v = FloatVector.fromArray(SPECIES, first, from).div(inputScale);
          if (residual) {
            v = v.add(FloatVector.fromArray(SPECIES, cotangent, at));
          }
          VectorMask<Float> passes = passes(FloatVector.fromArray(SPECIES, x, at), i);
          FloatVector fault = FloatVector.fromArray(SPECIES, faults, g * GROUP + half);
          FloatVector.zero(SPECIES).blend(v, passes).add(fault).intoArray(to, at);
        }
      }
    }
  }

  /** Sets directions to one axis for every point. */
  void setAxis(float[] direction, int axis, int groups) {
    for (int g = 0; g < groups; g++) {
      int at = g * inputs * GROUP;
      Arrays.fill(direction, at, at + inputs * GROUP, 0f);
      Arrays.fill(direction, at + axis * GROUP, at + (axis + 1) * GROUP, 1f);
    }
  }

  /** Sets directions to one vector for every point. */
  void setDirection(float[] direction, double[] values, int from, int groups) {
    for (int g = 0; g < groups; g++) {
      for (int i = 0; i < inputs; i++) {
        int at = (g * inputs + i) * GROUP;
        Arrays.fill(direction, at, at + GROUP, (float) values[from + i]);
      }
    }
  }

  /** Adds one coordinate of some vectors to a number per point. */
  void addCoordinate(float[] vectors, int coordinate, float[] sums, int groups) {
    for (int g = 0; g < groups; g++) {
      for (int half = 0; half < GROUP; half += LENGTH) {
        int at = (g * inputs + coordinate) * GROUP + half;
        FloatVector.fromArray(SPECIES, sums, g * GROUP + half)
            .add(FloatVector.fromArray(SPECIES, vectors, at))
            .intoArray(sums, g * GROUP + half);
      }
    }
  }

  /** Adds the scalar products of two sets of vectors to a number per point. */
  void addProducts(float[] one, float[] other, float[] sums, int groups) {
    for (int g = 0; g < groups; g++) {
      for (int half = 0; half < GROUP; half += LENGTH) {
        FloatVector sum = FloatVector.fromArray(SPECIES, sums, g * GROUP + half);
        for (int i = 0; i < inputs; i++) {
          int at = (g * inputs + i) * GROUP + half;
          FloatVector v = FloatVector.fromArray(SPECIES, one, at);
          sum = v.fma(FloatVector.fromArray(SPECIES, other, at), sum);
        }
        sum.intoArray(sums, g * GROUP + half);
      }
    }
  }
}
