package org.fewstep.flow;

import java.util.Arrays;
import java.util.List;
import org.fewstep.diffusion.Diffusion;
import org.fewstep.network.Layer;
import org.fewstep.network.Network;
import org.fewstep.network.Unit;

/** Networks whose flows are known, and those flows. */
final class ExactNetworks {

  private ExactNetworks() {}

  /** y = A x + b. */
  static Network affine(double[] matrix, double[] offset, Network.Output output) {
    return Network.of(List.of(Layer.dense(offset.length, matrix, offset, Unit.LINEAR)), output);
  }

  /** y = A x. */
  static Network linear(double[] matrix, Network.Output output) {
    return affine(matrix, new double[(int) Math.sqrt(matrix.length)], output);
  }

  /** The denoised point mu, whatever x. */
  static Network point(double... mu) {
    return affine(new double[mu.length * mu.length], mu, Network.Output.DENOISED);
  }

  /** The velocity v = t x in one dimension, by 4 t x = (x + t)^2 - (x - t)^2. */
  static Network timeTimesState() {
    Layer squares =
        Layer.dense(2, new double[] {1, 1, -1, -1, 1, -1, -1, 1}, new double[4], Unit.REQU);
    Layer sum = Layer.dense(4, new double[] {0.25, 0.25, -0.25, -0.25}, new double[1], Unit.LINEAR);
    return Network.of(List.of(squares, sum), Network.Output.VELOCITY).withTimeInput();
  }

  /**
   * What data N(mean, deviation^2 I) has at time t under a process, the score, the velocity or the
   * denoised point: {a, b} of {@code a x + b mean}.
   */
  static double[] ofGaussian(Network.Output output, Diffusion process, double t, double deviation) {
    double alpha = process.alpha(t);
    double variance = Math.pow(alpha * deviation, 2) + Math.pow(process.sigma(t), 2);
    return switch (output) {
      case SCORE -> new double[] {-1 / variance, alpha / variance};
      case VELOCITY -> {
        double ratio = process.halfSquaredDiffusion(t) / variance;
        yield new double[] {process.drift(t) + ratio, -ratio * alpha};
      }
      case DENOISED -> {
        double gain = alpha * deviation * deviation / variance;
        yield new double[] {gain, 1 - gain * alpha};
      }
      case DISPLACEMENT -> throw new AssertionError();
    };
  }

  /** {@code y = a x + b mean}. */
  static Network isotropic(double[] coefficients, double[] mean, Network.Output output) {
    int d = mean.length;
    double[] matrix = new double[d * d];
    for (int i = 0; i < d; i++) {
      matrix[i * d + i] = coefficients[0];
    }
    double[] offset = Arrays.stream(mean).map(m -> coefficients[1] * m).toArray();
    return affine(matrix, offset, output);
  }

  /** exp(h A) x by its power series, for |h A| of some units. */
  static double[] exponential(double[] matrix, double h, double[] x) {
    int d = x.length;
    double[] sum = x.clone();
    double[] term = x.clone();
    for (int n = 1; n < 60; n++) {
      double[] next = new double[d];
      for (int i = 0; i < d; i++) {
        for (int j = 0; j < d; j++) {
          next[i] += h / n * matrix[i * d + j] * term[j];
        }
        sum[i] += next[i];
      }
      term = next;
    }
    return sum;
  }
}
