package org.fewstep.cuda;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.condition.EnabledIfSystemProperty;

/** What the shipped library needs of a machine, and shows of itself; asked of binutils' readelf. */
@EnabledIfSystemProperty(named = "natives.built", matches = "true")
class ShippedLibraryTest {

  private static final Path LIBRARY =
      Path.of(
          System.getProperty("natives.dir", "none"),
          "org/fewstep/cuda/binding/linux-x86_64/libjnifewstepcuda.so");

  private static final long MOST_BYTES = 15L << 20;

  private static String readelf(String option) throws IOException, InterruptedException {
    Process process =
        new ProcessBuilder("readelf", "--wide", option, LIBRARY.toString())
            .redirectErrorStream(true)
            .start();
    String text = new String(process.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
    assertThat(process.waitFor()).as(text).isZero();
    return text;
  }

  private static List<String> found(String pattern, String text) {
    return Pattern.compile(pattern).matcher(text).results().map(r -> r.group(1)).toList();
  }

  @Test
  void isSmall() throws IOException {
    assertThat(Files.size(LIBRARY)).isLessThan(MOST_BYTES);
  }

  @Test
  void needsNothingBesideTheCLibrary() throws Exception {
    assertThat(found("NEEDED.*\\[(.*?)\\]", readelf("--dynamic")))
        .isSubsetOf("libc.so.6", "libm.so.6", "libgcc_s.so.1", "ld-linux-x86-64.so.2");
    assertThat(found("R(?:UN)?PATH.*\\[(.*?)\\]", readelf("--dynamic")))
        .as("folders of the build machine")
        .isSubsetOf("$ORIGIN", "$ORIGIN/");
  }

  @Test
  void runsOnTheCLibraryOf2021() throws Exception {
    for (String version : found("GLIBC_(\\d+\\.\\d+)", readelf("--version-info"))) {
      Matcher parts = Pattern.compile("(\\d+)\\.(\\d+)").matcher(version);
      assertThat(parts.matches()).isTrue();
      assertThat(Integer.parseInt(parts.group(1))).isEqualTo(2);
      assertThat(Integer.parseInt(parts.group(2))).as("glibc " + version).isLessThanOrEqualTo(34);
    }
  }

  /** Runtimes inside must not meet those of other libraries in the process. */
  @Test
  void showsOnlyWhatTheBindingCalls() throws Exception {
    List<String> exported =
        found("GLOBAL +DEFAULT +\\d+ (\\S+)", readelf("--dyn-syms")).stream()
            .filter(name -> !name.contains("@"))
            .toList();
    assertThat(exported).isNotEmpty().allMatch(name -> name.matches("Java_.*|JNI_On.*"));
  }
}
