package org.fewstep.cli;

import org.fewstep.backend.Precision;

/** Refuses work that would not fit into memory before any of it is taken. */
final class Memory {

  private static final double GIBI = 1L << 30;

  private Memory() {}

  /** Refuses so many batches of a shape if they are more than the JVM may take. */
  static void requireBatches(long rows, int columns, Precision precision, long batches) {
    double needed = (double) rows * columns * precision.bytes() * batches;
    // The JVM limits memory outside its heap to the size of the heap, unless told otherwise.
    double limit = Runtime.getRuntime().maxMemory();
    if (needed > limit) {
      throw new IllegalArgumentException(
          "%d rows of %d columns need %.3g GiB in %d batches, but the JVM may take %.3g GiB;"
                  .formatted(rows, columns, needed / GIBI, batches, limit / GIBI)
              + " ask for fewer rows");
    }
  }
}
