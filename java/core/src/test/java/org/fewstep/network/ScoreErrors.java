package org.fewstep.network;

import org.fewstep.backend.Backend;
import org.fewstep.backend.Backends;
import org.fewstep.backend.Batch;
import org.fewstep.backend.MixtureOutputs;
import org.fewstep.backend.NetworkOutputs;
import org.fewstep.backend.Precision;
import org.fewstep.mixture.DiffusedMixture;

/** The distance of a network to the score of a mixture, by the kernels of the scalar backend. */
final class ScoreErrors {

  /** Not the seed by which the compiler checks itself. */
  private static final long SEED = 77;

  private ScoreErrors() {}

  /** Draws of x_t, n of them in a row. */
  static double[] draws(DiffusedMixture diffused, int n) {
    ScoreSample sample = new ScoreSample(diffused, SEED);
    int d = diffused.mixture().dimension();
    double[] points = new double[n * d];
    for (int i = 0; i < n; i++) {
      System.arraycopy(sample.draw(), 0, points, i * d, d);
    }
    return points;
  }

  /** The root mean square over draws of x_t. */
  static double rootMeanSquare(Network network, DiffusedMixture diffused, double t, int n) {
    double[] errors = at(network, diffused, t, draws(diffused, n));
    double sum = 0;
    for (double error : errors) {
      sum += error * error;
    }
    return Math.sqrt(sum / n);
  }

  /** The same of an evaluation in float32. */
  static double rootMeanSquareInFloat(Network network, DiffusedMixture diffused, double t, int n) {
    double[] points = draws(diffused, n);
    double[] scores = scores(diffused, points);
    int d = diffused.mixture().dimension();
    NetworkEvaluation evaluation = new NetworkEvaluation(network.layers());
    double sum = 0;
    for (int i = 0; i < n; i++) {
      double[] input = new double[d + (network.takesTime() ? 1 : 0)];
      input[input.length - 1] = t;
      System.arraycopy(points, i * d, input, 0, d);
      double[] value = evaluation.inFloat(input);
      for (int j = 0; j < d; j++) {
        sum += (value[j] - scores[i * d + j]) * (value[j] - scores[i * d + j]);
      }
    }
    return Math.sqrt(sum / n);
  }

  /** The distance at each of some points. */
  static double[] at(Network network, DiffusedMixture diffused, double t, double[] points) {
    int d = diffused.mixture().dimension();
    double[] scores = scores(diffused, points);
    double[] values = new double[points.length];
    try (Backend backend = Backends.named("scalar");
        Batch x = Batch.wrap(points, d);
        Batch y = backend.allocate(points.length / d, d, Precision.FLOAT64)) {
      backend.network(network, t, x, NetworkOutputs.none().withValue(y));
      System.arraycopy(y.toDoubleArray(), 0, values, 0, values.length);
    }
    double[] errors = new double[points.length / d];
    for (int i = 0; i < points.length; i++) {
      errors[i / d] = Math.hypot(errors[i / d], values[i] - scores[i]);
    }
    return errors;
  }

  /** The scores at some points. */
  static double[] scores(DiffusedMixture diffused, double[] points) {
    int d = diffused.mixture().dimension();
    try (Backend backend = Backends.named("scalar");
        Batch x = Batch.wrap(points, d);
        Batch score = backend.allocate(points.length / d, d, Precision.FLOAT64)) {
      backend.mixture(diffused, x, MixtureOutputs.none().withScore(score));
      return score.toDoubleArray();
    }
  }
}
