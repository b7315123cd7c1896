package org.fewstep.backend;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.Arrays;
import org.assertj.core.api.ThrowableAssert.ThrowingCallable;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

class BatchTest {

  private static void refused(String message, ThrowingCallable call) {
    assertThatThrownBy(call)
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageContaining(message);
  }

  @ParameterizedTest
  @EnumSource(Precision.class)
  void allocatedMemoryIsZeroedAndAligned(Precision precision) {
    for (int rows : new int[] {0, 1, 7}) {
      try (Batch batch = Batch.allocateHost(rows, 3, precision)) {
        assertThat(batch.rows()).isEqualTo(rows);
        assertThat(batch.columns()).isEqualTo(3);
        assertThat(batch.precision()).isEqualTo(precision);
        assertThat(batch.space()).isEqualTo(Batch.HOST);
        assertThat(batch.onHost()).isTrue();
        assertThat(batch.memory().address() % Batch.ALIGNMENT).isZero();
        assertThat(batch.memory().byteSize()).isEqualTo(3L * rows * precision.bytes());
        assertThat(batch.toDoubleArray()).hasSize(3 * rows).containsOnly(new double[3 * rows]);
      }
    }
  }

  @Test
  void arraysAreWrappedWithoutACopy() {
    float[] floats = {1, 2, 3, 4, 5, 6};
    double[] doubles = {1, 2, 3, 4, 5, 6};
    try (Batch narrow = Batch.wrap(floats, 2);
        Batch wide = Batch.wrap(doubles, 3)) {
      assertThat(narrow.rows()).isEqualTo(3);
      assertThat(wide.rows()).isEqualTo(2);
      narrow.set(2, 1, 9);
      wide.set(1, 0, 8);
      floats[0] = 7;
      assertThat(narrow.get(0, 0)).isEqualTo(7);
    }
    assertThat(floats[5]).isEqualTo(9);
    assertThat(doubles[3]).isEqualTo(8);
  }

  @Test
  void memoryConfinedToAThreadIsRefused() {
    try (Arena arena = Arena.ofConfined()) {
      MemorySegment memory = arena.allocate(64);
      refused("Arena.ofShared()", () -> Batch.wrap(memory, 2, 4, Precision.FLOAT64));
    }
  }

  @Test
  void wrappedMemoryIsNotOwned() {
    try (Arena arena = Arena.ofShared()) {
      MemorySegment memory = arena.allocate(64);
      Batch batch = Batch.wrap(memory, 2, 4, Precision.FLOAT64);
      batch.set(1, 3, 2.5);
      batch.close();
      assertThat(batch.isClosed()).isFalse();
      assertThat(memory.getAtIndex(ValueLayout.JAVA_DOUBLE, 7)).isEqualTo(2.5);
      assertThat(batch.get(1, 3)).isEqualTo(2.5);
    }
  }

  @Test
  void memoryThatIsTooSmallOrOddIsRefused() {
    MemorySegment memory = MemorySegment.ofArray(new float[5]);
    refused(
        "memory must hold at least 24 bytes, but has 20",
        () -> Batch.wrap(memory, 3, 2, Precision.FLOAT32));
    refused("columns must be >= 1 and divide the length 5", () -> Batch.wrap(new float[5], 2));
    refused("columns must be >= 1", () -> Batch.wrap(new double[5], 0));
    assertThat(Batch.wrap(new double[0], 4).rows()).isZero();
  }

  @Test
  void shapesOutOfRangeAreRefused() {
    refused(
        "rows must be >= 0 and columns >= 1, but are -1 and 2",
        () -> Batch.allocateHost(-1, 2, Precision.FLOAT32));
    refused(
        "rows must be >= 0 and columns >= 1", () -> Batch.allocateHost(1, 0, Precision.FLOAT32));
    refused(
        "is more than memory can address",
        () -> Batch.allocateHost(Long.MAX_VALUE / 4, 3, Precision.FLOAT64));
    refused(
        "GiB, which this machine or its JVM does not have",
        () -> Batch.allocateHost(1L << 50, 8, Precision.FLOAT64));
  }

  @Test
  void slicesAreViews() {
    try (Batch batch = Batch.wrap(new double[] {1, 2, 3, 4, 5, 6, 7, 8}, 2);
        Batch middle = batch.slice(1, 2);
        Batch last = middle.slice(1, 1);
        Batch none = batch.slice(4, 0)) {
      assertThat(middle.toDoubleArray()).containsExactly(3, 4, 5, 6);
      assertThat(last.toDoubleArray()).containsExactly(5, 6);
      assertThat(none.rows()).isZero();
      last.set(0, 1, 0);
      assertThat(batch.get(2, 1)).isZero();
      refused("", () -> batch.slice(3, 2));
      refused("", () -> batch.slice(-1, 2));
      refused("", () -> batch.slice(0, -1));
      refused("", () -> batch.slice(Long.MAX_VALUE, 2));
    }
  }

  @Test
  void aSliceEndsWithItsBatchAndNotBefore() {
    Batch batch = Batch.allocateHost(4, 2, Precision.FLOAT32);
    Batch slice = batch.slice(1, 2);
    slice.close();
    assertThat(batch.isClosed()).isFalse();
    assertThat(slice.isClosed()).isFalse();
    batch.close();
    batch.close();
    assertThat(slice.isClosed()).isTrue();
    for (ThrowingCallable use :
        new ThrowingCallable[] {
          slice::memory,
          batch::memory,
          () -> batch.get(0, 0),
          () -> batch.set(0, 0, 1),
          batch::toFloatArray,
          slice::toDoubleArray,
          () -> batch.copyFrom(new float[8]),
          () -> batch.slice(0, 1).memory(),
        }) {
      assertThatThrownBy(use)
          .isInstanceOf(IllegalStateException.class)
          .hasMessageContaining("closed");
    }
    assertThat(batch.toString()).contains("4 x 2").contains("FLOAT32").contains("closed");
  }

  @ParameterizedTest
  @EnumSource(Precision.class)
  void copiesRoundAndWiden(Precision precision) {
    double[] values = {1, 1e-3, 1.0 / 3, -2.5, 1e20, 0};
    double[] rounded = Arrays.stream(values).map(value -> (float) value).toArray();
    try (Batch batch = Batch.allocateHost(3, 2, precision);
        Batch other = Batch.allocateHost(3, 2, precision)) {
      batch.copyFrom(values);
      assertThat(batch.toDoubleArray())
          .isEqualTo(precision == Precision.FLOAT32 ? rounded : values);
      float[] floats = batch.toFloatArray();
      for (int i = 0; i < floats.length; i++) {
        assertThat(floats[i]).isEqualTo((float) values[i]);
      }
      other.copyFrom(floats);
      assertThat(other.toDoubleArray()).isEqualTo(rounded);
      other.copyFrom(batch);
      assertThat(other.toDoubleArray()).isEqualTo(batch.toDoubleArray());
      refused("values must have rows x columns = 3 x 2", () -> batch.copyFrom(new double[5]));
      refused("values must have", () -> batch.copyFrom(new float[7]));
    }
  }

  @Test
  void copiesOfOtherShapesAreRefused() {
    try (Batch batch = Batch.allocateHost(3, 2, Precision.FLOAT32);
        Batch wide = Batch.allocateHost(3, 2, Precision.FLOAT64);
        Batch flat = Batch.allocateHost(2, 3, Precision.FLOAT32)) {
      refused("source must be like this batch", () -> batch.copyFrom(wide));
      refused("source must be like this batch", () -> batch.copyFrom(flat));
    }
  }

  @Test
  void elementsOutsideAreRefused() {
    try (Batch batch = Batch.allocateHost(3, 2, Precision.FLOAT32)) {
      for (long row : new long[] {-1, 3}) {
        assertThatThrownBy(() -> batch.get(row, 0)).isInstanceOf(IndexOutOfBoundsException.class);
      }
      for (int column : new int[] {-1, 2}) {
        assertThatThrownBy(() -> batch.get(1, column))
            .isInstanceOf(IndexOutOfBoundsException.class);
        assertThatThrownBy(() -> batch.set(1, column, 0))
            .isInstanceOf(IndexOutOfBoundsException.class);
      }
    }
  }
}
