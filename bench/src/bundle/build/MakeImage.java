import java.io.IOException;
import java.io.PrintWriter;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Comparator;
import java.util.List;
import java.util.spi.ToolProvider;
import java.util.stream.Stream;

/**
 * Links the JVM of the bundle from the JDK that runs this, and notes which commit the bundle is
 * made of: {@code java MakeImage.java FOLDER}.
 */
final class MakeImage {

  /** What the library, the command, JMH with its profilers, and JUnit want. */
  private static final List<String> MODULES =
      List.of(
          "java.base",
          "java.desktop",
          "java.logging",
          "java.management",
          "java.xml",
          "jdk.incubator.vector",
          "jdk.jfr",
          "jdk.management",
          "jdk.unsupported",
          "jdk.zipfs");

  private MakeImage() {}

  public static void main(String[] arguments) throws Exception {
    Path folder = Path.of(arguments[0]);
    deleteTree(folder);
    Files.createDirectories(folder);
    ToolProvider jlink =
        ToolProvider.findFirst("jlink")
            .orElseThrow(() -> new IllegalStateException("this JDK has no jlink"));
    int status =
        jlink.run(
            new PrintWriter(System.out, true, StandardCharsets.UTF_8),
            new PrintWriter(System.err, true, StandardCharsets.UTF_8),
            "--add-modules",
            String.join(",", MODULES),
            "--strip-debug",
            "--no-header-files",
            "--no-man-pages",
            // The archive compresses it, and does so better once than twice.
            "--compress",
            "zip-0",
            "--output",
            folder.resolve("jre").toString());
    if (status != 0) {
      throw new IllegalStateException("jlink ended with status " + status);
    }
    Files.writeString(folder.resolve("COMMIT"), commit() + "\n");
  }

  private static String commit() throws InterruptedException {
    try {
      Process git = new ProcessBuilder("git", "describe", "--always", "--dirty").start();
      String said = new String(git.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
      return git.waitFor() == 0 ? said.strip() : "unknown";
    } catch (IOException e) {
      return "unknown"; // sources need not come with git
    }
  }

  private static void deleteTree(Path folder) throws IOException {
    if (!Files.exists(folder)) {
      return;
    }
    try (Stream<Path> files = Files.walk(folder)) {
      for (Path file : files.sorted(Comparator.reverseOrder()).toList()) {
        Files.delete(file);
      }
    }
  }
}
