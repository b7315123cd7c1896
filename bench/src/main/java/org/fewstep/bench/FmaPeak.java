package org.fewstep.bench;

import java.util.concurrent.TimeUnit;
import org.fewstep.backend.Precision;
import org.openjdk.jmh.annotations.AuxCounters;
import org.openjdk.jmh.annotations.Benchmark;
import org.openjdk.jmh.annotations.BenchmarkMode;
import org.openjdk.jmh.annotations.Fork;
import org.openjdk.jmh.annotations.Measurement;
import org.openjdk.jmh.annotations.Mode;
import org.openjdk.jmh.annotations.OutputTimeUnit;
import org.openjdk.jmh.annotations.Param;
import org.openjdk.jmh.annotations.Scope;
import org.openjdk.jmh.annotations.State;
import org.openjdk.jmh.annotations.Threads;
import org.openjdk.jmh.annotations.Warmup;

/**
 * The FMA peak: floating-point operations a second of independent multiply-adds in registers, on
 * one core and on two at once. The secondary result {@code operations} is the rate.
 */
@BenchmarkMode(Mode.Throughput)
@OutputTimeUnit(TimeUnit.SECONDS)
@Warmup(iterations = 3, time = 1)
@Measurement(iterations = 5, time = 1)
@Fork(
    value = 3,
    jvmArgsAppend = {Jvm.VECTOR, Jvm.NATIVE})
@State(Scope.Benchmark)
public class FmaPeak {

  private static final long ITERATIONS = 10_000;

  /** The element type. */
  @Param public Precision precision;

  /** Counts the floating-point operations. */
  @State(Scope.Thread)
  @AuxCounters
  public static class Counter {
    /** Floating-point operations done so far. */
    public double operations;
  }

  /** One core with the machine's other cores idle. */
  @Benchmark
  @Threads(1)
  public double oneThread(Counter counter) {
    return loop(counter);
  }

  /** Two threads; what they lose against twice one thread no kernel can win back. */
  @Benchmark
  @Threads(2)
  public double twoThreads(Counter counter) {
    return loop(counter);
  }

  private double loop(Counter counter) {
    counter.operations += FmaLoops.operations(precision, ITERATIONS);
    return FmaLoops.run(precision, ITERATIONS);
  }
}
