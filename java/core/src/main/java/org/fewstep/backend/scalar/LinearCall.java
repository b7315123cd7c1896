package org.fewstep.backend.scalar;

import java.util.List;
import org.fewstep.backend.Batch;
import org.fewstep.backend.ErrorEstimate;
import org.fewstep.backend.WorkerPool;

/** A linear combination of batches: with the same weights in every row, or as a step from x. */
final class LinearCall implements WorkerPool.Task {

  private Batch out;
  private List<Batch> terms;
  private double[] weights;
  private Batch x;
  private Batch stepSizes;
  private ErrorEstimate error;

  void prepareCombine(Batch out, List<Batch> terms, double[] weights) {
    prepareStep(null, terms, null, weights, out, null);
  }

  void prepareStep(
      Batch x,
      List<Batch> slopes,
      Batch stepSizes,
      double[] weights,
      Batch next,
      ErrorEstimate error) {
    this.out = next;
    this.terms = slopes;
    this.weights = weights;
    this.x = x;
    this.stepSizes = stepSizes;
    this.error = error;
  }

  /** Lets go of the arguments. */
  void clear() {
    prepareStep(null, null, null, null, null, null);
  }

  @Override
  public void run(int worker, long first, long end) {
    if (x == null) {
      for (long e = first * out.columns(); e < end * out.columns(); e++) {
        Elements.set(out, e, sum(weights, e));
      }
    } else {
      for (long row = first; row < end; row++) {
        step(row);
      }
    }
  }

  private double sum(double[] coefficients, long element) {
    double sum = 0;
    for (int j = 0; j < coefficients.length; j++) {
      if (coefficients[j] != 0) {
        sum += coefficients[j] * Elements.get(terms.get(j), element);
      }
    }
    return sum;
  }

  private void step(long row) {
    double h = Elements.get(stepSizes, row);
    int columns = x.columns();
    double squares = 0;
    for (long e = row * columns; e < (row + 1) * columns; e++) {
      double before = Elements.get(x, e);
      // A row that stands still is not touched by what its slopes hold, be it infinite.
      double after = h == 0 ? before : before + h * sum(weights, e);
      if (error != null && h != 0) {
        double size = Math.max(Math.abs(before), Math.abs(after));
        double ratio = h * sum(error.weights(), e) / (error.absolute() + error.relative() * size);
        squares += ratio * ratio;
      }
      Elements.set(out, e, after);
    }
    if (error != null) {
      Elements.set(error.squares(), row, Elements.get(error.squares(), row) + squares);
    }
  }
}
