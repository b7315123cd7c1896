package org.fewstep.bench;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;

/**
 * Contenders that take turns in one process, so that a slow minute of a shared machine hits all of
 * them: their ratios hold still where their times do not.
 */
final class Contest {

  private Contest() {}

  /**
   * How long to measure.
   *
   * @param rounds the turns that everyone has
   * @param warmUp the seconds that everyone runs before the first turn
   * @param turn the seconds that a turn should take; a task that takes longer is done once a turn
   */
  record Pace(int rounds, double warmUp, double turn) {

    /** Ten rounds of a fifth of a second. */
    static final Pace FULL = new Pace(10, 1.5, 0.2);

    /** Once, for tests: the figures mean nothing. */
    static final Pace ONCE = new Pace(1, 0, 0);

    Pace withRounds(int count) {
      return new Pace(count, warmUp, turn);
    }
  }

  /**
   * The seconds a call of one contender, turn by turn.
   *
   * @param name the contender
   * @param seconds one entry per round
   */
  record Timing(String name, double[] seconds) {

    /** The least seconds a call. */
    double best() {
      return Arrays.stream(seconds).min().orElseThrow();
    }

    /** The median seconds a call. */
    double median() {
      return median(seconds);
    }

    /** How many times as long this one takes as the other, best turn against best turn. */
    double timesAsLongAs(Timing other) {
      return best() / other.best();
    }

    /** The same as the median of the ratios of turns in one round. */
    double medianTimesAsLongAs(Timing other) {
      return median(ratios(other));
    }

    private double[] ratios(Timing other) {
      double[] ratios = new double[seconds.length];
      for (int i = 0; i < ratios.length; i++) {
        ratios[i] = seconds[i] / other.seconds[i];
      }
      return ratios;
    }

    private static double median(double[] values) {
      double[] sorted = values.clone();
      Arrays.sort(sorted);
      int half = sorted.length / 2;
      return sorted.length % 2 == 1 ? sorted[half] : (sorted[half - 1] + sorted[half]) / 2;
    }
  }

  /** Lets everyone warm up, then take turns. The order turns too: nobody is always second. */
  static List<Timing> run(List<? extends Contender> contenders, Pace pace) {
    int[] calls = new int[contenders.size()];
    for (int i = 0; i < calls.length; i++) {
      calls[i] = warmUp(contenders.get(i), pace);
    }
    double[][] seconds = new double[contenders.size()][pace.rounds];
    for (int round = 0; round < pace.rounds; round++) {
      for (int turn = 0; turn < calls.length; turn++) {
        int i = (turn + round) % calls.length;
        seconds[i][round] = contenders.get(i).seconds(calls[i]) / calls[i];
      }
    }
    List<Timing> timings = new ArrayList<>();
    for (int i = 0; i < calls.length; i++) {
      timings.add(new Timing(contenders.get(i).name(), seconds[i]));
    }
    return timings;
  }

  /** Returns the calls that fill a turn. */
  private static int warmUp(Contender contender, Pace pace) {
    double spent = contender.seconds(1);
    double call = spent;
    while (spent < pace.warmUp) {
      // in growing groups, so that the last one is long enough to be trusted
      int group = (int) Math.clamp(0.25 * pace.warmUp / call, 1, 1 << 20);
      double seconds = contender.seconds(group);
      spent += seconds;
      call = Math.max(seconds / group, 1e-9);
    }
    return (int) Math.clamp(pace.turn / call, 1, 1 << 24);
  }
}
