package org.fewstep.training;

/** A training whose numbers are no longer finite; the last good checkpoint is still there. */
public final class DivergedException extends RuntimeException {

  private static final long serialVersionUID = 1;

  DivergedException(long step) {
    super(
        "training diverged: its parameters are not finite at step %d; use a smaller learning rate or"
                .formatted(step)
            + " clip gradients to a smaller norm");
  }
}
