package org.fewstep.bench;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.TimeUnit;
import org.fewstep.bench.CheckPart.Outcome;
import org.fewstep.bench.CheckPart.Status;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/**
 * The check of the bundle: its parts, its file, and its scripts, with stand-ins for the programs.
 */
class GpuCheckTest {

  private static final Path SCRIPTS = Path.of("src/bundle/bin").toAbsolutePath();

  @TempDir Path folder;

  private static CheckPart shell(String script) {
    return CheckPart.of("part", 30, List.of("sh", "-c", script));
  }

  private Path script(String name, String... lines) throws IOException {
    Path file = folder.resolve(name);
    Files.createDirectories(file.getParent());
    Files.writeString(file, "#!/bin/sh\n" + String.join("\n", lines) + "\n");
    assertThat(file.toFile().setExecutable(true)).isTrue();
    return file;
  }

  @Test
  void aPartPassesByItsExitStatus() {
    Outcome outcome = shell("echo one; echo two").withSummary("^t.*$").run(folder, 60);
    assertThat(outcome.status()).isEqualTo(Status.PASSED);
    assertThat(outcome.summary()).containsExactly("two");
    assertThat(shell("exit 86").withExpected(86).run(folder, 60).failed()).isFalse();
    Outcome failed = shell("echo why; exit 3").run(folder, 60);
    assertThat(failed.status()).isEqualTo(Status.FAILED);
    assertThat(failed.reason()).isEqualTo("exit status 3, not 0");
    assertThat(failed.summary()).containsExactly("why");
    assertThat(CheckPart.of("none", 30, List.of("/no/such/program")).run(folder, 60).reason())
        .contains("/no/such/program");
  }

  @Test
  void aPartThatTakesTooLongEndsWithItsChildren() throws Exception {
    Path child = folder.resolve("child");
    CheckPart part =
        CheckPart.of(
            "slow", 1, List.of("sh", "-c", "sleep 100 & echo $! >'" + child + "'; echo so; wait"));
    Outcome outcome = part.run(folder, 60);
    assertThat(outcome.status()).isEqualTo(Status.TIMED_OUT);
    assertThat(outcome.reason()).isEqualTo("not done after 1 s");
    assertThat(outcome.summary()).containsExactly("so");
    ProcessHandle.of(Long.parseLong(Files.readString(child).strip()))
        .ifPresent(alive -> assertThat(alive.onExit()).succeedsWithin(10, TimeUnit.SECONDS));
    assertThat(part.run(folder, 0.5).reason()).isEqualTo("no time was left");
  }

  @Test
  void theReportIsThereFromTheStartAndHoldsWhatPartsLeft() throws Exception {
    Path file = folder.resolve("new folder/report.json");
    CheckReport report = new CheckReport(file, Map.of("commit", "abc"));
    assertThat(JsonText.read(file).strings("/status")).containsExactly("unfinished");
    Path good = Files.writeString(folder.resolve("good.json"), "{\"a\": [1, 2.5]}");
    Path broken = Files.writeString(folder.resolve("broken.json"), "{\"a\": [1,");
    report.add(
        List.of(
            shell("true").withResult(good).run(folder, 60),
            shell("false").withResult(broken).run(folder, 60),
            shell("true").withResult(folder.resolve("none")).run(folder, 60),
            Outcome.leftOut("absent", "for a reason")));
    report.finish("failed", "");
    JsonText json = JsonText.read(file);
    assertThat(json.strings("/status")).containsExactly("failed");
    assertThat(json.strings("/commit")).containsExactly("abc");
    assertThat(json.strings("/parts/status"))
        .containsExactly("passed", "failed", "passed", "left out");
    assertThat(json.strings("/parts/reason"))
        .containsExactly("exit status 1, not 0", "for a reason");
    assertThat(json.numbers("/parts/result/a")).containsExactly(1.0, 2.5);
    assertThat(json.strings("/parts/result")).containsExactly("{\"a\": [1,");
    assertThat(report.anyFailed()).isTrue();
  }

  /** A tool that sees nothing passes everything but its canary. */
  @Test
  void aToolThatMissesItsCanaryFails() throws Exception {
    Path canary = folder.resolve("canary");
    Path sanitizer =
        script(
            "compute-sanitizer",
            "tool=$2 status=$4 program=$7",
            "echo \"========= ERROR SUMMARY: of $tool\"",
            "case $program-$tool in",
            "  */canary-initcheck) exit 0 ;;",
            "  */canary-*) exit \"$status\" ;;",
            "  bad-*) exit \"$status\" ;;",
            "esac");
    Map<String, List<String>> work = new LinkedHashMap<>();
    work.put("good work", List.of("good", "argument"));
    work.put("bad work", List.of("bad"));
    List<String> failed = new ArrayList<>();
    for (String tool : Sanitizer.TOOLS) {
      for (CheckPart part : new Sanitizer(sanitizer, canary).parts(tool, 30, work)) {
        Outcome outcome = part.run(folder, 60);
        if (outcome.failed()) {
          failed.add(outcome.name());
        }
        assertThat(outcome.summary()).containsExactly("========= ERROR SUMMARY: of " + tool);
      }
    }
    assertThat(failed)
        .containsExactlyInAnyOrder(
            "initcheck, its canary",
            "memcheck, bad work",
            "racecheck, bad work",
            "initcheck, bad work",
            "synccheck, bad work");
  }

  // The scripts, in a bundle whose JVM is a stand-in.

  private Process start(Path directory, Map<String, String> environment, String... command)
      throws IOException {
    ProcessBuilder builder = new ProcessBuilder(command).directory(directory.toFile());
    builder.environment().clear();
    builder.environment().put("PATH", "/usr/bin:/bin");
    builder.environment().putAll(environment);
    return builder.redirectErrorStream(true).start();
  }

  private static String said(Process process) throws IOException {
    return new String(process.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
  }

  private Path bundle(String... java) throws IOException {
    Path bundle = folder.resolve("a bundle");
    Files.createDirectories(bundle.resolve("bin"));
    for (String name : List.of("run", "fewstep", "gpu-check")) {
      Path copy = Files.copy(SCRIPTS.resolve(name), bundle.resolve("bin").resolve(name));
      assertThat(copy.toFile().setExecutable(true)).isTrue();
    }
    script("a bundle/jre/bin/java", java);
    return bundle.toRealPath();
  }

  @Test
  void scriptsRunTheJvmOfTheBundleFromAnyFolder() throws Exception {
    Path bundle = bundle("printf '%s\\n' \"$@\"");
    Map<String, String> none = Map.of();
    Process fromAfar = start(folder, none, bundle + "/bin/fewstep", "flow", "two words");
    assertThat(said(fromAfar).lines())
        .contains("-cp", bundle + "/lib/*", "-Dfewstep.bundle=" + bundle)
        .endsWith("org.fewstep.cli.Main", "flow", "two words");
    Process within =
        start(
            bundle.resolve("bin"),
            Map.of("FEWSTEP_CUDA_NATIVES", "/a b/c.so", "FEWSTEP_JAVA_OPTS", "-Xmx1g -Xss1m"),
            "sh",
            "fewstep",
            "info");
    assertThat(said(within).lines())
        .contains("-Dfewstep.bundle=" + bundle, "-Xmx1g", "-Xss1m")
        .endsWith("-Dfewstep.cuda.natives=/a b/c.so", "org.fewstep.cli.Main", "info");
  }

  @Test
  void aCheckWhoseJvmDiesLeavesItsFileAllTheSame() throws Exception {
    Path bundle = bundle("exit 134");
    Path file = Files.writeString(folder.resolve("out put.json"), "of an earlier run");
    Process check =
        start(folder, Map.of(), bundle + "/bin/gpu-check", "--small", "--output", file.toString());
    assertThat(said(check)).contains("ended with status 134");
    assertThat(check.waitFor()).isEqualTo(1);
    assertThat(JsonText.read(file).strings("/status")).containsExactly("failed");
    assertThat(JsonText.read(file).strings("/reason").getFirst()).contains("status 134");
  }

  /** Where there is python3, with or without numpy: in a second nothing is done. */
  @Test
  void peersThatCannotBeTimedAreAReason() throws Exception {
    Path output = folder.resolve("peers.json");
    Process peers =
        new ProcessBuilder(
                "/usr/bin/env",
                "python3",
                "-B",
                Path.of("src/bundle/peers.py").toAbsolutePath().toString(),
                "--peers",
                "numpy",
                "--seconds",
                "1",
                "--output",
                output.toString())
            .redirectErrorStream(true)
            .start();
    String text = said(peers);
    assumeTrue(peers.waitFor() != 127, "there is no python3");
    assertThat(peers.exitValue()).as(text).isZero();
    assertThat(text).startsWith("numpy: left out: ");
    assertThat(JsonText.read(output).strings("/peers/numpy/reason")).hasSize(1);
  }
}
