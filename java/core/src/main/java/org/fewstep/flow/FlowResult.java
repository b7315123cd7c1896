package org.fewstep.flow;

import java.util.List;
import org.fewstep.backend.Batch;
import org.fewstep.grid.TimeGrid;

/**
 * What a flow gave, and what really ran. Owns its batches: the caller closes the result, or the
 * batches one by one.
 *
 * @param end [n,d], the states at the last time. The row of an adaptive run that failed, and a row
 *     that was cancelled, is NaN; the status tells why
 * @param trajectory S + 1 batches [n,d], the states at the knots in the order in which they were
 *     passed, the first a copy of the start; empty if not asked for
 * @param logLikelihood [n,1], log p at the last time of the end states, from that at the first time
 *     by the integral of the divergence along the path; for a field of networks or of a user's own,
 *     whose density at the first time is not known, the change log p_last - log p_first. Null if
 *     not asked for
 * @param statistics status, steps and evaluations of every row
 * @param solver the name of the solver that ran
 * @param grid the time grid, descending; with an adaptive solver its knots are only the outputs
 * @param reversed whether the flow ran from the grid's end (data) up to its start (noise)
 * @param backend the name of the backend that ran
 * @param fused whether the backend ran whole trajectories, rather than the solver composing single
 *     steps
 */
public record FlowResult(
    Batch end,
    List<Batch> trajectory,
    Batch logLikelihood,
    FlowStatistics statistics,
    String solver,
    TimeGrid grid,
    boolean reversed,
    String backend,
    boolean fused)
    implements AutoCloseable {

  /** Keeps its own copy of the list. */
  public FlowResult {
    trajectory = List.copyOf(trajectory);
  }

  /** Whether the flow was cancelled before every row had run. */
  public boolean cancelled() {
    return statistics.count(RowStatus.CANCELLED) > 0;
  }

  /** Closes every batch of this result. Harmless when repeated. */
  @Override
  public void close() {
    end.close();
    trajectory.forEach(Batch::close);
    if (logLikelihood != null) {
      logLikelihood.close();
    }
  }
}
