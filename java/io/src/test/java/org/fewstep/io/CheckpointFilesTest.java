package org.fewstep.io;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.Map;
import org.fewstep.training.Checkpoint;
import org.fewstep.training.CheckpointStore;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Checkpoints in a folder. */
class CheckpointFilesTest {

  private static final Checkpoint CHECKPOINT =
      new Checkpoint(
          Map.of("seed", "7", "frame", "Frame[c_in 1.0]"),
          42,
          Map.of(
              "parameters",
              new double[] {1, -0.0, Math.PI},
              "progress",
              new double[] {Double.POSITIVE_INFINITY, 3}));

  @TempDir private Path folder;

  @Test
  void comesBackBitForBit() throws IOException {
    CheckpointStore store = CheckpointFiles.in(folder.resolve("new/folder")).part("segment-1");
    assertThat(store.load()).isEmpty();
    store.save(CHECKPOINT);
    Checkpoint read = store.load().orElseThrow();
    assertThat(read.step()).isEqualTo(42);
    assertThat(read.configuration()).isEqualTo(CHECKPOINT.configuration());
    assertThat(read.vectors().keySet()).isEqualTo(CHECKPOINT.vectors().keySet());
    CHECKPOINT
        .vectors()
        .forEach((name, vector) -> assertThat(read.vectors().get(name)).isEqualTo(vector));
    assertThat(folder.resolve("new/folder/segment-1.safetensors")).exists();
  }

  @Test
  void partsOfPartsHaveFilesOfTheirOwn() throws IOException {
    CheckpointFiles files = CheckpointFiles.in(folder);
    files.part("one-step").part("segment-0").save(CHECKPOINT);
    assertThat(folder.resolve("one-step-segment-0.safetensors")).exists();
    assertThat(files.part("segment-0").load()).isEmpty();
    files.save(CHECKPOINT);
    assertThat(folder.resolve("training.safetensors")).exists();
  }

  @Test
  void everyTruncationIsRefused() throws IOException {
    CheckpointFiles store = CheckpointFiles.in(folder);
    store.save(CHECKPOINT);
    byte[] whole = Files.readAllBytes(store.file());
    for (int length = 0; length < whole.length; length++) {
      Files.write(store.file(), Arrays.copyOf(whole, length));
      assertThatThrownBy(store::load)
          .isInstanceOf(FileFormatException.class)
          .hasMessageContaining("training.safetensors");
    }
  }

  @Test
  void filesOfAnotherKindAreRefused() throws IOException {
    CheckpointFiles store = CheckpointFiles.in(folder);
    SafeTensors.write(store.file(), TensorFile.builder().put("step", 1L).build());
    assertThatThrownBy(store::load)
        .isInstanceOf(FileFormatException.class)
        .hasMessageContaining("fewstep.checkpoint");
    SafeTensors.write(
        store.file(), TensorFile.builder().put("step", 1L).text("fewstep.checkpoint", "2").build());
    assertThatThrownBy(store::load)
        .isInstanceOf(FileFormatException.class)
        .hasMessageContaining("must be a checkpoint of version 1, but is of '2'");
    SafeTensors.write(
        store.file(),
        TensorFile.builder().put("step", 1.5).text("fewstep.checkpoint", "1").build());
    assertThatThrownBy(store::load)
        .isInstanceOf(FileFormatException.class)
        .hasMessageContaining("step");
  }

  @Test
  void aFolderThatIsAFileIsAnError() throws IOException {
    Path file = Files.writeString(folder.resolve("file"), "x");
    assertThatThrownBy(() -> CheckpointFiles.in(file)).isInstanceOf(IOException.class);
  }
}
