package org.fewstep.grid;

import java.util.Arrays;
import org.fewstep.backend.Backend;
import org.fewstep.backend.Batch;
import org.fewstep.backend.MixtureOutputs;
import org.fewstep.backend.Philox;
import org.fewstep.backend.Precision;
import org.fewstep.diffusion.Diffusion;
import org.fewstep.diffusion.OrnsteinUhlenbeck;
import org.fewstep.mixture.DiffusedMixture;
import org.fewstep.mixture.FullCovariance;
import org.fewstep.mixture.GaussianMixture;

/**
 * The mean over p_t of the spectral norm of the Jacobian of the flow, {@code E |J(x, t)|_2}, by
 * Monte Carlo over points {@code y = a x0 + sqrt(b) z} in Ornstein-Uhlenbeck space.
 *
 * <p>Three things keep its noise from moving knots: the same x0 and z serve every time, so that the
 * estimate is smooth in time; components are drawn by systematic sampling, each the floor or the
 * ceiling of its share; and z comes in antithetic pairs. The Hessian of log p comes from a
 * backend's JVP in float64, its norm from {@link JacobianNorms}.
 */
final class TypicalNorm {

  private static final int SAMPLES = JacobianNorms.SAMPLES;

  /** What is below this, relative to the Hessian's largest possible norm, is rounding: zero. */
  private static final double ROUNDING = 1e-13;

  private static final Diffusion ORNSTEIN_UHLENBECK = new OrnsteinUhlenbeck();

  private final GaussianMixture mixture;
  private final Backend backend;
  private final int dimension;
  private final double[] data;
  private final double[] noise;
  private final JacobianNorms norms;

  /**
   * Draws the samples.
   *
   * @param seed of the Philox stream: number 0 chooses components, and from number 2 on come the
   *     data's normals, the noise, and the directions that power iterations start from
   */
  TypicalNorm(GaussianMixture mixture, Backend backend, long seed) {
    this.mixture = mixture;
    this.backend = backend;
    this.dimension = mixture.dimension();
    int length = SAMPLES * dimension;
    this.data = new double[length];
    Philox.normal(seed, 2, data, 0, length);
    this.noise = new double[length];
    Philox.normal(seed, 2 + (long) length, noise, 0, length);
    JacobianNorms.makeAntithetic(noise, dimension);
    double[] directions = new double[length];
    Philox.normal(seed, 2 + 2L * length, directions, 0, length);
    this.norms = new JacobianNorms(dimension, directions);
    double[] uniform = new double[1];
    Philox.uniform(seed, 0, uniform, 0, 1);
    placeData(uniform[0]);
  }

  /** Turns standard normals into points of the mixture: mu_k + Q_k sqrt(Lambda_k) z. */
  private void placeData(double uniform) {
    double[] normals = data.clone();
    int component = 0;
    double below = 0;
    for (int sample = 0; sample < SAMPLES; sample++) {
      double position = (sample + uniform) / SAMPLES;
      while (component < mixture.components() - 1
          && (below + mixture.weight(component) <= position || mixture.weight(component) == 0)) {
        below += mixture.weight(component);
        component++;
      }
      int row = sample * dimension;
      for (int i = 0; i < dimension; i++) {
        data[row + i] = mixture.mean(component, i);
      }
      for (int j = 0; j < dimension; j++) {
        double along = Math.sqrt(mixture.covariance().eigenvalue(component, j)) * normals[row + j];
        if (mixture.covariance() instanceof FullCovariance full) {
          for (int i = 0; i < dimension; i++) {
            data[row + i] += full.eigenvector(component, i, j) * along;
          }
        } else {
          data[row + j] += along;
        }
      }
    }
  }

  /** The mean of |J|_2 at a time of a process, per unit of that time. */
  double at(Diffusion process, double t) {
    DiffusedMixture diffused =
        DiffusedMixture.at(mixture, ORNSTEIN_UHLENBECK, process.ornsteinUhlenbeckTime(t));
    double[] points = new double[SAMPLES * dimension];
    double deviation = Math.sqrt(diffused.b());
    Arrays.setAll(points, i -> diffused.a() * data[i] + deviation * noise[i]);
    // J = f I - rate Hessian, both of the velocity f x - h score and in Ornstein-Uhlenbeck space,
    // rate = h/rho^2.
    double rate = StabilityBounds.rate(process, t);
    double shift = process.drift(t);
    JacobianNorms.Products jacobian =
        (where, vectors) -> {
          double[] products = hessianProducts(diffused, where, vectors);
          Arrays.setAll(products, i -> shift * vectors[i] - rate * products[i]);
          return products;
        };
    double mean = JacobianNorms.mean(norms.at(points, jacobian, jacobian));
    double rounding = ROUNDING * (Math.abs(shift) + rate / diffused.smallestEigenvalue());
    return mean > rounding ? mean : 0;
  }

  private double[] hessianProducts(DiffusedMixture diffused, double[] points, double[] vectors) {
    long rows = points.length / dimension;
    try (Batch x = backend.allocate(rows, dimension, Precision.FLOAT64);
        Batch direction = backend.allocate(rows, dimension, Precision.FLOAT64);
        Batch product = backend.allocate(rows, dimension, Precision.FLOAT64)) {
      x.copyFrom(points);
      direction.copyFrom(vectors);
      backend.mixture(diffused, x, MixtureOutputs.none().withJvp(direction, product));
      return product.toDoubleArray();
    }
  }
}
