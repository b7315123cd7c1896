package org.fewstep.cli;

import com.fasterxml.jackson.core.JsonGenerator;
import java.io.IOException;
import java.util.Arrays;

/** The seconds that runs of one piece of work took. */
final class Timing {

  /** The largest --repeat: more is a slip of the hand, not a measurement. */
  static final int MAX_REPEAT = 1_000_000;

  /** Kernels reach their speed once the JVM has compiled them; a warm-up lasts at least so long. */
  private static final double WARM_UP_SECONDS = 1;

  /** A piece of work that can be run again. */
  @FunctionalInterface
  interface Work {
    void run() throws IOException;
  }

  private final double[] seconds;

  private Timing(double[] seconds) {
    this.seconds = seconds;
  }

  /** One run without a warm-up. */
  static Timing once(Work work) throws IOException {
    return new Timing(new double[] {time(work)});
  }

  /** Runs after a warm-up. */
  static Timing repeat(int times, Work work) throws IOException {
    for (double warm = 0; warm < WARM_UP_SECONDS; ) {
      warm += time(work);
    }
    double[] seconds = new double[times];
    for (int i = 0; i < times; i++) {
      seconds[i] = time(work);
    }
    return new Timing(seconds);
  }

  /** Refuses a number of repetitions that is out of range; null stands for none. */
  static void check(Integer repeat) {
    if (repeat != null && (repeat < 1 || repeat > MAX_REPEAT)) {
      throw new IllegalArgumentException(
          "--repeat must lie in [1, %d], but is %d".formatted(MAX_REPEAT, repeat));
    }
  }

  private static double time(Work work) throws IOException {
    long start = System.nanoTime();
    work.run();
    return (System.nanoTime() - start) * 1e-9;
  }

  /** The middle one of the runs. */
  double median() {
    double[] sorted = seconds.clone();
    Arrays.sort(sorted);
    int middle = sorted.length / 2;
    return sorted.length % 2 == 1 ? sorted[middle] : 0.5 * (sorted[middle - 1] + sorted[middle]);
  }

  /** The field "seconds" with the least, the median and the most. */
  void write(JsonGenerator out) throws IOException {
    out.writeObjectFieldStart("seconds");
    Json.number(out, "min", Arrays.stream(seconds).min().orElseThrow());
    Json.number(out, "median", median());
    Json.number(out, "max", Arrays.stream(seconds).max().orElseThrow());
    out.writeEndObject();
  }

  @Override
  public String toString() {
    return "%.3g s".formatted(median()) + (seconds.length > 1 ? " (median)" : "");
  }
}
