package org.fewstep.cli;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.Callable;
import java.util.stream.LongStream;
import org.fewstep.backend.Backend;
import org.fewstep.backend.Batch;
import org.fewstep.backend.Precision;
import org.fewstep.diffusion.OrnsteinUhlenbeck;
import org.fewstep.distill.DistillationOptions;
import org.fewstep.distill.DistilledFlow;
import org.fewstep.distill.GridStudy;
import org.fewstep.grid.GridKind;
import org.fewstep.grid.GridSpec;
import org.fewstep.grid.TimeGrid;
import org.fewstep.mixture.ExampleMixtures;
import org.fewstep.mixture.GaussianMixture;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;

/** Compares time grids by what is distilled on them, over several mixtures. */
@Command(
    name = "study",
    description = {
      "Compares time grids by the error of flows distilled on them.",
      "Writes a table (study.md), the numbers (study.json), and plots of samples for each grid and"
          + " of the error over the number of segments."
    })
final class StudyCommand implements Callable<Integer> {

  /**
   * Of every mixture; held out so many because rare rows that change their mode decide the mean.
   */
  private static final int HELD_OUT = 20_000;

  /** Of the grids that are compared kind by kind. */
  static final int SEGMENTS = 8;

  private static final int[] OTHER_SEGMENTS = {1, 2, 4, 16};
  private static final List<GridKind> KINDS =
      List.of(
          GridKind.UNIFORM,
          GridKind.LOG_SNR,
          GridKind.KARRAS,
          GridKind.STABILITY,
          GridKind.TYPICAL,
          GridKind.STUDENT);
  private static final List<GridKind> KINDS_OVER_SEGMENTS =
      List.of(GridKind.UNIFORM, GridKind.STABILITY, GridKind.TYPICAL, GridKind.STUDENT);

  private static final List<String> MIXTURES =
      List.of("ring8", "ring8?sigma=0.3", "bimodal", "two-modes", "grid16?sigma=0.1", "gauss8d");
  private static final List<String> FEW_MIXTURES = List.of("ring8", "two-modes");
  private static final double[] ENDS = {1e-3, 1e-2};
  private static final double[] ONE_END = {1e-3};

  private static final int SEEDS = 5;
  private static final int QUICK_SEEDS = 3;
  private static final int QUICK_STEPS = 1000;
  private static final int DIAGNOSED_SEEDS = 3;
  private static final int PLOTTED = 4000;

  @Mixin private CommonOptions common;

  @Option(
      names = "--output",
      required = true,
      paramLabel = "DIR",
      description = "The folder of table, numbers and plots; made if it is not there.")
  private Path output;

  @Option(
      names = "--quick",
      description = "Two mixtures, three seeds and a quarter of the steps: minutes.")
  private boolean quick;

  @Option(
      names = "--mixture",
      paramLabel = "NAME",
      description =
          "Only this built-in mixture, such as ring8 or two-modes?sigma=0.05; repeatable.")
  private List<String> chosen;

  @Option(names = "--seeds", paramLabel = "N", description = "Default 5, or 3 with --quick.")
  private Integer seeds;

  @Option(names = "--steps", paramLabel = "N", description = "Of each segment (default 4000).")
  private Integer steps;

  @Override
  public Integer call() throws IOException {
    common.check();
    List<StudyCase> cases = cases();
    int count = seeds != null ? seeds : quick ? QUICK_SEEDS : SEEDS;
    if (count < 1) {
      throw new IllegalArgumentException("--seeds must be at least 1, but is " + count);
    }
    Files.createDirectories(output);
    StudyReport report = null;
    try (Backend backend = common.openBackend();
        Progress progress = new Progress("study", common.showsProgress())) {
      for (int c = 0; c < cases.size(); c++) {
        StudyCase studied = cases.get(c);
        run(studied, count, backend, progress, c * (long) count, cases.size());
        StudyPlot.write(output.resolve("error-" + studied.fileName() + ".png"), studied);
        // After every case: what is done stays if the run is ended.
        report = new StudyReport(cases.subList(0, c + 1), count);
        report.writeJson(output.resolve("study.json"));
        report.writeTable(output.resolve("study.md"));
      }
    }
    if (common.json()) {
      Json.print(common.out(), report::write);
    } else if (common.talkative()) {
      common.out().print(report.table());
    }
    return 0;
  }

  private DistillationOptions options(int dimension) {
    DistillationOptions options = new DistillationOptions(dimension);
    int count = steps != null ? steps : quick ? QUICK_STEPS : options.training().steps();
    return options
        .withTraining(options.training().withSteps(count))
        .withTrajectories(options.trajectories(), HELD_OUT)
        .withPrecision(common.precision());
  }

  private List<StudyCase> cases() {
    List<StudyCase> cases = new ArrayList<>();
    List<String> names = chosen != null ? chosen : quick ? FEW_MIXTURES : MIXTURES;
    for (String name : names) {
      GaussianMixture mixture = ExampleMixtures.named(name);
      for (double end : quick ? ONE_END : ENDS) {
        cases.add(new StudyCase(name, mixture, end, options(mixture.dimension())));
      }
    }
    return cases;
  }

  private void run(
      StudyCase studied, int count, Backend backend, Progress progress, long done, int cases)
      throws IOException {
    OrnsteinUhlenbeck process = new OrnsteinUhlenbeck();
    GridStudy study =
        new GridStudy(
            backend,
            studied.mixture(),
            process,
            process.defaultStart(),
            studied.end(),
            studied.options());
    Map<GridSpec, TimeGrid> grids = grids(study);
    studied.grids().putAll(grids);
    long total = (long) cases * count;
    for (long seed : LongStream.rangeClosed(1, count).toArray()) {
      List<GridStudy.Score> scores = study.run(grids, seed);
      studied.scores().addAll(scores);
      if (seed == 1) {
        drawSamples(studied, scores, backend);
      }
      if (seed <= DIAGNOSED_SEEDS) {
        TimeGrid typical = grids.get(new GridSpec(GridKind.TYPICAL, SEGMENTS));
        studied.diagnoses().add(study.diagnose(typical, seed));
      }
      progress.update(done + seed, total);
    }
  }

  private static Map<GridSpec, TimeGrid> grids(GridStudy study) {
    Map<GridSpec, TimeGrid> grids = new LinkedHashMap<>();
    for (GridKind kind : KINDS) {
      GridSpec spec = new GridSpec(kind, SEGMENTS);
      grids.put(spec, study.grid(spec));
    }
    for (int segments : OTHER_SEGMENTS) {
      for (GridKind kind : KINDS_OVER_SEGMENTS) {
        GridSpec spec = new GridSpec(kind, segments);
        grids.put(spec, study.grid(spec));
      }
    }
    return grids;
  }

  private void drawSamples(StudyCase studied, List<GridStudy.Score> scores, Backend backend)
      throws IOException {
    for (GridStudy.Score score : scores) {
      if (score.grid().segments() != SEGMENTS) {
        continue;
      }
      DistilledFlow flow = score.flow();
      String name = "samples-%s-%s.png".formatted(studied.fileName(), score.grid().kind());
      try (Batch x = flow.noise(backend, PLOTTED, Precision.FLOAT32, 1)) {
        flow.sample(backend, x, x);
        SamplePlot.write(
            output.resolve(name),
            "%s to t = %s: distilled on %s".formatted(studied.name(), studied.end(), score.grid()),
            studied.mixture(),
            flow.process(),
            studied.end(),
            x,
            backend);
      }
    }
  }
}
