package org.fewstep.backend;

import java.lang.reflect.Method;
import java.util.stream.Stream;

/**
 * The heap memory that threads have allocated, for the promise of hot paths to allocate nothing.
 */
public final class Allocation {

  private Allocation() {}

  /**
   * The bytes that this thread and all live threads of that name prefix have allocated so far. Asks
   * by reflection: the module under test does not read java.management.
   */
  public static long bytes(String helperPrefix) {
    long[] ids =
        Stream.concat(
                Stream.of(Thread.currentThread()),
                Thread.getAllStackTraces().keySet().stream()
                    .filter(thread -> thread.getName().startsWith(helperPrefix)))
            .mapToLong(Thread::threadId)
            .toArray();
    try {
      Object bean =
          Class.forName("java.lang.management.ManagementFactory")
              .getMethod("getThreadMXBean")
              .invoke(null);
      Method allocated =
          Class.forName("com.sun.management.ThreadMXBean")
              .getMethod("getThreadAllocatedBytes", long.class);
      long sum = 0;
      for (long id : ids) {
        sum += Math.max(0, (long) allocated.invoke(bean, id));
      }
      return sum;
    } catch (ReflectiveOperationException e) {
      throw new AssertionError(e);
    }
  }

  /** The bytes that a call allocates: the least of many rounds, so once the JIT is done. */
  public static double perCall(String helperPrefix, int calls, Runnable call) {
    double least = Double.POSITIVE_INFINITY;
    for (int round = 0; round < 100 && least > 0; round++) {
      long start = bytes(helperPrefix);
      long before = bytes(helperPrefix);
      for (int i = 0; i < calls; i++) {
        call.run();
      }
      long after = bytes(helperPrefix);
      long measuring = before - start;
      least = Math.min(least, (after - before - measuring) / (double) calls);
    }
    return least;
  }
}
