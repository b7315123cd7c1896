package org.fewstep.bench;

import com.fasterxml.jackson.core.JsonEncoding;
import com.fasterxml.jackson.core.JsonFactory;
import com.fasterxml.jackson.core.JsonGenerator;
import java.io.IOException;
import java.io.PrintStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;

/** Figures as they come in: printed at once as lines of a table, and kept for a file of JSON. */
final class Report {

  /** What is asked of a figure. */
  record Bound(String sign, double value) {

    static Bound atLeast(double value) {
      return new Bound(">=", value);
    }

    static Bound atMost(double value) {
      return new Bound("<=", value);
    }

    boolean holds(double figure) {
      return sign.equals(">=") ? figure >= value : figure <= value;
    }
  }

  private record Figure(String section, String name, double value, String unit, Bound bound) {}

  private record Timings(String section, Contest.Timing timing) {}

  private final PrintStream out;
  private final Map<String, String> machine;
  private final boolean judging;
  private final List<Figure> figures = new ArrayList<>();
  private final List<Timings> timings = new ArrayList<>();
  private final Map<String, String> notes = new LinkedHashMap<>();
  private final List<String> leftOut = new ArrayList<>();
  private String section = "";

  /**
   * A report that prints as it grows.
   *
   * @param judging whether figures are held against what is asked of them; not those of a quick run
   */
  Report(PrintStream out, Map<String, String> machine, boolean judging) {
    this.out = out;
    this.machine = machine;
    this.judging = judging;
    machine.forEach((name, value) -> out.printf("%-24s%s%n", name, value));
  }

  /** Begins a part of the table. */
  void section(String title) {
    section = title;
    out.printf("%n%s%n", title);
  }

  /** A figure that nothing is asked of. */
  void figure(String name, double value, String unit) {
    figure(name, value, unit, null);
  }

  /** A figure with what is asked of it. */
  void figure(String name, double value, String unit, Bound asking) {
    Bound bound = judging ? asking : null;
    figures.add(new Figure(section, name, value, unit, bound));
    String asked =
        bound == null
            ? ""
            : "  asked %s %s: %s"
                .formatted(bound.sign, number(bound.value), bound.holds(value) ? "holds" : "FAILS");
    out.printf("  %-58s %12s %-10s%s%n", name, number(value), unit, asked);
  }

  /** A line of text. */
  void note(String name, String text) {
    notes.put(section + ": " + name, text);
    out.printf("  %s: %s%n", name, text);
  }

  /** The times behind the figures. */
  void timings(List<Contest.Timing> measured) {
    for (Contest.Timing timing : measured) {
      timings.add(new Timings(section, timing));
      out.printf(
          "  %-58s %12s %-10s  median %s%n",
          "time of " + timing.name(),
          number(timing.best() * 1e3),
          "ms",
          number(timing.median() * 1e3));
    }
  }

  /** Tells what was not measured, and why. */
  void leftOut(String what, String why) {
    leftOut.add("%s: %s".formatted(what, why));
    out.printf("  left out: %s: %s%n", what, why);
  }

  private static String number(double value) {
    return String.format(Locale.ROOT, Math.abs(value) >= 1e6 ? "%.4g" : "%.4f", value);
  }

  /** Writes everything to a file. */
  void write(Path file) throws IOException {
    if (file.toAbsolutePath().getParent() != null) {
      Files.createDirectories(file.toAbsolutePath().getParent());
    }
    try (JsonGenerator json = new JsonFactory().createGenerator(file.toFile(), JsonEncoding.UTF8)) {
      json.useDefaultPrettyPrinter();
      json.writeStartObject();
      write(json, "machine", machine);
      write(json, "notes", notes);
      json.writeArrayFieldStart("figures");
      for (Figure figure : figures) {
        json.writeStartObject();
        json.writeStringField("section", figure.section);
        json.writeStringField("name", figure.name);
        json.writeNumberField("value", figure.value);
        json.writeStringField("unit", figure.unit);
        if (figure.bound != null) {
          json.writeStringField("asked", "%s %s".formatted(figure.bound.sign, figure.bound.value));
          json.writeBooleanField("holds", figure.bound.holds(figure.value));
        }
        json.writeEndObject();
      }
      json.writeEndArray();
      json.writeArrayFieldStart("timings");
      for (Timings entry : timings) {
        json.writeStartObject();
        json.writeStringField("section", entry.section);
        json.writeStringField("name", entry.timing.name());
        json.writeArrayFieldStart("seconds");
        for (double seconds : entry.timing.seconds()) {
          json.writeNumber(seconds);
        }
        json.writeEndArray();
        json.writeEndObject();
      }
      json.writeEndArray();
      json.writeArrayFieldStart("leftOut");
      for (String what : leftOut) {
        json.writeString(what);
      }
      json.writeEndArray();
      json.writeEndObject();
    }
  }

  private static void write(JsonGenerator json, String name, Map<String, String> texts)
      throws IOException {
    json.writeObjectFieldStart(name);
    for (Map.Entry<String, String> entry : texts.entrySet()) {
      json.writeStringField(entry.getKey(), entry.getValue());
    }
    json.writeEndObject();
  }
}
