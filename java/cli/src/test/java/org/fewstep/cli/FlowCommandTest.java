package org.fewstep.cli;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
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
import org.junit.jupiter.params.provider.ValueSource;

class FlowCommandTest {

  @TempDir Path folder;

  private double[] values(String name) throws IOException {
    try (Batch batch = Npy.read(folder.resolve(name), Precision.FLOAT64)) {
      return batch.toDoubleArray();
    }
  }

  @Test
  void writesSamplesAndTellsWhatRan() throws IOException {
    Map<?, ?> json =
        Cli.run(
                folder,
                "flow --mixture example:ring8 --count 500 --seed 1 --output @y.npy --json --backend"
                    + " scalar")
            .succeeds()
            .json();
    assertThat(Cli.header(folder.resolve("y.npy"))).isEqualTo("<f4 (500, 2)");
    assertThat(json.get("backend")).isEqualTo("scalar");
    assertThat(json.get("rows")).isEqualTo(500.0);
    assertThat(json.get("solver")).isEqualTo("dpmpp2m");
    assertThat(json.get("grid")).isEqualTo("log-snr:8");
    assertThat(Cli.numbers(json.get("knots"))).hasSize(9).startsWith(3.0).endsWith(1e-3);
    assertThat(json.get("evaluations")).isEqualTo(4000.0);
    assertThat(((Map<?, ?>) json.get("status")).get("ok")).isEqualTo(500.0);
    assertThat(((Map<?, ?>) json.get("seconds")).get("median")).isInstanceOf(Double.class);
    // Most samples are near the ring of radius 2.
    double[] samples = values("y.npy");
    long near = 0;
    for (int i = 0; i < samples.length; i += 2) {
      near += Math.abs(Math.hypot(samples[i], samples[i + 1]) - 2) < 0.3 ? 1 : 0;
    }
    assertThat(near).isGreaterThan(480);
  }

  @Test
  void writesTrajectoriesAndLogLikelihoods() throws IOException {
    Cli.run(
            folder,
            "flow --mixture example:bimodal --count 5 --seed 3 --output @y.npy --trajectory"
                + " --log-likelihood @l.npy --grid uniform:4 --solver heun --precision f64")
        .succeeds();
    assertThat(Cli.header(folder.resolve("y.npy"))).isEqualTo("<f8 (5, 5, 1)");
    assertThat(Cli.header(folder.resolve("l.npy"))).isEqualTo("<f8 (5,)");
    assertThat(values("l.npy")).doesNotContain(Double.NaN);
  }

  @Test
  void goesBackWithReverse() throws IOException {
    Cli.points(folder.resolve("x.npy"), 2, 0.5, 1, -1, 0.2, 1.5, -1.5);
    String rest = " --mixture example:ring8?sigma=0.5 --precision f64 --solver dopri5 --rtol 1e-9";
    Cli.run(folder, "flow --noise @x.npy --output @y.npy --atol 1e-9" + rest).succeeds();
    Cli.run(folder, "flow --noise @y.npy --output @z.npy --atol 1e-9 --reverse" + rest).succeeds();
    double[] there = values("x.npy");
    double[] back = values("z.npy");
    for (int i = 0; i < there.length; i++) {
      assertThat(back[i]).isEqualTo(there[i], within(1e-5));
    }
    Cli.run(
            folder,
            "flow --noise @y.npy --output @w.npy --atol 1e-9 --reverse --start 1e-3 --end 3" + rest)
        .succeeds();
    assertThat(values("w.npy")).isEqualTo(back);
  }

  @ParameterizedTest
  @ValueSource(strings = {"euler", "heun", "rk4", "ddim", "dpmpp2m", "dpmpp3m", "unipc", "dopri5"})
  void knowsEverySolver(String solver) throws IOException {
    Cli.run(folder, "flow --mixture example:bimodal --count 20 --output @y.npy --solver " + solver)
        .succeeds();
    assertThat(values("y.npy")).hasSize(20).doesNotContain(Double.NaN);
  }

  @ParameterizedTest
  @ValueSource(strings = {"uniform", "log-snr", "karras", "stability", "typical", "refined"})
  void knowsEveryGrid(String kind) throws IOException {
    Cli.run(
            folder,
            "flow --mixture example:bimodal --count 20 --output @y.npy --grid %s:3".formatted(kind))
        .succeeds();
    assertThat(values("y.npy")).hasSize(20).doesNotContain(Double.NaN);
  }

  @ParameterizedTest
  @ValueSource(strings = {"ou", "vp", "vp-cosine", "ve"})
  void knowsEveryProcess(String process) throws IOException {
    Cli.run(
            folder,
            "flow --mixture example:bimodal --count 50 --output @y.npy --grid log-snr:20 --process "
                + process)
        .succeeds();
    for (double x : values("y.npy")) {
      assertThat(Math.abs(x)).isBetween(0.5, 1.5);
    }
  }

  @Test
  void drawsTheSameNoiseOnEveryBackend() throws IOException {
    for (String backend : List.of("scalar", "auto")) {
      Cli.run(
              folder,
              "flow --mixture example:ring8?sigma=0.5 --count 50 --seed -7 --precision f64 --output @%s.npy --backend %s"
                  .formatted(backend, backend))
          .succeeds();
    }
    double[] expected = values("scalar.npy");
    double[] actual = values("auto.npy");
    for (int i = 0; i < expected.length; i++) {
      assertThat(actual[i]).isEqualTo(expected[i], within(1e-9));
    }
  }

  @ParameterizedTest
  @CsvSource({
    "example:bimodal, plot.png",
    "example:bimodal, plot.svg",
    "example:two-modes, plot.png",
    "example:gauss8d, plot.SVG"
  })
  void plots(String mixture, String plot) throws IOException {
    Cli.run(
            folder,
            "flow --mixture %s --count 100 --output @y.npy --plot @%s".formatted(mixture, plot))
        .succeeds();
    byte[] picture = Files.readAllBytes(folder.resolve(plot));
    assertThat(picture).hasSizeGreaterThan(5000);
    String start = new String(picture, 0, 5, StandardCharsets.ISO_8859_1);
    assertThat(start).isEqualTo(plot.endsWith("png") ? "\u0089PNG\r" : "<?xml");
  }

  @Test
  void existingOutputSurvivesAFailure() throws IOException {
    Path output = Files.writeString(folder.resolve("y.npy"), "precious");
    for (String mistake :
        List.of(
            "--noise @none.npy",
            "--count 0",
            "--count 10 --plot @none/p.png",
            "--count 10 --log-likelihood @none/l.npy",
            "--count 10 --end 5",
            "--count 10 --grid refined:0")) {
      Cli.run(folder, "flow --mixture example:ring8 --output @y.npy " + mistake).refuses("");
      assertThat(output).hasContent("precious");
      assertThat(Cli.names(folder)).containsExactly("y.npy");
    }
  }

  @Test
  void readsTheNoiseBeforeItReplacesIt() throws IOException {
    Cli.points(folder.resolve("x.npy"), 1, 0.5, -0.5);
    Cli.run(folder, "flow --mixture example:bimodal --noise @x.npy --output @x.npy").succeeds();
    assertThat(values("x.npy")[0]).isEqualTo(1, within(0.3));
  }
}
