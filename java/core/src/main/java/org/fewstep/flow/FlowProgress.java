package org.fewstep.flow;

/** Told how far a flow has come, on the thread that runs it. */
@FunctionalInterface
public interface FlowProgress {

  /**
   * Called after each chunk of rows.
   *
   * @param done the rows that are finished, > 0
   * @param rows the rows in all
   */
  void onProgress(long done, long rows);
}
