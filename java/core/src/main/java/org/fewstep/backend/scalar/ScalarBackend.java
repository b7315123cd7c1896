package org.fewstep.backend.scalar;

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
import org.fewstep.mixture.FullCovariance;
import org.fewstep.mixture.GaussianMixture;
import org.fewstep.network.Frame;
import org.fewstep.network.Network;
import org.fewstep.network.NetworkShape;

/**
 * The reference backend, against which every kernel of every other is tested: float64, plain loops,
 * the formulas as written. Float32 batches are widened when read and rounded when written.
 */
final class ScalarBackend implements Backend {

  static final String NAME = "scalar";

  /** The multiplications that a chunk of rows should have at least, some 50 us. */
  private static final long WORK_PER_CHUNK = 50_000;

  private static final long MAX_ROWS_PER_CHUNK = 4096;

  private static final long NUMBERS_PER_CHUNK = 4096;

  /** The doubles that the states of a chunk may take: half a second-level cache. */
  private static final long MAX_SCRATCH = 64 * 1024;

  private final WorkerPool pool;
  private final Scratch[] scratches;
  private final MixtureCall[] mixtureCalls;
  private final TrajectoryCall[] trajectoryCalls;
  private final NetworkCall[] networkCalls;
  private final TrainingCall[] trainingCalls;
  private final DrawCall[] drawCalls;
  private final LinearCall[] linearCalls;
  private final RandomCall[] randomCalls;

  ScalarBackend(BackendOptions options) {
    pool = new WorkerPool(NAME, options);
    int threads = pool.threads();
    scratches = new Scratch[threads];
    mixtureCalls = new MixtureCall[threads];
    trajectoryCalls = new TrajectoryCall[threads];
    networkCalls = new NetworkCall[threads];
    trainingCalls = new TrainingCall[threads];
    drawCalls = new DrawCall[threads];
    linearCalls = new LinearCall[threads];
    randomCalls = new RandomCall[threads];
    for (int worker = 0; worker < threads; worker++) {
      scratches[worker] = new Scratch();
      mixtureCalls[worker] = new MixtureCall(scratches);
      trajectoryCalls[worker] = new TrajectoryCall(scratches);
      networkCalls[worker] = new NetworkCall(scratches);
      trainingCalls[worker] = new TrainingCall();
      drawCalls[worker] = new DrawCall(scratches);
      linearCalls[worker] = new LinearCall();
      randomCalls[worker] = new RandomCall(scratches);
    }
  }

  @Override
  public String name() {
    return NAME;
  }

  @Override
  public String description() {
    return "plain Java in float64, %d thread%s".formatted(threads(), threads() == 1 ? "" : "s");
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
    int worker = pool.acquire();
    MixtureCall call = mixtureCalls[worker];
    try {
      call.prepare(mixture, x, outputs);
      pool.run(worker, x.rows(), grain(mixture.mixture(), outputs.wantsDerivative()), call);
    } finally {
      call.clear();
      pool.release(worker);
    }
  }

  @Override
  public void mixture(
      GaussianMixture mixture, Diffusion process, Batch times, Batch x, MixtureOutputs outputs) {
    BatchChecks.requireMixture(Batch.HOST, mixture, process, times, x, outputs);
    int worker = pool.acquire();
    MixtureCall call = mixtureCalls[worker];
    try {
      call.prepare(mixture, process, times, x, outputs);
      pool.run(worker, x.rows(), grain(mixture, true), call);
    } finally {
      call.clear();
      pool.release(worker);
    }
  }

  @Override
  public boolean trajectory(
      GaussianMixture mixture, Plan plan, Batch x, TrajectoryOutputs outputs) {
    BatchChecks.requireTrajectory(Batch.HOST, mixture, plan, x, outputs);
    long inScratch = MAX_SCRATCH / TrajectoryCall.scratchPerRow(plan, mixture.dimension());
    long grain = Math.max(1, Math.min(grain(mixture, true), inScratch));
    int worker = pool.acquire();
    TrajectoryCall call = trajectoryCalls[worker];
    try {
      call.prepare(mixture, plan, x, outputs);
      pool.run(worker, x.rows(), grain, call);
    } finally {
      call.clear();
      pool.release(worker);
    }
    return true;
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
    network(network, t, null, x, outputs);
  }

  @Override
  public void network(Network network, Batch times, Batch x, NetworkOutputs outputs) {
    BatchChecks.requireNetwork(Batch.HOST, network, times, x, outputs);
    network(network, Double.NaN, times, x, outputs);
  }

  private void network(Network network, double t, Batch times, Batch x, NetworkOutputs outputs) {
    int worker = pool.acquire();
    NetworkCall call = networkCalls[worker];
    try {
      call.prepare(network, t, times, x, outputs);
      pool.run(worker, x.rows(), grain(network.parameters()), call);
    } finally {
      call.clear();
      pool.release(worker);
    }
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
    int worker = pool.acquire();
    TrainingCall call = trainingCalls[worker];
    try {
      call.prepareForward(shape, frame, parameters, x, y, saved);
      pool.run(worker, call.runs(), 1, call);
    } finally {
      call.clear();
      pool.release(worker);
    }
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
    int worker = pool.acquire();
    TrainingCall call = trainingCalls[worker];
    try {
      call.prepareBackward(shape, frame, parameters, x, saved, dy, dx, gradient != null);
      pool.run(worker, call.runs(), 1, call);
      if (gradient != null) {
        call.storeGradient(gradient);
      }
    } finally {
      call.clear();
      pool.release(worker);
    }
  }

  @Override
  public void adam(AdamStep step, Batch parameters, Batch gradient, Batch mean, Batch square) {
    BatchChecks.requireAdam(Batch.HOST, step, parameters, gradient, mean, square);
    pool.requireOpen();
    Optimiser.adam(step, parameters, gradient, mean, square);
  }

  @Override
  public void draw(Batch out, Batch source, long seed, long first) {
    BatchChecks.requireDraw(Batch.HOST, out, source, first);
    int worker = pool.acquire();
    DrawCall call = drawCalls[worker];
    try {
      call.prepare(out, source, seed, first);
      pool.run(worker, out.rows(), NUMBERS_PER_CHUNK, call);
    } finally {
      call.clear();
      pool.release(worker);
    }
  }

  @Override
  public void combine(Batch out, List<Batch> terms, double[] weights) {
    BatchChecks.requireCombine(Batch.HOST, out, terms, weights);
    int worker = pool.acquire();
    LinearCall call = linearCalls[worker];
    try {
      call.prepareCombine(out, terms, weights);
      pool.run(worker, out.rows(), grain(out.columns()), call);
    } finally {
      call.clear();
      pool.release(worker);
    }
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
    int worker = pool.acquire();
    LinearCall call = linearCalls[worker];
    try {
      call.prepareStep(x, slopes, stepSizes, weights, next, error);
      pool.run(worker, x.rows(), grain(x.columns()), call);
    } finally {
      call.clear();
      pool.release(worker);
    }
  }

  @Override
  public void steinSums(Batch x, Batch u, Batch divergence, Batch sums) {
    BatchChecks.requireSteinSums(Batch.HOST, x, u, divergence, sums);
    pool.requireOpen();
    Reductions.steinSums(x, u, divergence, sums);
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
    int worker = pool.acquire();
    RandomCall call = randomCalls[worker];
    try {
      call.prepare(out, seed, first, normal);
      pool.run(worker, out.rows() * out.columns(), NUMBERS_PER_CHUNK, call);
    } finally {
      call.clear();
      pool.release(worker);
    }
  }

  @Override
  public void synchronize() {
    pool.requireOpen();
  }

  @Override
  public void close() {
    pool.close();
  }

  /** The rows per chunk for an evaluation of a mixture. */
  private static long grain(GaussianMixture mixture, boolean derivative) {
    long perComponent = mixture.dimension() * (derivative ? 10L : 4L);
    if (mixture.covariance() instanceof FullCovariance) {
      perComponent += perComponent * mixture.dimension();
    }
    return grain(mixture.components() * perComponent);
  }

  private static long grain(long workPerRow) {
    return Math.clamp(WORK_PER_CHUNK / workPerRow, 1, MAX_ROWS_PER_CHUNK);
  }
}
