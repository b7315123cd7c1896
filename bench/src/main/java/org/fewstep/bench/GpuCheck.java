package org.fewstep.bench;

import java.io.File;
import java.io.IOException;
import java.lang.management.ManagementFactory;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Iterator;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.fewstep.bench.CheckPart.Outcome;

/**
 * Everything that is to be known of the CUDA backend on a machine with a device: the selftest, the
 * suites of all backends, compute-sanitizer's tools, and the times, beside those of other
 * libraries. Runs from the bundle, by its script {@code gpu-check}, which tells of the options.
 *
 * <p>Exit status: 0 if every part passed or was left out for a reason, 1 if one failed or took too
 * long, 2 if there is no device.
 */
public final class GpuCheck {

  private static final String USAGE = "usage: gpu-check [--output FILE] [--minutes N] [--small]";

  private static final double MINUTES = 7.5;

  private static final String TIMINGS = "timings.json";

  private static final double PEER_SECONDS = 130;
  private static final double PEER_RESERVE = 10;

  /** Suites that are about the files of the build and not about a device. */
  private static final String NOT_OF_A_DEVICE =
      "^org\\.fewstep\\.(backend\\.WithoutVectorModule|cuda\\.(KernelResources|ShippedLibrary"
          + "|NativeLibrary))Test$";

  private static final String SUITES = "^org\\.fewstep\\.(backend\\.\\w+|cuda\\..*)Test$";

  private static final List<Path> CUDA_FOLDERS =
      List.of(Path.of("/usr/local/cuda/bin"), Path.of("/opt/cuda/bin"));

  /**
   * What the command line says.
   *
   * @param minutes that everything may take together
   */
  private record Settings(Path output, double minutes, boolean small) {

    private static Settings parse(String... arguments) {
      Path output = Path.of("gpu-check.json");
      double minutes = MINUTES;
      boolean small = false;
      Iterator<String> words = List.of(arguments).iterator();
      while (words.hasNext()) {
        String option = words.next();
        if (option.equals("--small")) {
          small = true;
        } else if (option.equals("--output") && words.hasNext()) {
          output = Path.of(words.next());
        } else if (option.equals("--minutes") && words.hasNext()) {
          minutes = Double.parseDouble(words.next());
        } else {
          throw new IllegalArgumentException(option + " is unknown or lacks its value");
        }
      }
      return new Settings(output, minutes, small);
    }

    /** A part's share of the time: so many seconds if all is to take as long as by default. */
    private double share(double seconds) {
      return seconds * minutes / MINUTES;
    }
  }

  private final Settings settings;
  private final Path bundle;
  private final Path logs;
  private final CheckReport report;
  private final long start = System.nanoTime();

  private GpuCheck(Settings settings, Path bundle) throws IOException {
    this.settings = settings;
    this.bundle = bundle;
    this.logs = Path.of(settings.output.toAbsolutePath() + ".logs");
    Files.createDirectories(logs);
    Map<String, String> facts = new LinkedHashMap<>();
    Path commit = bundle.resolve("COMMIT");
    facts.put("commit", Files.exists(commit) ? Files.readString(commit).strip() : "unknown");
    String natives = System.getProperty("fewstep.cuda.natives", "");
    if (!natives.isEmpty()) {
      facts.put("natives", natives + ", in place of the library of the bundle");
    }
    this.report = new CheckReport(settings.output, facts);
  }

  /** Checks; see above for the exit status. */
  public static void main(String... arguments) throws Exception {
    System.exit(run(Path.of(System.getProperty("fewstep.bundle", ".")), arguments));
  }

  /** The same for callers in this process; returns the exit status. */
  static int run(Path bundle, String... arguments) throws Exception {
    Settings settings;
    try {
      settings = Settings.parse(arguments);
    } catch (IllegalArgumentException e) {
      System.err.println(e.getMessage() + "\n" + USAGE);
      return 1;
    }
    GpuCheck check = new GpuCheck(settings, bundle);
    try {
      return check.run();
    } catch (IOException | RuntimeException e) {
      check.report.finish("failed", e.toString());
      throw e;
    }
  }

  private int run() throws Exception {
    CheckPart info = CheckPart.of("info", 60, command("info")).withSummary("^cuda .*$");
    Outcome told = info.run(logs, left());
    add(List.of(told));
    String device = info.found(logs, "(?m)^cuda +available +(.*)$");
    if (!told.failed() && device.isEmpty()) {
      String reason = info.found(logs, "(?m)^cuda +not available +(.*)$");
      System.out.println("there is no CUDA device: " + reason);
      report.finish("no device", reason);
      return 2;
    }
    report.fact("device", device);
    Map<String, String> host = Machine.describe();
    // of the bundle, not of the folder that it happens to run in; and told already
    host.keySet().removeAll(List.of("commit", "date"));
    for (Map.Entry<String, String> fact : host.entrySet()) {
      report.fact("host." + fact.getKey(), fact.getValue());
    }

    runOne(selftest("cuda"));
    runOne(selftest("vector"));
    runOne(suites());
    runOne(timings());
    Optional<Path> sanitizer = onPath("compute-sanitizer");
    if (sanitizer.isEmpty()) {
      add(Sanitizer.TOOLS.stream().map(tool -> Outcome.leftOut(tool, noSanitizer())).toList());
    } else {
      add(inTurns(Sanitizer.TOOLS.stream().map(tool -> sanitized(sanitizer.get(), tool)).toList()));
    }
    Optional<Path> python = onPath("python3");
    if (python.isEmpty()) {
      add(List.of(Outcome.leftOut("peers", "there is no python3")));
    } else {
      runOne(peers(python.get()));
    }

    boolean failed = report.anyFailed();
    report.finish(failed ? "failed" : "passed", "");
    System.out.printf("%s; see %s%n", failed ? "FAILED" : "passed", settings.output);
    return failed ? 1 : 0;
  }

  private static String noSanitizer() {
    return "compute-sanitizer is neither on the PATH nor in " + CUDA_FOLDERS;
  }

  private double left() {
    return 60 * settings.minutes - 1e-9 * (System.nanoTime() - start);
  }

  private void runOne(CheckPart part) throws IOException {
    add(List.of(part.run(logs, left())));
  }

  private void add(List<Outcome> outcomes) throws IOException {
    for (Outcome outcome : outcomes) {
      System.out.printf(
          "%-10s %-28s %6.1f s  %s%n",
          outcome.status().label(), outcome.name(), outcome.seconds(), outcome.reason());
      outcome.summary().forEach(line -> System.out.println("    " + line));
    }
    report.add(outcomes);
  }

  // The parts.

  private CheckPart selftest(String backend) {
    return CheckPart.of(
            "selftest " + backend, settings.share(60), command("selftest", "--backend", backend))
        .withSummary("^(FAIL.*|.*checks passed)$");
  }

  private CheckPart suites() throws IOException {
    List<String> jars = new ArrayList<>();
    List<String> scanned = new ArrayList<>();
    if (Files.isDirectory(bundle.resolve("tests"))) {
      try (Stream<Path> files = Files.list(bundle.resolve("tests"))) {
        for (Path file : files.sorted().toList()) {
          jars.add(file.toString());
          if (file.getFileName().toString().endsWith("-tests.jar")) {
            scanned.add(file.toString());
          }
        }
      }
    }
    List<String> command =
        java(
            // The command brings a logger of its own, which tests of logging do not expect.
            Stream.concat(classPath().filter(jar -> !jar.contains("fewstep-cli")), jars.stream()),
            "-Dfewstep.test.require=cuda",
            "-Dfewstep.test.backends=cuda",
            "-Dnatives.built=true",
            "org.junit.platform.console.ConsoleLauncher",
            "execute",
            "--disable-banner",
            "--disable-ansi-colors",
            "--details=testfeed",
            "--fail-if-no-tests",
            "--scan-classpath=" + String.join(File.pathSeparator, scanned),
            "--include-classname=" + SUITES,
            "--exclude-classname=" + NOT_OF_A_DEVICE,
            "--config=jqwik.reporting.onlyfailures=true",
            "--config=jqwik.database=" + logs.resolve("jqwik-database"),
            "--reports-dir=" + logs.resolve("suites"));
    return CheckPart.of("suites of all backends", settings.share(150), command)
        .withSummary("^(\\[ +\\d+ tests .*\\]|.* :: FAILED)$");
  }

  private CheckPart timings() {
    Path result = logs.resolve(TIMINGS);
    return CheckPart.of(
            "timings", settings.share(120), timingsCommand("--output", result.toString()))
        .withResult(result)
        .withSummary("^.*( ms, median | us of the host).*$");
  }

  private List<String> timingsCommand(String... more) {
    List<String> command = java("org.fewstep.bench.DeviceTimings");
    command.addAll(List.of(more));
    if (settings.small) {
      command.add("--small");
    }
    return command;
  }

  private List<CheckPart> sanitized(Path program, String tool) {
    Map<String, List<String>> work = new LinkedHashMap<>();
    work.put("selftest", command("selftest", "--backend", "cuda"));
    work.put("kernels", java("org.fewstep.bench.DeviceTimings", "--small"));
    return new Sanitizer(program, bundle.resolve("canary")).parts(tool, settings.share(90), work);
  }

  private CheckPart peers(Path python) {
    Path result = logs.resolve("peers.json");
    // Told how long it has, it keeps what is done by then.
    double seconds = Math.min(settings.share(PEER_SECONDS), left() - PEER_RESERVE);
    List<String> command = new ArrayList<>();
    command.add(python.toString());
    command.add("-B"); // the bundle need not be writable
    command.add(bundle.resolve("peers.py").toString());
    command.addAll(List.of("--output", result.toString()));
    command.addAll(List.of("--ours", logs.resolve(TIMINGS).toString()));
    command.addAll(List.of("--seconds", Double.toString(Math.max(1, seconds))));
    if (settings.small) {
      command.add("--small");
    }
    return CheckPart.of("peers", seconds + PEER_RESERVE, command)
        .withResult(result)
        .withSummary("^.*( ms, median |left out).*$");
  }

  /** Runs groups side by side, and the parts of a group one after the other. */
  private List<Outcome> inTurns(List<List<CheckPart>> groups) throws InterruptedException {
    List<Outcome> outcomes = new ArrayList<>();
    try (ExecutorService threads = Executors.newFixedThreadPool(groups.size())) {
      List<Future<List<Outcome>>> running = new ArrayList<>();
      for (List<CheckPart> group : groups) {
        running.add(
            threads.submit(
                () -> {
                  List<Outcome> own = new ArrayList<>();
                  for (CheckPart part : group) {
                    own.add(part.run(logs, left()));
                  }
                  return own;
                }));
      }
      for (Future<List<Outcome>> group : running) {
        outcomes.addAll(group.get());
      }
    } catch (ExecutionException e) {
      throw new IllegalStateException(e.getCause());
    }
    return outcomes;
  }

  // Programs.

  /** The command fewstep. */
  private static List<String> command(String... arguments) {
    List<String> command = java("org.fewstep.cli.Main");
    command.addAll(List.of(arguments));
    return command;
  }

  private static Stream<String> classPath() {
    return Stream.of(System.getProperty("java.class.path").split(File.pathSeparator, -1));
  }

  /** Another JVM like this one. */
  private static List<String> java(String... arguments) {
    return java(classPath(), arguments);
  }

  /** The same with another class path. */
  private static List<String> java(Stream<String> path, String... arguments) {
    List<String> command = new ArrayList<>();
    command.add(Path.of(System.getProperty("java.home"), "bin", "java").toString());
    command.addAll(ManagementFactory.getRuntimeMXBean().getInputArguments());
    command.add("-cp");
    command.add(path.collect(Collectors.joining(File.pathSeparator)));
    command.addAll(List.of(arguments));
    return command;
  }

  /** A program on the PATH, or where CUDA's tools mostly are. */
  private static Optional<Path> onPath(String program) {
    String path = Optional.ofNullable(System.getenv("PATH")).orElse("");
    return Stream.concat(
            Stream.of(path.split(File.pathSeparator))
                .filter(folder -> !folder.isEmpty())
                .map(Path::of),
            CUDA_FOLDERS.stream())
        .map(folder -> folder.resolve(program))
        .filter(Files::isExecutable)
        .findFirst();
  }
}
