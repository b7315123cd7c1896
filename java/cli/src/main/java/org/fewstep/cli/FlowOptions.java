package org.fewstep.cli;

import org.fewstep.diffusion.Diffusion;
import org.fewstep.flow.DormandPrince;
import org.fewstep.flow.Flow;
import org.fewstep.flow.Solver;
import org.fewstep.flow.Solvers;
import org.fewstep.grid.GridSpec;
import org.fewstep.mixture.GaussianMixture;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;

/** How a flow runs: its two ends of time and its solver. */
final class FlowOptions {

  @Mixin private TimeOptions times;

  @Option(
      names = "--solver",
      paramLabel = "NAME",
      description = "euler, midpoint, heun, rk4, ddim, dpmpp2m (default), dpmpp3m, unipc, dopri5.")
  private String solver = "dpmpp2m";

  /**
   * The flow of a mixture.
   *
   * @param reversed whether it runs from data to noise; the two times may then come in either order
   */
  Flow flow(GaussianMixture mixture, Diffusion process, GridSpec grid, boolean reversed) {
    double noisy = times.start(process);
    double clean = times.end(process);
    if (reversed && noisy < clean) {
      double larger = clean;
      clean = noisy;
      noisy = larger;
    }
    Flow flow =
        Flow.of(mixture, process)
            .withSolver(Solvers.named(solver))
            .withTimes(noisy, clean)
            .withGrid(grid);
    return reversed ? flow.reversed() : flow;
  }

  /** The solver with tolerances, of which either may be null. */
  Solver solver(Double relative, Double absolute) {
    Solver named = Solvers.named(solver);
    if (relative == null && absolute == null) {
      return named;
    }
    if (!(named instanceof DormandPrince adaptive)) {
      throw new IllegalArgumentException(
          "--rtol and --atol go with --solver dopri5, but the solver is " + solver);
    }
    return new DormandPrince(
        tolerance("--rtol", relative, adaptive.relativeTolerance()),
        tolerance("--atol", absolute, adaptive.absoluteTolerance()));
  }

  private static double tolerance(String option, Double given, double otherwise) {
    if (given != null && !(given > 0 && given < 1)) {
      throw new IllegalArgumentException(
          "%s must lie in (0, 1), but is %s".formatted(option, given));
    }
    return given == null ? otherwise : given;
  }
}
