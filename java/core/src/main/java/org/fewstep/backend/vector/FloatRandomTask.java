package org.fewstep.backend.vector;

import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import org.fewstep.backend.Philox;
import org.fewstep.backend.WorkerPool;

/** Fills rows of a batch from the Philox stream. */
record FloatRandomTask(
    FloatTile[] tiles, MemorySegment out, int columns, long seed, long first, boolean normal)
    implements WorkerPool.Task {

  private static final ValueLayout.OfFloat ELEMENT = ValueLayout.JAVA_FLOAT_UNALIGNED;

  /** What a uniform becomes that rounds to 1. */
  private static final float BELOW_ONE = Math.nextDown(1f);

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
