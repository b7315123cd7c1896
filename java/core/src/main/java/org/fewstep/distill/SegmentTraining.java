package org.fewstep.distill;

import java.io.IOException;
import java.util.Map;
import org.fewstep.backend.Backend;
import org.fewstep.backend.Batch;
import org.fewstep.backend.Precision;
import org.fewstep.diffusion.Diffusion;
import org.fewstep.network.Frame;
import org.fewstep.network.Network;
import org.fewstep.network.NetworkShape;
import org.fewstep.training.CheckpointStore;
import org.fewstep.training.Regression;
import org.fewstep.training.TrainingListener;
import org.fewstep.training.TrainingOptions;
import org.fewstep.training.TrainingResult;

/**
 * The training of one segment's network on pairs of states at its two knots.
 *
 * @param shape the layers
 * @param dimension d of the states
 * @param process the diffusion
 * @param start the knot at which the segment begins
 * @param end the knot at which it ends
 */
record SegmentTraining(
    NetworkShape shape, int dimension, Diffusion process, double start, double end) {

  /**
   * Trains, and returns null if the listener cancelled it.
   *
   * @param from the states at the start, [rows, d] row-major
   * @param to the states at the end
   */
  Network train(
      Backend backend,
      Precision precision,
      double[] from,
      double[] to,
      TrainingOptions options,
      TrainingListener listener,
      CheckpointStore store,
      Map<String, String> identity)
      throws IOException {
    Frame frame = Student.frame(from, to, dimension);
    long rows = from.length / dimension;
    try (Batch x = backend.allocate(rows, dimension, precision);
        Batch y = backend.allocate(rows, dimension, precision)) {
      x.copyFrom(from);
      y.copyFrom(to);
      TrainingResult result =
          new Regression(backend, shape, frame, x, y)
              .withIdentity(identity)
              .train(options, listener, store);
      return result.outcome() == TrainingResult.Outcome.CANCELLED
          ? null
          : network(frame, result.parameters());
    }
  }

  /** The segment's network from its parameters. */
  Network network(Frame frame, double[] parameters) {
    return Network.of(shape.layersOf(parameters), Network.Output.DISPLACEMENT)
        .withFrame(frame)
        .withTimes(process, end, start);
  }
}
