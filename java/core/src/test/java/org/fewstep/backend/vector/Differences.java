package org.fewstep.backend.vector;

/**
 * A mixture of diagonal or isotropic components by differences, component by component: in float64
 * as the truth, and in plain float32 as the yardstick of what that precision can give.
 */
final class Differences {

  final double[] logDensity;
  final double[] score;
  final double[] mean;
  final double[] responsibilities;

  private Differences(int rows, int dimension, int components) {
    logDensity = new double[rows];
    score = new double[rows * dimension];
    mean = new double[rows * dimension];
    responsibilities = new double[rows * components];
  }

  static Differences inDouble(MixtureTime time, float[] x) {
    return inDouble(time, widened(x));
  }

  static Differences inDouble(MixtureTime time, double[] x) {
    int d = time.mixture().dimension();
    int components = time.mixture().components();
    int rows = x.length / d;
    Differences result = new Differences(rows, d, components);
    double[] normaliser = normalisers(time);
    for (int i = 0; i < rows; i++) {
      double[] logit = normaliser.clone();
      double largest = Double.NEGATIVE_INFINITY;
      for (int k = 0; k < components; k++) {
        for (int j = 0; j < d; j++) {
          double e = x[i * d + j] - time.mean(k, j);
          logit[k] -= 0.5 * e * e / time.eigenvalue(k, j);
        }
        largest = Math.max(largest, logit[k]);
      }
      double sum = 0;
      for (int k = 0; k < components; k++) {
        sum += Math.exp(logit[k] - largest);
      }
      result.logDensity[i] = largest + Math.log(sum) - 0.5 * d * Math.log(2 * Math.PI);
      for (int k = 0; k < components; k++) {
        double r = Math.exp(logit[k] - largest) / sum;
        result.responsibilities[i * components + k] = r;
        for (int j = 0; j < d; j++) {
          double e = x[i * d + j] - time.mean(k, j);
          result.score[i * d + j] -= r * e / time.eigenvalue(k, j);
          result.mean[i * d + j] += r * (time.mixture().mean(k, j) + time.meanGain(k, j) * e);
        }
      }
    }
    return result;
  }

  static Differences inFloat(MixtureTime time, float[] x) {
    int d = time.mixture().dimension();
    int components = time.mixture().components();
    int rows = x.length / d;
    Differences result = new Differences(rows, d, components);
    double[] normaliser = normalisers(time);
    double constant = Double.NEGATIVE_INFINITY;
    for (double c : normaliser) {
      constant = Math.max(constant, c);
    }
    for (int i = 0; i < rows; i++) {
      float[] logit = new float[components];
      float largest = Float.NEGATIVE_INFINITY;
      for (int k = 0; k < components; k++) {
        float q = 0;
        for (int j = 0; j < d; j++) {
          float e = x[i * d + j] - (float) time.mean(k, j);
          q = Math.fma(e * e, (float) (1 / time.eigenvalue(k, j)), q);
        }
        logit[k] = Math.fma(-0.5f, q, (float) (normaliser[k] - constant));
        largest = Math.max(largest, logit[k]);
      }
      float sum = 0;
      float[] score = new float[d];
      float[] mean = new float[d];
      for (int k = 0; k < components; k++) {
        float weight = (float) Math.exp(logit[k] - largest);
        result.responsibilities[i * components + k] = weight;
        sum += weight;
        for (int j = 0; j < d; j++) {
          float e = x[i * d + j] - (float) time.mean(k, j);
          score[j] = Math.fma(-weight * (float) (1 / time.eigenvalue(k, j)), e, score[j]);
          float start = Math.fma((float) time.meanGain(k, j), e, (float) time.mixture().mean(k, j));
          mean[j] = Math.fma(weight, start, mean[j]);
        }
      }
      result.logDensity[i] =
          (float) (largest + Math.log(sum) + constant - 0.5 * d * Math.log(2 * Math.PI));
      for (int k = 0; k < components; k++) {
        result.responsibilities[i * components + k] /= sum;
      }
      for (int j = 0; j < d; j++) {
        result.score[i * d + j] = score[j] / sum;
        result.mean[i * d + j] = mean[j] / sum;
      }
    }
    return result;
  }

  private static double[] normalisers(MixtureTime time) {
    double[] normalisers = new double[time.mixture().components()];
    for (int k = 0; k < normalisers.length; k++) {
      normalisers[k] = Math.log(time.mixture().weight(k));
      for (int j = 0; j < time.mixture().dimension(); j++) {
        normalisers[k] -= 0.5 * Math.log(time.eigenvalue(k, j));
      }
    }
    return normalisers;
  }

  /** The largest error of any row, relative to the largest entry of that row. */
  static double largestError(double[] actual, double[] truth, int columns) {
    double worst = 0;
    for (int from = 0; from < truth.length; from += columns) {
      double error = 0;
      double scale = 0;
      for (int i = from; i < Math.min(from + columns, truth.length); i++) {
        error = Math.max(error, Math.abs(actual[i] - truth[i]));
        scale = Math.max(scale, Math.abs(truth[i]));
      }
      worst = Math.max(worst, error / scale);
    }
    return worst;
  }

  static double[] widened(float[] values) {
    double[] wide = new double[values.length];
    for (int i = 0; i < values.length; i++) {
      wide[i] = values[i];
    }
    return wide;
  }
}
