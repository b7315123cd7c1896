package org.fewstep.backend;

import java.util.concurrent.Executor;

/**
 * How a backend is opened.
 *
 * @param threads the number of threads that CPU backends split rows over, >= 1
 * @param executor runs the shares of the work beyond the calling thread's own, or null for a pool
 *     of daemon threads that the backend owns
 */
public record BackendOptions(int threads, Executor executor) {

  /** The largest number of threads that can be asked for. */
  public static final int MAX_THREADS = 4096;

  /** Checks the number of threads. */
  public BackendOptions {
    if (threads < 1 || threads > MAX_THREADS) {
      throw new IllegalArgumentException(
          "threads must lie in [1, %d], but is %d".formatted(MAX_THREADS, threads));
    }
  }

  /** One thread per available processor, in a pool that the backend owns. */
  public static BackendOptions defaults() {
    return new BackendOptions(
        Math.min(MAX_THREADS, Runtime.getRuntime().availableProcessors()), null);
  }

  /** These with another number of threads. */
  public BackendOptions withThreads(int count) {
    return new BackendOptions(count, executor);
  }

  /** These with the caller's own executor. */
  public BackendOptions withExecutor(Executor caller) {
    return new BackendOptions(threads, caller);
  }
}
