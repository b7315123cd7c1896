package org.fewstep.backend.scalar;

import org.fewstep.backend.Batch;
import org.fewstep.backend.WorkerPool;
import org.fewstep.network.Frame;
import org.fewstep.network.NetworkShape;
import org.fewstep.network.Unit;

/**
 * The forward or the backward pass of a network in training. A task of the pool is a run of rows;
 * each run sums its own gradient, and the runs are added up in order.
 */
final class TrainingCall implements WorkerPool.Task {

  /** The rows of a run. */
  static final int RUN = 64;

  private NetworkShape shape;
  private Frame frame;
  private double[] parameters = {};
  private Batch x;
  private Batch y;
  private Batch saved;
  private Batch dy;
  private Batch dx;

  /** The gradient of each run, or null if it is not wanted. */
  private double[][] gradients;

  private boolean backward;

  private void prepare(NetworkShape shape, Frame frame, Batch parameters, Batch x, Batch saved) {
    this.shape = shape;
    this.frame = frame;
    this.parameters = new double[shape.parameters()];
    Elements.loadRow(parameters, 0, this.parameters, 0);
    this.x = x;
    this.saved = saved;
  }

  void prepareForward(
      NetworkShape shape, Frame frame, Batch parameters, Batch x, Batch y, Batch saved) {
    prepare(shape, frame, parameters, x, saved);
    this.backward = false;
    this.y = y;
  }

  void prepareBackward(
      NetworkShape shape,
      Frame frame,
      Batch parameters,
      Batch x,
      Batch saved,
      Batch dy,
      Batch dx,
      boolean wantsGradient) {
    prepare(shape, frame, parameters, x, saved);
    this.backward = true;
    this.dy = dy;
    this.dx = dx;
    this.gradients = wantsGradient ? new double[runs()][] : null;
  }

  /** The number of runs of rows. */
  int runs() {
    return (int) Math.ceilDiv(x.rows(), (long) RUN);
  }

  /** Lets go of the arguments. */
  void clear() {
    shape = null;
    frame = null;
    parameters = null;
    x = null;
    y = null;
    saved = null;
    dy = null;
    dx = null;
    gradients = null;
  }

  /** Writes the sum of the gradients of all runs. */
  void storeGradient(Batch gradient) {
    double[] sum = new double[shape.parameters()];
    for (double[] run : gradients) {
      for (int i = 0; i < sum.length; i++) {
        sum[i] += run[i];
      }
    }
    Elements.storeRow(gradient, 0, sum, 0);
  }

  @Override
  public void run(int worker, long firstRun, long endRun) {
    double[] inputs = new double[shape.inputs()];
    double[][] affine = new double[shape.layers()][];
    for (int l = 0; l < affine.length; l++) {
      affine[l] = new double[shape.width(l)];
    }
    for (long run = firstRun; run < endRun; run++) {
      double[] gradient = null;
      if (backward && gradients != null) {
        gradient = new double[shape.parameters()];
        gradients[(int) run] = gradient;
      }
      long end = Math.min((run + 1) * RUN, x.rows());
      for (long row = run * RUN; row < end; row++) {
        Elements.loadRow(x, row, inputs, 0);
        if (backward) {
          backward(row, inputs, affine, gradient);
        } else {
          forward(row, inputs, affine);
        }
      }
    }
  }

  private double clamped(double[] inputs, int i) {
    return Double.isFinite(inputs[i])
        ? Math.clamp(inputs[i], frame.low(i), frame.high(i))
        : Double.NaN;
  }

  private double input(double[] inputs, double[][] affine, int layer, int i) {
    return layer == 0
        ? clamped(inputs, i) / frame.inputScale()
        : shape.units(layer - 1).get(i).value(affine[layer - 1][i]);
  }

  private void forward(long row, double[] inputs, double[][] affine) {
    int hidden = 0;
    for (int l = 0; l < affine.length; l++) {
      int width = shape.width(l - 1);
      for (int o = 0; o < affine[l].length; o++) {
        double z = parameters[shape.biasOffset(l) + o];
        int weights = shape.weightOffset(l) + o * width;
        for (int i = 0; i < width; i++) {
          z += parameters[weights + i] * input(inputs, affine, l, i);
        }
        affine[l][o] = z;
        if (saved != null && l < affine.length - 1) {
          Elements.set(saved, row * saved.columns() + hidden++, z);
        }
      }
    }
    boolean finite = Elements.allFinite(inputs, 0, inputs.length);
    int last = affine.length - 1;
    for (int o = 0; o < shape.outputs(); o++) {
      double value = shape.units(last).get(o).value(affine[last][o]) * frame.outputScale();
      value += frame.isResidual() ? clamped(inputs, o) : 0;
      Elements.set(y, row * y.columns() + o, finite ? value : Double.NaN);
    }
  }

  private void backward(long row, double[] inputs, double[][] affine, double[] gradient) {
    int hidden = 0;
    for (int l = 0; l < affine.length - 1; l++) {
      for (int o = 0; o < affine[l].length; o++) {
        affine[l][o] = Elements.get(saved, row * saved.columns() + hidden++);
      }
    }
    recomputeLast(inputs, affine);
    double[] outer = new double[shape.outputs()];
    Elements.loadRow(dy, row, outer, 0);
    double[] slopes = outer.clone();
    for (int o = 0; o < slopes.length; o++) {
      slopes[o] *= frame.outputScale();
    }
    for (int l = affine.length - 1; l >= 0; l--) {
      slopes = layerBackward(l, inputs, affine, slopes, gradient);
    }
    if (dx != null) {
      for (int i = 0; i < inputs.length; i++) {
        boolean passes = inputs[i] >= frame.low(i) && inputs[i] <= frame.high(i);
        double slope = slopes[i] / frame.inputScale() + (frame.isResidual() ? outer[i] : 0);
        double result = passes ? slope : 0;
        boolean finite = Elements.allFinite(inputs, 0, inputs.length);
        Elements.set(dx, row * dx.columns() + i, finite ? result : Double.NaN);
      }
    }
  }

  /** The last layer's z is not saved; only units that are not linear want it. */
  private void recomputeLast(double[] inputs, double[][] affine) {
    int last = affine.length - 1;
    int width = shape.width(last - 1);
    for (int o = 0; o < affine[last].length; o++) {
      if (shape.units(last).get(o) != Unit.LINEAR) {
        double z = parameters[shape.biasOffset(last) + o];
        for (int i = 0; i < width; i++) {
          double weight = parameters[shape.weightOffset(last) + o * width + i];
          z += weight * input(inputs, affine, last, i);
        }
        affine[last][o] = z;
      }
    }
  }

  /** Adds a layer's share of the gradient, and returns the derivative in the layer's inputs. */
  private double[] layerBackward(
      int l, double[] inputs, double[][] affine, double[] slopes, double[] gradient) {
    int width = shape.width(l - 1);
    double[] below = new double[width];
    for (int o = 0; o < slopes.length; o++) {
      double slope = slopes[o] * shape.units(l).get(o).derivative(affine[l][o]);
      int weights = shape.weightOffset(l) + o * width;
      for (int i = 0; i < width; i++) {
        below[i] += parameters[weights + i] * slope;
        if (gradient != null) {
          gradient[weights + i] += slope * input(inputs, affine, l, i);
        }
      }
      if (gradient != null) {
        gradient[shape.biasOffset(l) + o] += slope;
      }
    }
    return below;
  }
}
