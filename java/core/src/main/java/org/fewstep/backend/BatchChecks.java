package org.fewstep.backend;

/** Refusals of batches that do not fit a call; every backend checks by these, before any work. */
public final class BatchChecks {

  private BatchChecks() {}

  /** Refuses a batch that is null, closed, or not rows by columns. */
  public static void requireShape(String argument, Batch batch, long rows, int columns) {
    if (batch == null) {
      throw new IllegalArgumentException(argument + " must be a batch, but is null");
    }
    if (batch.isClosed()) {
      throw new IllegalStateException(argument + " is closed: " + batch);
    }
    if (batch.rows() != rows || batch.columns() != columns) {
      throw new IllegalArgumentException(
          "%s must be %d x %d, but is %d x %d"
              .formatted(argument, rows, columns, batch.rows(), batch.columns()));
    }
  }

  /** Refuses a batch, unless null, that has not x's rows, precision and space and these columns. */
  public static void requireLike(String argument, Batch batch, Batch x, int columns) {
    if (batch == null) {
      return;
    }
    requireShape(argument, batch, x.rows(), columns);
    requirePrecision(argument, batch, x.precision());
    requireSpace(argument, batch, x.space());
  }

  /** Refuses a batch of another precision. */
  public static void requirePrecision(String argument, Batch batch, Precision precision) {
    if (batch.precision() != precision) {
      throw new IllegalArgumentException(
          "%s must be of precision %s, but is of %s"
              .formatted(argument, precision, batch.precision()));
    }
  }

  /** Refuses a batch in another memory space. */
  public static void requireSpace(String argument, Batch batch, String space) {
    if (!batch.space().equals(space)) {
      throw new IllegalArgumentException(
          "%s must be in the memory space %s, but is in %s; copy it with Batch.copyFrom"
              .formatted(argument, space, batch.space()));
    }
  }
}
