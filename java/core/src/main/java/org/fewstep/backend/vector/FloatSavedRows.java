package org.fewstep.backend.vector;

import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;

/**
 * What the forward pass of a training saves for the backward one: the affine parts of all layers
 * but the last. Whole groups are saved as they are, a ragged last one row by row.
 */
final class FloatSavedRows {

  private static final int GROUP = FloatLanes.GROUP;
  private static final ValueLayout.OfFloat ELEMENT = ValueLayout.JAVA_FLOAT_UNALIGNED;

  private FloatSavedRows() {}

  /** Saves the rows of a tile. */
  static void store(
      FloatNetworkScratch scratch,
      FloatTrainee network,
      MemorySegment saved,
      long first,
      int rows) {
    int hidden = network.hidden();
    int stride = network.layers.affineStride();
    for (int row = 0; row < rows; row += GROUP) {
      int from = row / GROUP * stride;
      if (rows - row >= GROUP) {
        long at = (first + row) * hidden * Float.BYTES;
        MemorySegment.copy(scratch.affine, from, saved, ELEMENT, at, hidden * GROUP);
      } else {
        System.arraycopy(scratch.affine, from, scratch.ragged, 0, hidden * GROUP);
        scratch.panels.store(scratch.ragged, saved, first + row, rows - row, hidden);
      }
    }
  }

  /** Reads the rows of a tile back; the lanes behind the last one repeat it. */
  static void load(
      FloatNetworkScratch scratch,
      FloatTrainee network,
      MemorySegment saved,
      long first,
      int rows) {
    int hidden = network.hidden();
    int stride = network.layers.affineStride();
    for (int row = 0; row < rows; row += GROUP) {
      int to = row / GROUP * stride;
      if (rows - row >= GROUP) {
        long at = (first + row) * hidden * Float.BYTES;
        MemorySegment.copy(saved, ELEMENT, at, scratch.affine, to, hidden * GROUP);
      } else {
        scratch.panels.load(saved, first + row, rows - row, hidden, scratch.ragged);
        System.arraycopy(scratch.ragged, 0, scratch.affine, to, hidden * GROUP);
      }
    }
  }
}
