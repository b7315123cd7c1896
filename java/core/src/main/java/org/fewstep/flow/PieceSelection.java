package org.fewstep.flow;

import java.util.Arrays;
import java.util.List;
import org.fewstep.backend.Backend;
import org.fewstep.backend.Batch;
import org.fewstep.backend.Precision;

/**
 * Evaluates the networks of a field at a time for each row: every piece for the stretch of rows
 * that holds all of its own, out of which its own are then chosen.
 *
 * <p>A choice is a step of size one from zero; one of size zero leaves a row without reading what
 * is offered, be it NaN.
 */
final class PieceSelection {

  private static final double[] ONCE = {1};
  private static final int NONE = -1;

  private final Backend backend;
  private final Workspace workspace;
  private final NetworkField field;
  private final Batch value;
  private final Batch trace;
  private final Batch chosen;

  PieceSelection(NetworkField field, Workspace workspace) {
    this.backend = workspace.backend();
    this.workspace = workspace;
    this.field = field;
    this.value = workspace.take(field.dimension());
    this.trace = workspace.take(1);
    this.chosen = workspace.take(1, Precision.FLOAT64);
  }

  /**
   * Writes the output of the piece that serves each row's time; NaN where none does.
   *
   * @param times [n,1] in FLOAT64
   * @param x [n,d]
   * @param values [n,d]
   * @param divergences [n,1], or null if they are not wanted
   */
  void evaluate(Batch times, Batch x, Batch values, Batch divergences) {
    double[] t = times.toDoubleArray();
    int[] pieces = new int[t.length];
    for (int i = 0; i < t.length; i++) {
      pieces[i] = field.pieceAt(t[i]);
    }
    workspace.fillWithZero(values);
    if (divergences != null) {
      workspace.fillWithZero(divergences);
    }
    for (int piece = NONE; piece < field.pieces().size(); piece++) {
      int first = 0;
      int end = pieces.length;
      while (first < end && pieces[first] != piece) {
        first++;
      }
      while (first < end && pieces[end - 1] != piece) {
        end--;
      }
      if (first < end) {
        int count = end - first;
        choose(piece, Arrays.copyOfRange(pieces, first, end));
        evaluate(
            piece,
            times.slice(first, count),
            x.slice(first, count),
            values.slice(first, count),
            divergences == null ? null : divergences.slice(first, count));
      }
    }
  }

  /** Rows that no piece serves take a step of NaN. */
  private void choose(int piece, int[] pieces) {
    double size = piece == NONE ? Double.NaN : 1;
    double[] sizes = new double[pieces.length];
    for (int i = 0; i < pieces.length; i++) {
      sizes[i] = pieces[i] == piece ? size : 0;
    }
    chosen.slice(0, pieces.length).copyFrom(sizes);
  }

  private void evaluate(int piece, Batch times, Batch x, Batch values, Batch divergences) {
    long rows = x.rows();
    Batch offered = value.slice(0, rows);
    Batch traces = divergences == null ? null : trace.slice(0, rows);
    if (piece != NONE) {
      backend.network(
          field.pieces().get(piece), times, x, NetworkEvaluator.outputs(field, offered, traces));
    }
    Batch sizes = chosen.slice(0, rows);
    backend.step(values, List.of(offered), sizes, ONCE, values, null);
    if (divergences != null) {
      backend.step(divergences, List.of(traces), sizes, ONCE, divergences, null);
    }
  }
}
