package org.fewstep.bench;

import java.lang.foreign.ValueLayout;
import java.util.Arrays;
import java.util.Random;
import java.util.concurrent.TimeUnit;
import org.bytedeco.javacpp.FloatPointer;
import org.bytedeco.openblas.global.openblas;
import org.fewstep.backend.Backend;
import org.fewstep.backend.BackendOptions;
import org.fewstep.backend.Backends;
import org.fewstep.backend.Batch;
import org.fewstep.backend.MixtureOutputs;
import org.fewstep.backend.Precision;
import org.fewstep.diffusion.Diffusions;
import org.fewstep.mixture.Covariance;
import org.fewstep.mixture.DiffusedMixture;
import org.fewstep.mixture.GaussianMixture;
import org.openjdk.jmh.annotations.Benchmark;
import org.openjdk.jmh.annotations.BenchmarkMode;
import org.openjdk.jmh.annotations.Fork;
import org.openjdk.jmh.annotations.Level;
import org.openjdk.jmh.annotations.Measurement;
import org.openjdk.jmh.annotations.Mode;
import org.openjdk.jmh.annotations.OutputTimeUnit;
import org.openjdk.jmh.annotations.Param;
import org.openjdk.jmh.annotations.Scope;
import org.openjdk.jmh.annotations.Setup;
import org.openjdk.jmh.annotations.State;
import org.openjdk.jmh.annotations.TearDown;
import org.openjdk.jmh.annotations.Warmup;
import org.openjdk.jmh.infra.IterationParams;
import org.openjdk.jmh.runner.IterationType;

/**
 * The whole score of a large mixture against the two matrix products alone, X M' and R M, as
 * OpenBLAS does them into buffers that are already there: no softmax, no constants, no division by
 * lambda.
 *
 * <p>Every invocation runs both, one after the other, and a chain-free loop of multiply-adds for
 * the peak of one core; so the ratio and the rates are of the same minute of the same machine. Read
 * the secondary results; the primary one, the time of all three, means nothing.
 *
 * <p>OpenBLAS picks its kernels by the processor it recognises, unless the environment variable
 * {@code OPENBLAS_CORETYPE} names others: it should be unset, or it may not be at its best. {@code
 * OPENBLAS_VERBOSE=2} tells the choice.
 */
@State(Scope.Thread)
@BenchmarkMode(Mode.AverageTime)
@OutputTimeUnit(TimeUnit.MILLISECONDS)
@Warmup(iterations = 5, time = 1)
@Measurement(iterations = 5, time = 2)
@Fork(
    value = 3,
    jvmArgsAppend = {
      "--add-modules=jdk.incubator.vector",
      "--enable-native-access=ALL-UNNAMED",
      "-Dfewstep.backend=vector"
    })
public class BlockedScoreVsOpenBlas {

  private static final int ROW_MAJOR = 101;
  private static final int PLAIN = 111;
  private static final int TRANSPOSED = 112;

  private static final long PEAK_ROUNDS = 200_000;
  private static final double PEAK_FLOPS = FmaLoops.operations(Precision.FLOAT32, PEAK_ROUNDS);

  /** Rows, dimension and components. */
  @Param({"16384x64x256", "2048x784x1024"})
  public String shape;

  /** Threads of either side. */
  @Param("1")
  public int threads;

  private int rows;
  private int dimension;
  private int components;
  private Backend backend;
  private DiffusedMixture mixture;
  private Batch points;
  private Batch score;
  private MixtureOutputs outputs;
  private FloatPointer blasPoints;
  private FloatPointer blasMeans;
  private FloatPointer blasLogits;
  private FloatPointer blasResult;

  // Of the measured iterations of this fork: our time over theirs, and the best of each.
  private final double[] ratios = new double[1 << 16];
  private int pairs;
  private boolean warm;
  private double ourBest;
  private double theirBest;
  private double peak;

  /** Makes a mixture at a time whose noise allows the expanded form, and points of it. */
  @Setup
  public void prepare() {
    int[] sizes = Arrays.stream(shape.split("x")).mapToInt(Integer::parseInt).toArray();
    rows = sizes[0];
    dimension = sizes[1];
    components = sizes[2];
    Random random = new Random(1);
    double[][] means = new double[components][dimension];
    for (double[] mean : means) {
      Arrays.setAll(mean, j -> 3 * random.nextGaussian() / Math.sqrt(dimension));
    }
    mixture =
        DiffusedMixture.at(
            GaussianMixture.of(means, Covariance.isotropic(0.5)), Diffusions.named("ou"), 0.5);
    backend = Backends.named("vector", BackendOptions.defaults().withThreads(threads));
    points = backend.allocate(rows, dimension, Precision.FLOAT32);
    score = backend.allocate(rows, dimension, Precision.FLOAT32);
    outputs = MixtureOutputs.none().withScore(score);
    double deviation = Math.sqrt(mixture.smallestEigenvalue());
    for (int i = 0; i < rows; i++) {
      double[] mean = means[random.nextInt(components)];
      for (int j = 0; j < dimension; j++) {
        points.set(i, j, mixture.a() * mean[j] + deviation * random.nextGaussian());
      }
    }
    prepareOpenBlas(means);
  }

  private void prepareOpenBlas(double[][] means) {
    openblas.blas_set_num_threads(threads);
    blasPoints = new FloatPointer((long) rows * dimension);
    blasPoints.put(points.memory().toArray(ValueLayout.JAVA_FLOAT), 0, rows * dimension);
    blasMeans = new FloatPointer((long) components * dimension);
    for (int k = 0; k < components; k++) {
      for (int j = 0; j < dimension; j++) {
        blasMeans.put((long) k * dimension + j, (float) means[k][j]);
      }
    }
    blasLogits = new FloatPointer((long) rows * components);
    blasResult = new FloatPointer((long) rows * dimension);
  }

  /** Forgets the warm-up. */
  @Setup(Level.Iteration)
  public void forget(IterationParams iteration) {
    if (iteration.getType() == IterationType.WARMUP || pairs == 0) {
      pairs = 0;
      ourBest = Double.POSITIVE_INFINITY;
      theirBest = Double.POSITIVE_INFINITY;
      peak = 0;
    }
    warm = iteration.getType() == IterationType.MEASUREMENT;
  }

  /** Prints what was measured, and closes what was opened. */
  @TearDown
  public void close() {
    String forced = System.getenv("OPENBLAS_CORETYPE");
    if (forced != null) {
      System.out.printf("%nOPENBLAS_CORETYPE=%s: not what OpenBLAS would choose%n", forced);
    }
    Arrays.sort(ratios, 0, pairs);
    double flops = 4.0 * rows * components * dimension;
    System.out.printf(
        "%n%s: our score / two products by OpenBLAS, median of %d pairs %.3f, of the best times"
            + " %.3f; ours %.0f GFLOP/s, OpenBLAS %.0f, FMA peak of one core %.0f%n",
        shape,
        pairs,
        pairs == 0 ? Double.NaN : ratios[pairs / 2],
        ourBest / theirBest,
        flops / ourBest,
        flops / theirBest,
        peak);
    points.close();
    score.close();
    backend.close();
    blasPoints.close();
    blasMeans.close();
    blasLogits.close();
    blasResult.close();
  }

  /** One pair: the two products by OpenBLAS, then our score; and the peak. */
  @Benchmark
  public double pair() {
    long start = System.nanoTime();
    products();
    long middle = System.nanoTime();
    backend.mixture(mixture, points, outputs);
    long end = System.nanoTime();
    double sum = FmaLoops.run(Precision.FLOAT32, PEAK_ROUNDS);
    if (warm && pairs < ratios.length) {
      peak = Math.max(peak, PEAK_FLOPS / (System.nanoTime() - end));
      record(end - middle, middle - start);
    }
    return sum;
  }

  private void record(double ours, double theirs) {
    ratios[pairs++] = ours / theirs;
    ourBest = Math.min(ourBest, ours);
    theirBest = Math.min(theirBest, theirs);
  }

  private void products() {
    openblas.cblas_sgemm(
        ROW_MAJOR,
        PLAIN,
        TRANSPOSED,
        rows,
        components,
        dimension,
        1,
        blasPoints,
        dimension,
        blasMeans,
        dimension,
        0,
        blasLogits,
        components);
    openblas.cblas_sgemm(
        ROW_MAJOR,
        PLAIN,
        PLAIN,
        rows,
        dimension,
        components,
        1,
        blasLogits,
        components,
        blasMeans,
        dimension,
        0,
        blasResult,
        dimension);
  }
}
