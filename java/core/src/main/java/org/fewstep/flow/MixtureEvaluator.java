package org.fewstep.flow;

import java.util.Arrays;
import java.util.List;
import java.util.function.DoubleUnaryOperator;
import org.fewstep.backend.Backend;
import org.fewstep.backend.Batch;
import org.fewstep.backend.MixtureOutputs;
import org.fewstep.backend.Plan;
import org.fewstep.backend.Precision;
import org.fewstep.backend.TimeConstants;
import org.fewstep.mixture.DiffusedMixture;

/** The probability flow of a mixture by the backend's mixture kernels. */
final class MixtureEvaluator implements FieldEvaluator {

  private final Backend backend;
  private final MixtureField field;
  private final Batch score;
  private final Batch trace;
  private final Batch ones;
  private final Batch zeros;
  private final Batch zero;
  private final Batch coefficients;

  MixtureEvaluator(MixtureField field, Workspace workspace) {
    this.backend = workspace.backend();
    this.field = field;
    this.score = workspace.take(field.dimension());
    this.trace = workspace.take(1);
    this.ones = workspace.ones();
    this.zeros = workspace.take(field.dimension());
    this.zero = workspace.take(1);
    this.coefficients = workspace.take(1, Precision.FLOAT64);
  }

  @Override
  public void evaluate(
      Plan.Evaluation evaluation, TimeConstants at, Batch x, Batch value, Batch divergence) {
    long rows = x.rows();
    DiffusedMixture mixture = DiffusedMixture.at(field.mixture(), field.diffusion(), at.time());
    MixtureOutputs outputs = MixtureOutputs.none().withDivergence(divergence);
    switch (evaluation) {
      case VELOCITY -> {
        Batch scores = score.slice(0, rows);
        backend.mixture(mixture, x, outputs.withScore(scores));
        double[] weights = {at.drift(), -at.halfSquaredDiffusion()};
        backend.combine(value, List.of(x, scores), weights);
        combineTrace(divergence, at.drift(), -at.halfSquaredDiffusion());
      }
      case DENOISED -> {
        backend.mixture(mixture, x, outputs.withPosteriorMean(value));
        // Tweedie's formula: alpha D = x + sigma^2 score.
        double alpha = Noise.alpha(at);
        combineTrace(divergence, 1 / alpha, Noise.variance(at) / alpha);
      }
    }
  }

  /** Turns the trace of a Jacobian J into that of {@code ofIdentity I + ofJacobian J}. */
  private void combineTrace(Batch divergence, double ofIdentity, double ofJacobian) {
    if (divergence != null) {
      backend.combine(
          divergence,
          List.of(ones.slice(0, divergence.rows()), divergence),
          new double[] {field.dimension() * ofIdentity, ofJacobian});
    }
  }

  @Override
  public void velocity(Batch times, Batch x, Batch value, Batch divergence) {
    long rows = x.rows();
    Batch scores = score.slice(0, rows);
    Batch traces = divergence == null ? null : trace.slice(0, rows);
    backend.mixture(
        field.mixture(),
        field.diffusion(),
        times,
        x,
        MixtureOutputs.none().withScore(scores).withDivergence(traces));

    double[] t = times.toDoubleArray();
    Batch drift = rowCoefficients(t, field.diffusion()::drift);
    addScaled(zeros.slice(0, rows), drift, x, 1, value);
    if (divergence != null) {
      Batch one = ones.slice(0, rows);
      addScaled(zero.slice(0, rows), drift, one, field.dimension(), divergence);
    }
    Batch half = rowCoefficients(t, field.diffusion()::halfSquaredDiffusion);
    addScaled(value, half, scores, -1, value);
    if (divergence != null) {
      addScaled(divergence, half, traces, -1, divergence);
    }
  }

  private Batch rowCoefficients(double[] t, DoubleUnaryOperator coefficient) {
    Batch batch = coefficients.slice(0, t.length);
    batch.copyFrom(Arrays.stream(t).map(coefficient).toArray());
    return batch;
  }

  /** {@code out = base + weight coefficient_i term}, a coefficient for each row. */
  private void addScaled(Batch base, Batch coefficient, Batch term, double weight, Batch out) {
    backend.step(base, List.of(term), coefficient, new double[] {weight}, out, null);
  }
}
