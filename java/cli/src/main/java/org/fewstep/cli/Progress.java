package org.fewstep.cli;

import java.time.Duration;
import me.tongfei.progressbar.ConsoleProgressBarConsumer;
import me.tongfei.progressbar.ProgressBar;
import me.tongfei.progressbar.ProgressBarBuilder;

/**
 * A progress bar on stderr, for work that lasts longer than a second where stderr is a terminal,
 * which the launcher tells by a property.
 */
final class Progress implements AutoCloseable {

  private static final String TERMINAL = "fewstep.terminal";
  private static final Duration SILENCE = Duration.ofSeconds(1);
  private static final int DEFAULT_WIDTH = 80;

  private final String task;
  private final boolean wanted;
  private final long start = System.nanoTime();
  private ProgressBar bar;

  Progress(String task, boolean wanted) {
    this.task = task;
    this.wanted = wanted && Boolean.getBoolean(TERMINAL);
  }

  /** So much of the total is done. */
  void update(long done, long total) {
    if (!wanted || System.nanoTime() - start < SILENCE.toNanos()) {
      return;
    }
    if (bar == null) {
      bar =
          new ProgressBarBuilder()
              .setTaskName(task)
              .setInitialMax(total)
              // A width of its own spares the library's look at the terminal, which is slow.
              .setConsumer(new ConsoleProgressBarConsumer(System.err, width()))
              .setUpdateIntervalMillis(200)
              .build();
    }
    bar.stepTo(done);
  }

  private static int width() {
    try {
      return Math.clamp(Integer.parseInt(System.getenv("COLUMNS")), 20, 200);
    } catch (NumberFormatException e) {
      return DEFAULT_WIDTH;
    }
  }

  @Override
  public void close() {
    if (bar != null) {
      bar.close();
    }
  }
}
