package org.fewstep.bench;

import org.fewstep.backend.Philox;
import org.fewstep.diffusion.Diffusion;
import org.fewstep.diffusion.OrnsteinUhlenbeck;
import org.fewstep.grid.TimeGrid;
import org.fewstep.grid.TimeGrids;
import org.fewstep.mixture.ExampleMixtures;
import org.fewstep.mixture.GaussianMixture;

/**
 * A probability flow from noise to data: the same numbers for us and for every peer.
 *
 * @param mixture the data; isotropic, one sigma for all components
 * @param process what carries it to noise
 * @param grid the knots, descending
 * @param rows the number of points
 */
record FlowWorkload(GaussianMixture mixture, Diffusion process, TimeGrid grid, long rows) {

  /**
   * How far ends in single precision may be from those in double precision: rounding grows along
   * paths that pass between modes.
   */
  static final double TOLERANCE = 1e-2;

  private static final long NOISE_SEED = 1;

  /** Eight modes on a ring of radius 2, sigma 0.05, over a log-SNR grid of so many segments. */
  static FlowWorkload ring8(int segments, long rows) {
    Diffusion process = new OrnsteinUhlenbeck();
    return new FlowWorkload(
        ExampleMixtures.named("ring8"),
        process,
        TimeGrids.logSnr(process, process.defaultStart(), process.defaultEnd(), segments),
        rows);
  }

  /** The knots, descending. */
  double[] knots() {
    return grid.knots();
  }

  /** The points at the start, row-major. */
  float[] noise() {
    double[] normals = new double[Math.toIntExact(rows * mixture.dimension())];
    Philox.normal(NOISE_SEED, 0, normals, 0, normals.length);
    double sigma = process.sigma(grid.start());
    float[] noise = new float[normals.length];
    for (int i = 0; i < noise.length; i++) {
      noise[i] = (float) (sigma * normals[i]);
    }
    return noise;
  }
}
