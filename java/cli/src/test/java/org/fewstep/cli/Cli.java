package org.fewstep.cli;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.core.JsonFactory;
import com.fasterxml.jackson.core.JsonParser;
import com.fasterxml.jackson.core.JsonToken;
import java.io.IOException;
import java.io.PrintWriter;
import java.io.StringWriter;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.stream.Stream;
import org.fewstep.backend.Batch;
import org.fewstep.io.Npy;

/** Runs the command in this JVM. */
final class Cli {

  /** What a run left behind. */
  record Outcome(int code, String out, String err) {

    /** Expects success without a word on stderr. */
    Outcome succeeds() {
      assertThat(err).isEmpty();
      assertThat(code).isZero();
      return this;
    }

    /** Expects exit 2, nothing on stdout, and one line on stderr that says so. */
    Outcome refuses(String reason) {
      assertThat(err).contains(reason).startsWith("fewstep: ").hasLineCount(1);
      assertThat(out).isEmpty();
      assertThat(code).isEqualTo(2);
      return this;
    }

    /** The one JSON object on stdout: maps, lists, strings, doubles, booleans, null. */
    Map<?, ?> json() throws IOException {
      assertThat(out).hasLineCount(1);
      try (JsonParser parser = new JsonFactory().createParser(out)) {
        parser.nextToken();
        Object value = value(parser);
        assertThat(parser.nextToken()).isNull();
        return (Map<?, ?>) value;
      }
    }
  }

  private Cli() {}

  /** Runs a command line of words between spaces; {@code @} stands for the folder. */
  static Outcome run(Path folder, String line) {
    return run(
        Stream.of(line.strip().split(" +"))
            .map(word -> word.replace("@", folder + "/"))
            .toArray(String[]::new));
  }

  static Outcome run(String... arguments) {
    StringWriter out = new StringWriter();
    StringWriter err = new StringWriter();
    int code = Main.run(arguments, new PrintWriter(out, true), new PrintWriter(err, true));
    return new Outcome(code, out.toString(), err.toString());
  }

  private static Object value(JsonParser parser) throws IOException {
    return switch (parser.currentToken()) {
      case START_OBJECT -> {
        Map<String, Object> object = new LinkedHashMap<>();
        while (parser.nextToken() != JsonToken.END_OBJECT) {
          String key = parser.currentName();
          parser.nextToken();
          object.put(key, value(parser));
        }
        yield object;
      }
      case START_ARRAY -> {
        List<Object> list = new ArrayList<>();
        while (parser.nextToken() != JsonToken.END_ARRAY) {
          list.add(value(parser));
        }
        yield list;
      }
      case VALUE_NUMBER_INT, VALUE_NUMBER_FLOAT -> parser.getDoubleValue();
      case VALUE_TRUE -> true;
      case VALUE_FALSE -> false;
      case VALUE_NULL -> null;
      default -> parser.getText();
    };
  }

  /** A JSON array as numbers. */
  static List<Double> numbers(Object list) {
    return ((List<?>) list).stream().map(number -> (Double) number).toList();
  }

  /** Writes points as float64. */
  static Path points(Path file, int columns, double... values) throws IOException {
    Npy.write(file, Batch.wrap(values, columns));
    return file;
  }

  /** The header of a .npy file, from its dtype to its shape, such as "<f4 (3, 2)". */
  static String header(Path file) throws IOException {
    String text = new String(Files.readAllBytes(file), StandardCharsets.ISO_8859_1);
    String type = text.substring(text.indexOf("'<") + 1, text.indexOf("'<") + 4);
    return type + " " + text.substring(text.indexOf('('), text.indexOf(')') + 1);
  }

  /** The names of the files in a folder, hidden ones too. */
  static List<String> names(Path folder) throws IOException {
    try (Stream<Path> files = Files.list(folder)) {
      return files.map(file -> file.getFileName().toString()).sorted().toList();
    }
  }
}
