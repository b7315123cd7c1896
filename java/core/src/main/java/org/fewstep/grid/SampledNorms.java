package org.fewstep.grid;

import org.fewstep.backend.Philox;

/** The norms |J|_2 of a flow along its own trajectories, which start from noise. */
final class SampledNorms {

  private final SampledFlow flow;
  private final double[] times;
  private final double[][] states;
  private final JacobianNorms norms;

  /**
   * Runs the trajectories.
   *
   * @param times strictly ascending
   * @param deviation of the noise at the last time
   * @param seed of the Philox stream: first come the normals of the noise, in antithetic pairs,
   *     then the directions that power iterations start from
   */
  SampledNorms(SampledFlow flow, double[] times, double deviation, long seed) {
    this.flow = flow;
    this.times = times;
    int length = JacobianNorms.SAMPLES * flow.dimension();
    double[] noise = new double[length];
    Philox.normal(seed, 0, noise, 0, length);
    JacobianNorms.makeAntithetic(noise, flow.dimension());
    for (int i = 0; i < length; i++) {
      noise[i] *= deviation;
    }
    double[] directions = new double[length];
    Philox.normal(seed, length, directions, 0, length);
    this.norms = new JacobianNorms(flow.dimension(), directions);
    this.states = flow.states(noise, reversed(times));
  }

  private static double[] reversed(double[] ascending) {
    double[] descending = new double[ascending.length];
    for (int i = 0; i < ascending.length; i++) {
      descending[i] = ascending[ascending.length - 1 - i];
    }
    return descending;
  }

  /** The norm at each sample's state at time number {@code node}. */
  double[] at(int node) {
    double t = times[node];
    return norms.at(
        states[times.length - 1 - node],
        (points, vectors) -> flow.jvp(t, points, vectors),
        (points, vectors) -> flow.vjp(t, points, vectors));
  }
}
