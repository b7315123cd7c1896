package org.fewstep.bench;

import org.fewstep.backend.Backend;
import org.fewstep.backend.Backends;
import org.fewstep.backend.Batch;
import org.fewstep.backend.MixtureOutputs;
import org.fewstep.backend.Philox;
import org.fewstep.backend.Precision;
import org.fewstep.diffusion.OrnsteinUhlenbeck;
import org.fewstep.mixture.Covariance;
import org.fewstep.mixture.DiffusedMixture;
import org.fewstep.mixture.GaussianMixture;

/**
 * A mixture at a time and points drawn from it: the same numbers for us and for every peer.
 *
 * @param mixture the mixture at the time of evaluation; isotropic, one sigma for all components
 * @param rows the number of points
 * @param withFarPoints whether one point in {@value #FAR_EVERY} lies far from every mode, where a
 *     plain exponential underflows
 */
record Workload(DiffusedMixture mixture, long rows, boolean withFarPoints) {

  /** One point in so many is far, where far ones are asked for. */
  static final int FAR_EVERY = 128;

  private static final double FAR_RADIUS = 60;
  private static final long MEANS_SEED = 11;
  private static final long POINTS_SEED = 12;

  /**
   * K components with means of norm about 4 and sigma 0.2, carried to time t of the
   * Ornstein-Uhlenbeck process.
   */
  static Workload of(int dimension, int components, long rows, double t) {
    double[] normals = new double[dimension * components];
    Philox.normal(MEANS_SEED, 0, normals, 0, normals.length);
    double[][] means = new double[components][dimension];
    double[] weights = new double[components];
    double spread = 4 / Math.sqrt(dimension);
    for (int k = 0; k < components; k++) {
      weights[k] = 1 + k % 3;
      for (int i = 0; i < dimension; i++) {
        means[k][i] = spread * normals[k * dimension + i];
      }
    }
    GaussianMixture mixture = GaussianMixture.of(weights, means, Covariance.isotropic(0.2));
    return new Workload(DiffusedMixture.at(mixture, new OrnsteinUhlenbeck(), t), rows, false);
  }

  /** The same mixture, with far points among the others. */
  Workload andFarPoints() {
    return new Workload(mixture, rows, true);
  }

  int dimension() {
    return mixture.mixture().dimension();
  }

  int components() {
    return mixture.mixture().components();
  }

  /** The evaluations of one component at one point in a call. */
  double pairs() {
    return (double) rows * components();
  }

  /** The variance of every component at the time of evaluation. */
  double variance() {
    return mixture.eigenvalue(0, 0);
  }

  /** Fills x [n,d] with the points. */
  void points(Batch x) {
    int d = dimension();
    double deviation = Math.sqrt(variance());
    double[] row = new double[d];
    for (long i = 0; i < rows; i++) {
      Philox.normal(POINTS_SEED, i * d, row, 0, d);
      int k = (int) (i % components());
      double square = 0;
      for (int j = 0; j < d; j++) {
        row[j] = mixture.a() * mixture.mixture().mean(k, j) + deviation * row[j];
        square += row[j] * row[j];
      }
      boolean far = withFarPoints && i % FAR_EVERY == 0;
      double factor = far ? FAR_RADIUS / Math.sqrt(square) : 1;
      for (int j = 0; j < d; j++) {
        x.set(i, j, factor * row[j]);
      }
    }
  }

  /** The points as an array, for peers. */
  float[] points() {
    try (Batch x = Batch.allocateHost(rows, dimension(), Precision.FLOAT32)) {
      points(x);
      return x.toFloatArray();
    }
  }

  /** The score of the first points by the scalar backend in double precision, row-major. */
  double[] expectedScore() {
    long count = Math.min(rows, Agreement.ROWS);
    try (Backend scalar = Backends.named("scalar");
        Batch x = Batch.allocateHost(count, dimension(), Precision.FLOAT32);
        Batch wide = Batch.allocateHost(count, dimension(), Precision.FLOAT64);
        Batch score = Batch.allocateHost(count, dimension(), Precision.FLOAT64)) {
      new Workload(mixture, count, withFarPoints).points(x);
      wide.copyFrom(x.toDoubleArray());
      scalar.mixture(mixture, wide, MixtureOutputs.none().withScore(score));
      return score.toDoubleArray();
    }
  }
}
