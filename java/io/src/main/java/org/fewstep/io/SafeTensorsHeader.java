package org.fewstep.io;

import com.fasterxml.jackson.core.JsonGenerator;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.channels.FileChannel;
import java.nio.charset.CharacterCodingException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Comparator;
import java.util.List;
import java.util.Map;

/**
 * What the header of a safetensors file says, once it is known to be true of the file.
 *
 * @param entries the tensors, in the order of the header
 * @param metadata the texts by key
 * @param dataStart where in the file the data begin
 */
record SafeTensorsHeader(List<Entry> entries, Map<String, String> metadata, long dataStart) {

  /** The reference stops at 100 MB; this is room for over 100,000 tensors. */
  static final int MAX_LENGTH = 1 << 24;

  /** The length of the header, before it. */
  private static final int PREFIX = Long.BYTES;

  /**
   * One tensor.
   *
   * @param begin where its data begin, from the start of all data
   * @param end one byte after its data
   */
  record Entry(String name, Tensor.Type type, List<Long> shape, long begin, long end) {

    /** Memory for it. */
    Tensor allocate() {
      return Tensor.allocate(type, extents());
    }

    private long[] extents() {
      return shape.stream().mapToLong(Long::longValue).toArray();
    }
  }

  /** The size of all data in bytes. */
  long dataBytes() {
    return entries.stream().mapToLong(Entry::end).max().orElse(0);
  }

  /** The tensors as their data lie in the file. */
  List<Entry> inOrderOfData() {
    return entries.stream()
        .sorted(Comparator.comparingLong(Entry::begin).thenComparingLong(Entry::end))
        .toList();
  }

  /** Reads a header and checks it against the file. */
  static SafeTensorsHeader read(Path path, FileChannel channel) throws IOException {
    long length = take(path, channel, PREFIX).getLong();
    boolean tooLong = Long.compareUnsigned(length, MAX_LENGTH) > 0;
    if (tooLong || length > channel.size() - PREFIX) {
      throw new FileFormatException(
          path,
          "is not a safetensors file: it claims a header of %s bytes, which is longer than %s"
              .formatted(
                  Long.toUnsignedString(length),
                  tooLong ? "the " + MAX_LENGTH + " that a header may have" : "the file"));
    }
    ByteBuffer bytes = take(path, channel, (int) length);
    if (length < 2 || bytes.get(0) != '{') {
      throw new FileFormatException(
          path, "is not a safetensors file: its header must begin with '{'");
    }
    SafeTensorsHeader header =
        new SafeTensorsParser(path, decode(path, bytes)).parse(PREFIX + length);
    header.requireFill(path, channel.size() - header.dataStart);
    return header;
  }

  private static ByteBuffer take(Path path, FileChannel channel, int count) throws IOException {
    ByteBuffer bytes = ByteBuffer.allocate(count).order(ByteOrder.LITTLE_ENDIAN);
    while (bytes.hasRemaining()) {
      if (channel.read(bytes) < 0) {
        throw new FileFormatException(path, "is not a safetensors file: it ends within its header");
      }
    }
    return bytes.flip();
  }

  private static String decode(Path path, ByteBuffer bytes) {
    try {
      return StandardCharsets.UTF_8.newDecoder().decode(bytes).toString();
    } catch (CharacterCodingException e) {
      throw new FileFormatException(path, "must have a header in UTF-8, but has other bytes", e);
    }
  }

  /** Checks that every byte of the data belongs to one tensor. */
  private void requireFill(Path path, long available) {
    long end = 0;
    String before = null;
    for (Entry entry : inOrderOfData()) {
      if (entry.begin > end) {
        throw new FileFormatException(
            path,
            "must use all of its data, but leaves a gap from %d to %d, before the tensor %s"
                .formatted(end, entry.begin, FileFormatException.quote(entry.name)));
      }
      if (entry.begin < end) {
        throw new FileFormatException(
            path,
            "the tensors %s and %s overlap: one ends at %d, the other begins at %d"
                .formatted(
                    FileFormatException.quote(before),
                    FileFormatException.quote(entry.name),
                    end,
                    entry.begin));
      }
      end = entry.end;
      before = entry.name;
    }
    if (end != available) {
      throw new FileFormatException(
          path,
          "claims tensors of %d bytes together, but %d follow the header"
              .formatted(end, available));
    }
  }

  /** The header of a file to be written, its data by falling size of their numbers. */
  static SafeTensorsHeader of(TensorFile file) {
    long[] begins = new long[Long.BYTES + 1];
    for (int size = Long.BYTES; size > 0; size--) {
      begins[size - 1] = begins[size] + bytesOfSize(file, size);
    }
    List<Entry> entries = new ArrayList<>();
    file.tensors()
        .forEach(
            (name, tensor) -> {
              int size = tensor.type().bytes();
              long begin = begins[size];
              begins[size] += tensor.memory().byteSize();
              List<Long> shape = Arrays.stream(tensor.shape()).boxed().toList();
              entries.add(new Entry(name, tensor.type(), shape, begin, begins[size]));
            });
    return new SafeTensorsHeader(entries, file.metadata(), 0);
  }

  private static long bytesOfSize(TensorFile file, int size) {
    return file.tensors().values().stream()
        .filter(tensor -> tensor.type().bytes() == size)
        .mapToLong(tensor -> tensor.memory().byteSize())
        .sum();
  }

  /** The bytes before the data. */
  byte[] encode() {
    byte[] json = json();
    int length = Math.ceilDiv(json.length, PREFIX) * PREFIX;
    if (length > MAX_LENGTH) {
      throw new IllegalArgumentException(
          "tensors and metadata must have a header of at most %d bytes, but need %d"
              .formatted(MAX_LENGTH, length));
    }
    ByteBuffer bytes = ByteBuffer.allocate(PREFIX + length).order(ByteOrder.LITTLE_ENDIAN);
    bytes.putLong(length).put(json);
    while (bytes.hasRemaining()) {
      bytes.put((byte) ' ');
    }
    return bytes.array();
  }

  private byte[] json() {
    ByteArrayOutputStream bytes = new ByteArrayOutputStream();
    try (JsonGenerator out = SafeTensorsParser.FACTORY.createGenerator(bytes)) {
      out.writeStartObject();
      if (!metadata.isEmpty()) {
        out.writeObjectFieldStart(TensorFile.METADATA);
        for (Map.Entry<String, String> text : metadata.entrySet()) {
          out.writeStringField(encodable(text.getKey()), encodable(text.getValue()));
        }
        out.writeEndObject();
      }
      for (Entry entry : entries) {
        write(out, entry);
      }
      out.writeEndObject();
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
    return bytes.toByteArray();
  }

  private static void write(JsonGenerator out, Entry entry) throws IOException {
    out.writeObjectFieldStart(encodable(entry.name));
    out.writeStringField("dtype", entry.type.name());
    out.writeFieldName("shape");
    out.writeArray(entry.extents(), 0, entry.shape.size());
    out.writeFieldName("data_offsets");
    out.writeArray(new long[] {entry.begin, entry.end}, 0, 2);
    out.writeEndObject();
  }

  private static String encodable(String text) {
    if (!StandardCharsets.UTF_8.newEncoder().canEncode(text)) {
      throw new IllegalArgumentException(
          "names and texts must have a form in UTF-8, but one is "
              + FileFormatException.quote(text));
    }
    return text;
  }
}
