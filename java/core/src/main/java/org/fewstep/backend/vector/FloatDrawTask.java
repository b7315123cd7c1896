package org.fewstep.backend.vector;

import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import org.fewstep.backend.Batch;
import org.fewstep.backend.Philox;
import org.fewstep.backend.WorkerPool;

/** Rows of a batch drawn with replacement. */
final class FloatDrawTask implements WorkerPool.Task {

  private static final ValueLayout.OfFloat ELEMENT = ValueLayout.JAVA_FLOAT_UNALIGNED;

  /** Up to so many columns, elements one by one are quicker than a copy in bulk. */
  private static final int FEW_COLUMNS = 8;

  private final FloatTile[] tiles;
  private MemorySegment out;
  private MemorySegment source;
  private int columns;
  private long sourceRows;
  private long seed;
  private long start;

  FloatDrawTask(FloatTile[] tiles) {
    this.tiles = tiles;
  }

  void prepare(Batch drawn, Batch from, long seedOfStream, long first) {
    out = drawn.memory();
    source = from.memory();
    columns = drawn.columns();
    sourceRows = from.rows();
    seed = seedOfStream;
    start = first;
  }

  /** Forgets the batches of the call. */
  void clear() {
    out = null;
    source = null;
  }

  @Override
  public void run(int worker, long first, long end) {
    double[] uniforms = tiles[worker].numbers;
    for (long row = first; row < end; row += uniforms.length) {
      int count = (int) Math.min(uniforms.length, end - row);
      Philox.uniform(seed, start + row, uniforms, 0, count);
      for (int i = 0; i < count; i++) {
        copy((long) (uniforms[i] * sourceRows), row + i);
      }
    }
  }

  private void copy(long from, long to) {
    if (columns > FEW_COLUMNS) {
      long bytes = (long) columns * Float.BYTES;
      MemorySegment.copy(source, from * bytes, out, to * bytes, bytes);
    } else {
      for (int i = 0; i < columns; i++) {
        out.setAtIndex(ELEMENT, to * columns + i, source.getAtIndex(ELEMENT, from * columns + i));
      }
    }
  }
}
