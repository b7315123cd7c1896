package org.fewstep.backend.vector;

import java.lang.foreign.MemorySegment;
import java.util.ArrayList;
import java.util.List;
import org.fewstep.backend.AdamStep;
import org.fewstep.backend.Batch;
import org.fewstep.backend.ErrorEstimate;
import org.fewstep.backend.MixtureOutputs;
import org.fewstep.backend.NetworkOutputs;
import org.fewstep.backend.Plan;
import org.fewstep.backend.TrajectoryOutputs;
import org.fewstep.backend.WorkerPool;
import org.fewstep.diffusion.Diffusion;
import org.fewstep.mixture.DiffusedMixture;
import org.fewstep.mixture.GaussianMixture;
import org.fewstep.network.Frame;
import org.fewstep.network.Network;
import org.fewstep.network.NetworkShape;

/**
 * The float32 kernels over whole batches: rows are split over the pool, and every worker has its
 * own scratch and its own call object, so that a call allocates nothing.
 */
final class FloatEngine implements KernelEngine {

  /** Tiles of points a worker claims at a time. */
  private static final int TILES_PER_GRAIN = 4;

  /** Above this, in bytes, the constants of a stage would not stay in a worker's L2 cache. */
  private static final long LARGEST_FUSED_STAGE = 256 << 10;

  private static final int LARGEST_FUSED_DIMENSION = 16;

  private final WorkerPool pool;
  private final FloatTile[] tiles;
  private final FloatMixtureTask[] mixtureTasks;
  private final FloatRowTimesTask[] rowTimesTasks;
  private final FloatTrajectoryTask[] trajectoryTasks;
  private final FloatNetworkTask[] networkTasks;
  private final FloatForwardTask[] forwardTasks;
  private final FloatBackwardTask[] backwardTasks;
  private final FloatAdam[] optimisers;
  private final FloatDrawTask[] drawTasks;
  private final FloatStepTask[] stepTasks;
  private final FloatSteinTask[] steinTasks;
  private final FloatRandomTask[] randomTasks;
  private final KernelCache<DiffusedMixture, FloatPackedMixture> mixtures =
      new KernelCache<>(FloatPackedMixture::of);
  private final KernelCache<GaussianMixture, FloatRowTimesKernel> rowTimesKernels =
      new KernelCache<>(FloatRowTimesKernel::new);
  private final KernelCache<GaussianMixture, KernelCache<Plan, FloatTrajectory>> trajectories =
      new KernelCache<>(mixture -> new KernelCache<>(plan -> new FloatTrajectory(mixture, plan)));

  private final KernelCache<Network, FloatNetwork> networks = new KernelCache<>(FloatNetwork::new);

  /** Of each worker: their weights change from call to call. */
  private final List<KernelCache<NetworkShape, KernelCache<Frame, FloatTrainee>>> trainees =
      new ArrayList<>();

  FloatEngine(WorkerPool pool) {
    this.pool = pool;
    int threads = pool.threads();
    this.tiles = new FloatTile[threads];
    this.mixtureTasks = new FloatMixtureTask[threads];
    this.rowTimesTasks = new FloatRowTimesTask[threads];
    this.trajectoryTasks = new FloatTrajectoryTask[threads];
    this.networkTasks = new FloatNetworkTask[threads];
    this.forwardTasks = new FloatForwardTask[threads];
    this.backwardTasks = new FloatBackwardTask[threads];
    this.optimisers = new FloatAdam[threads];
    this.drawTasks = new FloatDrawTask[threads];
    this.stepTasks = new FloatStepTask[threads];
    this.steinTasks = new FloatSteinTask[threads];
    this.randomTasks = new FloatRandomTask[threads];
    for (int worker = 0; worker < threads; worker++) {
      tiles[worker] = new FloatTile();
      mixtureTasks[worker] = new FloatMixtureTask(tiles);
      rowTimesTasks[worker] = new FloatRowTimesTask(tiles);
      trajectoryTasks[worker] = new FloatTrajectoryTask(tiles);
      networkTasks[worker] = new FloatNetworkTask(tiles);
      forwardTasks[worker] = new FloatForwardTask(tiles);
      backwardTasks[worker] = new FloatBackwardTask(tiles);
      optimisers[worker] = new FloatAdam();
      drawTasks[worker] = new FloatDrawTask(tiles);
      trainees.add(new KernelCache<>(s -> new KernelCache<>(f -> new FloatTrainee(s, f, threads))));
      stepTasks[worker] = new FloatStepTask(tiles);
      steinTasks[worker] = new FloatSteinTask(tiles);
      randomTasks[worker] = new FloatRandomTask(tiles);
    }
  }

  @Override
  public void mixture(DiffusedMixture mixture, Batch x, MixtureOutputs outputs) {
    FloatPackedMixture packed = mixtures.get(mixture);
    int worker = pool.acquire();
    FloatMixtureTask task = mixtureTasks[worker];
    try {
      task.prepare(packed, x, outputs);
      pool.run(worker, x.rows(), grain(x.rows(), task.tileRows()), task);
    } finally {
      task.clear();
      pool.release(worker);
    }
  }

  @Override
  public void mixture(
      GaussianMixture mixture, Diffusion process, Batch times, Batch x, MixtureOutputs outputs) {
    FloatRowTimesKernel kernel =
        FloatRowTimesKernel.supports(mixture) ? rowTimesKernels.get(mixture) : null;
    int worker = pool.acquire();
    FloatRowTimesTask task = rowTimesTasks[worker];
    try {
      task.prepare(mixture, kernel, process, times, x, outputs);
      pool.run(worker, x.rows(), grain(x.rows(), FloatTile.rows(x.columns())), task);
    } finally {
      task.clear();
      pool.release(worker);
    }
  }

  @Override
  public boolean trajectory(
      GaussianMixture mixture, Plan plan, Batch x, TrajectoryOutputs outputs) {
    if (mixture.dimension() > LARGEST_FUSED_DIMENSION
        || FloatMixtureConstants.bytes(mixture) > LARGEST_FUSED_STAGE) {
      return false;
    }
    FloatTrajectory trajectory = trajectories.get(mixture).get(plan);
    int worker = pool.acquire();
    FloatTrajectoryTask task = trajectoryTasks[worker];
    try {
      task.prepare(trajectory, x, outputs);
      pool.run(worker, x.rows(), grain(x.rows(), trajectory.tileRows()), task);
    } finally {
      task.clear();
      pool.release(worker);
    }
    return true;
  }

  @Override
  public void network(Network network, double t, Batch x, NetworkOutputs outputs) {
    network(network, t, null, x, outputs);
  }

  @Override
  public void network(Network network, Batch times, Batch x, NetworkOutputs outputs) {
    network(network, Double.NaN, times, x, outputs);
  }

  private void network(Network network, double t, Batch times, Batch x, NetworkOutputs outputs) {
    FloatNetwork packed = networks.get(network);
    int worker = pool.acquire();
    FloatNetworkTask task = networkTasks[worker];
    try {
      task.prepare(packed, t, times, x, outputs);
      pool.run(worker, x.rows(), grain(x.rows(), packed.tileRows()), task);
    } finally {
      task.clear();
      pool.release(worker);
    }
  }

  @Override
  public void networkForward(
      NetworkShape shape, Frame frame, Batch parameters, Batch x, Batch y, Batch saved) {
    int worker = pool.acquire();
    FloatForwardTask task = forwardTasks[worker];
    try {
      FloatTrainee trainee = trainee(worker, shape, frame);
      task.prepare(trainee, parameters, x, y, saved);
      pool.run(worker, x.rows(), grain(x.rows(), trainee.tileRows()), task);
    } finally {
      task.clear();
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
    int worker = pool.acquire();
    FloatBackwardTask task = backwardTasks[worker];
    try {
      task.prepare(trainee(worker, shape, frame), parameters, x, saved, dy, dx, gradient);
      pool.run(worker, task.runs(), 1, task);
      if (gradient != null) {
        task.storeGradient(gradient.memory());
      }
    } finally {
      task.clear();
      pool.release(worker);
    }
  }

  private FloatTrainee trainee(int worker, NetworkShape shape, Frame frame) {
    return trainees.get(worker).get(shape).get(frame);
  }

  @Override
  public void adam(AdamStep step, Batch parameters, Batch gradient, Batch mean, Batch square) {
    int worker = pool.acquire();
    try {
      optimisers[worker].step(step, parameters, gradient, mean, square);
    } finally {
      pool.release(worker);
    }
  }

  @Override
  public void draw(Batch out, Batch source, long seed, long first) {
    int worker = pool.acquire();
    FloatDrawTask task = drawTasks[worker];
    try {
      task.prepare(out, source, seed, first);
      pool.run(worker, out.rows(), grain(out.rows(), FloatTile.rows(out.columns())), task);
    } finally {
      task.clear();
      pool.release(worker);
    }
  }

  @Override
  public void combine(Batch out, List<Batch> terms, double[] weights) {
    int worker = pool.acquire();
    FloatStepTask task = stepTasks[worker];
    try {
      task.prepare(out, terms, weights);
      pool.run(worker, out.rows(), grain(out.rows(), FloatTile.rows(out.columns())), task);
    } finally {
      task.clear();
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
    int worker = pool.acquire();
    FloatStepTask task = stepTasks[worker];
    try {
      task.prepare(x, slopes, stepSizes, weights, next, error);
      pool.run(worker, x.rows(), grain(x.rows(), FloatTile.rows(x.columns())), task);
    } finally {
      task.clear();
      pool.release(worker);
    }
  }

  @Override
  public void steinSums(Batch x, Batch u, Batch divergence, Batch sums) {
    int worker = pool.acquire();
    FloatSteinTask task = steinTasks[worker];
    try {
      task.prepare(x, u, divergence);
      pool.run(worker, task.runs(), 1, task);
      task.storeSums(sums.memory());
    } finally {
      task.clear();
      pool.release(worker);
    }
  }

  @Override
  public void random(Batch out, long seed, long first, boolean normal) {
    int worker = pool.acquire();
    FloatRandomTask task = randomTasks[worker];
    try {
      task.prepare(out, seed, first, normal);
      pool.run(worker, out.rows(), grain(out.rows(), FloatTile.rows(out.columns())), task);
    } finally {
      task.clear();
      pool.release(worker);
    }
  }

  /** The rows of a claim: whole tiles, few enough of them to keep every thread busy. */
  private long grain(long rows, int tileRows) {
    long share = rows / (TILES_PER_GRAIN * pool.threads());
    return Math.clamp(share / tileRows, 1, TILES_PER_GRAIN) * tileRows;
  }

  /** The elements of a batch, or null for none. */
  static MemorySegment memory(Batch batch) {
    return batch == null ? null : batch.memory();
  }
}
