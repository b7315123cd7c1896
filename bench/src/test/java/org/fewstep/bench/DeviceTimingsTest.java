package org.fewstep.bench;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.ByteArrayOutputStream;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.condition.EnabledIfSystemProperty;
import org.junit.jupiter.api.io.TempDir;

/** The times of a device, tiny and, where there is none, on the emulated one. */
@EnabledIfSystemProperty(named = "natives.built", matches = "true")
class DeviceTimingsTest {

  private static final List<String> WORKLOADS =
      List.of(
          "score, d=2",
          "score, d=128",
          "flow, d=2, K=8, n=131, 8 Heun steps, the kernel",
          "flow, d=2, K=8, n=131, 8 Heun steps, Flow.run",
          "flow, d=2, K=8, n=131, dopri5",
          "network forward, 2-64-2",
          "network forward, 2-128-2",
          "sampling by a network",
          "step of training");

  @TempDir Path folder;

  @Test
  void everyWorkloadIsCheckedTimedAndTold() throws Exception {
    Path output = folder.resolve("timings.json");
    ByteArrayOutputStream said = new ByteArrayOutputStream();
    int status =
        DeviceTimings.run(
            new PrintStream(said, true, StandardCharsets.UTF_8),
            "--small",
            "--output",
            output.toString());
    String text = said.toString(StandardCharsets.UTF_8);
    assertThat(status).as(text).isZero();
    JsonText json = JsonText.read(output);
    assertThat(json.strings("/workloads/name")).hasSameSizeAs(WORKLOADS);
    for (int i = 0; i < WORKLOADS.size(); i++) {
      assertThat(json.strings("/workloads/name").get(i)).startsWith(WORKLOADS.get(i));
      assertThat(text).contains(WORKLOADS.get(i));
    }
    assertThat(json.numbers("/workloads/best")).hasSameSizeAs(WORKLOADS).allMatch(s -> s > 0);
    assertThat(json.numbers("/workloads/seconds")).hasSameSizeAs(WORKLOADS);
    assertThat(json.numbers("/workloads/limits/memory/fraction"))
        .hasSameSizeAs(WORKLOADS)
        .allMatch(fraction -> fraction > 0);
    assertThat(json.numbers("/hostTimes/microseconds")).hasSize(3).allMatch(s -> s > 0);
    assertThat(json.strings("/device/name").getFirst()).isNotEmpty();
  }

  @Test
  void anUnknownOptionIsRefused() throws Exception {
    ByteArrayOutputStream said = new ByteArrayOutputStream();
    PrintStream out = new PrintStream(said, true, StandardCharsets.UTF_8);
    assertThat(DeviceTimings.run(out, "--large")).isEqualTo(2);
    assertThat(DeviceTimings.run(out, "--output")).isEqualTo(2);
    assertThat(said.toString(StandardCharsets.UTF_8)).startsWith("usage: DeviceTimings");
  }

  /** The emulated device fails a call in the middle of the first workload. */
  @Test
  @EnabledIfSystemProperty(named = "fewstep.cuda.natives", matches = ".+")
  void aFailureIsToldAndLeavesTheOthersAlone() throws Exception {
    Path output = folder.resolve("timings.json");
    ProcessBuilder child =
        new ProcessBuilder(
            Path.of(System.getProperty("java.home"), "bin", "java").toString(),
            Jvm.VECTOR,
            Jvm.NATIVE,
            "-Dfewstep.cuda.natives=" + System.getProperty("fewstep.cuda.natives"),
            "-cp",
            System.getProperty("java.class.path"),
            DeviceTimings.class.getName(),
            "--small",
            "--output",
            output.toString());
    child.environment().put("FEWSTEP_EMULATION_FAIL", "30");
    Process process = child.redirectErrorStream(true).start();
    String text = new String(process.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
    assertThat(process.waitFor()).as(text).isEqualTo(1);
    assertThat(text).contains("FAILED score, d=2: ");
    assertThat(Files.readString(output)).contains("\"score, d=2\" : \"");
    assertThat(JsonText.read(output).strings("/workloads/name"))
        .hasSize(WORKLOADS.size() - 1)
        .noneMatch(name -> name.startsWith("score, d=2,"));
  }
}
