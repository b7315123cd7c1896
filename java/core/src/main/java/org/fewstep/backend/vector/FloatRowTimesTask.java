package org.fewstep.backend.vector;

import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import org.fewstep.backend.Batch;
import org.fewstep.backend.MixtureOutputs;
import org.fewstep.backend.WorkerPool;
import org.fewstep.diffusion.Diffusion;
import org.fewstep.mixture.GaussianMixture;

/**
 * One evaluation of a mixture at one time per row: tiles of rows through {@link
 * FloatRowTimesKernel} for values and the divergence; row by row in float64 for full covariances,
 * Jacobian-vector products and responsibilities.
 */
final class FloatRowTimesTask implements WorkerPool.Task {

  private static final ValueLayout.OfFloat ELEMENT = ValueLayout.JAVA_FLOAT_UNALIGNED;
  // The times are float64 in either precision.
  private static final ValueLayout.OfDouble TIME = ValueLayout.JAVA_DOUBLE_UNALIGNED;
  private static final int LENGTH = FloatLanes.LENGTH;
  private static final int GROUP = FloatLanes.GROUP;

  private final FloatTile[] tiles;

  /** The mixture in the form for lanes, or null if that does not serve the call. */
  private FloatRowTimesKernel kernel;

  private GaussianMixture mixture;
  private Diffusion process;
  private int dimension;
  private MemorySegment times;
  private MemorySegment x;
  private MemorySegment direction;
  private MemorySegment logDensity;
  private MemorySegment score;
  private MemorySegment mean;
  private MemorySegment divergence;
  private MemorySegment jvp;
  private MemorySegment responsibilities;

  FloatRowTimesTask(FloatTile[] tiles) {
    this.tiles = tiles;
  }

  void prepare(
      GaussianMixture gaussians,
      FloatRowTimesKernel packed,
      Diffusion diffusion,
      Batch rowTimes,
      Batch points,
      MixtureOutputs outputs) {
    mixture = gaussians;
    kernel = outputs.jvp() == null && outputs.responsibilities() == null ? packed : null;
    process = diffusion;
    dimension = points.columns();
    times = rowTimes.memory();
    x = points.memory();
    direction = FloatEngine.memory(outputs.direction());
    logDensity = FloatEngine.memory(outputs.logDensity());
    score = FloatEngine.memory(outputs.score());
    mean = FloatEngine.memory(outputs.posteriorMean());
    divergence = FloatEngine.memory(outputs.divergence());
    jvp = FloatEngine.memory(outputs.jvp());
    responsibilities = FloatEngine.memory(outputs.responsibilities());
  }

  /** Forgets what the call was about. */
  void clear() {
    mixture = null;
    kernel = null;
    process = null;
    times = null;
    x = null;
    direction = null;
    logDensity = null;
    score = null;
    mean = null;
    divergence = null;
    jvp = null;
    responsibilities = null;
  }

  @Override
  public void run(int worker, long first, long end) {
    FloatTile tile = tiles[worker];
    if (kernel == null) {
      rowByRow(tile.row, first, end);
      return;
    }
    int tileRows = FloatTile.rows(dimension);
    tile.reserve(mixture, tileRows);
    tile.want(logDensity != null, score != null, mean != null, divergence != null, false);
    for (long row = first; row < end; row += tileRows) {
      tile(tile, row, (int) Math.min(tileRows, end - row));
    }
  }

  private void tile(FloatTile tile, long row, int rows) {
    FloatRows.load(x, row, rows, dimension, tile.stage, tile.x);
    tile.loadPerRow(times, row, rows);
    for (int v = 0; v < rows; v += LENGTH) {
      setTimes(tile, v);
      kernel.evaluate(tile, v / GROUP * dimension * GROUP + v % GROUP, v);
    }
    store(tile, tile.fields.logDensity, logDensity, row, rows, 1);
    store(tile, tile.fields.score, score, row, rows, dimension);
    store(tile, tile.fields.mean, mean, row, rows, dimension);
    store(tile, tile.fields.divergence, divergence, row, rows, 1);
  }

  /** The times of the vector from row v of a tile on. */
  private void setTimes(FloatTile tile, int v) {
    for (int lane = 0; lane < LENGTH; lane++) {
      tile.lanes.exact.setTime(lane, mixture, process, tile.perRow[v + lane]);
    }
  }

  private static void store(
      FloatTile tile, float[] groups, MemorySegment memory, long row, int rows, int columns) {
    if (memory != null) {
      FloatRows.store(groups, tile.stage, memory, row, rows, columns);
    }
  }

  private void rowByRow(RowKernel row, long first, long end) {
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
    for (int j = 0; j < dimension; j++) {
      row.x[j] = x.getAtIndex(ELEMENT, i * dimension + j);
      row.direction[j] = direction == null ? 0 : direction.getAtIndex(ELEMENT, i * dimension + j);
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
