package org.fewstep.distill;

import java.io.IOException;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.Callable;
import java.util.concurrent.CancellationException;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;

/** Trainings side by side: each is too small to be split over threads itself. */
final class Concurrently {

  private Concurrently() {}

  /**
   * Runs tasks on so many threads and returns their results in order.
   *
   * @param onFailure run once a task has failed, to make those that still run end soon
   * @throws IOException if a task does
   * @throws CancellationException if this thread is interrupted
   */
  static <T> List<T> run(int threads, List<Callable<T>> tasks, Runnable onFailure)
      throws IOException {
    try (ExecutorService executor = Executors.newFixedThreadPool(Math.max(1, threads))) {
      List<Future<T>> pending = new ArrayList<>();
      tasks.forEach(task -> pending.add(executor.submit(task)));
      try {
        List<T> results = new ArrayList<>();
        for (Future<T> future : pending) {
          results.add(future.get());
        }
        return results;
      } catch (ExecutionException e) {
        end(executor, onFailure);
        switch (e.getCause()) {
          case IOException cause -> throw cause;
          case RuntimeException cause -> throw cause;
          case Error cause -> throw cause;
          default -> throw new IllegalStateException(e.getCause());
        }
      } catch (InterruptedException e) {
        end(executor, onFailure);
        Thread.currentThread().interrupt();
        throw new CancellationException("interrupted while trainings ran");
      }
    }
  }

  private static void end(ExecutorService executor, Runnable onFailure) {
    onFailure.run();
    executor.shutdownNow();
  }
}
