package org.fewstep.cli;

import java.io.IOException;
import java.io.PrintWriter;
import java.nio.file.AccessDeniedException;
import java.nio.file.FileAlreadyExistsException;
import java.nio.file.FileSystemException;
import java.nio.file.NoSuchFileException;
import java.util.stream.Collectors;
import picocli.CommandLine;
import picocli.CommandLine.ExitCode;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.ParseResult;

/** How failures are told: one line on stderr, and an exit code. */
final class Failure {

  private Failure() {}

  /** A malformed command line. */
  static int ofUsage(ParameterException failure, String[] args) {
    CommandLine command = failure.getCommandLine();
    String name = command.getCommandSpec().qualifiedName();
    tell(command.getErr(), "%s (see %s --help)".formatted(oneLine(failure.getMessage()), name));
    return ExitCode.USAGE;
  }

  /** Something thrown while a verb ran: bad input, or a defect. */
  static int ofExecution(Exception failure, CommandLine command, ParseResult parsed) {
    PrintWriter err = command.getErr();
    if (CommonOptions.isVerbose(command)) {
      failure.printStackTrace(err);
    }
    if (failure instanceof IllegalArgumentException || failure instanceof IOException) {
      tell(err, describe(failure));
      return ExitCode.USAGE;
    }
    return ofDefect(failure, err);
  }

  /** Memory that was not to be had after all. */
  static int ofMemory(PrintWriter err) {
    tell(err, "this needs more memory than the JVM may take; use fewer rows or segments");
    return ExitCode.USAGE;
  }

  /** A failure that no input should cause. */
  static int ofDefect(Throwable failure, PrintWriter err) {
    String message = failure.getMessage();
    tell(
        err,
        "failed: %s%s; --verbose tells where"
            .formatted(
                failure.getClass().getSimpleName(),
                message == null ? "" : ": " + oneLine(message)));
    return ExitCode.SOFTWARE;
  }

  private static String describe(Exception failure) {
    return switch (failure) {
      case NoSuchFileException e when e.getReason() == null -> e.getFile() + ": no such file";
      case AccessDeniedException e -> e.getFile() + ": permission denied";
      case FileAlreadyExistsException e when e.getReason() == null ->
          e.getFile() + ": exists and is not a directory";
      case FileSystemException e when e.getReason() != null ->
          e.getFile() + ": " + oneLine(e.getReason());
      default ->
          failure.getMessage() == null
              ? failure.getClass().getSimpleName()
              : oneLine(failure.getMessage());
    };
  }

  private static void tell(PrintWriter err, String message) {
    err.println("fewstep: " + message);
  }

  private static String oneLine(String text) {
    return text.lines().map(String::strip).collect(Collectors.joining(" "));
  }
}
