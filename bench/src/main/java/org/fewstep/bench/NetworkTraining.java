package org.fewstep.bench;

import java.util.List;
import java.util.concurrent.TimeUnit;
import org.fewstep.backend.AdamStep;
import org.fewstep.backend.Backend;
import org.fewstep.backend.BackendOptions;
import org.fewstep.backend.Backends;
import org.fewstep.backend.Batch;
import org.fewstep.backend.Precision;
import org.fewstep.network.Frame;
import org.fewstep.network.NetworkShape;
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
 * Training a network of two inputs and outputs: forward, backward and Adam, or a whole step with
 * two draws of rows and the derivative of a mean square loss. The secondary result {@code
 * operations} is the rate of floating-point operations, six for every parameter and row.
 */
@BenchmarkMode(Mode.Throughput)
@OutputTimeUnit(TimeUnit.SECONDS)
@Warmup(iterations = 5, time = 1)
@Measurement(iterations = 5, time = 1)
@Fork(
    value = 3,
    jvmArgsAppend = {Jvm.VECTOR, Jvm.NATIVE})
@State(Scope.Benchmark)
public class NetworkTraining {

  private static final int SOURCE_ROWS = 4096;

  /** Small, so that the network stays about what it was drawn as. */
  private static final AdamStep STEP = new AdamStep(10, 1e-7, 0.9, 0.999, 1e-8, 0, 1);

  /** The backend, by name: a run in which it is missing fails, and never measures another one. */
  @Param({"vector"})
  public String backend;

  /** The element type. */
  @Param public Precision precision;

  /** The units of a layer. */
  @Param({"64"})
  public int width;

  /** The number of hidden layers. */
  @Param({"2"})
  public int hiddenLayers;

  /** The rows of a batch. */
  @Param({"4096"})
  public int batch;

  /** The threads of the backend. */
  @Param({"1"})
  public int threads;

  private final Frame frame = Frame.plain();
  private Backend opened;
  private NetworkShape shape;
  private Batch source;
  private Batch parameters;
  private Batch gradient;
  private Batch mean;
  private Batch square;
  private Batch x;
  private Batch target;
  private Batch y;
  private Batch dy;
  private Batch saved;
  private List<Batch> difference;
  private double[] weights;

  /** Counts the operations. */
  @State(Scope.Thread)
  @AuxCounters
  public static class Counter {
    /** Floating-point operations done so far. */
    public double operations;
  }

  /** Opens the backend and draws parameters and rows. */
  @Setup(Level.Trial)
  public void open() {
    shape = NetworkWorkload.shape(width, hiddenLayers);
    opened = Backends.named(backend, BackendOptions.defaults().withThreads(threads));
    source = allocate(SOURCE_ROWS, 2);
    opened.normal(source, 1, 0);
    parameters = allocate(1, shape.parameters());
    parameters.copyFrom(NetworkWorkload.of(2, width, hiddenLayers + 1, false).flatParameters());
    gradient = allocate(1, shape.parameters());
    mean = allocate(1, shape.parameters());
    square = allocate(1, shape.parameters());
    x = allocate(batch, 2);
    target = allocate(batch, 2);
    y = allocate(batch, 2);
    dy = allocate(batch, 2);
    saved = allocate(batch, shape.hiddenUnits());
    difference = List.of(y, target);
    weights = new double[] {2.0 / batch, -2.0 / batch};
    wholeStep(new Counter());
    System.out.println("# Backend: " + opened.description());
  }

  private Batch allocate(long rows, int columns) {
    return opened.allocate(rows, columns, precision);
  }

  /** Closes the backend. */
  @TearDown(Level.Trial)
  public void close() {
    List.of(source, parameters, gradient, mean, square, x, target, y, dy, saved)
        .forEach(Batch::close);
    opened.close();
  }

  /** Forward, backward and Adam, for rows and slopes that are there. */
  @Benchmark
  public void passes(Counter counter) {
    opened.networkForward(shape, frame, parameters, x, y, saved);
    update(counter);
  }

  /** A whole step of training: draws of points and targets, both passes, the loss and Adam. */
  @Benchmark
  public void wholeStep(Counter counter) {
    opened.draw(x, source, 3, 0);
    opened.draw(target, source, 4, 0);
    opened.networkForward(shape, frame, parameters, x, y, saved);
    opened.combine(dy, difference, weights);
    update(counter);
  }

  private void update(Counter counter) {
    opened.networkBackward(shape, frame, parameters, x, saved, dy, null, gradient);
    opened.adam(STEP, parameters, gradient, mean, square);
    opened.synchronize();
    counter.operations += 6.0 * batch * shape.parameters();
  }
}
