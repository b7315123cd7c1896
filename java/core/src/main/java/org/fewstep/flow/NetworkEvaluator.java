package org.fewstep.flow;

import java.util.Arrays;
import org.fewstep.backend.Backend;
import org.fewstep.backend.Batch;
import org.fewstep.backend.Conversion;
import org.fewstep.backend.NetworkOutputs;
import org.fewstep.backend.Plan;
import org.fewstep.backend.TimeConstants;
import org.fewstep.diffusion.Diffusion;
import org.fewstep.network.Network;

/** The probability flow of networks by the backend's network kernels. */
final class NetworkEvaluator implements FieldEvaluator {

  private final Backend backend;
  private final NetworkField field;
  private final Converter converter;
  private final PieceSelection pieces;
  private final Batch output;
  private final Batch trace;

  NetworkEvaluator(NetworkField field, Workspace workspace) {
    this.backend = workspace.backend();
    this.field = field;
    this.converter = new Converter(field.dimension(), workspace);
    this.pieces = field.pieces().size() == 1 ? null : new PieceSelection(field, workspace);
    this.output = workspace.take(field.dimension());
    this.trace = workspace.take(1);
  }

  /** What is asked of a network; the divergence is null if it is not wanted. */
  static NetworkOutputs outputs(NetworkField field, Batch value, Batch divergence) {
    NetworkOutputs outputs = NetworkOutputs.none().withValue(value);
    return divergence == null
        ? outputs
        : outputs.withDivergence(divergence, field.probes().orElse(null));
  }

  @Override
  public void evaluate(
      Plan.Evaluation evaluation, TimeConstants at, Batch x, Batch value, Batch divergence) {
    field.requireTime("t", at.time());
    Network piece = field.pieces().get(field.pieceAt(at.time()));
    Conversion conversion = Conversion.of(field.output(), evaluation, at);
    Batch known = conversion.isNone() ? value : output.slice(0, x.rows());
    backend.network(piece, at.time(), x, outputs(field, known, divergence));
    converter.apply(conversion, x, known, value);
    converter.applyToDivergence(conversion, divergence);
  }

  /** {@inheritDoc} A row at a time that no network serves is NaN. */
  @Override
  public void velocity(Batch times, Batch x, Batch value, Batch divergence) {
    if (field.output() == Network.Output.VELOCITY) {
      evaluate(times, x, value, divergence);
      return;
    }
    Batch known = output.slice(0, x.rows());
    Batch traces = divergence == null ? null : trace.slice(0, x.rows());
    evaluate(times, x, known, traces);
    load(times.toDoubleArray());
    converter.applyPerRow(x, known, value);
    if (divergence != null) {
      converter.applyPerRowToDivergence(traces, divergence);
    }
  }

  private void evaluate(Batch times, Batch x, Batch value, Batch divergence) {
    if (pieces == null) {
      Network network = field.pieces().getFirst();
      backend.network(network, times, x, outputs(field, value, divergence));
    } else {
      pieces.evaluate(times, x, value, divergence);
    }
  }

  private void load(double[] times) {
    Diffusion process = field.process().orElseThrow();
    double[] ofState = new double[times.length];
    double[] ofOutput = new double[times.length];
    Arrays.fill(ofState, Double.NaN);
    Arrays.fill(ofOutput, Double.NaN);
    for (int i = 0; i < times.length; i++) {
      if (field.pieceAt(times[i]) >= 0) {
        TimeConstants at = TimeConstants.of(process, times[i]);
        Conversion conversion = Conversion.of(field.output(), Plan.Evaluation.VELOCITY, at);
        ofState[i] = conversion.ofState();
        ofOutput[i] = conversion.ofOutput();
      }
    }
    converter.load(ofState, ofOutput);
  }
}
