package org.fewstep.backend;

import java.util.HashMap;
import java.util.Map;
import java.util.SplittableRandom;
import java.util.TreeMap;
import org.fewstep.network.Frame;
import org.fewstep.network.Layer;
import org.fewstep.network.Network;
import org.fewstep.network.Unit;

/**
 * The yardstick for float32: a network at one point in plain float arithmetic, one product after
 * the other. Weights are rounded up or down at random, lest one evaluation be right by luck; the
 * yardstick is the worst of several.
 */
final class PlainFloatNetwork {

  private final Network network;
  private final Frame frame;
  private final SplittableRandom random = new SplittableRandom(1);
  private float[][] affine;
  private float[][] values;

  /** How near a z came to a kink, in parts of the terms that it is the sum of. */
  private double margin;

  PlainFloatNetwork(Network network) {
    this.network = network;
    this.frame = network.frame();
  }

  /** The worst errors of some evaluations; for derivatives beside a kink, which may jump, any. */
  Map<String, Double> worstErrors(
      NetworkCase row, double t, Map<String, double[]> truth, double kink) {
    Map<String, Double> worst = new HashMap<>();
    for (int draw = 0; draw < 3; draw++) {
      Map<String, float[]> results = evaluate(row, t);
      truth.forEach(
          (quantity, right) -> {
            double error = Evaluations.distance(doubles(results.get(quantity)), right);
            boolean jumps = margin < kink && !quantity.equals("value");
            worst.merge(quantity, jumps ? Double.POSITIVE_INFINITY : error, Math::max);
          });
    }
    return worst;
  }

  private static double[] doubles(float[] values) {
    double[] wide = new double[values.length];
    for (int i = 0; i < wide.length; i++) {
      wide[i] = values[i];
    }
    return wide;
  }

  private float rounded(double constant) {
    float nearest = (float) constant;
    if (nearest == constant || random.nextBoolean()) {
      return nearest;
    }
    return nearest < constant ? Math.nextUp(nearest) : Math.nextDown(nearest);
  }

  private Map<String, float[]> evaluate(NetworkCase row, double t) {
    double[] x = row.x();
    Map<String, float[]> results = new TreeMap<>();
    results.put("value", value(x, t));
    results.put("jvp", jvp(x, row.direction()));
    results.put("vjp", vjp(x, row.cotangent()));
    if (network.inputs() == network.outputs()) {
      double[] axes = new double[x.length * x.length];
      for (int i = 0; i < x.length; i++) {
        axes[i * x.length + i] = 1;
      }
      results.put("divergence", new float[] {products(x, axes)});
      double[] signs = NetworkEvaluations.PROBES.signs(x.length);
      float sum = products(x, signs);
      results.put("estimate", new float[] {sum / NetworkEvaluations.PROBES.count()});
    }
    return results;
  }

  private float products(double[] x, double[] directions) {
    float sum = 0;
    double[] v = new double[x.length];
    for (int p = 0; p < directions.length; p += x.length) {
      System.arraycopy(directions, p, v, 0, x.length);
      float[] product = jvp(x, v);
      for (int i = 0; i < x.length; i++) {
        sum += (float) v[i] * product[i];
      }
    }
    return sum;
  }

  private float clamped(double[] x, int i) {
    return Math.clamp((float) x[i], (float) frame.low(i), (float) frame.high(i));
  }

  private boolean passes(double[] x, int i) {
    return x[i] >= frame.low(i) && x[i] <= frame.high(i);
  }

  private float[] value(double[] x, double t) {
    int depth = network.depth();
    affine = new float[depth][];
    values = new float[depth + 1][];
    values[0] = new float[network.layers().get(0).inputs()];
    margin = Double.POSITIVE_INFINITY;
    for (int i = 0; i < values[0].length; i++) {
      values[0][i] = i < x.length ? clamped(x, i) / (float) frame.inputScale() : (float) t;
    }
    for (int l = 0; l < depth; l++) {
      Layer layer = network.layers().get(l);
      affine[l] = new float[layer.outputs()];
      values[l + 1] = new float[layer.outputs()];
      for (int o = 0; o < affine[l].length; o++) {
        float z = rounded(layer.bias(o));
        double size = Math.abs(z);
        for (int e = layer.start(o); e < layer.end(o); e++) {
          float term = rounded(layer.value(e)) * values[l][layer.column(e)];
          z += term;
          size += Math.abs(term);
        }
        affine[l][o] = z;
        values[l + 1][o] = (float) layer.unit(o).value(z);
        if (layer.unit(o) == Unit.RELU && size > 0) {
          margin = Math.min(margin, Math.abs(z) / size);
        }
      }
    }
    float[] y = values[depth].clone();
    for (int o = 0; o < y.length; o++) {
      y[o] = (float) frame.outputScale() * y[o] + (frame.isResidual() ? clamped(x, o) : 0);
    }
    return y;
  }

  private float[] jvp(double[] x, double[] direction) {
    float[] tangent = new float[values[0].length];
    for (int i = 0; i < x.length; i++) {
      tangent[i] = passes(x, i) ? (float) direction[i] / (float) frame.inputScale() : 0;
    }
    for (int l = 0; l < affine.length; l++) {
      Layer layer = network.layers().get(l);
      float[] next = new float[layer.outputs()];
      for (int o = 0; o < next.length; o++) {
        float sum = 0;
        for (int e = layer.start(o); e < layer.end(o); e++) {
          sum += rounded(layer.value(e)) * tangent[layer.column(e)];
        }
        next[o] = (float) layer.unit(o).derivative(affine[l][o]) * sum;
      }
      tangent = next;
    }
    for (int o = 0; o < tangent.length; o++) {
      tangent[o] *= (float) frame.outputScale();
      tangent[o] += frame.isResidual() && passes(x, o) ? (float) direction[o] : 0;
    }
    return tangent;
  }

  private float[] vjp(double[] x, double[] cotangent) {
    float[] above = new float[cotangent.length];
    for (int o = 0; o < above.length; o++) {
      above[o] = (float) frame.outputScale() * (float) cotangent[o];
    }
    for (int l = affine.length - 1; l >= 0; l--) {
      Layer layer = network.layers().get(l);
      float[] below = new float[layer.inputs()];
      for (int o = 0; o < above.length; o++) {
        float slope = (float) layer.unit(o).derivative(affine[l][o]) * above[o];
        for (int e = layer.start(o); e < layer.end(o); e++) {
          below[layer.column(e)] += rounded(layer.value(e)) * slope;
        }
      }
      above = below;
    }
    float[] result = new float[x.length];
    for (int i = 0; i < x.length; i++) {
      float sum = above[i] / (float) frame.inputScale();
      sum += frame.isResidual() ? (float) cotangent[i] : 0;
      result[i] = passes(x, i) ? sum : 0;
    }
    return result;
  }
}
