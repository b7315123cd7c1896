package org.fewstep.flow;

import java.util.ArrayList;
import java.util.List;
import org.fewstep.backend.AdaptiveOutputs;
import org.fewstep.backend.AdaptivePlan;
import org.fewstep.backend.Backend;
import org.fewstep.backend.Batch;
import org.fewstep.backend.BatchChecks;
import org.fewstep.backend.MixtureOutputs;
import org.fewstep.backend.Plan;
import org.fewstep.backend.Precision;
import org.fewstep.backend.TrajectoryOutputs;
import org.fewstep.diffusion.Diffusion;
import org.fewstep.grid.TimeGrid;
import org.fewstep.mixture.DiffusedMixture;
import org.fewstep.mixture.GaussianMixture;

/** One run of a flow over a batch: checks, chooses the way, and goes through the rows in chunks. */
final class FlowRun {

  /** Rows in flight are kept within so many bytes for each thread: a second-level cache. */
  private static final long CACHE_BYTES = 1L << 18;

  private static final long MIN_ROWS_PER_THREAD = 64;
  private static final long MAX_ROWS_PER_THREAD = 8192;

  /** Fused trajectories keep nothing between calls: their chunks only bring the callbacks. */
  private static final long FUSED_ROWS_PER_THREAD = 1L << 16;

  /** A device wants all of its threads busy. */
  private static final long DEVICE_ROWS = 1L << 20;

  private final Flow flow;
  private final Backend backend;
  private final Batch x;
  private final TimeGrid grid;
  private final double[] knots;
  private final List<Batch> allocated = new ArrayList<>();

  FlowRun(Flow flow, Backend backend, Batch x) {
    this.flow = flow;
    this.backend = backend;
    this.x = x;
    this.grid = flow.grid(backend);
    this.knots = grid.knots();
    if (flow.isReversed()) {
      reverse(knots);
    }
  }

  private static void reverse(double[] values) {
    for (int i = 0, j = values.length - 1; i < j; i++, j--) {
      double value = values[i];
      values[i] = values[j];
      values[j] = value;
    }
  }

  /** Something that runs a chunk of rows, the first of which is row {@code first} of the batch. */
  @FunctionalInterface
  interface ChunkRunner {
    void run(long first, Batch rows, TrajectoryOutputs outputs);
  }

  FlowResult run() {
    return switch (flow.solver()) {
      case FixedStepSolver fixed -> runPlan(compile(fixed));
      case DormandPrince adaptive -> runAdaptive(adaptive);
    };
  }

  private FlowResult runPlan(Plan plan) {
    requireLogLikelihood();
    FlowStatistics statistics =
        FlowStatistics.fixed((int) x.rows(), plan.steps().size(), plan.evaluations());
    return owningResult(
        outputs -> {
          boolean fused = isFused(plan, outputs);
          if (fused) {
            runChunks(
                fusedChunk(),
                outputs,
                statistics,
                (first, rows, out) -> {
                  runFused(plan, rows, out);
                  FiniteRows.mark(backend, first, out, statistics);
                });
          } else {
            long chunk = composedChunk(PlanRunner.batchesInFlight(plan));
            try (Workspace workspace = new Workspace(backend, chunk, x.precision())) {
              PlanRunner runner =
                  new PlanRunner(flow.field(), plan, flow.wantsLogLikelihood(), workspace);
              runChunks(
                  chunk,
                  outputs,
                  statistics,
                  (first, rows, out) -> {
                    runner.run(rows, out);
                    FiniteRows.mark(backend, first, out, statistics);
                  });
            }
          }
          return result(outputs, statistics, fused);
        });
  }

  private FlowResult runAdaptive(DormandPrince solver) {
    requireLogLikelihood();
    for (double knot : new double[] {knots[0], knots[knots.length - 1]}) {
      requireField(Plan.Evaluation.VELOCITY, knot);
    }
    FlowStatistics statistics = FlowStatistics.adaptive((int) x.rows());
    return owningResult(
        outputs -> {
          if (flow.mayFuse()
              && flow.field() instanceof MixtureField(GaussianMixture mixture, Diffusion process)) {
            AdaptivePlan plan = solver.compile(process, knots);
            if (runFused(mixture, plan, outputs, statistics)) {
              return result(outputs, statistics, true);
            }
          }
          long chunk = composedChunk(AdaptiveRunner.BATCHES_IN_FLIGHT);
          try (Workspace workspace = new Workspace(backend, chunk, x.precision())) {
            AdaptiveRunner runner =
                new AdaptiveRunner(
                    flow.field(), solver, knots, flow.wantsLogLikelihood(), x.onHost(), workspace);
            runChunks(
                chunk,
                outputs,
                statistics,
                (first, rows, out) -> runner.run(first, rows, out, statistics));
          }
          return result(outputs, statistics, false);
        });
  }

  /** Returns false, having done nothing, if the backend does not fuse this. */
  private boolean runFused(
      GaussianMixture mixture,
      AdaptivePlan plan,
      TrajectoryOutputs outputs,
      FlowStatistics statistics) {
    long chunk = fusedChunk();
    int columns = AdaptiveOutputs.REPORT_COLUMNS;
    try (Batch report = backend.allocate(chunk, columns, Precision.FLOAT32)) {
      // No rows are run: this only asks.
      if (!backend.trajectory(
          mixture, plan, x.slice(0, 0), reporting(slice(outputs, 0, 0), report.slice(0, 0)))) {
        return false;
      }
      runChunks(
          chunk,
          outputs,
          statistics,
          (first, rows, out) -> {
            Batch reported = report.slice(0, rows.rows());
            backend.trajectory(mixture, plan, rows, reporting(out, reported));
            statistics.setReport(first, reported.toFloatArray());
          });
    }
    return true;
  }

  private static AdaptiveOutputs reporting(TrajectoryOutputs outputs, Batch report) {
    return new AdaptiveOutputs(outputs.end(), outputs.knots(), outputs.logDensity(), report);
  }

  // Checks.

  private Plan compile(FixedStepSolver solver) {
    if (flow.field().process().isEmpty()) {
      if (solver instanceof RungeKutta method) {
        return method.compileWithoutProcess(knots);
      }
      throw new IllegalArgumentException(
          "solver must be a Runge-Kutta one or dopri5 for a field that names no process, but is "
              + solver.name());
    }
    Plan plan = solver.compile(flow.field().process().get(), knots);
    for (Plan.Step step : plan.steps()) {
      step.stages().forEach(stage -> requireField(plan.evaluation(), stage.at().time()));
      if (flow.wantsLogLikelihood() && !Double.isFinite(step.logDensityOffset())) {
        throw new IllegalArgumentException(
            "end must be > 0 for the log-likelihood by the solver %s, but is %s"
                .formatted(solver.name(), step.end()));
      }
    }
    return plan;
  }

  /** Refuses a time at which what is wanted of the field cannot be had. */
  private void requireField(Plan.Evaluation wanted, double t) {
    requireDensity(t);
    if (flow.field() instanceof NetworkField network) {
      network.requireEvaluation(wanted, t);
    }
  }

  /** Refuses a time at which the field is a mixture that has no density. */
  private void requireDensity(double t) {
    if (flow.field() instanceof MixtureField(GaussianMixture mixture, Diffusion process)) {
      DiffusedMixture.at(mixture, process, t);
    }
  }

  private void requireLogLikelihood() {
    if (!flow.wantsLogLikelihood()) {
      return;
    }
    requireDensity(knots[0]);
    if (flow.field() instanceof UserField user && !user.hasDivergence()) {
      throw new IllegalArgumentException(
          "field must have a divergence for the log-likelihood, but has none");
    }
  }

  private boolean isFused(Plan plan, TrajectoryOutputs outputs) {
    // No rows are run: this only asks.
    return flow.mayFuse() && runFused(plan, x.slice(0, 0), slice(outputs, 0, 0));
  }

  /** Runs a plan by one call of the backend, if there is one. */
  private boolean runFused(Plan plan, Batch rows, TrajectoryOutputs outputs) {
    return switch (flow.field()) {
      case MixtureField(GaussianMixture mixture, Diffusion process) ->
          backend.trajectory(mixture, plan, rows, outputs);
      case NetworkField network ->
          network.pieces().size() == 1
              && backend.networkTrajectory(network.pieces().getFirst(), plan, rows, outputs);
      case UserField user -> false;
    };
  }

  // Memory: what is allocated here is closed here, unless it leaves with the result.

  @FunctionalInterface
  private interface Body {
    FlowResult run(TrajectoryOutputs outputs);
  }

  private FlowResult owningResult(Body body) {
    try {
      return body.run(allocateOutputs());
    } catch (Throwable e) {
      allocated.forEach(Batch::close);
      throw e;
    }
  }

  private TrajectoryOutputs allocateOutputs() {
    Batch end = allocate(x.columns());
    BatchChecks.requireSpace("x", x, end.space());
    List<Batch> trajectory = new ArrayList<>();
    if (flow.wantsTrajectory()) {
      for (int i = 0; i < knots.length; i++) {
        trajectory.add(allocate(x.columns()));
      }
    }
    Batch logLikelihood = flow.wantsLogLikelihood() ? allocate(1) : null;
    return new TrajectoryOutputs(end, trajectory, logLikelihood);
  }

  private Batch allocate(int columns) {
    Batch batch = backend.allocate(x.rows(), columns, x.precision());
    allocated.add(batch);
    return batch;
  }

  private FlowResult result(TrajectoryOutputs outputs, FlowStatistics statistics, boolean fused) {
    return new FlowResult(
        outputs.end(),
        outputs.knots(),
        outputs.logDensity(),
        statistics,
        flow.solver().name(),
        grid,
        flow.isReversed(),
        backend.name(),
        fused);
  }

  // Chunks.

  private void runChunks(
      long chunk, TrajectoryOutputs outputs, FlowStatistics statistics, ChunkRunner runner) {
    long rows = x.rows();
    for (long first = 0; first < rows; ) {
      if (flow.isCancelled()) {
        cancelFrom(first, outputs);
        return;
      }
      long count = Math.min(chunk, rows - first);
      Batch part = x.slice(first, count);
      TrajectoryOutputs out = slice(outputs, first, count);
      startLogDensity(part, out.logDensity());
      runner.run(first, part, out);
      first += count;
      flow.report(first, rows);
    }
  }

  private void startLogDensity(Batch part, Batch logDensity) {
    if (logDensity != null
        && flow.field() instanceof MixtureField(GaussianMixture mixture, Diffusion process)) {
      backend.mixture(
          DiffusedMixture.at(mixture, process, knots[0]),
          part,
          MixtureOutputs.none().withLogDensity(logDensity));
    }
  }

  /** Rows that were not run are NaN, lest they be taken for samples. */
  private void cancelFrom(long first, TrajectoryOutputs outputs) {
    TrajectoryOutputs rest = slice(outputs, first, x.rows() - first);
    Workspace.fillWithNaN(backend, rest.end());
    rest.knots().forEach(knot -> Workspace.fillWithNaN(backend, knot));
    if (rest.logDensity() != null) {
      Workspace.fillWithNaN(backend, rest.logDensity());
    }
  }

  private static TrajectoryOutputs slice(TrajectoryOutputs outputs, long first, long count) {
    return new TrajectoryOutputs(
        outputs.end().slice(first, count),
        outputs.knots().stream().map(knot -> knot.slice(first, count)).toList(),
        outputs.logDensity() == null ? null : outputs.logDensity().slice(first, count));
  }

  private long fusedChunk() {
    return chunkOr(x.onHost() ? FUSED_ROWS_PER_THREAD * backend.threads() : DEVICE_ROWS);
  }

  private long composedChunk(int batchesInFlight) {
    long bytesPerRow = (long) batchesInFlight * x.columns() * x.precision().bytes();
    long perThread =
        Math.clamp(CACHE_BYTES / bytesPerRow, MIN_ROWS_PER_THREAD, MAX_ROWS_PER_THREAD);
    return chunkOr(x.onHost() ? perThread * backend.threads() : DEVICE_ROWS);
  }

  private long chunkOr(long choice) {
    long rows = flow.chunkRows() > 0 ? flow.chunkRows() : choice;
    return Math.max(1, Math.min(rows, x.rows()));
  }
}
