package org.fewstep.cli;

import com.fasterxml.jackson.core.JsonFactory;
import com.fasterxml.jackson.core.JsonGenerator;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.Channels;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.function.ToDoubleFunction;
import java.util.stream.Collectors;
import org.fewstep.distill.DistillationOptions;
import org.fewstep.distill.OneStepDiagnosis;
import org.fewstep.grid.GridKind;
import org.fewstep.grid.GridSpec;
import org.fewstep.grid.TimeGrid;
import org.fewstep.io.AtomicFile;

/** A study as a table for people and as JSON for programs. */
final class StudyReport {

  /** What arXiv 2606.03820 reports at most for its balanced grids with 8 segments. */
  private static final double PUBLISHED = 0.519;

  private final List<StudyCase> cases;
  private final int seeds;

  StudyReport(List<StudyCase> cases, int seeds) {
    this.cases = cases;
    this.seeds = seeds;
  }

  void writeTable(Path path) throws IOException {
    ByteBuffer text = ByteBuffer.wrap(table().getBytes(StandardCharsets.UTF_8));
    AtomicFile.write(
        path,
        channel -> {
          while (text.hasRemaining()) {
            channel.write(text);
          }
        });
  }

  void writeJson(Path path) throws IOException {
    AtomicFile.write(
        path,
        channel -> {
          JsonGenerator json =
              new JsonFactory()
                  .createGenerator(Channels.newOutputStream(channel))
                  .useDefaultPrettyPrinter();
          json.writeStartObject();
          write(json);
          json.writeEndObject();
          json.flush();
        });
  }

  /** The table in Markdown. */
  String table() {
    DistillationOptions options = cases.getFirst().options();
    StringBuilder text = new StringBuilder();
    text.append(
        """
        End-to-end relative mean squared error, mean of %d seeds (in brackets: how much less than the
        uniform grid of as many segments, and the standard deviation over seeds). Students of width
        %s, %d steps of %d rows, %,d trajectories to learn from, %,d to judge by.

        """
            .formatted(
                seeds,
                widths(),
                options.training().steps(),
                options.training().batch(),
                options.trajectories(),
                options.heldOut()));
    for (int segments : segments()) {
      section(text, segments);
    }
    oneStep(text);
    summary(text);
    return text.toString();
  }

  private String widths() {
    return cases.stream()
        .map(studied -> studied.options().student().width())
        .distinct()
        .sorted()
        .map(String::valueOf)
        .collect(Collectors.joining(" or "));
  }

  private int[] segments() {
    return cases.getFirst().grids().keySet().stream()
        .mapToInt(GridSpec::segments)
        .distinct()
        .toArray();
  }

  private List<GridSpec> specs(int segments) {
    return cases.getFirst().grids().keySet().stream()
        .filter(spec -> spec.segments() == segments)
        .toList();
  }

  private void section(StringBuilder text, int segments) {
    List<GridSpec> specs = segments == 1 ? specs(1).subList(0, 1) : specs(segments);
    text.append("| %d segment%s |".formatted(segments, segments == 1 ? "" : "s"));
    specs.forEach(spec -> text.append(" %s |".formatted(segments == 1 ? "error" : spec.kind())));
    text.append("%n|---|".formatted()).append("---|".repeat(specs.size())).append('\n');
    for (StudyCase studied : cases) {
      text.append("| %s to %s |".formatted(studied.name(), studied.end()));
      for (GridSpec spec : specs) {
        text.append(" %.2e ".formatted(studied.error(spec)));
        String spread = "±%.0f%%".formatted(100 * studied.spread(spec));
        text.append(
            spec.kind() == GridKind.UNIFORM
                ? "(%s) |".formatted(spread)
                : "(%.0f%%, %s) |".formatted(100 * studied.reduction(spec), spread));
      }
      text.append('\n');
      text.append("| best 99% of rows |");
      specs.forEach(spec -> text.append(" %.1e |".formatted(studied.trimmed(spec))));
      text.append('\n');
    }
    text.append('\n');
  }

  private void oneStep(StringBuilder text) {
    text.append(
        "| one step, as many parameters | error over that of the composition | exact over learned"
            + " amplification: one step | segments, worst |\n|---|---|---|---|\n");
    for (StudyCase studied : cases) {
      text.append(
          "| %s to %s | %.2f | %.2g | %.2g |%n"
              .formatted(
                  studied.name(),
                  studied.end(),
                  errorRatio(studied.diagnoses()),
                  mean(studied.diagnoses(), OneStepDiagnosis::mismatchOfOne),
                  mean(studied.diagnoses(), OneStepDiagnosis::largestMismatchOfMany)));
    }
    text.append('\n');
  }

  /** The mean error of one step over that of the compositions. */
  private static double errorRatio(List<OneStepDiagnosis> diagnoses) {
    return mean(diagnoses, diagnosis -> diagnosis.one().error().mean())
        / mean(diagnoses, diagnosis -> diagnosis.many().error().mean());
  }

  private static double mean(
      List<OneStepDiagnosis> diagnoses, ToDoubleFunction<OneStepDiagnosis> value) {
    return diagnoses.stream().mapToDouble(value).average().orElse(Double.NaN);
  }

  private void summary(StringBuilder text) {
    for (GridKind kind : List.of(GridKind.STABILITY, GridKind.TYPICAL, GridKind.STUDENT)) {
      double[] reductions = reductions(kind);
      text.append(
          "%s: at least %.1f%% less than uniform on %d of %d, median %.0f%%, least %.0f%%%n%n"
              .formatted(
                  kind,
                  100 * PUBLISHED,
                  Arrays.stream(reductions).filter(r -> r >= PUBLISHED).count(),
                  reductions.length,
                  100 * median(reductions),
                  100 * Arrays.stream(reductions).min().orElse(Double.NaN)));
    }
  }

  private double[] reductions(GridKind kind) {
    return cases.stream()
        .mapToDouble(studied -> studied.reduction(new GridSpec(kind, StudyCommand.SEGMENTS)))
        .toArray();
  }

  private static double median(double[] values) {
    double[] sorted = values.clone();
    Arrays.sort(sorted);
    int half = sorted.length / 2;
    return sorted.length % 2 == 1 ? sorted[half] : (sorted[half - 1] + sorted[half]) / 2;
  }

  /** Writes the fields of the JSON object. */
  void write(JsonGenerator out) throws IOException {
    out.writeNumberField("seeds", seeds);
    DistillationOptions options = cases.getFirst().options();
    out.writeNumberField("steps", options.training().steps());
    out.writeNumberField("batch", options.training().batch());
    out.writeNumberField("trajectories", options.trajectories());
    out.writeNumberField("held_out", options.heldOut());
    out.writeArrayFieldStart("cases");
    for (StudyCase studied : cases) {
      out.writeStartObject();
      write(out, studied);
      out.writeEndObject();
    }
    out.writeEndArray();
  }

  private static void write(JsonGenerator out, StudyCase studied) throws IOException {
    out.writeStringField("mixture", studied.name());
    out.writeNumberField("end", studied.end());
    out.writeNumberField("width", studied.options().student().width());
    out.writeArrayFieldStart("grids");
    for (Map.Entry<GridSpec, TimeGrid> grid : studied.grids().entrySet()) {
      GridSpec spec = grid.getKey();
      out.writeStartObject();
      out.writeStringField("kind", spec.kind().label());
      out.writeNumberField("segments", spec.segments());
      Json.numbers(out, "knots", grid.getValue().knots());
      Json.number(out, "error", studied.error(spec));
      Json.number(out, "trimmed", studied.trimmed(spec));
      Json.number(out, "reduction", studied.reduction(spec));
      Json.number(out, "spread", studied.spread(spec));
      Json.numbers(out, "errors", studied.errors(spec));
      out.writeEndObject();
    }
    out.writeEndArray();
    out.writeObjectFieldStart("one_step");
    Json.number(out, "error_ratio", errorRatio(studied.diagnoses()));
    Json.number(out, "mismatch", mean(studied.diagnoses(), OneStepDiagnosis::mismatchOfOne));
    Json.number(
        out,
        "largest_mismatch_of_segments",
        mean(studied.diagnoses(), OneStepDiagnosis::largestMismatchOfMany));
    out.writeEndObject();
  }
}
