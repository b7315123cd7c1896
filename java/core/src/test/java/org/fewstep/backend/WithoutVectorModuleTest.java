package org.fewstep.backend;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;

import java.io.File;
import java.io.IOException;
import java.net.URISyntaxException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import org.ejml.data.DMatrixRMaj;
import org.ejml.dense.row.factory.DecompositionFactory_DDRM;
import org.fewstep.flow.Flow;
import org.fewstep.flow.FlowResult;
import org.fewstep.mixture.ExampleMixtures;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/**
 * What a user sees who has not asked for the incubator module: all works, and one line says why.
 */
class WithoutVectorModuleTest {

  private static final String FLAG = "--add-modules jdk.incubator.vector";

  /** What a stranger's first program does; its one line on stdout is the backend's name. */
  static final class FirstProgram {

    public static void main(String[] args) {
      Flow flow = Flow.of(ExampleMixtures.named("ring8"));
      try (Backend backend = Backends.best();
          Batch noise = flow.noise(backend, 100, Precision.FLOAT32, 1);
          FlowResult result = flow.run(backend, noise)) {
        boolean finite = true;
        for (float value : result.end().toFloatArray()) {
          finite &= Float.isFinite(value);
        }
        System.out.println(finite ? result.backend() : "not finite");
      }
    }
  }

  /** Runs in the execution of the build that leaves the module out. */
  @Test
  @Tag("no-vector-module")
  void theScalarBackendIsTakenAndTheVectorOneSaysWhatItLacks() {
    try (Backend backend = Backends.best()) {
      assertThat(backend.name()).isEqualTo("scalar");
    }
    assertThatIllegalArgumentException()
        .isThrownBy(() -> Backends.named("vector"))
        .withMessageContaining(FLAG);
  }

  @Test
  void withoutTheFlagOneLogRecordNamesItAndStdoutIsTheProgramsOwn(@TempDir Path folder)
      throws Exception {
    Output output = run(folder, List.of());

    assertThat(output.stdout()).isEqualTo("scalar" + System.lineSeparator());
    // The JDK's console handler writes a record as two lines: where it comes from, and the message.
    assertThat(output.stderr().lines()).hasSize(2);
    assertThat(output.stderr()).containsOnlyOnce(FLAG);
  }

  @Test
  void withTheFlagTheLibraryIsSilent(@TempDir Path folder) throws Exception {
    Output output = run(folder, List.of("--add-modules", "jdk.incubator.vector"));

    assertThat(output.stdout()).isEqualTo("vector" + System.lineSeparator());
    assertThat(output.stderr().lines())
        .containsExactly("WARNING: Using incubator modules: jdk.incubator.vector");
  }

  private record Output(String stdout, String stderr) {}

  private static Output run(Path folder, List<String> flags)
      throws IOException, InterruptedException, URISyntaxException {
    List<String> command = new ArrayList<>();
    command.add(Path.of(System.getProperty("java.home"), "bin", "java").toString());
    command.addAll(flags);
    command.addAll(List.of("-cp", classPath(), FirstProgram.class.getName()));
    Path stdout = folder.resolve("stdout");
    Path stderr = folder.resolve("stderr");
    ProcessBuilder builder =
        new ProcessBuilder(command).redirectOutput(stdout.toFile()).redirectError(stderr.toFile());
    builder.environment().remove("JDK_JAVA_OPTIONS");
    builder.environment().remove("JAVA_TOOL_OPTIONS");
    int status = builder.start().waitFor();
    assertThat(status).as(read(stderr)).isZero();
    return new Output(read(stdout), read(stderr));
  }

  private static String read(Path file) throws IOException {
    return Files.readString(file, StandardCharsets.UTF_8);
  }

  /** The class path of a stranger: the library and EJML, and where the program above lies. */
  private static String classPath() throws URISyntaxException {
    return String.join(
        File.pathSeparator,
        locationOf(Backends.class),
        locationOf(DMatrixRMaj.class),
        locationOf(DecompositionFactory_DDRM.class),
        Path.of(System.getProperty("basedir", ""), "target", "test-classes").toString());
  }

  private static String locationOf(Class<?> type) throws URISyntaxException {
    return Path.of(type.getProtectionDomain().getCodeSource().getLocation().toURI()).toString();
  }
}
