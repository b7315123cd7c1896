package org.fewstep.cli;

import java.io.PrintWriter;
import java.nio.charset.StandardCharsets;
import java.util.Locale;
import picocli.CommandLine;
import picocli.CommandLine.Command;
import picocli.CommandLine.Help;
import picocli.CommandLine.Help.Ansi;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.Spec;

/** The command {@code fewstep}; the work is done by one class a verb. */
@Command(
    name = "fewstep",
    description =
        "Few-step diffusion sampling: mixture scores, probability flows, time grids, networks.",
    subcommands = {
      InfoCommand.class,
      EvaluateCommand.class,
      FlowCommand.class,
      GridCommand.class,
      NetworkCommand.class,
      SelftestCommand.class,
      DistillCommand.class,
      SampleCommand.class,
      StudyCommand.class,
      NotYet.Ridge.class
    },
    mixinStandardHelpOptions = true,
    versionProvider = Version.class)
public final class Main implements Runnable {

  @Spec private CommandSpec spec;

  private Main() {}

  /** Runs the command and ends the JVM with its exit code. */
  public static void main(String[] args) {
    // What is printed is read by programs too: a decimal point, whoever runs it.
    Locale.setDefault(Locale.ROOT);
    PrintWriter out = new PrintWriter(System.out, false, StandardCharsets.UTF_8);
    PrintWriter err = new PrintWriter(System.err, true, StandardCharsets.UTF_8);
    int code = run(args, out, err);
    out.flush();
    err.flush();
    System.exit(code);
  }

  /** Runs the command and returns its exit code: 0, 2 for bad input or usage, else 1. */
  static int run(String[] args, PrintWriter out, PrintWriter err) {
    CommandLine command =
        new CommandLine(new Main())
            .setOut(out)
            .setErr(err)
            .setColorScheme(Help.defaultColorScheme(Ansi.OFF))
            .setExpandAtFiles(false)
            .setInterpolateVariables(false)
            .setParameterExceptionHandler(Failure::ofUsage)
            .setExecutionExceptionHandler(Failure::ofExecution);
    try {
      return command.execute(args);
    } catch (OutOfMemoryError e) {
      // Sizes are checked before work; this is the last resort for what slipped through.
      return Failure.ofMemory(err);
    } catch (Error e) {
      return Failure.ofDefect(e, err);
    }
  }

  @Override
  public void run() {
    throw new ParameterException(
        spec.commandLine(),
        "a verb is missing: info, evaluate, flow, grid, network, distill, sample, study or"
            + " selftest");
  }
}
