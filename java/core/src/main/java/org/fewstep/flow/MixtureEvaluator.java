package org.fewstep.flow;

import org.fewstep.backend.Backend;
import org.fewstep.backend.Batch;
import org.fewstep.backend.Conversion;
import org.fewstep.backend.MixtureOutputs;
import org.fewstep.backend.Plan;
import org.fewstep.backend.TimeConstants;
import org.fewstep.diffusion.Diffusion;
import org.fewstep.mixture.DiffusedMixture;
import org.fewstep.network.Network;

/** The probability flow of a mixture by the backend's mixture kernels. */
final class MixtureEvaluator implements FieldEvaluator {

  private final Backend backend;
  private final MixtureField field;
  private final Batch score;
  private final Batch trace;
  private final Converter converter;

  MixtureEvaluator(MixtureField field, Workspace workspace) {
    this.backend = workspace.backend();
    this.field = field;
    this.score = workspace.take(field.dimension());
    this.trace = workspace.take(1);
    this.converter = new Converter(field.dimension(), workspace);
  }

  @Override
  public void evaluate(
      Plan.Evaluation evaluation, TimeConstants at, Batch x, Batch value, Batch divergence) {
    DiffusedMixture mixture = DiffusedMixture.at(field.mixture(), field.diffusion(), at.time());
    Conversion conversion = Conversion.of(Network.Output.SCORE, evaluation, at);
    MixtureOutputs outputs = MixtureOutputs.none().withDivergence(divergence);
    switch (evaluation) {
      case VELOCITY -> {
        Batch scores = score.slice(0, x.rows());
        backend.mixture(mixture, x, outputs.withScore(scores));
        converter.apply(conversion, x, scores, value);
      }
      case DENOISED -> backend.mixture(mixture, x, outputs.withPosteriorMean(value));
    }
    converter.applyToDivergence(conversion, divergence);
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
    load(times.toDoubleArray());
    converter.applyPerRow(x, scores, value);
    if (divergence != null) {
      converter.applyPerRowToDivergence(traces, divergence);
    }
  }

  private void load(double[] times) {
    Diffusion process = field.diffusion();
    double[] ofState = new double[times.length];
    double[] ofScore = new double[times.length];
    for (int i = 0; i < times.length; i++) {
      double half = process.halfSquaredDiffusion(times[i]);
      Conversion conversion = Conversion.scoreToVelocity(process.drift(times[i]), half);
      ofState[i] = conversion.ofState();
      ofScore[i] = conversion.ofOutput();
    }
    converter.load(ofState, ofScore);
  }
}
