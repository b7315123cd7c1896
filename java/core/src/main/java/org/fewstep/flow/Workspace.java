package org.fewstep.flow;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import org.fewstep.backend.Backend;
import org.fewstep.backend.Batch;
import org.fewstep.backend.Precision;

/** The scratch batches of a run over chunks of rows: allocated once, closed together. */
final class Workspace implements AutoCloseable {

  private final Backend backend;
  private final long capacity;
  private final Precision precision;
  private final List<Batch> batches = new ArrayList<>();

  /** Batches of at most {@code capacity} rows in the precision of the states. */
  Workspace(Backend backend, long capacity, Precision precision) {
    this.backend = backend;
    this.capacity = capacity;
    this.precision = precision;
  }

  Backend backend() {
    return backend;
  }

  long capacity() {
    return capacity;
  }

  Precision precision() {
    return precision;
  }

  /** A zeroed batch of the workspace's rows and precision. */
  Batch take(int columns) {
    return take(columns, precision);
  }

  /** A zeroed batch of the workspace's rows. */
  Batch take(int columns, Precision precision) {
    Batch batch = backend.allocate(capacity, columns, precision);
    batches.add(batch);
    return batch;
  }

  /** A column of ones. */
  Batch ones() {
    Batch ones = take(1);
    double[] values = new double[(int) capacity];
    Arrays.fill(values, 1);
    ones.copyFrom(values);
    return ones;
  }

  void fillWithZero(Batch batch) {
    fill(backend, batch, 0);
  }

  /** Makes every element NaN, whatever it was. */
  static void fillWithNaN(Backend backend, Batch batch) {
    fill(backend, batch, Double.NaN);
  }

  /** A batch times zero (which is not even read) or times NaN, wherever it lies. */
  private static void fill(Backend backend, Batch batch, double factor) {
    backend.combine(batch, List.of(batch), new double[] {factor});
  }

  @Override
  public void close() {
    batches.forEach(Batch::close);
  }
}
