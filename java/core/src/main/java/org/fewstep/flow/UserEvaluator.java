package org.fewstep.flow;

import java.util.List;
import org.fewstep.backend.Backend;
import org.fewstep.backend.Batch;
import org.fewstep.backend.Plan;
import org.fewstep.backend.TimeConstants;

/** A user's field, and the denoised point that follows from its velocity. */
final class UserEvaluator implements FieldEvaluator {

  private final Backend backend;
  private final UserField field;
  private final Batch ones;

  UserEvaluator(UserField field, Workspace workspace) {
    this.backend = workspace.backend();
    this.field = field;
    this.ones = workspace.ones();
  }

  /**
   * {@inheritDoc}
   *
   * <p>With h = g^2/2, v = f x - h score and alpha D = x + sigma^2 score give {@code D = ((1 +
   * sigma^2 f/h) x - (sigma^2/h) v)/alpha}.
   */
  @Override
  public void evaluate(
      Plan.Evaluation evaluation, TimeConstants at, Batch x, Batch value, Batch divergence) {
    field.evaluate(at.time(), x, value);
    if (divergence != null) {
      field.divergence(at.time(), x, divergence);
    }
    if (evaluation == Plan.Evaluation.DENOISED) {
      double ratio = Noise.variance(at) / at.halfSquaredDiffusion();
      double ofState = (1 + ratio * at.drift()) / Noise.alpha(at);
      double ofVelocity = -ratio / Noise.alpha(at);
      backend.combine(value, List.of(x, value), new double[] {ofState, ofVelocity});
      if (divergence != null) {
        backend.combine(
            divergence,
            List.of(ones.slice(0, x.rows()), divergence),
            new double[] {field.dimension() * ofState, ofVelocity});
      }
    }
  }

  @Override
  public void velocity(Batch times, Batch x, Batch value, Batch divergence) {
    field.evaluate(times, x, value);
    if (divergence != null) {
      field.divergence(times, x, divergence);
    }
  }
}
