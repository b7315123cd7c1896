package org.fewstep.io;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.channels.FileChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.Arrays;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/** Against bytes that resources/org/fewstep/io/make_safetensors.py wrote. */
class SafeTensorsTest {

  private static final double[] TABLE = {1.5, -2, 1.0 / 3, 4, 1e-30, -6.25};

  @TempDir Path folder;

  private static TensorFile types() {
    float[] narrow = new float[TABLE.length];
    for (int i = 0; i < narrow.length; i++) {
      narrow[i] = (float) TABLE[i];
    }
    return TensorFile.builder()
        .text("key", "a text")
        .text("Schl\u00fcssel", "\u00e9 \"\\\n")
        .put("bytes", new byte[] {0, 1, -1})
        .put("narrow", narrow, 3, 2)
        .put("wide", TABLE, 2, 3)
        .put("whole", new long[] {Long.MIN_VALUE, 7}, 2, 1, 1)
        .put("one", Math.PI)
        .put("none", new float[0], 2, 0)
        .put("not finite", new double[] {Double.NaN, 1 / 0.0, -1 / 0.0})
        .build();
  }

  @ParameterizedTest
  @ValueSource(strings = {"types.safetensors", "types_unaligned.safetensors"})
  void readsEveryType(String name) throws IOException {
    TensorFile file = SafeTensors.read(Golden.copy(folder, name));
    assertThat(file).isEqualTo(types());
    assertThat(file.tensors().keySet())
        .containsExactly("bytes", "narrow", "wide", "whole", "one", "none", "not finite");
    assertThat(file.metadata().keySet()).containsExactly("key", "Schl\u00fcssel");
    assertThat(file.doubles("wide", 2, 3)).isEqualTo(TABLE);
    assertThat(file.doubles("narrow")[2]).isEqualTo((float) (1.0 / 3));
    assertThat(file.floats("narrow", 3, 2)[5]).isEqualTo(-6.25f);
    assertThat(file.longs("whole")).containsExactly(Long.MIN_VALUE, 7);
    assertThat(file.bytes("bytes")).containsExactly(0, 1, -1);
    assertThat(file.doubleValue("one")).isEqualTo(Math.PI);
    assertThat(file.tensor("none").shape()).containsExactly(2, 0);
  }

  @Test
  void writesTheGoldenBytes() throws IOException {
    Path target = folder.resolve("out.safetensors");
    SafeTensors.write(target, types());
    assertThat(target).hasSameBinaryContentAs(Golden.copy(folder, "types.safetensors"));
    SafeTensors.write(target, TensorFile.builder().build());
    assertThat(target).hasSameBinaryContentAs(Golden.copy(folder, "empty.safetensors"));
  }

  @Test
  void roundTripsSeveralChunks() throws IOException {
    long[] whole = new long[70_001];
    float[] narrow = new float[200_001];
    Arrays.setAll(whole, i -> i * 0x9E3779B97F4A7C15L);
    for (int i = 0; i < narrow.length; i++) {
      narrow[i] = i * 0.5f;
    }
    TensorFile file =
        TensorFile.builder().put("narrow", narrow, 3, 66667).put("whole", whole).build();
    Path target = folder.resolve("long.safetensors");
    SafeTensors.write(target, file);
    assertThat(SafeTensors.read(target)).isEqualTo(file);
  }

  @Test
  void refusesTruncatedAndOverlongFiles() throws IOException {
    byte[] whole = Golden.bytes("types.safetensors");
    Path cut = folder.resolve("cut.safetensors");
    for (int length = 0; length < whole.length; length++) {
      Files.write(cut, Arrays.copyOf(whole, length));
      assertRefused(cut, "");
    }
    Files.write(cut, Arrays.copyOf(whole, whole.length + 1));
    assertRefused(cut, "claims tensors of 123 bytes together, but 124 follow the header");
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      quoteCharacter = '~',
      value = {
        // The header as a whole.
        "[] | its header must begin with '{'",
        "~  {}~ | its header must begin with '{'",
        "{} {} | something follows it",
        "{'a' | must have a header in JSON",
        "{'a':} | must have a header in JSON",
        "{'a':{'dtype':[[[[[[0]]]]]]}} | must have a text as its dtype",
        "{'__metadata__':[[[[[[0]]]]]} | must have an object of texts as its __metadata__",
        "{'__metadata__':{'a':1}} | must have a text as the metadata 'a'",
        "{'__metadata__':{'a':null}} | must have a text as the metadata 'a'",
        "{'__metadata__':{'a':'1','a':'2'}} | Duplicate field 'a'",
        "{'__metadata__':{},'__metadata__':{}} | Duplicate field '__metadata__'",
        "{'__metadata__':{'a':'\\ud800'}} | half a character: '?'",
        "{'a':@,'a':@} | Duplicate field 'a'",
        // One tensor.
        "{'a':1} | the tensor 'a' must be an object",
        "{'a':{}} | must have the keys dtype, shape and data_offsets",
        "{'a':{'dtype':'F32','shape':[2]}} | must have the keys dtype, shape and data_offsets",
        "{'a':{'dtype':'F32','shape':[2],'data_offsets':[0,8],'x':0}} | has the unknown key 'x'",
        "{'a':{'dtype':'F32','dtype':'F32'}} | Duplicate field 'dtype'",
        "{'a':{'dtype':4,'shape':[2],'data_offsets':[0,8]}} | must have a text as its dtype",
        "{'a':{'dtype':'F16','shape':[4],'data_offsets':[0,8]}} | has the type F16, which is not",
        "{'a':{'dtype':'BF16','shape':[4],'data_offsets':[0,8]}} | store it as F32, F64, I64 or U8",
        "{'a':{'dtype':'f32','shape':[2],'data_offsets':[0,8]}} | has the unknown type 'f32'",
        "{'a':{'dtype':'F32','shape':2,'data_offsets':[0,8]}} | whole numbers as its shape",
        "{'a':{'dtype':'F32','shape':[2.0],'data_offsets':[0,8]}} | in its shape, but has '2.0'",
        "{'a':{'dtype':'F32','shape':['2'],'data_offsets':[0,8]}} | in its shape, but has '2'",
        "{'a':{'dtype':'F32','shape':[-2,-1],'data_offsets':[0,8]}} | but has '-2'",
        "{'a':{'dtype':'F32','shape':[9223372036854775808],'data_offsets':[0,8]}} | but has '92233",
        "{'a':{'dtype':'F32','shape':[9223372036854775807],'data_offsets':[0,8]}} | at most",
        "{'a':{'dtype':'F32','shape':[4294967296,4294967296],'data_offsets':[0,0]}} | at most",
        "{'a':{'dtype':'F32','shape':[2147483648],'data_offsets':[0,8589934592]}} | at most",
        "{'a':{'dtype':'F32','shape':[3],'data_offsets':[0,8]}} | claims the shape [3] of F32,"
            + " which needs 12 bytes, but has the data_offsets [0, 8]",
        "{'a':{'dtype':'F32','shape':[2],'data_offsets':[0,9]}} | needs 8 bytes",
        "{'a':{'dtype':'F32','shape':[2],'data_offsets':[8,0]}} | begin not after end",
        "{'a':{'dtype':'F32','shape':[2],'data_offsets':[0,8,8]}} | two data_offsets",
        "{'a':{'dtype':'F32','shape':[2],'data_offsets':[0,-8]}} | in its data_offsets",
        "{'a':{'dtype':'F32','shape':[2],'data_offsets':[9223372036854775807,9223372036854775807]}}"
            + " | needs 8 bytes",
        // All tensors together, of 8 bytes.
        "{'a':{'dtype':'F32','shape':[2],'data_offsets':[4,12]}} | gap from 0 to 4, before the"
            + " tensor 'a'",
        "{'a':{'dtype':'F32','shape':[1],'data_offsets':[0,4]}} | 4 bytes together, but 8 follow",
        "{'a':{'dtype':'F64','shape':[2],'data_offsets':[0,16]}} | 16 bytes together, but 8 follow",
        "{'a':@,'b':@} | the tensors 'a' and 'b' overlap: one ends at 8, the other begins at 0",
        "{'b':{'dtype':'U8','shape':[4],'data_offsets':[6,10]},'a':@} | the tensors 'a' and 'b'",
        "{'b':{'dtype':'U8','shape':[0],'data_offsets':[4,4]},'a':@} | the tensors 'a' and 'b'",
        "{'b':{'dtype':'U8','shape':[0],'data_offsets':[9,9]},'a':@} | gap from 8 to 9",
        "{} | claims tensors of 0 bytes together, but 8 follow",
      })
  void refusesLyingAndMalformedHeaders(String json, String reason) throws IOException {
    String eight = "{'dtype':'F32','shape':[2],'data_offsets':[0,8]}";
    String text = json.replace("@", eight).replace('\'', '"');
    assertRefused(file(text.length(), text, 8), reason);
  }

  @Test
  void refusesHeadersThatAreNotUtf8() throws IOException {
    String text = "{\"__metadata__\":{\"a\":\"\u00ff\"}}";
    assertRefused(file(text.length(), text, 0), "must have a header in UTF-8");
  }

  @Test
  void refusesAbsurdHeaderLengths() throws IOException {
    for (long length : new long[] {3, 1 << 24, (1 << 24) + 1, Long.MAX_VALUE, Long.MIN_VALUE, -1}) {
      assertRefused(
          file(length, "{}", 0),
          "claims a header of %s bytes, which is longer than"
              .formatted(Long.toUnsignedString(length)));
    }
    assertRefused(file(0, "{}", 0), "must begin with '{'");
    assertRefused(file(1, "{}", 0), "must begin with '{'");
  }

  @Test
  void refusesDeepHeadersWithoutOverflow() throws IOException {
    String text = "{\"a\":{\"shape\":" + "[".repeat(100_000);
    assertRefused(file(text.length(), text, 0), "in its shape, but has '['");
  }

  @Test
  void refusesFoldersAndMissingFiles() {
    assertThatThrownBy(() -> SafeTensors.read(folder))
        .isInstanceOf(IOException.class)
        .hasMessageContaining("is a directory");
    assertThatThrownBy(() -> SafeTensors.read(folder.resolve("none.safetensors")))
        .isInstanceOf(NoSuchFileException.class);
  }

  /** A sparse file can be as large as the file system lets it; memory cannot. */
  @Test
  void refusesWhatMemoryCannotHold() throws IOException {
    Path huge = folder.resolve("huge.safetensors");
    long heap = Runtime.getRuntime().maxMemory();
    int count = (int) (heap / (1L << 33)) + 1;
    StringBuilder json = new StringBuilder("{");
    for (long i = 0; i < count; i++) {
      json.append(i == 0 ? "" : ",")
          .append("\"%d\":{\"dtype\":\"F64\",\"shape\":[1073741824],".formatted(i))
          .append("\"data_offsets\":[%d,%d]}".formatted(i << 33, (i + 1) << 33));
    }
    Files.copy(file(json.length() + 1, json + "}", 0), huge);
    try (FileChannel channel = FileChannel.open(huge, StandardOpenOption.WRITE)) {
      channel.write(ByteBuffer.allocate(1), channel.size() + ((long) count << 33) - 1);
    }
    assertThatThrownBy(() -> SafeTensors.read(huge))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageStartingWith(huge.toString())
        .hasMessageContaining("its tensors need %.3g GiB of memory".formatted(8.0 * count))
        .hasMessageContaining("but the JVM may take");
  }

  @Test
  void failedWritesHarmNothing() throws IOException {
    Path target = Files.writeString(folder.resolve("old.safetensors"), "precious");
    TensorFile halfCharacter = TensorFile.builder().put("\ud800", 1.0).build();
    assertThatThrownBy(() -> SafeTensors.write(target, halfCharacter))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageContaining("a form in UTF-8");
    TensorFile longText = TensorFile.builder().text("key", "x".repeat(1 << 24)).build();
    assertThatThrownBy(() -> SafeTensors.write(target, longText))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageContaining("header of at most 16777216 bytes, but need");
    assertThat(target).hasContent("precious");
    assertThatThrownBy(() -> SafeTensors.write(folder.resolve("none/x"), types()))
        .isInstanceOf(IOException.class);
  }

  @Test
  void filesKnowWhatTheyHold() {
    TensorFile file = types();
    assertThat(file.text("key")).isEqualTo("a text");
    assertFails(() -> file.text("none"), "must have the metadata 'none'");
    assertFails(() -> file.tensor("none at all"), "must have the tensor 'none at all'");
    assertFails(() -> file.doubles("wide", 3, 2), "the tensor 'wide' must have the shape [3, 2]");
    assertFails(() -> file.doubles("whole"), "the tensor 'whole' must be of type F64 or F32");
    assertFails(() -> file.floats("wide"), "must be of type F32, but is F64[2, 3]");
    assertFails(() -> file.longs("wide"), "must be of type I64");
    assertFails(() -> file.bytes("wide"), "must be of type U8");
    assertFails(() -> file.doubleValue("wide"), "must be a single number, but is F64[2, 3]");
    assertFails(() -> file.longValue("one"), "must be of type I64");
    assertFails(() -> Tensor.of(TABLE, 2, 2), "shape must hold the 6 values, but is [2, 2]");
    assertFails(() -> Tensor.of(TABLE, -2, -3), "shape must hold the 6 values");
    assertFails(() -> TensorFile.builder().put("a", 1L).put("a", 2L), "name must be new");
    assertFails(() -> TensorFile.builder().text("a", "").text("a", ""), "key must be new");
    TensorFile.Builder reserved = TensorFile.builder().put("__metadata__", 1L);
    assertFails(reserved::build, "must not have the name __metadata__");
    assertThat(new TensorFile(Map.of("step", Tensor.scalar(3L)), Map.of()).longValue("step"))
        .isEqualTo(3);
  }

  @Test
  void tensorsAreEqualByTypeShapeAndBits() {
    Tensor tensor = Tensor.of(TABLE, 2, 3);
    double[] other = TABLE.clone();
    assertThat(Tensor.of(other, 2, 3)).isEqualTo(tensor).hasSameHashCodeAs(tensor);
    assertThat(Tensor.of(other)).isNotEqualTo(tensor);
    other[5] = 0;
    assertThat(Tensor.of(other, 2, 3)).isNotEqualTo(tensor);
    tensor.toDoubles()[0] = 9;
    assertThat(tensor.toDoubles()).isEqualTo(TABLE);
  }

  private static void assertFails(Runnable action, String reason) {
    assertThatThrownBy(action::run)
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageContaining(reason);
  }

  private static void assertRefused(Path path, String reason) {
    assertThatThrownBy(() -> SafeTensors.read(path))
        .isInstanceOf(FileFormatException.class)
        .hasMessageStartingWith(path.toString())
        .hasMessageContaining(reason)
        .extracting(Throwable::getMessage)
        .asString()
        .hasLineCount(1);
  }

  /** A file with any header, true or not, and so many bytes after it. */
  private Path file(long length, String json, int bytes) throws IOException {
    ByteArrayOutputStream out = new ByteArrayOutputStream();
    out.writeBytes(ByteBuffer.allocate(8).order(ByteOrder.LITTLE_ENDIAN).putLong(length).array());
    out.writeBytes(json.getBytes(StandardCharsets.ISO_8859_1));
    out.writeBytes(new byte[bytes]);
    return Files.write(folder.resolve("made.safetensors"), out.toByteArray());
  }
}
