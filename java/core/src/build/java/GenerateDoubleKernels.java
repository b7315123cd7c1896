import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Stream;

/**
 * Writes the float64 form of the vector kernels from their float32 sources.
 *
 * <p>Usage: {@code GenerateDoubleKernels <source root> <package folder> <output root>}. Every file
 * of the package folder whose name starts with {@code Float} gets a twin whose name starts with
 * {@code Double}, except where a twin written by hand stands beside it. Twins that lost their
 * source are deleted; a file is rewritten only where its text changes, so that nothing is compiled
 * again in vain.
 *
 * <p>The rules, in this order:
 *
 * <ol>
 *   <li>A line that ends in {@code // float32-only} is dropped. A block from a line {@code //
 *       float32-only begin} to a line {@code // float32-only end} is dropped as well.
 *   <li>A line that starts (after blanks) with {@code // float64: } loses that mark and is emitted
 *       as written; rules 3 to 5 leave it alone.
 *   <li>In code and in comments, every identifier that contains {@code float}, {@code Float} or
 *       {@code FLOAT} gets the double form: {@code float} to {@code double}, {@code Float} to
 *       {@code Double}, {@code FLOAT} to {@code DOUBLE}; so {@code FloatVector}, {@code
 *       FloatLanes}, {@code toFloat}, {@code JAVA_FLOAT} and {@code Float.BYTES} become their
 *       counterparts. A number behind it changes too: {@code FLOAT32} to {@code FLOAT64}, {@code
 *       float32} to {@code float64} (here the word stays, for it names a precision).
 *   <li>Float literals lose their suffix, {@code 1.5f} becomes {@code 1.5}; a literal without point
 *       or exponent becomes one with a point, {@code 2f} becomes {@code 2.0}. Hexadecimal float
 *       literals keep their digits, {@code 0x1p-3f} becomes {@code 0x1p-3}.
 *   <li>The top-level type is annotated {@code @SuppressWarnings("cast")}, unless the source has a
 *       {@code @SuppressWarnings} of its own there (which should then name it): a narrowing cast to
 *       float is a redundant one to double.
 *   <li>{@code IntVector} becomes {@code LongVector}: the lanes of the bits of a double are longs.
 *       Plain {@code int}, {@code Integer} and the masks of a bit pattern stay as they are: mark
 *       such lines with the first two rules.
 * </ol>
 *
 * <p>String and character literals are treated as code: a message that says float says double in
 * the twin.
 */
final class GenerateDoubleKernels {
  private static final String ONLY_32 = "// float32-only";
  private static final String FOR_64 = "// float64: ";

  // A hexadecimal float literal, a decimal one, or an identifier; first match wins. The look-behind
  // keeps the f of an identifier such as x2f, or of a hexadecimal integer, out of it.
  private static final Pattern TOKEN =
      Pattern.compile(
          "(?<hex>\\b0[xX][0-9a-fA-F_]*\\.?[0-9a-fA-F_]*[pP][+-]?[0-9_]+[fF]\\b)"
              + "|(?<hexint>\\b0[xX][0-9a-fA-F_]+[lL]?\\b)"
              + "|(?<decimal>(?<![\\w.])(?:[0-9][0-9_]*\\.?[0-9_]*|\\.[0-9][0-9_]*)"
              + "(?:[eE][+-]?[0-9]+)?[fF]\\b)"
              + "|(?<word>[A-Za-z_$][\\w$]*)");

  private static final Pattern TYPE =
      Pattern.compile("(?:(?:public|final|abstract|sealed) )*(?:class|interface|record|enum) .*");

  private GenerateDoubleKernels() {}

  public static void main(String[] args) throws IOException {
    if (args.length != 3) {
      System.err.println(
          "usage: GenerateDoubleKernels <source root> <package folder> <output root>");
      System.exit(2);
    }
    Path sources = Path.of(args[0]).resolve(args[1]);
    Path outputs = Path.of(args[2]).resolve(args[1]);
    // The output root has to exist even if there is nothing to generate: it is a source root.
    Files.createDirectories(outputs);

    Set<Path> written = new HashSet<>();
    for (Path source : javaFiles(sources, "Float")) {
      String name = source.getFileName().toString().replaceFirst("^Float", "Double");
      if (Files.exists(sources.resolve(name))) {
        continue;
      }
      Path twin = outputs.resolve(name);
      written.add(twin);
      String text = twinOf(source);
      if (!Files.exists(twin) || !Files.readString(twin).equals(text)) {
        Files.writeString(twin, text);
      }
    }
    for (Path stale : javaFiles(outputs, "")) {
      if (!written.contains(stale)) {
        Files.delete(stale);
      }
    }
  }

  private static List<Path> javaFiles(Path folder, String prefix) throws IOException {
    if (!Files.isDirectory(folder)) {
      return List.of();
    }
    try (Stream<Path> files = Files.list(folder)) {
      return files
          .filter(
              f -> {
                String name = f.getFileName().toString();
                return name.startsWith(prefix) && name.endsWith(".java");
              })
          .sorted()
          .toList();
    }
  }

  private static String twinOf(Path source) throws IOException {
    StringBuilder out = new StringBuilder();
    out.append("// Generated from ")
        .append(source.getFileName())
        .append(" by GenerateDoubleKernels during the build. Do not edit: edit that file.\n");
    boolean dropping = false;
    boolean casts = true; // not yet allowed to be redundant
    int number = 0;
    for (String line : Files.readAllLines(source)) {
      number++;
      String bare = line.strip();
      if (bare.equals(ONLY_32 + " begin") || bare.equals(ONLY_32 + " end")) {
        boolean begin = bare.endsWith("begin");
        if (begin == dropping) {
          throw new IllegalArgumentException(source + ":" + number + ": unpaired mark: " + bare);
        }
        dropping = begin;
      } else if (dropping || bare.endsWith(ONLY_32)) {
        continue;
      } else if (bare.startsWith(FOR_64)) {
        out.append(line, 0, line.indexOf(FOR_64))
            .append(bare, FOR_64.length(), bare.length())
            .append('\n');
      } else {
        if (casts && line.startsWith("@SuppressWarnings")) {
          casts = false;
        } else if (casts && TYPE.matcher(line).matches()) {
          out.append("@SuppressWarnings(\"cast\")\n");
          casts = false;
        }
        out.append(convert(line)).append('\n');
      }
    }
    if (dropping) {
      throw new IllegalArgumentException(source + ": a block of float32-only does not end");
    }
    return out.toString();
  }

  private static String convert(String line) {
    Matcher m = TOKEN.matcher(line);
    StringBuilder out = new StringBuilder();
    while (m.find()) {
      m.appendReplacement(out, Matcher.quoteReplacement(replacement(m)));
    }
    return m.appendTail(out).toString();
  }

  private static String replacement(Matcher m) {
    String token = m.group();
    if (m.group("hexint") != null) {
      return token;
    }
    if (m.group("hex") != null) {
      return token.substring(0, token.length() - 1);
    }
    if (m.group("decimal") != null) {
      String digits = token.substring(0, token.length() - 1);
      boolean whole = digits.chars().allMatch(c -> c == '_' || (c >= '0' && c <= '9'));
      return whole ? digits + ".0" : digits;
    }
    if (token.equals("IntVector")) {
      return "LongVector";
    }
    return token
        .replace("float32", "\0l64")
        .replace("Float32", "\0u64")
        .replace("FLOAT32", "\0c64")
        .replace("float", "double")
        .replace("Float", "Double")
        .replace("FLOAT", "DOUBLE")
        .replace("\0l64", "float64")
        .replace("\0u64", "Float64")
        .replace("\0c64", "FLOAT64");
  }
}
