package org.fewstep.io;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.channels.FileChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.stream.Collectors;
import org.fewstep.backend.Precision;

/**
 * What the header of a .npy file says, once it is known to be true of the file.
 *
 * @param precision the element type
 * @param order the byte order of the elements
 * @param fortranOrder whether the elements lie column by column
 * @param rows n >= 0
 * @param columns d >= 1; 1 for an array of one dimension
 */
record NpyHeader(
    Precision precision, ByteOrder order, boolean fortranOrder, long rows, int columns) {

  private static final byte[] MAGIC = {(byte) 0x93, 'N', 'U', 'M', 'P', 'Y'};

  /** Longer headers belong to structured arrays, which are refused anyway. */
  private static final int MAX_LENGTH = 1 << 16;

  /** NumPy pads to multiples of this. */
  private static final int ALIGNMENT = 64;

  /** NumPy leaves room for so many digits, to grow an array in place. */
  private static final int GROWTH_DIGITS = 21;

  private static final Set<String> KEYS = Set.of("descr", "fortran_order", "shape");

  /** Reads a header and leaves the channel at the first element. */
  static NpyHeader read(Path path, FileChannel channel) throws IOException {
    ByteBuffer start = take(path, channel, MAGIC.length + 2);
    byte[] magic = new byte[MAGIC.length];
    start.get(magic);
    if (!Arrays.equals(magic, MAGIC)) {
      throw new FileFormatException(
          path, "is not a .npy file: it must begin with the bytes \\x93NUMPY");
    }
    int major = Byte.toUnsignedInt(start.get());
    int minor = Byte.toUnsignedInt(start.get());
    if (major < 1 || major > 3 || minor != 0) {
      throw new FileFormatException(
          path, "must have .npy version 1.0, 2.0 or 3.0, but has %d.%d".formatted(major, minor));
    }
    long length =
        major == 1
            ? Short.toUnsignedLong(take(path, channel, 2).getShort())
            : Integer.toUnsignedLong(take(path, channel, 4).getInt());
    if (length > MAX_LENGTH || length > channel.size() - channel.position()) {
      throw new FileFormatException(
          path,
          "claims a header of %d bytes, which is longer than %s"
              .formatted(length, length > MAX_LENGTH ? "any array needs" : "the file"));
    }
    byte[] text = take(path, channel, (int) length).array();
    return of(
        path,
        new PythonDict(path, new String(text, StandardCharsets.ISO_8859_1)).parse(),
        channel.size() - channel.position());
  }

  private static ByteBuffer take(Path path, FileChannel channel, int count) throws IOException {
    ByteBuffer bytes = ByteBuffer.allocate(count).order(ByteOrder.LITTLE_ENDIAN);
    while (bytes.hasRemaining()) {
      if (channel.read(bytes) < 0) {
        throw new FileFormatException(path, "is not a .npy file: it ends within its header");
      }
    }
    return bytes.flip();
  }

  private static NpyHeader of(Path path, Map<String, Object> entries, long bytes) {
    if (!entries.keySet().equals(KEYS)) {
      throw new FileFormatException(
          path,
          "must have the header keys descr, fortran_order and shape, but has "
              + entries.keySet().stream()
                  .sorted()
                  .map(FileFormatException::quote)
                  .collect(Collectors.joining(", ")));
    }
    if (!(entries.get("descr") instanceof String type)) {
      throw new FileFormatException(path, "must have a string as its descr");
    }
    if (!(entries.get("fortran_order") instanceof Boolean fortranOrder)) {
      throw new FileFormatException(path, "must have fortran_order True or False");
    }
    if (!(entries.get("shape") instanceof List<?> list)) {
      throw new FileFormatException(path, "must have a tuple as its shape");
    }
    Precision precision = precision(path, type);
    ByteOrder order = type.charAt(0) == '>' ? ByteOrder.BIG_ENDIAN : ByteOrder.LITTLE_ENDIAN;
    long[] shape = list.stream().mapToLong(entry -> (Long) entry).toArray();
    requireShape(path, shape);
    requireSize(path, shape, precision, bytes);
    return new NpyHeader(
        precision, order, fortranOrder, shape[0], shape.length == 1 ? 1 : (int) shape[1]);
  }

  private static Precision precision(Path path, String type) {
    return switch (type) {
      case "<f4", ">f4" -> Precision.FLOAT32;
      case "<f8", ">f8" -> Precision.FLOAT64;
      default ->
          throw new FileFormatException(
              path,
              "must be float32 or float64, but has the dtype %s; %s"
                  .formatted(FileFormatException.quote(type), cure(kind(type))));
    };
  }

  private static String kind(String type) {
    return type.length() < 2 ? "" : type.substring(1, 2);
  }

  private static String cure(String kind) {
    return switch (kind) {
      case "c" -> "save its real and imaginary parts apart";
      case "O", "V", "S", "U" -> "save a plain array: numpy.asarray(x, dtype='float32')";
      default -> "convert it with x.astype('float32')";
    };
  }

  private static void requireShape(Path path, long[] shape) {
    if (shape.length < 1 || shape.length > 2) {
      throw new FileFormatException(
          path,
          "must have the shape (n,) or (n, d), but has %d dimensions; reshape it"
              .formatted(shape.length));
    }
    if (shape.length == 2 && (shape[1] < 1 || shape[1] > Integer.MAX_VALUE)) {
      throw new FileFormatException(path, "must have 1 to 2147483647 columns, but has " + shape[1]);
    }
  }

  private static void requireSize(Path path, long[] shape, Precision precision, long bytes) {
    long size = precision.bytes();
    for (long extent : shape) {
      // A product beyond 64 bits is beyond any file.
      size = Math.multiplyHigh(size, extent) == 0 && size * extent >= 0 ? size * extent : -1;
      if (size < 0) {
        break;
      }
    }
    if (size != bytes) {
      throw new FileFormatException(
          path,
          "claims the shape %s, which needs %s bytes after the header, but %d follow"
              .formatted(tuple(shape), size < 0 ? "more than 2^63" : size, bytes));
    }
  }

  /** The header, from the magic to the last byte before the elements, just as NumPy writes it. */
  static byte[] encode(Precision precision, long... shape) {
    String dict =
        "{'descr': '%s', 'fortran_order': False, 'shape': %s, }"
            .formatted(precision == Precision.FLOAT32 ? "<f4" : "<f8", tuple(shape));
    dict += " ".repeat(GROWTH_DIGITS - Long.toString(shape[0]).length());
    int before = MAGIC.length + 4;
    int unpadded = before + dict.length() + 1;
    int length = Math.ceilDiv(unpadded, ALIGNMENT) * ALIGNMENT;
    ByteBuffer bytes = ByteBuffer.allocate(length).order(ByteOrder.LITTLE_ENDIAN);
    bytes.put(MAGIC).put((byte) 1).put((byte) 0).putShort((short) (length - before));
    bytes.put(dict.getBytes(StandardCharsets.ISO_8859_1));
    while (bytes.remaining() > 1) {
      bytes.put((byte) ' ');
    }
    return bytes.put((byte) '\n').array();
  }

  private static String tuple(long[] shape) {
    return shape.length == 1
        ? "(" + shape[0] + ",)"
        : Arrays.stream(shape).mapToObj(Long::toString).collect(Collectors.joining(", ", "(", ")"));
  }
}
