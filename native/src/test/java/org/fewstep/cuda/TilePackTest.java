package org.fewstep.cuda;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.Random;
import org.fewstep.backend.Backend;
import org.fewstep.backend.Backends;
import org.fewstep.backend.Batch;
import org.fewstep.backend.MixtureOutputs;
import org.fewstep.backend.Precision;
import org.fewstep.diffusion.OrnsteinUhlenbeck;
import org.fewstep.mixture.Covariance;
import org.fewstep.mixture.DiffusedMixture;
import org.fewstep.mixture.GaussianMixture;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.condition.EnabledIfSystemProperty;

/**
 * When mixtures are evaluated in tiles, and that the answers are then those of the scalar backend.
 */
class TilePackTest {

  private static GaussianMixture drawn(int d, int components, Covariance covariance) {
    Random random = new Random(d);
    double[][] means = new double[components][];
    for (int k = 0; k < components; k++) {
      means[k] = random.doubles(d, -2, 2).toArray();
    }
    return GaussianMixture.of(random.doubles(components, 0.1, 1).toArray(), means, covariance);
  }

  private static TilePack.AtTime at(GaussianMixture mixture, double t) {
    DiffusedMixture diffused = DiffusedMixture.at(mixture, new OrnsteinUhlenbeck(), t);
    return new TilePack(mixture).at(new MixturePack(mixture, Precision.FLOAT32).at(diffused));
  }

  @Test
  void tilesServeManyDimensionsAndComponentsInFloat32() {
    Covariance one = Covariance.isotropic(0.3);
    assertTrue(TilePack.serves(drawn(17, 16, one), Precision.FLOAT32));
    assertFalse(TilePack.serves(drawn(17, 16, one), Precision.FLOAT64));
    assertFalse(TilePack.serves(drawn(16, 16, one), Precision.FLOAT32));
    assertFalse(TilePack.serves(drawn(17, 15, one), Precision.FLOAT32));
    assertFalse(
        TilePack.serves(drawn(17, 16, Covariance.diagonal(new double[16][17])), Precision.FLOAT32));
  }

  @Test
  void atLowNoiseTilesFindComponentsWithinAMargin() {
    GaussianMixture mixture = drawn(40, 20, Covariance.isotropic(0.1));
    assertEquals(0, at(mixture, 1).margin());
    double margin = at(mixture, 0.05).margin();
    assertTrue(margin > 40 + 4 && margin < 60, "the margin is " + margin);
    assertTrue(at(mixture, 1e-6).margin() > margin, "less noise, more rounding");
  }

  @Test
  void tilesArePaddedToWholeOnes() {
    TilePack pack = new TilePack(drawn(40, 70, Covariance.isotropic(0.3)));
    assertEquals(128, pack.components());
    assertEquals(48, pack.width());
    assertEquals(128 * 48, pack.means().length);
  }

  /** One covariance for all, one for each, and one along each axis, with much noise and little. */
  @Test
  @EnabledIfSystemProperty(named = "natives.built", matches = "true")
  void tilesAgreeWithTheScalarBackend() {
    double[] sigmas = new Random(1).doubles(90, 0.09, 0.1).toArray();
    for (Covariance covariance :
        new Covariance[] {
          Covariance.isotropic(0.1),
          Covariance.isotropic(sigmas),
          Covariance.diagonal(new Random(2).doubles(50, 0.01, 0.02).toArray())
        }) {
      GaussianMixture mixture = drawn(50, 90, covariance);
      for (double t : new double[] {1, 1e-3}) {
        assertEquals(t == 1, at(mixture, t).margin() == 0);
        OrnsteinUhlenbeck process = new OrnsteinUhlenbeck();
        Random random = new Random(3);
        double[] x = new double[70 * 50];
        double spread = Math.hypot(process.alpha(t) * 0.1, process.sigma(t));
        for (int i = 0; i < x.length; i++) {
          double mean = mixture.mean(i / 50 % 90, i % 50);
          x[i] = (float) (spread * random.nextGaussian() + process.alpha(t) * mean);
        }
        x[50] = 1e6;
        double[] truth = values("scalar", Precision.FLOAT64, mixture, t, x);
        double[] found = values("cuda", Precision.FLOAT32, mixture, t, x);
        for (int i = 0; i < truth.length; i++) {
          assertEquals(truth[i], found[i], 2e-5 * Math.max(10, Math.abs(truth[i])), "value " + i);
        }
      }
    }
  }

  /** Log-density, score and posterior mean, one after the other. */
  private static double[] values(
      String name, Precision precision, GaussianMixture mixture, double t, double[] x) {
    int d = mixture.dimension();
    int n = x.length / d;
    try (Backend backend = Backends.named(name);
        Batch points = backend.allocate(n, d, precision);
        Batch logDensity = backend.allocate(n, 1, precision);
        Batch score = backend.allocate(n, d, precision);
        Batch mean = backend.allocate(n, d, precision)) {
      points.copyFrom(x);
      backend.mixture(
          DiffusedMixture.at(mixture, new OrnsteinUhlenbeck(), t),
          points,
          MixtureOutputs.none()
              .withLogDensity(logDensity)
              .withScore(score)
              .withPosteriorMean(mean));
      double[] all = new double[n + 2 * x.length];
      System.arraycopy(logDensity.toDoubleArray(), 0, all, 0, n);
      System.arraycopy(score.toDoubleArray(), 0, all, n, x.length);
      System.arraycopy(mean.toDoubleArray(), 0, all, n + x.length, x.length);
      return all;
    }
  }
}
