package org.fewstep.bench;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.concurrent.TimeUnit;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Stream;

/**
 * One part of a check: a program in a process of its own, so that nothing that becomes of it, a
 * crash of the driver least of all, touches the others.
 *
 * @param name of the part, and of its log
 * @param seconds that it may take
 * @param command the program and its arguments
 * @param expected the exit status of a part that passes
 * @param result the file of JSON that it leaves, or null
 * @param summary what of its log is worth telling: every match of this is; or null
 */
record CheckPart(
    String name, double seconds, List<String> command, int expected, Path result, Pattern summary) {

  private static final int TAIL_LINES = 30;

  /** How a part ended. */
  enum Status {
    PASSED("passed"),
    FAILED("failed"),
    TIMED_OUT("timed out"),
    LEFT_OUT("left out");

    private final String label;

    Status(String label) {
      this.label = label;
    }

    String label() {
      return label;
    }
  }

  /**
   * What came of a part.
   *
   * @param reason why it did not pass; "" if it did
   * @param seconds that it took
   * @param summary what is worth telling, line by line
   * @param result the JSON that it left, or null
   */
  record Outcome(
      String name,
      Status status,
      String reason,
      double seconds,
      List<String> summary,
      Path result) {

    /** A part that did not run, which is no failure. */
    static Outcome leftOut(String name, String reason) {
      return new Outcome(name, Status.LEFT_OUT, reason, 0, List.of(), null);
    }

    boolean failed() {
      return status == Status.FAILED || status == Status.TIMED_OUT;
    }
  }

  static CheckPart of(String name, double seconds, List<String> command) {
    return new CheckPart(name, seconds, command, 0, null, null);
  }

  /** This with a file of JSON that the program leaves. */
  CheckPart withResult(Path file) {
    return new CheckPart(name, seconds, command, expected, file, summary);
  }

  /** This with another exit status for success. */
  CheckPart withExpected(int status) {
    return new CheckPart(name, seconds, command, status, result, summary);
  }

  /** This with lines of the log that are worth telling. */
  CheckPart withSummary(String regex) {
    return new CheckPart(
        name, seconds, command, expected, result, Pattern.compile(regex, Pattern.MULTILINE));
  }

  Path log(Path folder) {
    return folder.resolve(name.replaceAll("[^A-Za-z0-9]+", "-") + ".log");
  }

  /**
   * Runs the program, and ends it with all its children when its time is over.
   *
   * @param folder for the log
   * @param most the seconds that are left to everything
   */
  Outcome run(Path folder, double most) {
    long start = System.nanoTime();
    double allowed = Math.min(seconds, most);
    if (allowed < 1) {
      return new Outcome(name, Status.TIMED_OUT, "no time was left", 0, List.of(), null);
    }
    Path log = log(folder);
    try {
      Process process =
          new ProcessBuilder(command)
              .redirectErrorStream(true)
              .redirectInput(Path.of("/dev/null").toFile())
              .redirectOutput(log.toFile())
              .start();
      boolean ended = process.waitFor((long) (1e3 * allowed), TimeUnit.MILLISECONDS);
      double took = 1e-9 * (System.nanoTime() - start);
      if (!ended) {
        kill(process);
        return outcome(
            Status.TIMED_OUT,
            "not done after %.0f s".formatted(allowed),
            took,
            worthTellingAndTail(log));
      }
      if (process.exitValue() != expected) {
        return outcome(
            Status.FAILED,
            "exit status %d, not %d".formatted(process.exitValue(), expected),
            took,
            worthTellingAndTail(log));
      }
      return outcome(Status.PASSED, "", took, worthTelling(log));
    } catch (IOException e) {
      return outcome(Status.FAILED, e.toString(), 1e-9 * (System.nanoTime() - start), List.of());
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      return outcome(Status.FAILED, e.toString(), 1e-9 * (System.nanoTime() - start), List.of());
    }
  }

  private Outcome outcome(Status status, String reason, double took, List<String> told) {
    return new Outcome(
        name, status, reason, took, told, result != null && Files.exists(result) ? result : null);
  }

  private static void kill(Process process) throws InterruptedException {
    process.descendants().forEach(ProcessHandle::destroyForcibly);
    process.destroyForcibly().waitFor(10, TimeUnit.SECONDS);
  }

  private List<String> worthTelling(Path log) {
    if (summary == null) {
      return List.of();
    }
    return summary.matcher(read(log)).results().map(match -> match.group().strip()).toList();
  }

  private List<String> worthTellingAndTail(Path log) {
    List<String> lines = read(log).lines().filter(line -> !line.isBlank()).toList();
    return Stream.concat(
            worthTelling(log).stream(), lines.stream().skip(Math.max(0, lines.size() - TAIL_LINES)))
        .distinct()
        .toList();
  }

  /** Whatever bytes there are: what a killed program wrote need not be text. */
  private static String read(Path log) {
    try {
      return new String(Files.readAllBytes(log), StandardCharsets.UTF_8);
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  /** The first group of a pattern in the log of this part, or "". */
  String found(Path folder, String regex) {
    Path log = log(folder);
    Matcher matcher = Pattern.compile(regex).matcher(Files.exists(log) ? read(log) : "");
    return matcher.find() ? matcher.group(1) : "";
  }
}
