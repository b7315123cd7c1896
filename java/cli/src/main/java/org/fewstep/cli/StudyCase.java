package org.fewstep.cli;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.fewstep.distill.DistillationOptions;
import org.fewstep.distill.GridStudy;
import org.fewstep.distill.OneStepDiagnosis;
import org.fewstep.grid.GridKind;
import org.fewstep.grid.GridSpec;
import org.fewstep.grid.TimeGrid;
import org.fewstep.mixture.GaussianMixture;

/**
 * One mixture and one end of time of a study, and what came of it.
 *
 * @param name of the built-in mixture
 * @param mixture itself
 * @param end the time of data
 * @param options of every distillation
 * @param grids the knots, filled as the study goes
 * @param scores one per grid and seed, likewise
 * @param diagnoses one step against many, likewise
 */
record StudyCase(
    String name,
    GaussianMixture mixture,
    double end,
    DistillationOptions options,
    Map<GridSpec, TimeGrid> grids,
    List<GridStudy.Score> scores,
    List<OneStepDiagnosis> diagnoses) {

  StudyCase(String name, GaussianMixture mixture, double end, DistillationOptions options) {
    this(name, mixture, end, options, new LinkedHashMap<>(), new ArrayList<>(), new ArrayList<>());
  }

  /** The name and the end as part of a file's name. */
  String fileName() {
    return "%s-%s".formatted(name.replaceAll("[^A-Za-z0-9.]+", "-"), end);
  }

  /** The mean errors of a grid, one a seed. */
  double[] errors(GridSpec grid) {
    return scores.stream()
        .filter(score -> score.grid().equals(grid))
        .mapToDouble(score -> score.error().mean())
        .toArray();
  }

  /** The mean over seeds of a grid's error. */
  double error(GridSpec grid) {
    return Arrays.stream(errors(grid)).average().orElse(Double.NaN);
  }

  /** The mean over seeds of a grid's error over the best 99% of rows. */
  double trimmed(GridSpec grid) {
    return scores.stream()
        .filter(score -> score.grid().equals(grid))
        .mapToDouble(score -> score.error().trimmed())
        .average()
        .orElse(Double.NaN);
  }

  /** The standard deviation over seeds of a grid's error over its mean. */
  double spread(GridSpec grid) {
    double mean = error(grid);
    double variance =
        Arrays.stream(errors(grid)).map(e -> (e - mean) * (e - mean)).average().orElse(Double.NaN);
    return Math.sqrt(variance) / mean;
  }

  /** How much less a grid errs than the uniform one of as many segments, as a share. */
  double reduction(GridSpec grid) {
    return 1 - error(grid) / error(new GridSpec(GridKind.UNIFORM, grid.segments()));
  }
}
