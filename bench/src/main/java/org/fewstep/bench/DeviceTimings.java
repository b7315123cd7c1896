package org.fewstep.bench;

import java.io.IOException;
import java.io.PrintStream;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Iterator;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.fewstep.backend.Backend;
import org.fewstep.backend.Backends;
import org.fewstep.backend.Batch;
import org.fewstep.backend.MixtureOutputs;
import org.fewstep.backend.NetworkOutputs;
import org.fewstep.backend.Plan;
import org.fewstep.backend.Precision;
import org.fewstep.backend.TrajectoryOutputs;
import org.fewstep.bench.Contest.Pace;
import org.fewstep.bench.Contest.Timing;
import org.fewstep.cuda.CudaBackend;
import org.fewstep.cuda.CudaDevice;
import org.fewstep.cuda.CudaTimer;
import org.fewstep.flow.DormandPrince;
import org.fewstep.flow.Flow;
import org.fewstep.flow.FlowResult;
import org.fewstep.flow.Heun;
import org.fewstep.flow.NetworkField;
import org.fewstep.network.Network;

/**
 * The times of the kernels on a CUDA device, by events of the device, each beside the limits that
 * the device sets it. All take turns in one process, as {@link Contest} has it.
 *
 * <p>Usage: {@code DeviceTimings [--output FILE] [--rounds N] [--small]}; see the README beside the
 * sources. Every first result is compared with the scalar backend, and a task that is wrong, or
 * fails, is not timed: it is told, and the exit status is 1.
 */
public final class DeviceTimings {

  private static final String USAGE = "usage: DeviceTimings [--output FILE] [--rounds N] [--small]";

  /** Some seconds for everything, unless a task is very slow. */
  private static final Pace PACE = new Pace(10, 0.5, 0.1);

  private static final double SCORE_TOLERANCE = 1e-3;

  /** Adam's first step is the sign of a gradient, nearly: where that is small, rounding shows. */
  private static final double STEP_TOLERANCE = 2e-2;

  private static final double ADAPTIVE_TOLERANCE = 1e-3;

  private static final int NETWORK_DEPTH = 8;
  private static final int STEPS = 8;

  /**
   * Calls that are enqueued before the device is waited for: it must not be the queue that waits.
   */
  private static final int QUEUED = 64;

  /**
   * The rows of everything.
   *
   * @param score of the score in two dimensions
   * @param wide of the score in many
   * @param components of the latter
   * @param points of flows and networks
   * @param batch of training
   * @param calls of a small batch, whose time on the host is measured
   */
  private record Sizes(long score, long wide, int components, long points, int batch, int calls) {

    private static final Sizes FULL = new Sizes(4_000_000, 65_536, 4096, 1_000_000, 4096, 4000);

    /** Ragged, and quick on the host's emulation of a device and under a sanitizer. */
    private static final Sizes SMALL = new Sizes(1003, 131, 131, 131, 67, 2);
  }

  private final Sizes sizes;
  private final Pace pace;
  private final PrintStream out;
  private final CudaBackend backend;
  private final CudaTimer timer;
  private final CudaDevice device;
  private final List<DeviceTask> tasks = new ArrayList<>();
  private final List<DeviceReport.HostTime> hostTimes = new ArrayList<>();
  private final Map<String, String> failures = new LinkedHashMap<>();

  private DeviceTimings(Sizes sizes, Pace pace, PrintStream out, CudaBackend backend) {
    this.sizes = sizes;
    this.pace = pace;
    this.out = out;
    this.backend = backend;
    this.timer = backend.timer();
    this.device = backend.device();
  }

  /** Measures; exits with 1 if a task fails, with 2 if there is no device or no such option. */
  public static void main(String... arguments) throws IOException {
    System.exit(run(System.out, arguments));
  }

  /** The same for callers in this process; returns the exit status. */
  static int run(PrintStream out, String... arguments) throws IOException {
    Path output = null;
    Sizes sizes = Sizes.FULL;
    Pace pace = PACE;
    try {
      Iterator<String> words = List.of(arguments).iterator();
      while (words.hasNext()) {
        String option = words.next();
        switch (option) {
          case "--small" -> {
            sizes = Sizes.SMALL;
            pace = Pace.ONCE;
          }
          case "--output" -> output = Path.of(words.next());
          case "--rounds" -> pace = pace.withRounds(Integer.parseInt(words.next()));
          default -> throw new IllegalArgumentException(option);
        }
      }
    } catch (RuntimeException e) {
      out.println(USAGE);
      return 2;
    }
    try (CudaBackend backend = CudaBackend.open()) {
      DeviceTimings timings = new DeviceTimings(sizes, pace, out, backend);
      timings.measure(output);
      return timings.failures.isEmpty() ? 0 : 1;
    } catch (IllegalStateException e) {
      out.println(e.getMessage());
      return 2;
    }
  }

  private void measure(Path output) throws IOException {
    out.println(backend.description());
    prepare("score, d=2", this::score);
    prepare("score, d=128", this::wideScore);
    prepare("flow, Heun", this::flow);
    prepare("adaptive flow", this::adaptiveFlow);
    prepare("network, width 64", () -> network(64));
    prepare("network, width 128", () -> network(128));
    prepare("sampling by a network", this::sampling);
    prepare("step of training", this::training);
    List<Timing> timings = new ArrayList<>();
    prepare("taking turns", () -> timings.addAll(Contest.run(tasks, pace)));
    prepare("time of the host", this::hostTimes);
    DeviceReport report =
        new DeviceReport(device, tasks, timings, hostTimes, failures, !sizes.equals(Sizes.SMALL));
    report.print(out);
    if (output != null) {
      report.write(output);
    }
    tasks.forEach(DeviceTask::close);
  }

  /** One task's failure leaves the others alone. */
  private void prepare(String name, Runnable preparation) {
    try {
      preparation.run();
    } catch (RuntimeException | AssertionError e) {
      failures.put(name, e.toString());
    }
  }

  private Batch batch(long rows, int columns) {
    return backend.allocate(rows, columns, Precision.FLOAT32);
  }

  private Batch batch(float[] values, int columns) {
    Batch batch = batch(values.length / columns, columns);
    batch.copyFrom(values);
    return batch;
  }

  private void add(
      String name,
      Runnable call,
      DeviceWork work,
      double amount,
      String unit,
      double asked,
      String note,
      Batch... batches) {
    tasks.add(new DeviceTask(name, call, work, amount, unit, asked, note, timer, List.of(batches)));
  }

  private static double[] firstRows(Batch batch) {
    return batch.slice(0, Math.min(batch.rows(), Agreement.ROWS)).toDoubleArray();
  }

  private Runnable score(Workload workload, Batch x, Batch score) {
    MixtureOutputs outputs = MixtureOutputs.none().withScore(score);
    Runnable call = () -> backend.mixture(workload.mixture(), x, outputs);
    call.run();
    Agreement.require(
        "the score",
        workload.expectedScore(),
        firstRows(score),
        workload.dimension(),
        SCORE_TOLERANCE);
    return call;
  }

  private void score() {
    Workload workload = Workload.of(2, 64, sizes.score, 0.5);
    Batch x = batch(workload.points(), 2);
    Batch score = batch(workload.rows(), 2);
    add(
        "score, d=2, K=64, n=%d".formatted(workload.rows()),
        score(workload, x, score),
        DeviceWork.pairs(workload.pairs(), 2, workload.rows()),
        workload.pairs(),
        "pairs/s",
        2.5e12,
        "",
        x,
        score);
  }

  private void wideScore() {
    Workload workload = Workload.of(128, sizes.components, sizes.wide, 1);
    Batch x = batch(workload.points(), 128);
    Batch score = batch(workload.rows(), 128);
    DeviceWork work = DeviceWork.pairsByProducts(workload.pairs(), 128, workload.rows());
    add(
        "score, d=128, K=%d, n=%d".formatted(sizes.components, workload.rows()),
        score(workload, x, score),
        work,
        work.productOperations(),
        "FLOP/s",
        60e12,
        "4 n K d operations, those of the two products",
        x,
        score);
  }

  /** The kernel alone, and the call that users make, which looks at every row of the result. */
  private void flow() {
    FlowWorkload workload = FlowWorkload.ring8(STEPS, sizes.points);
    Plan plan = new Heun().compile(workload.process(), workload.knots());
    Batch x = batch(workload.noise(), 2);
    Batch end = batch(workload.rows(), 2);
    TrajectoryOutputs outputs = TrajectoryOutputs.end(end);
    int components = workload.mixture().components();
    DeviceWork work =
        DeviceWork.pairs(
            (double) workload.rows() * components * plan.evaluations(), 2, workload.rows());
    String name = "flow, d=2, K=%d, n=%d, %d Heun steps".formatted(components, sizes.points, STEPS);
    if (!backend.trajectory(workload.mixture(), plan, x, outputs)) {
      throw new AssertionError("the trajectory is not fused");
    }
    requireEnd(workload, firstRows(end));
    add(
        name + ", the kernel",
        () -> backend.trajectory(workload.mixture(), plan, x, outputs),
        work,
        (double) workload.rows(),
        "points/s",
        0,
        "",
        x,
        end);
    Flow flow =
        Flow.of(workload.mixture(), workload.process())
            .withSolver(new Heun())
            .withGrid(workload.grid());
    addRun(name + ", Flow.run", flow, x, work, "");
  }

  private static void requireEnd(FlowWorkload workload, double[] end) {
    Agreement.require(
        "the flow", FlowTask.expectedEnd(workload, new Heun()), end, 2, FlowWorkload.TOLERANCE);
  }

  private void addRun(String name, Flow flow, Batch x, DeviceWork work, String note) {
    add(name, () -> flow.run(backend, x).close(), work, (double) x.rows(), "points/s", 0, note, x);
  }

  private void adaptiveFlow() {
    FlowWorkload workload = FlowWorkload.ring8(1, sizes.points);
    DormandPrince solver = new DormandPrince(ADAPTIVE_TOLERANCE, ADAPTIVE_TOLERANCE / 100);
    Flow flow =
        Flow.of(workload.mixture(), workload.process())
            .withSolver(solver)
            .withGrid(workload.grid());
    Batch x = batch(workload.noise(), 2);
    int components = workload.mixture().components();
    try (FlowResult result = flow.run(backend, x)) {
      Agreement.require(
          "the adaptive flow",
          FlowTask.expectedEnd(workload, solver),
          firstRows(result.end()),
          2,
          // steps are taken or not by errors that differ in their last digits
          FlowWorkload.TOLERANCE);
      double evaluations = result.statistics().totalEvaluations();
      addRun(
          "flow, d=2, K=%d, n=%d, dopri5 at %.0e, Flow.run"
              .formatted(components, sizes.points, ADAPTIVE_TOLERANCE),
          flow,
          x,
          DeviceWork.pairs(evaluations * components, 2, workload.rows()),
          "%.1f evaluations a point".formatted(evaluations / (double) workload.rows()));
    }
  }

  private void network(int width) {
    Network network = NetworkWorkload.relu(2, 2, width, NETWORK_DEPTH);
    NetworkRows rows = new NetworkRows(network, sizes.points);
    Batch x = batch(rows.values(), 2);
    Batch y = batch(rows.rows(), 2);
    NetworkOutputs outputs = NetworkOutputs.none().withValue(y);
    Runnable call = () -> backend.network(network, 0, x, outputs);
    call.run();
    Agreement.require("the network", rows.expected(), firstRows(y), 2, SCORE_TOLERANCE);
    DeviceWork work = DeviceWork.layers(rows.rows(), rows.weights(), 1, 4);
    add(
        "network forward, 2-%d-2, depth %d, n=%d".formatted(width, NETWORK_DEPTH, rows.rows()),
        call,
        work,
        work.productOperations(),
        "FLOP/s",
        0,
        "",
        x,
        y);
  }

  /** A velocity that takes the time, as samplers have it. */
  private void sampling() {
    FlowWorkload workload = FlowWorkload.ring8(STEPS, sizes.points);
    Network network =
        NetworkWorkload.relu(3, 2, 64, NETWORK_DEPTH)
            .withTimeInput()
            .withTimes(workload.process(), workload.grid().end(), workload.grid().start());
    Flow flow = Flow.of(NetworkField.of(network)).withSolver(new Heun()).withGrid(workload.grid());
    Batch x = batch(workload.noise(), 2);
    try (FlowResult result = flow.run(backend, x);
        Backend scalar = Backends.named("scalar");
        Batch first = scalar.allocate(Math.min(x.rows(), Agreement.ROWS), 2, Precision.FLOAT64)) {
      first.copyFrom(firstRows(x));
      try (FlowResult expected = flow.run(scalar, first)) {
        Agreement.require(
            "sampling by a network",
            expected.end().toDoubleArray(),
            firstRows(result.end()),
            2,
            FlowWorkload.TOLERANCE);
      }
      int evaluations = result.statistics().evaluations(0);
      addRun(
          "sampling by a network, 3-64-2, depth %d, n=%d, %d Heun steps, Flow.run"
              .formatted(NETWORK_DEPTH, x.rows(), STEPS),
          flow,
          x,
          DeviceWork.layers(x.rows(), new NetworkRows(network, 0).weights(), evaluations, 4),
          result.fused() ? "fused" : "composed of single steps");
    }
  }

  private void training() {
    TrainingStep step = TrainingStep.of(64, 2, sizes.batch);
    TrainingTask task = new TrainingTask(backend, Precision.FLOAT32, step);
    task.run();
    Agreement.require("the step of training", step.expected(), task.result(), 2, STEP_TOLERANCE);
    int parameters = step.shape().parameters();
    // a product forward, two backward; of Adam seven numbers a parameter, and one for the norm
    DeviceWork products = DeviceWork.layers(step.rows(), parameters, 3, 6);
    double bytes = products.bytes() + 8.0 * Float.BYTES * parameters;
    add(
        "step of training, 2-64-64-2, batch %d".formatted(step.rows()),
        task,
        new DeviceWork(0, 0, products.products(), bytes),
        1,
        "steps/s",
        0,
        "forward, backward, Adam");
  }

  /** How long the host is kept by a call on few rows. */
  private void hostTimes() {
    Workload workload = Workload.of(2, 64, 1000, 0.5);
    FlowWorkload flow = FlowWorkload.ring8(STEPS, 1000);
    Plan plan = new Heun().compile(flow.process(), flow.knots());
    Network network = NetworkWorkload.relu(2, 2, 64, NETWORK_DEPTH);
    try (Batch x = batch(workload.points(), 2);
        Batch y = batch(1000, 2)) {
      MixtureOutputs score = MixtureOutputs.none().withScore(y);
      TrajectoryOutputs end = TrajectoryOutputs.end(y);
      NetworkOutputs value = NetworkOutputs.none().withValue(y);
      hostTime("score, d=2, K=64, n=1000", () -> backend.mixture(workload.mixture(), x, score));
      hostTime(
          "flow, d=2, K=8, n=1000, 8 Heun steps",
          () -> backend.trajectory(flow.mixture(), plan, x, end));
      hostTime("network forward, 2-64-2, n=1000", () -> backend.network(network, 0, x, value));
    }
  }

  private void hostTime(String name, Runnable call) {
    long[] nanos = new long[sizes.calls];
    // the first half warms up
    for (int i = 0; i < 2 * nanos.length; i++) {
      long start = System.nanoTime();
      call.run();
      nanos[i % nanos.length] = System.nanoTime() - start;
      if (i % QUEUED == 0) {
        backend.synchronize();
      }
    }
    backend.synchronize();
    Arrays.sort(nanos);
    hostTimes.add(new DeviceReport.HostTime(name, 1e-9 * nanos[nanos.length / 2]));
  }
}
