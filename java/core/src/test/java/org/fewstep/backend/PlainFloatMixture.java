package org.fewstep.backend;

import java.util.Arrays;
import java.util.HashMap;
import java.util.Map;
import java.util.SplittableRandom;
import org.fewstep.mixture.DiffusedMixture;
import org.fewstep.mixture.FullCovariance;
import org.fewstep.mixture.GaussianMixture;

/**
 * The yardstick for float32: the closed forms at one point in plain float arithmetic, distances by
 * differences, constants rounded to float once, nothing clever.
 *
 * <p>At one point this may be right by luck, above all between modes, where the rounding of one
 * constant decides; so every evaluation rounds its constants up or down at random, and leaves the
 * last bits of q to chance (its sum has one order here and another in a kernel). The yardstick is
 * the worst of several evaluations.
 */
final class PlainFloatMixture {

  private final GaussianMixture mixture;
  private final DiffusedMixture at;
  private final int d;
  private final SplittableRandom random;

  PlainFloatMixture(DiffusedMixture at) {
    this.at = at;
    this.mixture = at.mixture();
    this.d = mixture.dimension();
    this.random = new SplittableRandom(1);
  }

  /** The worst errors of some evaluations in the quantities of {@code truth}. */
  Map<String, Double> worstErrors(
      int draws, double[] x, double[] direction, Map<String, double[]> truth) {
    Map<String, Double> worst = new HashMap<>();
    for (int draw = 0; draw < draws; draw++) {
      Map<String, double[]> values = evaluate(x, direction);
      truth.forEach(
          (quantity, right) ->
              worst.merge(quantity, Evaluations.distance(values.get(quantity), right), Math::max));
    }
    return worst;
  }

  /** The number or one of its two neighbours in float32. */
  private float rounded(double constant) {
    float nearest = (float) constant;
    if (nearest == constant || random.nextBoolean()) {
      return nearest;
    }
    return nearest < constant ? Math.nextUp(nearest) : Math.nextDown(nearest);
  }

  /** The quantities of {@link Evaluations#QUANTITIES}. */
  private Map<String, double[]> evaluate(double[] x, double[] direction) {
    int components = mixture.components();
    float scale = rounded(at.scale());
    float[] u = floats(direction);
    float[][] g = new float[components][];
    float[][] denoised = new float[components][];
    float[] logits = new float[components];
    float largest = Float.NEGATIVE_INFINITY;
    for (int k = 0; k < components; k++) {
      float[] e = new float[d];
      for (int i = 0; i < d; i++) {
        e[i] = (float) x[i] / scale - rounded(at.a() * mixture.mean(k, i));
      }
      float[] w = toEigenbasis(k, e);
      float[] pull = new float[d];
      float[] move = new float[d];
      float q = 0;
      for (int i = 0; i < d; i++) {
        float lambda = rounded(at.eigenvalue(k, i));
        pull[i] = -w[i] / lambda;
        move[i] = rounded(at.a() * mixture.covariance().eigenvalue(k, i)) / lambda * w[i];
        q += w[i] * w[i] / lambda;
      }
      q *= 1 + 0x1p-22f * (float) random.nextDouble(-1, 1);
      g[k] = fromEigenbasis(k, pull);
      denoised[k] = fromEigenbasis(k, move);
      for (int i = 0; i < d; i++) {
        denoised[k][i] += rounded(mixture.mean(k, i));
      }
      logits[k] = rounded(at.logNormaliser(k)) - q / 2;
      largest = Math.max(largest, logits[k]);
    }
    float sum = 0;
    float[] r = new float[components];
    for (int k = 0; k < components; k++) {
      r[k] = (float) Math.exp(logits[k] - largest);
      sum += r[k];
    }
    float[] score = new float[d];
    float[] mean = new float[d];
    for (int k = 0; k < components; k++) {
      r[k] /= sum;
      for (int i = 0; i < d; i++) {
        score[i] += r[k] * g[k][i];
        mean[i] += r[k] * denoised[k][i];
      }
    }
    float divergence = 0;
    float[] jvp = new float[d];
    for (int k = 0; k < components; k++) {
      float along = 0;
      float square = 0;
      float trace = 0;
      float[] w = toEigenbasis(k, u);
      for (int i = 0; i < d; i++) {
        float c = g[k][i] - score[i];
        along += c * u[i];
        square += c * c;
        float lambda = rounded(at.eigenvalue(k, i));
        trace += 1 / lambda;
        w[i] /= lambda;
      }
      float[] pulled = fromEigenbasis(k, w);
      divergence += r[k] * (square - trace);
      for (int i = 0; i < d; i++) {
        jvp[i] += r[k] * ((g[k][i] - score[i]) * along - pulled[i]);
      }
    }
    float logDensity =
        (float) Math.log(sum)
            + largest
            - rounded(d * (Math.log(2 * Math.PI) / 2 + Math.log(at.scale())));
    for (int i = 0; i < d; i++) {
      score[i] /= scale;
      jvp[i] /= scale * scale;
    }
    return Map.of(
        "log-density", new double[] {logDensity},
        "score", doubles(score),
        "posterior-mean", doubles(mean),
        "divergence", new double[] {divergence / (scale * scale)},
        "jvp", doubles(jvp),
        "responsibilities", doubles(r));
  }

  private float[] toEigenbasis(int k, float[] v) {
    if (!(mixture.covariance() instanceof FullCovariance full)) {
      return v.clone();
    }
    float[] w = new float[d];
    for (int j = 0; j < d; j++) {
      for (int i = 0; i < d; i++) {
        w[j] += rounded(full.eigenvector(k, i, j)) * v[i];
      }
    }
    return w;
  }

  private float[] fromEigenbasis(int k, float[] w) {
    if (!(mixture.covariance() instanceof FullCovariance full)) {
      return w.clone();
    }
    float[] v = new float[d];
    for (int i = 0; i < d; i++) {
      for (int j = 0; j < d; j++) {
        v[i] += rounded(full.eigenvector(k, i, j)) * w[j];
      }
    }
    return v;
  }

  private static float[] floats(double[] values) {
    float[] narrow = new float[values.length];
    for (int i = 0; i < values.length; i++) {
      narrow[i] = (float) values[i];
    }
    return narrow;
  }

  private static double[] doubles(float[] values) {
    double[] wide = new double[values.length];
    Arrays.setAll(wide, i -> values[i]);
    return wide;
  }
}
