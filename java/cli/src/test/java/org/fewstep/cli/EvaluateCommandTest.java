package org.fewstep.cli;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import org.fewstep.backend.Batch;
import org.fewstep.backend.Precision;
import org.fewstep.io.Npy;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class EvaluateCommandTest {

  @TempDir Path folder;

  @BeforeEach
  void makeFiles() throws IOException {
    Cli.points(folder.resolve("x.npy"), 2, 0.5, 1, -1, 2, 0, 0);
    Cli.points(folder.resolve("line.npy"), 1, 0.5, -1);
    Files.writeString(
        folder.resolve("normal.json"),
        "{\"means\":[[0]],\"covariance\":{\"kind\":\"isotropic\",\"sigma\":1}}");
  }

  @ParameterizedTest
  @ValueSource(strings = {"f32", "f64"})
  void writesEveryQuantityInItsShape(String precision) throws IOException {
    Cli.run(
            folder,
            "evaluate --mixture example:ring8 --points @x.npy --time 0.5 --output @a/b --quantities"
                + " score,log-density,posterior-mean,divergence,jvp,responsibilities"
                + " --direction @x.npy --precision "
                + precision)
        .succeeds();
    Path results = folder.resolve("a/b");
    String type = precision.equals("f32") ? "<f4 " : "<f8 ";
    assertThat(Cli.names(results))
        .containsExactly(
            "divergence.npy",
            "jvp.npy",
            "log-density.npy",
            "posterior-mean.npy",
            "responsibilities.npy",
            "score.npy");
    for (String name : List.of("score", "posterior-mean", "jvp")) {
      assertThat(Cli.header(results.resolve(name + ".npy"))).isEqualTo(type + "(3, 2)");
    }
    for (String name : List.of("log-density", "divergence")) {
      assertThat(Cli.header(results.resolve(name + ".npy"))).isEqualTo(type + "(3,)");
    }
    assertThat(Cli.header(results.resolve("responsibilities.npy"))).isEqualTo(type + "(3, 8)");
  }

  /** A standard normal stays one under the Ornstein-Uhlenbeck process. */
  @Test
  void knowsTheStandardNormal() throws IOException {
    Cli.run(
            folder,
            "evaluate --mixture @normal.json --points @line.npy --time 0.7 --output @out"
                + " --quantities score,log-density,divergence,jvp --direction @line.npy --precision"
                + " f64")
        .succeeds();
    assertValues("score", -0.5, 1);
    assertValues("jvp", -0.5, 1);
    assertValues("divergence", -1, -1);
    double constant = -0.5 * Math.log(2 * Math.PI);
    assertValues("log-density", constant - 0.125, constant - 0.5);
  }

  private void assertValues(String name, double... expected) throws IOException {
    try (Batch batch = Npy.read(folder.resolve("out/" + name + ".npy"), Precision.FLOAT64)) {
      double[] values = batch.toDoubleArray();
      assertThat(values).hasSameSizeAs(expected);
      for (int i = 0; i < values.length; i++) {
        assertThat(values[i]).as(name).isEqualTo(expected[i], within(1e-14));
      }
    }
  }

  @Test
  void tellsTheTimeOfTheKernel() throws IOException {
    Map<?, ?> json =
        Cli.run(
                folder,
                "evaluate --mixture example:ring8 --points @x.npy --time 0.5 --output @out --json"
                    + " --repeat 3 --threads 1 --backend scalar")
            .succeeds()
            .json();
    assertThat(json.get("backend")).isEqualTo("scalar");
    assertThat(json.get("precision")).isEqualTo("f32");
    assertThat(json.get("threads")).isEqualTo(1.0);
    assertThat(json.get("rows")).isEqualTo(3.0);
    Map<?, ?> seconds = (Map<?, ?>) json.get("seconds");
    assertThat(seconds.keySet()).map(Object::toString).containsExactly("min", "median", "max");
    assertThat((Double) seconds.get("min")).isPositive();
    assertThat((Double) seconds.get("median"))
        .isBetween((Double) seconds.get("min"), (Double) seconds.get("max"));
  }

  @Test
  void writesScoreAndLogDensityUnlessToldOtherwise() throws IOException {
    Cli.Outcome outcome =
        Cli.run(
            folder,
            "evaluate --mixture example:ring8 --points @x.npy --time 1 --output @out --quiet");
    assertThat(outcome.succeeds().out()).isEmpty();
    assertThat(Cli.names(folder.resolve("out"))).containsExactly("log-density.npy", "score.npy");
  }

  @Test
  void badRowsAreNanAndHarmNoOther() throws IOException {
    Cli.points(folder.resolve("bad.npy"), 2, 0.5, 1, Double.NaN, 2, 0, Double.POSITIVE_INFINITY);
    String rest = " --mixture example:ring8 --time 0.5 --quantities score --precision f64";
    Cli.run(folder, "evaluate --points @bad.npy --output @bad" + rest).succeeds();
    Cli.run(folder, "evaluate --points @x.npy --output @good" + rest).succeeds();
    try (Batch bad = Npy.read(folder.resolve("bad/score.npy"), Precision.FLOAT64);
        Batch good = Npy.read(folder.resolve("good/score.npy"), Precision.FLOAT64)) {
      assertThat(bad.get(0, 1)).isEqualTo(good.get(0, 1));
      assertThat(bad.get(1, 1)).isNaN();
      assertThat(bad.get(2, 0)).isNaN();
    }
  }

  @Test
  void takesNoPointsAtAll() throws IOException {
    Cli.points(folder.resolve("none.npy"), 2);
    Cli.run(folder, "evaluate --mixture example:ring8 --points @none.npy --time 0.5 --output @out")
        .succeeds();
    assertThat(Cli.header(folder.resolve("out/score.npy"))).isEqualTo("<f4 (0, 2)");
  }

  @Test
  void takesDataPointsAsMixture() throws IOException {
    Files.writeString(folder.resolve("data.csv"), "0,0\n1,1\n");
    for (String data : List.of("--mixture @data.csv --bandwidth 0.1", "--mixture @x.npy")) {
      Cli.run(folder, "evaluate --points @x.npy --time 0.01 --output @out " + data).succeeds();
    }
    Cli.run(folder, "evaluate --points @x.npy --time 0 --output @out --mixture @x.npy")
        .refuses("t must be > 0 for a mixture with a singular covariance");
  }

  @Test
  void existingResultsSurviveAFailure() throws IOException {
    Path out = Files.createDirectories(folder.resolve("out"));
    Files.writeString(out.resolve("score.npy"), "precious");
    Files.createDirectory(out.resolve("log-density.npy"));
    Cli.run(folder, "evaluate --mixture example:ring8 --points @x.npy --time 1 --output @out")
        .refuses("is a directory");
    assertThat(out.resolve("score.npy")).hasContent("precious");
    assertThat(Cli.names(out)).containsExactly("log-density.npy", "score.npy");
  }
}
