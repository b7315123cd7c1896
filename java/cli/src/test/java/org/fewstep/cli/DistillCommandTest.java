package org.fewstep.cli;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import org.fewstep.backend.Batch;
import org.fewstep.backend.Precision;
import org.fewstep.io.NetworkFile;
import org.fewstep.io.NetworkFiles;
import org.fewstep.io.Npy;
import org.fewstep.network.Network;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** The verbs distill, sample and study, end to end through files. */
class DistillCommandTest {

  private static final String DISTILL =
      "distill --mixture example:ring8?sigma=0.3 --grid typical:3 --end 0.01 --steps 200 --width 8"
          + " --seed 1 --output @f.safetensors ";

  @TempDir private Path folder;

  @Test
  void distilsToAFileThatSamples() throws IOException {
    Map<?, ?> report = Cli.run(folder, DISTILL + "--json --plot @p.png").succeeds().json();
    assertThat(report.get("grid")).isEqualTo("typical:3");
    assertThat((List<?>) report.get("segments")).hasSize(3);
    assertThat((double) ((Map<?, ?>) report.get("error")).get("mean")).isBetween(1e-6, 0.1);
    assertThat(folder.resolve("p.png").toFile().length()).isGreaterThan(5000);

    NetworkFile file = NetworkFiles.read(folder.resolve("f.safetensors"));
    assertThat(file.output()).isEqualTo(Network.Output.DISPLACEMENT);
    assertThat(file.networks()).hasSize(3);
    assertThat(file.timeHigh()).isEqualTo(3);
    assertThat(file.timeLow()).isEqualTo(0.01);
    assertThat(file.metadata()).containsEntry("grid", "typical:3");

    Map<?, ?> sampled =
        Cli.run(folder, "sample --flow @f.safetensors --count 1000 --seed 4 --output @y.npy --json")
            .succeeds()
            .json();
    assertThat(sampled.get("rows")).isEqualTo(1000.0);
    assertThat(sampled.get("networks")).isEqualTo(3.0);
    try (Batch samples = Npy.read(folder.resolve("y.npy"), Precision.FLOAT64)) {
      double radius = 0;
      for (int i = 0; i < 1000; i++) {
        radius += Math.hypot(samples.get(i, 0), samples.get(i, 1)) / 1000;
      }
      assertThat(radius).as("the ring's is 2").isBetween(1.5, 2.3);
    }
  }

  @Test
  void goesOnFromCheckpointsAndRefusesThoseOfOthers() throws IOException {
    String checkpointed = DISTILL + "--quiet --checkpoint @c";
    Cli.run(folder, checkpointed).succeeds();
    byte[] first = Files.readAllBytes(folder.resolve("f.safetensors"));
    assertThat(folder.resolve("c/segment-0.safetensors")).exists();
    Cli.run(folder, checkpointed).succeeds();
    assertThat(Files.readAllBytes(folder.resolve("f.safetensors"))).isEqualTo(first);
    Cli.run(folder, checkpointed + " --steps 300").refuses("steps");
    Cli.run(folder, checkpointed.replace("--seed 1", "--seed 2"))
        .refuses("the checkpoint is of another training");
    Files.write(folder.resolve("c/segment-1.safetensors"), new byte[] {1, 2, 3});
    Cli.run(folder, checkpointed).refuses("segment-1.safetensors");
    assertThat(Files.readAllBytes(folder.resolve("f.safetensors"))).isEqualTo(first);
  }

  @Test
  void diagnosesOneStepAndFineTunes() throws IOException {
    Map<?, ?> report =
        Cli.run(folder, DISTILL + "--json --diagnose --fine-tune 50").succeeds().json();
    Map<?, ?> one = (Map<?, ?>) report.get("one_step");
    assertThat((double) one.get("error_ratio")).isPositive();
    assertThat((double) one.get("mismatch")).isPositive();
    assertThat((double) one.get("parameters"))
        .isLessThanOrEqualTo((double) report.get("parameters"));
    String text = Cli.run(folder, DISTILL).succeeds().out();
    assertThat(text).contains("exp(int L)", "end to end: relative error");
  }

  @Test
  void refusesWhatCannotBe() throws IOException {
    Cli.run(folder, DISTILL.replace("typical:3", "refined:3")).refuses("made for a solver");
    Cli.run(folder, DISTILL.replace("typical:3", "typical")).refuses("grid must be KIND:SEGMENTS");
    Cli.run(folder, DISTILL.replace("--steps 200", "--steps 0"))
        .refuses("steps must be at least 1");
    Cli.run(folder, DISTILL.replace("--width 8", "--width 1")).refuses("width must lie in");
    Cli.run(folder, DISTILL.replace("--seed 1", "")).refuses("--seed");
    Cli.run(folder, DISTILL + "--end 5").refuses("end");
    Cli.run(folder, DISTILL + "--plot @p.jpg").refuses("--plot must end in .png or .svg");
    assertThat(folder.resolve("f.safetensors")).doesNotExist();

    Cli.run(folder, "sample --flow @none.safetensors --count 1 --output @y.npy")
        .refuses("no such file");
    Cli.run(
            folder,
            "network compile --mixture example:bimodal --time 0.1 --tolerance 0.1 --quiet"
                + " --output @s.safetensors")
        .succeeds();
    Cli.run(folder, "sample --flow @s.safetensors --count 1 --output @y.npy")
        .refuses("must be a displacement");
    Cli.run(folder, "sample --flow @s.safetensors --output @y.npy").refuses("give --noise");
  }

  @Test
  void studiesGrids() throws IOException {
    Cli.run(
            folder,
            "study --output @study --quick --mixture bimodal?sigma=0.3 --seeds 1 --steps 20"
                + " --quiet")
        .succeeds();
    String table = Files.readString(folder.resolve("study/study.md"));
    assertThat(table)
        .contains("| 8 segments | uniform | log-snr | karras | stability | typical | student |")
        .contains("| bimodal?sigma=0.3 to 0.001 |")
        .contains("one step");
    assertThat(folder.resolve("study/study.json")).isNotEmptyFile();
    assertThat(folder.resolve("study/error-bimodal-sigma-0.3-0.001.png")).isNotEmptyFile();
    assertThat(folder.resolve("study/samples-bimodal-sigma-0.3-0.001-typical.png"))
        .isNotEmptyFile();
    Cli.run(folder, "study --output @study --seeds 0").refuses("--seeds must be at least 1");
    Cli.run(folder, "study --output @study --mixture no").refuses("no");
  }
}
