package org.fewstep.cuda;

/**
 * A CUDA call that failed: the name of the CUDA error, the call, and what to do. After most of them
 * (a fault in a kernel, a device that fell away) the backend is of no further use: close it and
 * open another.
 */
public final class CudaException extends IllegalStateException {

  private static final long serialVersionUID = 1;

  private final int status;

  CudaException(int status, String message) {
    super(message);
    this.status = status;
  }

  /** The cudaError_t, or a negative number for an error of our own. */
  public int status() {
    return status;
  }
}
