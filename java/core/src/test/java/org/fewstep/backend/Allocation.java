package org.fewstep.backend;

import java.lang.reflect.Method;
import java.util.stream.Stream;

/**
 * The heap memory that threads have allocated, for the promise of hot paths to allocate nothing.
 */
public final class Allocation {

  private Allocation() {}

  /**
   * The bytes that a call allocates in this thread and in all live threads of that name prefix: the
   * least of many rounds, so once the JIT is done.
   */
  public static double perCall(String helperPrefix, int calls, Runnable call) {
    double least = Double.POSITIVE_INFINITY;
    for (int round = 0; round < 100 && least > 0; round++) {
      long[] threads = threads(helperPrefix);
      long start = bytes(threads);
      long before = bytes(threads);
      for (int i = 0; i < calls; i++) {
        call.run();
      }
      long after = bytes(threads);
      long measuring = before - start;
      // Measuring allocates too, not always the same: what is left may be less than nothing.
      least = Math.min(least, Math.max(0, after - before - measuring) / (double) calls);
    }
    return least;
  }

  private static long[] threads(String helperPrefix) {
    return Stream.concat(
            Stream.of(Thread.currentThread()),
            Thread.getAllStackTraces().keySet().stream()
                .filter(thread -> thread.getName().startsWith(helperPrefix)))
        .mapToLong(Thread::threadId)
        .toArray();
  }

  /** By reflection: the module under test does not read java.management. */
  private static long bytes(long[] threads) {
    try {
      Object bean =
          Class.forName("java.lang.management.ManagementFactory")
              .getMethod("getThreadMXBean")
              .invoke(null);
      Method allocated =
          Class.forName("com.sun.management.ThreadMXBean")
              .getMethod("getThreadAllocatedBytes", long.class);
      long sum = 0;
      for (long id : threads) {
        sum += Math.max(0, (long) allocated.invoke(bean, id));
      }
      return sum;
    } catch (ReflectiveOperationException e) {
      throw new AssertionError(e);
    }
  }
}
