package org.fewstep.io;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.lang.foreign.MemorySegment;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import org.fewstep.backend.Batch;
import org.fewstep.backend.Precision;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/** Against bytes that NumPy wrote; resources/org/fewstep/io/make_npy.py made them. */
class NpyTest {

  private static final double[] TABLE = {1.5, -2, 1.0 / 3, 4, 1e-30, -6.25};

  @TempDir Path folder;

  private Path golden(String name) throws IOException {
    return Golden.copy(folder, name);
  }

  private static double[] rounded(double[] values) {
    double[] rounded = new double[values.length];
    for (int i = 0; i < values.length; i++) {
      rounded[i] = (float) values[i];
    }
    return rounded;
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "f8.npy",
        "f8_big_endian.npy",
        "f8_fortran.npy",
        "f8_version_2.npy",
        "f8_version_3.npy",
        "f4.npy",
        "f4_big_endian.npy",
        "f4_big_endian_fortran.npy"
      })
  void readsWhatNumpyWrote(String name) throws IOException {
    double[] stored = name.startsWith("f8") ? TABLE : rounded(TABLE);
    try (Batch wide = Npy.read(golden(name), Precision.FLOAT64);
        Batch narrow = Npy.read(golden(name), Precision.FLOAT32)) {
      assertThat(wide.rows()).isEqualTo(2);
      assertThat(wide.columns()).isEqualTo(3);
      assertThat(wide.precision()).isEqualTo(Precision.FLOAT64);
      assertThat(wide.toDoubleArray()).isEqualTo(stored);
      assertThat(narrow.precision()).isEqualTo(Precision.FLOAT32);
      assertThat(narrow.toDoubleArray()).isEqualTo(rounded(stored));
    }
  }

  @Test
  void readsVectorAsOneColumn() throws IOException {
    try (Batch batch = Npy.read(golden("f8_vector.npy"), Precision.FLOAT64)) {
      assertThat(batch.rows()).isEqualTo(6);
      assertThat(batch.columns()).isEqualTo(1);
      assertThat(batch.toDoubleArray()).isEqualTo(TABLE);
    }
  }

  @Test
  void readsNoRows() throws IOException {
    try (Batch batch = Npy.read(golden("f4_no_rows.npy"), Precision.FLOAT32)) {
      assertThat(batch.rows()).isZero();
      assertThat(batch.columns()).isEqualTo(2);
    }
  }

  @Test
  void keepsNonFiniteValues() throws IOException {
    try (Batch batch = Npy.read(golden("f4_not_finite.npy"), Precision.FLOAT64)) {
      assertThat(batch.toDoubleArray())
          .containsExactly(Double.NaN, Double.POSITIVE_INFINITY, Double.NEGATIVE_INFINITY, 0);
    }
  }

  @Test
  void writesTheBytesOfNumpy() throws IOException {
    Path target = folder.resolve("out.npy");
    try (Batch wide = Npy.read(golden("f8.npy"), Precision.FLOAT64);
        Batch narrow = Npy.read(golden("f4.npy"), Precision.FLOAT32);
        Batch vector = Npy.read(golden("f8_vector.npy"), Precision.FLOAT64);
        Batch empty = Npy.read(golden("f4_no_rows.npy"), Precision.FLOAT32);
        Batch next = Batch.allocateHost(2, 3, Precision.FLOAT64)) {
      Npy.write(target, wide);
      assertThat(target).hasSameBinaryContentAs(golden("f8.npy"));
      Npy.write(target, narrow);
      assertThat(target).hasSameBinaryContentAs(golden("f4.npy"));
      Npy.writeVector(target, vector);
      assertThat(target).hasSameBinaryContentAs(golden("f8_vector.npy"));
      Npy.write(target, empty);
      assertThat(target).hasSameBinaryContentAs(golden("f4_no_rows.npy"));
      for (int i = 0; i < 6; i++) {
        next.set(i / 3, i % 3, TABLE[i] + 1);
      }
      Npy.writeStack(target, List.of(wide, next));
      assertThat(target).hasSameBinaryContentAs(golden("f8_cube.npy"));
    }
  }

  @Test
  void roundTripsSeveralChunksOfHeapMemory() throws IOException {
    float[] values = new float[300_001];
    for (int i = 0; i < values.length; i++) {
      values[i] = i * 0.5f;
    }
    Path target = folder.resolve("long.npy");
    Npy.write(target, Batch.wrap(values, 1));
    try (Batch batch = Npy.read(target, Precision.FLOAT32)) {
      assertThat(batch.memory().mismatch(MemorySegment.ofArray(values))).isEqualTo(-1);
    }
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      value = {
        "bad_scalar.npy | must have the shape (n,) or (n, d), but has 0 dimensions",
        "f8_cube.npy | must have the shape (n,) or (n, d), but has 3 dimensions",
        "bad_int64.npy | dtype '<i8'; convert it with x.astype('float32')",
        "bad_bool.npy | dtype '|b1'; convert it with x.astype('float32')",
        "bad_complex.npy | dtype '<c16'; save its real and imaginary parts apart",
        "bad_half.npy | dtype '<f2'; convert it with x.astype('float32')",
        "bad_object.npy | dtype '|O'; save a plain array",
        "bad_structured.npy | has a structured dtype",
        "bad_no_columns.npy | must have 1 to 2147483647 columns, but has 0",
        "make_npy.py | is not a .npy file",
      })
  void refusesWhatItCannotHold(String name, String reason) throws IOException {
    assertRefused(golden(name), reason);
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '!',
      quoteCharacter = '~',
      value = {
        // Lying shapes: too large for the file, for 64 bits, for the columns of a batch.
        "{'descr': '<f4', 'fortran_order': False, 'shape': (4000000000000, 2)} ! claims the shape",
        "{'descr': '<f4', 'fortran_order': False, 'shape': (4611686018427387904, 4)} ! claims the",
        "{'descr': '<f4', 'fortran_order': False, 'shape': (9223372036854775807,)} ! claims the",
        "{'descr': '<f4', 'fortran_order': False, 'shape': (9223372036854775808,)} ! integers",
        "{'descr': '<f4', 'fortran_order': False, 'shape': (1, 4294967298)} ! columns",
        "{'descr': '<f4', 'fortran_order': False, 'shape': (3,)} ! needs 12 bytes",
        "{'descr': '<f4', 'fortran_order': False, 'shape': (1,)} ! needs 4 bytes",
        "{'descr': '<f4', 'fortran_order': False, 'shape': (-1,)} ! integers from 0",
        "{'descr': '<f4', 'fortran_order': False, 'shape': (2.0,)} ! malformed",
        "{'descr': '<f4', 'fortran_order': False, 'shape': 2} ! unknown value",
        "{'descr': '<f4', 'fortran_order': 0, 'shape': (2,)} ! unknown value",
        "{'descr': '<f4', 'fortran_order': 'no', 'shape': (2,)} ! True or False",
        "{'descr': True, 'fortran_order': False, 'shape': (2,)} ! string as its descr",
        "{'descr': '<f4', 'fortran_order': False, 'shape': 'a'} ! tuple",
        "{'descr': 'f4', 'fortran_order': False, 'shape': (2,)} ! dtype 'f4'",
        "{'descr': '', 'fortran_order': False, 'shape': (2,)} ! dtype ''",
        "{'descr': '<f4', 'fortran_order': False} ! must have the header keys",
        "{'descr': '<f4', 'fortran_order': False, 'shape': (2,), 'x': 1} ! unknown value",
        "{'descr': '<f4', 'fortran_order': False, 'shape': (2,), 'x': 'y'} ! must have the header",
        "{'descr': '<f4', 'descr': '<f4', 'fortran_order': False, 'shape': (2,)} ! comes twice",
        "{'descr': '<f4', 'fortran_order': False, 'shape': (2,) ! '}' is missing",
        "{'descr': '<f4', 'fortran_order': False, 'shape': (2, ! integers",
        "{'descr': '<f4 ! a string does not end",
        "{'descr': '<f4', 'fortran_order': False, 'shape': (2,)}; evil() ! something follows",
        "~ ~ ! '{' is missing",
      })
  void refusesLyingAndMalformedHeaders(String dict, String reason) throws IOException {
    assertRefused(file(1, dict.length(), dict, 8), reason);
  }

  @Test
  void refusesTruncatedAndOverlongFiles() throws IOException {
    byte[] whole = Files.readAllBytes(golden("f8.npy"));
    Path cut = folder.resolve("cut.npy");
    for (int length = 0; length < whole.length; length++) {
      Files.write(cut, Arrays.copyOf(whole, length));
      assertRefused(cut, cut.toString());
    }
    Files.write(cut, Arrays.copyOf(whole, whole.length + 1));
    assertRefused(cut, "needs 48 bytes after the header, but 49 follow");
  }

  @Test
  void refusesAbsurdHeaderLengthsAndVersions() throws IOException {
    String dict = "{'descr': '<f4', 'fortran_order': False, 'shape': (2,)}";
    assertRefused(file(1, 0xFFFF, dict, 8), "claims a header of 65535 bytes");
    assertRefused(file(2, 0xFFFF_FFFFL, dict, 8), "claims a header of 4294967295 bytes");
    assertRefused(file(2, 0x8000_0000L, dict, 8), "claims a header of 2147483648 bytes");
    assertRefused(file(4, dict.length(), dict, 8), "but has 4.0");
    assertRefused(file(0, dict.length(), dict, 8), "but has 0.0");
  }

  @Test
  void refusesFoldersAndMissingFiles() {
    assertThatThrownBy(() -> Npy.read(folder, Precision.FLOAT32))
        .isInstanceOf(IOException.class)
        .hasMessageContaining("is a directory");
    assertThatThrownBy(() -> Npy.read(folder.resolve("none.npy"), Precision.FLOAT32))
        .isInstanceOf(NoSuchFileException.class);
  }

  @Test
  void refusesToWriteWhatIsNoVectorOrNoStack() {
    Path target = folder.resolve("out.npy");
    Batch wide = Batch.wrap(new float[4], 2);
    assertThatThrownBy(() -> Npy.writeVector(target, wide)).hasMessageContaining("one column");
    assertThatThrownBy(() -> Npy.writeStack(target, List.of()))
        .hasMessageContaining("not be empty");
    assertThatThrownBy(() -> Npy.writeStack(target, List.of(wide, Batch.wrap(new float[2], 2))))
        .hasMessageContaining("like the first");
    assertThat(target).doesNotExist();
  }

  private void assertRefused(Path path, String reason) {
    assertThatThrownBy(() -> Npy.read(path, Precision.FLOAT32).close())
        .isInstanceOf(FileFormatException.class)
        .hasMessageStartingWith(path.toString())
        .hasMessageContaining(reason)
        .extracting(Throwable::getMessage)
        .asString()
        .hasLineCount(1);
  }

  /** A file with any header, true or not, and so many bytes after it. */
  private Path file(int version, long length, String dict, int bytes) throws IOException {
    ByteArrayOutputStream out = new ByteArrayOutputStream();
    out.writeBytes(new byte[] {(byte) 0x93, 'N', 'U', 'M', 'P', 'Y', (byte) version, 0});
    for (int i = 0; i < (version == 1 ? 2 : 4); i++) {
      out.write((int) (length >>> (8 * i)));
    }
    out.writeBytes(dict.getBytes(StandardCharsets.ISO_8859_1));
    out.writeBytes(new byte[bytes]);
    return Files.write(folder.resolve("made.npy"), out.toByteArray());
  }
}
