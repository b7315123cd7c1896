package org.fewstep.cli;

import java.text.MessageFormat;
import java.util.ResourceBundle;

/**
 * The log of this program: warnings and news of the library go to stderr with --verbose and nowhere
 * without. It also spares the start-up the JDK's own logging.
 */
public final class CliLoggerFinder extends System.LoggerFinder {

  private static volatile boolean verbose;

  /** For the service loader. */
  public CliLoggerFinder() {}

  static void setVerbose(boolean wanted) {
    verbose = wanted;
  }

  @Override
  public System.Logger getLogger(String name, Module module) {
    return new StderrLogger(name);
  }

  private record StderrLogger(String name) implements System.Logger {

    @Override
    public String getName() {
      return name;
    }

    @Override
    public boolean isLoggable(Level level) {
      return verbose && level.getSeverity() >= Level.INFO.getSeverity();
    }

    @Override
    public void log(Level level, ResourceBundle bundle, String message, Throwable thrown) {
      if (isLoggable(level)) {
        System.err.println(name + ": " + message);
        if (thrown != null) {
          thrown.printStackTrace();
        }
      }
    }

    @Override
    public void log(Level level, ResourceBundle bundle, String format, Object... parameters) {
      if (isLoggable(level)) {
        boolean plain = parameters == null || parameters.length == 0;
        System.err.println(
            name + ": " + (plain ? format : MessageFormat.format(format, parameters)));
      }
    }
  }
}
