package org.fewstep.training;

/**
 * How a network is trained.
 *
 * @param steps the number of steps, >= 1
 * @param batch the rows of a mini-batch, drawn with replacement, >= 1
 * @param optimiser Adam or AdamW
 * @param schedule the learning rate
 * @param seed of the initial parameters and of the mini-batches
 * @param checkEvery the steps between two checks, >= 1: progress, validation, checkpoint, and
 *     whether the numbers are still finite
 * @param patience training stops early after so many checks in a row without a better validation
 *     error, and keeps the best parameters; 0 never stops early and keeps the last
 */
public record TrainingOptions(
    int steps,
    int batch,
    Adam optimiser,
    Schedule schedule,
    long seed,
    int checkEvery,
    int patience) {

  private static final double PEAK_RATE = 4e-3;

  /** Checks the ranges. */
  public TrainingOptions {
    requireAtLeast("steps", 1, steps);
    requireAtLeast("batch", 1, batch);
    requireAtLeast("checkEvery", 1, checkEvery);
    requireAtLeast("patience", 0, patience);
    if (optimiser == null || schedule == null) {
      throw new IllegalArgumentException("optimiser and schedule must be given, but one is null");
    }
  }

  /** 4000 steps of 256 rows of Adam, the rate falling from 4e-3 along a cosine, seed 0. */
  public TrainingOptions() {
    this(4000, 256, new Adam(), Schedule.cosine(PEAK_RATE), 0, 500, 0);
  }

  private static void requireAtLeast(String argument, int least, int value) {
    if (value < least) {
      throw new IllegalArgumentException(
          "%s must be at least %d, but is %d".formatted(argument, least, value));
    }
  }

  /** This with another number of steps. */
  public TrainingOptions withSteps(int count) {
    return new TrainingOptions(count, batch, optimiser, schedule, seed, checkEvery, patience);
  }

  /** This with mini-batches of another size. */
  public TrainingOptions withBatch(int rows) {
    return new TrainingOptions(steps, rows, optimiser, schedule, seed, checkEvery, patience);
  }

  /** This with another optimiser. */
  public TrainingOptions withOptimiser(Adam adam) {
    return new TrainingOptions(steps, batch, adam, schedule, seed, checkEvery, patience);
  }

  /** This with another learning rate. */
  public TrainingOptions withSchedule(Schedule rates) {
    return new TrainingOptions(steps, batch, optimiser, rates, seed, checkEvery, patience);
  }

  /** This with another seed. */
  public TrainingOptions withSeed(long value) {
    return new TrainingOptions(steps, batch, optimiser, schedule, value, checkEvery, patience);
  }

  /** This with checks every so many steps. */
  public TrainingOptions withCheckEvery(int count) {
    return new TrainingOptions(steps, batch, optimiser, schedule, seed, count, patience);
  }

  /** This with early stopping after so many checks without a better validation error. */
  public TrainingOptions withPatience(int checks) {
    return new TrainingOptions(steps, batch, optimiser, schedule, seed, checkEvery, checks);
  }
}
