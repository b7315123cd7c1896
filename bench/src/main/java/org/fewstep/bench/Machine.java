package org.fewstep.bench;

import java.io.IOException;
import java.lang.management.ManagementFactory;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Instant;
import java.time.temporal.ChronoUnit;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Optional;
import java.util.stream.Stream;

/** Where and how figures were measured: without it they are worth nothing a month later. */
final class Machine {

  private Machine() {}

  /** Processor, JVM, flags, load and date, as text by name. */
  static Map<String, String> describe() {
    var system = ManagementFactory.getOperatingSystemMXBean();
    var jvm = ManagementFactory.getRuntimeMXBean();
    Map<String, String> facts = new LinkedHashMap<>();
    facts.put("date", Instant.now().truncatedTo(ChronoUnit.SECONDS).toString());
    facts.put("cpu", cpuInfo("model name").orElse("unknown"));
    facts.put(
        "cpuFamilyModelStepping",
        Stream.of("cpu family", "model", "stepping")
            .map(key -> cpuInfo(key).orElse("?"))
            .reduce((left, right) -> left + "/" + right)
            .orElse(""));
    facts.put("processors", Integer.toString(Runtime.getRuntime().availableProcessors()));
    facts.put("vectorBits", Integer.toString(FmaLoops.vectorBits()));
    facts.put("load", "%.2f".formatted(system.getSystemLoadAverage()));
    facts.put("os", "%s %s %s".formatted(system.getName(), system.getVersion(), system.getArch()));
    facts.put("jvm", "%s %s".formatted(jvm.getVmName(), jvm.getVmVersion()));
    facts.put("flags", String.join(" ", jvm.getInputArguments()));
    facts.put("commit", commit().orElse("unknown"));
    return facts;
  }

  private static Optional<String> cpuInfo(String key) {
    try (Stream<String> lines = Files.lines(Path.of("/proc/cpuinfo"))) {
      return lines
          .map(line -> line.split(":", 2))
          .filter(parts -> parts.length == 2 && parts[0].strip().equals(key))
          .map(parts -> parts[1].strip())
          .findFirst();
    } catch (IOException e) {
      return Optional.empty();
    }
  }

  private static Optional<String> commit() {
    try {
      Process git = new ProcessBuilder("git", "describe", "--always", "--dirty").start();
      String said = new String(git.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
      return git.waitFor() == 0 ? Optional.of(said.strip()) : Optional.empty();
    } catch (IOException e) {
      return Optional.empty();
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      return Optional.empty();
    }
  }
}
