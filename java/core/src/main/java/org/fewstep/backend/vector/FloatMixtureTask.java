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

  /** The expanded form if it serves this call, else null. */
  private FloatBlockedMixture blocked;

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

  void prepare(FloatPackedMixture mixture, Batch points, MixtureOutputs outputs) {
    kernel = mixture.kernel();
    blocked = outputs.wantsDerivative() ? null : mixture.blocked();
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
    blocked = null;
    x = null;
    direction = null;
    logDensity = null;
    score = null;
    mean = null;
    divergence = null;
    jvp = null;
    responsibilities = null;
  }

  /** The rows of a tile, or of a block of the expanded form. */
  int tileRows() {
    if (blocked != null) {
      return FloatBlockedScratch.rowsOf(blocked.means());
    }
    return differenceRows();
  }

  /** One group if the weights of every component are to be kept. */
  private int differenceRows() {
    return responsibilities != null ? GROUP : FloatTile.rows(dimension);
  }

  @Override
  public void run(int worker, long first, long end) {
    FloatTile tile = tiles[worker];
    tile.reserve(kernel.constants.time.mixture(), differenceRows());
    tile.want(logDensity != null, score != null, mean != null, divergence != null, jvp != null);
    tile.wantsWeights = responsibilities != null;
    if (blocked == null) {
      differences(tile, first, end);
    } else {
      FloatBlockedScratch scratch = tile.blocked(blocked.means());
      for (long row = first; row < end; row += scratch.rows()) {
        block(tile, scratch, row, (int) Math.min(scratch.rows(), end - row));
      }
    }
  }

  /** The expanded form of a block of rows, and differences for the rows that it leaves out. */
  private void block(FloatTile tile, FloatBlockedScratch scratch, long row, int rows) {
    int left =
        FloatBlockedValue.evaluate(
            blocked, scratch, x, row, rows, logDensity, score, mean, responsibilities);
    for (int i = 0, next; i < left; i = next) {
      next = i + 1;
      while (next < left && scratch.outside(next) == scratch.outside(next - 1) + 1) {
        next++;
      }
      differences(tile, row + scratch.outside(i), row + scratch.outside(next - 1) + 1);
    }
  }

  private void differences(FloatTile tile, long first, long end) {
    int tileRows = differenceRows();
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
      // Components of zero weight; NaN in a row that failed.
      float absent = 0f * tile.weights[lane];
      for (int k = 0; index.length < all && k < all; k++) {
        responsibilities.setAtIndex(ELEMENT, base + k, absent);
      }
      for (int k = 0; k < index.length; k++) {
        float weight = tile.weights[k * GROUP + lane] * tile.inverseTotal[lane];
        responsibilities.setAtIndex(ELEMENT, base + index[k], weight);
      }
    }
  }
}
