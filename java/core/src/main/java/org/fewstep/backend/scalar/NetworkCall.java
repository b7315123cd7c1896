package org.fewstep.backend.scalar;

import org.fewstep.backend.Batch;
import org.fewstep.backend.NetworkOutputs;
import org.fewstep.backend.WorkerPool;
import org.fewstep.network.Network;

/** An evaluation of a network at a batch of points, at one time or at one time per row. */
final class NetworkCall implements WorkerPool.Task {

  private final Scratch[] scratches;
  private Network network;
  private double time;
  private Batch times;
  private Batch x;
  private NetworkOutputs outputs;
  private double[] probes;

  NetworkCall(Scratch[] scratches) {
    this.scratches = scratches;
  }

  void prepare(Network network, double time, Batch times, Batch x, NetworkOutputs outputs) {
    this.network = network;
    this.time = time;
    this.times = times;
    this.x = x;
    this.outputs = outputs;
    this.probes = outputs.probes() == null ? null : outputs.probes().signs(network.inputs());
  }

  /** Lets go of the arguments. */
  void clear() {
    network = null;
    times = null;
    x = null;
    outputs = null;
    probes = null;
  }

  @Override
  public void run(int worker, long first, long end) {
    NetworkRow row = scratches[worker].row(network);
    for (long i = first; i < end; i++) {
      Elements.loadRow(x, i, row.x, 0);
      double t = times == null ? time : Elements.get(times, i);
      boolean valid = times == null || (t >= network.timeLow() && t <= network.timeHigh());
      if (valid && Elements.allFinite(row.x, 0, row.x.length)) {
        evaluate(row, t, i);
      } else {
        storeNaN(i);
      }
    }
  }

  private void evaluate(NetworkRow row, double t, long i) {
    // All inputs are read before anything is stored: an output may lie where an input does.
    boolean goodDirection = outputs.jvp() == null;
    if (outputs.direction() != null) {
      Elements.loadRow(outputs.direction(), i, row.direction, 0);
      goodDirection = Elements.allFinite(row.direction, 0, row.direction.length);
    }
    boolean goodCotangent = outputs.vjp() == null;
    if (outputs.cotangent() != null) {
      Elements.loadRow(outputs.cotangent(), i, row.cotangent, 0);
      goodCotangent = Elements.allFinite(row.cotangent, 0, row.cotangent.length);
    }
    row.evaluate(t);
    if (outputs.value() != null) {
      Elements.storeRow(outputs.value(), i, row.value, 0);
    }
    if (outputs.divergence() != null) {
      double trace = probes == null ? row.divergence() : row.divergence(probes);
      Elements.set(outputs.divergence(), i, trace);
    }
    if (!goodDirection) {
      Elements.storeNaN(outputs.jvp(), i);
    } else if (outputs.jvp() != null) {
      row.jvp();
      Elements.storeRow(outputs.jvp(), i, row.jvp, 0);
    }
    if (!goodCotangent) {
      Elements.storeNaN(outputs.vjp(), i);
    } else if (outputs.vjp() != null) {
      row.vjp();
      Elements.storeRow(outputs.vjp(), i, row.vjp, 0);
    }
  }

  private void storeNaN(long i) {
    Elements.storeNaN(outputs.value(), i);
    Elements.storeNaN(outputs.divergence(), i);
    Elements.storeNaN(outputs.jvp(), i);
    Elements.storeNaN(outputs.vjp(), i);
  }
}
