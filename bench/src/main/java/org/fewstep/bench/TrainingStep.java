package org.fewstep.bench;

import org.fewstep.backend.AdamStep;
import org.fewstep.backend.Backends;
import org.fewstep.backend.Precision;
import org.fewstep.network.NetworkShape;

/**
 * One step of training on rows that are there: forward, the derivative of the mean square of the
 * errors, backward, Adam. The same numbers for us and for every peer.
 *
 * @param shape the layers, ReLU units but for the last layer's
 * @param rows the rows of the batch
 */
record TrainingStep(NetworkShape shape, int rows) {

  /** A rate whose steps are seen in single precision; nothing is clipped. */
  static final AdamStep ADAM = new AdamStep(1, 1e-3, 0.9, 0.999, 1e-8, 0, Double.POSITIVE_INFINITY);

  private static final long ROWS_SEED = 23;
  private static final long TARGETS_SEED = 24;

  /** A network of two inputs and outputs. */
  static TrainingStep of(int width, int hiddenLayers, long rows) {
    return new TrainingStep(NetworkWorkload.shape(width, hiddenLayers), Math.toIntExact(rows));
  }

  /** The parameters before the first step, in the order of the shape. */
  double[] parameters() {
    int width = shape.width(0);
    double[] rounded =
        NetworkWorkload.of(shape.inputs(), width, shape.layers(), false).flatParameters();
    for (int i = 0; i < rounded.length; i++) {
      // as they are in single precision, so that the first step is the difference from them
      rounded[i] = (float) rounded[i];
    }
    return rounded;
  }

  /** The inputs [n,in], row-major. */
  float[] inputs() {
    return NetworkRows.normals(ROWS_SEED, rows * shape.inputs());
  }

  /** The targets [n,out], row-major. */
  float[] targets() {
    return NetworkRows.normals(TARGETS_SEED, rows * shape.outputs());
  }

  /** What the difference from the target weighs in the derivative of the mean square. */
  double slope() {
    return 2.0 / ((double) rows * shape.outputs());
  }

  /** What is compared: a row [gradient, step over the learning rate] for every parameter. */
  float[] outcome(float[] gradient, float[] stepped) {
    double[] before = parameters();
    float[] outcome = new float[2 * before.length];
    for (int i = 0; i < before.length; i++) {
      outcome[2 * i] = gradient[i];
      outcome[2 * i + 1] = (float) ((stepped[i] - before[i]) / ADAM.learningRate());
    }
    return outcome;
  }

  /** The outcome of the first step by the scalar backend in double precision. */
  double[] expected() {
    try (TrainingTask task = new TrainingTask(Backends.named("scalar"), Precision.FLOAT64, this)) {
      task.run();
      float[] narrow = task.result();
      double[] expected = new double[narrow.length];
      for (int i = 0; i < narrow.length; i++) {
        expected[i] = narrow[i];
      }
      return expected;
    }
  }
}
