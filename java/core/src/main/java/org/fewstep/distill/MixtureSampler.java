package org.fewstep.distill;

import org.fewstep.backend.Philox;
import org.fewstep.diffusion.Diffusion;
import org.fewstep.mixture.FullCovariance;
import org.fewstep.mixture.GaussianMixture;
import org.fewstep.training.Seeds;

/** Exact samples of a mixture carried to a time: {@code alpha x0 + sigma z} with x0 of the data. */
final class MixtureSampler {

  private MixtureSampler() {}

  /** Independent samples of p_t, [rows, d] row-major, the same for a seed everywhere. */
  static double[] sample(
      GaussianMixture mixture, Diffusion process, double t, int rows, long seed) {
    int d = mixture.dimension();
    double[] component = new double[rows];
    Philox.uniform(Seeds.derived(seed, 1), 0, component, 0, rows);
    double[] data = new double[rows * d];
    Philox.normal(Seeds.derived(seed, 2), 0, data, 0, data.length);
    double[] noise = new double[rows * d];
    Philox.normal(Seeds.derived(seed, 3), 0, noise, 0, noise.length);
    double alpha = process.alpha(t);
    double sigma = process.sigma(t);
    double[] point = new double[d];
    for (int row = 0; row < rows; row++) {
      place(mixture, component(mixture, component[row]), data, row * d, point);
      for (int i = 0; i < d; i++) {
        data[row * d + i] = alpha * point[i] + sigma * noise[row * d + i];
      }
    }
    return data;
  }

  private static int component(GaussianMixture mixture, double uniform) {
    int last = 0;
    double below = 0;
    for (int k = 0; k < mixture.components(); k++) {
      if (mixture.weight(k) > 0) {
        last = k;
        below += mixture.weight(k);
        if (uniform < below) {
          return k;
        }
      }
    }
    return last;
  }

  /** mu_k + Q_k sqrt(Lambda_k) z, with z read at an offset. */
  private static void place(
      GaussianMixture mixture, int k, double[] normals, int offset, double[] point) {
    for (int i = 0; i < point.length; i++) {
      point[i] = mixture.mean(k, i);
    }
    for (int j = 0; j < point.length; j++) {
      double along = Math.sqrt(mixture.covariance().eigenvalue(k, j)) * normals[offset + j];
      if (mixture.covariance() instanceof FullCovariance full) {
        for (int i = 0; i < point.length; i++) {
          point[i] += full.eigenvector(k, i, j) * along;
        }
      } else {
        point[j] += along;
      }
    }
  }
}
