package org.fewstep.backend.scalar;

import org.fewstep.backend.Batch;
import org.fewstep.backend.Philox;
import org.fewstep.backend.Precision;
import org.fewstep.backend.WorkerPool;

/** Random numbers from the Philox stream; its "rows" are the elements of the batch. */
final class RandomCall implements WorkerPool.Task {

  /** The largest float below 1: what a uniform that rounds to 1 becomes. */
  private static final float BELOW_ONE = Math.nextDown(1f);

  private final Scratch[] scratches;
  private Batch out;
  private long seed;
  private long start;
  private boolean normal;

  RandomCall(Scratch[] scratches) {
    this.scratches = scratches;
  }

  void prepare(Batch out, long seed, long start, boolean normal) {
    this.out = out;
    this.seed = seed;
    this.start = start;
    this.normal = normal;
  }

  /** Lets go of the arguments. */
  void clear() {
    out = null;
  }

  @Override
  public void run(int worker, long first, long end) {
    int count = (int) (end - first);
    double[] numbers = scratches[worker].values(count);
    if (normal) {
      Philox.normal(seed, start + first, numbers, 0, count);
    } else {
      Philox.uniform(seed, start + first, numbers, 0, count);
    }
    boolean clamp = !normal && out.precision() == Precision.FLOAT32;
    for (int i = 0; i < count; i++) {
      Elements.set(out, first + i, clamp ? Math.min(numbers[i], BELOW_ONE) : numbers[i]);
    }
  }
}
