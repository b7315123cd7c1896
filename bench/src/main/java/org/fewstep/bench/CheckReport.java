package org.fewstep.bench;

import com.fasterxml.jackson.core.JsonEncoding;
import com.fasterxml.jackson.core.JsonFactory;
import com.fasterxml.jackson.core.JsonGenerator;
import com.fasterxml.jackson.core.JsonParser;
import com.fasterxml.jackson.core.JsonProcessingException;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.time.Instant;
import java.time.temporal.ChronoUnit;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.fewstep.bench.CheckPart.Outcome;

/**
 * The file that a check leaves: written anew after every part, so that it is there whatever comes.
 */
final class CheckReport {

  private final Path file;
  private final Map<String, String> facts = new LinkedHashMap<>();
  private final List<Outcome> outcomes = new ArrayList<>();
  private String status = "unfinished";
  private String reason = "";

  /** A report whose file is there from the start. */
  CheckReport(Path file, Map<String, String> facts) throws IOException {
    this.file = file.toAbsolutePath();
    this.facts.put("date", Instant.now().truncatedTo(ChronoUnit.SECONDS).toString());
    this.facts.putAll(facts);
    Files.createDirectories(this.file.getParent());
    write();
  }

  void fact(String name, String value) throws IOException {
    facts.put(name, value);
    write();
  }

  void add(List<Outcome> more) throws IOException {
    outcomes.addAll(more);
    write();
  }

  boolean anyFailed() {
    return outcomes.stream().anyMatch(Outcome::failed);
  }

  void finish(String finalStatus, String why) throws IOException {
    status = finalStatus;
    reason = why;
    write();
  }

  private void write() throws IOException {
    Path next = file.resolveSibling(file.getFileName() + ".part");
    try (JsonGenerator json = new JsonFactory().createGenerator(next.toFile(), JsonEncoding.UTF8)) {
      json.useDefaultPrettyPrinter();
      json.writeStartObject();
      json.writeStringField("status", status);
      if (!reason.isEmpty()) {
        json.writeStringField("reason", reason);
      }
      for (Map.Entry<String, String> fact : facts.entrySet()) {
        json.writeStringField(fact.getKey(), fact.getValue());
      }
      json.writeArrayFieldStart("parts");
      for (Outcome outcome : outcomes) {
        write(json, outcome);
      }
      json.writeEndArray();
      json.writeEndObject();
    }
    Files.move(next, file, StandardCopyOption.REPLACE_EXISTING);
  }

  private static void write(JsonGenerator json, Outcome outcome) throws IOException {
    json.writeStartObject();
    json.writeStringField("name", outcome.name());
    json.writeStringField("status", outcome.status().label());
    if (!outcome.reason().isEmpty()) {
      json.writeStringField("reason", outcome.reason());
    }
    json.writeNumberField("seconds", Math.round(10 * outcome.seconds()) / 10.0);
    if (!outcome.summary().isEmpty()) {
      json.writeArrayFieldStart("log");
      for (String line : outcome.summary()) {
        json.writeString(line);
      }
      json.writeEndArray();
    }
    if (outcome.result() != null) {
      json.writeFieldName("result");
      copy(json, outcome.result());
    }
    json.writeEndObject();
  }

  /** Copies a value; of a file that is no JSON, as when its writer was killed, the text. */
  private static void copy(JsonGenerator json, Path result) throws IOException {
    String text = Files.readString(result, StandardCharsets.UTF_8);
    if (!isJson(text)) {
      json.writeString(text);
      return;
    }
    try (JsonParser parser = new JsonFactory().createParser(text)) {
      parser.nextToken();
      json.copyCurrentStructure(parser);
    }
  }

  private static boolean isJson(String text) throws IOException {
    try (JsonParser parser = new JsonFactory().createParser(text)) {
      if (parser.nextToken() == null) {
        return false;
      }
      parser.skipChildren();
      return parser.nextToken() == null;
    } catch (JsonProcessingException e) {
      return false;
    }
  }
}
