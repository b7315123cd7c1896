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
import java.util.LinkedHashMap;
import java.util.Map;

/**
 * Files in the safetensors format: eight bytes with the length of a JSON header, the header, the
 * data.
 *
 * <p>Read: tensors of the {@linkplain Tensor.Type types} F32, F64, I64 and U8, in any order of
 * their data. Nothing that the header says is taken for granted: lengths, shapes and offsets are
 * checked against one another and against the file before any memory is taken for data; gaps,
 * overlaps, duplicate names, unknown types and trailing bytes are refused. Headers beyond 16 MiB
 * are refused, as are tensors of 2^31 numbers or more.
 *
 * <p>Written: the same bytes for the same content and order. The header names the tensors in their
 * order and is padded with spaces to eight bytes; the data lie by falling size of their numbers, so
 * that each tensor is aligned to its own.
 */
public final class SafeTensors {

  private static final int CHUNK_BYTES = 1 << 18;
  private static final double GIBI = 1L << 30;

  private SafeTensors() {}

  /**
   * Reads a file; the tensors and the texts keep the order of the header.
   *
   * @throws FileFormatException if the file is not such a file
   * @throws IllegalArgumentException if its memory is not to be had
   * @throws IOException if the file is missing or cannot be read
   */
  public static TensorFile read(Path path) throws IOException {
    try (FileChannel channel = InputFile.open(path)) {
      SafeTensorsHeader header = SafeTensorsHeader.read(path, channel);
      requireMemory(path, header.dataBytes());
      Map<String, Tensor> tensors = new LinkedHashMap<>();
      try (Arena arena = Arena.ofConfined()) {
        MemorySegment chunk = arena.allocate(CHUNK_BYTES, Long.BYTES);
        for (SafeTensorsHeader.Entry entry : header.entries()) {
          Tensor tensor = entry.allocate();
          readValues(path, channel.position(header.dataStart() + entry.begin()), chunk, tensor);
          tensors.put(entry.name(), tensor);
        }
      }
      return new TensorFile(tensors, header.metadata());
    } catch (OutOfMemoryError e) {
      throw tooLarge(path, "more", e);
    }
  }

  private static void requireMemory(Path path, long bytes) {
    if (bytes > Runtime.getRuntime().maxMemory()) {
      throw tooLarge(path, "%.3g GiB".formatted(bytes / GIBI), null);
    }
  }

  /** The refusal of a file whose content does not fit into memory. */
  static IllegalArgumentException tooLarge(Path path, String needed, Throwable cause) {
    return new IllegalArgumentException(
        "%s: its tensors need %s of memory, but the JVM may take %.3g GiB; raise -Xmx"
            .formatted(path, needed, Runtime.getRuntime().maxMemory() / GIBI),
        cause);
  }

  private static void readValues(Path path, FileChannel channel, MemorySegment chunk, Tensor tensor)
      throws IOException {
    MemorySegment target = tensor.memory();
    ValueLayout held = tensor.type().layout(ByteOrder.nativeOrder());
    ValueLayout stored = tensor.type().layout(ByteOrder.LITTLE_ENDIAN);
    for (long done = 0; done < target.byteSize(); ) {
      int size = (int) Math.min(CHUNK_BYTES, target.byteSize() - done);
      ByteBuffer buffer = chunk.asByteBuffer().limit(size);
      while (buffer.hasRemaining()) {
        if (channel.read(buffer) < 0) {
          throw new EOFException(path + " became shorter while it was read");
        }
      }
      MemorySegment.copy(chunk, stored, 0, target, held, done, size / tensor.type().bytes());
      done += size;
    }
  }

  /**
   * Writes a file. See {@link AtomicFile}.
   *
   * @throws IllegalArgumentException if its names and texts need more than the header may hold, or
   *     have no form in UTF-8
   */
  public static void write(Path path, TensorFile file) throws IOException {
    SafeTensorsHeader header = SafeTensorsHeader.of(file);
    byte[] start = header.encode();
    AtomicFile.write(
        path,
        channel -> {
          writeAll(channel, ByteBuffer.wrap(start));
          try (Arena arena = Arena.ofConfined()) {
            MemorySegment chunk = arena.allocate(CHUNK_BYTES, Long.BYTES);
            for (SafeTensorsHeader.Entry entry : header.inOrderOfData()) {
              writeValues(channel, chunk, file.tensor(entry.name()));
            }
          }
        });
  }

  private static void writeValues(FileChannel channel, MemorySegment chunk, Tensor tensor)
      throws IOException {
    MemorySegment source = tensor.memory();
    ValueLayout held = tensor.type().layout(ByteOrder.nativeOrder());
    ValueLayout stored = tensor.type().layout(ByteOrder.LITTLE_ENDIAN);
    for (long done = 0; done < source.byteSize(); ) {
      int size = (int) Math.min(CHUNK_BYTES, source.byteSize() - done);
      MemorySegment.copy(source, held, done, chunk, stored, 0, size / tensor.type().bytes());
      writeAll(channel, chunk.asByteBuffer().limit(size));
      done += size;
    }
  }

  private static void writeAll(FileChannel channel, ByteBuffer bytes) throws IOException {
    while (bytes.hasRemaining()) {
      channel.write(bytes);
    }
  }
}
