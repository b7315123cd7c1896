package org.fewstep.backend.vector;

import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import org.fewstep.network.Frame;
import org.fewstep.network.NetworkShape;

/** A network whose parameters come with every call. Belongs to one task. */
final class FloatTrainee {

  private static final ValueLayout.OfFloat ELEMENT = ValueLayout.JAVA_FLOAT_UNALIGNED;

  /** The least rows of a run: clearing and adding up its gradient then costs some per cent. */
  private static final int LEAST_RUN = 128;

  private static final int MOST_RUNS = 32;

  /** The elements that the gradients of all runs may take. */
  private static final int MOST_ELEMENTS = 1 << 24;

  final FloatLayers layers;
  final FloatFrame frame;
  private final NetworkShape shape;
  private final float[] parameters;
  private final FloatGradient[] gradients;

  FloatTrainee(NetworkShape shape, Frame frame, int threads) {
    this.shape = shape;
    this.layers = FloatLayers.of(shape);
    this.frame = new FloatFrame(frame, shape.inputs(), shape.outputs());
    this.parameters = new float[shape.parameters()];
    this.gradients = new FloatGradient[threads];
  }

  /** Reads the parameters of a call. */
  void load(MemorySegment memory, boolean backward) {
    MemorySegment.copy(memory, ELEMENT, 0, parameters, 0, parameters.length);
    layers.set(shape, parameters, backward);
  }

  int inputs() {
    return shape.inputs();
  }

  int outputs() {
    return shape.outputs();
  }

  int hidden() {
    return shape.hiddenUnits();
  }

  int parameters() {
    return parameters.length;
  }

  /** The points of a tile. */
  int tileRows() {
    return FloatNetworkScratch.rows(layers.width());
  }

  /** The rows of a run, whole tiles: they depend on the shape and on n alone. */
  long runRows(long n) {
    int runs = Math.clamp(MOST_ELEMENTS / parameters.length, 1, MOST_RUNS);
    long rows = Math.max(LEAST_RUN, Math.ceilDiv(n, (long) runs));
    return Math.ceilDiv(rows, (long) tileRows()) * tileRows();
  }

  /** The sums of a worker. */
  FloatGradient gradient(int worker) {
    if (gradients[worker] == null) {
      gradients[worker] = new FloatGradient(shape);
    }
    return gradients[worker];
  }
}
