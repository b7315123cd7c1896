package org.fewstep.bench;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.Iterator;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Set;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.function.Function;
import java.util.function.Predicate;
import org.fewstep.backend.Availability;
import org.fewstep.backend.Backend;
import org.fewstep.backend.BackendOptions;
import org.fewstep.backend.Backends;
import org.fewstep.backend.Batch;
import org.fewstep.backend.Plan;
import org.fewstep.backend.Precision;
import org.fewstep.backend.TrajectoryOutputs;
import org.fewstep.bench.Contest.Pace;
import org.fewstep.bench.Contest.Timing;
import org.fewstep.bench.MixtureTask.Quantity;
import org.fewstep.bench.Report.Bound;
import org.fewstep.flow.Heun;

/**
 * Every figure of speed that is asked of the library, in one run: the kernels, the limit that the
 * machine sets them, and their peers take turns in one process, and what is reported are ratios.
 *
 * <p>Usage: {@code Ratios [--output FILE] [--sections NAME,...] [--backend NAME] [--rounds N]
 * [--command PATH] [--quick]}; see the README beside the sources.
 */
public final class Ratios {

  private static final String USAGE =
      "usage: Ratios [--output FILE] [--sections score,blocked,threads,allocation,flow,network,"
          + "command] [--backend NAME] [--rounds N] [--command PATH] [--quick]";

  /** The peak at which 3.0e9 pairs a second are asked. */
  private static final double REFERENCE_PEAK = 218e9;

  private static final int THREAD_ROUNDS = 10;

  /** Longer than the warm-up of a contest, whose turns it goes before. */
  private static final Pace COMPILING = new Pace(1, 5, 0);

  private static final long FMA_ITERATIONS = 200_000;

  private final Settings settings;
  private final Report report;
  private final List<Peer> peers = new ArrayList<>();

  /**
   * What the command line says.
   *
   * @param output the file for the figures as JSON, or null
   * @param sections the parts to be run
   * @param backend the backend of ours
   * @param pace how long to measure
   * @param command the command whose cold start is measured
   * @param quick whether everything runs once and small, so that the figures mean nothing
   */
  private record Settings(
      Path output, Set<String> sections, String backend, Pace pace, Path command, boolean quick) {

    private static Settings parse(String... arguments) {
      Path output = null;
      Set<String> sections =
          new LinkedHashSet<>(
              List.of("score", "blocked", "threads", "allocation", "flow", "network", "command"));
      String backend = "vector";
      int rounds = Pace.FULL.rounds();
      Path command = Path.of("java/cli/fewstep");
      boolean quick = false;
      Iterator<String> words = List.of(arguments).iterator();
      while (words.hasNext()) {
        String option = words.next();
        if (option.equals("--quick")) {
          quick = true;
          continue;
        }
        if (!words.hasNext()) {
          throw new IllegalArgumentException(option + " is unknown or lacks its value");
        }
        String value = words.next();
        switch (option) {
          case "--output" -> output = Path.of(value);
          case "--sections" -> {
            Set<String> wanted = Set.of(value.split(","));
            if (!sections.containsAll(wanted)) {
              throw new IllegalArgumentException("--sections must be among " + sections);
            }
            sections.retainAll(wanted);
          }
          case "--backend" -> backend = value;
          case "--rounds" -> rounds = Integer.parseInt(value);
          case "--command" -> command = Path.of(value);
          default -> throw new IllegalArgumentException(option + " is unknown");
        }
      }
      Pace pace = quick ? Pace.ONCE : Pace.FULL.withRounds(rounds);
      return new Settings(output, sections, backend, pace, command, quick);
    }

    /** The rows to be measured; a few of them when everything is to be quick. */
    private long rows(long full) {
      return quick ? Math.min(full, 2 * Agreement.ROWS) : full;
    }
  }

  private Ratios(Settings settings) {
    this.settings = settings;
    this.report = new Report(System.out, Machine.describe(), !settings.quick);
  }

  /** Runs the sections asked for; exits with 2 when it does not understand what is asked. */
  public static void main(String... arguments) throws Exception {
    if (ModuleLayer.boot().findModule("jdk.incubator.vector").isEmpty()) {
      System.err.println("the FMA peak needs the Vector API: java " + Jvm.VECTOR);
      System.exit(2);
    }
    Settings settings;
    try {
      settings = Settings.parse(arguments);
    } catch (IllegalArgumentException e) {
      System.err.println(e.getMessage() + "\n" + USAGE);
      System.exit(2);
      return;
    }
    run(settings);
  }

  /** The same for callers in this process. */
  static void run(String... arguments) throws Exception {
    run(Settings.parse(arguments));
  }

  private static void run(Settings settings) throws Exception {
    Ratios ratios = new Ratios(settings);
    ratios.findPeers();
    for (String section : settings.sections) {
      switch (section) {
        case "score" -> ratios.score();
        case "blocked" -> ratios.blocked();
        case "threads" -> ratios.threads();
        case "allocation" -> ratios.allocation();
        case "flow" -> ratios.flow();
        case "network" -> new NetworkRatios(ratios).run();
        default -> ratios.command();
      }
    }
    if (settings.output != null) {
      ratios.report.write(settings.output);
    }
  }

  private void findPeers() {
    report.section("peers");
    List<Peer> all = Peer.all();
    if (all.isEmpty()) {
      report.leftOut("LibTorch, OpenBLAS, numpy", "this build is without the profile peers");
    }
    for (Peer peer : all) {
      Availability availability = peer.availability();
      if (availability.available()) {
        report.note(peer.name(), availability.reason());
        peers.add(peer);
      } else {
        report.leftOut(peer.name(), availability.reason());
      }
    }
  }

  Report report() {
    return report;
  }

  /** The name of our backend. */
  String backend() {
    return settings.backend;
  }

  /** Whether everything runs once and small. */
  boolean quick() {
    return settings.quick;
  }

  /** The rows to be measured; a few of them when everything is to be quick. */
  long rows(long full) {
    return settings.rows(full);
  }

  /** The ways of all peers to do a task. */
  List<Contender> peers(Function<Peer, List<Contender>> task) {
    return peers.stream().map(task).flatMap(List::stream).toList();
  }

  /** Small dimension: against the FMA peak, and against array libraries. */
  private void score() {
    report.section("score, d=2, K=64, n=16384, one thread");
    Workload workload = Workload.of(2, 64, settings.rows(16_384), 0.5);
    Contender peak = fma(Precision.FLOAT32);
    Contender wide = fma(Precision.FLOAT64);
    MixtureTask ours = task(Precision.FLOAT32, 1, workload);
    MixtureTask oursWide = task(Precision.FLOAT64, 1, workload);
    MixtureTask withFarPoints = task(Precision.FLOAT32, 1, workload.andFarPoints());
    List<Contender> rivals = peers(peer -> peer.score(workload, 1));
    requireSameScore(workload, rivals);
    List<Contender> all = new ArrayList<>(List.of(peak, wide, ours, oursWide, withFarPoints));
    all.addAll(rivals);
    List<Timing> timings = contest(all);

    peakAndPairs("float32", timings.get(0), timings.get(2), workload, true);
    peakAndPairs("float64", timings.get(1), timings.get(3), workload, false);
    report.figure(
        "pairs a second, float32, one point in %d far out".formatted(Workload.FAR_EVERY),
        workload.pairs() / timings.get(4).best() * 1e-9,
        "1e9/s");
    List<Timing> others = timings.subList(5, timings.size());
    against("numpy", timings.get(2), others, Bound.atLeast(10));
    against("LibTorch", timings.get(2), others, Bound.atLeast(5));
  }

  private void peakAndPairs(
      String precision, Timing peak, Timing ours, Workload workload, boolean asked) {
    Precision elements = precision.equals("float32") ? Precision.FLOAT32 : Precision.FLOAT64;
    double operations = fmaOperations(elements) / peak.best();
    double pairs = workload.pairs() / ours.best();
    report.figure("FMA peak of one core, " + precision, operations * 1e-9, "GFLOP/s");
    report.figure("pairs a second, " + precision, pairs * 1e-9, "1e9/s");
    report.figure(
        "FMA-lane slots a pair, " + precision,
        operations / 2 / pairs,
        "slots",
        asked ? Bound.atMost(36) : null);
    if (asked) {
      report.figure(
          "pairs a second for every 218 GFLOP/s of peak",
          pairs * REFERENCE_PEAK / operations * 1e-9,
          "1e9/s",
          Bound.atLeast(3.0));
    }
  }

  /** Large dimension: against the two matrix products that it cannot do without. */
  private void blocked() {
    blocked(64, 256, 1.1);
    blocked(784, 1024, 1.2);
  }

  private void blocked(int d, int components, double most) {
    report.section("score, d=%d, K=%d, n=16384, float32, one thread".formatted(d, components));
    Workload workload = Workload.of(d, components, settings.rows(16_384), 1);
    MixtureTask ours = task(Precision.FLOAT32, 1, workload);
    List<Contender> all = new ArrayList<>(List.of(fma(Precision.FLOAT32), ours));
    List<Contender> rivals = peers(peer -> peer.score(workload, 1));
    requireSameScore(workload, rivals);
    List<Contender> products = peers(peer -> peer.products(workload, 1));
    all.addAll(products);
    all.addAll(rivals);
    List<Timing> timings = contest(all);

    double operations = 4.0 * d * workload.pairs();
    double peak = fmaOperations(Precision.FLOAT32) / timings.get(0).best();
    Timing own = timings.get(1);
    report.figure("FMA peak of one core", peak * 1e-9, "GFLOP/s");
    report.figure("products' operations a second, ours", operations / own.best() * 1e-9, "GFLOP/s");
    if (products.isEmpty()) {
      report.leftOut("OpenBLAS", "not among the peers");
    } else {
      Timing alone = fastest("OpenBLAS", timings);
      report.figure(
          "products' operations a second, OpenBLAS", operations / alone.best() * 1e-9, "GFLOP/s");
      report.figure(
          "time over that of OpenBLAS' two products",
          own.timesAsLongAs(alone),
          "",
          Bound.atMost(most));
      report.figure("the same, median of rounds", own.medianTimesAsLongAs(alone), "");
    }
    List<Timing> others = timings.subList(2 + products.size(), timings.size());
    against("numpy", own, others, null);
    against("LibTorch", own, others, null);
  }

  /** Two threads: against two threads that share nothing. */
  private void threads() {
    report.section("two threads, score, d=2, K=64, n=131072, float32");
    if (Runtime.getRuntime().availableProcessors() < 2) {
      report.leftOut("two threads", "there is one processor");
      return;
    }
    Workload workload = Workload.of(2, 64, settings.rows(131_072), 0.5);
    Pace pace = settings.quick ? Pace.ONCE : settings.pace.withRounds(THREAD_ROUNDS);
    try (ExecutorService pool = Executors.newFixedThreadPool(2)) {
      List<Contender> all =
          List.of(
              task(Precision.FLOAT32, 1, workload),
              task(Precision.FLOAT32, 2, workload),
              fmaOn(pool, 1),
              fmaOn(pool, 2));
      List<Timing> timings = contest(all, pace);
      Timing one = timings.get(0);
      Timing two = timings.get(1);
      Timing oneLoop = timings.get(2);
      Timing twoLoops = timings.get(3);
      report.figure("times as fast, best of each", one.timesAsLongAs(two), "", Bound.atLeast(1.7));
      report.figure("the same, median of pairs", one.medianTimesAsLongAs(two), "");
      // two threads of the loop do twice the work
      report.figure("independent FMA loops, best of each", 2 * oneLoop.timesAsLongAs(twoLoops), "");
      report.figure("the same, median of pairs", 2 * oneLoop.medianTimesAsLongAs(twoLoops), "");
    }
  }

  /** Hot paths allocate nothing. */
  private void allocation() {
    report.section("bytes allocated a call");
    int calls = settings.quick ? 2 : 500;
    for (int threads : new int[] {1, 2}) {
      Workload small = Workload.of(2, 64, settings.rows(16_384), 0.5);
      Workload large = Workload.of(64, 256, settings.rows(1024), 1);
      for (Quantity quantity : Quantity.values()) {
        allocated("d=2 " + quantity, threads, calls, small, quantity);
      }
      allocated("d=64 SCORE", threads, calls, large, Quantity.SCORE);
      allocated("d=64 DERIVATIVE", threads, calls, large, Quantity.DERIVATIVE);
      allocatedByTrajectory(threads, calls);
    }
  }

  private void allocated(
      String name, int threads, int calls, Workload workload, Quantity quantity) {
    try (MixtureTask task =
        new MixtureTask(settings.backend, threads, Precision.FLOAT32, workload, quantity)) {
      allocated(name, threads, calls, task);
    }
  }

  /** Keeps a task of many kernels running until the compiler should be done with all of them. */
  void compile(Contender contender) {
    if (!settings.quick) {
      Contest.run(List.of(contender), COMPILING);
    }
  }

  /** Reports the bytes that a compiled call allocates: none is asked. */
  void allocated(String name, int threads, int calls, Runnable task) {
    if (!settings.quick) {
      // compiled code allocates less than the interpreter
      Contest.run(List.of(Contender.of(name, task)), Pace.FULL.withRounds(1));
    }
    // whole bytes: what remains of the JVM's own noise over hundreds of calls is no allocation
    double bytes = Math.floor(Allocation.bytesPerCall(task, calls, 5));
    report.figure("%s, threads=%d".formatted(name, threads), bytes, "B/op", Bound.atMost(0));
  }

  private void allocatedByTrajectory(int threads, int calls) {
    FlowWorkload workload = FlowWorkload.ring8(8, settings.rows(16_384));
    Plan plan = new Heun().compile(workload.process(), workload.knots());
    BackendOptions options = BackendOptions.defaults().withThreads(threads);
    try (Backend backend = Backends.named(settings.backend, options);
        Batch x = backend.allocate(workload.rows(), 2, Precision.FLOAT32);
        Batch end = backend.allocate(workload.rows(), 2, Precision.FLOAT32)) {
      x.copyFrom(workload.noise());
      TrajectoryOutputs outputs = TrajectoryOutputs.end(end);
      if (backend.trajectory(workload.mixture(), plan, x, outputs)) {
        Runnable task = () -> backend.trajectory(workload.mixture(), plan, x, outputs);
        allocated("fused trajectory, d=2, K=8", threads, calls, task);
      } else {
        report.leftOut("fused trajectory", backend.name() + " does not fuse it");
      }
    }
  }

  /** A whole flow: against the same loop over arrays. */
  private void flow() {
    report.section("flow, ring8, 1e6 points, 8 Heun steps, float32, one thread");
    FlowWorkload workload = FlowWorkload.ring8(8, settings.rows(1_000_000));
    FlowTask ours = new FlowTask(settings.backend, 1, Precision.FLOAT32, workload, new Heun());
    List<Contender> rivals = peers(peer -> peer.flow(workload, 1));
    double[] expected = FlowTask.expectedEnd(workload, new Heun());
    for (Contender rival : rivals) {
      rival.seconds(1);
      Agreement.require(rival.name(), expected, rival.result(), 2, FlowWorkload.TOLERANCE);
    }
    report.note("backend", ours.description());
    List<Contender> all = new ArrayList<>(List.of(fma(Precision.FLOAT32), ours));
    all.addAll(rivals);
    List<Timing> timings = contest(all);

    double pairs = 16.0 * workload.rows() * workload.mixture().components();
    double peak = fmaOperations(Precision.FLOAT32) / timings.get(0).best();
    report.figure("points a second", workload.rows() / timings.get(1).best() * 1e-6, "1e6/s");
    report.figure("FMA-lane slots a pair", peak / 2 * timings.get(1).best() / pairs, "slots");
    against("LibTorch", timings.get(1), timings.subList(2, timings.size()), Bound.atLeast(20));
  }

  /** The command: from a cold start to a file. */
  private void command() throws IOException, InterruptedException {
    report.section("the command, flow of 1000 points, d=2");
    if (!Files.isExecutable(settings.command)) {
      report.leftOut("the command", settings.command + " is not there");
      return;
    }
    Path output = Files.createTempFile("fewstep", ".npy");
    List<String> line = new ArrayList<>(List.of(settings.command.toString(), "flow"));
    line.addAll(List.of("--mixture", "example:ring8", "--count", "1000", "--seed", "1"));
    line.addAll(List.of("--output", output.toString()));
    double[] seconds = new double[settings.quick ? 1 : 5];
    try {
      for (int i = 0; i < seconds.length; i++) {
        long start = System.nanoTime();
        Process process = new ProcessBuilder(line).redirectErrorStream(true).start();
        String said = new String(process.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
        int code = process.waitFor();
        seconds[i] = (System.nanoTime() - start) * 1e-9;
        if (code != 0) {
          String last = said.strip().lines().reduce("", (before, next) -> next);
          report.leftOut("the command", "it exits with %d: %s".formatted(code, last));
          return;
        }
      }
    } finally {
      Files.deleteIfExists(output);
    }
    Timing timing = new Timing("the command", seconds);
    report.timings(List.of(timing));
    report.figure("from start to exit, best", timing.best(), "s", Bound.atMost(1));
  }

  private MixtureTask task(Precision precision, int threads, Workload workload) {
    return new MixtureTask(settings.backend, threads, precision, workload, Quantity.SCORE);
  }

  private void requireSameScore(Workload workload, List<Contender> rivals) {
    double[] expected = workload.expectedScore();
    for (Contender rival : rivals) {
      rival.seconds(1);
      Agreement.require(rival.name(), expected, rival.result(), workload.dimension(), 1e-3);
    }
  }

  /** Lets them take turns, closes them and reports their times. */
  List<Timing> contest(List<? extends Contender> contenders) {
    return contest(contenders, settings.pace);
  }

  private List<Timing> contest(List<? extends Contender> contenders, Pace pace) {
    List<Timing> timings = Contest.run(contenders, pace);
    contenders.forEach(Contender::close);
    report.timings(timings);
    return timings;
  }

  /** How many times as long the fastest way of a peer takes. */
  void against(String peer, Timing ours, List<Timing> all, Bound bound) {
    if (all.stream().noneMatch(isOf(peer))) {
      report.leftOut(peer, "not among the peers");
      return;
    }
    Timing rival = fastest(peer, all);
    String name = "times as fast as " + rival.name();
    report.figure(name, rival.timesAsLongAs(ours), "", bound);
    report.figure("the same, median of rounds", rival.medianTimesAsLongAs(ours), "");
  }

  private static Timing fastest(String peer, List<Timing> all) {
    return all.stream()
        .filter(isOf(peer))
        .min(Comparator.comparingDouble(Timing::best))
        .orElseThrow();
  }

  private static Predicate<Timing> isOf(String peer) {
    return timing -> timing.name().startsWith(peer);
  }

  /** The operations of one run of the loop below. */
  static double fmaOperations(Precision precision) {
    return FmaLoops.operations(precision, FMA_ITERATIONS);
  }

  /** The loop of multiply-adds that tells the peak. */
  static Contender fma(Precision precision) {
    return Contender.of("FMA loop " + precision, () -> loop(precision));
  }

  private static void loop(Precision precision) {
    // the loops settle at 1 a lane: a result that never comes keeps them from being dropped
    if (FmaLoops.run(precision, FMA_ITERATIONS) < 0) {
      throw new AssertionError("a sum of positive numbers is negative");
    }
  }

  private static Contender fmaOn(ExecutorService pool, int threads) {
    return Contender.of(
        "FMA loops, threads=" + threads,
        () -> {
          List<Future<?>> loops = new ArrayList<>();
          for (int i = 0; i < threads; i++) {
            loops.add(pool.submit(() -> loop(Precision.FLOAT32)));
          }
          for (Future<?> done : loops) {
            try {
              done.get();
            } catch (Exception e) {
              throw new IllegalStateException(e);
            }
          }
        });
  }
}
