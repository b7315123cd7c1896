package org.fewstep.bench;

import java.util.concurrent.TimeUnit;
import org.fewstep.backend.Backend;
import org.fewstep.backend.BackendOptions;
import org.fewstep.backend.Backends;
import org.fewstep.backend.Batch;
import org.fewstep.backend.Philox;
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

/** Random normals of the Philox stream. The secondary result {@code numbers} is their rate. */
@BenchmarkMode(Mode.Throughput)
@OutputTimeUnit(TimeUnit.SECONDS)
@Warmup(iterations = 3, time = 1)
@Measurement(iterations = 5, time = 1)
@Fork(
    value = 3,
    jvmArgsAppend = {Jvm.VECTOR, Jvm.NATIVE})
@State(Scope.Benchmark)
public class Normals {

  private static final long SEED = 7;

  /** The backend, by name. */
  @Param({"vector", "scalar"})
  public String backend;

  /** The element type. */
  @Param public Precision precision;

  /** The numbers drawn in a call. */
  @Param({"131072"})
  public long n;

  /** The threads of the backend. */
  @Param({"1"})
  public int threads;

  private Backend opened;
  private Batch out;

  /** Counts the numbers. */
  @State(Scope.Thread)
  @AuxCounters
  public static class Counter {
    /** Normals drawn so far. */
    public double numbers;
  }

  /** Opens the backend and checks the first numbers against the definition of the stream. */
  @Setup(Level.Trial)
  public void open() {
    opened = Backends.named(backend, BackendOptions.defaults().withThreads(threads));
    System.out.println("# Backend: " + opened.description());
    out = opened.allocate(n, 1, precision);
    opened.normal(out, SEED, 0);
    double[] expected = new double[(int) Math.min(n, Agreement.ROWS)];
    Philox.normal(SEED, 0, expected, 0, expected.length);
    double[] actual = out.slice(0, expected.length).toDoubleArray();
    double tolerance = precision == Precision.FLOAT32 ? 1e-6 : 1e-12;
    Agreement.require("normals of " + backend, expected, actual, 1, tolerance);
  }

  /** Closes the backend. */
  @TearDown(Level.Trial)
  public void close() {
    out.close();
    opened.close();
  }

  /** One call for all numbers. */
  @Benchmark
  public void fill(Counter counter) {
    opened.normal(out, SEED, 0);
    counter.numbers += n;
  }
}
