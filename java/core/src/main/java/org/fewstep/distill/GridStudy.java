package org.fewstep.distill;

import java.io.IOException;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashMap;
import java.util.Iterator;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.Callable;
import org.fewstep.backend.Backend;
import org.fewstep.diffusion.Diffusion;
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
 * Compares time grids by what compositions distilled on them are worth: same students, same
 * trajectories, same steps for every grid; only the knots differ. Not for several threads at once.
 */
public final class GridStudy {

  /**
   * The error of one composition.
   *
   * @param grid the kind and the number of segments
   * @param seed of its training and of its trajectories
   * @param flow what was distilled
   * @param error end to end on held-out trajectories
   */
  public record Score(GridSpec grid, long seed, DistilledFlow flow, FlowError error) {}

  private final Backend backend;
  private final GaussianMixture mixture;
  private final Diffusion process;
  private final double start;
  private final double end;
  private final DistillationOptions options;
  private StudentGrid studentGrids;

  /**
   * A study of one mixture.
   *
   * @param backend does the work; stays open
   * @param start of every grid (noise)
   * @param end of every grid (data), > 0
   * @param options of every distillation; its seed and fine-tuning are of no account
   */
  public GridStudy(
      Backend backend,
      GaussianMixture mixture,
      Diffusion process,
      double start,
      double end,
      DistillationOptions options) {
    this.backend = backend;
    this.mixture = mixture;
    this.process = process;
    this.start = start;
    this.end = end;
    this.options = options;
  }

  /** The grid of a specification, whatever its kind. */
  public TimeGrid grid(GridSpec spec) {
    if (spec.segments() == 1) {
      return TimeGrid.of(start, end); // one segment is one segment, whatever the kind
    }
    return spec.kind() == GridKind.STUDENT
        ? studentGrids().grid(spec.segments())
        : TimeGrids.of(spec, mixture, process, start, end, backend, 0);
  }

  private StudentGrid studentGrids() {
    if (studentGrids == null) {
      studentGrids = StudentGrid.of(mixture, process, start, end, options.student(), backend, 0);
    }
    return studentGrids;
  }

  /**
   * Distils on every grid.
   *
   * @param grids by their specifications, all from the start down to the end
   * @param seed of trajectories and trainings
   * @throws IOException never: trainings here keep no checkpoints
   */
  public List<Score> run(Map<GridSpec, TimeGrid> grids, long seed) throws IOException {
    // One run of the teacher through the knots of all grids: every grid sees the same paths.
    double[] knots =
        grids.values().stream()
            .flatMapToDouble(grid -> Arrays.stream(grid.knots()))
            .map(t -> -t)
            .sorted()
            .distinct()
            .map(t -> -t)
            .toArray();
    TimeGrid all = TimeGrid.of(knots);
    Teacher teacher = new Teacher(mixture, process, backend);
    double[][] learned =
        teacher.trajectories(all, options.trajectories(), Seeds.derived(seed, 101));
    double[][] judged = teacher.trajectories(all, options.heldOut(), Seeds.derived(seed, 103));

    Map<Segment, Network> networks = train(segments(grids), knots, learned, seed);
    Judge judge = new Judge(backend, mixture, process);
    List<Score> scores = new ArrayList<>();
    grids.forEach(
        (spec, grid) -> {
          List<Network> composed = new ArrayList<>();
          for (int s = 0; s < grid.segments(); s++) {
            composed.add(networks.get(new Segment(grid.knot(s), grid.knot(s + 1))));
          }
          double[][] ends = {judged[0], judged[judged.length - 1]};
          DistilledFlow flow = DistilledFlow.of(composed);
          scores.add(new Score(spec, seed, flow, judge.endToEnd(flow, ends)));
        });
    return scores;
  }

  /** One step against many on a grid, at equal total parameters. */
  public OneStepDiagnosis diagnose(TimeGrid grid, long seed) throws IOException {
    return Distillation.of(mixture, process)
        .withOptions(options.withFineTuning(null).withSeed(seed))
        .diagnose(backend, grid);
  }

  private record Segment(double start, double end) {}

  private static Set<Segment> segments(Map<GridSpec, TimeGrid> grids) {
    Set<Segment> segments = new LinkedHashSet<>();
    for (TimeGrid grid : grids.values()) {
      for (int s = 0; s < grid.segments(); s++) {
        segments.add(new Segment(grid.knot(s), grid.knot(s + 1)));
      }
    }
    return segments;
  }

  private Map<Segment, Network> train(
      Set<Segment> segments, double[] knots, double[][] states, long seed) throws IOException {
    Map<Double, double[]> at = new HashMap<>();
    for (int i = 0; i < knots.length; i++) {
      at.put(knots[i], states[i]);
    }
    List<Callable<Network>> tasks = new ArrayList<>();
    for (Segment segment : segments) {
      tasks.add(() -> train(segment, at.get(segment.start()), at.get(segment.end()), seed));
    }
    Iterator<Network> trained = Concurrently.run(backend.threads(), tasks, () -> {}).iterator();
    Map<Segment, Network> networks = new HashMap<>();
    segments.forEach(segment -> networks.put(segment, trained.next()));
    return networks;
  }

  private Network train(Segment segment, double[] from, double[] to, long seed) throws IOException {
    int d = mixture.dimension();
    TrainingOptions training = options.training().withSeed(Seeds.derived(seed, 7));
    return new SegmentTraining(
            options.student().shape(d), d, process, segment.start(), segment.end())
        .train(
            backend,
            options.precision(),
            from,
            to,
            training,
            TrainingListener.NONE,
            CheckpointStore.NONE,
            Map.of());
  }
}
