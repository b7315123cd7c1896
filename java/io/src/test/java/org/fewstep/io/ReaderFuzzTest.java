package org.fewstep.io;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Arrays;
import net.jqwik.api.Arbitraries;
import net.jqwik.api.Arbitrary;
import net.jqwik.api.Combinators;
import net.jqwik.api.ForAll;
import net.jqwik.api.Property;
import net.jqwik.api.Provide;
import net.jqwik.api.lifecycle.AfterContainer;
import net.jqwik.api.lifecycle.BeforeContainer;
import org.fewstep.backend.Precision;

/**
 * Mutated, truncated and invented files: a reader returns a value or throws {@link
 * FileFormatException}, in bounded time and memory, whatever the bytes.
 */
class ReaderFuzzTest {

  private static final Duration LIMIT = Duration.ofSeconds(5);

  /** Pieces that headers and documents are made of, for mutations that go deeper than noise. */
  private static final String[] PIECES = {
    "(",
    ")",
    "[",
    "]",
    "{",
    "}",
    ",",
    ":",
    "'",
    "\"",
    "\n",
    "\0",
    "-",
    "9999999999999999999",
    "1e999",
    "NaN",
    "True",
    "False",
    "null",
    "<f8",
    ">f4",
    "descr",
    "shape",
    "fortran_order",
    "kind",
    "sigma",
    "means",
    "weights",
    "full",
    "[[[[",
    "0",
    "1",
    "4611686018427387904",
    "L",
    "x,y",
    "\u00ff",
    "F32",
    "F64",
    "U8",
    "dtype",
    "data_offsets",
    "__metadata__",
    "fewstep.format",
    "layers.1.",
    "segments.0.",
    "true",
    "Infinity"
  };

  private static Path file;

  @BeforeContainer
  static void makeFile() throws IOException {
    file = Files.createTempFile("fewstep-fuzz", ".bin");
  }

  @AfterContainer
  static void deleteFile() throws IOException {
    Files.delete(file);
  }

  private static byte[] ascii(String text) {
    return text.getBytes(StandardCharsets.ISO_8859_1);
  }

  @Provide
  Arbitrary<byte[]> arrays() {
    return mutated(
        Golden.bytes("f8.npy"),
        Golden.bytes("f4_big_endian_fortran.npy"),
        Golden.bytes("f8_version_3.npy"));
  }

  @Provide
  Arbitrary<byte[]> mixtures() {
    return mutated(
        ascii(
            "{\"weights\":[1,2],\"means\":[[0,1],[2,3]],"
                + "\"covariance\":{\"kind\":\"isotropic\",\"sigma\":[0.1,2]}}"),
        ascii(
            "{\"means\":[[0,1],[2,3]],"
                + "\"covariance\":{\"kind\":\"full\",\"matrices\":[[1,0.5],[0.5,1]]}}"),
        ascii("{\"means\":[[0.5]],\"covariance\":{\"variances\":[[1e-3]],\"kind\":\"diagonal\"}}"));
  }

  @Provide
  Arbitrary<byte[]> tensors() {
    return mutated(
        Golden.bytes("types.safetensors"),
        Golden.bytes("types_unaligned.safetensors"),
        Golden.bytes("empty.safetensors"));
  }

  @Provide
  Arbitrary<byte[]> networks() {
    return mutated(Golden.bytes("network.safetensors"), Golden.bytes("flow.safetensors"));
  }

  /** A network with other bits anywhere, whose file is as long as it was. */
  @Provide
  Arbitrary<byte[]> flippedNetworks() {
    Arbitrary<byte[]> seed =
        Arbitraries.of(Golden.bytes("network.safetensors"), Golden.bytes("flow.safetensors"));
    Arbitrary<int[]> bits =
        Arbitraries.integers().between(0, 1 << 20).array(int[].class).ofMinSize(1).ofMaxSize(3);
    return Combinators.combine(seed, bits).as(ReaderFuzzTest::flipped);
  }

  private static byte[] flipped(byte[] bytes, int[] bits) {
    byte[] result = bytes.clone();
    for (int bit : bits) {
      result[bit / 8 % bytes.length] ^= (byte) (1 << (bit % 8));
    }
    return result;
  }

  @Provide
  Arbitrary<byte[]> tables() {
    return mutated(ascii("x,y\n1,2\n3.5,-4e-3\n"), ascii("1\n2\n3\n"));
  }

  /** One to four edits of a valid file: a byte changed, a piece put in, a stretch cut out. */
  private static Arbitrary<byte[]> mutated(byte[]... seeds) {
    Arbitrary<byte[]> seed = Arbitraries.of(seeds);
    Arbitrary<int[]> edits =
        Arbitraries.integers().between(0, Integer.MAX_VALUE).array(int[].class).ofSize(12);
    Arbitrary<Integer> count = Arbitraries.integers().between(0, 4);
    return Combinators.combine(seed, edits, count)
        .as(
            (bytes, numbers, length) -> {
              byte[] result = bytes;
              for (int i = 0; i < length; i++) {
                result = edit(result, numbers[3 * i], numbers[3 * i + 1], numbers[3 * i + 2]);
              }
              return result;
            });
  }

  private static byte[] edit(byte[] bytes, int kind, int where, int what) {
    int at = where % (bytes.length + 1);
    byte[] head = Arrays.copyOf(bytes, at);
    int cut =
        switch (kind % 4) {
          case 0 -> 1;
          case 1 -> what % 9;
          case 2 -> bytes.length;
          default -> 0;
        };
    byte[] tail = Arrays.copyOfRange(bytes, Math.min(bytes.length, at + cut), bytes.length);
    byte[] middle =
        switch (kind % 4) {
          case 0 -> new byte[] {(byte) what};
          case 3 -> ascii(PIECES[what % PIECES.length]);
          default -> new byte[0];
        };
    byte[] result = Arrays.copyOf(head, head.length + middle.length + tail.length);
    System.arraycopy(middle, 0, result, head.length, middle.length);
    System.arraycopy(tail, 0, result, head.length + middle.length, tail.length);
    return result;
  }

  private interface Read {
    void run() throws IOException;
  }

  private static void readsOrRefuses(byte[] bytes, Read read) throws IOException {
    Files.write(file, bytes);
    long start = System.nanoTime();
    try {
      read.run();
    } catch (FileFormatException e) {
      assertThat(e.getMessage()).startsWith(file.toString()).hasLineCount(1);
    }
    assertThat(Duration.ofNanos(System.nanoTime() - start)).isLessThan(LIMIT);
  }

  @Property(tries = 3000)
  void mutatedArrays(@ForAll("arrays") byte[] bytes) throws IOException {
    readsOrRefuses(bytes, () -> Npy.read(file, Precision.FLOAT32).close());
  }

  @Property(tries = 3000)
  void mutatedMixtures(@ForAll("mixtures") byte[] bytes) throws IOException {
    readsOrRefuses(bytes, () -> MixtureJson.read(file));
  }

  @Property(tries = 3000)
  void mutatedTensors(@ForAll("tensors") byte[] bytes) throws IOException {
    readsOrRefuses(bytes, () -> SafeTensors.read(file));
  }

  @Property(tries = 3000)
  void mutatedNetworks(@ForAll("networks") byte[] bytes) throws IOException {
    readsOrRefuses(bytes, () -> NetworkFiles.read(file));
  }

  @Property(tries = 3000)
  void flippedNetworks(@ForAll("flippedNetworks") byte[] bytes) throws IOException {
    readsOrRefuses(bytes, () -> NetworkFiles.read(file));
  }

  @Property(tries = 3000)
  void mutatedTables(@ForAll("tables") byte[] bytes) throws IOException {
    readsOrRefuses(bytes, () -> Csv.read(file));
  }

  @Property(tries = 1000)
  void anyBytes(@ForAll byte[] bytes) throws IOException {
    readsOrRefuses(bytes, () -> Npy.read(file, Precision.FLOAT64).close());
    readsOrRefuses(bytes, () -> MixtureJson.read(file));
    readsOrRefuses(bytes, () -> Csv.read(file));
    readsOrRefuses(bytes, () -> NetworkFiles.read(file));
  }
}
