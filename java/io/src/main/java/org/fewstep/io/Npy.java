package org.fewstep.io;

import java.io.EOFException;
import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.channels.FileChannel;
import java.nio.file.Path;
import java.util.List;
import org.fewstep.backend.Batch;
import org.fewstep.backend.Precision;

/**
 * Arrays in NumPy's .npy format (versions 1.0, 2.0 and 3.0).
 *
 * <p>Read: float32 and float64 of either byte order, in C or Fortran order, of one or two
 * dimensions; anything else is refused with its cure. A header that claims more or less than the
 * file holds is refused before any memory is taken for it. Written: little-endian, C order, version
 * 1.0, byte for byte what NumPy writes.
 */
public final class Npy {

  private static final int CHUNK_BYTES = 1 << 18;
  private static final ValueLayout.OfFloat FLOAT = ValueLayout.JAVA_FLOAT_UNALIGNED;
  private static final ValueLayout.OfDouble DOUBLE = ValueLayout.JAVA_DOUBLE_UNALIGNED;

  private Npy() {}

  /**
   * Reads an array of shape [n,d], or [n] as [n,1], into host memory.
   *
   * @param precision the precision wanted; float64 is rounded to float32 and float32 widened
   * @return a batch that the caller closes; it may hold NaN and infinities, and n may be 0
   * @throws FileFormatException if the file is not such an array
   * @throws IllegalArgumentException if its memory is not to be had
   * @throws IOException if the file is missing or cannot be read
   */
  public static Batch read(Path path, Precision precision) throws IOException {
    try (FileChannel channel = InputFile.open(path)) {
      NpyHeader header = NpyHeader.read(path, channel);
      Batch batch = Batch.allocateHost(header.rows(), header.columns(), precision);
      try {
        readElements(path, channel, header, batch);
        return batch;
      } catch (IOException | RuntimeException | Error e) {
        batch.close();
        throw e;
      }
    }
  }

  private static void readElements(Path path, FileChannel channel, NpyHeader header, Batch batch)
      throws IOException {
    int size = header.precision().bytes();
    long total = header.rows() * header.columns();
    try (Arena arena = Arena.ofConfined()) {
      MemorySegment chunk = arena.allocate(CHUNK_BYTES);
      ByteBuffer buffer = chunk.asByteBuffer();
      for (long first = 0; first < total; ) {
        int count = (int) Math.min(CHUNK_BYTES / size, total - first);
        fill(path, channel, buffer.clear().limit(count * size));
        if (header.precision() == batch.precision() && !header.fortranOrder()) {
          copyElements(chunk, header, batch, first, count);
        } else {
          convertElements(chunk, header, batch, first, count);
        }
        first += count;
      }
    }
  }

  private static void fill(Path path, FileChannel channel, ByteBuffer buffer) throws IOException {
    while (buffer.hasRemaining()) {
      if (channel.read(buffer) < 0) {
        throw new EOFException(path + " became shorter while it was read");
      }
    }
  }

  private static void copyElements(
      MemorySegment chunk, NpyHeader header, Batch batch, long first, int count) {
    ValueLayout layout = batch.precision() == Precision.FLOAT32 ? FLOAT : DOUBLE;
    MemorySegment.copy(
        chunk,
        layout.withOrder(header.order()),
        0,
        batch.memory(),
        layout,
        first * batch.precision().bytes(),
        count);
  }

  private static void convertElements(
      MemorySegment chunk, NpyHeader header, Batch batch, long first, int count) {
    ValueLayout.OfFloat floats = FLOAT.withOrder(header.order());
    ValueLayout.OfDouble doubles = DOUBLE.withOrder(header.order());
    boolean narrow = header.precision() == Precision.FLOAT32;
    long rows = header.rows();
    int columns = header.columns();
    for (int i = 0; i < count; i++) {
      double value = narrow ? chunk.getAtIndex(floats, i) : chunk.getAtIndex(doubles, i);
      long element = first + i;
      if (header.fortranOrder()) {
        batch.set(element % rows, (int) (element / rows), value);
      } else {
        batch.set(element / columns, (int) (element % columns), value);
      }
    }
  }

  /** Writes a batch as an array [n,d] of its precision. See {@link AtomicFile}. */
  public static void write(Path path, Batch batch) throws IOException {
    write(path, List.of(batch), batch.rows(), batch.columns());
  }

  /** Writes a batch of one column as an array [n] of its precision. See {@link AtomicFile}. */
  public static void writeVector(Path path, Batch batch) throws IOException {
    if (batch.columns() != 1) {
      throw new IllegalArgumentException(
          "batch must have one column to be written as a vector, but is " + batch);
    }
    write(path, List.of(batch), batch.rows());
  }

  /**
   * Writes batches of one shape and precision as an array [s,n,d]. See {@link AtomicFile}.
   *
   * @throws IllegalArgumentException if there is none or they differ
   */
  public static void writeStack(Path path, List<Batch> batches) throws IOException {
    if (batches.isEmpty()) {
      throw new IllegalArgumentException("batches must not be empty");
    }
    Batch like = batches.getFirst();
    for (Batch batch : batches) {
      if (batch.rows() != like.rows()
          || batch.columns() != like.columns()
          || batch.precision() != like.precision()) {
        throw new IllegalArgumentException(
            "batches must be like the first one, %s, but one is %s".formatted(like, batch));
      }
    }
    write(path, batches, batches.size(), like.rows(), like.columns());
  }

  private static void write(Path path, List<Batch> batches, long... shape) throws IOException {
    Precision precision = batches.getFirst().precision();
    AtomicFile.write(
        path,
        channel -> {
          writeAll(channel, ByteBuffer.wrap(NpyHeader.encode(precision, shape)));
          for (Batch batch : batches) {
            writeElements(channel, batch);
          }
        });
  }

  private static void writeElements(FileChannel channel, Batch batch) throws IOException {
    long slice = Math.max(1, CHUNK_BYTES / batch.precision().bytes() / batch.columns());
    for (long row = 0; row < batch.rows(); row += slice) {
      Batch rows = batch.slice(row, Math.min(slice, batch.rows() - row));
      if (rows.onHost()) {
        writeHost(channel, rows);
      } else {
        try (Batch staging = Batch.allocateHost(rows.rows(), rows.columns(), rows.precision())) {
          staging.copyFrom(rows);
          writeHost(channel, staging);
        }
      }
    }
  }

  /** Goes through a copy in little-endian order, which is cheap beside the file system. */
  private static void writeHost(FileChannel channel, Batch batch) throws IOException {
    ValueLayout layout = batch.precision() == Precision.FLOAT32 ? FLOAT : DOUBLE;
    try (Arena arena = Arena.ofConfined()) {
      MemorySegment copy = arena.allocate(batch.memory().byteSize());
      long count = batch.rows() * batch.columns();
      MemorySegment.copy(
          batch.memory(), layout, 0, copy, layout.withOrder(ByteOrder.LITTLE_ENDIAN), 0, count);
      writeAll(channel, copy.asByteBuffer());
    }
  }

  private static void writeAll(FileChannel channel, ByteBuffer bytes) throws IOException {
    while (bytes.hasRemaining()) {
      channel.write(bytes);
    }
  }
}
