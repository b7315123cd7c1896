package org.fewstep.cli;

import java.io.IOException;
import java.io.PrintWriter;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.function.Supplier;
import org.fewstep.backend.Backend;
import org.fewstep.backend.BackendOptions;
import org.fewstep.backend.BackendProvider;
import org.fewstep.backend.Backends;
import org.fewstep.backend.Batch;
import org.fewstep.backend.Precision;
import org.fewstep.diffusion.Diffusion;
import org.fewstep.diffusion.Diffusions;
import org.fewstep.io.Npy;
import picocli.CommandLine;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Spec;

/** The options that every verb takes, and what they choose. */
final class CommonOptions {

  private static final String AUTO = "auto";

  @Spec(Spec.Target.MIXEE)
  private CommandSpec spec;

  @Option(
      names = "--backend",
      paramLabel = "NAME",
      description = "auto (default), cuda, vector or scalar.")
  private String backend = AUTO;

  @Option(
      names = "--precision",
      paramLabel = "P",
      description = "f32 (default) or f64; files are converted on reading.")
  private String precision;

  @Option(
      names = "--threads",
      paramLabel = "N",
      description = "Threads of a CPU backend (default: one per processor).")
  private Integer threads;

  @Option(
      names = "--process",
      paramLabel = "NAME",
      description = "ou (default), vp, vp-cosine or ve.")
  private String process;

  @Option(names = "--json", description = "One JSON object on stdout and nothing else.")
  private boolean json;

  @Option(names = "--quiet", description = "Nothing on stdout but what was asked for by --json.")
  private boolean quiet;

  @Option(names = "--verbose", description = "Stack traces and log lines on stderr.")
  private boolean verbose;

  @Option(
      names = {"-h", "--help"},
      usageHelp = true,
      description = "Shows this help.")
  @SuppressWarnings("UnusedVariable") // picocli reads it
  private boolean help;

  /** Whether the verb of a command line was given --verbose. */
  static boolean isVerbose(CommandLine command) {
    return command.getParseResult() != null
        && command.getParseResult().hasMatchedOption("--verbose");
  }

  /** Whether one JSON object is wanted on stdout. */
  boolean json() {
    return json;
  }

  /** Whether people want to be told. */
  boolean talkative() {
    return !quiet && !json;
  }

  /** Whether a progress bar may be shown where stderr is a terminal. */
  boolean showsProgress() {
    return !quiet;
  }

  /** Stdout. */
  PrintWriter out() {
    return spec.commandLine().getOut();
  }

  /** Checks the options that do not depend on others, before any file is read. */
  void check() {
    CliLoggerFinder.setVerbose(verbose);
    precision();
    process();
    backendOptions();
  }

  /** The element type of batches and of output files. */
  Precision precision() {
    if (precision == null || precision.equals(nameOf(Precision.FLOAT32))) {
      return Precision.FLOAT32;
    }
    if (precision.equals(nameOf(Precision.FLOAT64))) {
      return Precision.FLOAT64;
    }
    throw new IllegalArgumentException(
        "--precision must be f32 or f64, but is '%s'".formatted(precision));
  }

  /** The precision by the name that the command line gives it. */
  String precisionName() {
    return nameOf(precision());
  }

  /** A precision by the name that the command line gives it. */
  static String nameOf(Precision precision) {
    return precision == Precision.FLOAT32 ? "f32" : "f64";
  }

  /** The precisions to test: the one that was asked for, or all. */
  List<Precision> precisionsToTest() {
    return precision == null ? List.of(Precision.values()) : List.of(precision());
  }

  /** The forward process. */
  Diffusion process() {
    return Diffusions.named(process == null ? "ou" : process);
  }

  /** Refuses a process that was asked for and is not the one of a file. */
  void requireNoOtherProcess(Path path, Diffusion own) {
    if (process != null && !process().equals(own)) {
      throw new IllegalArgumentException(
          "--process must be %s, the process of %s, or be left out, but is %s"
              .formatted(own.name(), path, process));
    }
  }

  /** Opens the backend; the caller closes it. */
  Backend openBackend() {
    return backend.equals(AUTO)
        ? Backends.best(backendOptions())
        : Backends.named(backend, backendOptions());
  }

  /** The backends to test, opened one after the other: the one that was asked for, or all. */
  List<Supplier<Backend>> backendsToTest() {
    if (!backend.equals(AUTO)) {
      return List.of(this::openBackend);
    }
    List<Supplier<Backend>> available = new ArrayList<>();
    for (BackendProvider provider : Backends.providers()) {
      if (provider.availability().available()) {
        available.add(() -> provider.open(backendOptions()));
      }
    }
    return available;
  }

  private BackendOptions backendOptions() {
    BackendOptions defaults = BackendOptions.defaults();
    return threads == null ? defaults : defaults.withThreads(threads);
  }

  /**
   * Reads points of a dimension, which is that of {@code owner}, into memory that the backend works
   * on; the caller closes the batch.
   */
  Batch readPoints(String option, Path path, int dimension, String owner, Backend opened)
      throws IOException {
    Batch host = Npy.read(path, precision());
    if (host.columns() != dimension) {
      host.close();
      throw new IllegalArgumentException(
          "%s must have %d columns like the %s, but %s has %d"
              .formatted(option, dimension, owner, path, host.columns()));
    }
    try (Batch probe = opened.allocate(0, dimension, precision())) {
      if (probe.onHost()) {
        return host;
      }
    }
    try (host) {
      Batch copy = opened.allocate(host.rows(), dimension, precision());
      copy.copyFrom(host);
      return copy;
    }
  }
}
