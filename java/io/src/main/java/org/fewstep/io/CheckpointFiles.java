package org.fewstep.io;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Optional;
import org.fewstep.training.Checkpoint;
import org.fewstep.training.CheckpointStore;

/**
 * Checkpoints of trainings as files of a folder, one a part, in safetensors format: each vector a
 * tensor of float64, {@code step} an integer, and every setting a metadata text {@code
 * configuration.<name>}.
 *
 * <p>A file is written beside its final name and moved into place: a run that is killed leaves the
 * last good checkpoint.
 */
public final class CheckpointFiles implements CheckpointStore {

  private static final String FORMAT = "fewstep.checkpoint";
  private static final String VERSION = "1";
  private static final String CONFIGURATION = "configuration.";
  private static final String STEP = "step";
  private static final String ENDING = ".safetensors";

  private final Path folder;
  private final String name;

  private CheckpointFiles(Path folder, String name) {
    this.folder = folder;
    this.name = name;
  }

  /**
   * The checkpoints of a folder, which is made if it is not there.
   *
   * @throws IOException if it cannot be made, or is no folder
   */
  public static CheckpointFiles in(Path folder) throws IOException {
    Files.createDirectories(folder);
    return new CheckpointFiles(folder, "");
  }

  @Override
  public CheckpointStore part(String part) {
    return new CheckpointFiles(folder, name.isEmpty() ? part : name + "-" + part);
  }

  /** The file of this part. */
  public Path file() {
    return folder.resolve((name.isEmpty() ? "training" : name) + ENDING);
  }

  @Override
  public Optional<Checkpoint> load() throws IOException {
    Path file = file();
    if (!Files.exists(file)) {
      return Optional.empty();
    }
    TensorFile tensors = SafeTensors.read(file);
    try {
      return Optional.of(decode(tensors));
    } catch (IllegalArgumentException e) {
      throw new FileFormatException(file, e.getMessage(), e);
    }
  }

  private static Checkpoint decode(TensorFile file) {
    String version = file.text(FORMAT);
    if (!version.equals(VERSION)) {
      throw new IllegalArgumentException(
          "must be a checkpoint of version %s, but is of %s"
              .formatted(VERSION, FileFormatException.quote(version)));
    }
    Map<String, String> configuration = new LinkedHashMap<>();
    file.metadata()
        .forEach(
            (key, value) -> {
              if (key.startsWith(CONFIGURATION)) {
                configuration.put(key.substring(CONFIGURATION.length()), value);
              }
            });
    Map<String, double[]> vectors = new LinkedHashMap<>();
    file.tensors()
        .forEach(
            (key, tensor) -> {
              if (!key.equals(STEP)) {
                vectors.put(key, tensor.toDoubles());
              }
            });
    return new Checkpoint(configuration, file.longValue(STEP), vectors);
  }

  @Override
  public void save(Checkpoint checkpoint) throws IOException {
    TensorFile.Builder file = TensorFile.builder();
    file.put(STEP, Tensor.scalar(checkpoint.step()));
    checkpoint.vectors().forEach((key, vector) -> file.put(key, Tensor.of(vector)));
    file.text(FORMAT, VERSION);
    checkpoint.configuration().forEach((key, value) -> file.text(CONFIGURATION + key, value));
    SafeTensors.write(file(), file.build());
  }
}
