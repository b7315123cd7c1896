package org.fewstep.network;

import java.util.SplittableRandom;
import org.fewstep.mixture.DiffusedMixture;

/** Draws of x_t and their scores, straight from the formulas. */
final class ScoreSample {

  private final Components components;
  private final SplittableRandom random;

  ScoreSample(DiffusedMixture diffused, long seed) {
    this.components = new Components(diffused);
    this.random = new SplittableRandom(seed);
  }

  /** A draw of x_t, rounded to float32 so that either precision is given the same point. */
  double[] draw() {
    int k = component();
    double[] x = components.mean(k);
    for (int i = 0; i < x.length; i++) {
      double length = Math.sqrt(components.eigenvalue(k, i)) * random.nextGaussian();
      for (int r = 0; r < x.length; r++) {
        x[r] += components.eigenvector(k, r, i) * length;
      }
    }
    for (int r = 0; r < x.length; r++) {
      x[r] = (float) (components.scale() * x[r]);
    }
    return x;
  }

  private int component() {
    double u = random.nextDouble();
    for (int k = 0; k < components.count(); k++) {
      u -= components.weight(k);
      if (u < 0) {
        return k;
      }
    }
    return components.count() - 1;
  }

  /** The score at x, by differences. */
  double[] score(double[] x) {
    double[] score = new double[x.length];
    double total = 0;
    double largest = Double.NEGATIVE_INFINITY;
    for (int k = 0; k < components.count(); k++) {
      double[] shift = components.mean(k);
      for (int i = 0; i < x.length; i++) {
        shift[i] = x[i] / components.scale() - shift[i];
      }
      double[] pull = components.precisionTimes(k, shift);
      double logit = components.logNormaliser(k) - 0.5 * Vectors.dot(shift, pull);
      double keep = logit > largest ? Math.exp(largest - logit) : 1;
      double weight = Math.exp(logit - Math.max(logit, largest));
      largest = Math.max(logit, largest);
      total = total * keep + weight;
      for (int i = 0; i < x.length; i++) {
        score[i] = score[i] * keep - weight * pull[i];
      }
    }
    for (int i = 0; i < x.length; i++) {
      score[i] /= total * components.scale();
    }
    return score;
  }
}
