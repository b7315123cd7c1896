package org.fewstep.backend;

import java.lang.foreign.MemorySegment;

/**
 * Where the elements of a {@link Batch} live. Host memory is handled by {@link Batch} itself; a
 * backend with memory of its own implements this.
 */
public interface BatchStorage {

  /** The memory space: {@value Batch#HOST} or a backend's own, such as "cuda:0". */
  String space();

  /**
   * The elements. For a space other than the host's, a segment that carries only the address and
   * the size, and that the host must not read.
   */
  MemorySegment memory();

  /** Copies {@code size} bytes from byte {@code offset} on to host memory, waiting for them. */
  void read(long offset, MemorySegment target, long size);

  /** Copies {@code size} bytes of host memory to byte {@code offset} on. */
  void write(long offset, MemorySegment source, long size);

  /**
   * Copies {@code size} bytes of other memory to byte {@code offset} on without the host between
   * the two, if this kind of memory can.
   *
   * @return false, having done nothing, if it cannot
   */
  default boolean copy(long offset, BatchStorage source, long sourceOffset, long size) {
    return false;
  }

  /** Frees the memory; called at most once, and never for a view. */
  void release();
}
