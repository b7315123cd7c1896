package org.fewstep.flow;

import org.fewstep.backend.Batch;
import org.fewstep.backend.Conversion;
import org.fewstep.backend.Plan;
import org.fewstep.backend.TimeConstants;
import org.fewstep.network.Network;

/** A user's field, and the denoised point that follows from its velocity. */
final class UserEvaluator implements FieldEvaluator {

  private final UserField field;
  private final Converter converter;

  UserEvaluator(UserField field, Workspace workspace) {
    this.field = field;
    this.converter = new Converter(field.dimension(), workspace);
  }

  @Override
  public void evaluate(
      Plan.Evaluation evaluation, TimeConstants at, Batch x, Batch value, Batch divergence) {
    field.evaluate(at.time(), x, value);
    if (divergence != null) {
      field.divergence(at.time(), x, divergence);
    }
    Conversion conversion = Conversion.of(Network.Output.VELOCITY, evaluation, at);
    converter.apply(conversion, x, value, value);
    converter.applyToDivergence(conversion, divergence);
  }

  @Override
  public void velocity(Batch times, Batch x, Batch value, Batch divergence) {
    field.evaluate(times, x, value);
    if (divergence != null) {
      field.divergence(times, x, divergence);
    }
  }
}
