package org.fewstep.distill;

import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CancellationException;
import org.fewstep.backend.Backend;
import org.fewstep.backend.Batch;
import org.fewstep.backend.Precision;
import org.fewstep.network.Network;
import org.fewstep.network.NetworkShape;
import org.fewstep.training.TrainingOptions;

/**
 * Trains a composition end to end: the derivative of the error at the data runs back through every
 * network, so that later ones learn to mend what earlier ones leave.
 */
final class FineTuning {

  private final Backend backend;
  private final List<Network> networks;
  private final Precision precision;

  FineTuning(Backend backend, List<Network> networks, Precision precision) {
    this.backend = backend;
    this.networks = networks;
    this.precision = precision;
  }

  /**
   * Trains the networks together.
   *
   * @param states of exact trajectories at the knots, [knots][rows, d]; the first and the last
   *     count
   * @return the networks with their new parameters; the old ones stay as they are
   */
  List<Network> run(double[][] states, TrainingOptions options, DistillationListener listener) {
    int d = networks.get(0).inputs();
    double[] starts = states[0];
    double[] ends = states[states.length - 1];
    List<Part> parts = new ArrayList<>();
    try (Batch x = backend.allocate(starts.length / d, d, precision);
        Batch y = backend.allocate(ends.length / d, d, precision);
        Batch from = backend.allocate(options.batch(), d, precision);
        Batch to = backend.allocate(options.batch(), d, precision)) {
      x.copyFrom(starts);
      y.copyFrom(ends);
      for (Network network : networks) {
        parts.add(new Part(network, options.batch()));
      }
      double size = meanSquare(ends);
      for (long step = 1; step <= options.steps(); step++) {
        backend.draw(from, x, options.seed(), (step - 1) * options.batch());
        backend.draw(to, y, options.seed(), (step - 1) * options.batch());
        step(parts, from, to, size, options, step);
        if (step % options.checkEvery() == 0) {
          listener.onProgress(step, options.steps());
          if (listener.isCancelled()) {
            throw new CancellationException("the fine-tuning was cancelled");
          }
        }
      }
      return parts.stream().map(Part::network).toList();
    } finally {
      parts.forEach(Part::close);
    }
  }

  private static double meanSquare(double[] values) {
    double sum = 0;
    for (double value : values) {
      sum += value * value;
    }
    return sum > 0 ? sum / values.length : 1;
  }

  private void step(
      List<Part> parts, Batch from, Batch to, double size, TrainingOptions options, long step) {
    Batch state = from;
    for (Part part : parts) {
      part.forward(state);
      state = part.output;
    }
    Batch slope = to;
    double weight = 2 / (options.batch() * (double) to.columns() * size);
    backend.combine(slope, List.of(state, to), new double[] {weight, -weight});
    for (int s = parts.size() - 1; s >= 0; s--) {
      Batch input = s == 0 ? from : parts.get(s - 1).output;
      parts.get(s).backward(input, slope);
      slope = parts.get(s).slope;
    }
    double rate = options.schedule().rate(step, options.steps());
    for (Part part : parts) {
      backend.adam(
          options.optimiser().step(step, rate),
          part.parameters,
          part.gradient,
          part.mean,
          part.square);
    }
  }

  /** One network of the composition and its batches. */
  private final class Part implements AutoCloseable {

    private final Network initial;
    private final NetworkShape shape;
    private final List<Batch> owned = new ArrayList<>();
    private final Batch parameters;
    private final Batch gradient;
    private final Batch mean;
    private final Batch square;
    private final Batch saved;
    private final Batch output;
    private final Batch slope;

    Part(Network network, int rows) {
      initial = network;
      shape = network.shape();
      parameters = take(1, shape.parameters());
      parameters.copyFrom(network.flatParameters());
      gradient = take(1, shape.parameters());
      mean = take(1, shape.parameters());
      square = take(1, shape.parameters());
      saved = shape.hiddenUnits() == 0 ? null : take(rows, shape.hiddenUnits());
      output = take(rows, shape.outputs());
      slope = take(rows, shape.inputs());
    }

    private Batch take(long rows, int columns) {
      Batch batch = backend.allocate(rows, columns, precision);
      owned.add(batch);
      return batch;
    }

    void forward(Batch x) {
      backend.networkForward(shape, initial.frame(), parameters, x, output, saved);
    }

    void backward(Batch x, Batch dy) {
      backend.networkBackward(shape, initial.frame(), parameters, x, saved, dy, slope, gradient);
    }

    Network network() {
      return Network.of(shape.layersOf(parameters.toDoubleArray()), initial.output())
          .withFrame(initial.frame())
          .withTimes(initial.process().orElseThrow(), initial.timeLow(), initial.timeHigh());
    }

    @Override
    public void close() {
      owned.forEach(Batch::close);
    }
  }
}
