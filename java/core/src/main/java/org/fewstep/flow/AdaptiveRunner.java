package org.fewstep.flow;

import java.util.List;
import java.util.function.IntToDoubleFunction;
import org.fewstep.backend.Backend;
import org.fewstep.backend.Batch;
import org.fewstep.backend.Precision;
import org.fewstep.backend.TrajectoryOutputs;

/**
 * Runs {@link DormandPrince} on chunks of rows by single calls of a backend: every row steps by
 * itself, and all rows in flight share each call.
 *
 * <p>On the host, a row that has ended leaves and the last one in flight takes its place, so that
 * the calls shrink with the work left. On a device it stays, with a step of zero.
 */
final class AdaptiveRunner {

  /** Batches [n,d] that a row in flight takes, as a measure of memory. */
  static final int BATCHES_IN_FLIGHT = DormandPrince.STAGES + 12;

  private static final double[] PROBE = {1};
  private static final double[] NOWHERE = {0, 0};
  private static final double[] FIRST_SLOPE = {1, 0};
  private static final double[] CHANGE_OF_SLOPE = {-1, 1};

  private final Backend backend;
  private final DormandPrince solver;
  private final FieldEvaluator field;
  private final double[] knots;
  private final boolean compacts;
  private final AdaptiveLanes lanes;
  private final Integrand state;
  private final Integrand logDensity;
  private final Batch input;
  private final DenseOutput dense;
  private final Batch times;
  private final Batch steps;
  private final Batch taken;
  private final Batch left;
  private final Batch squares;
  private final int components;

  /**
   * A runner.
   *
   * @param knots in the order in which they are passed
   * @param compacts whether rows that have ended make way for others
   */
  AdaptiveRunner(
      VectorField field,
      DormandPrince solver,
      double[] knots,
      boolean wantsLogDensity,
      boolean compacts,
      Workspace workspace) {
    int dimension = field.dimension();
    this.backend = workspace.backend();
    this.solver = solver;
    this.field = FieldEvaluator.of(field, workspace);
    this.knots = knots;
    this.compacts = compacts;
    int capacity = Math.toIntExact(workspace.capacity());
    this.lanes = new AdaptiveLanes(solver, knots[0], knots[knots.length - 1], capacity);
    this.state = new Integrand(workspace, dimension, 1);
    this.logDensity = wantsLogDensity ? new Integrand(workspace, 1, -1) : null;
    this.input = workspace.take(dimension);
    this.dense = new DenseOutput(workspace, dimension);
    this.times = workspace.take(1, Precision.FLOAT64);
    this.steps = workspace.take(1, Precision.FLOAT64);
    this.taken = workspace.take(1, Precision.FLOAT64);
    this.left = workspace.take(1, Precision.FLOAT64);
    this.squares = workspace.take(1);
    this.components = dimension + (wantsLogDensity ? 1 : 0);
  }

  /** Runs a chunk of rows; see {@link FlowRun.ChunkRunner}. */
  void run(long first, Batch x, TrajectoryOutputs outputs, FlowStatistics statistics) {
    load(x, outputs);
    lanes.reset((int) x.rows(), knots[0]);
    aimFirstSteps();
    retire(first, outputs, statistics);
    while (lanes.running()) {
      attempt();
      judge();
      if (!outputs.knots().isEmpty()) {
        storePassedKnots(outputs);
      }
      advance();
      retire(first, outputs, statistics);
    }
    for (int lane = 0; lane < lanes.count(); lane++) {
      finish(lane, first, outputs, statistics);
    }
  }

  /** Rows are NaN until they have reached the end. */
  private void load(Batch x, TrajectoryOutputs outputs) {
    state.value(x.rows()).copyFrom(x);
    if (logDensity != null) {
      logDensity.value(x.rows()).copyFrom(outputs.logDensity());
      Workspace.fillWithNaN(backend, outputs.logDensity());
    }
    Workspace.fillWithNaN(backend, outputs.end());
    outputs.knots().forEach(knot -> Workspace.fillWithNaN(backend, knot));
    if (!outputs.knots().isEmpty()) {
      outputs.knots().get(0).copyFrom(x);
    }
  }

  private void aimFirstSteps() {
    int rows = lanes.count();
    evaluate(0, state.value(rows), lane -> lanes.time[lane]);
    Batch ones = perLane(steps, lane -> 1);
    double[] stateNorm = norms(out -> state.addOwnSquares(ones, solver, out));
    double[] slopeNorm = norms(out -> state.addError(ones, NOWHERE, FIRST_SLOPE, solver, out));
    for (int lane = 0; lane < rows; lane++) {
      lanes.probe(lane, stateNorm[lane], slopeNorm[lane]);
    }
    Batch probe = input.slice(0, rows);
    state.extrapolate(perLane(steps, lanes::attempt), PROBE, probe);
    evaluate(1, probe, lane -> lanes.target[lane]);
    Batch unit = perLane(steps, lane -> 1);
    double[] changeNorm = norms(out -> state.addError(unit, NOWHERE, CHANGE_OF_SLOPE, solver, out));
    for (int lane = 0; lane < rows; lane++) {
      lanes.first(lane, slopeNorm[lane], changeNorm[lane]);
    }
  }

  /** Evaluates the slopes of one attempt in every lane; the first is there already. */
  private void attempt() {
    int rows = lanes.count();
    Batch sizes = perLane(steps, lanes::attempt);
    Batch at = input.slice(0, rows);
    for (int j = 1; j < DormandPrince.STAGES; j++) {
      double c = DormandPrince.C[j];
      state.extrapolate(sizes, DormandPrince.A[j], at);
      evaluate(
          j, at, lane -> c == 1 ? lanes.target[lane] : lanes.time[lane] + c * lanes.attempt(lane));
    }
  }

  private void evaluate(int stage, Batch at, IntToDoubleFunction time) {
    long rows = at.rows();
    Batch divergence = logDensity == null ? null : logDensity.slope(stage, rows);
    field.velocity(perLane(times, time), at, state.slope(stage, rows), divergence);
    for (int lane = 0; lane < rows; lane++) {
      lanes.countEvaluation(lane);
    }
  }

  private void judge() {
    Batch sizes = steps.slice(0, lanes.count());
    double[] errors =
        norms(
            out -> {
              state.addError(sizes, DormandPrince.B, DormandPrince.ERROR, solver, out);
              if (logDensity != null) {
                logDensity.addError(sizes, DormandPrince.B, DormandPrince.ERROR, solver, out);
              }
            });
    for (int lane = 0; lane < errors.length; lane++) {
      lanes.judge(lane, errors[lane]);
    }
  }

  private void storePassedKnots(TrajectoryOutputs outputs) {
    int last = knots.length - 1;
    int lowest = last;
    for (int lane = 0; lane < lanes.count(); lane++) {
      lowest = Math.min(lowest, lanes.nextKnot[lane]);
    }
    boolean prepared = false;
    for (int m = lowest; m < last && someLanePasses(m); m++) {
      if (!prepared) {
        dense.prepare(state, lanes.count());
        prepared = true;
      }
      double knot = knots[m];
      Batch at =
          dense.at(
              state,
              perLane(taken, lane -> fraction(lane, knot)),
              perLane(left, lane -> fraction(lane, knot) * lanes.attempt(lane)));
      for (int lane = 0; lane < lanes.count(); lane++) {
        if (lanes.nextKnot[lane] == m && lanes.passes(lane, knot)) {
          Integrand.copyRow(at, lane, outputs.knots().get(m), lanes.row[lane]);
          lanes.nextKnot[lane]++;
        }
      }
    }
  }

  /** Whether the attempt of some lane passes knot m or a later one before the end. */
  private boolean someLanePasses(int m) {
    for (int lane = 0; lane < lanes.count(); lane++) {
      int knot = Math.max(m, lanes.nextKnot[lane]);
      if (knot < knots.length - 1 && lanes.passes(lane, knots[knot])) {
        return true;
      }
    }
    return false;
  }

  /** Where in the attempt of a lane a knot lies, 0 to 1; 0 if the lane does not pass it. */
  private double fraction(int lane, double knot) {
    return lanes.passes(lane, knot) ? (knot - lanes.time[lane]) / lanes.attempt(lane) : 0;
  }

  private void advance() {
    Batch sizes = perLane(steps, lane -> lanes.taken[lane] ? lanes.attempt(lane) : 0);
    Batch isTaken = perLane(taken, lane -> lanes.taken[lane] ? 1 : 0);
    Batch isLeft = perLane(left, lane -> lanes.taken[lane] ? 0 : 1);
    state.take(sizes, isTaken, isLeft);
    if (logDensity != null) {
      logDensity.take(sizes, isTaken, isLeft);
    }
    for (int lane = 0; lane < lanes.count(); lane++) {
      lanes.advance(lane);
    }
  }

  /** Lets the lanes that have ended go, where rows are cheaply moved. */
  private void retire(long first, TrajectoryOutputs outputs, FlowStatistics statistics) {
    if (!compacts) {
      return;
    }
    for (int lane = lanes.count() - 1; lane >= 0; lane--) {
      if (lanes.outcome[lane] != null) {
        finish(lane, first, outputs, statistics);
        state.move(lanes.count() - 1, lane);
        if (logDensity != null) {
          logDensity.move(lanes.count() - 1, lane);
        }
        lanes.moveLast(lane);
      }
    }
  }

  private void finish(int lane, long first, TrajectoryOutputs outputs, FlowStatistics statistics) {
    int row = lanes.row[lane];
    if (lanes.outcome[lane] == RowStatus.OK) {
      Batch value = state.value(lanes.count());
      Integrand.copyRow(value, lane, outputs.end(), row);
      if (!outputs.knots().isEmpty()) {
        Integrand.copyRow(value, lane, outputs.knots().getLast(), row);
      }
      if (logDensity != null) {
        Integrand.copyRow(logDensity.value(lanes.count()), lane, outputs.logDensity(), row);
      }
    }
    lanes.report(lane, first, statistics);
  }

  /** Something that adds the squares of each row to a batch [n,1]. */
  private interface Squares {
    void addTo(Batch squares);
  }

  /** The root mean squares over the components of the state. */
  private double[] norms(Squares of) {
    Batch out = squares.slice(0, lanes.count());
    backend.combine(out, List.of(out), new double[] {0});
    of.addTo(out);
    double[] norms = out.toDoubleArray();
    for (int lane = 0; lane < norms.length; lane++) {
      norms[lane] = Math.sqrt(norms[lane] / components);
    }
    return norms;
  }

  private Batch perLane(Batch column, IntToDoubleFunction value) {
    double[] values = new double[lanes.count()];
    for (int lane = 0; lane < values.length; lane++) {
      values[lane] = value.applyAsDouble(lane);
    }
    Batch batch = column.slice(0, values.length);
    batch.copyFrom(values);
    return batch;
  }
}
