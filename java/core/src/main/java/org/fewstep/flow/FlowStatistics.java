package org.fewstep.flow;

import java.util.Arrays;
import org.fewstep.backend.AdaptiveOutputs;
import org.fewstep.backend.AdaptivePlan;

/**
 * What happened to each row of a flow: its status, steps and evaluations of the field. Complete and
 * unchanging once the flow has returned.
 */
public final class FlowStatistics {

  private static final RowStatus[] STATUSES = RowStatus.values();
  private static final AdaptiveOutputs.End[] ENDS = AdaptiveOutputs.End.values();

  private final byte[] status;
  private final int[] accepted;
  private final int[] rejected;
  private final int[] evaluations;
  private final int commonSteps;
  private final int commonEvaluations;

  private FlowStatistics(int rows, boolean perRow, int commonSteps, int commonEvaluations) {
    this.status = new byte[rows];
    Arrays.fill(status, (byte) RowStatus.CANCELLED.ordinal());
    int counted = perRow ? rows : 0;
    this.accepted = new int[counted];
    this.rejected = new int[counted];
    this.evaluations = new int[counted];
    this.commonSteps = commonSteps;
    this.commonEvaluations = commonEvaluations;
  }

  /** For steps common to all rows; every row is {@link RowStatus#CANCELLED} until it is run. */
  static FlowStatistics fixed(int rows, int steps, int evaluations) {
    return new FlowStatistics(rows, false, steps, evaluations);
  }

  /** For steps of each row's own; every row is {@link RowStatus#CANCELLED} until it is run. */
  static FlowStatistics adaptive(int rows) {
    return new FlowStatistics(rows, true, 0, 0);
  }

  void setStatus(long row, RowStatus value) {
    status[(int) row] = (byte) value.ordinal();
  }

  void setCounts(long row, int acceptedSteps, int rejectedSteps, int fieldEvaluations) {
    accepted[(int) row] = acceptedSteps;
    rejected[(int) row] = rejectedSteps;
    evaluations[(int) row] = fieldEvaluations;
  }

  /** Takes what a backend reports of rows whose whole trajectories it ran. */
  void setReport(long first, float[] report) {
    int columns = AdaptiveOutputs.REPORT_COLUMNS;
    for (int i = 0; i < report.length / columns; i++) {
      long row = first + i;
      RowStatus outcome = outcome(ENDS[(int) report[columns * i]]);
      int acceptedSteps = (int) report[columns * i + 1];
      int rejectedSteps = (int) report[columns * i + 2];
      int steps = acceptedSteps + rejectedSteps;
      // A row that is no point ends with the first slope; the others probe the field beside it.
      int beforeSteps = outcome == RowStatus.NON_FINITE && steps == 0 ? 1 : 2;
      setStatus(row, outcome);
      setCounts(row, acceptedSteps, rejectedSteps, beforeSteps + (AdaptivePlan.STAGES - 1) * steps);
    }
  }

  private static RowStatus outcome(AdaptiveOutputs.End end) {
    return switch (end) {
      case REACHED -> RowStatus.OK;
      case MAX_STEPS -> RowStatus.MAX_STEPS;
      case STEP_UNDERFLOW -> RowStatus.STEP_UNDERFLOW;
      case NON_FINITE -> RowStatus.NON_FINITE;
    };
  }

  /** The number of rows n. */
  public int rows() {
    return status.length;
  }

  /** How row i ended. */
  public RowStatus status(int row) {
    return STATUSES[status[row]];
  }

  /** The number of rows that ended so. */
  public int count(RowStatus wanted) {
    int count = 0;
    for (byte value : status) {
      if (value == wanted.ordinal()) {
        count++;
      }
    }
    return count;
  }

  /** Whether every row is {@link RowStatus#OK}. */
  public boolean allOk() {
    return count(RowStatus.OK) == rows();
  }

  /** The steps that row i took: those of the grid, or the accepted ones of an adaptive solver. */
  public int accepted(int row) {
    return of(row, accepted, commonSteps);
  }

  /** The steps of row i that an adaptive solver rejected; 0 for a fixed-step one. */
  public int rejected(int row) {
    return of(row, rejected, 0);
  }

  /** How often the field was evaluated for row i, rejected steps included. */
  public int evaluations(int row) {
    return of(row, evaluations, commonEvaluations);
  }

  /** The evaluations of the field over all rows. */
  public long totalEvaluations() {
    long total = 0;
    for (int row = 0; row < rows(); row++) {
      total += evaluations(row);
    }
    return total;
  }

  private int of(int row, int[] perRow, int common) {
    if (status(row) == RowStatus.CANCELLED) {
      return 0;
    }
    return perRow.length > 0 ? perRow[row] : common;
  }

  @Override
  public String toString() {
    StringBuilder text = new StringBuilder("FlowStatistics[rows=" + rows());
    for (RowStatus value : STATUSES) {
      int count = count(value);
      if (count > 0) {
        text.append(", ").append(value).append('=').append(count);
      }
    }
    return text.append(']').toString();
  }
}
