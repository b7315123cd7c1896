package org.fewstep.distill;

import org.fewstep.backend.Precision;
import org.fewstep.training.TrainingOptions;

/**
 * How a flow is distilled.
 *
 * @param student the network of each segment
 * @param training of each segment; the seed there is the seed of everything
 * @param fineTuning of all segments together, end to end, after each was trained alone; null for
 *     none
 * @param trajectories the exact trajectories to learn from, >= 2
 * @param heldOut the exact trajectories to judge by, >= 2
 * @param precision the precision to train in
 */
public record DistillationOptions(
    Student student,
    TrainingOptions training,
    TrainingOptions fineTuning,
    int trajectories,
    int heldOut,
    Precision precision) {

  /** A quarter as many leave a fifth more error: the students learn them by heart. */
  private static final int TRAJECTORIES = 48_000;

  private static final int HELD_OUT = 4_000;

  /** Checks the ranges. */
  public DistillationOptions {
    if (student == null || training == null || precision == null) {
      throw new IllegalArgumentException("student, training and precision must be given");
    }
    if (trajectories < 2 || heldOut < 2) {
      throw new IllegalArgumentException(
          "trajectories and heldOut must be at least 2, but are %d and %d"
              .formatted(trajectories, heldOut));
    }
  }

  /**
   * Students {@linkplain Student#ofDimension of the width that suits} states of d coordinates, 4000
   * steps of 256 rows each, no fine-tuning, 48,000 trajectories and 4,000 held out, float32.
   */
  public DistillationOptions(int dimension) {
    this(
        Student.ofDimension(dimension),
        new TrainingOptions(),
        null,
        TRAJECTORIES,
        HELD_OUT,
        Precision.FLOAT32);
  }

  /** This with students of another width. */
  public DistillationOptions withWidth(int width) {
    return new DistillationOptions(
        new Student(width), training, fineTuning, trajectories, heldOut, precision);
  }

  /** This with another training of each segment. */
  public DistillationOptions withTraining(TrainingOptions options) {
    return new DistillationOptions(student, options, fineTuning, trajectories, heldOut, precision);
  }

  /** This with a training end to end after that of the segments, or null for none. */
  public DistillationOptions withFineTuning(TrainingOptions options) {
    return new DistillationOptions(student, training, options, trajectories, heldOut, precision);
  }

  /** This with other numbers of trajectories to learn from and to judge by. */
  public DistillationOptions withTrajectories(int learned, int judged) {
    return new DistillationOptions(student, training, fineTuning, learned, judged, precision);
  }

  /** This with another seed. */
  public DistillationOptions withSeed(long seed) {
    return withTraining(training.withSeed(seed));
  }

  /** This with another precision. */
  public DistillationOptions withPrecision(Precision other) {
    return new DistillationOptions(student, training, fineTuning, trajectories, heldOut, other);
  }
}
