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
    } else if (columns == 4) {
      unzipFour(stage, groups, padded);
    } else if (columns == 8) {
      unzipEight(stage, groups, padded);
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
    } else if (columns == 4) {
      zipFour(groups, stage, padded);
    } else if (columns == 8) {
      zipEight(groups, stage, padded);
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

  /** Two rounds of {@link #unzip} in registers: even and odd columns, then the columns of each. */
  private static void unzipFour(float[] stage, float[] groups, int padded) {
    for (int o = 0; o < 4 * padded; o += 4 * GROUP) {
      for (int half = 0; half < GROUP; half += LENGTH) {
        int from = o + 4 * half;
        FloatVector a = FloatVector.fromArray(SPECIES, stage, from);
        FloatVector b = FloatVector.fromArray(SPECIES, stage, from + LENGTH);
        FloatVector c = FloatVector.fromArray(SPECIES, stage, from + 2 * LENGTH);
        FloatVector d = FloatVector.fromArray(SPECIES, stage, from + 3 * LENGTH);
        FloatVector even0 = a.rearrange(EVEN, b);
        FloatVector even1 = c.rearrange(EVEN, d);
        FloatVector odd0 = a.rearrange(ODD, b);
        FloatVector odd1 = c.rearrange(ODD, d);
        int to = o + half;
        even0.rearrange(EVEN, even1).intoArray(groups, to);
        odd0.rearrange(EVEN, odd1).intoArray(groups, to + GROUP);
        even0.rearrange(ODD, even1).intoArray(groups, to + 2 * GROUP);
        odd0.rearrange(ODD, odd1).intoArray(groups, to + 3 * GROUP);
      }
    }
  }

  /** The inverse of {@link #unzipFour}. */
  private static void zipFour(float[] groups, float[] stage, int padded) {
    for (int o = 0; o < 4 * padded; o += 4 * GROUP) {
      for (int half = 0; half < GROUP; half += LENGTH) {
        int from = o + half;
        FloatVector column0 = FloatVector.fromArray(SPECIES, groups, from);
        FloatVector column1 = FloatVector.fromArray(SPECIES, groups, from + GROUP);
        FloatVector column2 = FloatVector.fromArray(SPECIES, groups, from + 2 * GROUP);
        FloatVector column3 = FloatVector.fromArray(SPECIES, groups, from + 3 * GROUP);
        FloatVector even0 = column0.rearrange(LOW, column2);
        FloatVector even1 = column0.rearrange(HIGH, column2);
        FloatVector odd0 = column1.rearrange(LOW, column3);
        FloatVector odd1 = column1.rearrange(HIGH, column3);
        int to = o + 4 * half;
        even0.rearrange(LOW, odd0).intoArray(stage, to);
        even0.rearrange(HIGH, odd0).intoArray(stage, to + LENGTH);
        even1.rearrange(LOW, odd1).intoArray(stage, to + 2 * LENGTH);
        even1.rearrange(HIGH, odd1).intoArray(stage, to + 3 * LENGTH);
      }
    }
  }

  /** Three rounds of {@link #unzip} in registers. */
  private static void unzipEight(float[] stage, float[] groups, int padded) {
    for (int o = 0; o < 8 * padded; o += 8 * GROUP) {
      for (int half = 0; half < GROUP; half += LENGTH) {
        int from = o + 8 * half;
        FloatVector a = FloatVector.fromArray(SPECIES, stage, from);
        FloatVector b = FloatVector.fromArray(SPECIES, stage, from + LENGTH);
        FloatVector c = FloatVector.fromArray(SPECIES, stage, from + 2 * LENGTH);
        FloatVector d = FloatVector.fromArray(SPECIES, stage, from + 3 * LENGTH);
        FloatVector e = FloatVector.fromArray(SPECIES, stage, from + 4 * LENGTH);
        FloatVector f = FloatVector.fromArray(SPECIES, stage, from + 5 * LENGTH);
        FloatVector g = FloatVector.fromArray(SPECIES, stage, from + 6 * LENGTH);
        FloatVector h = FloatVector.fromArray(SPECIES, stage, from + 7 * LENGTH);
        FloatVector even0 = a.rearrange(EVEN, b);
        FloatVector even1 = c.rearrange(EVEN, d);
        FloatVector even2 = e.rearrange(EVEN, f);
        FloatVector even3 = g.rearrange(EVEN, h);
        FloatVector odd0 = a.rearrange(ODD, b);
        FloatVector odd1 = c.rearrange(ODD, d);
        FloatVector odd2 = e.rearrange(ODD, f);
        FloatVector odd3 = g.rearrange(ODD, h);
        FloatVector mod0Low = even0.rearrange(EVEN, even1);
        FloatVector mod0High = even2.rearrange(EVEN, even3);
        FloatVector mod2Low = even0.rearrange(ODD, even1);
        FloatVector mod2High = even2.rearrange(ODD, even3);
        FloatVector mod1Low = odd0.rearrange(EVEN, odd1);
        FloatVector mod1High = odd2.rearrange(EVEN, odd3);
        FloatVector mod3Low = odd0.rearrange(ODD, odd1);
        FloatVector mod3High = odd2.rearrange(ODD, odd3);
        int to = o + half;
        mod0Low.rearrange(EVEN, mod0High).intoArray(groups, to);
        mod1Low.rearrange(EVEN, mod1High).intoArray(groups, to + GROUP);
        mod2Low.rearrange(EVEN, mod2High).intoArray(groups, to + 2 * GROUP);
        mod3Low.rearrange(EVEN, mod3High).intoArray(groups, to + 3 * GROUP);
        mod0Low.rearrange(ODD, mod0High).intoArray(groups, to + 4 * GROUP);
        mod1Low.rearrange(ODD, mod1High).intoArray(groups, to + 5 * GROUP);
        mod2Low.rearrange(ODD, mod2High).intoArray(groups, to + 6 * GROUP);
        mod3Low.rearrange(ODD, mod3High).intoArray(groups, to + 7 * GROUP);
      }
    }
  }

  /** The inverse of {@link #unzipEight}. */
  private static void zipEight(float[] groups, float[] stage, int padded) {
    for (int o = 0; o < 8 * padded; o += 8 * GROUP) {
      for (int half = 0; half < GROUP; half += LENGTH) {
        int from = o + half;
        FloatVector column0 = FloatVector.fromArray(SPECIES, groups, from);
        FloatVector column1 = FloatVector.fromArray(SPECIES, groups, from + GROUP);
        FloatVector column2 = FloatVector.fromArray(SPECIES, groups, from + 2 * GROUP);
        FloatVector column3 = FloatVector.fromArray(SPECIES, groups, from + 3 * GROUP);
        FloatVector column4 = FloatVector.fromArray(SPECIES, groups, from + 4 * GROUP);
        FloatVector column5 = FloatVector.fromArray(SPECIES, groups, from + 5 * GROUP);
        FloatVector column6 = FloatVector.fromArray(SPECIES, groups, from + 6 * GROUP);
        FloatVector column7 = FloatVector.fromArray(SPECIES, groups, from + 7 * GROUP);
        FloatVector mod0Low = column0.rearrange(LOW, column4);
        FloatVector mod0High = column0.rearrange(HIGH, column4);
        FloatVector mod1Low = column1.rearrange(LOW, column5);
        FloatVector mod1High = column1.rearrange(HIGH, column5);
        FloatVector mod2Low = column2.rearrange(LOW, column6);
        FloatVector mod2High = column2.rearrange(HIGH, column6);
        FloatVector mod3Low = column3.rearrange(LOW, column7);
        FloatVector mod3High = column3.rearrange(HIGH, column7);
        FloatVector even0 = mod0Low.rearrange(LOW, mod2Low);
        FloatVector even1 = mod0Low.rearrange(HIGH, mod2Low);
        FloatVector even2 = mod0High.rearrange(LOW, mod2High);
        FloatVector even3 = mod0High.rearrange(HIGH, mod2High);
        FloatVector odd0 = mod1Low.rearrange(LOW, mod3Low);
        FloatVector odd1 = mod1Low.rearrange(HIGH, mod3Low);
        FloatVector odd2 = mod1High.rearrange(LOW, mod3High);
        FloatVector odd3 = mod1High.rearrange(HIGH, mod3High);
        int to = o + 8 * half;
        even0.rearrange(LOW, odd0).intoArray(stage, to);
        even0.rearrange(HIGH, odd0).intoArray(stage, to + LENGTH);
        even1.rearrange(LOW, odd1).intoArray(stage, to + 2 * LENGTH);
        even1.rearrange(HIGH, odd1).intoArray(stage, to + 3 * LENGTH);
        even2.rearrange(LOW, odd2).intoArray(stage, to + 4 * LENGTH);
        even2.rearrange(HIGH, odd2).intoArray(stage, to + 5 * LENGTH);
        even3.rearrange(LOW, odd3).intoArray(stage, to + 6 * LENGTH);
        even3.rearrange(HIGH, odd3).intoArray(stage, to + 7 * LENGTH);
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
