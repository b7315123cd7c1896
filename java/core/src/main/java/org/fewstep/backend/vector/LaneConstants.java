package org.fewstep.backend.vector;

import jdk.incubator.vector.DoubleVector;
import jdk.incubator.vector.VectorSpecies;
import org.fewstep.diffusion.Diffusion;
import org.fewstep.mixture.DiagonalCovariance;
import org.fewstep.mixture.GaussianMixture;

/**
 * The constants of a mixture at a time of each lane's own, for one vector of points, in float64
 * whatever the precision of the points: with {@code lambda = alpha^2 sigma^2 + variance} for every
 * eigenvalue sigma^2 of every covariance,
 *
 * <pre>
 *   precision 1/lambda     gain alpha sigma^2/lambda     trace_k = sum_i 1/lambda_ki
 *   c_k = log w_k - (sum_i log lambda_ki)/2              logit_k = (c_k - max c)/log 2
 * </pre>
 *
 * <p>Isotropic covariances have one eigenvalue of multiplicity d, diagonal ones d of multiplicity
 * 1, and a shared covariance is there once. Arrays are {@code [..][lanes]}; each lane is computed
 * by itself.
 *
 * <p>Not thread-safe; one per worker and precision.
 */
final class LaneConstants {

  private static final VectorSpecies<Double> SPECIES = DoubleLanes.SPECIES;
  private static final int LENGTH = DoubleLanes.LENGTH;
  private static final double LN_2 = Math.log(2);

  final int lanes;

  /** The scale and the variance of the process per lane; NaN where a lane has no density. */
  final double[] alpha;

  final double[] variance;

  /** Per eigenvalue. */
  double[] precision = new double[0];

  double[] gain = new double[0];

  /** Per covariance. */
  double[] trace = new double[0];

  /** Per component, in base 2. */
  double[] logit = new double[0];

  /** {@code max_k c_k - d/2 log 2 pi}. */
  final double[] logScale;

  /** log2 of the square root of the determinant, per covariance. */
  private double[] halfLogDeterminant = new double[0];

  /**
   * What does not depend on time.
   *
   * @param logWeights log2 of the weights, of the components of positive weight
   * @param eigenvalues of these components' covariances, or of the shared one
   * @param eigenvaluesEach the number of different eigenvalues of one covariance
   * @param multiplicity of each of them
   */
  record Mixture(double[] logWeights, double[] eigenvalues, int eigenvaluesEach, int multiplicity) {

    static Mixture of(GaussianMixture mixture, int[] components) {
      double[] logWeights = new double[components.length];
      for (int k = 0; k < components.length; k++) {
        logWeights[k] = Math.log(mixture.weight(components[k])) / LN_2;
      }
      int d = mixture.dimension();
      int each = mixture.covariance() instanceof DiagonalCovariance ? d : 1;
      int covariances = mixture.covariance().shared() ? 1 : components.length;
      double[] eigenvalues = new double[covariances * each];
      for (int r = 0; r < eigenvalues.length; r++) {
        eigenvalues[r] = mixture.covariance().eigenvalue(components[r / each], r % each);
      }
      return new Mixture(logWeights, eigenvalues, each, d / each);
    }

    int components() {
      return logWeights.length;
    }

    int covariances() {
      return eigenvalues.length / eigenvaluesEach;
    }

    /** Whether every component has the one covariance. */
    boolean shared() {
      return covariances() == 1;
    }

    int dimension() {
      return eigenvaluesEach * multiplicity;
    }
  }

  LaneConstants(int lanes) {
    this.lanes = lanes;
    this.alpha = new double[lanes];
    this.variance = new double[lanes];
    this.logScale = new double[lanes];
  }

  /** Sets the time of a lane; one that the process or the mixture does not have makes it NaN. */
  void setTime(int lane, GaussianMixture mixture, Diffusion process, double t) {
    alpha[lane] = Double.NaN;
    variance[lane] = Double.NaN;
    if (t >= 0 && t <= process.maxTime()) {
      MixtureTime at = MixtureTime.of(mixture, process, t);
      if (!at.singular()) {
        alpha[lane] = at.alpha();
        variance[lane] = at.variance();
      }
    }
  }

  /** The mixture at the time of a lane. */
  MixtureTime time(int lane, GaussianMixture mixture) {
    return new MixtureTime(mixture, alpha[lane], variance[lane]);
  }

  /** Whether there is a density at the time of a lane. */
  boolean available(int lane) {
    return !Double.isNaN(alpha[lane]);
  }

  /** Computes what depends on the times that were set; determinants only where they matter. */
  void compute(Mixture mixture, boolean wantsLogDensity) {
    reserve(mixture);
    int each = mixture.eigenvaluesEach();
    for (int r = 0; r < mixture.eigenvalues().length; r++) {
      invert(r, mixture.eigenvalues()[r]);
    }
    for (int c = 0; c < mixture.covariances(); c++) {
      sumOfInverses(c, each, mixture.multiplicity());
      if (wantsLogDensity || !mixture.shared()) {
        sumOfLogarithms(c, each, mixture.multiplicity());
      }
    }
    for (int lane = 0; lane < lanes; lane += LENGTH) {
      logits(mixture, lane);
    }
  }

  private void reserve(Mixture mixture) {
    int rows = mixture.eigenvalues().length * lanes;
    if (precision.length < rows) {
      precision = new double[rows];
      gain = new double[rows];
      trace = new double[rows];
      halfLogDeterminant = new double[rows];
    }
    if (logit.length < mixture.components() * lanes) {
      logit = new double[mixture.components() * lanes];
    }
  }

  private void invert(int r, double eigenvalue) {
    for (int lane = 0; lane < lanes; lane += LENGTH) {
      DoubleVector a = DoubleVector.fromArray(SPECIES, alpha, lane);
      DoubleVector noise = DoubleVector.fromArray(SPECIES, variance, lane);
      DoubleVector lambda = a.mul(a).mul(eigenvalue).add(noise);
      DoubleVector.broadcast(SPECIES, 1).div(lambda).intoArray(precision, r * lanes + lane);
      a.mul(eigenvalue).div(lambda).intoArray(gain, r * lanes + lane);
    }
  }

  private void sumOfInverses(int covariance, int each, int multiplicity) {
    for (int lane = 0; lane < lanes; lane += LENGTH) {
      DoubleVector sum = DoubleVector.zero(SPECIES);
      for (int r = covariance * each; r < (covariance + 1) * each; r++) {
        sum = sum.add(DoubleVector.fromArray(SPECIES, precision, r * lanes + lane));
      }
      sum.mul(multiplicity).intoArray(trace, covariance * lanes + lane);
    }
  }

  private void sumOfLogarithms(int covariance, int each, int multiplicity) {
    for (int lane = 0; lane < lanes; lane += LENGTH) {
      DoubleVector sum = DoubleVector.zero(SPECIES);
      for (int r = covariance * each; r < (covariance + 1) * each; r++) {
        DoubleVector inverse = DoubleVector.fromArray(SPECIES, precision, r * lanes + lane);
        sum = sum.sub(DoubleExp.log2(inverse));
      }
      sum.mul(0.5 * multiplicity).intoArray(halfLogDeterminant, covariance * lanes + lane);
    }
  }

  /** The logits, and the scale of the density; the determinant of a shared one is in that alone. */
  private void logits(Mixture mixture, int lane) {
    boolean shared = mixture.shared();
    DoubleVector largest = DoubleVector.broadcast(SPECIES, Double.NEGATIVE_INFINITY);
    for (int k = 0; k < mixture.components(); k++) {
      DoubleVector c = DoubleVector.broadcast(SPECIES, mixture.logWeights()[k]);
      if (!shared) {
        c = c.sub(DoubleVector.fromArray(SPECIES, halfLogDeterminant, k * lanes + lane));
      }
      c.intoArray(logit, k * lanes + lane);
      largest = largest.max(c);
    }
    for (int o = lane; o < mixture.components() * lanes; o += lanes) {
      DoubleVector.fromArray(SPECIES, logit, o).sub(largest).intoArray(logit, o);
    }
    DoubleVector scale =
        shared ? largest.sub(DoubleVector.fromArray(SPECIES, halfLogDeterminant, lane)) : largest;
    scale
        .mul(LN_2)
        .sub(0.5 * mixture.dimension() * Math.log(2 * Math.PI))
        .intoArray(logScale, lane);
  }
}
