package org.fewstep.cuda;

import java.lang.foreign.MemorySegment;
import org.fewstep.backend.BatchStorage;
import org.fewstep.cuda.binding.FewstepCuda;

/** Device memory of a batch: its own, or somebody else's. */
final class DeviceStorage implements BatchStorage {

  private final CudaContext context;
  private final MemorySegment memory;
  private final boolean owned;

  /** Memory at an address, freed on release if it is owned. */
  DeviceStorage(CudaContext context, long address, long bytes, boolean owned) {
    this.context = context;
    this.memory = MemorySegment.ofAddress(address).reinterpret(bytes);
    this.owned = owned;
  }

  /** The name of the memory space of a device. */
  static String space(int device) {
    return "cuda:" + device;
  }

  @Override
  public String space() {
    return space(context.device());
  }

  @Override
  public MemorySegment memory() {
    return memory;
  }

  @Override
  public void read(long offset, MemorySegment target, long size) {
    context.requireOpen();
    context.read(target, memory.address() + offset, size);
  }

  @Override
  public void write(long offset, MemorySegment source, long size) {
    context.requireOpen();
    context.write(memory.address() + offset, source, size);
  }

  @Override
  public boolean copy(long offset, BatchStorage source, long sourceOffset, long size) {
    if (!(source instanceof DeviceStorage other) || other.context.device() != context.device()) {
      return false;
    }
    long to = memory.address() + offset;
    long from = other.memory.address() + sourceOffset;
    if (to < from + size && from < to + size) {
      return false; // the device copies in no order
    }
    boolean sameStream = other.context == context;
    if (!sameStream) {
      other.context.synchronize();
    }
    context.run("fs_copy", handle -> FewstepCuda.fs_copy(handle, to, from, size));
    if (!sameStream) {
      context.synchronize();
    }
    return true;
  }

  @Override
  public void release() {
    if (owned) {
      context.free(memory.address());
    }
  }
}
