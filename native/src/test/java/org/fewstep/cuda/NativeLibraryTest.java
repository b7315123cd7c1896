package org.fewstep.cuda;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.File;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.ArrayList;
import java.util.List;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.fewstep.backend.Availability;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.condition.EnabledIfSystemProperty;
import org.junit.jupiter.api.io.TempDir;

/** The library that is shipped: found, unpacked and loaded by JVMs of their own. */
@EnabledIfSystemProperty(named = "natives.built", matches = "true")
class NativeLibraryTest {

  private static final Path NATIVES = Path.of(System.getProperty("natives.dir", "none"));
  private static final String FOLDER = "-D" + NativeLibrary.FOLDER + "=";
  private static final String LIBRARY = "-D" + NativeLibrary.LIBRARY + "=";

  @TempDir private Path folder;

  /** Loads the library, driver or not, and prints whether there is a device, and why. */
  static final class Ask {
    public static void main(String[] args) {
      String failure = NativeLibrary.load();
      Availability availability =
          failure == null ? CudaDevices.availability() : new Availability(false, failure);
      System.out.println(availability.available() + ": " + availability.reason());
    }
  }

  private static Process ask(boolean withNatives, String... flags) throws IOException {
    List<String> command = new ArrayList<>();
    command.add(Path.of(System.getProperty("java.home"), "bin", "java").toString());
    command.add("--enable-native-access=ALL-UNNAMED");
    command.add("-XX:TieredStopAtLevel=1");
    command.addAll(List.of(flags));
    Stream<String> path =
        Stream.of(System.getProperty("java.class.path").split(File.pathSeparator))
            .filter(entry -> !Path.of(entry).equals(NATIVES));
    Stream<String> natives = withNatives ? Stream.of(NATIVES.toString()) : Stream.empty();
    command.add("-cp");
    command.add(Stream.concat(natives, path).collect(Collectors.joining(File.pathSeparator)));
    command.add(Ask.class.getName());
    return new ProcessBuilder(command).redirectErrorStream(true).start();
  }

  private static String answer(Process process) throws Exception {
    String text =
        new String(process.getInputStream().readAllBytes(), StandardCharsets.UTF_8).strip();
    assertThat(process.waitFor()).as(text).isZero();
    return text;
  }

  @Test
  void theShippedLibraryLoadsWithAndWithoutADriver() throws Exception {
    String text = answer(ask(true, FOLDER + folder));
    assertThat(text)
        .matches(
            "true: .*compute capability.*|false: there is no NVIDIA driver.*|false: the NVIDIA.*");
  }

  @Test
  void sixteenProcessesUnpackOneFile() throws Exception {
    Path private1 = folder.resolve("private");
    List<Process> processes = new ArrayList<>();
    for (int i = 0; i < 16; i++) {
      processes.add(ask(true, FOLDER + private1));
    }
    List<String> answers = new ArrayList<>();
    for (Process process : processes) {
      answers.add(answer(process));
    }
    assertThat(answers.stream().distinct()).hasSize(1);
    assertThat(answers.getFirst()).contains("driver");
    try (Stream<Path> files = Files.list(private1)) {
      assertThat(files.map(file -> file.getFileName().toString()))
          .hasSize(1)
          .allMatch(name -> name.matches("libjnifewstepcuda-[0-9a-f]{16}\\.so"));
    }
  }

  @Test
  void aDamagedCopyIsReplaced() throws Exception {
    String first = answer(ask(true, FOLDER + folder));
    try (Stream<Path> files = Files.list(folder)) {
      Path copy = files.findFirst().orElseThrow();
      Files.write(copy, new byte[] {1, 2, 3});
    }
    assertThat(answer(ask(true, FOLDER + folder))).isEqualTo(first);
  }

  @Test
  void whatIsMissingIsNamedWithItsCure() throws Exception {
    assertThat(answer(ask(false, FOLDER + folder)))
        .startsWith("false: no native library for")
        .contains("linux-x86_64/libjnifewstepcuda.so")
        .contains("classifier linux-x86_64");
    Path absent = folder.resolve("absent.so");
    assertThat(answer(ask(true, LIBRARY + absent)))
        .isEqualTo(
            "false: -Dfewstep.cuda.natives names %s, which cannot be read".formatted(absent));
    Path text = Files.writeString(folder.resolve("text.so"), "not a library");
    assertThat(answer(ask(true, LIBRARY + text)))
        .contains("false: the native library %s cannot be loaded: ".formatted(text));
  }

  @Test
  void aFolderThatOthersCanWriteToIsRefused() throws Exception {
    Path open = Files.createDirectory(folder.resolve("open"));
    Files.setPosixFilePermissions(open, PosixFilePermissions.fromString("rwxrwxrwx"));
    assertThat(answer(ask(true, FOLDER + open)))
        .startsWith("false: the native library cannot be unpacked into " + open)
        .contains("others may write there")
        .contains("set -Dfewstep.cuda.folder");
  }
}
