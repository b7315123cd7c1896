package org.fewstep.flow;

import java.util.List;
import org.fewstep.backend.Backend;
import org.fewstep.backend.Batch;
import org.fewstep.backend.Conversion;
import org.fewstep.backend.Precision;

/** Applies conversions to batches: to what a field is known by, and to its divergence. */
final class Converter {

  private final Backend backend;
  private final int dimension;
  private final Batch ones;
  private final Batch zeros;
  private final Batch zero;
  private final Batch ofState;
  private final Batch ofOutput;

  Converter(int dimension, Workspace workspace) {
    this.backend = workspace.backend();
    this.dimension = dimension;
    this.ones = workspace.ones();
    this.zeros = workspace.take(dimension);
    this.zero = workspace.take(1);
    this.ofState = workspace.take(1, Precision.FLOAT64);
    this.ofOutput = workspace.take(1, Precision.FLOAT64);
  }

  /** At one time for all rows; {@code value} may be {@code output}. */
  void apply(Conversion conversion, Batch x, Batch output, Batch value) {
    if (!conversion.isNone() || output != value) {
      double[] weights = {conversion.ofState(), conversion.ofOutput()};
      backend.combine(value, List.of(x, output), weights);
    }
  }

  /** Turns a divergence of the output [n,1] into that of the value, if it is not null. */
  void applyToDivergence(Conversion conversion, Batch divergence) {
    if (divergence != null && !conversion.isNone()) {
      backend.combine(
          divergence,
          List.of(ones.slice(0, divergence.rows()), divergence),
          new double[] {dimension * conversion.ofState(), conversion.ofOutput()});
    }
  }

  /** Takes the coefficients of a conversion for each row, for the two methods that follow. */
  void load(double[] stateCoefficients, double[] outputCoefficients) {
    ofState.slice(0, stateCoefficients.length).copyFrom(stateCoefficients);
    ofOutput.slice(0, outputCoefficients.length).copyFrom(outputCoefficients);
  }

  /** With the coefficients of each row; {@code value} is not {@code output}. */
  void applyPerRow(Batch x, Batch output, Batch value) {
    addScaled(zeros, ofState, x, 1, value);
    addScaled(value, ofOutput, output, 1, value);
  }

  /** With the coefficients of each row, from the divergence of the output to another batch. */
  void applyPerRowToDivergence(Batch ofTheOutput, Batch divergence) {
    addScaled(zero, ofState, ones, dimension, divergence);
    addScaled(divergence, ofOutput, ofTheOutput, 1, divergence);
  }

  /** {@code out = base + weight coefficient_i term}. */
  private void addScaled(Batch base, Batch coefficient, Batch term, double weight, Batch out) {
    long rows = out.rows();
    backend.step(
        base.slice(0, rows),
        List.of(term.slice(0, rows)),
        coefficient.slice(0, rows),
        new double[] {weight},
        out,
        null);
  }
}
