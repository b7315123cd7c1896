package org.fewstep.flow;

import org.fewstep.backend.Batch;
import org.fewstep.backend.TrajectoryOutputs;

final class AdaptiveRunner {
  static final int BATCHES_IN_FLIGHT = 14;

  AdaptiveRunner(VectorField f, DormandPrince s, double[] k, boolean l, Workspace w) {}

  void run(long first, Batch x, TrajectoryOutputs outputs, FlowStatistics statistics) {
    throw new UnsupportedOperationException("dopri5");
  }
}
