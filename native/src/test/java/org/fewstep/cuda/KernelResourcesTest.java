package org.fewstep.cuda;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.stream.Collectors;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.condition.EnabledIfSystemProperty;

/**
 * What ptxas made of every kernel, on every architecture, against {@code kernel-budgets.tsv}:
 * registers decide how many threads a multiprocessor holds, and a spill is memory traffic that
 * nobody wrote.
 */
@EnabledIfSystemProperty(named = "natives.built", matches = "true")
class KernelResourcesTest {

  private static final Path REPORT = Path.of(System.getProperty("kernel.resources", "none"));

  private record Use(String architecture, int registers, int stack, int spilled, String kernel) {

    static Use of(String line) {
      String[] field = line.split("\t");
      return new Use(
          field[0],
          Integer.parseInt(field[1]),
          Integer.parseInt(field[3]),
          Integer.parseInt(field[4]),
          field[5]);
    }
  }

  private static List<Use> report() throws IOException {
    return Files.readAllLines(REPORT).stream().skip(1).map(Use::of).toList();
  }

  private static Map<String, Integer> budgets() {
    try (var in = KernelResourcesTest.class.getResourceAsStream("/kernel-budgets.tsv")) {
      return new String(in.readAllBytes(), java.nio.charset.StandardCharsets.UTF_8)
          .lines()
          .filter(line -> !line.startsWith("#"))
          .map(line -> line.split("\t"))
          .collect(Collectors.toMap(field -> field[1], field -> Integer.valueOf(field[0])));
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  @Test
  void everyKernelKeepsToItsBudgetOfRegisters() throws IOException {
    Map<String, Integer> budgets = budgets();
    List<String> above =
        report().stream()
            .filter(use -> use.registers > budgets.getOrDefault(use.kernel, 0))
            .map(Use::toString)
            .toList();
    assertThat(above).as("above the budget, or without one").isEmpty();
    assertThat(report().stream().map(Use::kernel)).as("built").containsAll(budgets.keySet());
  }

  @Test
  void noKernelSpills() throws IOException {
    assertThat(report().stream().filter(use -> use.spilled > 0)).isEmpty();
  }
}
