package org.fewstep.cuda;

import java.util.List;
import org.bytedeco.javacpp.Pointer;
import org.fewstep.backend.AdamStep;
import org.fewstep.backend.AdaptiveOutputs;
import org.fewstep.backend.AdaptivePlan;
import org.fewstep.backend.Backend;
import org.fewstep.backend.Batch;
import org.fewstep.backend.BatchChecks;
import org.fewstep.backend.ErrorEstimate;
import org.fewstep.backend.MixtureOutputs;
import org.fewstep.backend.NetworkOutputs;
import org.fewstep.backend.Plan;
import org.fewstep.backend.Precision;
import org.fewstep.backend.TrajectoryOutputs;
import org.fewstep.diffusion.Diffusion;
import org.fewstep.mixture.DiffusedMixture;
import org.fewstep.mixture.GaussianMixture;
import org.fewstep.network.Frame;
import org.fewstep.network.Network;
import org.fewstep.network.NetworkShape;

/**
 * The kernels on a CUDA device: one device, one stream, and batches in the memory of the device.
 *
 * <p>Calls return when they are enqueued on the stream. Reading a batch, {@link #synchronize} and
 * {@link #close} wait for them, and a fault of a kernel surfaces there or in a later call, as a
 * {@link CudaException}. Batches of two backends on one device may be mixed once the one that wrote
 * them is synchronised.
 */
public final class CudaBackend implements Backend {

  /** The name by which the backend is chosen. */
  public static final String NAME = "cuda";

  private final CudaContext context;
  private final String space;
  private final MixtureKernels mixtures;
  private final NetworkKernels networks;
  private final LinearKernels linear;

  private CudaBackend(CudaContext context) {
    this.context = context;
    this.space = DeviceStorage.space(context.device());
    this.mixtures = new MixtureKernels(context);
    this.networks = new NetworkKernels(context);
    this.linear = new LinearKernels(context);
  }

  /**
   * Opens the device that the system property {@code fewstep.cuda.device} names, 0 if it is not
   * set, with a stream of its own.
   *
   * @throws IllegalStateException if CUDA is not available, with the reason
   */
  public static CudaBackend open() {
    requireAvailable();
    return open(CudaDevices.chosen());
  }

  /**
   * Opens a device by its index, with a stream of its own.
   *
   * @throws IllegalArgumentException if there is no such device
   * @throws IllegalStateException if CUDA is not available, with the reason
   */
  public static CudaBackend open(int device) {
    return onStream(device, null);
  }

  /**
   * Opens a device by its index, on a stream of the caller's.
   *
   * @param stream a {@code cudaStream_t}, such as the {@code CUstream_st} of Bytedeco's CUDA
   *     presets, that outlives the backend; null for a stream of its own
   * @throws IllegalArgumentException if there is no such device
   * @throws IllegalStateException if CUDA is not available, with the reason
   */
  public static CudaBackend onStream(int device, Pointer stream) {
    requireAvailable();
    CudaDevices.requireIndex(device, CudaDevices.count());
    return new CudaBackend(new CudaContext(device, stream == null ? 0 : stream.address()));
  }

  private static void requireAvailable() {
    String failure = NativeLibrary.load();
    if (failure != null) {
      throw new IllegalStateException("the backend 'cuda' is not available: " + failure);
    }
  }

  /**
   * Runs calls of this backend, and records them for being run again by {@link CudaGraph#launch}: a
   * CUDA graph. That pays where batches are small and calls are many, as in a few-step flow of a
   * mixture of many dimensions.
   *
   * @param calls operations of this backend on batches that are there, and that stay open while the
   *     graph is in use; they are made twice, and done once. What allocates, closes batches, reads,
   *     writes or waits cannot be among them, and so no call with a time for each row. Launches of
   *     the caller's own on {@link #stream} can.
   * @return the graph, to be closed by the caller
   * @throws IllegalStateException if a call cannot be recorded, with its name; the calls are then
   *     done once, and the backend is as before
   */
  public CudaGraph record(Runnable calls) {
    BatchChecks.requireGiven("calls", calls);
    return context.record(calls);
  }

  /** The device that this backend runs on. */
  public CudaDevice device() {
    context.requireOpen();
    return CudaDevices.get(context.device());
  }

  /** A clock of the device for the calls of this backend; the caller closes it. */
  public CudaTimer timer() {
    return new CudaTimer(context);
  }

  /** The {@code cudaStream_t} of this backend, for launches of the caller's own. */
  public Pointer stream() {
    return new ForeignPointer(context.stream());
  }

  /**
   * A batch over device memory that somebody else owns and keeps while the batch is in use.
   *
   * @param memory of this device, such as a {@code FloatPointer} that {@code cudaMalloc} filled in;
   *     its capacity is of no account
   * @throws IllegalArgumentException if the pointer is null or the shape is out of range
   */
  public Batch wrap(Pointer memory, long rows, int columns, Precision precision) {
    BatchChecks.requireGiven("memory", memory);
    context.requireOpen();
    if (memory.isNull()) {
      throw new IllegalArgumentException("memory must point to device memory, but is null");
    }
    long bytes = Batch.bytes(rows, columns, precision);
    return Batch.of(
        new DeviceStorage(context, memory.address(), bytes, false), rows, columns, precision);
  }

  /** The address of a batch in device memory, for launches of the caller's own. */
  public Pointer pointer(Batch batch) {
    BatchChecks.requireOpen("batch", batch);
    BatchChecks.requireSpace("batch", batch, space);
    return new ForeignPointer(batch.memory().address());
  }

  @Override
  public String name() {
    return NAME;
  }

  @Override
  public String description() {
    return CudaDevices.describe(context.device());
  }

  @Override
  public int threads() {
    return 1;
  }

  @Override
  public Batch allocate(long rows, int columns, Precision precision) {
    context.requireOpen();
    long bytes = Batch.bytes(rows, columns, precision);
    DeviceStorage storage =
        new DeviceStorage(context, context.allocate(bytes), Math.max(bytes, 1), true);
    return Batch.of(storage, rows, columns, precision);
  }

  @Override
  public void mixture(DiffusedMixture mixture, Batch x, MixtureOutputs outputs) {
    BatchChecks.requireMixture(space, mixture, x, outputs);
    mixtures.mixture(mixture, x, outputs);
  }

  @Override
  public void mixture(
      GaussianMixture mixture, Diffusion process, Batch times, Batch x, MixtureOutputs outputs) {
    BatchChecks.requireMixture(space, mixture, process, times, x, outputs);
    mixtures.mixture(mixture, process, times, x, outputs);
  }

  @Override
  public boolean trajectory(
      GaussianMixture mixture, Plan plan, Batch x, TrajectoryOutputs outputs) {
    BatchChecks.requireTrajectory(space, mixture, plan, x, outputs);
    return mixtures.trajectory(mixture, plan, x, outputs);
  }

  @Override
  public boolean trajectory(
      GaussianMixture mixture, AdaptivePlan plan, Batch x, AdaptiveOutputs outputs) {
    BatchChecks.requireTrajectory(space, mixture, plan, x, outputs);
    return mixtures.trajectory(mixture, plan, x, outputs);
  }

  @Override
  public void network(Network network, double t, Batch x, NetworkOutputs outputs) {
    BatchChecks.requireNetwork(space, network, t, x, outputs);
    networks.network(network, t, x, outputs);
  }

  @Override
  public void network(Network network, Batch times, Batch x, NetworkOutputs outputs) {
    BatchChecks.requireNetwork(space, network, times, x, outputs);
    networks.network(network, times, x, outputs);
  }

  @Override
  public boolean networkTrajectory(Network network, Plan plan, Batch x, TrajectoryOutputs outputs) {
    BatchChecks.requireNetworkTrajectory(space, network, plan, x, outputs);
    return networks.trajectory(network, plan, x, outputs);
  }

  @Override
  public void networkForward(
      NetworkShape shape, Frame frame, Batch parameters, Batch x, Batch y, Batch saved) {
    BatchChecks.requireForward(space, shape, frame, parameters, x, y, saved);
    networks.forward(shape, frame, parameters, x, y, saved);
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
    BatchChecks.requireBackward(space, shape, frame, parameters, x, saved, dy, dx, gradient);
    networks.backward(shape, frame, parameters, x, saved, dy, dx, gradient);
  }

  @Override
  public void adam(AdamStep step, Batch parameters, Batch gradient, Batch mean, Batch square) {
    BatchChecks.requireAdam(space, step, parameters, gradient, mean, square);
    networks.adam(step, parameters, gradient, mean, square);
  }

  @Override
  public void draw(Batch out, Batch source, long seed, long first) {
    BatchChecks.requireDraw(space, out, source, first);
    linear.draw(out, source, seed, first);
  }

  @Override
  public void combine(Batch out, List<Batch> terms, double[] weights) {
    BatchChecks.requireCombine(space, out, terms, weights);
    linear.combine(out, terms, weights);
  }

  @Override
  public void step(
      Batch x,
      List<Batch> slopes,
      Batch stepSizes,
      double[] weights,
      Batch next,
      ErrorEstimate error) {
    BatchChecks.requireStep(space, x, slopes, stepSizes, weights, next, error);
    linear.step(x, slopes, stepSizes, weights, next, error);
  }

  @Override
  public void steinSums(Batch x, Batch u, Batch divergence, Batch sums) {
    BatchChecks.requireSteinSums(space, x, u, divergence, sums);
    linear.steinSums(x, u, divergence, sums);
  }

  @Override
  public void normal(Batch out, long seed, long first) {
    BatchChecks.requireStream(space, out, first);
    linear.random(out, seed, first, true);
  }

  @Override
  public void uniform(Batch out, long seed, long first) {
    BatchChecks.requireStream(space, out, first);
    linear.random(out, seed, first, false);
  }

  @Override
  public void synchronize() {
    context.synchronize();
  }

  @Override
  public void close() {
    context.close();
  }

  /** An address that others own. */
  private static final class ForeignPointer extends Pointer {

    ForeignPointer(long address) {
      super((Pointer) null);
      this.address = address;
    }
  }
}
