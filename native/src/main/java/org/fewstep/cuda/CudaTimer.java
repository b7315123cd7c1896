package org.fewstep.cuda;

import org.fewstep.cuda.binding.FewstepCuda;

/**
 * Measures on the device itself how long it takes for what is enqueued between {@link #start} and
 * {@link #stop}, the gaps between kernels included. Neither of the two waits.
 *
 * <pre>{@code
 * try (CudaTimer timer = backend.timer()) {
 *   timer.start();
 *   backend.mixture(mixture, x, outputs);
 *   timer.stop();
 *   double seconds = timer.seconds();
 * }
 * }</pre>
 *
 * <p>For one thread at a time. Closing the backend closes its timers.
 */
public final class CudaTimer implements AutoCloseable {

  private final CudaContext context;
  private final long start;
  private final long end;
  private boolean started;
  private boolean stopped;

  CudaTimer(CudaContext context) {
    this.context = context;
    this.start = context.createEvent();
    try {
      this.end = context.createEvent();
    } catch (RuntimeException e) {
      context.destroyEvent(start);
      throw e;
    }
  }

  /** Begins, when the device gets here. */
  public void start() {
    record(start);
    started = true;
    stopped = false;
  }

  /**
   * Ends, when the device gets here.
   *
   * @throws IllegalStateException if nothing was started
   */
  public void stop() {
    if (!started) {
      throw new IllegalStateException("the timer was not started");
    }
    record(end);
    stopped = true;
  }

  /**
   * Waits until the device has ended, and returns the seconds since it began, to about half a
   * microsecond.
   *
   * @throws IllegalStateException if the timer was not started and stopped
   */
  public double seconds() {
    if (!stopped) {
      throw new IllegalStateException("the timer was not stopped");
    }
    float[] milliseconds = new float[1];
    context.run(
        "fs_event_elapsed",
        handle -> FewstepCuda.fs_event_elapsed(handle, start, end, milliseconds));
    return 1e-3 * milliseconds[0];
  }

  private void record(long event) {
    context.run("fs_event_record", handle -> FewstepCuda.fs_event_record(handle, event));
  }

  /** Gives the clock back. Harmless when repeated. */
  @Override
  public void close() {
    started = false;
    stopped = false;
    context.destroyEvent(start);
    context.destroyEvent(end);
  }
}
