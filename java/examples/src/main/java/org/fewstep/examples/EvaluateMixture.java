package org.fewstep.examples;

import org.fewstep.backend.Backend;
import org.fewstep.backend.Backends;
import org.fewstep.backend.Batch;
import org.fewstep.backend.MixtureOutputs;
import org.fewstep.diffusion.OrnsteinUhlenbeck;
import org.fewstep.mixture.Covariance;
import org.fewstep.mixture.DiffusedMixture;
import org.fewstep.mixture.GaussianMixture;

/**
 * The kernel by itself: score and log-density of a mixture of one's own, on arrays of one's own.
 */
public final class EvaluateMixture {

  private EvaluateMixture() {}

  /** Prints a line for each of three points. */
  public static void main(String[] args) {
    GaussianMixture mixture =
        GaussianMixture.of(
            new double[] {0.8, 0.2},
            new double[][] {{-1, 0}, {1, 0.5}},
            Covariance.diagonal(new double[][] {{0.04, 0.01}, {0.01, 0.09}}));
    DiffusedMixture noised = DiffusedMixture.at(mixture, new OrnsteinUhlenbeck(), 0.1);

    double[] points = {-1, 0, 0, 0, 1, 0.5};
    double[] score = new double[points.length];
    double[] logDensity = new double[points.length / 2];
    try (Backend backend = Backends.best()) {
      // Arrays are wrapped, not copied: the kernel reads and writes them in place.
      backend.mixture(
          noised,
          Batch.wrap(points, 2),
          MixtureOutputs.none()
              .withScore(Batch.wrap(score, 2))
              .withLogDensity(Batch.wrap(logDensity, 1)));
    }
    for (int i = 0; i < logDensity.length; i++) {
      System.out.printf(
          "x = (%5.2f, %5.2f)   log p = %8.4f   score = (%8.4f, %8.4f)%n",
          points[2 * i], points[2 * i + 1], logDensity[i], score[2 * i], score[2 * i + 1]);
    }
  }
}
