package org.fewstep.flow;

import java.util.Arrays;
import org.fewstep.backend.Backend;
import org.fewstep.backend.Batch;
import org.fewstep.backend.Precision;
import org.fewstep.backend.TrajectoryOutputs;

/** Tells which rows of a result are finite. */
final class FiniteRows {

  private FiniteRows() {}

  /** Sets the status of each row of a chunk that has run by whether its outputs are finite. */
  static void mark(
      Backend backend, long first, TrajectoryOutputs outputs, FlowStatistics statistics) {
    boolean[] finite = new boolean[(int) outputs.end().rows()];
    Arrays.fill(finite, true);
    if (outputs.end().onHost() || !sumIsFinite(backend, outputs)) {
      clear(finite, outputs.end());
      if (outputs.logDensity() != null) {
        clear(finite, outputs.logDensity());
      }
    }
    for (int i = 0; i < finite.length; i++) {
      statistics.setStatus(first + i, finite[i] ? RowStatus.OK : RowStatus.NON_FINITE);
    }
  }

  /**
   * Whether the squares of all numbers have a finite sum: then all numbers are finite, and not one
   * of them had to be copied to the host.
   */
  private static boolean sumIsFinite(Backend backend, TrajectoryOutputs outputs) {
    Batch end = outputs.end();
    Batch logDensity = outputs.logDensity();
    Batch zeros = logDensity == null ? backend.allocate(end.rows(), 1, end.precision()) : null;
    try (Batch sums = backend.allocate(1, 3, Precision.FLOAT64)) {
      backend.steinSums(end, end, logDensity == null ? zeros : logDensity, sums);
      double[] values = sums.toDoubleArray();
      return Double.isFinite(values[1]) && Double.isFinite(values[2]);
    } finally {
      if (zeros != null) {
        zeros.close();
      }
    }
  }

  /** Clears the flag of every row that holds NaN or infinity. */
  private static void clear(boolean[] finite, Batch batch) {
    int columns = batch.columns();
    if (batch.precision() == Precision.FLOAT32) {
      float[] values = batch.toFloatArray();
      for (int e = 0; e < values.length; e++) {
        if (!Float.isFinite(values[e])) {
          finite[e / columns] = false;
        }
      }
    } else {
      double[] values = batch.toDoubleArray();
      for (int e = 0; e < values.length; e++) {
        if (!Double.isFinite(values[e])) {
          finite[e / columns] = false;
        }
      }
    }
  }
}
