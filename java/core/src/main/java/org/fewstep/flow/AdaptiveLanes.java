package org.fewstep.flow;

/**
 * The rows that an adaptive run has in flight, one a lane: where each is in time, its step size and
 * its counts. Decides; touches no batch.
 */
final class AdaptiveLanes {

  private final DormandPrince solver;
  private final double end;
  private final double sign;
  private final double interval;
  private final double smallest;
  private final double largest;

  /** The time of each lane's state. */
  final double[] time;

  /** The time at which each lane's present attempt ends. */
  final double[] target;

  /** Whether the present attempt was accepted. */
  final boolean[] taken;

  /** The row that each lane carries. */
  final int[] row;

  /** The first knot that each lane has not passed yet. */
  final int[] nextKnot;

  /** How each lane ended, or null while it runs. */
  final RowStatus[] outcome;

  private final double[] step;
  private final double[] previousError;
  private final boolean[] afterRejection;
  private final int[] accepted;
  private final int[] rejected;
  private final int[] evaluations;
  private int count;

  AdaptiveLanes(DormandPrince solver, double start, double end, int capacity) {
    this.solver = solver;
    this.end = end;
    this.sign = Math.signum(end - start);
    this.interval = Math.abs(end - start);
    this.smallest = solver.smallestStepBetween(start, end);
    this.largest = solver.largestStepBetween(start, end);
    this.time = new double[capacity];
    this.target = new double[capacity];
    this.taken = new boolean[capacity];
    this.row = new int[capacity];
    this.nextKnot = new int[capacity];
    this.outcome = new RowStatus[capacity];
    this.step = new double[capacity];
    this.previousError = new double[capacity];
    this.afterRejection = new boolean[capacity];
    this.accepted = new int[capacity];
    this.rejected = new int[capacity];
    this.evaluations = new int[capacity];
  }

  /** Puts rows 0 to rows - 1 at the start. */
  void reset(int rows, double start) {
    count = rows;
    for (int i = 0; i < rows; i++) {
      time[i] = start;
      target[i] = start;
      taken[i] = false;
      row[i] = i;
      nextKnot[i] = 1;
      outcome[i] = null;
      previousError[i] = StepControl.SMALLEST_REMEMBERED_ERROR;
      afterRejection[i] = false;
      accepted[i] = 0;
      rejected[i] = 0;
      evaluations[i] = 0;
    }
  }

  /** The lanes in use. */
  int count() {
    return count;
  }

  /** The size of the present attempt, of either sign; 0 for a lane that has ended. */
  double attempt(int lane) {
    return target[lane] - time[lane];
  }

  void countEvaluation(int lane) {
    if (outcome[lane] == null) {
      evaluations[lane]++;
    }
  }

  /** Aims an Euler step that probes the curvature, given the norms of state and slope. */
  void probe(int lane, double stateNorm, double slopeNorm) {
    if (Double.isNaN(slopeNorm) || Double.isNaN(stateNorm)) {
      outcome[lane] = RowStatus.NON_FINITE;
      return;
    }
    step[lane] = clip(StepControl.probeStep(stateNorm, slopeNorm, interval));
    aim(lane);
  }

  /** Aims the first step, given the norm of the change of the slope over the probe. */
  void first(int lane, double slopeNorm, double changeNorm) {
    if (outcome[lane] == null) {
      double probe = Math.abs(attempt(lane));
      step[lane] = clip(StepControl.firstStep(probe, slopeNorm, changeNorm / probe, interval));
      aim(lane);
    }
  }

  private double clip(double size) {
    return Math.clamp(size, Math.min(smallest, largest), largest);
  }

  /** Aims the next attempt; one that would nearly reach the end is stretched or cut to it. */
  private void aim(int lane) {
    double size = step[lane];
    boolean reaches = 1.01 * size >= Math.abs(end - time[lane]);
    target[lane] = reaches ? end : time[lane] + sign * size;
  }

  /** Accepts or rejects the present attempt by its error in units of the tolerance. */
  void judge(int lane, double error) {
    taken[lane] = outcome[lane] == null && error <= 1;
    if (outcome[lane] != null) {
      return;
    }
    double size = Math.abs(attempt(lane));
    if (taken[lane]) {
      accepted[lane]++;
      step[lane] =
          clip(size * StepControl.afterAccepted(error, previousError[lane], afterRejection[lane]));
      previousError[lane] = Math.max(error, StepControl.SMALLEST_REMEMBERED_ERROR);
      afterRejection[lane] = false;
    } else {
      rejected[lane]++;
      step[lane] = size * StepControl.afterRejected(error);
      afterRejection[lane] = true;
      if (step[lane] < smallest) {
        outcome[lane] = Double.isFinite(error) ? RowStatus.STEP_UNDERFLOW : RowStatus.NON_FINITE;
      }
    }
  }

  /** Moves a lane whose attempt was accepted, and aims the next attempt of one that goes on. */
  void advance(int lane) {
    if (taken[lane]) {
      time[lane] = target[lane];
      if (time[lane] == end) {
        outcome[lane] = RowStatus.OK;
      }
    }
    if (outcome[lane] == null && accepted[lane] + rejected[lane] >= solver.maxSteps()) {
      outcome[lane] = RowStatus.MAX_STEPS;
    }
    if (outcome[lane] == null) {
      aim(lane);
    } else {
      target[lane] = time[lane];
    }
  }

  /** Whether the accepted attempt of a lane passes a time that it has not passed before. */
  boolean passes(int lane, double knot) {
    return taken[lane] && sign * (target[lane] - knot) >= 0;
  }

  /** Whether some lane still runs. */
  boolean running() {
    for (int i = 0; i < count; i++) {
      if (outcome[i] == null) {
        return true;
      }
    }
    return false;
  }

  void report(int lane, long first, FlowStatistics statistics) {
    long of = first + row[lane];
    statistics.setStatus(of, outcome[lane]);
    statistics.setCounts(of, accepted[lane], rejected[lane], evaluations[lane]);
  }

  /** Drops the last lane, having moved it to the place of another. */
  void moveLast(int to) {
    int from = --count;
    time[to] = time[from];
    target[to] = target[from];
    taken[to] = taken[from];
    row[to] = row[from];
    nextKnot[to] = nextKnot[from];
    outcome[to] = outcome[from];
    step[to] = step[from];
    previousError[to] = previousError[from];
    afterRejection[to] = afterRejection[from];
    accepted[to] = accepted[from];
    rejected[to] = rejected[from];
    evaluations[to] = evaluations[from];
  }
}
