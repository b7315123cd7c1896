package org.fewstep.backend.vector;

import java.util.Arrays;
import org.fewstep.mixture.Covariance;
import org.fewstep.mixture.ExpandedForm;
import org.fewstep.mixture.GaussianMixture;
import org.fewstep.mixture.IsotropicCovariance;

/**
 * A mixture at one time, as the blocked kernel wants it: constants computed in float64 and rounded
 * once. The logits are those of {@link ExpandedForm} times log2(e), with alpha and the variance of
 * the noise of {@link MixtureTime} and the packed means nu_k of {@link FloatBlockedMeans}.
 *
 * <p>{@link FloatBlockedValue} does the logit of the likeliest component again by differences, for
 * the log-density. A point further out than the radius of that form is reported and left to the
 * difference form.
 */
final class FloatBlockedMixture {

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
    double radius = expanded(at).radius();
    this.largestQuadratic = (float) (0.5 * radius * radius);
  }

  /** The blocked form of a mixture at a time, or null where differences are to be taken. */
  static FloatBlockedMixture of(MixtureTime at) {
    if (!supports(at.mixture()) || !worthwhile(at.mixture()) || !accurate(at)) {
      return null;
    }
    return new FloatBlockedMixture(new FloatBlockedMeans(at.mixture()), at);
  }

  /** Whether the matrices are large enough to fill their panels; below, differences are quicker. */
  static boolean worthwhile(GaussianMixture mixture) {
    int shorter = Math.min(mixture.dimension(), mixture.components());
    long area = (long) mixture.dimension() * mixture.components();
    return shorter >= SMALLEST_SIDE && area >= SMALLEST_AREA;
  }

  /** Whether there is a blocked form. */
  static boolean supports(GaussianMixture mixture) {
    return FloatBlockedMeans.fits(mixture) && ExpandedForm.supports(mixture);
  }

  /** Whether the blocked form is as accurate as it has to be at this time. */
  static boolean accurate(MixtureTime at) {
    return expanded(at).accurate();
  }

  private static ExpandedForm expanded(MixtureTime at) {
    return new ExpandedForm(at.mixture(), at.alpha(), at.variance());
  }

  /**
   * The part of (alpha |nu_k|)^2 that one chain of coordinates contributes, in units of lambda_j
   * along axis j if all components share lambda.
   */
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
