package org.fewstep.backend.scalar;

import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import org.fewstep.backend.Batch;
import org.fewstep.backend.Precision;

/** Elements of host batches as doubles: widened when read, rounded when written. */
final class Elements {

  private static final ValueLayout.OfFloat FLOAT = ValueLayout.JAVA_FLOAT_UNALIGNED;
  private static final ValueLayout.OfDouble DOUBLE = ValueLayout.JAVA_DOUBLE_UNALIGNED;

  private Elements() {}

  /** Element {@code index} of a batch in row-major order. */
  static double get(Batch batch, long index) {
    MemorySegment memory = batch.memory();
    return batch.precision() == Precision.FLOAT32
        ? memory.getAtIndex(FLOAT, index)
        : memory.getAtIndex(DOUBLE, index);
  }

  /** Sets element {@code index} of a batch in row-major order. */
  static void set(Batch batch, long index, double value) {
    MemorySegment memory = batch.memory();
    if (batch.precision() == Precision.FLOAT32) {
      memory.setAtIndex(FLOAT, index, (float) value);
    } else {
      memory.setAtIndex(DOUBLE, index, value);
    }
  }

  /** Reads a row into an array from {@code offset} on. */
  static void loadRow(Batch batch, long row, double[] to, int offset) {
    int columns = batch.columns();
    for (int i = 0; i < columns; i++) {
      to[offset + i] = get(batch, row * columns + i);
    }
  }

  /** Writes a row from an array from {@code offset} on. */
  static void storeRow(Batch batch, long row, double[] from, int offset) {
    int columns = batch.columns();
    for (int i = 0; i < columns; i++) {
      set(batch, row * columns + i, from[offset + i]);
    }
  }

  /** Fills a row with NaN; nothing if the batch is null. */
  static void storeNaN(Batch batch, long row) {
    if (batch != null) {
      int columns = batch.columns();
      for (int i = 0; i < columns; i++) {
        set(batch, row * columns + i, Double.NaN);
      }
    }
  }

  /** Whether {@code count} values from {@code offset} on are neither NaN nor infinite. */
  static boolean allFinite(double[] values, int offset, int count) {
    for (int i = offset; i < offset + count; i++) {
      if (!Double.isFinite(values[i])) {
        return false;
      }
    }
    return true;
  }
}
