package org.fewstep.backend.vector;

import java.util.List;
import org.fewstep.backend.AdamStep;
import org.fewstep.backend.AdaptiveOutputs;
import org.fewstep.backend.AdaptivePlan;
import org.fewstep.backend.Backend;
import org.fewstep.backend.BackendOptions;
import org.fewstep.backend.Batch;
import org.fewstep.backend.BatchChecks;
import org.fewstep.backend.ErrorEstimate;
import org.fewstep.backend.MixtureOutputs;
import org.fewstep.backend.NetworkOutputs;
import org.fewstep.backend.Plan;
import org.fewstep.backend.Precision;
import org.fewstep.backend.TrajectoryOutputs;
import org.fewstep.backend.WorkerPool;
import org.fewstep.diffusion.Diffusion;
import org.fewstep.mixture.DiffusedMixture;
import org.fewstep.mixture.GaussianMixture;
import org.fewstep.network.Frame;
import org.fewstep.network.Network;
import org.fewstep.network.NetworkShape;

/** The Vector API backend: checks arguments and hands them to the engine of their precision. */
final class VectorBackend implements Backend {

  static final String NAME = "vector";

  private final WorkerPool pool;
  private final KernelEngine float32;
  private final KernelEngine float64;

  VectorBackend(BackendOptions options) {
    pool = new WorkerPool(NAME, options);
    float32 = new FloatEngine(pool);
    float64 = new DoubleEngine(pool);
  }

  /** The vectors of this machine, in one line. */
  static String hardware() {
    return "Vector API, %d-bit vectors".formatted(FloatLanes.SPECIES.vectorBitSize());
  }

  private KernelEngine engine(Batch batch) {
    return batch.precision() == Precision.FLOAT32 ? float32 : float64;
  }

  @Override
  public String name() {
    return NAME;
  }

  @Override
  public String description() {
    return "%s, %d thread%s".formatted(hardware(), threads(), threads() == 1 ? "" : "s");
  }

  @Override
  public int threads() {
    return pool.threads();
  }

  @Override
  public Batch allocate(long rows, int columns, Precision precision) {
    pool.requireOpen();
    return Batch.allocateHost(rows, columns, precision);
  }

  @Override
  public void mixture(DiffusedMixture mixture, Batch x, MixtureOutputs outputs) {
    BatchChecks.requireMixture(Batch.HOST, mixture, x, outputs);
    engine(x).mixture(mixture, x, outputs);
  }

  @Override
  public void mixture(
      GaussianMixture mixture, Diffusion process, Batch times, Batch x, MixtureOutputs outputs) {
    BatchChecks.requireMixture(Batch.HOST, mixture, process, times, x, outputs);
    engine(x).mixture(mixture, process, times, x, outputs);
  }

  @Override
  public boolean trajectory(
      GaussianMixture mixture, Plan plan, Batch x, TrajectoryOutputs outputs) {
    BatchChecks.requireTrajectory(Batch.HOST, mixture, plan, x, outputs);
    pool.requireOpen();
    return engine(x).trajectory(mixture, plan, x, outputs);
  }

  @Override
  public boolean trajectory(
      GaussianMixture mixture, AdaptivePlan plan, Batch x, AdaptiveOutputs outputs) {
    BatchChecks.requireTrajectory(Batch.HOST, mixture, plan, x, outputs);
    pool.requireOpen();
    return false;
  }

  @Override
  public void network(Network network, double t, Batch x, NetworkOutputs outputs) {
    BatchChecks.requireNetwork(Batch.HOST, network, t, x, outputs);
    engine(x).network(network, t, x, outputs);
  }

  @Override
  public void network(Network network, Batch times, Batch x, NetworkOutputs outputs) {
    BatchChecks.requireNetwork(Batch.HOST, network, times, x, outputs);
    engine(x).network(network, times, x, outputs);
  }

  @Override
  public boolean networkTrajectory(Network network, Plan plan, Batch x, TrajectoryOutputs outputs) {
    BatchChecks.requireNetworkTrajectory(Batch.HOST, network, plan, x, outputs);
    pool.requireOpen();
    return false;
  }

  @Override
  public void networkForward(
      NetworkShape shape, Frame frame, Batch parameters, Batch x, Batch y, Batch saved) {
    BatchChecks.requireForward(Batch.HOST, shape, frame, parameters, x, y, saved);
    engine(x).networkForward(shape, frame, parameters, x, y, saved);
  }

  @Override
  public void networkBackward(
      NetworkShape shape,
      Frame frame,
      Batch parameters,
      Batch x,
      Batch saved,
      Batch dy,
      Batch dx,
      Batch gradient) {
    BatchChecks.requireBackward(Batch.HOST, shape, frame, parameters, x, saved, dy, dx, gradient);
    engine(x).networkBackward(shape, frame, parameters, x, saved, dy, dx, gradient);
  }

  @Override
  public void adam(AdamStep step, Batch parameters, Batch gradient, Batch mean, Batch square) {
    BatchChecks.requireAdam(Batch.HOST, step, parameters, gradient, mean, square);
    engine(parameters).adam(step, parameters, gradient, mean, square);
  }

  @Override
  public void draw(Batch out, Batch source, long seed, long first) {
    BatchChecks.requireDraw(Batch.HOST, out, source, first);
    engine(out).draw(out, source, seed, first);
  }

  @Override
  public void combine(Batch out, List<Batch> terms, double[] weights) {
    BatchChecks.requireCombine(Batch.HOST, out, terms, weights);
    engine(out).combine(out, terms, weights);
  }

  @Override
  public void step(
      Batch x,
      List<Batch> slopes,
      Batch stepSizes,
      double[] weights,
      Batch next,
      ErrorEstimate error) {
    BatchChecks.requireStep(Batch.HOST, x, slopes, stepSizes, weights, next, error);
    engine(x).step(x, slopes, stepSizes, weights, next, error);
  }

  @Override
  public void steinSums(Batch x, Batch u, Batch divergence, Batch sums) {
    BatchChecks.requireSteinSums(Batch.HOST, x, u, divergence, sums);
    engine(x).steinSums(x, u, divergence, sums);
  }

  @Override
  public void normal(Batch out, long seed, long first) {
    random(out, seed, first, true);
  }

  @Override
  public void uniform(Batch out, long seed, long first) {
    random(out, seed, first, false);
  }

  private void random(Batch out, long seed, long first, boolean normal) {
    BatchChecks.requireStream(Batch.HOST, out, first);
    engine(out).random(out, seed, first, normal);
  }

  @Override
  public void synchronize() {
    pool.requireOpen();
  }

  @Override
  public void close() {
    pool.close();
  }
}
