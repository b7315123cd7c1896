package org.fewstep.cuda;

import java.lang.System.Logger;
import java.lang.System.Logger.Level;
import java.lang.foreign.MemorySegment;
import java.util.HashMap;
import java.util.HashSet;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.locks.ReentrantLock;
import org.fewstep.backend.Precision;
import org.fewstep.cuda.binding.FewstepCuda;
import org.fewstep.cuda.binding.fs_context;

/**
 * A device, a stream, and the device memory that was allocated through it.
 *
 * <p>The C interface allows one thread at a time: every call goes through {@link #run}. Enqueueing
 * takes microseconds, so threads hardly wait for one another.
 */
final class CudaContext implements AutoCloseable {

  /** Set to true, every allocation keeps its stack, and a close tells those that were not freed. */
  static final String DEBUG = "fewstep.cuda.debug";

  private static final Logger LOGGER = System.getLogger(CudaContext.class.getName());

  /** cudaErrorMemoryAllocation: nothing is broken, there just is not so much. */
  private static final int MEMORY_ALLOCATION = 2;

  /** A call of the C interface. */
  @FunctionalInterface
  interface Call {
    int run(fs_context context);
  }

  private final int device;
  private final ReentrantLock lock = new ReentrantLock();
  private final boolean debug = Boolean.getBoolean(DEBUG);

  /** What is not freed yet: the address, and who allocated it if that is to be told. */
  private final Map<Long, Throwable> allocations = new HashMap<>();

  private final Set<CudaGraph> graphs = new HashSet<>();

  /** Of timers that are not closed yet. */
  private final Set<Long> events = new HashSet<>();

  private final HostStaging staging;
  private fs_context handle;
  private CudaGraph recording;

  /**
   * Opens a context.
   *
   * @param stream a cudaStream_t of the caller's, or 0 for one of its own
   */
  CudaContext(int device, long stream) {
    this.device = device;
    this.handle = new fs_context();
    int status = FewstepCuda.fs_open(device, stream, handle);
    if (status != FewstepCuda.FS_SUCCESS) {
      throw failure("fs_open(device %d)".formatted(device), status);
    }
    this.staging = new HostStaging(this);
  }

  int device() {
    return device;
  }

  /** The cudaStream_t that all calls are enqueued on. */
  long stream() {
    lock.lock();
    try {
      return FewstepCuda.fs_stream(open());
    } finally {
      lock.unlock();
    }
  }

  /**
   * Runs a call, alone.
   *
   * @param name of the call, for the error
   * @throws CudaException if it fails
   * @throws IllegalStateException if the backend is closed
   */
  void run(String name, Call call) {
    lock.lock();
    try {
      int status = call.run(open());
      if (status != FewstepCuda.FS_SUCCESS) {
        throw failure(name, status);
      }
    } finally {
      lock.unlock();
    }
  }

  /** Runs several calls with no other thread's between them. */
  void exclusively(Runnable calls) {
    lock.lock();
    try {
      open();
      calls.run();
    } finally {
      lock.unlock();
    }
  }

  void requireOpen() {
    exclusively(() -> {});
  }

  /** Runs calls, and records a second run of them, which is not done. */
  CudaGraph record(Runnable calls) {
    CudaGraph graph = new CudaGraph(this);
    exclusively(
        () -> {
          requireNotRecording("a recording");
          calls.run(); // after this all packed forms and scratch memory are there
          run("fs_record_begin", FewstepCuda::fs_record_begin);
          record(calls, graph);
        });
    return graph;
  }

  private void record(Runnable calls, CudaGraph graph) {
    long[] recorded = new long[1];
    recording = graph;
    try {
      calls.run();
    } catch (RuntimeException | Error e) {
      recording = null;
      graph.release();
      if (FewstepCuda.fs_record_end(handle, recorded) == FewstepCuda.FS_SUCCESS) {
        FewstepCuda.fs_graph_free(handle, recorded[0]);
      }
      throw e;
    }
    recording = null;
    int status = FewstepCuda.fs_record_end(handle, recorded);
    if (status != FewstepCuda.FS_SUCCESS) {
      graph.release();
      throw failure("fs_record_end", status);
    }
    graph.recorded(recorded[0]);
    graphs.add(graph);
  }

  /** The graph that is being recorded, or null. */
  CudaGraph recording() {
    return recording;
  }

  private void requireNotRecording(String what) {
    if (recording != null) {
      throw failure(what, FewstepCuda.FS_NOT_RECORDABLE);
    }
  }

  /** Frees a graph; one that {@link #close} has freed already is left alone. */
  void free(CudaGraph graph) {
    lock.lock();
    try {
      if (handle != null && graphs.contains(graph)) {
        requireNotRecording("the end of a graph");
        graphs.remove(graph);
        run("fs_graph_free", context -> FewstepCuda.fs_graph_free(context, graph.release()));
      }
    } finally {
      lock.unlock();
    }
  }

  private fs_context open() {
    if (handle == null) {
      throw closed();
    }
    return handle;
  }

  static IllegalStateException closed() {
    return new IllegalStateException("the backend 'cuda' is closed");
  }

  /** Waits for all calls so far. */
  void synchronize() {
    run("fs_synchronize", FewstepCuda::fs_synchronize);
  }

  /**
   * Zeroed device memory.
   *
   * @throws IllegalArgumentException if the device has not so much left
   */
  long allocate(long bytes) {
    return allocate(bytes, debug);
  }

  /** What this backend allocates for itself, close frees by design: it is not to be told. */
  private long allocate(long bytes, boolean told) {
    long[] address = new long[1];
    lock.lock();
    try {
      requireNotRecording("an allocation");
      int status = FewstepCuda.fs_allocate(open(), bytes, address);
      if (status == MEMORY_ALLOCATION) {
        throw new IllegalArgumentException(
            "%.1f GiB of device memory are not to be had on cuda:%d; use smaller batches"
                .formatted(bytes / (double) (1L << 30), device));
      }
      if (status != FewstepCuda.FS_SUCCESS) {
        throw failure("fs_allocate(%d bytes)".formatted(bytes), status);
      }
      allocations.put(address[0], told ? new Throwable("allocated here") : null);
      return address[0];
    } finally {
      lock.unlock();
    }
  }

  /** Frees device memory; memory that {@link #close} has freed already is left alone. */
  void free(long address) {
    lock.lock();
    try {
      boolean live = allocations.containsKey(address);
      if (handle != null && live) {
        requireNotRecording("the end of a batch");
        allocations.remove(address);
        int status = FewstepCuda.fs_free(handle, address);
        if (status != FewstepCuda.FS_SUCCESS) {
          throw failure("fs_free", status);
        }
      }
    } finally {
      lock.unlock();
    }
  }

  /** An event, which {@link #close} destroys if nobody did before. */
  long createEvent() {
    long[] event = new long[1];
    exclusively(
        () -> {
          run("fs_event_create", handle -> FewstepCuda.fs_event_create(handle, event));
          events.add(event[0]);
        });
    return event[0];
  }

  /** Destroys an event; one that {@link #close} has destroyed already is left alone. */
  void destroyEvent(long event) {
    lock.lock();
    try {
      if (handle != null && events.remove(event)) {
        run("fs_event_destroy", context -> FewstepCuda.fs_event_destroy(context, event));
      }
    } finally {
      lock.unlock();
    }
  }

  /** Copies host memory of any kind to the device. */
  void write(long address, MemorySegment source, long bytes) {
    exclusively(() -> staging.write(address, source, bytes));
  }

  /** Copies device memory to the host, once all calls so far are done. */
  void read(MemorySegment target, long address, long bytes) {
    exclusively(() -> staging.read(target, address, bytes));
  }

  /** A copy of numbers in device memory, rounded to a precision. */
  DeviceBuffer upload(double[] values, Precision precision) {
    if (precision == Precision.FLOAT64) {
      return upload(MemorySegment.ofArray(values));
    }
    float[] narrow = new float[values.length];
    for (int i = 0; i < narrow.length; i++) {
      narrow[i] = (float) values[i];
    }
    return upload(MemorySegment.ofArray(narrow));
  }

  /** A copy of integers in device memory. */
  DeviceBuffer upload(int[] values) {
    return upload(MemorySegment.ofArray(values));
  }

  private DeviceBuffer upload(MemorySegment values) {
    DeviceBuffer buffer = new DeviceBuffer(this, allocate(values.byteSize(), false));
    try {
      write(buffer.address(), values, values.byteSize());
      return buffer;
    } catch (RuntimeException | Error e) {
      buffer.close();
      throw e;
    }
  }

  /** Waits, frees what is left, and lets the device go, whatever fails on the way. */
  @Override
  public void close() {
    lock.lock();
    try {
      if (handle == null) {
        return;
      }
      requireNotRecording("the end of the backend");
      RuntimeException first = null;
      try {
        staging.close();
      } catch (CudaException e) {
        first = e;
      }
      for (CudaGraph graph : graphs) {
        int status = FewstepCuda.fs_graph_free(handle, graph.release());
        first =
            first == null && status != FewstepCuda.FS_SUCCESS
                ? failure("fs_graph_free", status)
                : first;
      }
      graphs.clear();
      for (Map.Entry<Long, Throwable> left : allocations.entrySet()) {
        if (left.getValue() != null) {
          LOGGER.log(Level.WARNING, "device memory was not freed", left.getValue());
        }
        int status = FewstepCuda.fs_free(handle, left.getKey());
        first =
            first == null && status != FewstepCuda.FS_SUCCESS ? failure("fs_free", status) : first;
      }
      allocations.clear();
      for (long event : events) {
        int status = FewstepCuda.fs_event_destroy(handle, event);
        first =
            first == null && status != FewstepCuda.FS_SUCCESS
                ? failure("fs_event_destroy", status)
                : first;
      }
      events.clear();
      int status = FewstepCuda.fs_close(handle);
      handle = null;
      first =
          first == null && status != FewstepCuda.FS_SUCCESS ? failure("fs_close", status) : first;
      if (first != null) {
        throw first;
      }
    } finally {
      lock.unlock();
    }
  }

  static RuntimeException failure(String call, int status) {
    if (status == FewstepCuda.FS_NOT_RECORDABLE) {
      return new IllegalStateException(
          "%s is not possible while a graph is recorded: %s; do it before or after"
              .formatted(call, FewstepCuda.fs_error_text(status).getString()));
    }
    return new CudaException(
        status,
        "%s failed with %s (%s); close this backend and open another"
            .formatted(
                call,
                FewstepCuda.fs_error_name(status).getString(),
                FewstepCuda.fs_error_text(status).getString()));
  }
}
