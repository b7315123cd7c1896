package org.fewstep.flow;

import java.util.List;
import java.util.function.BooleanSupplier;
import org.fewstep.backend.Backend;
import org.fewstep.backend.Batch;
import org.fewstep.backend.BatchChecks;
import org.fewstep.backend.Precision;
import org.fewstep.diffusion.Diffusion;
import org.fewstep.diffusion.OrnsteinUhlenbeck;
import org.fewstep.grid.GridKind;
import org.fewstep.grid.GridSpec;
import org.fewstep.grid.SampledFlow;
import org.fewstep.grid.TimeGrid;
import org.fewstep.grid.TimeGrids;
import org.fewstep.mixture.GaussianMixture;

/**
 * The probability flow of a field from noise to data, or back: what is solved, by which solver, on
 * which grid, and what is wanted of it.
 *
 * <pre>{@code
 * Flow flow = Flow.of(mixture);
 * try (Backend backend = Backends.best();
 *     Batch noise = flow.noise(backend, 10_000, Precision.FLOAT32, 1);
 *     FlowResult result = flow.run(backend, noise)) {
 *   float[] samples = result.end().toFloatArray();
 * }
 * }</pre>
 *
 * <p>Immutable: every {@code with} method returns another flow. The default is the solver {@code
 * dpmpp2m} on the grid {@code log-snr:8} from the process' default start to its default end.
 *
 * <p>A flow asks the backend for whole trajectories first and composes single steps where the
 * backend does not fuse them, with the same result within rounding. Rows run in chunks; progress
 * and cancelling come between chunks, and a row's result does not depend on the chunk around it.
 */
public final class Flow {

  private static final Solver DEFAULT_SOLVER = new DpmSolver2M();

  private final VectorField field;
  private Solver solver = DEFAULT_SOLVER;
  private GridSpec gridSpec = GridSpec.FLOW_DEFAULT;
  private TimeGrid grid;
  private double start = Double.NaN;
  private double end = Double.NaN;
  private boolean reversed;
  private boolean trajectory;
  private boolean logLikelihood;
  private boolean fusing = true;
  private long chunkRows;
  private FlowProgress progress;
  private BooleanSupplier cancelled = () -> false;

  private Flow(VectorField field) {
    Require.notNull("field", field);
    this.field = field;
    field
        .process()
        .ifPresent(
            process -> {
              this.start = process.defaultStart();
              this.end = process.defaultEnd();
            });
    if (field instanceof NetworkField network) {
      keepWithin(network.timeLow(), network.timeHigh());
    }
  }

  /** Cuts the default times to those of a field, or takes those where the two have none common. */
  private void keepWithin(double low, double high) {
    start = Math.min(start, high);
    end = Math.max(end, low);
    if (!(end < start)) {
      start = high;
      end = low;
    }
  }

  private Flow(Flow other) {
    this.field = other.field;
    this.solver = other.solver;
    this.gridSpec = other.gridSpec;
    this.grid = other.grid;
    this.start = other.start;
    this.end = other.end;
    this.reversed = other.reversed;
    this.trajectory = other.trajectory;
    this.logLikelihood = other.logLikelihood;
    this.fusing = other.fusing;
    this.chunkRows = other.chunkRows;
    this.progress = other.progress;
    this.cancelled = other.cancelled;
  }

  /** The flow of a mixture under the Ornstein-Uhlenbeck process. */
  public static Flow of(GaussianMixture mixture) {
    return of(mixture, new OrnsteinUhlenbeck());
  }

  /** The flow of a mixture under a process. */
  public static Flow of(GaussianMixture mixture, Diffusion process) {
    return of(new MixtureField(mixture, process));
  }

  /**
   * The flow of a field. One that names no process needs {@link #withGrid(TimeGrid)}; one of
   * networks runs over what their times and the process' default ones have in common.
   */
  public static Flow of(VectorField field) {
    return new Flow(field);
  }

  /** This with another solver. */
  public Flow withSolver(Solver other) {
    Require.notNull("solver", other);
    Flow flow = new Flow(this);
    flow.solver = other;
    return flow;
  }

  /**
   * This with a built-in solver by name, see {@link Solvers#named}.
   *
   * @throws IllegalArgumentException if there is none of that name
   */
  public Flow withSolver(String name) {
    return withSolver(Solvers.named(name));
  }

  /** This with a grid of a kind, from {@link #start()} down to {@link #end()}. */
  public Flow withGrid(GridSpec spec) {
    Require.notNull("grid", spec);
    Flow flow = new Flow(this);
    flow.gridSpec = spec;
    flow.grid = null;
    return flow;
  }

  /** This with a grid written {@code KIND:SEGMENTS}, such as {@code log-snr:8}. */
  public Flow withGrid(String spec) {
    return withGrid(GridSpec.parse(spec));
  }

  /**
   * This with a given grid, whose ends become the start and the end.
   *
   * @throws IllegalArgumentException if the field is of networks and does not hold at these times
   */
  public Flow withGrid(TimeGrid given) {
    Require.notNull("grid", given);
    requireHeld("the start of the grid", given.start());
    requireHeld("the end of the grid", given.end());
    Flow flow = new Flow(this);
    flow.grid = given;
    flow.start = given.start();
    flow.end = given.end();
    return flow;
  }

  /**
   * This with other ends of time; a grid that was given knot by knot is dropped for {@link
   * GridSpec#FLOW_DEFAULT} or the last specification.
   *
   * @param noisy the larger time, where the state is noise
   * @param clean the smaller time, where it is data
   * @throws IllegalArgumentException if they are not times of the process, and of the networks of a
   *     {@link NetworkField}, with clean below noisy
   */
  public Flow withTimes(double noisy, double clean) {
    Diffusion process = requireProcess("start and end");
    process.requireTime("start", noisy);
    process.requireTime("end", clean);
    if (!(clean < noisy)) {
      throw new IllegalArgumentException(
          "end must be less than start (%s), but is %s".formatted(noisy, clean));
    }
    requireHeld("start", noisy);
    requireHeld("end", clean);
    Flow flow = new Flow(this);
    flow.start = noisy;
    flow.end = clean;
    flow.grid = null;
    return flow;
  }

  /** This in the other direction of time: from data to noise, or back again. */
  public Flow reversed() {
    Flow flow = new Flow(this);
    flow.reversed = !reversed;
    return flow;
  }

  /** This with or without the states at every knot in the result; without by default. */
  public Flow withTrajectory(boolean wanted) {
    Flow flow = new Flow(this);
    flow.trajectory = wanted;
    return flow;
  }

  /** This with or without the log-likelihood in the result; without by default. */
  public Flow withLogLikelihood(boolean wanted) {
    Flow flow = new Flow(this);
    flow.logLikelihood = wanted;
    return flow;
  }

  /** This with a listener that is told after each chunk of rows. */
  public Flow withProgress(FlowProgress listener) {
    Flow flow = new Flow(this);
    flow.progress = listener;
    return flow;
  }

  /**
   * This with a question that is asked before each chunk of rows. Once the answer is true, the flow
   * returns: rows not yet run have the status {@link RowStatus#CANCELLED} and are NaN.
   */
  public Flow withCancellation(BooleanSupplier isCancelled) {
    Require.notNull("isCancelled", isCancelled);
    Flow flow = new Flow(this);
    flow.cancelled = isCancelled;
    return flow;
  }

  /** This with chunks of so many rows, or 0 for a choice by the size of the caches. */
  public Flow withChunkRows(long rows) {
    Require.atLeast("rows", 0, rows);
    Flow flow = new Flow(this);
    flow.chunkRows = rows;
    return flow;
  }

  /** This with or without asking the backend for whole trajectories; with by default. */
  public Flow withFusing(boolean wanted) {
    Flow flow = new Flow(this);
    flow.fusing = wanted;
    return flow;
  }

  /** The field. */
  public VectorField field() {
    return field;
  }

  /** The solver. */
  public Solver solver() {
    return solver;
  }

  /** The larger of the two ends of time: noise. NaN while a field without process has no grid. */
  public double start() {
    return start;
  }

  /** The smaller of the two ends of time: data. NaN while a field without process has no grid. */
  public double end() {
    return end;
  }

  /** Whether this runs from the end (data) up to the start (noise). */
  public boolean isReversed() {
    return reversed;
  }

  /**
   * The grid that {@link #run} takes. Typical and refined grids are computed anew at every call, on
   * the backend and deterministically; keep the result where it is used more than once.
   *
   * <p>Of networks, typical and stability grids follow the norm of their Jacobian along
   * trajectories of their own; a stability grid goes by the largest norm seen there, an estimate
   * and no bound.
   *
   * @throws IllegalArgumentException if the grid cannot be had for this field, or for these times
   */
  public TimeGrid grid(Backend backend) {
    if (grid != null) {
      return grid;
    }
    Diffusion process = requireProcess("grid");
    if (gridSpec.kind() == GridKind.REFINED) {
      return RefinedGrid.of(this, gridSpec.segments(), backend);
    }
    if (field instanceof NetworkField network && followsJacobian(gridSpec.kind())) {
      SampledFlow samples = new NetworkSamples(network, backend);
      return gridSpec.kind() == GridKind.TYPICAL
          ? TimeGrids.typical(samples, process, start, end, gridSpec.segments(), 0)
          : TimeGrids.stability(samples, process, start, end, gridSpec.segments(), 0);
    }
    GaussianMixture mixture = field instanceof MixtureField of ? of.mixture() : null;
    return TimeGrids.of(gridSpec, mixture, process, start, end, backend, 0);
  }

  private static boolean followsJacobian(GridKind kind) {
    return kind == GridKind.TYPICAL || kind == GridKind.STABILITY;
  }

  /**
   * Starting noise: standard normals times sigma(start), in the backend's memory; the caller closes
   * it. This is what x is at the start but for alpha(start) x_0, which a start in the noise makes
   * small; take a larger start where it does not.
   *
   * @param seed of the stream, the same on every backend
   */
  public Batch noise(Backend backend, long rows, Precision precision, long seed) {
    double sigma = requireProcess("noise").sigma(start);
    Batch noise = backend.allocate(rows, field.dimension(), precision);
    backend.normal(noise, seed, 0);
    backend.combine(noise, List.of(noise), new double[] {sigma});
    return noise;
  }

  /**
   * Runs every row of a batch from one end of time to the other.
   *
   * @param x [n,d], the states at the start of time (at its end, if reversed), fewer than 2^31
   *     rows, in a memory space of the backend; not changed
   * @return the end states and what was asked for, owned by the caller, who closes it
   * @throws IllegalArgumentException naming the argument that is out of range, before any work
   */
  public FlowResult run(Backend backend, Batch x) {
    Require.notNull("backend", backend);
    BatchChecks.requireShape("x", x, x.rows(), field.dimension());
    if (x.rows() > Integer.MAX_VALUE - 8) {
      throw new IllegalArgumentException(
          "x must have fewer than 2^31 rows, but has %d; run it by slices".formatted(x.rows()));
    }
    return new FlowRun(this, backend, x).run();
  }

  /** Refuses a time at which networks do not hold. */
  private void requireHeld(String argument, double t) {
    if (field instanceof NetworkField network) {
      network.requireTime(argument, t);
    }
  }

  private Diffusion requireProcess(String wanted) {
    return field
        .process()
        .orElseThrow(
            () ->
                new IllegalArgumentException(
                    "%s need the process of the field, but it names none; give a TimeGrid knot by"
                            .formatted(wanted)
                        + " knot or let the field name its process"));
  }

  /** Only field, solver, times and direction, for runs whose end alone is of interest. */
  Flow withoutExtras() {
    Flow flow = new Flow(this);
    flow.trajectory = false;
    flow.logLikelihood = false;
    flow.progress = null;
    flow.cancelled = () -> false;
    return flow;
  }

  boolean wantsTrajectory() {
    return trajectory;
  }

  boolean wantsLogLikelihood() {
    return logLikelihood;
  }

  boolean mayFuse() {
    return fusing;
  }

  long chunkRows() {
    return chunkRows;
  }

  boolean isCancelled() {
    return cancelled.getAsBoolean();
  }

  void report(long done, long rows) {
    if (progress != null) {
      progress.onProgress(done, rows);
    }
  }
}
