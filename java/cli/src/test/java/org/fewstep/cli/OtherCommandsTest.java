package org.fewstep.cli;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import java.io.IOException;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import org.fewstep.backend.Batch;
import org.fewstep.backend.Precision;
import org.fewstep.io.Npy;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class OtherCommandsTest {

  @TempDir Path folder;

  @Test
  void infoPrintsOneLineABackend() throws IOException {
    List<String> lines = Cli.run("info").succeeds().out().lines().toList();
    Map<?, ?> json = Cli.run("info", "--json").succeeds().json();
    List<?> backends = (List<?>) json.get("backends");
    assertThat(lines).hasSameSizeAs(backends).anyMatch(line -> line.startsWith("scalar "));
    for (Object backend : backends) {
      assertThat(((Map<?, ?>) backend).keySet())
          .map(Object::toString)
          .containsExactly("name", "available", "reason");
    }
  }

  @ParameterizedTest
  @CsvSource({"uniform", "log-snr", "karras", "stability", "typical", "refined"})
  void gridPrintsKnotsAndCumulative(String kind) throws IOException {
    Map<?, ?> json =
        Cli.run(
                folder,
                "grid --mixture example:bimodal --segments 4 --output @g.npy --precision f64 --kind"
                    + " "
                    + kind)
            .succeeds()
            .json();
    assertThat(json.keySet()).map(Object::toString).containsExactly("kind", "knots", "cumulative");
    assertThat(json.get("kind")).isEqualTo(kind);
    List<Double> knots = Cli.numbers(json.get("knots"));
    assertThat(knots).hasSize(5).startsWith(3.0).endsWith(1e-3);
    assertThat(Cli.numbers(json.get("cumulative"))).hasSize(5).startsWith(0.0);
    assertThat(Cli.header(folder.resolve("g.npy"))).isEqualTo("<f8 (5,)");
    try (Batch batch = Npy.read(folder.resolve("g.npy"), Precision.FLOAT64)) {
      assertThat(batch.toDoubleArray()[2]).isEqualTo(knots.get(2));
    }
  }

  @Test
  void gridTakesItsEnds() throws IOException {
    Map<?, ?> json =
        Cli.run(
                "grid",
                "--mixture",
                "example:ring8",
                "--kind",
                "uniform",
                "--segments",
                "2",
                "--start",
                "2",
                "--end",
                "0",
                "--json")
            .succeeds()
            .json();
    assertThat(Cli.numbers(json.get("knots"))).containsExactly(2.0, 1.0, 0.0);
    assertThat(Cli.numbers(json.get("cumulative")).get(2)).isEqualTo(2, within(1e-15));
  }

  @Test
  void gridPlots() throws IOException {
    for (String kind : List.of("uniform", "refined")) {
      Cli.run(
              folder,
              "grid --mixture example:bimodal --segments 3 --quiet --plot @g.png --end 0.01 --kind "
                  + kind)
          .succeeds();
      assertThat(folder.resolve("g.png").toFile().length()).isGreaterThan(5000);
    }
  }

  @Test
  void selftestPasses() throws IOException {
    assertThat(Cli.run("selftest").succeeds().out()).contains("checks passed");
    Map<?, ?> json =
        Cli.run("selftest", "--json", "--backend", "scalar", "--precision", "f32")
            .succeeds()
            .json();
    assertThat(json.get("passed")).isEqualTo(true);
    for (Object check : (List<?>) json.get("checks")) {
      assertThat(((Map<?, ?>) check).get("backend")).isEqualTo("scalar");
      assertThat(((Map<?, ?>) check).get("precision")).isEqualTo("f32");
      assertThat(((Map<?, ?>) check).get("passed")).isEqualTo(true);
    }
  }

  @Test
  void helpAndVersionSucceed() {
    assertThat(Cli.run("--help").succeeds().out()).contains("evaluate", "flow", "selftest");
    assertThat(Cli.run("flow", "--help").succeeds().out()).contains("--log-likelihood");
    assertThat(Cli.run("--version").succeeds().out()).startsWith("fewstep ");
  }
}
