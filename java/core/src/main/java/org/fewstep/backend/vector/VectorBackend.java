package org.fewstep.backend.vector;

import java.util.List;
import org.fewstep.backend.Backend;
import org.fewstep.backend.BackendOptions;
import org.fewstep.backend.Batch;
import org.fewstep.backend.BatchChecks;
import org.fewstep.backend.ErrorEstimate;
import org.fewstep.backend.MixtureOutputs;
import org.fewstep.backend.Plan;
import org.fewstep.backend.Precision;
import org.fewstep.backend.TrajectoryOutputs;
import org.fewstep.backend.WorkerPool;
import org.fewstep.diffusion.Diffusion;
import org.fewstep.mixture.DiffusedMixture;
import org.fewstep.mixture.GaussianMixture;

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
