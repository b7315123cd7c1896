package org.fewstep.cuda;

/** A piece of device memory that its holder closes. */
final class DeviceBuffer implements AutoCloseable {

  private final CudaContext context;
  private final long address;

  DeviceBuffer(CudaContext context, long address) {
    this.context = context;
    this.address = address;
  }

  /** Where it begins; at least 256-byte aligned. */
  long address() {
    return address;
  }

  /** Frees it in the order of the stream: what is enqueued already may still use it. */
  @Override
  public void close() {
    context.free(address);
  }
}
