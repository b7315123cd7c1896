package org.fewstep.backend.scalar;

import java.lang.foreign.MemorySegment;
import org.fewstep.backend.Batch;
import org.fewstep.backend.Philox;
import org.fewstep.backend.WorkerPool;

/** Rows of a batch drawn with replacement. */
final class DrawCall implements WorkerPool.Task {

  private final Scratch[] scratches;
  private Batch out;
  private Batch source;
  private long seed;
  private long start;

  DrawCall(Scratch[] scratches) {
    this.scratches = scratches;
  }

  void prepare(Batch out, Batch source, long seed, long start) {
    this.out = out;
    this.source = source;
    this.seed = seed;
    this.start = start;
  }

  /** Lets go of the arguments. */
  void clear() {
    prepare(null, null, 0, 0);
  }

  @Override
  public void run(int worker, long first, long end) {
    int count = (int) (end - first);
    double[] uniforms = scratches[worker].values(count);
    Philox.uniform(seed, start + first, uniforms, 0, count);
    long bytes = (long) out.columns() * out.precision().bytes();
    for (int i = 0; i < count; i++) {
      long row = (long) (uniforms[i] * source.rows());
      MemorySegment.copy(source.memory(), row * bytes, out.memory(), (first + i) * bytes, bytes);
    }
  }
}
