package org.fewstep.flow;

import java.util.Arrays;
import org.fewstep.diffusion.Diffusion;
import org.fewstep.mixture.Covariance;
import org.fewstep.mixture.GaussianMixture;

/**
 * The probability flow of a mixture with equal weights and one sigma, written down anew from its
 * definition, with an integrator that shares nothing with what is tested.
 */
record IsotropicFlow(double[][] means, double sigma, Diffusion process) {

  /** Eight modes on a circle of radius 2. */
  static IsotropicFlow ring(double sigma, Diffusion process) {
    double[][] means = new double[8][];
    Arrays.setAll(
        means, k -> new double[] {2 * Math.cos(Math.PI * k / 4), 2 * Math.sin(Math.PI * k / 4)});
    return new IsotropicFlow(means, sigma, process);
  }

  /** Three modes in the plane, without symmetry and wide: a smooth flow. */
  static IsotropicFlow smooth(Diffusion process) {
    return new IsotropicFlow(new double[][] {{-0.8, 0.1}, {0.5, 0.9}, {0.4, -0.7}}, 0.5, process);
  }

  GaussianMixture mixture() {
    return GaussianMixture.of(means, Covariance.isotropic(sigma));
  }

  MixtureField field() {
    return new MixtureField(mixture(), process);
  }

  Flow flow() {
    return Flow.of(mixture(), process);
  }

  private double variance(double t) {
    return Math.pow(process.alpha(t) * sigma, 2) + Math.pow(process.sigma(t), 2);
  }

  private double[] logits(double t, double[] x) {
    double[] logits = new double[means.length];
    for (int k = 0; k < logits.length; k++) {
      for (int i = 0; i < x.length; i++) {
        logits[k] -= Math.pow(x[i] - process.alpha(t) * means[k][i], 2) / (2 * variance(t));
      }
    }
    return logits;
  }

  double logDensity(double t, double[] x) {
    double[] logits = logits(t, x);
    double largest = Arrays.stream(logits).max().orElseThrow();
    double sum = Arrays.stream(logits).map(logit -> Math.exp(logit - largest)).sum();
    return largest
        + Math.log(sum / means.length)
        - 0.5 * x.length * Math.log(2 * Math.PI * variance(t));
  }

  double[] velocity(double t, double[] x) {
    double[] logits = logits(t, x);
    double largest = Arrays.stream(logits).max().orElseThrow();
    double[] shares = Arrays.stream(logits).map(logit -> Math.exp(logit - largest)).toArray();
    double sum = Arrays.stream(shares).sum();
    double[] velocity = new double[x.length];
    for (int i = 0; i < x.length; i++) {
      double mean = 0;
      for (int k = 0; k < shares.length; k++) {
        mean += shares[k] / sum * process.alpha(t) * means[k][i];
      }
      double score = (mean - x[i]) / variance(t);
      velocity[i] = process.drift(t) * x[i] - process.halfSquaredDiffusion(t) * score;
    }
    return velocity;
  }

  /** The end point of a trajectory by RK4 with steps uniform in log t, from > 0 and to > 0. */
  double[] integrate(double[] x, double from, double to, int steps) {
    double[] state = x.clone();
    double ratio = Math.pow(to / from, 1.0 / steps);
    double t = from;
    for (int n = 0; n < steps; n++) {
      double next = n == steps - 1 ? to : t * ratio;
      double h = next - t;
      double[] k1 = velocity(t, state);
      double[] k2 = velocity(t + h / 2, plus(state, h / 2, k1));
      double[] k3 = velocity(t + h / 2, plus(state, h / 2, k2));
      double[] k4 = velocity(next, plus(state, h, k3));
      for (int i = 0; i < state.length; i++) {
        state[i] += h / 6 * (k1[i] + 2 * k2[i] + 2 * k3[i] + k4[i]);
      }
      t = next;
    }
    return state;
  }

  private static double[] plus(double[] x, double h, double[] slope) {
    double[] sum = x.clone();
    for (int i = 0; i < sum.length; i++) {
      sum[i] += h * slope[i];
    }
    return sum;
  }

  /** The end points of all rows of a row-major array. */
  double[] integrateAll(double[] x, double from, double to, int steps) {
    int d = means[0].length;
    double[] ends = new double[x.length];
    for (int row = 0; row < x.length / d; row++) {
      double[] end = integrate(Arrays.copyOfRange(x, row * d, (row + 1) * d), from, to, steps);
      System.arraycopy(end, 0, ends, row * d, d);
    }
    return ends;
  }

  double[] logDensities(double t, double[] x) {
    int d = means[0].length;
    double[] values = new double[x.length / d];
    Arrays.setAll(values, i -> logDensity(t, Arrays.copyOfRange(x, i * d, (i + 1) * d)));
    return values;
  }
}
