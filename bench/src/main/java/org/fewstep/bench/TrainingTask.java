package org.fewstep.bench;

import java.util.List;
import org.fewstep.backend.Backend;
import org.fewstep.backend.Batch;
import org.fewstep.backend.Precision;
import org.fewstep.network.Frame;

/** A step of training by a backend of ours. */
final class TrainingTask implements Contender, Runnable {

  private final Backend backend;
  private final TrainingStep step;
  private final Frame frame = Frame.plain();
  private final Batch parameters;
  private final Batch gradient;
  private final Batch mean;
  private final Batch square;
  private final Batch x;
  private final Batch target;
  private final Batch y;
  private final Batch saved;
  private final List<Batch> difference;
  private final double[] weights;

  /** Allocates everything in the backend, which is closed with this. */
  TrainingTask(Backend backend, Precision precision, TrainingStep step) {
    this.backend = backend;
    this.step = step;
    int count = step.shape().parameters();
    parameters = backend.allocate(1, count, precision);
    gradient = backend.allocate(1, count, precision);
    mean = backend.allocate(1, count, precision);
    square = backend.allocate(1, count, precision);
    x = backend.allocate(step.rows(), step.shape().inputs(), precision);
    target = backend.allocate(step.rows(), step.shape().outputs(), precision);
    y = backend.allocate(step.rows(), step.shape().outputs(), precision);
    saved = backend.allocate(step.rows(), step.shape().hiddenUnits(), precision);
    parameters.copyFrom(step.parameters());
    x.copyFrom(step.inputs());
    target.copyFrom(step.targets());
    difference = List.of(y, target);
    weights = new double[] {step.slope(), -step.slope()};
  }

  @Override
  public String name() {
    return "%s step, threads=%d".formatted(backend.name(), backend.threads());
  }

  @Override
  public void run() {
    backend.networkForward(step.shape(), frame, parameters, x, y, saved);
    // the derivative of the loss takes the place of the outputs, as in Regression
    backend.combine(y, difference, weights);
    backend.networkBackward(step.shape(), frame, parameters, x, saved, y, null, gradient);
    backend.adam(TrainingStep.ADAM, parameters, gradient, mean, square);
  }

  @Override
  public double seconds(int calls) {
    long start = System.nanoTime();
    for (int i = 0; i < calls; i++) {
      run();
    }
    backend.synchronize();
    return (System.nanoTime() - start) * 1e-9;
  }

  @Override
  public float[] result() {
    return step.outcome(gradient.toFloatArray(), parameters.toFloatArray());
  }

  @Override
  public void close() {
    List.of(parameters, gradient, mean, square, x, target, y, saved).forEach(Batch::close);
    backend.close();
  }
}
