package org.fewstep.bench;

import org.fewstep.backend.Backend;
import org.fewstep.backend.BackendOptions;
import org.fewstep.backend.Backends;
import org.fewstep.backend.Batch;
import org.fewstep.backend.NetworkOutputs;
import org.fewstep.backend.Precision;

/** One evaluation of a network for a whole batch by a backend of ours, in single precision. */
final class NetworkTask implements Contender, Runnable {

  private final String form;
  private final NetworkRows workload;
  private final Backend backend;
  private final Batch x;
  private final Batch y;
  private final NetworkOutputs outputs;

  /** Opens the backend with that many threads, and allocates everything. */
  NetworkTask(String backend, int threads, String form, NetworkRows workload) {
    this.form = form;
    this.workload = workload;
    this.backend = Backends.named(backend, BackendOptions.defaults().withThreads(threads));
    int inputs = workload.network().inputs();
    x = this.backend.allocate(workload.rows(), inputs, Precision.FLOAT32);
    y = this.backend.allocate(workload.rows(), workload.network().outputs(), Precision.FLOAT32);
    x.copyFrom(workload.values());
    outputs = NetworkOutputs.none().withValue(y);
  }

  @Override
  public String name() {
    return "%s %s, threads=%d".formatted(backend.name(), form, backend.threads());
  }

  @Override
  public void run() {
    backend.network(workload.network(), 0, x, outputs);
  }

  @Override
  public double seconds(int calls) {
    long start = System.nanoTime();
    for (int i = 0; i < calls; i++) {
      run();
    }
    backend.synchronize();
    return (System.nanoTime() - start) * 1e-9;
  }

  @Override
  public float[] result() {
    return y.toFloatArray();
  }

  @Override
  public void close() {
    x.close();
    y.close();
    backend.close();
  }
}
