package org.fewstep.bench;

import java.util.ArrayList;
import java.util.List;
import org.fewstep.backend.BackendOptions;
import org.fewstep.backend.Backends;
import org.fewstep.backend.Precision;
import org.fewstep.bench.Contest.Timing;
import org.fewstep.bench.Report.Bound;
import org.fewstep.diffusion.OrnsteinUhlenbeck;
import org.fewstep.mixture.ExampleMixtures;
import org.fewstep.network.Network;
import org.fewstep.network.NetworkCompiler;
import org.fewstep.training.TrainingOptions;

/** The section of networks: evaluations of drawn and of compiled ones, and training. */
final class NetworkRatios {

  private static final int DEPTH = 4;
  private static final long ROWS = 8192;

  /** What float32 holds at the time of the compiled networks, for either mixture. */
  private static final double COMPILED_TOLERANCE = 1e-2;

  private static final double COMPILED_TIME = 0.01;

  private final Ratios ratios;
  private final Report report;

  NetworkRatios(Ratios ratios) {
    this.ratios = ratios;
    this.report = ratios.report();
  }

  void run() {
    wide();
    narrow(32, 0.35);
    narrow(64, 0.5);
    narrow(128, 0.6);
    step();
    segment();
    compiled("ring8");
    compiled("grid16");
    allocation();
  }

  /** Wide layers: against the matrix products that they cannot do without. */
  private void wide() {
    int width = ratios.quick() ? 128 : 1024;
    report.section(
        "network, width %d, depth %d, n=2048, float32, one thread".formatted(width, DEPTH));
    NetworkRows workload =
        new NetworkRows(NetworkWorkload.of(width, width, DEPTH, false), ratios.rows(2048));
    NetworkTask ours = task("network", workload);
    List<Contender> products = ratios.peers(peer -> peer.networkProducts(workload, 1));
    List<Contender> rivals = ratios.peers(peer -> peer.network(workload, 1));
    requireSameOutputs(workload, ours, rivals);
    List<Contender> all = new ArrayList<>(List.of(Ratios.fma(Precision.FLOAT32), ours));
    all.addAll(products);
    all.addAll(rivals);
    List<Timing> timings = ratios.contest(all);

    Timing own = timings.get(1);
    shareOfPeak("", workload, timings.get(0), own, null);
    ratios.against("OpenBLAS", own, timings, Bound.atLeast(0.9));
    ratios.against("LibTorch", own, timings, null);
  }

  /** Narrow layers, between points of two dimensions and between points as wide as they are. */
  private void narrow(int width, double share) {
    report.section(
        "network, width %d, depth %d, n=%d, float32, one thread".formatted(width, DEPTH, ROWS));
    List<NetworkRows> workloads = new ArrayList<>();
    List<Contender> all = new ArrayList<>(List.of(Ratios.fma(Precision.FLOAT32)));
    for (int d : new int[] {width, 2}) {
      NetworkRows workload =
          new NetworkRows(NetworkWorkload.of(d, width, DEPTH, false), ratios.rows(ROWS));
      NetworkTask ours = task("network, d=" + d, workload);
      List<Contender> rivals = ratios.peers(peer -> peer.network(workload, 1));
      requireSameOutputs(workload, ours, rivals);
      workloads.add(workload);
      all.add(ours);
      all.addAll(rivals);
    }
    List<Timing> timings = ratios.contest(all);

    int each = (timings.size() - 1) / workloads.size();
    for (int i = 0; i < workloads.size(); i++) {
      List<Timing> own = timings.subList(1 + i * each, 1 + (i + 1) * each);
      String d = ", d=" + workloads.get(i).network().inputs();
      shareOfPeak(d, workloads.get(i), timings.get(0), own.get(0), Bound.atLeast(share));
      ratios.against("LibTorch", own.get(0), own, null);
    }
  }

  private void shareOfPeak(String of, NetworkRows workload, Timing loop, Timing own, Bound bound) {
    double peak = Ratios.fmaOperations(Precision.FLOAT32) / loop.best();
    double operations = workload.operations() / own.best();
    report.figure("operations a second" + of, operations * 1e-9, "GFLOP/s");
    report.figure("share of the FMA peak of one core" + of, operations / peak, "", bound);
  }

  /** A step of training: against the same step by array operations. */
  private void step() {
    TrainingStep step = TrainingStep.of(64, 2, ratios.rows(4096));
    report.section("training step, %s, batch 4096, float32, one thread".formatted(step.shape()));
    TrainingTask ours = task(step, 1);
    List<Contender> all = new ArrayList<>(List.of(Ratios.fma(Precision.FLOAT32), ours));
    all.addAll(ratios.peers(peer -> peer.trainingStep(step, 1)));
    double[] expected = step.expected();
    for (Contender contender : all.subList(1, all.size())) {
      contender.seconds(1);
      Agreement.require(contender.name(), expected, contender.result(), 2, 2e-3);
    }
    ratios.compile(ours);
    List<Timing> timings = ratios.contest(all);

    double operations = 6.0 * step.rows() * step.shape().parameters() / timings.get(1).best();
    double peak = Ratios.fmaOperations(Precision.FLOAT32) / timings.get(0).best();
    report.figure("steps a second", 1 / timings.get(1).best(), "1/s");
    report.figure("share of the FMA peak of one core", operations / peak, "");
    ratios.against("LibTorch", timings.get(1), timings, Bound.atLeast(5));
  }

  /** A whole training with the settings that nobody chose. */
  private void segment() {
    report.section("training of one segment, width 32, default settings, d=2, one thread");
    TrainingOptions options = new TrainingOptions();
    if (ratios.quick()) {
      options = options.withSteps(300);
    }
    SegmentTraining ours =
        new SegmentTraining(ratios.backend(), 1, 32, ratios.rows(16_384), options);
    report.figure("the first training of this process", ours.seconds(1), "s");
    ours.requireLearning();
    Timing timing = ratios.contest(List.of(ours)).get(0);
    report.figure("seconds, best", timing.best(), "s", Bound.atMost(2));
    report.figure("seconds, median", timing.median(), "s");
  }

  /** What the compiler makes of a mixture: against the same layers with their zeros. */
  private void compiled(String example) {
    report.section(
        "compiled network, %s, t=%s, n=%d, float32, one thread"
            .formatted(example, COMPILED_TIME, ROWS));
    Network network =
        NetworkCompiler.of(ExampleMixtures.named(example), new OrnsteinUhlenbeck())
            .withTolerance(COMPILED_TOLERANCE)
            .compile(COMPILED_TIME)
            .network();
    NetworkRows sparse = new NetworkRows(network, ratios.rows(ROWS));
    NetworkTask ours = task("sparse", sparse);
    NetworkTask dense = task("dense", sparse.toDense());
    requireSameOutputs(sparse, ours, List.of(dense));
    List<Timing> timings = ratios.contest(List.of(ours, dense));

    report.note("network", network.toString());
    report.figure("parameters held", network.parameters(), "");
    report.figure("weights of the dense layers", sparse.weights(), "");
    report.figure("rows a second", sparse.rows() / timings.get(0).best() * 1e-6, "1e6/s");
    report.figure(
        "times as fast as dense",
        timings.get(1).timesAsLongAs(timings.get(0)),
        "",
        Bound.atLeast(5));
    report.figure(
        "the same, median of rounds", timings.get(1).medianTimesAsLongAs(timings.get(0)), "");
  }

  /** Hot paths allocate nothing. */
  private void allocation() {
    report.section("bytes allocated a call, networks");
    int calls = ratios.quick() ? 2 : 500;
    NetworkRows rows = new NetworkRows(NetworkWorkload.of(2, 64, DEPTH, false), ratios.rows(ROWS));
    TrainingStep step = TrainingStep.of(64, 2, ratios.rows(4096));
    for (int threads : new int[] {1, 2}) {
      try (NetworkTask task = new NetworkTask(ratios.backend(), threads, "network", rows)) {
        ratios.allocated("network, width 64", threads, calls, task);
      }
      try (TrainingTask task = task(step, threads)) {
        ratios.allocated("training step, " + step.shape(), threads, calls, task);
      }
    }
  }

  private NetworkTask task(String form, NetworkRows workload) {
    return new NetworkTask(ratios.backend(), 1, form, workload);
  }

  private TrainingTask task(TrainingStep step, int threads) {
    BackendOptions options = BackendOptions.defaults().withThreads(threads);
    return new TrainingTask(Backends.named(ratios.backend(), options), Precision.FLOAT32, step);
  }

  private static void requireSameOutputs(
      NetworkRows workload, Contender ours, List<? extends Contender> others) {
    double[] expected = workload.expected();
    List<Contender> all = new ArrayList<>(List.of(ours));
    all.addAll(others);
    for (Contender contender : all) {
      contender.seconds(1);
      Agreement.require(
          contender.name(), expected, contender.result(), workload.network().outputs(), 1e-3);
    }
  }
}
