package org.fewstep.backend;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.Objects;
import java.util.concurrent.atomic.AtomicBoolean;

/**
 * n rows by d columns of float32 or float64, row-major and dense, in host memory or in a backend's
 * own.
 *
 * <p>A batch that {@link Backend#allocate} made is owned by its creator, who closes it; closing
 * twice is harmless, and use after closing is an {@link IllegalStateException}. A batch made by
 * {@link #wrap} or {@link #slice} never owns its memory: closing it does nothing to the memory, and
 * it must not outlive the owner. Batches in host memory may be handed to any backend that works on
 * host memory. A batch may be read from many threads; writers order themselves.
 */
public final class Batch implements AutoCloseable {

  /** The name of the memory space of the host. */
  public static final String HOST = "host";

  /** The alignment of allocated host memory in bytes: one cache line, one 512-bit vector. */
  public static final long ALIGNMENT = 64;

  private static final ValueLayout.OfFloat FLOAT = ValueLayout.JAVA_FLOAT_UNALIGNED;
  private static final ValueLayout.OfDouble DOUBLE = ValueLayout.JAVA_DOUBLE_UNALIGNED;

  /** Never started: asked about only, as memory tells confinement by its threads. */
  private static final Thread ANOTHER_THREAD = Thread.ofPlatform().unstarted(() -> {});

  private final BatchStorage storage;
  private final MemorySegment memory;
  private final boolean host;
  private final long offset;
  private final long rows;
  private final int columns;
  private final Precision precision;
  private final AtomicBoolean closed;
  private final boolean owner;

  private Batch(
      BatchStorage storage,
      long offset,
      long rows,
      int columns,
      Precision precision,
      AtomicBoolean closed,
      boolean owner) {
    this.storage = storage;
    this.offset = offset;
    this.rows = rows;
    this.columns = columns;
    this.precision = precision;
    this.closed = closed;
    this.owner = owner;
    this.host = storage.space().equals(HOST);
    this.memory = storage.memory().asSlice(offset, rows * columns * precision.bytes());
  }

  /**
   * A batch that owns host memory, zeroed, aligned to {@link #ALIGNMENT}.
   *
   * @throws IllegalArgumentException if rows or columns are out of range, or the memory is not to
   *     be had
   */
  public static Batch allocateHost(long rows, int columns, Precision precision) {
    long size = bytes(rows, columns, precision);
    try {
      return new Batch(
          new HostStorage(size), 0, rows, columns, precision, new AtomicBoolean(), true);
    } catch (OutOfMemoryError e) {
      throw new IllegalArgumentException(
          "rows x columns = %d x %d needs %.1f GiB, which this machine or its JVM does not have;"
                  .formatted(rows, columns, size / (double) (1L << 30))
              + " use smaller batches or raise -XX:MaxDirectMemorySize",
          e);
    }
  }

  /** A batch over a backend's own memory; for implementers of backends. */
  public static Batch of(BatchStorage storage, long rows, int columns, Precision precision) {
    requireFits(storage.memory(), bytes(rows, columns, precision));
    return new Batch(storage, 0, rows, columns, precision, new AtomicBoolean(), true);
  }

  /**
   * A view of host memory, heap or native, that somebody else owns. Backends split rows over
   * threads, so native memory must come from a shared, automatic or global arena.
   *
   * @throws IllegalArgumentException if the segment is smaller than rows x columns elements, or
   *     confined to one thread
   */
  public static Batch wrap(MemorySegment memory, long rows, int columns, Precision precision) {
    requireFits(memory, bytes(rows, columns, precision));
    if (!memory.isAccessibleBy(ANOTHER_THREAD)) {
      throw new IllegalArgumentException(
          "memory must be accessible from every thread, but is confined to "
              + "one; allocate it in Arena.ofShared() or Arena.ofAuto()");
    }
    return new Batch(
        new ForeignStorage(memory), 0, rows, columns, precision, new AtomicBoolean(), false);
  }

  /** A view of an array; its length must be a multiple of {@code columns}. */
  public static Batch wrap(float[] values, int columns) {
    return wrap(
        MemorySegment.ofArray(values), rowsOf(values.length, columns), columns, Precision.FLOAT32);
  }

  /** A view of an array; its length must be a multiple of {@code columns}. */
  public static Batch wrap(double[] values, int columns) {
    return wrap(
        MemorySegment.ofArray(values), rowsOf(values.length, columns), columns, Precision.FLOAT64);
  }

  /**
   * A view of {@code count} rows from row {@code first} on, closed when this batch is.
   *
   * @throws IllegalArgumentException if the rows are not within this batch
   */
  public Batch slice(long first, long count) {
    if (first < 0 || count < 0 || first > rows - count) {
      throw new IllegalArgumentException(
          "first and count must name rows within [0, %d), but are %d and %d"
              .formatted(rows, first, count));
    }
    long bytes = first * columns * precision.bytes();
    return new Batch(storage, offset + bytes, count, columns, precision, closed, false);
  }

  /** The number of rows n >= 0. */
  public long rows() {
    return rows;
  }

  /** The number of columns d >= 1. */
  public int columns() {
    return columns;
  }

  /** The element type. */
  public Precision precision() {
    return precision;
  }

  /** The memory space: {@value #HOST}, or a backend's own. */
  public String space() {
    return storage.space();
  }

  /** Whether the elements are in host memory. */
  public boolean onHost() {
    return host;
  }

  /**
   * The elements: n x d values, row-major, little-endian. Only of a batch in host memory may the
   * segment be read; in another space it tells the address.
   *
   * @throws IllegalStateException if this batch is closed
   */
  public MemorySegment memory() {
    requireOpen();
    return memory;
  }

  /** Element (row, column), widened to double. Convenient, not quick. */
  public double get(long row, int column) {
    requireHost();
    long index = index(row, column);
    return precision == Precision.FLOAT32
        ? memory.getAtIndex(FLOAT, index)
        : memory.getAtIndex(DOUBLE, index);
  }

  /** Sets element (row, column), rounding to the precision. Convenient, not quick. */
  public void set(long row, int column, double value) {
    requireHost();
    long index = index(row, column);
    if (precision == Precision.FLOAT32) {
      memory.setAtIndex(FLOAT, index, (float) value);
    } else {
      memory.setAtIndex(DOUBLE, index, value);
    }
  }

  private long index(long row, int column) {
    return Objects.checkIndex(row, rows) * columns + Objects.checkIndex(column, columns);
  }

  /** A copy of all elements as floats, row-major; float64 is rounded. Waits for the backend. */
  public float[] toFloatArray() {
    int length = arrayLength();
    float[] values = new float[length];
    if (precision == Precision.FLOAT32) {
      read(MemorySegment.ofArray(values));
    } else {
      double[] wide = toDoubleArray();
      for (int i = 0; i < length; i++) {
        values[i] = (float) wide[i];
      }
    }
    return values;
  }

  /** A copy of all elements as doubles, row-major. Waits for the backend. */
  public double[] toDoubleArray() {
    int length = arrayLength();
    double[] values = new double[length];
    if (precision == Precision.FLOAT64) {
      read(MemorySegment.ofArray(values));
    } else {
      float[] narrow = toFloatArray();
      for (int i = 0; i < length; i++) {
        values[i] = narrow[i];
      }
    }
    return values;
  }

  /** Sets all elements from an array of n x d values, row-major, rounding to the precision. */
  public void copyFrom(double[] values) {
    requireLength(values.length);
    if (precision == Precision.FLOAT64) {
      write(MemorySegment.ofArray(values));
    } else {
      float[] narrow = new float[values.length];
      for (int i = 0; i < values.length; i++) {
        narrow[i] = (float) values[i];
      }
      write(MemorySegment.ofArray(narrow));
    }
  }

  /** Sets all elements from an array of n x d values, row-major. */
  public void copyFrom(float[] values) {
    requireLength(values.length);
    if (precision == Precision.FLOAT32) {
      write(MemorySegment.ofArray(values));
    } else {
      double[] wide = new double[values.length];
      for (int i = 0; i < values.length; i++) {
        wide[i] = values[i];
      }
      write(MemorySegment.ofArray(wide));
    }
  }

  /** Copies the elements of a batch of the same shape and precision, whatever its space. */
  public void copyFrom(Batch source) {
    if (source.rows != rows || source.columns != columns || source.precision != precision) {
      throw new IllegalArgumentException(
          "source must be like this batch, %s, but is %s".formatted(this, source));
    }
    if (source.host) {
      write(source.memory());
    } else if (host) {
      source.read(memory());
    } else if (!copyInPlace(source)) {
      try (Batch staging = allocateHost(rows, columns, precision)) {
        source.read(staging.memory());
        write(staging.memory());
      }
    }
  }

  private boolean copyInPlace(Batch source) {
    requireOpen();
    source.requireOpen();
    return storage.copy(offset, source.storage, source.offset, memory.byteSize());
  }

  private void read(MemorySegment target) {
    requireOpen();
    storage.read(offset, target, memory.byteSize());
  }

  private void write(MemorySegment source) {
    requireOpen();
    storage.write(offset, source, memory.byteSize());
  }

  /** Whether this batch, or the one it is a view of, was closed. */
  public boolean isClosed() {
    return closed.get();
  }

  /** Frees the memory if this batch owns it. Harmless when repeated. */
  @Override
  public void close() {
    if (owner && closed.compareAndSet(false, true)) {
      storage.release();
    }
  }

  @Override
  public String toString() {
    return "Batch[%d x %d, %s, %s%s]"
        .formatted(rows, columns, precision, storage.space(), closed.get() ? ", closed" : "");
  }

  private void requireOpen() {
    if (closed.get()) {
      throw new IllegalStateException("this batch is closed: " + this);
    }
  }

  private void requireHost() {
    requireOpen();
    if (!host) {
      throw new IllegalStateException(
          "this batch is not in host memory; copy it to a host batch first: " + this);
    }
  }

  private int arrayLength() {
    long length = rows * columns;
    if (length > Integer.MAX_VALUE - 8) {
      throw new IllegalStateException(
          "this batch is too large for a Java array; read it by slices: " + this);
    }
    return (int) length;
  }

  private void requireLength(int length) {
    if (length != rows * columns) {
      throw new IllegalArgumentException(
          "values must have rows x columns = %d x %d elements, but has %d"
              .formatted(rows, columns, length));
    }
  }

  private static void requireFits(MemorySegment memory, long size) {
    if (memory.byteSize() < size) {
      throw new IllegalArgumentException(
          "memory must hold at least %d bytes, but has %d".formatted(size, memory.byteSize()));
    }
  }

  private static long rowsOf(int length, int columns) {
    if (columns < 1 || length % columns != 0) {
      throw new IllegalArgumentException(
          "columns must be >= 1 and divide the length %d of values, but is %d"
              .formatted(length, columns));
    }
    return length / columns;
  }

  /**
   * The bytes that a batch of that shape takes.
   *
   * @throws IllegalArgumentException if rows or columns are out of range, or more than memory can
   *     address
   */
  public static long bytes(long rows, int columns, Precision precision) {
    BatchChecks.requireGiven("precision", precision);
    if (rows < 0 || columns < 1) {
      throw new IllegalArgumentException(
          "rows must be >= 0 and columns >= 1, but are %d and %d".formatted(rows, columns));
    }
    try {
      return Math.multiplyExact(Math.multiplyExact(rows, columns), precision.bytes());
    } catch (ArithmeticException e) {
      throw new IllegalArgumentException(
          "rows x columns = %d x %d is more than memory can address".formatted(rows, columns), e);
    }
  }

  /** Host memory that a batch owns. */
  private static final class HostStorage extends ForeignStorage {

    private final Arena arena;

    private HostStorage(long size) {
      this(Arena.ofShared(), size);
    }

    private HostStorage(Arena arena, long size) {
      super(allocate(arena, size));
      this.arena = arena;
    }

    private static MemorySegment allocate(Arena arena, long size) {
      try {
        return arena.allocate(Math.max(size, 1), ALIGNMENT);
      } catch (OutOfMemoryError e) {
        arena.close();
        throw e;
      }
    }

    @Override
    public void release() {
      arena.close();
    }
  }

  /** Host memory that somebody else owns. */
  private static class ForeignStorage implements BatchStorage {

    private final MemorySegment memory;

    private ForeignStorage(MemorySegment memory) {
      this.memory = memory;
    }

    @Override
    public String space() {
      return HOST;
    }

    @Override
    public MemorySegment memory() {
      return memory;
    }

    @Override
    public void read(long offset, MemorySegment target, long size) {
      MemorySegment.copy(memory, offset, target, 0, size);
    }

    @Override
    public void write(long offset, MemorySegment source, long size) {
      MemorySegment.copy(source, 0, memory, offset, size);
    }

    @Override
    public void release() {}
  }
}
