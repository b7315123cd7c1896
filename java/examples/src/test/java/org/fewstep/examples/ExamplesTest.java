package org.fewstep.examples;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.ByteArrayOutputStream;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import java.util.Arrays;
import java.util.function.Consumer;
import org.junit.jupiter.api.Test;

/** The examples run, and print what their comments promise. */
class ExamplesTest {

  @Test
  void everyModeOfTheRingReceivesItsShareOfSamples() {
    String output = outputOf(SampleRing::main);

    String counts = output.substring(output.indexOf('[') + 1, output.indexOf(']'));
    // 1250 +- 5 standard deviations of a multinomial count, sqrt(10000 / 8 * 7 / 8) = 33.
    assertThat(Arrays.stream(counts.split(", ")).mapToInt(Integer::parseInt))
        .hasSize(8)
        .allSatisfy(count -> assertThat(count).isBetween(1085, 1415));
  }

  @Test
  void theScorePointsUphillOnBothSidesOfAMode() {
    String[] lines = outputOf(EvaluateMixture::main).strip().split("\\R");

    assertThat(lines).hasSize(3);
    assertThat(lines[0]).contains("log p =");
    // Between the modes, at the origin, the score points to the heavier one, at x = -1.
    assertThat(lines[1]).containsPattern("score = \\( *-");
  }

  @Test
  void bothSolversTurnAPointByAQuarter() {
    assertThat(outputOf(SolveOwnField::main))
        .containsPattern("rk4 +\\(1, 0\\) -> \\(-?0\\.00\\d+, (1\\.00|0\\.99)\\d+\\)")
        .containsPattern("dopri5 +\\(1, 0\\) -> \\(-?0\\.000\\d+, (1\\.000|0\\.999)\\d+\\)");
  }

  @Test
  void theDistilledFlowEndsOnTheRing() {
    String[] lines =
        outputOf(arguments -> runChecked(() -> DistillRing.main(arguments))).strip().split("\\R");

    assertThat(lines).hasSize(6);
    // Exact samples of this ring are 2.003 from its centre on average.
    double radius = Double.parseDouble(lines[5].substring("mean radius ".length()));
    assertThat(radius).isBetween(1.9, 2.1);
  }

  @Test
  void theCompiledScoreLeadsToTheSameEnds() {
    String[] lines = outputOf(CompileScore::main).strip().split("\\R");

    assertThat(lines[0]).startsWith("3 networks of at most ");
    String distance = lines[1].substring(lines[1].indexOf(": ") + 2);
    assertThat(Double.parseDouble(distance)).isBetween(1e-9, 1e-2);
  }

  @Test
  void theScoreOfSharedMemoryIsThatOfASymmetricRing() {
    String output = outputOf(ShareDeviceMemory::main).strip();

    if (output.startsWith("no CUDA here: ")) {
      assertThat(output).hasLineCount(1).hasSizeGreaterThan("no CUDA here: ".length());
    } else {
      double[] right = numbers(output.split("\\R")[0]);
      double[] left = numbers(output.split("\\R")[2]);
      assertThat(right[0]).isNotZero().isEqualTo(-left[0]);
      assertThat(right[1]).isZero();
    }
  }

  private static double[] numbers(String point) {
    return Arrays.stream(point.substring(1, point.length() - 1).split(", "))
        .mapToDouble(Double::parseDouble)
        .toArray();
  }

  /** An example that may throw a checked exception. */
  @FunctionalInterface
  private interface Checked {
    void run() throws Exception;
  }

  private static void runChecked(Checked example) {
    try {
      example.run();
    } catch (Exception e) {
      throw new AssertionError(e);
    }
  }

  private static String outputOf(Consumer<String[]> main) {
    PrintStream console = System.out;
    ByteArrayOutputStream captured = new ByteArrayOutputStream();
    System.setOut(new PrintStream(captured, true, StandardCharsets.UTF_8));
    try {
      main.accept(new String[0]);
    } finally {
      System.setOut(console);
    }
    return captured.toString(StandardCharsets.UTF_8);
  }
}
