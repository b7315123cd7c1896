package org.fewstep.distill;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import org.fewstep.backend.Backend;
import org.fewstep.backend.Batch;
import org.fewstep.backend.NetworkOutputs;
import org.fewstep.backend.Precision;
import org.fewstep.diffusion.Diffusion;
import org.fewstep.grid.StabilityBounds;
import org.fewstep.grid.TimeGrid;
import org.fewstep.mixture.GaussianMixture;
import org.fewstep.network.Network;

/** Judges distilled flows by exact trajectories that they were not trained on. */
final class Judge {

  /** States at which amplification is measured: it takes 2d trajectories each. */
  private static final int AMPLIFIED = 256;

  private final Backend backend;
  private final GaussianMixture mixture;
  private final Diffusion process;

  Judge(Backend backend, GaussianMixture mixture, Diffusion process) {
    this.backend = backend;
    this.mixture = mixture;
    this.process = process;
  }

  /**
   * The full report.
   *
   * @param exact the states of held-out trajectories at the knots, [knots][rows, d]
   */
  DistillationResult judge(DistilledFlow flow, double[][] exact) {
    List<SegmentReport> segments = new ArrayList<>();
    for (int s = 0; s < flow.networks().size(); s++) {
      segments.add(segment(flow.networks().get(s), exact[s], exact[s + 1]));
    }
    return new DistillationResult(flow, segments, endToEnd(flow, exact));
  }

  /** The error of a flow from the exact starts to the exact ends. */
  FlowError endToEnd(DistilledFlow flow, double[][] exact) {
    double[] state = exact[0];
    for (Network network : flow.networks()) {
      state = apply(network, state);
    }
    return FlowError.of(state, exact[exact.length - 1], mixture.dimension());
  }

  private SegmentReport segment(Network network, double[] from, double[] to) {
    int d = mixture.dimension();
    double displacement = 0;
    for (int e = 0; e < from.length; e++) {
      displacement += (to[e] - from[e]) * (to[e] - from[e]);
    }
    double[] some = Arrays.copyOf(from, Math.min(from.length, AMPLIFIED * d));
    Amplification exact = exactAmplification(network.timeHigh(), network.timeLow(), some);
    Amplification learned = Amplification.of(states -> apply(network, states), some, d);
    return new SegmentReport(
        network.timeHigh(),
        network.timeLow(),
        FlowError.of(apply(network, from), to, d),
        Math.sqrt(displacement / from.length),
        StabilityBounds.of(mixture, process)
            .between(network.timeLow(), network.timeHigh())
            .lipschitzConstant(),
        exact.largest(),
        exact.mean(),
        learned.largest());
  }

  private Amplification exactAmplification(double start, double end, double[] states) {
    Teacher teacher = new Teacher(mixture, process, backend);
    TimeGrid segment = TimeGrid.of(start, end);
    return Amplification.of(
        points -> teacher.trajectories(segment, points)[1], states, mixture.dimension());
  }

  private double[] apply(Network network, double[] states) {
    return apply(backend, network, states);
  }

  /** A network at states [rows, d], in float64 so that differences of it mean something. */
  static double[] apply(Backend backend, Network network, double[] states) {
    int d = network.inputs();
    try (Batch x = backend.allocate(states.length / d, d, Precision.FLOAT64)) {
      x.copyFrom(states);
      backend.network(network, network.timeHigh(), x, NetworkOutputs.none().withValue(x));
      return x.toDoubleArray();
    }
  }
}
