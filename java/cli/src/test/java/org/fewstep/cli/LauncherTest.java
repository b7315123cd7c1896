package org.fewstep.cli;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.condition.DisabledOnOs;
import org.junit.jupiter.api.condition.OS;
import org.junit.jupiter.api.io.TempDir;

/** The launcher as a process, in a tree of its own whose Maven and JDK are stand-ins. */
@DisabledOnOs(OS.WINDOWS)
class LauncherTest {

  private static final Path LAUNCHER = Path.of("fewstep").toAbsolutePath();

  @TempDir Path folder;

  /** A stand-in for a program: a shell script. */
  private static void script(Path file, String text) throws IOException {
    Files.createDirectories(file.getParent());
    Files.writeString(file, "#!/bin/sh\n" + text + "\n");
    assertThat(file.toFile().setExecutable(true)).isTrue();
  }

  /** A stand-in for a JDK whose java prints its arguments, one a line. */
  private Path jdk(String name, String version) throws IOException {
    Path home = folder.resolve(name);
    script(home.resolve("bin/java"), "printf '%s\\n' \"$@\"");
    script(home.resolve("bin/javac"), "exit 0");
    Files.writeString(home.resolve("release"), "JAVA_VERSION=\"" + version + "\"\n");
    return home;
  }

  private Path tree() throws IOException {
    Path cli = Files.createDirectories(folder.resolve("a tree/java/cli"));
    Files.copy(LAUNCHER, cli.resolve("fewstep"));
    assertThat(cli.resolve("fewstep").toFile().setExecutable(true)).isTrue();
    script(
        folder.resolve("bin/mvn"),
        """
        app="${4%pom.xml}java/cli/target/app"
        mkdir -p "$app/lib" && touch "$app/lib/fewstep-cli.jar" "$app/fewstep.aot"
        echo built >>"$app/builds"
        """);
    return cli;
  }

  private Process start(Path home, Path program, String... arguments) throws IOException {
    ProcessBuilder builder = new ProcessBuilder(program.toString());
    builder.command().addAll(List.of(arguments));
    builder.directory(folder.toFile());
    builder.environment().put("FEWSTEP_JAVA_HOME", home.toString());
    builder.environment().put("PATH", folder.resolve("bin") + ":/usr/bin:/bin");
    return builder.start();
  }

  private Cli.Outcome run(Path home, Path program, String... arguments)
      throws IOException, InterruptedException {
    Process process = start(home, program, arguments);
    String out = new String(process.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
    String err = new String(process.getErrorStream().readAllBytes(), StandardCharsets.UTF_8);
    assertThat(process.waitFor(60, TimeUnit.SECONDS)).isTrue();
    return new Cli.Outcome(process.exitValue(), out, err);
  }

  @Test
  void buildsOnceAndPassesArgumentsAsTheyAre() throws IOException, InterruptedException {
    Path home = jdk("a jdk", "25.0.3");
    Path cli = tree();
    Path link = Files.createSymbolicLink(folder.resolve("bin/link"), cli.resolve("fewstep"));
    for (Path program : new Path[] {cli.resolve("fewstep"), link}) {
      Cli.Outcome outcome = run(home, program, "flow", "two words", "");
      assertThat(outcome.code()).as(outcome.err()).isZero();
      assertThat(outcome.out())
          .contains("--add-modules=jdk.incubator.vector\n", "-Dfewstep.terminal=false\n")
          .endsWith("org.fewstep.cli.Main\nflow\ntwo words\n\n");
    }
    assertThat(cli.resolve("target/app/builds")).hasContent("built");
  }

  @Test
  void buildsOnceForManyAtATime() throws IOException, InterruptedException {
    Path home = jdk("jdk", "25");
    Path cli = tree();
    Path maven = folder.resolve("bin/mvn");
    Files.writeString(maven, Files.readString(maven).replace("mkdir -p", "sleep 1\nmkdir -p"));
    List<Process> processes = new ArrayList<>();
    for (int i = 0; i < 4; i++) {
      processes.add(start(home, cli.resolve("fewstep"), "info"));
    }
    for (Process process : processes) {
      assertThat(process.waitFor(60, TimeUnit.SECONDS)).isTrue();
      assertThat(process.exitValue()).isZero();
    }
    assertThat(cli.resolve("target/app/builds")).hasContent("built");
  }

  @Test
  void refusesAnotherJdk() throws IOException, InterruptedException {
    for (String version : new String[] {"17.0.15", "250.1", "2"}) {
      Path home = jdk("jdk-" + version, version);
      Path cli = folder.resolve("a tree/java/cli/fewstep");
      Cli.Outcome outcome = run(home, Files.exists(cli) ? cli : tree().resolve("fewstep"), "info");
      assertThat(outcome.code()).isEqualTo(1);
      assertThat(outcome.err()).hasLineCount(1).contains("FEWSTEP_JAVA_HOME is no JDK 25");
    }
  }

  @Test
  void saysThatTheBuildFailed() throws IOException, InterruptedException {
    Path cli = tree();
    script(folder.resolve("bin/mvn"), "exit 1");
    Cli.Outcome outcome = run(jdk("jdk", "25"), cli.resolve("fewstep"), "info");
    assertThat(outcome.code()).isEqualTo(1);
    assertThat(outcome.err()).contains("the build failed; see ");
  }
}
