package org.fewstep.backend.vector;

import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import jdk.incubator.vector.FloatVector;
import jdk.incubator.vector.VectorShuffle;
import jdk.incubator.vector.VectorSpecies;

/**
 * Copies rows between row-major memory and groups of lanes. Memory outside the rows named is
 * neither read nor written: the lanes of a ragged last group repeat the last row.
 */
final class FloatRows {

  private static final VectorSpecies<Float> SPECIES = FloatLanes.SPECIES;
  private static final int LENGTH = FloatLanes.LENGTH;
  private static final int GROUP = FloatLanes.GROUP;
  private static final ValueLayout.OfFloat ELEMENT = ValueLayout.JAVA_FLOAT_UNALIGNED;

  private static final VectorShuffle<Float> EVEN = VectorShuffle.makeUnzip(SPECIES, 0);
  private static final VectorShuffle<Float> ODD = VectorShuffle.makeUnzip(SPECIES, 1);
  private static final VectorShuffle<Float> LOW = VectorShuffle.makeZip(SPECIES, 0);
  private static final VectorShuffle<Float> HIGH = VectorShuffle.makeZip(SPECIES, 1);

  private FloatRows() {}

  /**
   * Reads {@code rows} rows of {@code columns} from row {@code first} on.
   *
   * @param stage scratch for the rows, padded to whole groups
   * @param groups where they go, {@code [groups][columns][GROUP]}
   */
  static void load(
      MemorySegment memory, long first, int rows, int columns, float[] stage, float[] groups) {
    int padded = (rows + GROUP - 1) / GROUP * GROUP;
    float[] target = columns == 1 ? groups : stage;
    MemorySegment.copy(memory, ELEMENT, first * columns * Float.BYTES, target, 0, rows * columns);
    for (int row = rows; row < padded; row++) {
      System.arraycopy(target, (rows - 1) * columns, target, row * columns, columns);
    }
    if (columns == 2) {
      unzip(stage, groups, padded);
    } else if (columns > 2) {
      transposeIn(stage, groups, padded, columns);
    }
  }

  /**
   * Writes {@code rows} rows of {@code columns} to row {@code first} on; inverse of {@link #load}.
   */
  static void store(
      float[] groups, float[] stage, MemorySegment memory, long first, int rows, int columns) {
    int padded = (rows + GROUP - 1) / GROUP * GROUP;
    if (columns == 2) {
      zip(groups, stage, padded);
    } else if (columns > 2) {
      transposeOut(groups, stage, padded, columns);
    }
    float[] source = columns == 1 ? groups : stage;
    MemorySegment.copy(source, 0, memory, ELEMENT, first * columns * Float.BYTES, rows * columns);
  }

  private static void unzip(float[] stage, float[] groups, int padded) {
    for (int o = 0; o < 2 * padded; o += 2 * GROUP) {
      for (int half = 0; half < GROUP; half += LENGTH) {
        FloatVector a = FloatVector.fromArray(SPECIES, stage, o + 2 * half);
        FloatVector b = FloatVector.fromArray(SPECIES, stage, o + 2 * half + LENGTH);
        a.rearrange(EVEN, b).intoArray(groups, o + half);
        a.rearrange(ODD, b).intoArray(groups, o + GROUP + half);
      }
    }
  }

  private static void zip(float[] groups, float[] stage, int padded) {
    for (int o = 0; o < 2 * padded; o += 2 * GROUP) {
      for (int half = 0; half < GROUP; half += LENGTH) {
        FloatVector a = FloatVector.fromArray(SPECIES, groups, o + half);
        FloatVector b = FloatVector.fromArray(SPECIES, groups, o + GROUP + half);
        a.rearrange(LOW, b).intoArray(stage, o + 2 * half);
        a.rearrange(HIGH, b).intoArray(stage, o + 2 * half + LENGTH);
      }
    }
  }

  private static void transposeIn(float[] stage, float[] groups, int padded, int columns) {
    for (int o = 0; o < padded * columns; o += GROUP * columns) {
      for (int i = 0; i < columns; i++) {
        int to = o + i * GROUP;
        for (int lane = 0, from = o + i; lane < GROUP; lane++, from += columns) {
          groups[to + lane] = stage[from];
        }
      }
    }
  }

  private static void transposeOut(float[] groups, float[] stage, int padded, int columns) {
    for (int o = 0; o < padded * columns; o += GROUP * columns) {
      for (int i = 0; i < columns; i++) {
        int from = o + i * GROUP;
        for (int lane = 0, to = o + i; lane < GROUP; lane++, to += columns) {
          stage[to] = groups[from + lane];
        }
      }
    }
  }
}
