package org.fewstep.bench;

import java.util.concurrent.TimeUnit;
import org.fewstep.backend.Precision;
import org.fewstep.flow.DormandPrince;
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
 * The adaptive Dormand-Prince 5(4) flow of the example ring8, with steps of each row's own. The
 * secondary result {@code points} is the rate of finished samples.
 */
@BenchmarkMode(Mode.Throughput)
@OutputTimeUnit(TimeUnit.SECONDS)
@Warmup(iterations = 3, time = 2)
@Measurement(iterations = 5, time = 2)
@Fork(
    value = 3,
    jvmArgsAppend = {Jvm.VECTOR, Jvm.NATIVE})
@State(Scope.Benchmark)
public class Adaptive {

  /** The backend, by name. */
  @Param({"vector"})
  public String backend;

  /** The element type. */
  @Param({"FLOAT32"})
  public Precision precision;

  /** The error allowed a step, relative; a hundredth of it absolute. */
  @Param({"1e-3", "1e-5"})
  public double tolerance;

  /** The number of points. */
  @Param({"100000"})
  public long n;

  /** The threads of the backend. */
  @Param({"1"})
  public int threads;

  private FlowTask task;

  /** Counts the samples. */
  @State(Scope.Thread)
  @AuxCounters
  public static class Counter {
    /** Points carried from noise to data so far. */
    public double points;
  }

  /** Opens the backend, draws the noise and checks a few rows against the scalar backend. */
  @Setup(Level.Trial)
  public void open() {
    FlowWorkload workload = FlowWorkload.ring8(1, n);
    DormandPrince solver = new DormandPrince(tolerance, tolerance / 100);
    task = new FlowTask(backend, threads, precision, workload, solver);
    System.out.println("# Backend: " + task.description());
  }

  /** Closes the backend. */
  @TearDown(Level.Trial)
  public void close() {
    task.close();
  }

  /** One flow of all points. */
  @Benchmark
  public void run(Counter counter) {
    task.run();
    counter.points += n;
  }
}
