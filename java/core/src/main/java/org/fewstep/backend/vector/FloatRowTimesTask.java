package org.fewstep.backend.vector;

import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import org.fewstep.backend.Batch;
import org.fewstep.backend.MixtureOutputs;
import org.fewstep.backend.WorkerPool;
import org.fewstep.diffusion.Diffusion;
import org.fewstep.mixture.GaussianMixture;

/** One evaluation of a mixture at one time per row: row by row in float64, rounded on store. */
record FloatRowTimesTask(
    FloatTile[] tiles,
    GaussianMixture mixture,
    Diffusion process,
    MemorySegment times,
    MemorySegment x,
    MemorySegment direction,
    MemorySegment logDensity,
    MemorySegment score,
    MemorySegment mean,
    MemorySegment divergence,
    MemorySegment jvp,
    MemorySegment responsibilities)
    implements WorkerPool.Task {

  private static final ValueLayout.OfFloat ELEMENT = ValueLayout.JAVA_FLOAT_UNALIGNED;
  // The times are float64 in either precision.
  private static final ValueLayout.OfDouble TIME = ValueLayout.JAVA_DOUBLE_UNALIGNED;

  FloatRowTimesTask(
      FloatTile[] tiles,
      GaussianMixture mixture,
      Diffusion process,
      Batch times,
      Batch x,
      MixtureOutputs outputs) {
    this(
        tiles,
        mixture,
        process,
        times.memory(),
        x.memory(),
        FloatEngine.memory(outputs.direction()),
        FloatEngine.memory(outputs.logDensity()),
        FloatEngine.memory(outputs.score()),
        FloatEngine.memory(outputs.posteriorMean()),
        FloatEngine.memory(outputs.divergence()),
        FloatEngine.memory(outputs.jvp()),
        FloatEngine.memory(outputs.responsibilities()));
  }

  @Override
  public void run(int worker, long first, long end) {
    RowKernel row = tiles[worker].row;
    row.reserve(mixture);
    for (long i = first; i < end; i++) {
      evaluate(row, i);
      put(logDensity, i, row.logDensity);
      put(score, i, row.score);
      put(mean, i, row.mean);
      put(divergence, i, row.divergence);
      put(jvp, i, row.jvp);
      put(responsibilities, i, row.responsibilities);
    }
  }

  private void evaluate(RowKernel row, long i) {
    double t = times.getAtIndex(TIME, i);
    if (!(t >= 0 && t <= process.maxTime())) {
      row.fail();
      return;
    }
    MixtureTime at = MixtureTime.of(mixture, process, t);
    if (at.singular()) {
      row.fail();
      return;
    }
    int d = mixture.dimension();
    for (int j = 0; j < d; j++) {
      row.x[j] = x.getAtIndex(ELEMENT, i * d + j);
      row.direction[j] = direction == null ? 0 : direction.getAtIndex(ELEMENT, i * d + j);
    }
    row.evaluate(at, divergence != null || jvp != null);
  }

  private static void put(MemorySegment memory, long row, double value) {
    if (memory != null) {
      memory.setAtIndex(ELEMENT, row, (float) value);
    }
  }

  private static void put(MemorySegment memory, long row, double[] values) {
    for (int j = 0; memory != null && j < values.length; j++) {
      memory.setAtIndex(ELEMENT, row * values.length + j, (float) values[j]);
    }
  }
}
