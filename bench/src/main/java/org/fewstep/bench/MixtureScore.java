package org.fewstep.bench;

import java.util.concurrent.TimeUnit;
import org.fewstep.backend.Precision;
import org.openjdk.jmh.annotations.AuxCounters;
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

/**
 * One evaluation of a mixture for a batch. The secondary result {@code pairs} is the rate of
 * (point, component) pairs, to be set beside {@link FmaPeak}.
 */
@BenchmarkMode(Mode.Throughput)
@OutputTimeUnit(TimeUnit.SECONDS)
@Warmup(iterations = 5, time = 1)
@Measurement(iterations = 5, time = 1)
@Fork(
    value = 3,
    jvmArgsAppend = {Jvm.VECTOR, Jvm.NATIVE})
@State(Scope.Benchmark)
public class MixtureScore {

  /** The backend, by name: a run in which it is missing fails, and never measures another one. */
  @Param({"vector"})
  public String backend;

  /** The element type. */
  @Param public Precision precision;

  /** The dimension. */
  @Param({"2"})
  public int d;

  /** The number of components. */
  @Param({"64"})
  public int components;

  /** The number of points. */
  @Param({"16384"})
  public long n;

  /** The threads of the backend. */
  @Param({"1"})
  public int threads;

  /** The time of the Ornstein-Uhlenbeck process. */
  @Param({"0.5"})
  public double t;

  /** Whether some points lie far from every mode, see {@link Workload#withFarPoints()}. */
  @Param({"false"})
  public boolean far;

  /** What is asked for. */
  @Param({"SCORE"})
  public String quantity;

  private Workload workload;
  private MixtureTask task;

  /** Counts the pairs. */
  @State(Scope.Thread)
  @AuxCounters
  public static class Counter {
    /** Pairs of a point and a component done so far. */
    public double pairs;
  }

  /** Opens the backend, draws the points and checks a few rows against the scalar backend. */
  @Setup(Level.Trial)
  public void open() {
    workload = Workload.of(d, components, n, t);
    if (far) {
      workload = workload.andFarPoints();
    }
    MixtureTask.Quantity wanted = MixtureTask.Quantity.valueOf(quantity);
    task = new MixtureTask(backend, threads, precision, workload, wanted);
    System.out.println("# Backend: " + task.description());
  }

  /** Closes the backend. */
  @TearDown(Level.Trial)
  public void close() {
    task.close();
  }

  /** One call for all points. */
  @Benchmark
  public void evaluate(Counter counter) {
    task.run();
    counter.pairs += workload.pairs();
  }
}
