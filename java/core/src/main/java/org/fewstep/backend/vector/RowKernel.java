package org.fewstep.backend.vector;

import java.util.Arrays;
import org.fewstep.mixture.Covariance;
import org.fewstep.mixture.FullCovariance;
import org.fewstep.mixture.GaussianMixture;
import org.fewstep.mixture.IsotropicCovariance;

/**
 * One point at a time in float64, whatever the size of its numbers: the lanes hand over the rows
 * that they cannot do themselves (very far from every mode, not finite, or with a time of their
 * own).
 *
 * <p>Results stay in its fields until the next point. Not thread-safe; one per worker.
 */
final class RowKernel {

  /** Shrinks a deviation so that its square does not overflow. */
  private static final double SHRINK = 0x1p-600;

  private static final double UNSHRINK_SQUARE = 0x1p600;

  /** Weights below e to this power are zero. */
  private static final double NEGLIGIBLE = -745;

  /** Responsibilities that no sum over components shows, however much larger their terms are. */
  private static final double NEGLIGIBLE_SHARE = 1e-60;

  double[] x = new double[0];
  double[] direction = new double[0];
  double logDensity;
  double divergence;
  double meanDivergence;
  double[] score = new double[0];
  double[] mean = new double[0];
  double[] jvp = new double[0];
  double[] responsibilities = new double[0];

  private double[] deviation = new double[0];
  private double[] whitened = new double[0];
  private double[] gradient = new double[0];
  private double[] distances = new double[0];

  /** Makes room for a mixture. */
  void reserve(GaussianMixture mixture) {
    int d = mixture.dimension();
    if (x.length != d) {
      x = new double[d];
      direction = new double[d];
      score = new double[d];
      mean = new double[d];
      jvp = new double[d];
      deviation = new double[d];
      whitened = new double[d];
      gradient = new double[d];
    }
    if (responsibilities.length != mixture.components()) {
      responsibilities = new double[mixture.components()];
      distances = new double[mixture.components()];
    }
  }

  /** Sets every result to NaN. */
  void fail() {
    logDensity = Double.NaN;
    divergence = Double.NaN;
    meanDivergence = Double.NaN;
    Arrays.fill(score, Double.NaN);
    Arrays.fill(mean, Double.NaN);
    Arrays.fill(jvp, Double.NaN);
    Arrays.fill(responsibilities, Double.NaN);
  }

  /** Evaluates the point in {@link #x}; the derivatives only if asked. */
  void evaluate(MixtureTime at, boolean derivative) {
    for (double value : x) {
      if (!Double.isFinite(value)) {
        fail();
        return;
      }
    }
    weigh(at);
    accumulate(at);
    if (derivative) {
      differentiate(at);
    }
  }

  /**
   * The responsibilities and the log-density. Exponents are taken relative to the nearest component
   * first and the heaviest after that: a normaliser added to a huge distance would be lost.
   */
  private void weigh(MixtureTime at) {
    GaussianMixture mixture = at.mixture();
    double nearest = distances(at, 1);
    double spread = 1;
    if (!(nearest <= Double.MAX_VALUE)) {
      distances(at, SHRINK);
      spread = UNSHRINK_SQUARE;
    }
    double least = Double.POSITIVE_INFINITY;
    for (int k = 0; k < mixture.components(); k++) {
      least = mixture.weight(k) > 0 ? Math.min(least, distances[k]) : least;
    }
    boolean shared = mixture.covariance().shared();
    double logDeterminant = at.logDeterminant(0);
    double largest = Double.NEGATIVE_INFINITY;
    for (int k = 0; k < mixture.components(); k++) {
      if (mixture.weight(k) == 0) {
        responsibilities[k] = Double.NEGATIVE_INFINITY;
        continue;
      }
      double determinant = shared ? logDeterminant : at.logDeterminant(k);
      // Twice, because the square of the shrinkage does not fit the range of a double.
      double excess = 0.5 * (distances[k] - least) * spread * spread;
      responsibilities[k] = Math.log(mixture.weight(k)) - 0.5 * determinant - excess;
      largest = Math.max(largest, responsibilities[k]);
    }
    double total = 0;
    for (int k = 0; k < mixture.components(); k++) {
      double z = responsibilities[k] - largest;
      responsibilities[k] = z < NEGLIGIBLE ? 0 : Math.exp(z);
      total += responsibilities[k];
    }
    for (int k = 0; k < mixture.components(); k++) {
      responsibilities[k] /= total;
    }
    logDensity =
        Math.log(total)
            + largest
            - 0.5 * least * spread * spread
            - 0.5 * x.length * Math.log(2 * Math.PI);
  }

  /** Squared Mahalanobis distances, shrunk by shrink^2; returns the least. */
  private double distances(MixtureTime at, double shrink) {
    boolean isotropic = at.mixture().covariance() instanceof IsotropicCovariance;
    double least = Double.POSITIVE_INFINITY;
    for (int k = 0; k < at.mixture().components(); k++) {
      distances[k] = shrink == 1 && isotropic ? euclidean(at, k) : whitenedSquare(at, k, shrink);
      least = Math.min(least, distances[k]);
    }
    return least;
  }

  private double whitenedSquare(MixtureTime at, int k, double shrink) {
    whiten(at, k, shrink);
    double sum = 0;
    for (double y : whitened) {
      sum += y * y;
    }
    return sum;
  }

  /** The same where one eigenvalue serves all coordinates: one division in place of d roots. */
  private double euclidean(MixtureTime at, int k) {
    double sum = 0;
    for (int i = 0; i < x.length; i++) {
      double e = x[i] - at.mean(k, i);
      sum += e * e;
    }
    return sum / at.eigenvalue(k, 0);
  }

  private void accumulate(MixtureTime at) {
    GaussianMixture mixture = at.mixture();
    Arrays.fill(score, 0);
    Arrays.fill(mean, 0);
    for (int k = 0; k < mixture.components(); k++) {
      double r = responsibilities[k];
      if (r < NEGLIGIBLE_SHARE) {
        continue;
      }
      componentScore(at, k);
      for (int i = 0; i < x.length; i++) {
        score[i] += r * gradient[i];
        whitened[i] *= Math.sqrt(at.eigenvalue(k, i)) * at.meanGain(k, i);
      }
      unrotate(mixture.covariance(), k, whitened, gradient);
      for (int i = 0; i < x.length; i++) {
        mean[i] += r * (mixture.mean(k, i) + gradient[i]);
      }
    }
  }

  /** Hessian = sum r c c' - sum r P with the centred scores c_k = g_k - s. */
  private void differentiate(MixtureTime at) {
    GaussianMixture mixture = at.mixture();
    divergence = 0;
    meanDivergence = 0;
    Arrays.fill(jvp, 0);
    for (int k = 0; k < mixture.components(); k++) {
      double r = responsibilities[k];
      if (r < NEGLIGIBLE_SHARE) {
        continue;
      }
      componentScore(at, k);
      double square = 0;
      double along = 0;
      for (int i = 0; i < x.length; i++) {
        double centred = gradient[i] - score[i];
        gradient[i] = centred;
        square += centred * centred;
        along += centred * direction[i];
      }
      divergence += r * (square - at.precisionTrace(k));
      meanDivergence += r * (at.variance() / at.alpha() * square + at.meanGainTrace(k));
      for (int i = 0; i < x.length; i++) {
        jvp[i] += r * along * gradient[i];
      }
      rotate(mixture.covariance(), k, direction, whitened);
      for (int i = 0; i < x.length; i++) {
        whitened[i] /= at.eigenvalue(k, i);
      }
      unrotate(mixture.covariance(), k, whitened, gradient);
      for (int i = 0; i < x.length; i++) {
        jvp[i] -= r * gradient[i];
      }
    }
  }

  /** whitened = Lambda^(-1/2) Q' (x - m_k), times shrink. */
  private void whiten(MixtureTime at, int k, double shrink) {
    for (int i = 0; i < x.length; i++) {
      deviation[i] = (x[i] - at.mean(k, i)) * shrink;
    }
    rotate(at.mixture().covariance(), k, deviation, whitened);
    for (int i = 0; i < x.length; i++) {
      whitened[i] /= Math.sqrt(at.eigenvalue(k, i));
    }
  }

  /** gradient = -Q Lambda^(-1/2) whitened, and whitened as {@link #whiten} leaves it. */
  private void componentScore(MixtureTime at, int k) {
    whiten(at, k, 1);
    for (int i = 0; i < x.length; i++) {
      deviation[i] = -whitened[i] / Math.sqrt(at.eigenvalue(k, i));
    }
    unrotate(at.mixture().covariance(), k, deviation, gradient);
  }

  /** out = Q' in. */
  private void rotate(Covariance covariance, int k, double[] in, double[] out) {
    if (covariance instanceof FullCovariance full) {
      for (int j = 0; j < in.length; j++) {
        double sum = 0;
        for (int i = 0; i < in.length; i++) {
          sum += full.eigenvector(k, i, j) * in[i];
        }
        out[j] = sum;
      }
    } else {
      System.arraycopy(in, 0, out, 0, in.length);
    }
  }

  /** out = Q in. */
  private void unrotate(Covariance covariance, int k, double[] in, double[] out) {
    if (covariance instanceof FullCovariance full) {
      for (int i = 0; i < in.length; i++) {
        double sum = 0;
        for (int j = 0; j < in.length; j++) {
          sum += full.eigenvector(k, i, j) * in[j];
        }
        out[i] = sum;
      }
    } else {
      System.arraycopy(in, 0, out, 0, in.length);
    }
  }
}
