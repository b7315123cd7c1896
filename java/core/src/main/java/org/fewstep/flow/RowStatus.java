package org.fewstep.flow;

/** How the integration of one row ended. A row that failed never touches the others. */
public enum RowStatus {
  /** The row reached the end. */
  OK("reached the end"),
  /** The adaptive solver used up its steps before the end. */
  MAX_STEPS("the largest number of steps was used up; raise it or loosen the tolerances"),
  /** The adaptive solver could not meet the tolerances with its smallest step. */
  STEP_UNDERFLOW("the step size fell below its floor; loosen the tolerances"),
  /** The state or the field is NaN or infinite. */
  NON_FINITE("the state or the field is not finite"),
  /** The flow was cancelled before this row ran. */
  CANCELLED("cancelled before this row ran");

  private final String message;

  RowStatus(String message) {
    this.message = message;
  }

  /** What happened, for people. */
  public String message() {
    return message;
  }
}
