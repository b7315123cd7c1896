package org.fewstep.cuda;

import java.util.ArrayList;
import java.util.List;
import org.fewstep.cuda.binding.FewstepCuda;

/**
 * Calls of a {@link CudaBackend} that were recorded once and are enqueued again by one call: for
 * small batches, where launching a kernel costs as much as running it. It has the batches and
 * numbers of the recording; new points are copied into the same batch. Whoever recorded it closes
 * it; closing the backend does so too.
 */
public final class CudaGraph implements AutoCloseable {

  private final CudaContext context;
  private final List<Runnable> onClose = new ArrayList<>();
  private long handle;

  CudaGraph(CudaContext context) {
    this.context = context;
  }

  /** Lets go of something with the graph. */
  void onClose(Runnable release) {
    onClose.add(release);
  }

  void recorded(long graph) {
    handle = graph;
  }

  /**
   * Enqueues the calls on the backend's stream, in their order.
   *
   * @throws IllegalStateException if the graph or the backend is closed
   */
  public void launch() {
    context.exclusively(
        () -> {
          if (handle == 0) {
            throw new IllegalStateException("this graph is closed");
          }
          context.run("fs_graph_launch", c -> FewstepCuda.fs_graph_launch(c, handle));
        });
  }

  /** Waits for the stream, and lets go of the graph. Harmless when repeated. */
  @Override
  public void close() {
    context.free(this);
  }

  /** Marks it closed, and lets go of what it held; the handle to be freed, or 0 for none. */
  long release() {
    long released = handle;
    handle = 0;
    onClose.forEach(Runnable::run);
    onClose.clear();
    return released;
  }
}
