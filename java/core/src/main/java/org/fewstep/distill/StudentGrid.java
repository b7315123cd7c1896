package org.fewstep.distill;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.concurrent.Callable;
import org.fewstep.backend.Backend;
import org.fewstep.backend.Batch;
import org.fewstep.backend.Precision;
import org.fewstep.diffusion.Diffusion;
import org.fewstep.flow.DpmSolver2M;
import org.fewstep.flow.Flow;
import org.fewstep.flow.FlowResult;
import org.fewstep.grid.GridKind;
import org.fewstep.grid.GridSpec;
import org.fewstep.grid.TimeGrid;
import org.fewstep.grid.TimeGrids;
import org.fewstep.mixture.GaussianMixture;
import org.fewstep.network.Network;
import org.fewstep.training.CheckpointStore;
import org.fewstep.training.Seeds;
import org.fewstep.training.TrainingListener;
import org.fewstep.training.TrainingOptions;

/**
 * Grids whose knots cost a student least, the kind {@link GridKind#STUDENT}.
 *
 * <p>Candidates are the knots of a fine typical grid. For every pair of them a student is trained
 * briefly on exact trajectories, and the exact flow takes what it makes of held-out states on to
 * the data: that is what this segment would add to the error at the end if all others were perfect.
 * The knots are those of the path from noise to data on which these contributions add up to least,
 * found by dynamic programming; one table of contributions serves every number of segments.
 *
 * <p>So nothing is assumed of what makes a map hard to learn or an error grow: both are measured,
 * on the network that will be used. Deterministic for a seed and a backend; takes seconds.
 * Immutable and thread-safe once made.
 */
public final class StudentGrid {

  /** The largest number of segments. */
  public static final int MAX_SEGMENTS = 16;

  /** Segments between neighbouring candidates. */
  private static final int CANDIDATES = 24;

  private static final int TRAJECTORIES = 4000;

  /** So many because a contribution may hang on the one row in a thousand that changes its mode. */
  private static final int HELD_OUT = 20_000;

  private static final int STEPS = 400;

  /** Steps of the solver that takes a student's states on to the data. */
  private static final int EXACT_STEPS = 48;

  private final GaussianMixture mixture;
  private final Diffusion process;
  private final Student student;
  private final Backend backend;
  private final long seed;
  private final double[] times;
  private final double[][] learned;
  private final double[][] judged;
  private final double[][] ends;
  private final double[][] contributions;

  private StudentGrid(
      GaussianMixture mixture,
      Diffusion process,
      Student student,
      TimeGrid candidates,
      Backend backend,
      long seed) {
    this.mixture = mixture;
    this.process = process;
    this.student = student;
    this.backend = backend;
    this.seed = seed;
    this.times = candidates.knots();
    Teacher teacher = new Teacher(mixture, process, backend);
    this.learned = teacher.trajectories(candidates, TRAJECTORIES, Seeds.derived(seed, 1));
    this.judged = teacher.trajectories(candidates, HELD_OUT, Seeds.derived(seed, 2));
    this.ends = new double[times.length][];
    for (int i = 0; i < times.length; i++) {
      ends[i] = toData(i, judged[i]);
    }
    this.contributions = contributions();
  }

  /**
   * Measures what each segment would cost a student.
   *
   * @param end > 0
   * @param backend trains the students and evaluates the mixture; stays open
   * @param seed of trajectories and trainings
   */
  public static StudentGrid of(
      GaussianMixture mixture,
      Diffusion process,
      double start,
      double end,
      Student student,
      Backend backend,
      long seed) {
    TimeGrid candidates =
        TimeGrids.typical(mixture, process, start, end, CANDIDATES, backend, seed);
    return new StudentGrid(mixture, process, student, candidates, backend, seed);
  }

  /**
   * The cheapest grid of so many segments.
   *
   * @param segments S, in [1, {@value #MAX_SEGMENTS}]
   */
  public TimeGrid grid(int segments) {
    requireSegments(segments);
    return cheapest(segments);
  }

  /** Refuses a number of segments that is out of range, before any work. */
  public static void requireSegments(int segments) {
    if (segments < 1 || segments > MAX_SEGMENTS) {
      throw new IllegalArgumentException(
          "segments must lie in [1, %d] for a %s grid, but is %d"
              .formatted(MAX_SEGMENTS, GridKind.STUDENT, segments));
    }
  }

  /** The contribution of a segment from candidate i to candidate j > i, [i][j]. */
  private double[][] contributions() {
    int count = times.length;
    double[][] table = new double[count][count];
    List<Callable<Double>> tasks = new ArrayList<>();
    for (int i = 0; i < count; i++) {
      for (int j = i + 1; j < count; j++) {
        int from = i;
        int to = j;
        tasks.add(() -> table[from][to] = contribution(from, to));
      }
    }
    try {
      Concurrently.run(backend.threads(), tasks, () -> {});
    } catch (IOException e) {
      throw new UncheckedIOException(e); // nothing is read or written here
    }
    return table;
  }

  private double contribution(int from, int to) throws IOException {
    TrainingOptions options =
        new TrainingOptions()
            .withSteps(STEPS)
            .withCheckEvery(STEPS)
            .withSeed(Seeds.derived(seed, 3));
    int d = mixture.dimension();
    Network network =
        new SegmentTraining(student.shape(d), d, process, times[from], times[to])
            .train(
                backend,
                Precision.FLOAT32,
                learned[from],
                learned[to],
                options,
                TrainingListener.NONE,
                CheckpointStore.NONE,
                Map.of());
    double[] reached = toData(to, Judge.apply(backend, network, judged[from]));
    return FlowError.of(reached, ends[to], d).mean();
  }

  /** States at a candidate, taken on to the end. */
  private double[] toData(int candidate, double[] states) {
    if (candidate == times.length - 1) {
      return states;
    }
    int d = mixture.dimension();
    Flow flow =
        Flow.of(mixture, process)
            .withTimes(times[candidate], times[times.length - 1])
            .withGrid(new GridSpec(GridKind.LOG_SNR, EXACT_STEPS))
            .withSolver(new DpmSolver2M());
    try (Batch x = backend.allocate(states.length / d, d, Precision.FLOAT64)) {
      x.copyFrom(states);
      try (FlowResult result = flow.run(backend, x)) {
        return result.end().toDoubleArray();
      }
    }
  }

  /** The path from the first to the last candidate in so many segments that costs least. */
  private TimeGrid cheapest(int segments) {
    int count = times.length;
    double[][] cost = new double[segments + 1][count];
    int[][] before = new int[segments + 1][count];
    for (double[] row : cost) {
      Arrays.fill(row, Double.POSITIVE_INFINITY);
    }
    cost[0][0] = 0;
    for (int s = 1; s <= segments; s++) {
      for (int j = s; j < count; j++) {
        for (int i = s - 1; i < j; i++) {
          double through = cost[s - 1][i] + contributions[i][j];
          if (through < cost[s][j]) {
            cost[s][j] = through;
            before[s][j] = i;
          }
        }
      }
    }
    double[] knots = new double[segments + 1];
    double[] passed = new double[segments + 1];
    for (int s = segments, j = count - 1; s >= 0; j = before[s][j], s--) {
      knots[s] = times[j];
      passed[s] = cost[s][j];
    }
    return TimeGrid.of(GridKind.STUDENT.label(), knots, passed);
  }
}
