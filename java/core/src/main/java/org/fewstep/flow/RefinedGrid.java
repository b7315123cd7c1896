package org.fewstep.flow;

import org.fewstep.backend.Backend;
import org.fewstep.backend.Batch;
import org.fewstep.backend.Precision;
import org.fewstep.diffusion.Diffusion;
import org.fewstep.grid.GridKind;
import org.fewstep.grid.GridSpec;
import org.fewstep.grid.TimeGrid;

/**
 * Grids whose knots were moved until the solver in use errs least at the end.
 *
 * <p>Starts from the log-SNR grid and goes round the interior knots, moving each in turn by steps
 * in log t that shrink from sweep to sweep, as long as that lowers the mean squared distance of the
 * solver's end points from exact ones (those of {@link DormandPrince} at 1e-8) over 600
 * trajectories. A grid can fit the trajectories that it was made on: it is judged on as many
 * others, and if it does no better there, the log-SNR grid itself is the result.
 *
 * <p>Deterministic for a flow and a backend. Some hundred runs of 600 rows for 8 segments: below a
 * second for a small mixture.
 */
public final class RefinedGrid {

  /** The largest number of segments; time grows with its square, to minutes for so many. */
  public static final int MAX_SEGMENTS = 256;

  private static final int TRAJECTORIES = 600;
  private static final double EXACT = 1e-8;

  /** Sweeps over the knots, and their steps in log t: 0.4 down to 0.05. */
  private static final int SWEEPS = 8;

  private static final double FIRST_STEP = 0.4;
  private static final double SHRINK = 0.75;

  /** Knots keep at least this ratio. */
  private static final double CLEARANCE = 1.001;

  private RefinedGrid() {}

  /**
   * The refined grid of a flow, or the log-SNR grid where that is no worse.
   *
   * @param flow the field, the solver, the ends of time and the direction; its grid is not used
   * @param segments S, in [1, {@value #MAX_SEGMENTS}]
   * @param backend evaluates the field in float64
   * @return a grid of the kind "refined", or "log-snr" if refining brought nothing
   * @throws IllegalArgumentException if the solver does not take fixed steps, or the end is 0,
   *     where log-SNR is infinite
   */
  public static TimeGrid of(Flow flow, int segments, Backend backend) {
    Require.notNull("flow", flow);
    Require.notNull("backend", backend);
    if (!(flow.solver() instanceof FixedStepSolver)) {
      throw new IllegalArgumentException(
          "solver must take fixed steps for a refined grid, but is " + flow.solver().name());
    }
    if (segments < 1 || segments > MAX_SEGMENTS) {
      throw new IllegalArgumentException(
          "segments must lie in [1, %d] for a refined grid, but is %d"
              .formatted(MAX_SEGMENTS, segments));
    }
    Flow plain = flow.withoutExtras().withGrid(new GridSpec(GridKind.LOG_SNR, segments));
    TimeGrid initial = plain.grid(backend);
    if (segments == 1) {
      return initial;
    }
    try (Trajectories training = new Trajectories(plain, backend, 0);
        Trajectories heldOut = new Trajectories(plain, backend, 1)) {
      TimeGrid refined = refine(training, initial, flow.field().process().orElseThrow());
      return heldOut.error(refined) < heldOut.error(initial) ? refined : initial;
    }
  }

  private static TimeGrid refine(Trajectories training, TimeGrid initial, Diffusion process) {
    double[] knots = initial.knots();
    double best = training.error(initial);
    double step = FIRST_STEP;
    for (int sweep = 0; sweep < SWEEPS; sweep++) {
      for (int i = 1; i < knots.length - 1; i++) {
        best = moveKnot(training, knots, i, Math.exp(-step), best);
      }
      step *= SHRINK;
    }
    return TimeGrid.of(GridKind.REFINED.label(), knots, passed(process, knots));
  }

  /** Half log-SNR passed since the start. */
  private static double[] passed(Diffusion process, double[] knots) {
    double[] passed = new double[knots.length];
    for (int i = 1; i < knots.length; i++) {
      passed[i] = process.halfLogSnr(knots[i]) - process.halfLogSnr(knots[0]);
    }
    return passed;
  }

  /** Moves one knot by steps in log t, one way or else the other, while the error falls. */
  private static double moveKnot(
      Trajectories training, double[] knots, int i, double factor, double best) {
    double smallest = best;
    for (double way : new double[] {factor, 1 / factor}) {
      double[] trial = knots.clone();
      trial[i] *= way;
      while (isBetweenNeighbours(trial, i)) {
        double error = training.error(TimeGrid.of(trial));
        if (!(error < smallest)) {
          break;
        }
        smallest = error;
        knots[i] = trial[i];
        trial[i] *= way;
      }
      if (smallest < best) {
        break;
      }
    }
    return smallest;
  }

  private static boolean isBetweenNeighbours(double[] knots, int i) {
    return knots[i] * CLEARANCE < knots[i - 1] && knots[i] > knots[i + 1] * CLEARANCE;
  }

  /** Exact trajectories by their two ends, and the distance of a solver's from them. */
  private static final class Trajectories implements AutoCloseable {

    private final Flow flow;
    private final Backend backend;
    private final Batch starts;
    private final double[] ends;

    private Trajectories(Flow flow, Backend backend, long seed) {
      this.flow = flow;
      this.backend = backend;
      Batch noise = flow.noise(backend, TRAJECTORIES, Precision.FLOAT64, seed);
      Flow sampling = flow.isReversed() ? flow.reversed() : flow;
      Batch data;
      try (FlowResult exact =
          sampling.withSolver(new DormandPrince(EXACT, EXACT)).run(backend, noise)) {
        data = backend.allocate(TRAJECTORIES, noise.columns(), Precision.FLOAT64);
        data.copyFrom(exact.end());
      } catch (RuntimeException e) {
        noise.close();
        throw e;
      }
      this.starts = flow.isReversed() ? data : noise;
      Batch last = flow.isReversed() ? noise : data;
      this.ends = last.toDoubleArray();
      last.close();
    }

    /** The mean squared distance over the trajectories whose exact ends are known; or infinite. */
    private double error(TimeGrid grid) {
      try (FlowResult result = flow.withGrid(grid).run(backend, starts)) {
        double[] reached = result.end().toDoubleArray();
        double sum = 0;
        for (int e = 0; e < ends.length; e++) {
          if (Double.isFinite(ends[e])) {
            sum += (reached[e] - ends[e]) * (reached[e] - ends[e]);
          }
        }
        return Double.isNaN(sum) ? Double.POSITIVE_INFINITY : sum / TRAJECTORIES;
      }
    }

    @Override
    public void close() {
      starts.close();
    }
  }
}
