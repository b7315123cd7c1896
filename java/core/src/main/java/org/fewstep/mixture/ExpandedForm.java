package org.fewstep.mixture;

/**
 * The squares of a mixture's distances multiplied out, so that the logits of many points are a
 * product of matrices; and whether that keeps enough digits at a time.
 *
 * <p>With {@code x_t = alpha x_0 + sqrt(variance) z}, the centre c, {@code nu_k = mu_k - c}, {@code
 * x' = x - alpha c} and the eigenvalues lambda at that time, the logits are
 *
 * <pre>
 *   one covariance, lambda_j along axis j, for all components:
 *     z_k = c_k + sum_j ( alpha x'_j nu_kj / lambda_j - (alpha nu_kj)^2 / (2 lambda_j) )
 *   an isotropic one, lambda_k, for each:
 *     z_k = c_k + ( sum_j ( alpha x'_j nu_kj - (alpha nu_kj)^2 / 2 ) - h ) / lambda_k
 *     with h = |x'|^2 / 2
 * </pre>
 *
 * <p>where c_k is the logarithm of weight over normaliser. With one covariance the term in |x'|^2
 * is the same for every k, and left out. The centre is the mixture's mean: what all means have in
 * common would only cost digits.
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
 * <p>and the error of a logit is some 2^-24 C / sqrt(chains), if it is summed in chains of
 * coordinates that begin with their share of the squares of nu. {@link #accurate} asks for {@code C
 * <= min(3 d, d^1.5 / 2)}. Measured with chains of 16 to 32 on 6720 random mixtures (d from 16 to
 * 257, K from 7 to 500, means on a sphere or in two clusters, points at and between the
 * components): of the 2343 that the rule allows, none has an error of score, posterior mean or
 * log-density above twice that of plain float32 differences plus 2^-22; outside the rule the first
 * one that has stands at C = 2.2 d for d = 16 and at 3.1 d from d = 33 on. The log-density would be
 * the first to fail: kernels do the logit of its likeliest component again by differences.
 *
 * <p>Neither the points nor their number enter the decision. A point further out than {@code R =
 * sqrt(d) + 6} deviations from the ball of the means, which no mixture of normals sends in
 * practice, has larger errors: it is to be left to the difference form.
 */
public final class ExpandedForm {

  /** The largest C/d; see the law above. */
  private static final double LARGEST_SQUARE_PER_DIMENSION = 3;

  /** The largest C/d^1.5, which is less in low dimension. */
  private static final double LARGEST_SQUARE_PER_ERROR = 0.5;

  /** A point of the mixture is further than sqrt(d) + 6 sigma from every mean once in 10^9. */
  private static final double RADIUS_MARGIN = 6;

  private final GaussianMixture mixture;
  private final double alpha;
  private final double variance;
  private final double largestMeanSquare;

  /**
   * The form of a mixture that {@linkplain #supports has} one, at a time.
   *
   * @param alpha the scale of the means
   * @param variance of the noise
   */
  public ExpandedForm(GaussianMixture mixture, double alpha, double variance) {
    if (!supports(mixture)) {
      throw new IllegalArgumentException(
          "mixture must have isotropic covariances or one diagonal one, but has "
              + mixture.covariance().getClass().getSimpleName());
    }
    this.mixture = mixture;
    this.alpha = alpha;
    this.variance = variance;
    this.largestMeanSquare = largestMeanSquare(centre(mixture));
  }

  /** Whether there is an expanded form: one covariance, not full, or isotropic ones. */
  public static boolean supports(GaussianMixture mixture) {
    Covariance covariance = mixture.covariance();
    return covariance instanceof IsotropicCovariance
        || covariance instanceof DiagonalCovariance && covariance.shared();
  }

  /** The centre c, the mean of the mixture. */
  public static double[] centre(GaussianMixture mixture) {
    double[] mean = new double[mixture.dimension()];
    for (int k = 0; k < mixture.components(); k++) {
      for (int j = 0; j < mean.length; j++) {
        mean[j] += mixture.weight(k) * mixture.mean(k, j);
      }
    }
    return mean;
  }

  /** Whether this form is as accurate as it has to be at this time. */
  public boolean accurate() {
    double d = mixture.dimension();
    double perDimension =
        Math.min(LARGEST_SQUARE_PER_DIMENSION, LARGEST_SQUARE_PER_ERROR * Math.sqrt(d));
    return cancelling() <= perDimension * d;
  }

  /** The squares that cancel in a logit, in units of lambda: C of the law above. */
  public double cancelling() {
    if (mixture.covariance().shared()) {
      return largestMeanSquare;
    }
    return (largestMeanSquare + 0.5 * mixture.dimension() * largestEigenvalue())
        / smallestEigenvalue();
  }

  /**
   * A bound of the error of a logit, for points within the radius R and in float32, whatever the
   * noise: every one of the terms that cancel, at most {@code S = R M + M^2/2} with M the largest
   * |alpha nu_k| (and R^2/2 more where covariances differ), is a product of numbers rounded to
   * 2^-20 of it, and enters sums of some 40 steps a chain, each truncated to 2^-23 of what has been
   * summed, and of d/32 chains. Of no use for values; but components whose logits differ by more
   * than twice the bound are told apart.
   */
  public double logitError() {
    double means = Math.sqrt(largestMeanSquare);
    double terms = radius() * means + 0.5 * largestMeanSquare;
    if (!mixture.covariance().shared()) {
      terms = (terms + 0.5 * radius() * radius()) / smallestEigenvalue();
    }
    return (64 + mixture.dimension() / 16.0) * 0x1p-23 * terms;
  }

  /**
   * The radius around alpha c that points keep within, in units of the square roots of the lambda_j
   * if all components share them.
   */
  public double radius() {
    double deviation = mixture.covariance().shared() ? 1 : Math.sqrt(largestEigenvalue());
    return Math.sqrt(largestMeanSquare)
        + deviation * (Math.sqrt(mixture.dimension()) + RADIUS_MARGIN);
  }

  /**
   * The largest (alpha |nu_k|)^2 of a component that has weight, in units of lambda_j along axis j
   * if all components share lambda.
   */
  private double largestMeanSquare(double[] centre) {
    boolean shared = mixture.covariance().shared();
    double largest = 0;
    for (int k = 0; k < mixture.components(); k++) {
      double square = 0;
      for (int j = 0; mixture.weight(k) > 0 && j < centre.length; j++) {
        double m = alpha * (mixture.mean(k, j) - centre[j]);
        square += m * m / (shared ? at(mixture.covariance().eigenvalue(0, j)) : 1);
      }
      largest = Math.max(largest, square);
    }
    return largest;
  }

  private double smallestEigenvalue() {
    return at(mixture.covariance().smallestEigenvalue());
  }

  private double largestEigenvalue() {
    return at(mixture.covariance().largestEigenvalue());
  }

  /** An eigenvalue of the data's covariance at this time. */
  private double at(double eigenvalue) {
    return alpha * alpha * eigenvalue + variance;
  }
}
