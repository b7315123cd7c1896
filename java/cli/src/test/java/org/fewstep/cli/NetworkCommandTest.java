package org.fewstep.cli;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import org.fewstep.backend.Batch;
import org.fewstep.backend.Precision;
import org.fewstep.diffusion.OrnsteinUhlenbeck;
import org.fewstep.io.NetworkFile;
import org.fewstep.io.NetworkFiles;
import org.fewstep.io.Npy;
import org.fewstep.network.Frame;
import org.fewstep.network.Layer;
import org.fewstep.network.Network;
import org.fewstep.network.Unit;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class NetworkCommandTest {

  /** The backend that every test here asks for. */
  private static final String ON = " --backend scalar";

  @TempDir Path folder;

  @BeforeEach
  void makeFiles() throws IOException {
    Cli.points(folder.resolve("x.npy"), 1, 2, -3, 0.5);
    write("timed", timed());
    write("plain", scaling(4, 0, Double.POSITIVE_INFINITY));
    write("pieces", scaling(2, 0.5, 3), scaling(3, 0.001, 0.5));
    write("flow", doubling(), squaring());
  }

  private void write(String name, Network... networks) throws IOException {
    Path path = folder.resolve(name + ".safetensors");
    NetworkFiles.write(path, List.of(networks), Precision.FLOAT64, Map.of());
  }

  /** max(0, x + t)^2/2 - 1.5 max(0, x) + 0.25 on [0.001, 3]. */
  private static Network timed() {
    Layer hidden =
        Layer.dense(2, new double[] {1, 1, 1, 0}, new double[2], List.of(Unit.REQU, Unit.RELU));
    Layer last = Layer.dense(2, new double[] {0.5, -1.5}, new double[] {0.25}, Unit.LINEAR);
    return Network.of(List.of(hidden, last), Network.Output.VELOCITY)
        .withTimeInput()
        .withTimes(new OrnsteinUhlenbeck(), 0.001, 3);
  }

  private static Network scaling(double factor, double low, double high) {
    return Network.of(List.of(layer(factor, Unit.LINEAR)), Network.Output.SCORE)
        .withTimes(new OrnsteinUhlenbeck(), low, high);
  }

  private static Layer layer(double weight, Unit unit) {
    return Layer.dense(1, new double[] {weight}, new double[1], unit);
  }

  /** u + max(0, u) with u = x in [-1, 4], from the time 3 to 1. */
  private static Network doubling() {
    return Network.of(List.of(layer(1, Unit.RELU)), Network.Output.DISPLACEMENT)
        .withFrame(Frame.residual(1, 1).withClamp(new double[] {-1}, new double[] {4}))
        .withTimes(new OrnsteinUhlenbeck(), 1, 3);
  }

  /** max(0, x)^2, from the time 1 to 0.5. */
  private static Network squaring() {
    return Network.of(List.of(layer(1, Unit.REQU)), Network.Output.DISPLACEMENT)
        .withTimes(new OrnsteinUhlenbeck(), 0.5, 1);
  }

  private String forward(String name) {
    return "network forward --points @x.npy --output @y.npy --network @"
        + name
        + ".safetensors"
        + ON;
  }

  private void assertResults(double... expected) throws IOException {
    try (Batch batch = Npy.read(folder.resolve("y.npy"), Precision.FLOAT64)) {
      assertThat(batch.columns()).isEqualTo(1);
      assertThat(batch.toDoubleArray()).isEqualTo(expected);
    }
  }

  /** Every number here is exact in float32. */
  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      value = {
        "timed | --time 1 | 1.75 | 0.25 | 0.625",
        "plain | | 8 | -12 | 2",
        "plain | --time 7 | 8 | -12 | 2",
        "plain | --time 7 --process ou | 8 | -12 | 2",
        "pieces | --time 3 | 4 | -6 | 1",
        "pieces | --time 0.5 | 4 | -6 | 1",
        "pieces | --time 0.25 | 6 | -9 | 1.5",
        "flow | | 16 | 0 | 1",
      })
  void runsNetworks(String name, String options, double first, double second, double third)
      throws IOException {
    String line = forward(name) + " " + (options == null ? "" : options);
    for (String precision : List.of("f32", "f64")) {
      Cli.run(folder, line + " --precision " + precision).succeeds();
      assertResults(first, second, third);
      assertThat(Cli.header(folder.resolve("y.npy")))
          .isEqualTo(precision.equals("f32") ? "<f4 (3, 1)" : "<f8 (3, 1)");
    }
  }

  @Test
  void tellsTheTimeOfTheKernel() throws IOException {
    Map<?, ?> json =
        Cli.run(folder, forward("flow") + " --json --repeat 3 --threads 1").succeeds().json();
    assertThat(json.keySet())
        .map(Object::toString)
        .containsExactly(
            "backend",
            "precision",
            "threads",
            "rows",
            "seconds",
            "quantity",
            "networks",
            "parameters",
            "output");
    assertThat(json.get("precision")).isEqualTo("f32");
    assertThat(json.get("threads")).isEqualTo(1.0);
    assertThat(json.get("rows")).isEqualTo(3.0);
    assertThat(json.get("quantity")).isEqualTo("displacement");
    assertThat(json.get("networks")).isEqualTo(2.0);
    assertThat(json.get("parameters")).isEqualTo(4.0);
    assertThat((Double) ((Map<?, ?>) json.get("seconds")).get("min")).isPositive();
    assertResults(16, 0, 1);
  }

  @Test
  void saysWhatItWrote() {
    assertThat(Cli.run(folder, forward("timed") + " --time 1").succeeds().out())
        .startsWith("wrote velocity of 3 points to ");
    assertThat(Cli.run(folder, forward("timed") + " --time 1 --quiet").succeeds().out()).isEmpty();
    assertThat(Cli.run("network", "--help").succeeds().out()).contains("compile", "forward");
    assertThat(Cli.run("network", "forward", "--help").succeeds().out()).contains("--network");
  }

  @Test
  void badRowsAreNanAndHarmNoOther() throws IOException {
    Cli.points(folder.resolve("x.npy"), 1, 2, Double.NaN, 0.5);
    Cli.run(folder, forward("flow")).succeeds();
    assertResults(16, Double.NaN, 1);
    Cli.points(folder.resolve("x.npy"), 1);
    Cli.run(folder, forward("flow")).succeeds();
    assertResults();
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      value = {
        "timed | | --time is missing",
        "pieces | | holds for the times [0.001, 3.0]",
        "timed | --time 4 | --time must lie in [0.001, 3.0], the times of the network, but is 4.0",
        "pieces | --time 1e-4 | --time must lie in [0.001, 3.0]",
        "pieces | --time NaN | --time must lie in [0.001, 3.0]",
        "plain | --time Infinity | --time must be finite",
        "flow | --time 1 | --time does not go with displacements",
        "plain | --process vp | --process must be ou, the process of",
        "plain | --process sde | process must be one of",
        "plain | --points @wide.npy | should be specified only once",
        "plain | --repeat 0 | --repeat must lie in",
        "none | | none.safetensors: no such file",
        "cut | | is not a safetensors file",
        "version | | must have the format 1",
      })
  void refuses(String name, String options, String reason) throws IOException {
    byte[] plain = Files.readAllBytes(folder.resolve("plain.safetensors"));
    Files.write(folder.resolve("cut.safetensors"), Arrays.copyOf(plain, 40));
    String text = new String(plain, StandardCharsets.ISO_8859_1);
    Files.writeString(
        folder.resolve("version.safetensors"),
        text.replace("\"fewstep.format\":\"1\"", "\"fewstep.format\":\"2\""),
        StandardCharsets.ISO_8859_1);
    Files.writeString(folder.resolve("y.npy"), "precious");
    Cli.run(folder, forward(name) + " " + (options == null ? "" : options)).refuses(reason);
    assertThat(folder.resolve("y.npy")).hasContent("precious");
  }

  @Test
  void refusesPointsOfAnotherDimensionAndFoldersThatAreNotThere() throws IOException {
    String elsewhere = forward("plain").replace("@y.npy", "@none/y.npy");
    Cli.run(folder, elsewhere).refuses("no such directory");
    Cli.points(folder.resolve("x.npy"), 2, 1, 2);
    Cli.run(folder, forward("plain")).refuses("--points must have 1 columns like the network");
  }

  /** The score of a mixture, against the network that was compiled from it. */
  @ParameterizedTest
  @CsvSource({"0.05, 0.05, f32, 1e-3", "0.01:1, 0.3, f32, 1e-2", "0.05, 0.05, f64, 1e-6"})
  void compilesScores(String times, String time, String precision, double tolerance)
      throws IOException {
    String common = " --precision " + precision + ON;
    Map<?, ?> json =
        Cli.run(
                folder,
                "network compile --mixture example:bimodal --output @n.safetensors --json --time "
                    + times
                    + " --tolerance "
                    + tolerance
                    + common)
            .succeeds()
            .json();
    assertThat((Double) json.get("error-bound")).isBetween(0.0, 0.5 * tolerance);
    assertThat((Double) json.get("measured-error")).isBetween(0.0, tolerance);
    NetworkFile file = NetworkFiles.read(folder.resolve("n.safetensors"));
    assertThat(json.get("networks")).isEqualTo((double) file.networks().size());
    assertThat(file.networks().getFirst().takesTime()).isEqualTo(times.contains(":"));
    assertThat(file.metadata()).containsEntry("tolerance", Double.toString(tolerance));
    Cli.points(folder.resolve("x.npy"), 1, 1, -0.9, 0.1);
    Cli.run(folder, forward("n") + " --time " + time + " --precision " + precision).succeeds();
    Cli.run(
            folder,
            "evaluate --mixture example:bimodal --points @x.npy --quantities score --output @"
                + " --precision f64 --time "
                + time)
        .succeeds();
    try (Batch network = Npy.read(folder.resolve("y.npy"), Precision.FLOAT64);
        Batch exact = Npy.read(folder.resolve("score.npy"), Precision.FLOAT64)) {
      for (int i = 0; i < 3; i++) {
        assertThat(network.get(i, 0)).isEqualTo(exact.get(i, 0), within(2 * tolerance));
      }
    }
  }
}
