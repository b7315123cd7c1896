import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;

/**
 * Lowers the class-file version of a compiled module descriptor.
 *
 * <p>Usage: {@code LowerModuleInfo <module-info.class>}. The plugins that package and test read the
 * descriptor inside Maven's own JVM, which may be older than the JDK that compiled it and then
 * refuses the file. The format of a descriptor is the same since Java 9, so the version number is
 * all that has to change. A file that is low enough already, or absent, is left alone: nothing
 * looks changed to the next build.
 */
final class LowerModuleInfo {
  private static final int JAVA_17 = 61;

  private LowerModuleInfo() {}

  public static void main(String[] args) throws IOException {
    Path file = Path.of(args[0]);
    if (!Files.exists(file)) {
      return;
    }
    byte[] bytes = Files.readAllBytes(file);
    int major = (bytes[6] & 0xff) << 8 | bytes[7] & 0xff;
    if (major > JAVA_17) {
      bytes[6] = 0;
      bytes[7] = JAVA_17;
      Files.write(file, bytes);
    }
  }
}
