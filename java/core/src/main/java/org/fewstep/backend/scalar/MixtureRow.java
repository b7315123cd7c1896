package org.fewstep.backend.scalar;

import java.util.Arrays;

/**
 * The closed forms of a Gaussian mixture at one point, and the memory they need.
 *
 * <p>With y = x/rho the point in Ornstein-Uhlenbeck space, e_k = y - a mu_k its residuals, C_k the
 * covariances and P_k their inverses:
 *
 * <pre>
 *   q_k = e_k' P_k e_k                    r_k = softmax_k(c_k - q_k/2)       responsibilities
 *   g_k = -P_k e_k                        s = sum_k r_k g_k                  score
 *   D_k = mu_k + a Sigma_k P_k e_k        D = sum_k r_k D_k                  posterior mean
 *   H u = sum_k r_k (g_k - s)(g_k - s).u - sum_k r_k P_k u                   Hessian of log p
 * </pre>
 *
 * <p>{@link #locate} comes first; the others follow as wanted, {@link #score} before those that
 * need it. No result depends on which others are asked for.
 */
final class MixtureRow {

  private static final double LOG_TWO_PI = Math.log(2 * Math.PI);

  /** Shrinks residuals whose squares overflow; a power of two, so it rounds nothing. */
  private static final double SHRINK = 0x1p-1000;

  private final int dimension;

  /** The point x, [d]; set by the caller. */
  final double[] x;

  /** The vector that the Hessian is applied to, [d]; set by the caller. */
  final double[] direction;

  /** log p(x). */
  double logDensity;

  /** The responsibilities, [K]. */
  final double[] responsibilities;

  /** The score, [d]. */
  final double[] score;

  /** E[x_0 | x], [d]. */
  final double[] posteriorMean;

  /** The Hessian times the direction, [d]. */
  final double[] jvp;

  private final double[] y;
  private final double[] innerScore; // the score in Ornstein-Uhlenbeck space
  private final double[] squares;
  private final double[] residuals; // [K,d], Q_k' e_k
  private final double[] componentScores; // [K,d], g_k, of components with a responsibility
  private final double[] componentMeans; // [K,d], D_k, likewise
  private final double[] one;
  private final double[] two;

  MixtureRow(int components, int dimension) {
    this.dimension = dimension;
    x = new double[dimension];
    direction = new double[dimension];
    responsibilities = new double[components];
    score = new double[dimension];
    posteriorMean = new double[dimension];
    jvp = new double[dimension];
    y = new double[dimension];
    innerScore = new double[dimension];
    squares = new double[components];
    residuals = new double[components * dimension];
    componentScores = new double[components * dimension];
    componentMeans = new double[components * dimension];
    one = new double[dimension];
    two = new double[dimension];
  }

  /** Whether this has the memory for a mixture of that size. */
  boolean fits(int components, int dimension) {
    return this.dimension == dimension && responsibilities.length == components;
  }

  /** Whether x is a point at all: neither NaN nor infinite in any coordinate. */
  boolean isPoint() {
    return Elements.allFinite(x, 0, dimension);
  }

  /** Finds the responsibilities and log p. */
  void locate(ComponentTable at) {
    for (int i = 0; i < dimension; i++) {
      y[i] = x[i] / at.scale();
    }
    double nearest = measure(at, 1);
    if (Double.isInfinite(nearest)) {
      // So far that squares overflow: only their order matters, and log p is -infinity.
      nearest = measure(at, SHRINK);
      softmax(at, nearest, 1 / SHRINK);
      logDensity = Double.NEGATIVE_INFINITY;
    } else {
      logDensity = softmax(at, nearest, 1) - 0.5 * nearest - dimension * Math.log(at.scale());
    }
  }

  /** Computes q_k of the residuals times {@code shrink}; returns the smallest. */
  private double measure(ComponentTable at, double shrink) {
    double nearest = Double.POSITIVE_INFINITY;
    for (int k = 0; k < at.components(); k++) {
      if (at.isDead(k)) {
        continue;
      }
      for (int i = 0; i < dimension; i++) {
        one[i] = y[i] - at.a() * at.mean(k, i);
      }
      int row = k * dimension;
      at.toEigenbasis(k, one, residuals, row);
      double square = 0;
      for (int i = 0; i < dimension; i++) {
        double e = residuals[row + i] * shrink;
        square += e * (e / at.eigenvalue(k, i));
      }
      squares[k] = square;
      nearest = Math.min(nearest, square);
    }
    return nearest;
  }

  /**
   * The responsibilities, from logits in two stages: log w_k added to a huge q_k would be lost.
   *
   * @param stretch what squares have to be multiplied by, twice
   * @return log p_q(y) but for -q/2 of the nearest component
   */
  private double softmax(ComponentTable at, double nearest, double stretch) {
    double largest = Double.NEGATIVE_INFINITY;
    for (int k = 0; k < at.components(); k++) {
      if (!at.isDead(k)) {
        double logit = at.logNormaliser(k) - 0.5 * ((squares[k] - nearest) * stretch * stretch);
        responsibilities[k] = logit;
        largest = Math.max(largest, logit);
      }
    }
    double sum = 0;
    for (int k = 0; k < at.components(); k++) {
      responsibilities[k] = at.isDead(k) ? 0 : Math.exp(responsibilities[k] - largest);
      sum += responsibilities[k];
    }
    for (int k = 0; k < at.components(); k++) {
      responsibilities[k] /= sum;
    }
    return Math.log(sum) + largest - 0.5 * dimension * LOG_TWO_PI;
  }

  /** The score. Components without a responsibility are left out: 0 times infinity is not 0. */
  void score(ComponentTable at) {
    Arrays.fill(innerScore, 0);
    for (int k = 0; k < at.components(); k++) {
      double r = responsibilities[k];
      if (r == 0) {
        continue;
      }
      int row = k * dimension;
      for (int i = 0; i < dimension; i++) {
        one[i] = -residuals[row + i] / at.eigenvalue(k, i);
      }
      at.fromEigenbasis(k, one, componentScores, row);
      for (int i = 0; i < dimension; i++) {
        innerScore[i] += r * componentScores[row + i];
      }
    }
    for (int i = 0; i < dimension; i++) {
      score[i] = innerScore[i] / at.scale();
    }
  }

  /** The posterior mean, in the direct form, which is good at every time. */
  void posteriorMean(ComponentTable at) {
    Arrays.fill(posteriorMean, 0);
    for (int k = 0; k < at.components(); k++) {
      double r = responsibilities[k];
      if (r == 0) {
        continue;
      }
      int row = k * dimension;
      for (int i = 0; i < dimension; i++) {
        one[i] = at.a() * at.dataEigenvalue(k, i) / at.eigenvalue(k, i) * residuals[row + i];
      }
      at.fromEigenbasis(k, one, componentMeans, row);
      for (int i = 0; i < dimension; i++) {
        componentMeans[row + i] += at.mean(k, i);
        posteriorMean[i] += r * componentMeans[row + i];
      }
    }
  }

  /** The divergence of the score; needs {@link #score}. */
  double divergence(ComponentTable at) {
    double sum = 0;
    for (int k = 0; k < at.components(); k++) {
      double r = responsibilities[k];
      if (r == 0) {
        continue;
      }
      double trace = 0;
      double square = 0;
      for (int i = 0; i < dimension; i++) {
        double centred = centredScore(k, i);
        trace += 1 / at.eigenvalue(k, i);
        square += centred * centred;
      }
      sum += r * (square - trace);
    }
    return sum / at.scale() / at.scale();
  }

  /** The Hessian times the direction; needs {@link #score}. */
  void jvp(ComponentTable at) {
    Arrays.fill(jvp, 0);
    for (int k = 0; k < at.components(); k++) {
      double r = responsibilities[k];
      if (r == 0) {
        continue;
      }
      at.toEigenbasis(k, direction, one, 0);
      double along = 0;
      for (int i = 0; i < dimension; i++) {
        one[i] /= at.eigenvalue(k, i);
        along += centredScore(k, i) * direction[i];
      }
      at.fromEigenbasis(k, one, two, 0);
      for (int i = 0; i < dimension; i++) {
        jvp[i] += r * (centredScore(k, i) * along - two[i]);
      }
    }
    for (int i = 0; i < dimension; i++) {
      jvp[i] = jvp[i] / at.scale() / at.scale();
    }
  }

  /**
   * The divergence of the posterior mean; needs {@link #score} and {@link #posteriorMean}. By the
   * derivative of D itself, since (d + b div s)/a loses its digits at large times.
   */
  double posteriorMeanDivergence(ComponentTable at) {
    double sum = 0;
    for (int k = 0; k < at.components(); k++) {
      double r = responsibilities[k];
      if (r == 0) {
        continue;
      }
      double trace = 0;
      double covariance = 0;
      for (int i = 0; i < dimension; i++) {
        trace += at.dataEigenvalue(k, i) / at.eigenvalue(k, i);
        covariance += (componentMeans[k * dimension + i] - posteriorMean[i]) * centredScore(k, i);
      }
      sum += r * (at.a() * trace + covariance);
    }
    return sum / at.scale();
  }

  /** Coordinate i of g_k - s, in Ornstein-Uhlenbeck space. */
  private double centredScore(int component, int i) {
    return componentScores[component * dimension + i] - innerScore[i];
  }
}
