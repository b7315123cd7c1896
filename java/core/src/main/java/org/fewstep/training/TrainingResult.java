package org.fewstep.training;

/**
 * What a training gave.
 *
 * @param parameters [P], in the order of the shape; of early stopping the best, else the last
 * @param steps the steps done, those before a resumption included
 * @param validationError the mean squared error of these parameters on the validation pairs, NaN if
 *     there were none
 * @param outcome how it ended
 */
public record TrainingResult(
    double[] parameters, long steps, double validationError, Outcome outcome) {

  /** How a training ended. */
  public enum Outcome {
    /** All steps were done. */
    COMPLETED,
    /** The validation error no longer fell. */
    STOPPED_EARLY,
    /** The listener ended it. */
    CANCELLED
  }
}
