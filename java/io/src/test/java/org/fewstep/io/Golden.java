package org.fewstep.io;

import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;

/** The golden files among the resources, which scripts beside them made. */
final class Golden {

  private Golden() {}

  /** The bytes of one. */
  static byte[] bytes(String name) {
    try (InputStream stream = Golden.class.getResourceAsStream(name)) {
      return stream.readAllBytes();
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  /** A copy of one. */
  static Path copy(Path folder, String name) throws IOException {
    return Files.write(folder.resolve(name), bytes(name));
  }
}
