package org.fewstep.backend.vector;

import java.util.Arrays;
import java.util.stream.DoubleStream;
import java.util.stream.IntStream;
import org.fewstep.mixture.FullCovariance;
import org.fewstep.mixture.GaussianMixture;
import org.fewstep.mixture.IsotropicCovariance;

/**
 * A mixture at one time as the kernels read it: computed in float64, rounded once. Components of
 * zero weight are left out, and the others padded to a multiple of {@link #BLOCK} by copies that no
 * sum takes in. Arrays over (component, coordinate) are blocked, {@code [K/BLOCK][d][BLOCK]}.
 */
final class FloatMixtureConstants {

  /** Components worked on at once. */
  static final int BLOCK = 2;

  /** log2(e)/2: turns a squared Mahalanobis distance into an exponent of two. */
  static final double HALF_LOG2_E = 0.5 / Math.log(2);

  final MixtureTime time;
  final int dimension;

  /** Components of positive weight, and that number rounded up to whole blocks. */
  final int components;

  final int paddedComponents;

  /** The index in the mixture of each component kept. */
  final int[] index;

  /** The largest {@code log w_k - (log det C_k + d log 2 pi)/2}. */
  final double logScale;

  /** log2 of each component's normaliser over the largest, split into a high and a low part. */
  final float[] logit;

  final float[] logitLow;

  /** The means at this time, split into a high and a low part: float32 alone would shift them. */
  final float[] mean;

  final float[] meanLow;

  /** The means at t = 0. */
  final float[] start;

  /** 1/lambda: [K] if isotropic, blocked [K][d] if diagonal, else null. */
  final float[] precision;

  /** alpha sigma^2/lambda, of the shape of {@link #precision}. */
  final float[] gain;

  /** Whether the divergence wanted is that of the posterior mean. */
  final boolean ofMean;

  /** The divergence is {@code sum_k r_k (squareFactor |g_k - s|^2 + traceTerm_k)}. */
  final float squareFactor;

  final float[] traceTerm;

  /** Full kind: C_k^(-1/2) = Lambda^(-1/2) Q', [d][d] each; one if shared. */
  final float[] whitening;

  /** Full kind: alpha Sigma_k C_k^(-1/2)' = alpha Q diag(sigma^2/sqrt(lambda)), [d][d] each. */
  final float[] colouring;

  /** The distance between the matrices of two components: 0 if shared. */
  final int matrixStride;

  /**
   * Packs a mixture.
   *
   * @param ofMean whether the divergence wanted is that of the posterior mean rather than the
   *     score: with {@code E[x0|x,k] - E[x0|x] = (variance/alpha) (g_k - s)} it has the same form
   */
  FloatMixtureConstants(MixtureTime time, boolean ofMean) {
    GaussianMixture mixture = time.mixture();
    this.time = time;
    this.ofMean = ofMean;
    this.dimension = mixture.dimension();
    this.index =
        IntStream.range(0, mixture.components()).filter(k -> mixture.weight(k) > 0).toArray();
    this.components = index.length;
    this.paddedComponents = (components + BLOCK - 1) / BLOCK * BLOCK;
    double[] normalisers = logNormalisers();
    double largest = DoubleStream.of(normalisers).max().orElseThrow();
    this.logScale = largest - 0.5 * dimension * Math.log(2 * Math.PI);
    this.logit = new float[paddedComponents];
    this.logitLow = new float[paddedComponents];
    for (int k = 0; k < components; k++) {
      double exact = (normalisers[k] - largest) * 2 * HALF_LOG2_E;
      logit[k] = (float) exact;
      logitLow[k] = (float) (exact - logit[k]);
    }
    Arrays.fill(logit, components, paddedComponents, Float.NEGATIVE_INFINITY);
    this.mean = new float[paddedComponents * dimension];
    this.meanLow = new float[paddedComponents * dimension];
    this.start = new float[paddedComponents * dimension];
    packMeans();
    this.squareFactor = ofMean ? (float) (time.variance() / time.alpha()) : 1f;
    this.traceTerm = new float[paddedComponents];
    for (int k = 0; k < paddedComponents; k++) {
      int source = source(k);
      traceTerm[k] = (float) (ofMean ? time.meanGainTrace(source) : -time.precisionTrace(source));
    }
    boolean isotropic = mixture.covariance() instanceof IsotropicCovariance;
    boolean full = mixture.covariance() instanceof FullCovariance;
    int eigenvalues = full ? 0 : paddedComponents * (isotropic ? 1 : dimension);
    this.precision = full ? null : new float[eigenvalues];
    this.gain = full ? null : new float[eigenvalues];
    this.matrixStride = mixture.covariance().shared() ? 0 : dimension * dimension;
    int matrices = mixture.covariance().shared() ? 1 : components;
    this.whitening = full ? new float[matrices * dimension * dimension] : null;
    this.colouring = full ? new float[matrices * dimension * dimension] : null;
    if (isotropic) {
      packIsotropic();
    } else if (full) {
      packFull((FullCovariance) mixture.covariance(), matrices);
    } else {
      packDiagonal();
    }
  }

  /** {@code log w_k - log det C_k / 2} of the components kept. */
  private double[] logNormalisers() {
    boolean shared = time.mixture().covariance().shared();
    double common = shared ? time.logDeterminant(0) : 0;
    return IntStream.of(index)
        .mapToDouble(
            k ->
                Math.log(time.mixture().weight(k))
                    - 0.5 * (shared ? common : time.logDeterminant(k)))
        .toArray();
  }

  /** The offset of a blocked (component, coordinate). */
  int blocked(int k, int i) {
    return (k / BLOCK * dimension + i) * BLOCK + k % BLOCK;
  }

  /** The component of the mixture that packed component k, or a padded one, is filled from. */
  private int source(int k) {
    return index[Math.min(k, components - 1)];
  }

  private void packMeans() {
    for (int k = 0; k < paddedComponents; k++) {
      for (int i = 0; i < dimension; i++) {
        double exact = time.mean(source(k), i);
        int at = blocked(k, i);
        mean[at] = (float) exact;
        meanLow[at] = (float) (exact - mean[at]);
        start[at] = (float) time.mixture().mean(source(k), i);
      }
    }
  }

  private void packIsotropic() {
    for (int k = 0; k < paddedComponents; k++) {
      precision[k] = (float) (1 / time.eigenvalue(source(k), 0));
      gain[k] = (float) time.meanGain(source(k), 0);
    }
  }

  private void packDiagonal() {
    for (int k = 0; k < paddedComponents; k++) {
      for (int i = 0; i < dimension; i++) {
        precision[blocked(k, i)] = (float) (1 / time.eigenvalue(source(k), i));
        gain[blocked(k, i)] = (float) time.meanGain(source(k), i);
      }
    }
  }

  private void packFull(FullCovariance covariance, int matrices) {
    for (int k = 0; k < matrices; k++) {
      for (int i = 0; i < dimension; i++) {
        double deviation = Math.sqrt(time.eigenvalue(source(k), i));
        double colour = time.meanGain(source(k), i) * deviation;
        for (int j = 0; j < dimension; j++) {
          double q = covariance.eigenvector(source(k), j, i);
          whitening[(k * dimension + i) * dimension + j] = (float) (q / deviation);
          colouring[(k * dimension + j) * dimension + i] = (float) (q * colour);
        }
      }
    }
  }

  /** The size in bytes of what a pass over the components of a mixture reads, or more. */
  static long bytes(GaussianMixture mixture) {
    long d = mixture.dimension();
    boolean full = mixture.covariance() instanceof FullCovariance;
    long vectors = (mixture.components() + BLOCK) * d * 5;
    long matrices = full ? 2 * d * d * mixture.covariance().count() : 0;
    return (vectors + matrices) * Float.BYTES;
  }
}
