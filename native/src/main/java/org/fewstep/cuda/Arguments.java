package org.fewstep.cuda;

import java.util.List;
import org.fewstep.backend.Batch;
import org.fewstep.backend.Precision;
import org.fewstep.cuda.binding.FewstepCuda;

/** Batches and precisions as the C interface takes them. */
final class Arguments {

  private Arguments() {}

  static int code(Precision precision) {
    return precision == Precision.FLOAT32 ? FewstepCuda.FS_FLOAT32 : FewstepCuda.FS_FLOAT64;
  }

  /** The precision of a batch. */
  static int code(Batch batch) {
    return code(batch.precision());
  }

  /** The device address of a batch, or 0 for none. */
  static long address(Batch batch) {
    return batch == null ? 0 : batch.memory().address();
  }

  static long[] addresses(List<Batch> batches) {
    long[] addresses = new long[batches.size()];
    for (int i = 0; i < addresses.length; i++) {
      addresses[i] = address(batches.get(i));
    }
    return addresses;
  }
}
