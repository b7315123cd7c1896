package org.fewstep.backend;

import java.util.List;
import org.fewstep.diffusion.Diffusion;
import org.fewstep.mixture.DiffusedMixture;
import org.fewstep.mixture.GaussianMixture;
import org.fewstep.network.Frame;
import org.fewstep.network.Network;
import org.fewstep.network.NetworkShape;

/**
 * The kernels: every operation is one call for a whole batch and asks only for the outputs that it
 * wants.
 *
 * <p>A kernel never allocates its result, never copies between host and device, and never logs.
 * Arguments are checked before any work; bad ones are an {@link IllegalArgumentException} that
 * names the argument, a closed batch or backend an {@link IllegalStateException}. NaN or infinity
 * in a row gives NaN in that row's outputs alone. For one backend and one instruction set a row's
 * result does not depend on the batch around it, its position, or the number of threads: bit for
 * bit. An output may be the input x itself, but not a shifted view of it.
 *
 * <p>All batches of a call have the same precision, unless said otherwise, and lie in a memory
 * space of the backend. A backend may be used from many threads at once. Calls of a CPU backend
 * return when done; others may return when enqueued, see {@link #synchronize()}.
 */
public interface Backend extends AutoCloseable {

  /** The name by which the backend was chosen: "scalar", "vector", "cuda". */
  String name();

  /** One line for people: instruction set or device, width, threads. */
  String description();

  /** The number of threads that rows are split over; 1 for a device. */
  int threads();

  /**
   * A zeroed batch in this backend's memory, owned by the caller, who closes it.
   *
   * @throws IllegalArgumentException if the shape is out of range or the memory is not to be had
   */
  Batch allocate(long rows, int columns, Precision precision);

  /**
   * Evaluates a mixture at one time for every row of x.
   *
   * @param mixture the mixture at the time of evaluation
   * @param x [n,d], the points
   * @param outputs what is wanted, written on return
   */
  void mixture(DiffusedMixture mixture, Batch x, MixtureOutputs outputs);

  /**
   * Evaluates a mixture at one time per row, for adaptive solvers.
   *
   * @param times [n,1] in FLOAT64 whatever the precision of x: the time of each row; a row whose
   *     time is NaN, or not one of the process, gives NaN
   */
  void mixture(
      GaussianMixture mixture, Diffusion process, Batch times, Batch x, MixtureOutputs outputs);

  /**
   * Runs a whole fixed-step trajectory of the probability flow of a mixture.
   *
   * @return false, having done nothing, if this backend does not fuse trajectories of this mixture;
   *     the caller then composes single steps, with the same result within rounding
   */
  boolean trajectory(GaussianMixture mixture, Plan plan, Batch x, TrajectoryOutputs outputs);

  /**
   * Runs a whole adaptive trajectory of the probability flow of a mixture, every row with steps of
   * its own.
   *
   * @return false, having done nothing, if this backend does not fuse adaptive trajectories of this
   *     mixture under this process; the caller then composes single steps, and the same rows take
   *     the same steps, within rounding
   */
  boolean trajectory(GaussianMixture mixture, AdaptivePlan plan, Batch x, AdaptiveOutputs outputs);

  /**
   * Evaluates a network for every row of x, at one time.
   *
   * @param t the time of all rows, within the network's times; of no account to a network that
   *     takes no time
   * @param x [n,d], the time not among the columns
   * @param outputs what is wanted, written on return
   */
  void network(Network network, double t, Batch x, NetworkOutputs outputs);

  /**
   * Evaluates a network at one time per row, for adaptive solvers.
   *
   * @param times [n,1] in FLOAT64 whatever the precision of x: the time of each row; a row whose
   *     time is NaN, or not one of the network's, gives NaN
   */
  void network(Network network, Batch times, Batch x, NetworkOutputs outputs);

  /**
   * Runs a whole fixed-step trajectory of the flow whose score, velocity or denoised point a
   * network gives: what a stage of the plan evaluates follows from the output by {@link
   * Conversion}.
   *
   * @param network holds at the time of every stage
   * @return false, having done nothing, if this backend does not fuse trajectories of this network,
   *     plan and outputs; the caller then composes single steps, with the same result within
   *     rounding
   */
  boolean networkTrajectory(Network network, Plan plan, Batch x, TrajectoryOutputs outputs);

  /**
   * The forward pass of a network in training, whose parameters are a batch.
   *
   * @param shape the layers; x has as many columns as it has inputs
   * @param frame what surrounds the layers
   * @param parameters [1,P], in the order of the shape
   * @param x [n,in]
   * @param y [n,out], written
   * @param saved [n,H] with H the {@linkplain NetworkShape#hiddenUnits hidden units}: what the
   *     backward pass wants, in an order of the backend's own; null if there will be none, or H = 0
   */
  void networkForward(
      NetworkShape shape, Frame frame, Batch parameters, Batch x, Batch y, Batch saved);

  /**
   * The backward pass: from the derivative of a loss in y to those in the parameters and in x.
   *
   * <p>The sum over rows is taken over fixed runs of rows, then over the runs in order: its bits
   * depend on the batch, not on the number of threads.
   *
   * @param saved as {@link #networkForward} wrote it for the same parameters and x
   * @param dy [n,out]
   * @param dx [n,in], written; null if it is not wanted
   * @param gradient [1,P], written: the derivative in every parameter, summed over rows; null if it
   *     is not wanted
   */
  void networkBackward(
      NetworkShape shape,
      Frame frame,
      Batch parameters,
      Batch x,
      Batch saved,
      Batch dy,
      Batch dx,
      Batch gradient);

  /**
   * One step of an optimiser, see {@link AdamStep}. A gradient that is not finite makes the
   * parameters NaN.
   *
   * @param parameters [1,P], changed
   * @param gradient [1,P]
   * @param mean [1,P], the moving mean m of the gradient, changed; zero before the first step
   * @param square [1,P], the moving mean v of its squares, likewise
   */
  void adam(AdamStep step, Batch parameters, Batch gradient, Batch mean, Batch square);

  /**
   * Draws rows with replacement: row i of {@code out} is row {@code floor(u n)} of {@code source},
   * u the uniform number {@code first + i} of the Philox stream of the seed. The same seed draws
   * the same rows of two sources.
   *
   * @param out [b,d]
   * @param source [n,d], n >= 1, not {@code out}
   * @param first the number in the stream of the first row, >= 0
   */
  void draw(Batch out, Batch source, long seed, long first);

  /**
   * The linear combination {@code out = sum_j weights[j] terms[j]}, summed in the order given;
   * terms with weight zero are not read. {@code out} may be one of the terms. NaN and infinity go
   * the way of the arithmetic, element by element.
   *
   * @param out [n,d]
   * @param terms at most {@value Plan#MAX_SLOTS} batches [n,d]
   * @param weights one per term
   */
  void combine(Batch out, List<Batch> terms, double[] weights);

  /**
   * One stage or step of a Runge-Kutta method with a step size per row: {@code next = x + h sum_j
   * weights[j] slopes[j]}, and, if asked, its error estimate {@code h sum_j error.weights[j]
   * slopes[j]}. NaN and infinity go the way of the arithmetic, element by element.
   *
   * @param x [n,d]
   * @param slopes at most {@value Plan#MAX_SLOTS} batches [n,d]; those with weight zero in both
   *     rows are not read
   * @param stepSizes [n,1] in FLOAT64: h of each row, of either sign; 0 leaves the row, and its
   *     error, as it is
   * @param weights one per slope
   * @param next [n,d], may be x
   * @param error the error estimate wanted, or null
   */
  void step(
      Batch x,
      List<Batch> slopes,
      Batch stepSizes,
      double[] weights,
      Batch next,
      ErrorEstimate error);

  /**
   * The sums over rows that Stein's coefficient of a sampler's step is made of: of {@code <u, x>},
   * of {@code |u|^2} and of the divergence of u. NaN and infinity go the way of the arithmetic.
   *
   * <p>They are accumulated in float64 whatever the precision, in an order of their own for every
   * backend: their bits depend on the batch, not on the number of threads.
   *
   * @param x [n,d]
   * @param u [n,d], what the step takes from x
   * @param divergence [n,1]
   * @param sums [1,3] in FLOAT64, written: the three in this order; zeros if n = 0
   */
  void steinSums(Batch x, Batch u, Batch divergence, Batch sums);

  /**
   * Fills a batch with standard normals from the Philox stream of {@link Philox}: element e of the
   * batch in row-major order is number {@code first + e} of the stream, whatever the backend.
   *
   * @param seed any value
   * @param first the number in the stream of the first element, >= 0
   */
  void normal(Batch out, long seed, long first);

  /** Fills a batch with uniforms in [0, 1) from the Philox stream, like {@link #normal}. */
  void uniform(Batch out, long seed, long first);

  /** Waits until every call made so far is done; errors of kernels surface here. */
  void synchronize();

  /** Releases threads, device memory and caches. Harmless when repeated. */
  @Override
  void close();
}
