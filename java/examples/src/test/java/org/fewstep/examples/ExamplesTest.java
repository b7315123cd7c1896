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
