package org.fewstep.training;

import java.io.IOException;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.fewstep.backend.Backend;
import org.fewstep.backend.Batch;
import org.fewstep.backend.BatchChecks;
import org.fewstep.network.Frame;
import org.fewstep.network.NetworkShape;

/**
 * Fits a network to pairs (x, y) by least squares: minimises the mean over rows and coordinates of
 * {@code (network(x) - y)^2 / c_out^2}, c_out being the frame's output scale.
 *
 * <p>A step draws a mini-batch from the pairs, runs it forward and backward and lets the optimiser
 * step; all of it are kernels of the backend, on batches that stay there. For a backend and an
 * instruction set the result is the same bit for bit whatever the number of threads, and whether or
 * not the training was interrupted and resumed.
 *
 * <p>Not for use by several threads at once; different trainings may share a backend.
 */
public final class Regression {

  private final Backend backend;
  private final NetworkShape shape;
  private final Frame frame;
  private final Batch x;
  private final Batch y;
  private Batch validationX;
  private Batch validationY;
  private Map<String, String> identity = Map.of();

  /**
   * A regression.
   *
   * @param backend does the work; stays open
   * @param shape the layers to be trained
   * @param frame what surrounds them; stays as it is
   * @param x [n,in], n >= 1, in the backend's memory; of the precision to train in
   * @param y [n,out], likewise
   */
  public Regression(Backend backend, NetworkShape shape, Frame frame, Batch x, Batch y) {
    BatchChecks.requireGiven("backend", backend);
    BatchChecks.requireGiven("shape", shape);
    BatchChecks.requireGiven("frame", frame);
    frame.requireFits(shape.inputs(), shape.outputs());
    requirePairs("x", x, "y", y, shape);
    this.backend = backend;
    this.shape = shape;
    this.frame = frame;
    this.x = x;
    this.y = y;
  }

  private static void requirePairs(
      String inputs, Batch x, String outputs, Batch y, NetworkShape shape) {
    BatchChecks.requireColumns(inputs, x, shape.inputs());
    if (x.rows() < 1) {
      throw new IllegalArgumentException(inputs + " must have at least 1 row, but has none");
    }
    BatchChecks.requireGiven(outputs, y);
    BatchChecks.requireLike(outputs, y, x, shape.outputs());
  }

  /** Judges by these pairs, too; what early stopping goes by. */
  public Regression withValidation(Batch inputs, Batch outputs) {
    requirePairs("inputs", inputs, "outputs", outputs, shape);
    BatchChecks.requirePrecision("inputs", inputs, x.precision());
    validationX = inputs;
    validationY = outputs;
    return this;
  }

  /** Says what the pairs are, so that a checkpoint of others is refused. */
  public Regression withIdentity(Map<String, String> settings) {
    identity = new LinkedHashMap<>(settings);
    return this;
  }

  /** Trains from random parameters, without checkpoints. */
  public TrainingResult train(TrainingOptions options) {
    try {
      return train(options, TrainingListener.NONE, CheckpointStore.NONE);
    } catch (IOException e) {
      throw new IllegalStateException("nothing was to be written", e);
    }
  }

  /**
   * Trains, from the store's checkpoint if it holds one, else from random parameters.
   *
   * @throws IllegalArgumentException if the checkpoint is of another training
   * @throws DivergedException if the numbers are no longer finite
   * @throws IOException if a checkpoint cannot be read or written
   */
  public TrainingResult train(
      TrainingOptions options, TrainingListener listener, CheckpointStore store)
      throws IOException {
    if (options.patience() > 0 && validationX == null) {
      throw new IllegalArgumentException(
          "patience must be 0 without validation pairs, but is " + options.patience());
    }
    try (Run run = new Run(options)) {
      return run.train(listener, store);
    }
  }

  private Map<String, String> configuration(TrainingOptions options) {
    Map<String, String> all = new LinkedHashMap<>(identity);
    all.put("shape", shape.toString());
    all.put("units", shape.unitRuns());
    all.put("frame", "%s, hash %08x".formatted(frame, frame.hashCode()));
    all.put("precision", x.precision().name());
    all.put("rows", Long.toString(x.rows()));
    all.put("batch", Integer.toString(options.batch()));
    all.put("steps", Integer.toString(options.steps()));
    all.put("optimiser", options.optimiser().toString());
    all.put("schedule", options.schedule().toString());
    all.put("seed", Long.toString(options.seed()));
    all.put("patience", Integer.toString(options.patience()));
    all.put("check every", Integer.toString(options.checkEvery()));
    return all;
  }

  /** The batches of one training. */
  private final class Run implements AutoCloseable {

    private static final String PARAMETERS = "parameters";
    private static final String MEAN = "mean";
    private static final String SQUARE = "square";
    private static final String BEST = "best";

    /** Best validation error, and the checks since. */
    private static final String PROGRESS = "progress";

    private final TrainingOptions options;
    private final List<Batch> owned = new ArrayList<>();
    private final Batch parameters;
    private final Batch gradient;
    private final Batch mean;
    private final Batch square;
    private final Batch inputs;
    private final Batch targets;
    private final Batch outputs;
    private final Batch saved;
    private long step;
    private double bestError = Double.POSITIVE_INFINITY;
    private int checksWithoutBetter;
    private double[] best;

    Run(TrainingOptions options) {
      this.options = options;
      int count = shape.parameters();
      parameters = take(1, count);
      gradient = take(1, count);
      mean = take(1, count);
      square = take(1, count);
      inputs = take(options.batch(), shape.inputs());
      targets = take(options.batch(), shape.outputs());
      outputs = take(options.batch(), shape.outputs());
      saved = shape.hiddenUnits() == 0 ? null : take(options.batch(), shape.hiddenUnits());
    }

    private Batch take(long rows, int columns) {
      Batch batch = backend.allocate(rows, columns, x.precision());
      owned.add(batch);
      return batch;
    }

    TrainingResult train(TrainingListener listener, CheckpointStore store) throws IOException {
      Optional<Checkpoint> checkpoint = store.load();
      if (checkpoint.isPresent()) {
        restore(checkpoint.get());
      } else {
        parameters.copyFrom(InitialParameters.of(shape, Seeds.derived(options.seed(), 1)));
      }
      double error = Double.NaN;
      while (step < options.steps() && !stopsEarly()) {
        step();
        if (step % options.checkEvery() == 0 || step == options.steps()) {
          error = check();
          store.save(checkpoint());
          listener.onCheck(step, options.steps(), error);
          if (listener.isCancelled() && step < options.steps()) {
            return result(error, TrainingResult.Outcome.CANCELLED);
          }
        }
      }
      if (Double.isNaN(error)) {
        error = validationError();
      }
      return result(
          error,
          step < options.steps()
              ? TrainingResult.Outcome.STOPPED_EARLY
              : TrainingResult.Outcome.COMPLETED);
    }

    private void step() {
      long first = step * options.batch();
      backend.draw(inputs, x, options.seed(), first);
      backend.draw(targets, y, options.seed(), first);
      backend.networkForward(shape, frame, parameters, inputs, outputs, saved);
      double scale = frame.outputScale();
      double weight = 2 / ((double) options.batch() * shape.outputs() * scale * scale);
      backend.combine(outputs, List.of(outputs, targets), new double[] {weight, -weight});
      backend.networkBackward(shape, frame, parameters, inputs, saved, outputs, null, gradient);
      step++;
      double rate = options.schedule().rate(step, options.steps());
      backend.adam(options.optimiser().step(step, rate), parameters, gradient, mean, square);
    }

    private boolean stopsEarly() {
      return options.patience() > 0 && checksWithoutBetter >= options.patience();
    }

    private double check() {
      double[] now = parameters.toDoubleArray();
      for (double value : now) {
        if (!Double.isFinite(value)) {
          throw new DivergedException(step);
        }
      }
      double error = validationError();
      if (error < bestError) {
        bestError = error;
        checksWithoutBetter = 0;
        best = options.patience() > 0 ? now : null;
      } else {
        checksWithoutBetter++;
      }
      return error;
    }

    private double validationError() {
      if (validationX == null) {
        return Double.NaN;
      }
      try (Batch predicted = backend.allocate(validationX.rows(), shape.outputs(), x.precision())) {
        backend.networkForward(shape, frame, parameters, validationX, predicted, null);
        return meanSquare(predicted.toDoubleArray(), validationY.toDoubleArray());
      }
    }

    private static double meanSquare(double[] one, double[] other) {
      double sum = 0;
      for (int i = 0; i < one.length; i++) {
        sum += (one[i] - other[i]) * (one[i] - other[i]);
      }
      return sum / one.length;
    }

    private TrainingResult result(double error, TrainingResult.Outcome outcome) {
      return best != null
          ? new TrainingResult(best, step, bestError, outcome)
          : new TrainingResult(parameters.toDoubleArray(), step, error, outcome);
    }

    private Checkpoint checkpoint() {
      Map<String, double[]> vectors = new LinkedHashMap<>();
      vectors.put(PARAMETERS, parameters.toDoubleArray());
      vectors.put(MEAN, mean.toDoubleArray());
      vectors.put(SQUARE, square.toDoubleArray());
      if (best != null) {
        vectors.put(BEST, best);
      }
      vectors.put(PROGRESS, new double[] {bestError, checksWithoutBetter});
      return new Checkpoint(configuration(options), step, vectors);
    }

    private void restore(Checkpoint checkpoint) {
      checkpoint.requireConfiguration(configuration(options));
      int count = shape.parameters();
      parameters.copyFrom(checkpoint.vector(PARAMETERS, count));
      mean.copyFrom(checkpoint.vector(MEAN, count));
      square.copyFrom(checkpoint.vector(SQUARE, count));
      double[] progress = checkpoint.vector(PROGRESS, 2);
      bestError = progress[0];
      checksWithoutBetter = (int) progress[1];
      best = checkpoint.vectors().containsKey(BEST) ? checkpoint.vector(BEST, count) : null;
      step = checkpoint.step();
    }

    @Override
    public void close() {
      owned.forEach(Batch::close);
    }
  }
}
