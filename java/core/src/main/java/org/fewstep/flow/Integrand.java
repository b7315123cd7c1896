package org.fewstep.flow;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import org.fewstep.backend.Backend;
import org.fewstep.backend.Batch;
import org.fewstep.backend.ErrorEstimate;

/**
 * A quantity that an adaptive run integrates, the state or the log-density: its value at each
 * lane's time and the slopes of the present attempt, as the first {@code rows} rows of its batches.
 */
final class Integrand {

  private static final int LAST = DormandPrince.STAGES - 1;

  private final Backend backend;
  private final double sign;
  private final Batch value;
  private final Batch zeros;
  private final Batch[] slopes = new Batch[DormandPrince.STAGES];
  private Batch selected;
  private final Batch scratch;

  /**
   * A quantity.
   *
   * @param sign 1 if the slopes are the derivative, -1 if they are its negative
   */
  Integrand(Workspace workspace, int columns, double sign) {
    this.backend = workspace.backend();
    this.sign = sign;
    this.value = workspace.take(columns);
    this.zeros = workspace.take(columns);
    this.selected = workspace.take(columns);
    this.scratch = workspace.take(columns);
    for (int j = 0; j < slopes.length; j++) {
      slopes[j] = workspace.take(columns);
    }
  }

  Batch value(long rows) {
    return value.slice(0, rows);
  }

  Batch slope(int stage, long rows) {
    return slopes[stage].slice(0, rows);
  }

  private List<Batch> slopes(int count, long rows) {
    List<Batch> list = new ArrayList<>();
    for (int j = 0; j < count; j++) {
      list.add(slope(j, rows));
    }
    return list;
  }

  /** {@code out = value + h_i sum_j weights[j] slope_j} over the first weights.length slopes. */
  void extrapolate(Batch stepSizes, double[] weights, Batch out) {
    long rows = out.rows();
    backend.step(value(rows), slopes(weights.length, rows), stepSizes, signed(weights), out, null);
  }

  /**
   * Adds to {@code squares} the squares of {@code h_i sum_j errors[j] slope_j} in units of the
   * tolerance at {@code value + h_i sum_j weights[j] slope_j}.
   */
  void addError(
      Batch stepSizes, double[] weights, double[] errors, DormandPrince solver, Batch squares) {
    long rows = squares.rows();
    ErrorEstimate error =
        new ErrorEstimate(errors, solver.absoluteTolerance(), solver.relativeTolerance(), squares);
    backend.step(
        value(rows),
        slopes(weights.length, rows),
        stepSizes,
        signed(weights),
        scratch.slice(0, rows),
        error);
  }

  /** Adds to {@code squares} the squares of the value itself in units of the tolerance. */
  void addOwnSquares(Batch ones, DormandPrince solver, Batch squares) {
    long rows = squares.rows();
    ErrorEstimate error =
        new ErrorEstimate(
            new double[] {1}, solver.absoluteTolerance(), solver.relativeTolerance(), squares);
    backend.step(
        value(rows), List.of(value(rows)), ones, new double[] {0}, scratch.slice(0, rows), error);
  }

  /**
   * Takes the attempts whose step size is not zero; their last slope becomes the first of the next
   * attempt.
   *
   * @param isTaken per row, 1 if the attempt is taken and 0 if not
   * @param isLeft per row, the opposite
   */
  void take(Batch stepSizes, Batch isTaken, Batch isLeft) {
    long rows = stepSizes.rows();
    extrapolate(stepSizes, DormandPrince.B, value(rows));
    // A choice per row that is exact and does not read what it leaves: steps of one and zero.
    double[] once = {1};
    Batch partly = scratch.slice(0, rows);
    backend.step(zeros.slice(0, rows), List.of(slope(LAST, rows)), isTaken, once, partly, null);
    backend.step(partly, List.of(slope(0, rows)), isLeft, once, selected.slice(0, rows), null);
    Batch old = slopes[0];
    slopes[0] = selected;
    selected = old;
  }

  /** The combination of the slopes with the given weights. */
  void combineSlopes(double[] weights, Batch out) {
    backend.combine(out, slopes(weights.length, out.rows()), weights);
  }

  /** Moves what outlives an attempt from one row to another. */
  void move(int from, int to) {
    copyRow(value, from, value, to);
    copyRow(slopes[0], from, slopes[0], to);
  }

  static void copyRow(Batch source, long from, Batch target, long to) {
    target.slice(to, 1).copyFrom(source.slice(from, 1));
  }

  private double[] signed(double[] weights) {
    return sign == 1 ? weights : Arrays.stream(weights).map(w -> sign * w).toArray();
  }
}
