package org.fewstep.backend.scalar;

import java.util.Arrays;
import org.fewstep.network.Frame;
import org.fewstep.network.Layer;
import org.fewstep.network.Network;

/** A network at one point: its value, and its Jacobian times a vector from either side. */
final class NetworkRow {

  final double[] x;
  final double[] value;
  final double[] direction;
  final double[] jvp;
  final double[] cotangent;
  final double[] vjp;

  private final Network network;
  private final Frame frame;

  /** The vector that the Jacobian is applied to for a divergence. */
  private final double[] axis;

  /** The input of each layer, and last the output of the last one. */
  private final double[][] activations;

  /** The affine part z of each layer. */
  private final double[][] affine;

  private final double[][] tangents;

  NetworkRow(Network network) {
    this.network = network;
    this.frame = network.frame();
    int inputs = network.inputs();
    int outputs = network.outputs();
    int depth = network.depth();
    x = new double[inputs];
    value = new double[outputs];
    direction = new double[inputs];
    axis = new double[inputs];
    jvp = new double[outputs];
    cotangent = new double[outputs];
    vjp = new double[inputs];
    activations = new double[depth + 1][];
    tangents = new double[depth + 1][];
    affine = new double[depth][];
    activations[0] = new double[network.layers().get(0).inputs()];
    tangents[0] = new double[activations[0].length];
    for (int l = 0; l < depth; l++) {
      int width = network.layers().get(l).outputs();
      affine[l] = new double[width];
      activations[l + 1] = new double[width];
      tangents[l + 1] = new double[width];
    }
  }

  /** Whether this is a row of that network. */
  boolean isOf(Network other) {
    return network == other;
  }

  private double clamped(int i) {
    return Math.min(Math.max(x[i], frame.low(i)), frame.high(i));
  }

  private boolean passes(int i) {
    return x[i] >= frame.low(i) && x[i] <= frame.high(i);
  }

  /** Computes {@link #value} at {@link #x}. */
  void evaluate(double t) {
    for (int i = 0; i < x.length; i++) {
      activations[0][i] = clamped(i) / frame.inputScale();
    }
    if (network.takesTime()) {
      activations[0][x.length] = t;
    }
    for (int l = 0; l < affine.length; l++) {
      Layer layer = network.layers().get(l);
      for (int o = 0; o < affine[l].length; o++) {
        double z = layer.bias(o);
        for (int e = layer.start(o); e < layer.end(o); e++) {
          z += layer.value(e) * activations[l][layer.column(e)];
        }
        affine[l][o] = z;
        activations[l + 1][o] = layer.unit(o).value(z);
      }
    }
    double[] last = activations[affine.length];
    for (int o = 0; o < value.length; o++) {
      value[o] = frame.outputScale() * last[o] + (frame.isResidual() ? clamped(o) : 0);
    }
  }

  /** Computes {@link #jvp} of {@link #direction}, where the value was evaluated last. */
  void jvp() {
    jvp(direction);
  }

  private void jvp(double[] vector) {
    tangents[0][tangents[0].length - 1] = 0;
    for (int i = 0; i < x.length; i++) {
      tangents[0][i] = passes(i) ? vector[i] / frame.inputScale() : 0;
    }
    for (int l = 0; l < affine.length; l++) {
      Layer layer = network.layers().get(l);
      for (int o = 0; o < affine[l].length; o++) {
        double sum = 0;
        for (int e = layer.start(o); e < layer.end(o); e++) {
          sum += layer.value(e) * tangents[l][layer.column(e)];
        }
        tangents[l + 1][o] = layer.unit(o).derivative(affine[l][o]) * sum;
      }
    }
    double[] last = tangents[affine.length];
    for (int o = 0; o < jvp.length; o++) {
      jvp[o] = frame.outputScale() * last[o];
      if (frame.isResidual() && passes(o)) {
        jvp[o] += vector[o];
      }
    }
  }

  /** Computes {@link #vjp} of {@link #cotangent}, where the value was evaluated last. */
  void vjp() {
    double[] last = tangents[affine.length];
    for (int o = 0; o < last.length; o++) {
      last[o] = frame.outputScale() * cotangent[o];
    }
    for (int l = affine.length - 1; l >= 0; l--) {
      Layer layer = network.layers().get(l);
      Arrays.fill(tangents[l], 0);
      for (int o = 0; o < affine[l].length; o++) {
        double slope = layer.unit(o).derivative(affine[l][o]) * tangents[l + 1][o];
        for (int e = layer.start(o); e < layer.end(o); e++) {
          tangents[l][layer.column(e)] += layer.value(e) * slope;
        }
      }
    }
    for (int i = 0; i < vjp.length; i++) {
      double sum = tangents[0][i] / frame.inputScale() + (frame.isResidual() ? cotangent[i] : 0);
      vjp[i] = passes(i) ? sum : 0;
    }
  }

  /** The trace of the Jacobian, by its products with the axes; leaves {@link #jvp} changed. */
  double divergence() {
    double trace = 0;
    for (int i = 0; i < x.length; i++) {
      Arrays.fill(axis, 0);
      axis[i] = 1;
      jvp(axis);
      trace += jvp[i];
    }
    return trace;
  }

  /** The mean of v . J v over directions [count, d]; leaves {@link #jvp} changed. */
  double divergence(double[] directions) {
    double sum = 0;
    for (int p = 0; p < directions.length; p += x.length) {
      System.arraycopy(directions, p, axis, 0, x.length);
      jvp(axis);
      for (int i = 0; i < x.length; i++) {
        sum += axis[i] * jvp[i];
      }
    }
    return sum * x.length / directions.length;
  }
}
