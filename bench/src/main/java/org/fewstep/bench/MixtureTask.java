package org.fewstep.bench;

import java.util.ArrayList;
import java.util.List;
import org.fewstep.backend.Backend;
import org.fewstep.backend.BackendOptions;
import org.fewstep.backend.Backends;
import org.fewstep.backend.Batch;
import org.fewstep.backend.MixtureOutputs;
import org.fewstep.backend.Precision;

/** One evaluation of a mixture for a whole batch by a backend of ours, checked when it is made. */
final class MixtureTask implements Contender, Runnable {

  /** What is asked for. */
  enum Quantity {
    /** The score alone: what a sampler needs. */
    SCORE,
    /** The log-density alone. */
    LOG_DENSITY,
    /** Log-density, score and posterior mean in one pass. */
    VALUE,
    /** Score and divergence in one pass. */
    DIVERGENCE,
    /** Score, divergence and Jacobian-vector product in one pass. */
    DERIVATIVE
  }

  private final Workload workload;
  private final Quantity quantity;
  private final Backend backend;
  private final Batch x;
  private final List<Batch> results = new ArrayList<>();
  private final MixtureOutputs outputs;

  /** Opens the backend with that many threads and allocates everything. */
  MixtureTask(
      String backend, int threads, Precision precision, Workload workload, Quantity quantity) {
    this.workload = workload;
    this.quantity = quantity;
    this.backend = Backends.named(backend, BackendOptions.defaults().withThreads(threads));
    this.x = this.backend.allocate(workload.rows(), workload.dimension(), precision);
    workload.points(x);
    this.outputs = outputs(this.backend, x, results);
    requireAgreement();
  }

  @Override
  public String name() {
    return "%s %s, threads=%d%s"
        .formatted(
            backend.name(),
            x.precision(),
            backend.threads(),
            workload.withFarPoints() ? ", far points" : "");
  }

  /** The backend that was chosen, in words. */
  String description() {
    return backend.description();
  }

  @Override
  public void run() {
    backend.mixture(workload.mixture(), x, outputs);
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
    results.forEach(Batch::close);
    x.close();
    backend.close();
  }

  /** The outputs asked for, in batches that are added to {@code made} in a fixed order. */
  private MixtureOutputs outputs(Backend owner, Batch points, List<Batch> made) {
    MixtureOutputs none = MixtureOutputs.none();
    return switch (quantity) {
      case SCORE -> none.withScore(vectors(owner, points, made));
      case LOG_DENSITY -> none.withLogDensity(scalars(owner, points, made));
      case VALUE ->
          none.withLogDensity(scalars(owner, points, made))
              .withScore(vectors(owner, points, made))
              .withPosteriorMean(vectors(owner, points, made));
      case DIVERGENCE ->
          none.withScore(vectors(owner, points, made)).withDivergence(scalars(owner, points, made));
      case DERIVATIVE ->
          none.withScore(vectors(owner, points, made))
              .withDivergence(scalars(owner, points, made))
              // the points serve as directions too
              .withJvp(points, vectors(owner, points, made));
    };
  }

  private static Batch vectors(Backend owner, Batch points, List<Batch> made) {
    made.add(owner.allocate(points.rows(), points.columns(), points.precision()));
    return made.getLast();
  }

  private static Batch scalars(Backend owner, Batch points, List<Batch> made) {
    made.add(owner.allocate(points.rows(), 1, points.precision()));
    return made.getLast();
  }

  private void requireAgreement() {
    run();
    backend.synchronize();
    long rows = Math.min(workload.rows(), Agreement.ROWS);
    double tolerance = x.precision() == Precision.FLOAT32 ? 1e-3 : 1e-9;
    List<Batch> expected = new ArrayList<>();
    try (Backend scalar = Backends.named("scalar")) {
      Batch first = x.slice(0, rows);
      scalar.mixture(workload.mixture(), first, outputs(scalar, first, expected));
      for (int i = 0; i < expected.size(); i++) {
        Agreement.require(
            "output %d of %s by %s".formatted(i, quantity, name()),
            expected.get(i).toDoubleArray(),
            results.get(i).slice(0, rows).toDoubleArray(),
            expected.get(i).columns(),
            tolerance);
      }
    } finally {
      expected.forEach(Batch::close);
    }
  }
}
