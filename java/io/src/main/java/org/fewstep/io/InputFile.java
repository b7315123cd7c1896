package org.fewstep.io;

import java.io.IOException;
import java.nio.channels.FileChannel;
import java.nio.file.FileSystemException;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;

/** Opens files for reading. */
final class InputFile {

  private InputFile() {}

  /**
   * Opens a regular file; a device or a pipe has no size that a header could be checked against.
   */
  static FileChannel open(Path path) throws IOException {
    if (!Files.exists(path)) {
      throw new NoSuchFileException(path.toString());
    }
    if (!Files.isRegularFile(path)) {
      String reason = Files.isDirectory(path) ? "is a directory" : "is not a regular file";
      throw new FileSystemException(path.toString(), null, reason);
    }
    return FileChannel.open(path, StandardOpenOption.READ);
  }
}
