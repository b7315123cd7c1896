package org.fewstep.io;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class AtomicFileTest {

  private static final AtomicFile.Content NEW =
      channel -> channel.write(ByteBuffer.wrap("new".getBytes(StandardCharsets.UTF_8)));

  @TempDir Path folder;

  private List<String> names() throws IOException {
    try (Stream<Path> files = Files.list(folder)) {
      return files.map(file -> file.getFileName().toString()).sorted().toList();
    }
  }

  @Test
  void replacesAnExistingFile() throws IOException {
    Path file = Files.writeString(folder.resolve("file"), "old");
    AtomicFile.requireWritable(file);
    assertThat(file).hasContent("old");
    AtomicFile.write(file, NEW);
    assertThat(file).hasContent("new");
    assertThat(names()).containsExactly("file");
  }

  @Test
  void failureHarmsNothingAndLeavesNothing() throws IOException {
    Path file = Files.writeString(folder.resolve("file"), "old");
    AtomicFile.Content failing =
        channel -> {
          NEW.write(channel);
          throw new IOException("disk full");
        };
    assertThatThrownBy(() -> AtomicFile.write(file, failing)).hasMessage("disk full");
    assertThatThrownBy(() -> AtomicFile.write(folder.resolve("other"), failing))
        .hasMessage("disk full");
    assertThat(file).hasContent("old");
    assertThat(names()).containsExactly("file");
  }

  @Test
  void followsSymbolicLinks() throws IOException {
    Path file = Files.writeString(folder.resolve("file"), "old");
    Path link = Files.createSymbolicLink(folder.resolve("link"), file);
    AtomicFile.write(link, NEW);
    assertThat(link).isSymbolicLink();
    assertThat(file).hasContent("new");
  }

  @Test
  void givesTheAccessRightsOfAnyNewFile() throws IOException {
    Path plain = Files.writeString(folder.resolve("plain"), "");
    Path file = folder.resolve("file");
    AtomicFile.write(file, NEW);
    assertThat(Files.getPosixFilePermissions(file)).isEqualTo(Files.getPosixFilePermissions(plain));
  }

  @Test
  void refusesWhatCannotBeWritten() throws IOException {
    assertThatThrownBy(() -> AtomicFile.requireWritable(folder))
        .hasMessageContaining("is a directory");
    assertThatThrownBy(() -> AtomicFile.requireWritable(folder.resolve("none/file")))
        .hasMessageContaining("no such directory");
    assertThatThrownBy(() -> AtomicFile.write(folder.resolve("none/file"), NEW))
        .hasMessageContaining("no such directory");
    Path tooLong = folder.resolve("a/".repeat(3000) + "b");
    assertThatThrownBy(() -> AtomicFile.requireWritable(tooLong)).isInstanceOf(IOException.class);
    assertThat(names()).isEmpty();
  }

  @Test
  void writesDevicesInPlace() throws IOException {
    Path device = Path.of("/dev/null");
    AtomicFile.requireWritable(device);
    AtomicFile.write(device, NEW);
    assertThat(Files.isRegularFile(device)).isFalse();
  }
}
