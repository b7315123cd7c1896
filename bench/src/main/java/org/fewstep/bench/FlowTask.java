package org.fewstep.bench;

import java.util.Arrays;
import org.fewstep.backend.Backend;
import org.fewstep.backend.BackendOptions;
import org.fewstep.backend.Backends;
import org.fewstep.backend.Batch;
import org.fewstep.backend.Precision;
import org.fewstep.flow.Flow;
import org.fewstep.flow.FlowResult;
import org.fewstep.flow.Solver;

/**
 * A whole flow by a backend of ours, through the face that users see: every call allocates the
 * batch of its result, and closes it.
 */
final class FlowTask implements Contender, Runnable {

  private final Backend backend;
  private final Batch noise;
  private final Flow flow;
  private final boolean fused;

  /** Opens the backend with that many threads, and checks the first rows. */
  FlowTask(String backend, int threads, Precision precision, FlowWorkload workload, Solver solver) {
    this.backend = Backends.named(backend, BackendOptions.defaults().withThreads(threads));
    this.flow =
        Flow.of(workload.mixture(), workload.process())
            .withSolver(solver)
            .withGrid(workload.grid());
    this.noise = this.backend.allocate(workload.rows(), workload.mixture().dimension(), precision);
    float[] values = workload.noise();
    noise.copyFrom(values);
    double[] expected = expectedEnd(workload, solver);
    try (FlowResult result = flow.run(this.backend, noise)) {
      this.fused = result.fused();
      double[] actual =
          result.end().slice(0, Math.min(workload.rows(), Agreement.ROWS)).toDoubleArray();
      double tolerance = precision == Precision.FLOAT32 ? FlowWorkload.TOLERANCE : 1e-8;
      Agreement.require(
          solver.name() + " of " + name(), expected, actual, noise.columns(), tolerance);
    }
  }

  /** The end of the first points by the scalar backend in double precision, row-major. */
  static double[] expectedEnd(FlowWorkload workload, Solver solver) {
    int columns = workload.mixture().dimension();
    long rows = Math.min(workload.rows(), Agreement.ROWS);
    float[] first = Arrays.copyOf(workload.noise(), Math.toIntExact(rows * columns));
    Flow flow =
        Flow.of(workload.mixture(), workload.process())
            .withSolver(solver)
            .withGrid(workload.grid());
    try (Backend scalar = Backends.named("scalar");
        Batch x = scalar.allocate(rows, columns, Precision.FLOAT64)) {
      x.copyFrom(first);
      try (FlowResult result = flow.run(scalar, x)) {
        return result.end().toDoubleArray();
      }
    }
  }

  @Override
  public String name() {
    return "%s %s, threads=%d".formatted(backend.name(), noise.precision(), backend.threads());
  }

  /** The backend that was chosen, in words, and whether it fuses the trajectory. */
  String description() {
    return backend.description() + (fused ? ", fused" : ", composed of single steps");
  }

  @Override
  public void run() {
    flow.run(backend, noise).close();
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
  public void close() {
    noise.close();
    backend.close();
  }
}
