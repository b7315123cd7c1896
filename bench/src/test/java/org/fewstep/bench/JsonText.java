package org.fewstep.bench;

import com.fasterxml.jackson.core.JsonFactory;
import com.fasterxml.jackson.core.JsonParser;
import com.fasterxml.jackson.core.JsonToken;
import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/**
 * The scalars of a JSON text by the names on their way, in the order of the text: {@code
 * /workloads/name} are the names of all workloads.
 */
record JsonText(Map<String, List<String>> values) {

  static JsonText read(Path file) throws IOException {
    Map<String, List<String>> values = new LinkedHashMap<>();
    try (JsonParser parser = new JsonFactory().createParser(file.toFile())) {
      for (JsonToken token = parser.nextToken(); token != null; token = parser.nextToken()) {
        if (token.isScalarValue()) {
          String path = parser.getParsingContext().pathAsPointer().toString();
          values
              .computeIfAbsent(path.replaceAll("/\\d+(?=/|$)", ""), name -> new ArrayList<>())
              .add(parser.getText());
        }
      }
    }
    return new JsonText(values);
  }

  List<String> strings(String path) {
    return values.getOrDefault(path, List.of());
  }

  List<Double> numbers(String path) {
    return strings(path).stream().map(Double::valueOf).toList();
  }
}
