package org.fewstep.bench;

import org.fewstep.backend.Backend;
import org.fewstep.backend.BackendOptions;
import org.fewstep.backend.Backends;
import org.fewstep.backend.Batch;
import org.fewstep.backend.Precision;
import org.fewstep.distill.Student;
import org.fewstep.flow.Flow;
import org.fewstep.flow.FlowResult;
import org.fewstep.flow.Heun;
import org.fewstep.network.Frame;
import org.fewstep.training.Regression;
import org.fewstep.training.TrainingOptions;
import org.fewstep.training.TrainingResult;

/** A whole training of the student of one segment of ring8's flow, from noise to data. */
final class SegmentTraining implements Contender {

  /** How much of the displacements' mean square a trained student may miss. */
  private static final double SHARE_MISSED = 0.5;

  private final Backend backend;
  private final TrainingOptions options;
  private final Batch start;
  private final Batch end;
  private final Regression regression;

  /** Opens the backend with that many threads, and runs the flow that gives the pairs. */
  SegmentTraining(String backend, int threads, int width, long rows, TrainingOptions options) {
    this.backend = Backends.named(backend, BackendOptions.defaults().withThreads(threads));
    this.options = options;
    FlowWorkload workload = FlowWorkload.ring8(8, rows);
    start = this.backend.allocate(rows, 2, Precision.FLOAT32);
    end = this.backend.allocate(rows, 2, Precision.FLOAT32);
    start.copyFrom(workload.noise());
    Flow flow =
        Flow.of(workload.mixture(), workload.process())
            .withSolver(new Heun())
            .withGrid(workload.grid());
    try (FlowResult result = flow.run(this.backend, start)) {
      end.copyFrom(result.end());
    }
    regression =
        new Regression(this.backend, new Student(width).shape(2), Frame.residual(1, 1), start, end);
  }

  @Override
  public String name() {
    return "%s training, threads=%d".formatted(backend.name(), backend.threads());
  }

  @Override
  public double seconds(int calls) {
    long start = System.nanoTime();
    for (int i = 0; i < calls; i++) {
      regression.train(options);
    }
    backend.synchronize();
    return (System.nanoTime() - start) * 1e-9;
  }

  /** Fails unless what is timed learns. */
  void requireLearning() {
    double displacement = meanSquareDisplacement();
    TrainingResult result = regression.withValidation(start, end).train(options);
    double missed = result.validationError() / displacement;
    if (!(missed <= SHARE_MISSED)) {
      throw new AssertionError(
          "%s misses %.3g of the displacements' mean square, which is more than %s"
              .formatted(name(), missed, SHARE_MISSED));
    }
  }

  private double meanSquareDisplacement() {
    double[] from = start.toDoubleArray();
    double[] to = end.toDoubleArray();
    double sum = 0;
    for (int i = 0; i < from.length; i++) {
      sum += (to[i] - from[i]) * (to[i] - from[i]);
    }
    return sum / from.length;
  }

  @Override
  public void close() {
    start.close();
    end.close();
    backend.close();
  }
}
