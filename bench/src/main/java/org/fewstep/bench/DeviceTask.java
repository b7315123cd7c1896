package org.fewstep.bench;

import java.util.List;
import org.fewstep.backend.Batch;
import org.fewstep.cuda.CudaTimer;

/**
 * A task that is timed by events of the device.
 *
 * @param name what it is, with its sizes
 * @param call one call
 * @param work what a call cannot do without
 * @param amount of what is counted, in a call
 * @param unit of the rate that follows
 * @param asked what is asked of the rate on an H200; 0 for nothing
 * @param note what the figure is of, or ""
 * @param timer of the backend that runs the call
 * @param batches closed with this
 */
record DeviceTask(
    String name,
    Runnable call,
    DeviceWork work,
    double amount,
    String unit,
    double asked,
    String note,
    CudaTimer timer,
    List<Batch> batches)
    implements Contender {

  @Override
  public double seconds(int calls) {
    timer.start();
    for (int i = 0; i < calls; i++) {
      call.run();
    }
    timer.stop();
    return timer.seconds();
  }

  @Override
  public void close() {
    batches.forEach(Batch::close);
  }
}
