package org.fewstep.distill;

import java.io.IOException;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.Callable;
import java.util.concurrent.CancellationException;
import java.util.concurrent.atomic.AtomicLongArray;
import org.fewstep.backend.Backend;
import org.fewstep.backend.BatchChecks;
import org.fewstep.diffusion.Diffusion;
import org.fewstep.diffusion.OrnsteinUhlenbeck;
import org.fewstep.grid.TimeGrid;
import org.fewstep.mixture.GaussianMixture;
import org.fewstep.network.Network;
import org.fewstep.network.NetworkShape;
import org.fewstep.training.CheckpointStore;
import org.fewstep.training.Seeds;
import org.fewstep.training.TrainingListener;
import org.fewstep.training.TrainingOptions;

/**
 * Distils the flow of a mixture: cuts it at the knots of a grid, trains one residual network a
 * segment on exact trajectories, and composes them (arXiv 2606.03820).
 *
 * <p>Segments are trained independently, as many at once as the backend has threads; the result is
 * the same bit for bit however many those are. With a checkpoint store a run that was killed goes
 * on to the same bits.
 */
public final class Distillation {

  private final GaussianMixture mixture;
  private final Diffusion process;
  private final DistillationOptions options;
  private final DistillationListener listener;
  private final CheckpointStore checkpoints;

  private Distillation(
      GaussianMixture mixture,
      Diffusion process,
      DistillationOptions options,
      DistillationListener listener,
      CheckpointStore checkpoints) {
    this.mixture = mixture;
    this.process = process;
    this.options = options;
    this.listener = listener;
    this.checkpoints = checkpoints;
  }

  /** Of a mixture under the Ornstein-Uhlenbeck process. */
  public static Distillation of(GaussianMixture mixture) {
    return of(mixture, new OrnsteinUhlenbeck());
  }

  /** Of a mixture under a process. */
  public static Distillation of(GaussianMixture mixture, Diffusion process) {
    BatchChecks.requireGiven("mixture", mixture);
    BatchChecks.requireGiven("process", process);
    return new Distillation(
        mixture,
        process,
        new DistillationOptions(mixture.dimension()),
        DistillationListener.NONE,
        CheckpointStore.NONE);
  }

  /** This with other options. */
  public Distillation withOptions(DistillationOptions other) {
    BatchChecks.requireGiven("options", other);
    return new Distillation(mixture, process, other, listener, checkpoints);
  }

  /** This with a listener. */
  public Distillation withListener(DistillationListener other) {
    BatchChecks.requireGiven("listener", other);
    return new Distillation(mixture, process, options, other, checkpoints);
  }

  /** This with a store that a killed run goes on from. */
  public Distillation withCheckpoints(CheckpointStore store) {
    BatchChecks.requireGiven("checkpoints", store);
    return new Distillation(mixture, process, options, listener, store);
  }

  /**
   * Distils the flow on a grid.
   *
   * @param backend does the work; stays open
   * @param grid the knots, of any kind
   * @throws IllegalArgumentException if the grid is not one of the process and the mixture, or a
   *     checkpoint is of another distillation
   * @throws CancellationException if the listener ended it
   * @throws IOException if a checkpoint cannot be read or written
   */
  public DistillationResult run(Backend backend, TimeGrid grid) throws IOException {
    BatchChecks.requireGiven("backend", backend);
    BatchChecks.requireGiven("grid", grid);
    long seed = options.training().seed();
    Teacher teacher = new Teacher(mixture, process, backend);
    double[][] learned =
        teacher.trajectories(grid, options.trajectories(), Seeds.derived(seed, 101));
    List<Network> networks = trainSegments(backend, grid, learned);
    if (options.fineTuning() != null) {
      networks =
          new FineTuning(backend, networks, options.precision())
              .run(learned, options.fineTuning().withSeed(Seeds.derived(seed, 102)), listener);
    }
    DistilledFlow flow = DistilledFlow.of(networks);
    double[][] judged = teacher.trajectories(grid, options.heldOut(), Seeds.derived(seed, 103));
    return new Judge(backend, mixture, process).judge(flow, judged);
  }

  /**
   * Distils the flow on a grid, and once more into a single network of no more parameters.
   * Checkpoints of the latter are kept apart; arguments and errors as those of {@link #run}.
   */
  public OneStepDiagnosis diagnose(Backend backend, TimeGrid grid) throws IOException {
    DistillationResult many = run(backend, grid);
    Student single = options.student().ofEqualSize(grid.segments(), mixture.dimension());
    DistillationOptions same = options.withFineTuning(null).withWidth(single.width());
    DistillationResult one =
        new Distillation(mixture, process, same, listener, checkpoints.part("one-step"))
            .run(backend, TimeGrid.of(grid.start(), grid.end()));
    return new OneStepDiagnosis(many, one);
  }

  private List<Network> trainSegments(Backend backend, TimeGrid grid, double[][] states)
      throws IOException {
    int segments = grid.segments();
    Progress progress = new Progress(segments, options.training().steps());
    List<Callable<Network>> tasks = new ArrayList<>();
    for (int s = 0; s < segments; s++) {
      int segment = s;
      tasks.add(() -> train(backend, grid, segment, states, progress));
    }
    List<Network> networks = Concurrently.run(backend.threads(), tasks, progress::cancel);
    if (networks.contains(null)) {
      throw new CancellationException("the distillation was cancelled");
    }
    return networks;
  }

  private Network train(
      Backend backend, TimeGrid grid, int segment, double[][] states, Progress progress)
      throws IOException {
    double start = grid.knot(segment);
    double end = grid.knot(segment + 1);
    TrainingOptions training = options.training();
    return new SegmentTraining(shape(), mixture.dimension(), process, start, end)
        .train(
            backend,
            options.precision(),
            states[segment],
            states[segment + 1],
            training.withSeed(Seeds.derived(training.seed(), segment)),
            progress.of(segment),
            checkpoints.part("segment-" + segment),
            identity(start, end));
  }

  private NetworkShape shape() {
    return options.student().shape(mixture.dimension());
  }

  private Map<String, String> identity(double start, double end) {
    Map<String, String> settings = new LinkedHashMap<>();
    settings.put("mixture", Fingerprint.of(mixture));
    settings.put("process", process.name());
    settings.put("start", Double.toString(start));
    settings.put("end", Double.toString(end));
    settings.put("trajectories", Integer.toString(options.trajectories()));
    return settings;
  }

  /** Adds up the steps of all segments for the listener. */
  private final class Progress {

    private final AtomicLongArray done;
    private final long steps;
    private volatile boolean cancelled;

    Progress(int segments, int stepsEach) {
      done = new AtomicLongArray(segments);
      steps = (long) segments * stepsEach;
    }

    void cancel() {
      cancelled = true;
    }

    TrainingListener of(int segment) {
      return new TrainingListener() {
        @Override
        public void onCheck(long step, long stepsHere, double validationError) {
          done.set(segment, step);
          report();
        }

        @Override
        public boolean isCancelled() {
          return cancelled || listener.isCancelled();
        }
      };
    }

    private synchronized void report() {
      long sum = 0;
      for (int s = 0; s < done.length(); s++) {
        sum += done.get(s);
      }
      listener.onProgress(sum, steps);
    }
  }
}
