package org.fewstep.backend.vector;

import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import org.fewstep.backend.Batch;
import org.fewstep.backend.MixtureOutputs;
import org.fewstep.backend.WorkerPool;

/** One evaluation of a mixture at one time: tiles of rows through the mixture kernel. */
final class FloatMixtureTask implements WorkerPool.Task {

  private static final ValueLayout.OfFloat ELEMENT = ValueLayout.JAVA_FLOAT_UNALIGNED;
  private static final int GROUP = FloatLanes.GROUP;

  private final FloatTile[] tiles;
  private FloatMixtureKernel kernel;
  private int dimension;
  private MemorySegment x;
  private MemorySegment direction;
  private MemorySegment logDensity;
  private MemorySegment score;
  private MemorySegment mean;
  private MemorySegment divergence;
  private MemorySegment jvp;
  private MemorySegment responsibilities;

  FloatMixtureTask(FloatTile[] tiles) {
    this.tiles = tiles;
  }

  void prepare(FloatMixtureKernel mixture, Batch points, MixtureOutputs outputs) {
    kernel = mixture;
    dimension = points.columns();
    x = points.memory();
    direction = FloatEngine.memory(outputs.direction());
    logDensity = FloatEngine.memory(outputs.logDensity());
    score = FloatEngine.memory(outputs.score());
    mean = FloatEngine.memory(outputs.posteriorMean());
    divergence = FloatEngine.memory(outputs.divergence());
    jvp = FloatEngine.memory(outputs.jvp());
    responsibilities = FloatEngine.memory(outputs.responsibilities());
  }

  /** Forgets the batches of the call. */
  void clear() {
    kernel = null;
    x = null;
    direction = null;
    logDensity = null;
    score = null;
    mean = null;
    divergence = null;
    jvp = null;
    responsibilities = null;
  }

  /** The rows of a tile: one group if the weights of every component are to be kept. */
  int tileRows() {
    return responsibilities != null ? GROUP : FloatTile.rows(dimension);
  }

  @Override
  public void run(int worker, long first, long end) {
    FloatTile tile = tiles[worker];
    int tileRows = tileRows();
    tile.reserve(kernel.constants.time.mixture(), tileRows);
    tile.want(logDensity != null, score != null, mean != null, divergence != null, jvp != null);
    tile.wantsWeights = responsibilities != null;
    for (long row = first; row < end; row += tileRows) {
      tile(tile, row, (int) Math.min(tileRows, end - row));
    }
  }

  private void tile(FloatTile tile, long row, int rows) {
    FloatRows.load(x, row, rows, dimension, tile.stage, tile.x);
    if (direction != null) {
      FloatRows.load(direction, row, rows, dimension, tile.stage, tile.direction);
    }
    kernel.evaluate(tile, (rows + GROUP - 1) / GROUP);
    store(tile, tile.fields.logDensity, logDensity, row, rows, 1);
    store(tile, tile.fields.score, score, row, rows, dimension);
    store(tile, tile.fields.mean, mean, row, rows, dimension);
    store(tile, tile.fields.divergence, divergence, row, rows, 1);
    store(tile, tile.fields.jvp, jvp, row, rows, dimension);
    if (responsibilities != null) {
      storeResponsibilities(tile, row, rows);
    }
  }

  private static void store(
      FloatTile tile, float[] groups, MemorySegment memory, long row, int rows, int columns) {
    if (memory != null) {
      FloatRows.store(groups, tile.stage, memory, row, rows, columns);
    }
  }

  private void storeResponsibilities(FloatTile tile, long row, int rows) {
    int all = kernel.constants.time.mixture().components();
    int[] index = kernel.constants.index;
    for (int lane = 0; lane < rows; lane++) {
      long base = (row + lane) * all;
      if (index.length < all) {
        responsibilities.asSlice(base * Float.BYTES, (long) all * Float.BYTES).fill((byte) 0);
      }
      for (int k = 0; k < index.length; k++) {
        float weight = tile.weights[k * GROUP + lane] * tile.inverseTotal[lane];
        responsibilities.setAtIndex(ELEMENT, base + index[k], weight);
      }
    }
  }
}
