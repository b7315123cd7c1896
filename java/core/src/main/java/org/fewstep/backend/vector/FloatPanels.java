package org.fewstep.backend.vector;

import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;

/**
 * Copies rows of any number of columns between row-major memory and groups of lanes, like {@link
 * FloatRows}, but many columns by transposing blocks in vectors.
 */
final class FloatPanels {

  private static final int LENGTH = FloatLanes.LENGTH;
  private static final int GROUP = FloatLanes.GROUP;
  private static final ValueLayout.OfFloat ELEMENT = ValueLayout.JAVA_FLOAT_UNALIGNED;

  /** What is written of columns that are not there, behind the last row. */
  static final int SLACK = LENGTH;

  private final float[] scratch = new float[FloatTranspose.SCRATCH];

  /** Row-major rows on their way in or out, padded to whole groups. */
  private float[] stage = new float[0];

  /** Makes room for so many elements of whole groups. */
  void reserve(int elements) {
    stage = FloatTile.grown(stage, elements + SLACK);
  }

  /**
   * Reads rows; the lanes behind the last one repeat it.
   *
   * @param groups where they go, {@code [groups][columns][GROUP]}, with room for {@link #SLACK}
   *     more coordinates
   */
  void load(MemorySegment memory, long first, int rows, int columns, float[] groups) {
    if (columns <= LENGTH / 2) {
      FloatRows.load(memory, first, rows, columns, stage, groups);
      return;
    }
    MemorySegment.copy(memory, ELEMENT, first * columns * Float.BYTES, stage, 0, rows * columns);
    int padded = Math.ceilDiv(rows, GROUP) * GROUP;
    for (int row = rows; row < padded; row++) {
      System.arraycopy(stage, (rows - 1) * columns, stage, row * columns, columns);
    }
    for (int row = 0; row < padded; row += LENGTH) {
      int to = row / GROUP * columns * GROUP + row % GROUP;
      for (int i = 0; i < columns; i += LENGTH) {
        FloatTranspose.block(
            stage, row * columns + i, columns, groups, to + i * GROUP, GROUP, scratch);
      }
    }
  }

  /** Writes rows; the inverse of {@link #load}. */
  void store(float[] groups, MemorySegment memory, long first, int rows, int columns) {
    if (columns <= LENGTH / 2) {
      FloatRows.store(groups, stage, memory, first, rows, columns);
      return;
    }
    int padded = Math.ceilDiv(rows, GROUP) * GROUP;
    for (int row = 0; row < padded; row += LENGTH) {
      int from = row / GROUP * columns * GROUP + row % GROUP;
      // From the last column on: a block that goes beyond it spoils the start of the next row.
      for (int i = (columns - 1) / LENGTH * LENGTH; i >= 0; i -= LENGTH) {
        FloatTranspose.block(
            groups, from + i * GROUP, GROUP, stage, row * columns + i, columns, scratch);
      }
    }
    MemorySegment.copy(stage, 0, memory, ELEMENT, first * columns * Float.BYTES, rows * columns);
  }
}
