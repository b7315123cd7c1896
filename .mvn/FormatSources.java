import com.google.googlejavaformat.java.Formatter;
import com.google.googlejavaformat.java.FormatterException;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.stream.Stream;

/**
 * Checks or rewrites the layout of every Java source of the repository with google-java-format.
 *
 * <p>Usage, from the root: {@code FormatSources check|write [file or folder ...]}. Without files it
 * takes all sources; build output ({@code target}) is never touched. One process for all modules,
 * so that the check costs about a second.
 */
final class FormatSources {
  private FormatSources() {}

  public static void main(String[] args) throws IOException {
    if (args.length == 0 || !List.of("check", "write").contains(args[0])) {
      System.err.println("usage: FormatSources check|write [file or folder ...]");
      System.exit(2);
    }
    boolean write = args[0].equals("write");
    List<Path> roots =
        args.length > 1
            ? Stream.of(args).skip(1).map(Path::of).toList()
            : Stream.of(".mvn", "java", "native", "bench").map(Path::of).toList();

    List<Path> sources;
    try (Stream<Path> all = roots.stream().filter(Files::exists).flatMap(FormatSources::walk)) {
      sources = all.filter(FormatSources::isSource).toList();
    }
    List<String> complaints =
        sources.parallelStream().flatMap(source -> format(source, write)).sorted().toList();
    complaints.forEach(System.err::println);

    if (complaints.stream().anyMatch(c -> !c.startsWith("formatted"))) {
      System.err.println("To format every source in place: mvn -N -Pformat process-sources");
      System.exit(1);
    }
  }

  private static Stream<Path> walk(Path root) {
    try {
      return Files.walk(root);
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  private static boolean isSource(Path path) {
    if (!path.toString().endsWith(".java")) {
      return false;
    }
    for (Path part : path) {
      if (part.toString().equals("target")) {
        return false;
      }
    }
    return true;
  }

  private static Stream<String> format(Path source, boolean write) {
    try {
      String text = Files.readString(source);
      String formatted = new Formatter().formatSourceAndFixImports(text);
      if (formatted.equals(text)) {
        return Stream.empty();
      }
      if (write) {
        Files.writeString(source, formatted);
        return Stream.of("formatted " + source);
      }
      return Stream.of("not formatted: " + source);
    } catch (FormatterException e) {
      return Stream.of("cannot be parsed: " + source + ": " + e.getMessage());
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }
}
