package org.fewstep.cuda;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;
import static org.assertj.core.api.Assertions.assertThatIllegalStateException;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.concurrent.Callable;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.logging.Handler;
import java.util.logging.LogRecord;
import java.util.logging.Logger;
import org.bytedeco.javacpp.Pointer;
import org.fewstep.backend.Backend;
import org.fewstep.backend.Backends;
import org.fewstep.backend.Batch;
import org.fewstep.backend.MixtureOutputs;
import org.fewstep.backend.Precision;
import org.fewstep.diffusion.Diffusion;
import org.fewstep.diffusion.Diffusions;
import org.fewstep.diffusion.OrnsteinUhlenbeck;
import org.fewstep.flow.DormandPrince;
import org.fewstep.flow.Flow;
import org.fewstep.flow.FlowResult;
import org.fewstep.flow.RowStatus;
import org.fewstep.mixture.Covariance;
import org.fewstep.mixture.DiffusedMixture;
import org.fewstep.mixture.ExampleMixtures;
import org.fewstep.mixture.GaussianMixture;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.condition.EnabledIfSystemProperty;

/** Memory, streams and the end of things, on whatever device is there. */
@EnabledIfSystemProperty(named = "natives.built", matches = "true")
class CudaBackendTest {

  private static final double[] NUMBERS = {1, 2, 3, 4, 5, 6};

  @Test
  void isFoundByNameAndSaysWhichDevice() {
    try (Backend backend = Backends.named("cuda")) {
      assertThat(backend.name()).isEqualTo("cuda");
      assertThat(backend.description()).contains("cuda:0").contains("compute capability");
      assertThat(backend.threads()).isEqualTo(1);
    }
  }

  @Test
  void memoryIsZeroedAndCopiesAreExact() {
    try (CudaBackend backend = CudaBackend.open();
        Batch x = backend.allocate(2, 3, Precision.FLOAT64);
        Batch y = backend.allocate(2, 3, Precision.FLOAT64)) {
      assertThat(x.space()).isEqualTo("cuda:0");
      assertThat(x.onHost()).isFalse();
      assertThat(x.toDoubleArray()).containsOnly(0);
      x.copyFrom(NUMBERS);
      y.copyFrom(x);
      assertThat(y.toDoubleArray()).isEqualTo(NUMBERS);
      try (Batch row = y.slice(1, 1)) {
        assertThat(row.toDoubleArray()).containsExactly(4, 5, 6);
      }
      assertThatIllegalStateException()
          .isThrownBy(() -> x.get(0, 0))
          .withMessageContaining("copy it to a host batch");
    }
  }

  @Test
  void copiesOnADeviceMayOverlapAndCrossBackends() {
    try (CudaBackend one = CudaBackend.open();
        CudaBackend other = CudaBackend.open();
        Batch x = one.allocate(6, 1, Precision.FLOAT64);
        Batch y = other.allocate(6, 1, Precision.FLOAT64)) {
      x.copyFrom(NUMBERS);
      y.copyFrom(x);
      assertThat(y.toDoubleArray()).isEqualTo(NUMBERS);
      try (Batch from = x.slice(0, 5);
          Batch to = x.slice(1, 5)) {
        to.copyFrom(from);
      }
      assertThat(x.toDoubleArray()).containsExactly(1, 1, 2, 3, 4, 5);
      x.copyFrom(x);
      assertThat(x.toDoubleArray()).containsExactly(1, 1, 2, 3, 4, 5);
      y.close();
      assertThatIllegalStateException()
          .isThrownBy(() -> x.copyFrom(y))
          .withMessageContaining("this batch is closed");
    }
  }

  @Test
  void theDebugPropertyTellsWhoDidNotFree() {
    List<LogRecord> records = new CopyOnWriteArrayList<>();
    Handler handler =
        new Handler() {
          @Override
          public void publish(LogRecord record) {
            records.add(record);
          }

          @Override
          public void flush() {}

          @Override
          public void close() {}
        };
    Logger logger = Logger.getLogger(CudaContext.class.getName());
    logger.setUseParentHandlers(false);
    logger.addHandler(handler);
    System.setProperty(CudaContext.DEBUG, "true");
    try (CudaBackend backend = CudaBackend.open()) {
      Batch kept = backend.allocate(1, 1, Precision.FLOAT32);
      backend.allocate(1, 1, Precision.FLOAT32).close();
      // The mixture's packed form is the backend's own, and no leak.
      DiffusedMixture mixture =
          DiffusedMixture.at(ExampleMixtures.named("bimodal"), new OrnsteinUhlenbeck(), 1);
      backend.mixture(mixture, kept, MixtureOutputs.none().withScore(kept));
    } finally {
      System.clearProperty(CudaContext.DEBUG);
      logger.removeHandler(handler);
      logger.setUseParentHandlers(true);
    }
    assertThat(records).hasSize(1);
    assertThat(records.getFirst().getMessage()).isEqualTo("device memory was not freed");
    assertThat(records.getFirst().getThrown().getStackTrace())
        .anyMatch(frame -> frame.getMethodName().equals("theDebugPropertyTellsWhoDidNotFree"));
  }

  /** More than the staging buffer holds, and not a whole number of buffers. */
  @Test
  void largeCopiesGoInParts() {
    int columns = 3;
    int rows = 1_000_001;
    float[] values = new float[rows * columns];
    for (int i = 0; i < values.length; i++) {
      values[i] = i;
    }
    try (CudaBackend backend = CudaBackend.open();
        Batch x = backend.allocate(rows, columns, Precision.FLOAT32)) {
      x.copyFrom(values);
      assertThat(x.toFloatArray()).isEqualTo(values);
    }
  }

  @Test
  void memoryOfOthersIsWrappedAndNotFreed() {
    try (CudaBackend owner = CudaBackend.open();
        Batch x = owner.allocate(3, 2, Precision.FLOAT64)) {
      x.copyFrom(NUMBERS);
      try (CudaBackend other = CudaBackend.onStream(0, owner.stream())) {
        assertThat(other.stream().address()).isEqualTo(owner.stream().address());
        try (Batch view = other.wrap(owner.pointer(x), 3, 2, Precision.FLOAT64)) {
          other.combine(view, List.of(view), new double[] {2});
          assertThat(view.toDoubleArray()).containsExactly(2, 4, 6, 8, 10, 12);
        }
      }
      assertThat(x.toDoubleArray()).containsExactly(2, 4, 6, 8, 10, 12);
      assertThatIllegalArgumentException()
          .isThrownBy(() -> owner.wrap(new Pointer(), 1, 1, Precision.FLOAT32))
          .withMessageContaining("memory must point to device memory, but is null");
    }
  }

  @Test
  void aFlowTellsOfRowsThatAreNotFinite() {
    Flow flow = Flow.of(ExampleMixtures.named("ring8")).withSolver("heun");
    try (CudaBackend backend = CudaBackend.open();
        Batch x = backend.allocate(40, 2, Precision.FLOAT32)) {
      backend.normal(x, 1, 0);
      for (Flow each : List.of(flow, flow.withLogLikelihood(true))) {
        try (FlowResult result = each.run(backend, x)) {
          assertThat(result.statistics().count(RowStatus.OK)).isEqualTo(40);
        }
      }
      double[] values = x.toDoubleArray();
      values[2 * 17] = Double.NaN;
      x.copyFrom(values);
      try (FlowResult result = flow.run(backend, x)) {
        assertThat(result.statistics().count(RowStatus.OK)).isEqualTo(39);
        assertThat(result.statistics().status(17)).isEqualTo(RowStatus.NON_FINITE);
      }
    }
  }

  @Test
  void aGraphRunsAFewStepFlowAgain() {
    GaussianMixture mixture =
        GaussianMixture.empirical(new double[][] {new double[20], ones(20)}, 0.1);
    try (CudaBackend backend = CudaBackend.open();
        Batch x = backend.allocate(7, 20, Precision.FLOAT32);
        Batch score = backend.allocate(7, 20, Precision.FLOAT32);
        Batch once = backend.allocate(7, 20, Precision.FLOAT32)) {
      Runnable flow = () -> eulerSteps(backend, mixture, x, score);
      backend.normal(x, 1, 0);
      try (CudaGraph graph = backend.record(flow)) {
        // Recording has run it once, and no more.
        once.copyFrom(x);
        backend.normal(x, 1, 0);
        flow.run();
        assertThat(x.toFloatArray()).isEqualTo(once.toFloatArray());

        backend.normal(x, 2, 0);
        flow.run();
        once.copyFrom(x);
        // More packed forms than the caches keep, and more scratch memory than there was.
        for (int i = 1; i < 50; i++) {
          backend.mixture(
              DiffusedMixture.at(mixture, new OrnsteinUhlenbeck(), i),
              x,
              MixtureOutputs.none().withScore(score));
        }
        try (Batch larger = backend.allocate(70_000, 20, Precision.FLOAT32)) {
          backend.mixture(
              DiffusedMixture.at(mixture, new OrnsteinUhlenbeck(), 1),
              larger,
              MixtureOutputs.none().withScore(larger));
        }
        backend.normal(x, 2, 0);
        graph.launch();
        assertThat(x.toFloatArray()).isEqualTo(once.toFloatArray());
        graph.close();
        assertThatIllegalStateException()
            .isThrownBy(graph::launch)
            .withMessage("this graph is closed");
      }
    }
  }

  private static double[] ones(int count) {
    double[] ones = new double[count];
    Arrays.fill(ones, 1);
    return ones;
  }

  private static void eulerSteps(Backend backend, GaussianMixture mixture, Batch x, Batch score) {
    for (double t : new double[] {2, 1, 0.5}) {
      backend.mixture(
          DiffusedMixture.at(mixture, new OrnsteinUhlenbeck(), t),
          x,
          MixtureOutputs.none().withScore(score));
      backend.combine(x, List.of(x, score), new double[] {1 + t / 4, t / 4});
    }
  }

  @Test
  void whatCannotBeRecordedSaysSoAndLeavesTheBackendAsItWas() {
    DiffusedMixture mixture =
        DiffusedMixture.at(ExampleMixtures.named("bimodal"), new OrnsteinUhlenbeck(), 1);
    try (CudaBackend backend = CudaBackend.open();
        Batch x = backend.allocate(6, 1, Precision.FLOAT64)) {
      List<Runnable> calls =
          List.of(
              () -> backend.allocate(1, 1, Precision.FLOAT32).close(),
              () -> x.copyFrom(NUMBERS),
              x::toDoubleArray,
              backend::synchronize,
              () -> backend.record(() -> {}).close());
      for (Runnable call : calls) {
        assertThatIllegalStateException()
            .isThrownBy(() -> backend.record(call))
            .withMessageContaining("is not possible while a graph is recorded");
      }
      x.copyFrom(NUMBERS);
      CudaGraph left = backend.record(() -> backend.combine(x, List.of(x), new double[] {2}));
      backend.mixture(mixture, x, MixtureOutputs.none().withScore(x));
      x.copyFrom(NUMBERS);
      left.launch();
      assertThat(x.toDoubleArray()).containsExactly(2, 4, 6, 8, 10, 12);
      backend.close();
      left.close();
      assertThatIllegalStateException().isThrownBy(left::launch).withMessageContaining("closed");
    }
  }

  @Test
  void aTimerMeasuresWhatIsEnqueuedBetweenItsEnds() {
    try (CudaBackend backend = CudaBackend.open();
        Batch x = backend.allocate(100_000, 8, Precision.FLOAT64)) {
      CudaTimer timer = backend.timer();
      assertThatIllegalStateException()
          .isThrownBy(timer::stop)
          .withMessage("the timer was not started");
      double few = secondsOf(timer, backend, x, 1);
      double many = secondsOf(timer, backend, x, 20);
      assertThat(few).isPositive();
      assertThat(many).isGreaterThan(few);
      timer.start();
      assertThatIllegalStateException()
          .isThrownBy(timer::seconds)
          .withMessage("the timer was not stopped");
      timer.close();
      timer.close();
      assertThatIllegalStateException().isThrownBy(timer::seconds);
    }
  }

  /** The least of three, so that a pause of a shared machine hits no comparison. */
  private static double secondsOf(CudaTimer timer, CudaBackend backend, Batch x, int calls) {
    double least = Double.POSITIVE_INFINITY;
    for (int attempt = 0; attempt < 3; attempt++) {
      timer.start();
      for (int i = 0; i < calls; i++) {
        backend.normal(x, i, 0);
      }
      timer.stop();
      least = Math.min(least, timer.seconds());
    }
    return least;
  }

  @Test
  void tellsOfItsDevice() {
    try (CudaBackend backend = CudaBackend.open()) {
      CudaDevice device = backend.device();
      assertThat(backend.description()).contains(device.name(), "cuda:" + device.index());
      assertThat(device.multiprocessors()).isPositive();
      assertThat(device.memory()).isPositive();
      assertThat(device.clock()).isPositive();
      assertThat(device.bandwidth()).isPositive();
    }
  }

  @Test
  void nothingWorksOnceTheBackendIsClosed() {
    CudaBackend backend = CudaBackend.open();
    CudaTimer timer = backend.timer();
    Batch x = backend.allocate(2, 3, Precision.FLOAT64);
    backend.close();
    backend.close();
    List<Runnable> calls =
        List.of(
            () -> backend.allocate(1, 1, Precision.FLOAT32),
            () -> backend.combine(x, List.of(x), new double[] {1}),
            () -> backend.normal(x, 1, 0),
            () -> x.copyFrom(NUMBERS),
            x::toDoubleArray,
            backend::stream,
            backend::timer,
            backend::device,
            timer::start,
            backend::synchronize);
    for (Runnable call : calls) {
      assertThatIllegalStateException()
          .isThrownBy(call::run)
          .withMessage("the backend 'cuda' is closed");
    }
    x.close();
    timer.close();
  }

  @Test
  void memoryOfAHostOrAnotherDeviceIsRefused() {
    try (CudaBackend backend = CudaBackend.open();
        Batch x = backend.allocate(2, 3, Precision.FLOAT64);
        Batch host = Batch.allocateHost(2, 3, Precision.FLOAT64)) {
      assertThatIllegalArgumentException()
          .isThrownBy(() -> backend.combine(x, List.of(host), new double[] {1}))
          .withMessageContaining("must be in the memory space cuda:0, but is in host");
      assertThatIllegalArgumentException()
          .isThrownBy(() -> CudaBackend.open(99))
          .withMessageContaining("device must lie in [0,");
      assertThatIllegalArgumentException()
          .isThrownBy(() -> backend.allocate(Long.MAX_VALUE / 8, 1, Precision.FLOAT64))
          .withMessageContaining("device memory");
    }
  }

  /** Small dimensions and built-in processes are fused; the result says so. */
  @Test
  void adaptiveFlowsAreFusedWhereTheirStateFits() {
    try (CudaBackend backend = CudaBackend.open()) {
      for (Diffusion process : Diffusions.builtIn()) {
        assertThat(fused(backend, "isotropic", 2, process, Precision.FLOAT32)).isTrue();
      }
      Diffusion ou = new OrnsteinUhlenbeck();
      assertThat(fused(backend, "diagonal", 8, ou, Precision.FLOAT32)).isTrue();
      assertThat(fused(backend, "diagonal", 9, ou, Precision.FLOAT32)).isFalse();
      assertThat(fused(backend, "full", 3, ou, Precision.FLOAT32)).isTrue();
      assertThat(fused(backend, "full", 4, ou, Precision.FLOAT32)).isFalse();
      assertThat(fused(backend, "full", 3, ou, Precision.FLOAT64)).isTrue();
      assertThat(fused(backend, "isotropic", 4, ou, Precision.FLOAT64)).isFalse();
      assertThat(fused(backend, "isotropic", 2, new Slow(), Precision.FLOAT32)).isFalse();
    }
  }

  private static boolean fused(
      Backend backend, String kind, int d, Diffusion process, Precision precision) {
    double[] variances = new double[d];
    double[][] matrix = new double[d][d];
    for (int i = 0; i < d; i++) {
      variances[i] = matrix[i][i] = 0.5 + i;
    }
    Covariance covariance =
        switch (kind) {
          case "isotropic" -> Covariance.isotropic(0.5);
          case "diagonal" -> Covariance.diagonal(variances);
          default -> Covariance.full(matrix);
        };
    Flow flow =
        Flow.of(GaussianMixture.of(new double[1][d], covariance), process)
            .withSolver(new DormandPrince(1e-2, 1e-2));
    try (Batch noise = flow.noise(backend, 3, precision, 1);
        FlowResult result = flow.run(backend, noise)) {
      assertThat(result.statistics().allOk()).isTrue();
      return result.fused();
    }
  }

  /** A process of somebody's own: the Ornstein-Uhlenbeck one at half the speed. */
  private static final class Slow implements Diffusion {

    private final Diffusion ou = new OrnsteinUhlenbeck();

    @Override
    public String name() {
      return "slow";
    }

    @Override
    public double alpha(double t) {
      return ou.alpha(t / 2);
    }

    @Override
    public double sigma(double t) {
      return ou.sigma(t / 2);
    }

    @Override
    public double drift(double t) {
      return -0.5;
    }

    @Override
    public double halfSquaredDiffusion(double t) {
      return 0.5;
    }

    @Override
    public double maxTime() {
      return Double.POSITIVE_INFINITY;
    }

    @Override
    public double defaultStart() {
      return 6;
    }

    @Override
    public double defaultEnd() {
      return 2e-3;
    }

    @Override
    public double timeAtHalfLogSnr(double lambda) {
      return 2 * ou.timeAtHalfLogSnr(lambda);
    }
  }

  @Test
  void manyThreadsMayUseOneBackend() throws Exception {
    try (CudaBackend backend = CudaBackend.open();
        ExecutorService threads = Executors.newFixedThreadPool(8)) {
      List<Callable<double[]>> tasks = new ArrayList<>();
      for (int i = 0; i < 64; i++) {
        double factor = i;
        tasks.add(
            () -> {
              try (Batch x = backend.allocate(2, 3, Precision.FLOAT64)) {
                x.copyFrom(NUMBERS);
                backend.combine(x, List.of(x), new double[] {factor});
                return x.toDoubleArray();
              }
            });
      }
      List<Future<double[]>> results = threads.invokeAll(tasks);
      for (int i = 0; i < results.size(); i++) {
        assertThat(results.get(i).get()[5]).isEqualTo(6.0 * i);
      }
    }
  }
}
