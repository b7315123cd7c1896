package org.fewstep.distill;

/** Is told how a distillation goes, by one thread at a time, and may end it. */
public interface DistillationListener {

  /** Hears nothing and ends nothing. */
  DistillationListener NONE = (done, steps) -> {};

  /**
   * Called now and then.
   *
   * @param done the training steps done, of all segments together
   * @param steps the steps in all
   */
  void onProgress(long done, long steps);

  /** Whether to stop; checkpoints then stay as they are. */
  default boolean isCancelled() {
    return false;
  }
}
