package org.fewstep.bench;

import com.sun.management.ThreadMXBean;
import java.lang.management.ManagementFactory;

/** Counts the bytes that a call allocates on the Java heap, on whatever thread. */
final class Allocation {

  private static final ThreadMXBean THREADS = (ThreadMXBean) ManagementFactory.getThreadMXBean();

  private Allocation() {}

  /**
   * The bytes a call, in the least of some attempts: what other threads of the JVM allocate
   * meanwhile is not the task's, and is not there every time.
   */
  static double bytesPerCall(Runnable task, int calls, int attempts) {
    double least = Double.POSITIVE_INFINITY;
    for (int attempt = 0; attempt < attempts; attempt++) {
      long before = THREADS.getTotalThreadAllocatedBytes();
      for (int i = 0; i < calls; i++) {
        task.run();
      }
      long after = THREADS.getTotalThreadAllocatedBytes();
      least = Math.min(least, (double) (after - before) / calls);
    }
    return least;
  }
}
