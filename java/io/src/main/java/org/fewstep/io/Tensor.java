package org.fewstep.io;

import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.ByteOrder;
import java.util.Arrays;
import java.util.Objects;
import java.util.stream.Collectors;

/**
 * Numbers of one type in a shape, as safetensors files hold them: row-major, the last index
 * fastest.
 *
 * <p>Immutable: arrays are copied on their way in and out. Tensors are equal if they have the same
 * type, shape and bits.
 */
public final class Tensor {

  /** The types that are read and written, by the names that the format gives them. */
  public enum Type {
    /** float32. */
    F32(ValueLayout.JAVA_FLOAT_UNALIGNED),
    /** float64. */
    F64(ValueLayout.JAVA_DOUBLE_UNALIGNED),
    /** Signed integers of 64 bits. */
    I64(ValueLayout.JAVA_LONG_UNALIGNED),
    /** Unsigned integers of 8 bits. */
    U8(ValueLayout.JAVA_BYTE);

    private final ValueLayout layout;

    Type(ValueLayout layout) {
      this.layout = layout;
    }

    /** The size of one number in bytes. */
    public int bytes() {
      return (int) layout.byteSize();
    }

    /** One number in a byte order. */
    ValueLayout layout(ByteOrder order) {
      return layout.withOrder(order);
    }
  }

  private final Type type;
  private final long[] shape;
  private final MemorySegment values;

  private Tensor(Type type, MemorySegment values, long[] shape) {
    this.type = type;
    this.values = values;
    this.shape = shape;
  }

  /**
   * A tensor of float64.
   *
   * @param shape the extents, >= 0, with as many values together; without any, [n] of n values
   */
  public static Tensor of(double[] values, long... shape) {
    return of(Type.F64, MemorySegment.ofArray(values.clone()), values.length, shape);
  }

  /** A tensor of float32; see {@link #of(double[], long...)}. */
  public static Tensor of(float[] values, long... shape) {
    return of(Type.F32, MemorySegment.ofArray(values.clone()), values.length, shape);
  }

  /** A tensor of integers; see {@link #of(double[], long...)}. */
  public static Tensor of(long[] values, long... shape) {
    return of(Type.I64, MemorySegment.ofArray(values.clone()), values.length, shape);
  }

  /** A tensor of unsigned bytes; see {@link #of(double[], long...)}. */
  public static Tensor of(byte[] values, long... shape) {
    return of(Type.U8, MemorySegment.ofArray(values.clone()), values.length, shape);
  }

  /** One float64, of shape []. */
  public static Tensor scalar(double value) {
    return new Tensor(Type.F64, MemorySegment.ofArray(new double[] {value}), new long[0]);
  }

  /** One integer, of shape []. */
  public static Tensor scalar(long value) {
    return new Tensor(Type.I64, MemorySegment.ofArray(new long[] {value}), new long[0]);
  }

  private static Tensor of(Type type, MemorySegment values, int count, long[] shape) {
    if (shape.length == 0) {
      return new Tensor(type, values, new long[] {count});
    }
    if (count(shape) != count) {
      throw new IllegalArgumentException(
          "shape must hold the %d values, but is %s".formatted(count, describe(shape)));
    }
    return new Tensor(type, values, shape.clone());
  }

  /** A tensor of zeros, whose memory the reader fills before it hands it out. */
  static Tensor allocate(Type type, long[] shape) {
    int count = Math.toIntExact(count(shape));
    MemorySegment values =
        switch (type) {
          case F32 -> MemorySegment.ofArray(new float[count]);
          case F64 -> MemorySegment.ofArray(new double[count]);
          case I64 -> MemorySegment.ofArray(new long[count]);
          case U8 -> MemorySegment.ofArray(new byte[count]);
        };
    return new Tensor(type, values, shape);
  }

  /** The number of values in a shape, or -1 if an extent is negative or there are 2^63 or more. */
  static long count(long... shape) {
    long count = 1;
    for (long extent : shape) {
      if (extent < 0 || Math.multiplyHigh(count, extent) != 0 || count * extent < 0) {
        return -1;
      }
      count *= extent;
    }
    return count;
  }

  /** A shape as messages show it, such as {@code [2, 3]}. */
  static String describe(long... shape) {
    return Arrays.stream(shape)
        .mapToObj(Long::toString)
        .collect(Collectors.joining(", ", "[", "]"));
  }

  /** The type of the numbers. */
  public Type type() {
    return type;
  }

  /** A copy of the extents; none for a single number. */
  public long[] shape() {
    return shape.clone();
  }

  /** The number of values, fewer than 2^31. */
  public int count() {
    return (int) (values.byteSize() / type.bytes());
  }

  /**
   * A copy of the values of a tensor of float64, or of float32, which are widened.
   *
   * @throws IllegalArgumentException if it holds integers
   */
  public double[] toDoubles() {
    if (type == Type.F32) {
      float[] narrow = values.toArray(ValueLayout.JAVA_FLOAT);
      double[] wide = new double[narrow.length];
      for (int i = 0; i < wide.length; i++) {
        wide[i] = narrow[i];
      }
      return wide;
    }
    requireType("F64 or F32", Type.F64);
    return values.toArray(ValueLayout.JAVA_DOUBLE);
  }

  /**
   * A copy of the values of a tensor of float32.
   *
   * @throws IllegalArgumentException if it is of another type
   */
  public float[] toFloats() {
    requireType("F32", Type.F32);
    return values.toArray(ValueLayout.JAVA_FLOAT);
  }

  /**
   * A copy of the values of a tensor of integers.
   *
   * @throws IllegalArgumentException if it is of another type
   */
  public long[] toLongs() {
    requireType("I64", Type.I64);
    return values.toArray(ValueLayout.JAVA_LONG);
  }

  /**
   * A copy of the values of a tensor of unsigned bytes.
   *
   * @throws IllegalArgumentException if it is of another type
   */
  public byte[] toBytes() {
    requireType("U8", Type.U8);
    return values.toArray(ValueLayout.JAVA_BYTE);
  }

  private void requireType(String wanted, Type needed) {
    if (type != needed) {
      throw new IllegalArgumentException("must be of type %s, but is %s".formatted(wanted, this));
    }
  }

  /** The values in the machine's byte order; for the reader and the writer only. */
  MemorySegment memory() {
    return values;
  }

  @Override
  public boolean equals(Object other) {
    return other instanceof Tensor tensor
        && tensor.type == type
        && Arrays.equals(tensor.shape, shape)
        && tensor.values.mismatch(values) == -1;
  }

  @Override
  public int hashCode() {
    return Objects.hash(type, Arrays.hashCode(shape));
  }

  /** The type and the shape, such as {@code F64[2, 3]}. */
  @Override
  public String toString() {
    return type + describe(shape);
  }
}
