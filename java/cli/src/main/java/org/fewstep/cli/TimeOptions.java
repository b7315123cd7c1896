package org.fewstep.cli;

import org.fewstep.backend.Backend;
import org.fewstep.diffusion.Diffusion;
import org.fewstep.distill.Student;
import org.fewstep.distill.StudentGrid;
import org.fewstep.grid.GridKind;
import org.fewstep.grid.GridSpec;
import org.fewstep.grid.TimeGrid;
import org.fewstep.grid.TimeGrids;
import org.fewstep.mixture.GaussianMixture;
import picocli.CommandLine.Option;

/** The two ends of time, and the grids between them. */
final class TimeOptions {

  @Option(
      names = "--start",
      paramLabel = "T",
      description = "The time of noise (default 3; 1 for vp, 0.99 for vp-cosine, 80 for ve).")
  private Double start;

  @Option(
      names = "--end",
      paramLabel = "t",
      description = "The time of data (default 1e-3; 0.002 for ve).")
  private Double end;

  /** The time of noise. */
  double start(Diffusion process) {
    return start == null ? process.defaultStart() : start;
  }

  /** The time of data. */
  double end(Diffusion process) {
    return end == null ? process.defaultEnd() : end;
  }

  /** A grid for learned segments: of every kind but refined, which is one solver's. */
  TimeGrid learnedGrid(
      GaussianMixture mixture, Diffusion process, GridSpec spec, Student student, Backend backend) {
    if (spec.kind() == GridKind.REFINED) {
      throw new IllegalArgumentException(
          "a refined grid is made for a solver; for learned segments take %s or %s"
              .formatted(GridKind.TYPICAL, GridKind.STUDENT));
    }
    double noisy = start(process);
    double clean = end(process);
    if (spec.kind() != GridKind.STUDENT) {
      return TimeGrids.of(spec, mixture, process, noisy, clean, backend, 0);
    }
    StudentGrid.requireSegments(spec.segments());
    return StudentGrid.of(mixture, process, noisy, clean, student, backend, 0)
        .grid(spec.segments());
  }
}
