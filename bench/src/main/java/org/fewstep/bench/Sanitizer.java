package org.fewstep.bench;

import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.stream.Stream;

/**
 * The tools of NVIDIA's compute-sanitizer.
 *
 * @param program the compute-sanitizer
 * @param canary the program whose kernels have one mistake each
 */
record Sanitizer(Path program, Path canary) {

  static final List<String> TOOLS = List.of("memcheck", "racecheck", "initcheck", "synccheck");

  /** What a tool is to exit with when it finds something: nobody else does. */
  private static final int FOUND = 86;

  private static final String SUMMARY = "^=+ .*SUMMARY.*$";
  private static final double CANARY_SECONDS = 30;

  /**
   * What a tool has to do: catch its canary, or else it proves nothing, and find nothing in what
   * the library does.
   *
   * @param seconds that each piece of work may take
   * @param work commands by name
   */
  List<CheckPart> parts(String tool, double seconds, Map<String, List<String>> work) {
    CheckPart catches =
        part(tool + ", its canary", CANARY_SECONDS, tool, List.of(canary.toString(), tool))
            .withExpected(FOUND);
    return Stream.concat(
            Stream.of(catches),
            work.entrySet().stream()
                .map(entry -> part(tool + ", " + entry.getKey(), seconds, tool, entry.getValue())))
        .toList();
  }

  private CheckPart part(String name, double seconds, String tool, List<String> command) {
    List<String> prefix =
        List.of(
            program.toString(),
            "--tool",
            tool,
            "--error-exitcode",
            Integer.toString(FOUND),
            "--print-limit",
            "20");
    return CheckPart.of(name, seconds, Stream.concat(prefix.stream(), command.stream()).toList())
        .withSummary(SUMMARY);
  }
}
