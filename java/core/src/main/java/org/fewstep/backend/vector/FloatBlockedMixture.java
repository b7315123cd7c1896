package org.fewstep.backend.vector;

import java.util.Arrays;
import org.fewstep.mixture.Covariance;
import org.fewstep.mixture.DiagonalCovariance;
import org.fewstep.mixture.GaussianMixture;
import org.fewstep.mixture.IsotropicCovariance;

/**
 * A mixture at one time, as the blocked kernel wants it: constants computed in float64 and rounded
 * once.
 *
 * <p>With alpha and the variance of the noise of {@link MixtureTime}, the centre c and the packed
 * means nu_k of {@link FloatBlockedMeans}, and {@code x' = x - alpha c}, the base-2 logits are
 *
 * <pre>
 *   one covariance, lambda_j along axis j, for all components:
 *     z_k / log2(e) = c_k + sum_j ( alpha x'_j nu_kj / lambda_j - (alpha nu_kj)^2 / (2 lambda_j) )
 *   an isotropic one, lambda_k, for each:
 *     z_k / log2(e) = c_k + ( sum_j ( alpha x'_j nu_kj - (alpha nu_kj)^2 / 2 ) - h ) / lambda_k
 *     with h = |x'|^2 / 2
 * </pre>
 *
 * <p>where c_k is the logarithm of weight over normaliser. With one covariance the term in |x'|^2
 * is the same for every k: it is left out and comes back in log p alone.
 *
 * <h2>Where this form is accurate enough</h2>
 *
 * <p>The difference form sums d squares of order 1: its error in a logit is some 2^-24 d^1.5 / 6
 * whatever the noise. Here squares cancel that are larger the lower the noise:
 *
 * <pre>
 *   one covariance:     C = max_k sum_j (alpha nu_kj)^2 / lambda_j
 *   isotropic ones:     C = ( max_k |alpha nu_k|^2 + d max lambda / 2 ) / min lambda
 * </pre>
 *
 * <p>and the error of a logit is some 2^-24 C / sqrt(chains). {@link #accurate} asks for {@code C
 * <= min(3 d, d^1.5 / 2)}. Measured on 6720 random mixtures (d from 16 to 257, K from 7 to 500,
 * means on a sphere or in two clusters, points at and between the components): of the 2343 that the
 * rule allows, none has an error of score, posterior mean or log-density above twice that of plain
 * float32 differences plus 2^-22; outside the rule the first one that has stands at C = 2.2 d for d
 * = 16 and at 3.1 d from d = 33 on. The log-density would be the first to fail: {@link
 * FloatBlockedValue} does the logit of its likeliest component again by differences.
 *
 * <p>Neither n nor the points enter the decision. A point further out than {@code R = sqrt(d) + 6}
 * deviations from the ball of the means, which no mixture of normals sends in practice, has larger
 * errors: it is reported and left to the difference form.
 */
final class FloatBlockedMixture {

  /** The largest C/d; see the law above. */
  private static final double LARGEST_SQUARE_PER_DIMENSION = 3;

  /** The largest C/d^1.5, which is less in low dimension. */
  private static final double LARGEST_SQUARE_PER_ERROR = 0.5;

  /** A point of the mixture is further than sqrt(d) + 6 sigma from every mean once in 10^9. */
  private static final double RADIUS_MARGIN = 6;

  /**
   * The smallest d and K, and the smallest d K: from there on the products beat differences.
   * Measured with vectors of 512 bits; with shorter ones the panels are narrower and the gain comes
   * earlier.
   */
  private static final int SMALLEST_SIDE = 8;

  private static final long SMALLEST_AREA = 1024;

  private static final double LOG2_E = 1 / Math.log(2);

  private final FloatBlockedMeans means;
  private final boolean shared;
  private final float alpha;
  private final float alphaLow;
  private final double logConstant;
  private final float largestQuadratic;

  // Per coordinate, padded with zeros to whole panels.
  private final float[] centreHigh;
  private final float[] centreLow;
  private final float[] input;
  private final float[] quadratic;
  private final float[] scorePrecision;
  private final float[] posteriorOfMean;
  private final float[] posteriorOfPoint;
  private final float[] posteriorCentre;

  // Per component, padded to whole panels with components of weight zero.
  private final float[] chainStarts;
  private final float[] logWeight;
  private final float[] gain;
  private final float[] precision;
  private final float[] contraction;

  FloatBlockedMixture(FloatBlockedMeans means, MixtureTime at) {
    this.means = means;
    this.shared = at.mixture().covariance().shared();
    this.alpha = (float) at.alpha();
    this.alphaLow = (float) (at.alpha() - alpha);
    int dimension = means.paddedDimension();
    this.centreHigh = new float[dimension];
    this.centreLow = new float[dimension];
    this.input = new float[dimension];
    this.quadratic = new float[dimension];
    this.scorePrecision = new float[dimension];
    this.posteriorOfMean = new float[dimension];
    this.posteriorOfPoint = new float[dimension];
    this.posteriorCentre = new float[dimension];
    int components = means.paddedComponents();
    this.chainStarts = new float[means.chains() * components];
    this.logWeight = new float[components];
    this.gain = new float[shared ? 0 : components];
    this.precision = new float[shared ? 0 : components];
    this.contraction = new float[shared ? 0 : components];

    for (int j = 0; j < means.dimension(); j++) {
      setCoordinate(at, j);
    }
    this.logConstant = setComponents(at) - 0.5 * means.dimension() * Math.log(2 * Math.PI);
    double radius = radius(means, at);
    this.largestQuadratic = (float) (0.5 * radius * radius);
  }

  /** The blocked form of a mixture at a time, or null where differences are to be taken. */
  static FloatBlockedMixture of(MixtureTime at) {
    if (!supports(at.mixture()) || !worthwhile(at.mixture())) {
      return null;
    }
    FloatBlockedMeans means = new FloatBlockedMeans(at.mixture());
    return accurate(means, at) ? new FloatBlockedMixture(means, at) : null;
  }

  /** Whether the matrices are large enough to fill their panels; below, differences are quicker. */
  static boolean worthwhile(GaussianMixture mixture) {
    int shorter = Math.min(mixture.dimension(), mixture.components());
    long area = (long) mixture.dimension() * mixture.components();
    return shorter >= SMALLEST_SIDE && area >= SMALLEST_AREA;
  }

  /** Whether there is a blocked form: one covariance, not full, or isotropic ones. */
  static boolean supports(GaussianMixture mixture) {
    Covariance covariance = mixture.covariance();
    return FloatBlockedMeans.fits(mixture)
        && (covariance instanceof IsotropicCovariance
            || covariance instanceof DiagonalCovariance && covariance.shared());
  }

  /** Whether the blocked form is as accurate as it has to be at this time. */
  static boolean accurate(FloatBlockedMeans means, MixtureTime at) {
    double perDimension =
        Math.min(
            LARGEST_SQUARE_PER_DIMENSION, LARGEST_SQUARE_PER_ERROR * Math.sqrt(means.dimension()));
    return cancelling(means, at) <= perDimension * means.dimension();
  }

  /** The squares that cancel in a logit, in units of lambda: C of the law above. */
  static double cancelling(FloatBlockedMeans means, MixtureTime at) {
    double square = largestMeanSquare(means, at);
    if (at.mixture().covariance().shared()) {
      return square;
    }
    return (square + 0.5 * means.dimension() * largestEigenvalue(at)) / smallestEigenvalue(at);
  }

  /**
   * The largest (alpha |nu_k|)^2 of a component that has weight, in units of lambda_j along axis j
   * if all components share lambda.
   */
  private static double largestMeanSquare(FloatBlockedMeans means, MixtureTime at) {
    double largest = 0;
    for (int k = 0; k < means.components(); k++) {
      double square = 0;
      for (int chain = 0; means.mixture().weight(k) > 0 && chain < means.chains(); chain++) {
        square += chainSquare(means, at, chain, k);
      }
      largest = Math.max(largest, square);
    }
    return largest;
  }

  /** The part of that square, for component k, that one chain of coordinates contributes. */
  private static double chainSquare(
      FloatBlockedMeans means, MixtureTime at, int chain, int component) {
    Covariance covariance = at.mixture().covariance();
    double square = at.alpha() * at.alpha() * means.chainSquare(chain, component);
    if (!covariance.shared()) {
      return square;
    }
    if (covariance instanceof IsotropicCovariance) {
      return square / at.eigenvalue(0, 0);
    }
    double whitened = 0;
    int end = Math.min((chain + 1) * means.chain(), means.dimension());
    for (int j = chain * means.chain(); j < end; j++) {
      double m = at.alpha() * means.mean(component, j);
      whitened += m * m / at.eigenvalue(0, j);
    }
    return whitened;
  }

  /** The radius around the centre that points keep within, in the units of the means' squares. */
  private static double radius(FloatBlockedMeans means, MixtureTime at) {
    double deviation = at.mixture().covariance().shared() ? 1 : Math.sqrt(largestEigenvalue(at));
    return Math.sqrt(largestMeanSquare(means, at))
        + deviation * (Math.sqrt(means.dimension()) + RADIUS_MARGIN);
  }

  private static double smallestEigenvalue(MixtureTime at) {
    double variance = at.mixture().covariance().smallestEigenvalue();
    return at.alpha() * at.alpha() * variance + at.variance();
  }

  private static double largestEigenvalue(MixtureTime at) {
    double variance = at.mixture().covariance().largestEigenvalue();
    return at.alpha() * at.alpha() * variance + at.variance();
  }

  private void setCoordinate(MixtureTime at, int j) {
    double centre = at.alpha() * means.centre(j);
    centreHigh[j] = (float) centre;
    centreLow[j] = (float) (centre - centreHigh[j]);
    posteriorCentre[j] = (float) means.centre(j);
    if (shared) {
      double lambda = at.eigenvalue(0, j);
      input[j] = (float) (LOG2_E * at.alpha() / lambda);
      quadratic[j] = (float) (0.5 / lambda);
      scorePrecision[j] = (float) (1 / lambda);
      posteriorOfMean[j] = (float) (at.variance() / lambda);
      posteriorOfPoint[j] = (float) at.meanGain(0, j);
    } else {
      // The means come weighted by r_k/lambda_k, and points are multiplied by sums of the row.
      input[j] = (float) at.alpha();
      quadratic[j] = 0.5f;
      scorePrecision[j] = 1f;
      posteriorOfMean[j] = (float) at.variance();
      posteriorOfPoint[j] = 1f;
    }
  }

  /** Returns the largest log-normaliser, which is taken out of the logits before rounding. */
  private double setComponents(MixtureTime at) {
    double[] logNormaliser = logNormalisers(at);
    double largest = Arrays.stream(logNormaliser).max().orElseThrow();
    Arrays.fill(logWeight, Float.NEGATIVE_INFINITY);
    if (shared) {
      Arrays.fill(chainStarts, 0, means.paddedComponents(), Float.NEGATIVE_INFINITY);
    }
    for (int k = 0; k < means.components(); k++) {
      setComponent(at, k, LOG2_E * (logNormaliser[k] - largest));
    }
    return largest;
  }

  private void setComponent(MixtureTime at, int k, double weight) {
    logWeight[k] = (float) weight;
    double scale = shared ? -0.5 * LOG2_E : -0.5;
    for (int chain = 0; chain < means.chains(); chain++) {
      double start = scale * chainSquare(means, at, chain, k);
      boolean first = shared && chain == 0;
      chainStarts[chain * means.paddedComponents() + k] = (float) (first ? start + weight : start);
    }
    if (!shared) {
      double lambda = at.eigenvalue(k, 0);
      gain[k] = (float) (LOG2_E / lambda);
      precision[k] = (float) (1 / lambda);
      contraction[k] = (float) at.meanGain(k, 0);
    }
  }

  /** log w_k - log det C_k / 2, with one logarithm per eigenvalue that there really is. */
  private double[] logNormalisers(MixtureTime at) {
    boolean isotropic = at.mixture().covariance() instanceof IsotropicCovariance;
    double logDeterminant = 0;
    for (int j = 0; shared && j < (isotropic ? 1 : means.dimension()); j++) {
      logDeterminant += Math.log(at.eigenvalue(0, j));
    }
    double[] normalisers = new double[means.components()];
    for (int k = 0; k < normalisers.length; k++) {
      double own = shared ? logDeterminant : Math.log(at.eigenvalue(k, 0));
      normalisers[k] =
          Math.log(at.mixture().weight(k)) - 0.5 * own * (isotropic ? means.dimension() : 1);
    }
    return normalisers;
  }

  FloatBlockedMeans means() {
    return means;
  }

  /** Whether all components have one covariance. */
  boolean shared() {
    return shared;
  }

  /** What log p adds to the logarithm of the sum of exponentials. */
  double logConstant() {
    return logConstant;
  }

  /** The largest {@code sum_j quadratic_j x'_j^2} of a point within the a-priori radius. */
  float largestQuadratic() {
    return largestQuadratic;
  }

  /** alpha c, the leading part. */
  float[] centreHigh() {
    return centreHigh;
  }

  /** alpha c, what rounding the leading part left. */
  float[] centreLow() {
    return centreLow;
  }

  /** What x' is multiplied by, per coordinate, before the product with nu. */
  float[] input() {
    return input;
  }

  /** What x'^2 is multiplied by in the quadratic form h, or in the one left out of the logits. */
  float[] quadratic() {
    return quadratic;
  }

  /** What means are multiplied by at this time. */
  float alpha() {
    return alpha;
  }

  /** What rounding alpha left. */
  float alphaLow() {
    return alphaLow;
  }

  /** 1/lambda_j if all components have one covariance, else 1: the weights then contain it. */
  float[] scorePrecision() {
    return scorePrecision;
  }

  /** E[x_0|x] = c + posteriorOfMean * (weighted mean of nu) + posteriorOfPoint * x'. */
  float[] posteriorOfMean() {
    return posteriorOfMean;
  }

  /**
   * See {@link #posteriorOfMean}; times the sum of r_k alpha sigma_k^2/lambda_k where they differ.
   */
  float[] posteriorOfPoint() {
    return posteriorOfPoint;
  }

  /** The centre c. */
  float[] posteriorCentre() {
    return posteriorCentre;
  }

  /**
   * Where the chains of a logit start, [chain][component]: the terms in nu^2, and c_k if shared.
   */
  float[] chainStarts() {
    return chainStarts;
  }

  /** log2(e) c_k, less the largest; empty weight is negative infinity. */
  float[] logWeight() {
    return logWeight;
  }

  /** log2(e)/lambda_k where covariances differ. */
  float[] gain() {
    return gain;
  }

  /** 1/lambda_k where covariances differ. */
  float[] precision() {
    return precision;
  }

  /** alpha sigma_k^2/lambda_k where covariances differ. */
  float[] contraction() {
    return contraction;
  }
}
