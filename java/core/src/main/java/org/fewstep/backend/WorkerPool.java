package org.fewstep.backend;

import java.util.concurrent.Executor;
import java.util.concurrent.RejectedExecutionException;
import java.util.concurrent.Semaphore;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicIntegerArray;
import java.util.concurrent.atomic.AtomicLong;
import java.util.concurrent.atomic.AtomicReference;
import java.util.concurrent.locks.LockSupport;

/**
 * Splits the rows of a call over the threads of a CPU backend.
 *
 * <p>A pool has {@link #threads()} workers, numbered from 0. A worker's number is held by one
 * thread at a time, whatever the number of user threads that call at once, so scratch memory can be
 * kept per worker. A call holds one worker itself; idle threads of the pool (daemons, started at
 * the first call that has work for them), or the caller's own {@link Executor}, take up others and
 * help. Nobody waits for help that has not begun: with an executor that is busy, or that the caller
 * itself runs on, the caller does the rows alone.
 *
 * <p>Nothing is allocated per call (an executor may). To keep it so in a backend, the task must be
 * an object that is used again: {@link #acquire} a worker, fill in the call object that is kept for
 * it, {@link #run(int, long, long, Task)}, and {@link #release} it.
 *
 * <p>A task must not call the pool that runs it.
 */
public final class WorkerPool implements AutoCloseable {

  /** Work on some rows. */
  @FunctionalInterface
  public interface Task {

    /**
     * Works on rows {@code first <= row < end}; at most one grain of them.
     *
     * @param worker in [0, threads): the number that the calling thread holds meanwhile
     */
    void run(int worker, long first, long end);
  }

  /** How often a thread looks again before it sleeps: some 10 us, less than it takes to wake it. */
  private static final int SPINS = 256;

  /** How many helpers a thread wakes; each of them wakes as many again while there is work. */
  private static final int FAN_OUT = 4;

  private final String name;
  private final int threads;
  private final Executor executor;
  private final AtomicBoolean closed = new AtomicBoolean();

  /** One permit per free worker; the stack below says which they are. */
  private final Semaphore permits;

  /**
   * The free workers: the top one + 1 in the low half (0: none), a change count in the high one.
   */
  private final AtomicLong freeWorkers = new AtomicLong();

  private final AtomicIntegerArray nextFree;

  /** The call of each worker, open while other threads may help with it. */
  private final Job[] jobs;

  private final AtomicInteger openJobs = new AtomicInteger();

  /** The pool's own threads, null until needed or with an executor. */
  private volatile Helper[] helpers;

  /** The helpers handed to the executor and not yet through. */
  private final AtomicInteger submitted = new AtomicInteger();

  private final Runnable submittedHelper = this::helpFromExecutor;

  /**
   * A pool; starts no thread yet.
   *
   * @param name the backend's name, for the names of the threads and for messages
   * @param options the number of threads, and the executor if there is one
   */
  public WorkerPool(String name, BackendOptions options) {
    this.name = name;
    this.threads = options.threads();
    this.executor = options.executor();
    this.permits = new Semaphore(threads);
    this.nextFree = new AtomicIntegerArray(threads);
    this.jobs = new Job[threads];
    for (int worker = threads - 1; worker >= 0; worker--) {
      jobs[worker] = new Job();
      push(worker);
    }
  }

  /** The number of workers: of threads that may work at once, callers included. */
  public int threads() {
    return threads;
  }

  /**
   * Refuses to go on if the pool is closed.
   *
   * @throws IllegalStateException if it is
   */
  public void requireOpen() {
    if (closed.get()) {
      throw new IllegalStateException("the backend '%s' is closed".formatted(name));
    }
  }

  /**
   * Splits rows {@code [0, rows)} into chunks of {@code grain} rows (the last one may be shorter),
   * runs the task on every chunk, and returns when all are done. Chunks may run in any order and at
   * once; one chunk alone runs in the calling thread.
   *
   * @param rows >= 0
   * @param grain >= 1
   * @throws RuntimeException whatever the task threw first; chunks not yet begun are then left out
   * @throws IllegalStateException if the pool is closed
   */
  public void run(long rows, long grain, Task task) {
    int worker = acquire();
    try {
      run(worker, rows, grain, task);
    } finally {
      release(worker);
    }
  }

  /**
   * Takes a worker for the calling thread, waiting until one is free.
   *
   * @return its number, to be given back by {@link #release}
   * @throws IllegalStateException if the pool is closed
   */
  public int acquire() {
    requireOpen();
    permits.acquireUninterruptibly();
    if (closed.get()) {
      permits.release();
      requireOpen();
    }
    return pop();
  }

  /** Gives back a worker that {@link #acquire} gave. */
  public void release(int worker) {
    free(worker);
    if (openJobs.get() > 0) {
      wake(1);
    }
  }

  /** Like {@link #run(long, long, Task)}, in a worker that the calling thread has acquired. */
  public void run(int worker, long rows, long grain, Task task) {
    if (rows < 0 || grain < 1) {
      throw new IllegalArgumentException(
          "rows must be >= 0 and grain >= 1, but are %d and %d".formatted(rows, grain));
    }
    long chunks = rows / grain + (rows % grain == 0 ? 0 : 1);
    if (chunks <= 1 || threads == 1) {
      for (long chunk = 0; chunk < chunks; chunk++) {
        task.run(worker, chunk * grain, Math.min(rows, chunk * grain + grain));
      }
      return;
    }
    runShared(jobs[worker], worker, rows, grain, chunks, task);
  }

  private void runShared(Job job, int worker, long rows, long grain, long chunks, Task task) {
    job.open(rows, grain, chunks, task);
    openJobs.getAndIncrement();
    try {
      wake(Math.min(chunks, threads) - 1);
      job.work(worker, null);
    } finally {
      openJobs.getAndDecrement();
      job.close();
    }
    job.rethrow();
  }

  /** Waits for the calls that run, then ends the threads. Harmless when repeated. */
  @Override
  public void close() {
    if (!closed.compareAndSet(false, true)) {
      return;
    }
    permits.acquireUninterruptibly(threads);
    permits.release(threads);
    synchronized (this) {
      if (helpers != null) {
        for (Helper helper : helpers) {
          LockSupport.unpark(helper.thread);
        }
      }
    }
  }

  /**
   * Works on one call that has chunks left, if there is one and a worker is free.
   *
   * @return whether it did
   */
  private boolean help() {
    if (openJobs.get() == 0) {
      return false;
    }
    for (Job job : jobs) {
      if (job.hasChunks()) {
        // A user thread that waits for a worker comes before more help for another.
        if (permits.hasQueuedThreads() || !permits.tryAcquire()) {
          return false;
        }
        int worker = pop();
        if (!job.join()) {
          free(worker);
          continue;
        }
        if (executor == null && job.hasChunks()) {
          wake(FAN_OUT);
        }
        job.work(worker, permits);
        free(worker);
        job.leave();
        return true;
      }
    }
    return false;
  }

  private boolean helpIsWanted() {
    if (openJobs.get() == 0 || permits.hasQueuedThreads() || permits.availablePermits() == 0) {
      return false;
    }
    for (Job job : jobs) {
      if (job.hasChunks()) {
        return true;
      }
    }
    return false;
  }

  private void wake(long count) {
    if (executor == null) {
      wakeOwn((int) Math.min(count, FAN_OUT));
    } else {
      submit(count);
    }
  }

  private void wakeOwn(int count) {
    Helper[] all = helpers;
    if (all == null) {
      all = start();
    }
    for (int i = 0; i < all.length && count > 0; i++) {
      if (all[i].wake()) {
        count--;
      }
    }
  }

  private synchronized Helper[] start() {
    if (helpers == null) {
      Helper[] all = new Helper[threads - 1];
      for (int i = 0; i < all.length; i++) {
        all[i] = new Helper("fewstep-%s-%d".formatted(name, i + 1));
      }
      helpers = all;
      for (Helper helper : all) {
        helper.thread.start();
      }
    }
    return helpers;
  }

  /** Never more than threads - 1 at once, so that a busy executor's queue does not grow. */
  private void submit(long count) {
    for (long i = 0; i < count && reserveSubmission(); i++) {
      boolean accepted = false;
      try {
        executor.execute(submittedHelper);
        accepted = true;
      } catch (RejectedExecutionException e) {
        return; // a full or closed executor: the caller does the rows alone
      } finally {
        if (!accepted) {
          submitted.getAndDecrement();
        }
      }
    }
  }

  private boolean reserveSubmission() {
    if (submitted.incrementAndGet() < threads) {
      return true;
    }
    submitted.getAndDecrement();
    return false;
  }

  private void helpFromExecutor() {
    do {
      while (help()) {
        // on to the next call
      }
      submitted.getAndDecrement();
      // A call that began meanwhile may have counted on this helper.
    } while (helpIsWanted() && reserveSubmission());
  }

  private void free(int worker) {
    push(worker);
    permits.release();
  }

  private void push(int worker) {
    long top;
    do {
      top = freeWorkers.get();
      nextFree.set(worker, (int) top);
    } while (!freeWorkers.compareAndSet(top, changed(top) | (worker + 1)));
  }

  /** The worker freed last, whose scratch is warm. A permit is held, so there is one. */
  private int pop() {
    while (true) {
      long top = freeWorkers.get();
      int worker = (int) top - 1;
      if (worker >= 0 && freeWorkers.compareAndSet(top, changed(top) | nextFree.get(worker))) {
        return worker;
      }
    }
  }

  /** The change count tells a stack from an equal one of before (the ABA problem). */
  private static long changed(long top) {
    return ((top >>> Integer.SIZE) + 1) << Integer.SIZE;
  }

  /** A thread of the pool's own. */
  private final class Helper implements Runnable {

    final Thread thread;
    private final AtomicBoolean asleep = new AtomicBoolean();

    Helper(String threadName) {
      thread =
          Thread.ofPlatform()
              .daemon()
              .name(threadName)
              .inheritInheritableThreadLocals(false)
              .unstarted(this);
    }

    boolean wake() {
      if (asleep.get() && asleep.compareAndSet(true, false)) {
        LockSupport.unpark(thread);
        return true;
      }
      return false;
    }

    @Override
    public void run() {
      int idle = 0;
      while (!closed.get()) {
        if (help()) {
          idle = 0;
        } else if (idle++ < SPINS) {
          Thread.onSpinWait();
        } else {
          sleep();
          idle = 0;
        }
      }
    }

    /** Says that it sleeps before it looks a last time, so that no call goes unseen. */
    private void sleep() {
      asleep.set(true);
      if (!helpIsWanted() && !closed.get()) {
        LockSupport.park(WorkerPool.this);
      }
      asleep.set(false);
    }
  }

  /** A call whose chunks several threads claim; used again for every call of its worker. */
  private static final class Job {

    private static final int OPEN = 1 << 30;

    /** Whether helpers may join ({@link #OPEN}), plus the number of those who have. */
    private final AtomicInteger state = new AtomicInteger();

    private final AtomicLong nextChunk = new AtomicLong();
    private final AtomicReference<Throwable> failure = new AtomicReference<>();
    private long rows;
    private long grain;
    private long chunks;
    private Task task;
    private Thread caller;

    void open(long rows, long grain, long chunks, Task task) {
      this.rows = rows;
      this.grain = grain;
      this.chunks = chunks;
      this.task = task;
      caller = Thread.currentThread();
      failure.set(null);
      nextChunk.set(0);
      state.set(OPEN);
    }

    /** Whether it is worth while to join; a guess. */
    boolean hasChunks() {
      return (state.get() & OPEN) != 0 && nextChunk.get() < chunks;
    }

    boolean join() {
      int current;
      do {
        current = state.get();
        if ((current & OPEN) == 0) {
          return false;
        }
      } while (!state.compareAndSet(current, current + 1));
      return true;
    }

    void leave() {
      Thread waiting = caller; // once it has left, this job may be another call's
      if (state.decrementAndGet() == 0) {
        LockSupport.unpark(waiting);
      }
    }

    /** Claims chunks until none is left, or, between chunks, until a thread waits for a worker. */
    void work(int worker, Semaphore workers) {
      try {
        do {
          long chunk = nextChunk.getAndIncrement();
          if (chunk >= chunks) {
            return;
          }
          long first = chunk * grain;
          task.run(worker, first, first + Math.min(grain, rows - first));
        } while (workers == null || !workers.hasQueuedThreads());
      } catch (Throwable e) {
        failure.compareAndSet(null, e);
        nextChunk.set(chunks);
      }
    }

    /** Lets nobody join any more and waits for those who have. */
    void close() {
      state.getAndAdd(-OPEN);
      boolean interrupted = false;
      for (int spins = 0; state.get() != 0; spins++) {
        if (spins < SPINS) {
          Thread.onSpinWait();
        } else {
          LockSupport.park(this);
          interrupted |= Thread.interrupted();
        }
      }
      if (interrupted) {
        Thread.currentThread().interrupt();
      }
      task = null;
      caller = null;
    }

    void rethrow() {
      Throwable thrown = failure.get();
      if (thrown != null) {
        failure.set(null); // it may hold much of a user's memory
        WorkerPool.<RuntimeException>throwUnchecked(thrown);
      }
    }
  }

  /** Throws what a task threw as it is; a task can declare no checked exception. */
  @SuppressWarnings("unchecked")
  private static <E extends Throwable> void throwUnchecked(Throwable e) throws E {
    throw (E) e;
  }
}
