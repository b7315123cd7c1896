package org.fewstep.cuda;

import java.lang.foreign.MemorySegment;
import org.fewstep.cuda.binding.FewstepCuda;

/**
 * Copies between the device and host memory of any kind, through page-locked memory: heap arrays
 * have no address that a device could read, and pageable memory is copied at half the speed. The
 * context's lock guards it.
 */
final class HostStaging {

  private static final long BYTES = 4L << 20;

  private final CudaContext context;

  /** Allocated on first use. */
  private MemorySegment buffer;

  HostStaging(CudaContext context) {
    this.context = context;
  }

  void write(long address, MemorySegment source, long bytes) {
    for (long done = 0; done < bytes; done += BYTES) {
      long part = Math.min(BYTES, bytes - done);
      long to = address + done;
      long staged = buffer().address();
      MemorySegment.copy(source, done, buffer, 0, part);
      context.run("fs_write", handle -> FewstepCuda.fs_write(handle, to, staged, part));
    }
  }

  void read(MemorySegment target, long address, long bytes) {
    for (long done = 0; done < bytes; done += BYTES) {
      long part = Math.min(BYTES, bytes - done);
      long from = address + done;
      long staged = buffer().address();
      context.run("fs_read", handle -> FewstepCuda.fs_read(handle, staged, from, part));
      MemorySegment.copy(buffer, 0, target, done, part);
    }
  }

  private MemorySegment buffer() {
    if (buffer == null) {
      long[] address = new long[1];
      context.run(
          "fs_allocate_host", handle -> FewstepCuda.fs_allocate_host(handle, BYTES, address));
      buffer = MemorySegment.ofAddress(address[0]).reinterpret(BYTES);
    }
    return buffer;
  }

  /** Frees the buffer. */
  void close() {
    if (buffer != null) {
      long address = buffer.address();
      buffer = null;
      context.run("fs_free_host", handle -> FewstepCuda.fs_free_host(handle, address));
    }
  }
}
