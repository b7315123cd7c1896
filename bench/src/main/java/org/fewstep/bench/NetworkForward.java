package org.fewstep.bench;

import java.util.concurrent.TimeUnit;
import org.fewstep.backend.Backend;
import org.fewstep.backend.BackendOptions;
import org.fewstep.backend.Backends;
import org.fewstep.backend.Batch;
import org.fewstep.backend.NetworkOutputs;
import org.fewstep.backend.Precision;
import org.fewstep.network.Network;
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
 * One evaluation of a network for a batch. The secondary result {@code operations} is the rate of
 * floating-point operations, two for every weight that is held, to be set beside {@link FmaPeak}.
 */
@BenchmarkMode(Mode.Throughput)
@OutputTimeUnit(TimeUnit.SECONDS)
@Warmup(iterations = 5, time = 1)
@Measurement(iterations = 5, time = 1)
@Fork(
    value = 3,
    jvmArgsAppend = {Jvm.VECTOR, Jvm.NATIVE})
@State(Scope.Benchmark)
public class NetworkForward {

  /** The backend, by name: a run in which it is missing fails, and never measures another one. */
  @Param({"vector"})
  public String backend;

  /** The element type. */
  @Param public Precision precision;

  /** The inputs and outputs; 0 for as many as the width. */
  @Param({"2"})
  public int d;

  /** The units of a layer. */
  @Param({"64"})
  public int width;

  /** The number of layers. */
  @Param({"4"})
  public int depth;

  /** Whether a unit has about five weights, held in sparse form. */
  @Param({"false"})
  public boolean sparse;

  /** Whether sparse layers are held in dense form, for comparison. */
  @Param({"false"})
  public boolean dense;

  /** The number of points. */
  @Param({"8192"})
  public long n;

  /** The threads of the backend. */
  @Param({"1"})
  public int threads;

  private Backend opened;
  private Network network;
  private Batch x;
  private Batch y;
  private NetworkOutputs outputs;

  /** Counts the operations. */
  @State(Scope.Thread)
  @AuxCounters
  public static class Counter {
    /** Floating-point operations done so far. */
    public double operations;
  }

  /** Opens the backend, draws the points and checks a few rows against the scalar backend. */
  @Setup(Level.Trial)
  public void open() {
    int columns = d == 0 ? width : d;
    network = NetworkWorkload.of(columns, width, depth, sparse);
    if (dense) {
      network =
          Network.of(
              network.layers().stream().map(layer -> layer.toDense()).toList(), network.output());
    }
    opened = Backends.named(backend, BackendOptions.defaults().withThreads(threads));
    x = opened.allocate(n, columns, precision);
    y = opened.allocate(n, columns, precision);
    opened.normal(x, 1, 0);
    outputs = NetworkOutputs.none().withValue(y);
    opened.network(network, 0, x, outputs);
    opened.synchronize();
    requireAgreement();
    System.out.println("# Backend: " + opened.description());
  }

  private void requireAgreement() {
    long rows = Math.min(n, Agreement.ROWS);
    Batch first = x.slice(0, rows);
    try (Backend scalar = Backends.named("scalar");
        Batch expected = scalar.allocate(rows, y.columns(), precision)) {
      scalar.network(network, 0, first, NetworkOutputs.none().withValue(expected));
      Agreement.require(
          "the network by " + backend,
          expected.toDoubleArray(),
          y.slice(0, rows).toDoubleArray(),
          y.columns(),
          precision == Precision.FLOAT32 ? 1e-3 : 1e-9);
    }
  }

  /** Closes the backend. */
  @TearDown(Level.Trial)
  public void close() {
    x.close();
    y.close();
    opened.close();
  }

  /** One call for all points. */
  @Benchmark
  public void evaluate(Counter counter) {
    opened.network(network, 0, x, outputs);
    opened.synchronize();
    counter.operations += 2.0 * n * network.parameters();
  }
}
