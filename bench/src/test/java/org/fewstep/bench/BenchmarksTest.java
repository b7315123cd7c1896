package org.fewstep.bench;

import static org.assertj.core.api.Assertions.assertThat;

import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Collection;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.openjdk.jmh.results.RunResult;
import org.openjdk.jmh.runner.Runner;
import org.openjdk.jmh.runner.options.ChainedOptionsBuilder;
import org.openjdk.jmh.runner.options.OptionsBuilder;
import org.openjdk.jmh.runner.options.TimeValue;
import org.openjdk.jmh.runner.options.VerboseMode;

/**
 * Runs every benchmark once and small: they must not rot between the days on which somebody
 * measures. No figure of these runs means anything.
 */
class BenchmarksTest {

  @TempDir Path folder;

  /** One shot of 10 ms in this process, which has the module of the Vector API. */
  private static Collection<RunResult> run(Class<?> benchmark, String... parameters)
      throws Exception {
    ChainedOptionsBuilder options =
        new OptionsBuilder()
            .include("\\b%s\\.".formatted(benchmark.getSimpleName()))
            .forks(0)
            .warmupIterations(0)
            .measurementIterations(1)
            .measurementTime(TimeValue.milliseconds(10))
            .verbosity(VerboseMode.SILENT)
            .shouldFailOnError(true);
    for (String parameter : parameters) {
      String[] parts = parameter.split("=", 2);
      options.param(parts[0], parts[1].split(",", -1));
    }
    return new Runner(options.build()).run();
  }

  @Test
  void fmaPeak() throws Exception {
    assertThat(run(FmaPeak.class)).hasSize(4);
  }

  @Test
  void mixtureScore() throws Exception {
    String quantities = "quantity=SCORE,LOG_DENSITY,VALUE,DIVERGENCE,DERIVATIVE";
    assertThat(run(MixtureScore.class, "n=100", "d=2,20", "threads=1,2", quantities)).hasSize(40);
  }

  @Test
  void mixtureFlow() throws Exception {
    assertThat(run(MixtureFlow.class, "n=100")).hasSize(2);
  }

  @Test
  void adaptive() throws Exception {
    assertThat(run(Adaptive.class, "n=100")).hasSize(2);
  }

  @Test
  void normals() throws Exception {
    assertThat(run(Normals.class, "n=100")).hasSize(4);
  }

  @Test
  void ratios() throws Exception {
    Path output = folder.resolve("ratios.json");
    Ratios.run(
        "--quick",
        "--sections",
        "score,threads,allocation,flow,network",
        "--output",
        output.toString());
    assertThat(Files.readString(output))
        .contains("FMA-lane slots a pair", "\"cpu\"", "times as fast as dense");
  }
}
