package org.fewstep.training;

/** Is told how a training goes, on the thread that trains, and may end it. */
public interface TrainingListener {

  /** Hears nothing and ends nothing. */
  TrainingListener NONE = (step, steps, validationError) -> {};

  /**
   * Called at every check.
   *
   * @param step the steps done
   * @param steps the steps in all
   * @param validationError the mean squared error on the validation pairs, NaN if there are none
   */
  void onCheck(long step, long steps, double validationError);

  /** Asked at every check, after the checkpoint is written: whether to stop there. */
  default boolean isCancelled() {
    return false;
  }
}
