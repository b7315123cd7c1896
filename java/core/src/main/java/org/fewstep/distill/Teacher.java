package org.fewstep.distill;

import java.util.ArrayList;
import java.util.List;
import org.fewstep.backend.Backend;
import org.fewstep.backend.Batch;
import org.fewstep.backend.Precision;
import org.fewstep.diffusion.Diffusion;
import org.fewstep.flow.DormandPrince;
import org.fewstep.flow.Flow;
import org.fewstep.flow.FlowResult;
import org.fewstep.grid.TimeGrid;
import org.fewstep.mixture.GaussianMixture;

/** Exact trajectories of a mixture's flow, from samples of p_T, by the adaptive solver. */
final class Teacher {

  /** Tolerances a thousand times finer than the float32 that students run in. */
  private static final double TOLERANCE = 1e-9;

  private final GaussianMixture mixture;
  private final Diffusion process;
  private final Backend backend;

  Teacher(GaussianMixture mixture, Diffusion process, Backend backend) {
    this.mixture = mixture;
    this.process = process;
    this.backend = backend;
  }

  /**
   * States at every knot, [knots][rows, d] row-major in float64, of trajectories that start in
   * independent samples of the first knot's density.
   */
  double[][] trajectories(TimeGrid grid, int rows, long seed) {
    double[] starts = MixtureSampler.sample(mixture, process, grid.start(), rows, seed);
    return trajectories(grid, starts);
  }

  /** States at every knot of trajectories that start in given points, [rows, d] row-major. */
  double[][] trajectories(TimeGrid grid, double[] starts) {
    Flow flow =
        Flow.of(mixture, process)
            .withGrid(grid)
            .withSolver(new DormandPrince(TOLERANCE, TOLERANCE))
            .withTrajectory(true);
    int d = mixture.dimension();
    try (Batch x = backend.allocate(starts.length / d, d, Precision.FLOAT64)) {
      x.copyFrom(starts);
      try (FlowResult result = flow.run(backend, x)) {
        if (!result.statistics().allOk()) {
          throw new IllegalStateException(
              "the teacher could not follow every trajectory: " + result.statistics());
        }
        List<double[]> states = new ArrayList<>();
        result.trajectory().forEach(knot -> states.add(knot.toDoubleArray()));
        return states.toArray(double[][]::new);
      }
    }
  }
}
