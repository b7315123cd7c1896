package org.fewstep.backend;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.ArrayBlockingQueue;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.Executor;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.RejectedExecutionException;
import java.util.concurrent.ThreadPoolExecutor;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicIntegerArray;
import java.util.concurrent.atomic.AtomicReference;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

@Timeout(value = 30, threadMode = Timeout.ThreadMode.SEPARATE_THREAD)
class WorkerPoolTest {

  private static WorkerPool pool(int threads) {
    return pool(threads, null);
  }

  private static WorkerPool pool(int threads, Executor executor) {
    return new WorkerPool("test", new BackendOptions(threads, executor));
  }

  @ParameterizedTest
  @CsvSource({
    "1, 0, 1",
    "1, 10, 3",
    "2, 0, 4",
    "2, 1, 4",
    "2, 4, 4",
    "2, 5, 4",
    "3, 1000, 1",
    "3, 1000, 7",
    "7, 6, 1",
    "7, 1000, 16",
    "64, 100, 3"
  })
  void everyRowIsDoneOnceInWholeChunks(int threads, int rows, int grain) {
    try (WorkerPool pool = pool(threads)) {
      for (int repeat = 0; repeat < 50; repeat++) {
        AtomicIntegerArray done = new AtomicIntegerArray(rows);
        pool.run(
            rows,
            grain,
            (worker, first, end) -> {
              assertThat(worker).isBetween(0, threads - 1);
              assertThat(first % grain).isZero();
              assertThat(end).isEqualTo(Math.min(rows, first + grain));
              for (int row = (int) first; row < end; row++) {
                done.incrementAndGet(row);
              }
            });
        for (int row = 0; row < rows; row++) {
          assertThat(done.get(row)).isOne();
        }
      }
    }
  }

  @Test
  void oneChunkRunsInTheCallingThread() {
    try (WorkerPool pool = pool(4)) {
      AtomicReference<Thread> ranIn = new AtomicReference<>();
      pool.run(64, 64, (worker, first, end) -> ranIn.set(Thread.currentThread()));
      assertThat(ranIn).hasValue(Thread.currentThread());
    }
  }

  @ParameterizedTest
  @ValueSource(booleans = {true, false})
  void allThreadsWorkAtOnce(boolean own) {
    int threads = 4;
    ExecutorService executor = own ? null : Executors.newCachedThreadPool();
    try (WorkerPool pool = pool(threads, executor)) {
      for (int repeat = 0; repeat < 20; repeat++) {
        CountDownLatch together = new CountDownLatch(threads);
        pool.run(threads, 1, (worker, first, end) -> meet(together));
      }
    } finally {
      if (executor != null) {
        executor.shutdownNow();
      }
    }
  }

  /** Waits until as many threads as the latch counts are here, which takes that many at once. */
  private static void meet(CountDownLatch together) {
    together.countDown();
    try {
      if (!together.await(20, TimeUnit.SECONDS)) {
        throw new AssertionError("the other threads did not come");
      }
    } catch (InterruptedException e) {
      throw new AssertionError(e);
    }
  }

  @ParameterizedTest
  @CsvSource({"1, 3, true", "2, 5, true", "3, 8, true", "3, 8, false"})
  void aWorkerIsHeldByOneThreadAtATime(int threads, int users, boolean own) throws Exception {
    ExecutorService executor = own ? null : Executors.newFixedThreadPool(2);
    AtomicInteger[] holders = new AtomicInteger[threads];
    for (int i = 0; i < threads; i++) {
      holders[i] = new AtomicInteger();
    }
    try (WorkerPool pool = pool(threads, executor);
        ExecutorService callers = Executors.newFixedThreadPool(users)) {
      List<Future<?>> calls = new ArrayList<>();
      for (int user = 0; user < users; user++) {
        int rows = 1 + user * 5;
        calls.add(
            callers.submit(
                () -> {
                  for (int repeat = 0; repeat < 500; repeat++) {
                    AtomicInteger done = new AtomicInteger();
                    pool.run(
                        rows,
                        2,
                        (worker, first, end) -> {
                          assertThat(holders[worker].incrementAndGet()).isOne();
                          done.addAndGet((int) (end - first));
                          Thread.onSpinWait();
                          assertThat(holders[worker].decrementAndGet()).isZero();
                        });
                    assertThat(done).hasValue(rows);
                  }
                }));
      }
      for (Future<?> call : calls) {
        call.get();
      }
    } finally {
      if (executor != null) {
        executor.shutdownNow();
      }
    }
  }

  @Test
  void aTasksExceptionSurfacesAndThePoolGoesOn() {
    try (WorkerPool pool = pool(3)) {
      for (int bad = 0; bad < 20; bad++) {
        int badRow = bad;
        RuntimeException thrown = new IllegalArgumentException("row " + bad);
        assertThatThrownBy(
                () ->
                    pool.run(
                        20,
                        1,
                        (worker, first, end) -> {
                          if (first == badRow) {
                            throw thrown;
                          }
                        }))
            .isSameAs(thrown);
        AtomicInteger done = new AtomicInteger();
        pool.run(20, 1, (worker, first, end) -> done.incrementAndGet());
        assertThat(done).hasValue(20);
      }
    }
  }

  @Test
  void anErrorInAHelperSurfacesInTheCaller() {
    try (WorkerPool pool = pool(2)) {
      Thread caller = Thread.currentThread();
      CountDownLatch together = new CountDownLatch(2);
      assertThatThrownBy(
              () ->
                  pool.run(
                      2,
                      1,
                      (worker, first, end) -> {
                        meet(together);
                        if (Thread.currentThread() != caller) {
                          throw new StackOverflowError("in the helper");
                        }
                      }))
          .isInstanceOf(StackOverflowError.class)
          .hasMessage("in the helper");
    }
  }

  @Test
  void theCallerMayRunOnItsOwnSingleThreadedExecutor() throws Exception {
    try (ExecutorService executor = Executors.newSingleThreadExecutor();
        WorkerPool pool = pool(4, executor)) {
      Future<Integer> call =
          executor.submit(
              () -> {
                AtomicInteger done = new AtomicInteger();
                for (int repeat = 0; repeat < 100; repeat++) {
                  pool.run(10, 1, (worker, first, end) -> done.incrementAndGet());
                }
                return done.get();
              });
      assertThat(call.get()).isEqualTo(1000);
    }
  }

  @Test
  void aBusyExecutorsQueueDoesNotGrow() {
    ThreadPoolExecutor executor =
        new ThreadPoolExecutor(1, 1, 1, TimeUnit.SECONDS, new ArrayBlockingQueue<>(1000));
    CountDownLatch busy = new CountDownLatch(1);
    executor.execute(
        () -> {
          try {
            busy.await();
          } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
          }
        });
    try (WorkerPool pool = pool(4, executor)) {
      AtomicInteger done = new AtomicInteger();
      for (int repeat = 0; repeat < 100; repeat++) {
        pool.run(10, 1, (worker, first, end) -> done.incrementAndGet());
      }
      assertThat(done).hasValue(1000);
      assertThat(executor.getQueue().size()).isLessThanOrEqualTo(4);
    } finally {
      busy.countDown();
      executor.shutdownNow();
    }
  }

  @Test
  void anExecutorThatRunsInTheCallerOrRefusesIsNoObstacle() {
    Executor refusing =
        command -> {
          throw new RejectedExecutionException("full");
        };
    Executor dropping = command -> {};
    for (Executor executor : List.of(Runnable::run, refusing, dropping)) {
      try (WorkerPool pool = pool(5, executor)) {
        AtomicInteger done = new AtomicInteger();
        for (int repeat = 0; repeat < 10; repeat++) {
          pool.run(100, 3, (worker, first, end) -> done.addAndGet((int) (end - first)));
        }
        assertThat(done).hasValue(1000);
      }
    }
  }

  @Test
  void anInterruptedCallerFinishesAndStaysInterrupted() {
    try (WorkerPool pool = pool(2)) {
      AtomicInteger done = new AtomicInteger();
      Thread.currentThread().interrupt();
      pool.run(
          8,
          1,
          (worker, first, end) -> {
            long until = System.nanoTime() + 2_000_000;
            while (System.nanoTime() < until) {
              Thread.onSpinWait();
            }
            done.incrementAndGet();
          });
      assertThat(done).hasValue(8);
      assertThat(Thread.interrupted()).isTrue();
    }
  }

  @Test
  void aSecondCallerIsServedWhileALongCallRuns() throws Exception {
    try (WorkerPool pool = pool(2)) {
      CountDownLatch bothBusy = new CountDownLatch(2);
      AtomicInteger left = new AtomicInteger(400);
      CompletableFuture<Void> longCall =
          CompletableFuture.runAsync(
              () ->
                  pool.run(
                      400,
                      1,
                      (worker, first, end) -> {
                        bothBusy.countDown();
                        pause();
                        left.decrementAndGet();
                      }));
      bothBusy.await();
      pool.run(1, 1, (worker, first, end) -> {});
      assertThat(left.get()).isPositive();
      longCall.get();
      assertThat(left).hasValue(0);
    }
  }

  private static void pause() {
    try {
      Thread.sleep(2);
    } catch (InterruptedException e) {
      throw new AssertionError(e);
    }
  }

  @Test
  void closingWaitsForCallsAndEndsTheThreads() throws Exception {
    WorkerPool pool = pool(3);
    CountDownLatch begun = new CountDownLatch(1);
    AtomicInteger done = new AtomicInteger();
    CompletableFuture<Void> call =
        CompletableFuture.runAsync(
            () ->
                pool.run(
                    20,
                    1,
                    (worker, first, end) -> {
                      begun.countDown();
                      pause();
                      done.incrementAndGet();
                    }));
    begun.await();
    pool.close();
    assertThat(done).hasValue(20);
    call.get();
    pool.close();
    assertThatThrownBy(() -> pool.run(1, 1, (worker, first, end) -> {}))
        .isInstanceOf(IllegalStateException.class)
        .hasMessage("the backend 'test' is closed");
    for (Thread thread : Thread.getAllStackTraces().keySet()) {
      if (thread.getName().startsWith("fewstep-test-")) {
        assertThat(thread.isDaemon()).isTrue();
        thread.join(10_000);
        assertThat(thread.isAlive()).isFalse();
      }
    }
  }

  @Test
  void badArgumentsAreRefused() {
    try (WorkerPool pool = pool(2)) {
      assertThatThrownBy(() -> pool.run(-1, 1, (worker, first, end) -> {}))
          .isInstanceOf(IllegalArgumentException.class)
          .hasMessageContaining("rows must be >= 0");
      assertThatThrownBy(() -> pool.run(1, 0, (worker, first, end) -> {}))
          .isInstanceOf(IllegalArgumentException.class)
          .hasMessageContaining("grain >= 1");
      // neither refusal has kept a worker
      pool.run(2, 1, (worker, first, end) -> {});
    }
  }

  @Test
  void nothingIsAllocatedPerCall() {
    try (WorkerPool pool = pool(3)) {
      WorkerPool.Task task = (worker, first, end) -> Thread.onSpinWait();
      // What measuring itself allocates is spread over the calls.
      assertThat(Allocation.perCall("fewstep-test-", 20_000, () -> pool.run(16, 1, task)))
          .isLessThan(3);
    }
  }
}
