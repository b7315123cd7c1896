package org.fewstep.backend.vector;

import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import org.fewstep.backend.Batch;
import org.fewstep.backend.Philox;
import org.fewstep.backend.WorkerPool;

/** Fills rows of a batch from the Philox stream. */
final class FloatRandomTask implements WorkerPool.Task {

  private static final ValueLayout.OfFloat ELEMENT = ValueLayout.JAVA_FLOAT_UNALIGNED;

  /** What a uniform becomes that rounds to 1. */
  private static final float BELOW_ONE = Math.nextDown(1f);

  private final FloatTile[] tiles;
  private MemorySegment out;
  private int columns;
  private long seed;
  private long first;
  private boolean normal;

  FloatRandomTask(FloatTile[] tiles) {
    this.tiles = tiles;
  }

  void prepare(Batch batch, long seed, long first, boolean normal) {
    this.out = batch.memory();
    this.columns = batch.columns();
    this.seed = seed;
    this.first = first;
    this.normal = normal;
  }

  /** Forgets the batch of the call. */
  void clear() {
    out = null;
  }

  @Override
  public void run(int worker, long firstRow, long endRow) {
    double[] buffer = tiles[worker].numbers;
    long end = endRow * columns;
    for (long e = firstRow * columns; e < end; e += buffer.length) {
      int count = (int) Math.min(buffer.length, end - e);
      if (normal) {
        Philox.normal(seed, first + e, buffer, 0, count);
      } else {
        Philox.uniform(seed, first + e, buffer, 0, count);
      }
      for (int i = 0; i < count; i++) {
        float value = (float) buffer[i];
        out.setAtIndex(ELEMENT, e + i, normal ? value : Math.min(value, BELOW_ONE));
      }
    }
  }
}
