package org.fewstep.cuda;

import java.util.function.IntToDoubleFunction;
import org.fewstep.backend.Precision;
import org.fewstep.mixture.ExpandedForm;
import org.fewstep.mixture.GaussianMixture;

/**
 * A mixture as the arrays of the kernels on tensor cores, which evaluate its {@link ExpandedForm};
 * computed in float64, to be uploaded in float32. With the names there, K rounded up to whole tiles
 * by components of weight zero, and d to a multiple of {@value #UNIT} by zeros:
 *
 * <pre>
 *   {@link #means}  nu_k [K,d], whatever the time
 *   {@link #at}     for each coordinate [8,d]: alpha c and what rounding it loses; then with one
 *           covariance, or with isotropic ones:
 *             log2(e) alpha/lambda_j       | alpha      times x': what nu is multiplied by
 *             1/(2 lambda_j)               | 1/2        times x'^2: summed, h
 *             1/lambda_j                   | 1          of the score
 *             variance/lambda_j            | variance   of E[x_0|x], times the weighted nu
 *             alpha sigma_j^2/lambda_j     | 1          of E[x_0|x], times x'
 *             c
 *           logit_k [K], as in {@link MixturePack}
 *           starts [chains,K]: of each chain of coordinates
 *             -log2(e) sum (alpha nu_kj)^2/(2 lambda_j), the first plus logit_k
 *                                          | -sum (alpha nu_kj)^2/2
 *           nothing                        | log2(e)/lambda_k [K], 1/lambda_k [K],
 *                                          |   alpha sigma_k^2/lambda_k [K]
 * </pre>
 *
 * <p>The kernels' side of this is MixtureTiles in kernels/mixture_tiles.cuh.
 */
final class TilePack {

  private static final int TILE = 64;

  private static final int UNIT = 16;

  private static final int CHAIN = 32;

  /** Components have no weight that is less than 2^-40 of the largest, divided among all. */
  private static final int NEGLIGIBLE = 40;

  /** With fewer components most of a tile would be padding. */
  private static final int FEWEST_COMPONENTS = 16;

  private static final double LN_2 = Math.log(2);

  private final GaussianMixture mixture;
  private final double[] centre;
  private final int dimension;
  private final int width;
  private final int components;
  private final double[] means;

  TilePack(GaussianMixture mixture) {
    this.mixture = mixture;
    this.centre = ExpandedForm.centre(mixture);
    this.dimension = mixture.dimension();
    this.width = Math.ceilDiv(dimension, UNIT) * UNIT;
    this.components = Math.ceilDiv(mixture.components(), TILE) * TILE;
    this.means = new double[Math.multiplyExact(components, width)];
    for (int k = 0; k < mixture.components(); k++) {
      for (int j = 0; j < dimension; j++) {
        means[k * width + j] = (float) (mixture.mean(k, j) - centre[j]);
      }
    }
  }

  /** Whether there are tiles of such a mixture. */
  static boolean serves(GaussianMixture mixture, Precision precision) {
    return precision == Precision.FLOAT32
        && mixture.dimension() > MixturePack.MOST_REGISTER_DIMENSION
        && mixture.components() >= FEWEST_COMPONENTS
        && ((long) mixture.components() + TILE) * (mixture.dimension() + UNIT) < Integer.MAX_VALUE
        && ExpandedForm.supports(mixture);
  }

  /** Their number, padded. */
  int components() {
    return components;
  }

  /** The dimension, padded. */
  int width() {
    return width;
  }

  /** The means, from the centre. */
  double[] means() {
    return means;
  }

  /**
   * The mixture at one time.
   *
   * @param largestSquare the largest h of a point within the radius
   * @param margin 0 if the form is accurate; else what logits, base 2, of components are below the
   *     largest by that have no weight
   */
  record AtTime(double[] constants, double largestSquare, double margin) {}

  /** The mixture at the time of its other pack. */
  AtTime at(MixturePack.AtTime at) {
    ExpandedForm form = new ExpandedForm(mixture, at.alpha(), at.variance());
    // Mixtures that are served have records alone there, a logit first.
    int record = at.numbers().length / mixture.components();
    IntToDoubleFunction logits = k -> at.numbers()[k * record];
    NumberList numbers = new NumberList();
    addCoordinates(numbers, at.alpha(), at.variance());
    addComponents(numbers, at.alpha(), at.variance(), logits);
    double square = 0.5 * form.radius() * form.radius();
    return new AtTime(numbers.toArray(), square, form.accurate() ? 0 : margin(form));
  }

  private double margin(ExpandedForm form) {
    double negligible = NEGLIGIBLE + Math.log(mixture.components()) / LN_2;
    return negligible + 2 * form.logitError() / LN_2;
  }

  private boolean shared() {
    return mixture.covariance().shared();
  }

  private void addCoordinates(NumberList numbers, double alpha, double variance) {
    boolean shared = shared();
    IntToDoubleFunction lambda = j -> lambda(0, j, alpha, variance);
    addEach(numbers, j -> alpha * centre[j]);
    addEach(numbers, j -> alpha * centre[j] - (float) (alpha * centre[j]));
    addEach(numbers, j -> shared ? alpha / (LN_2 * lambda.applyAsDouble(j)) : alpha);
    addEach(numbers, j -> shared ? 0.5 / lambda.applyAsDouble(j) : 0.5);
    addEach(numbers, j -> shared ? 1 / lambda.applyAsDouble(j) : 1);
    addEach(numbers, j -> shared ? variance / lambda.applyAsDouble(j) : variance);
    addEach(numbers, j -> shared ? contraction(0, j, alpha, variance) : 1);
    addEach(numbers, j -> centre[j]);
  }

  private void addEach(NumberList numbers, IntToDoubleFunction value) {
    for (int j = 0; j < dimension; j++) {
      numbers.add(value.applyAsDouble(j));
    }
    numbers.pad(width - dimension);
  }

  private void addComponents(
      NumberList numbers, double alpha, double variance, IntToDoubleFunction logits) {
    addAll(numbers, logits, Double.NEGATIVE_INFINITY);
    for (int begin = 0; begin < width; begin += CHAIN) {
      int from = begin;
      boolean whole = shared() && begin == 0;
      addAll(
          numbers,
          k -> start(k, from, alpha, variance) + (whole ? logits.applyAsDouble(k) : 0),
          whole ? Double.NEGATIVE_INFINITY : 0);
    }
    if (!shared()) {
      addAll(numbers, k -> 1 / (LN_2 * lambda(k, 0, alpha, variance)), 0);
      addAll(numbers, k -> 1 / lambda(k, 0, alpha, variance), 0);
      addAll(numbers, k -> contraction(k, 0, alpha, variance), 0);
    }
  }

  private void addAll(NumberList numbers, IntToDoubleFunction value, double padding) {
    for (int k = 0; k < components; k++) {
      numbers.add(k < mixture.components() ? value.applyAsDouble(k) : padding);
    }
  }

  private double start(int k, int begin, double alpha, double variance) {
    double sum = 0;
    for (int j = begin; j < Math.min(begin + CHAIN, dimension); j++) {
      double m = alpha * means[k * width + j];
      sum += m * m / (shared() ? LN_2 * lambda(0, j, alpha, variance) : 1);
    }
    return -0.5 * sum;
  }

  private double lambda(int k, int j, double alpha, double variance) {
    return alpha * alpha * mixture.covariance().eigenvalue(k, j) + variance;
  }

  private double contraction(int k, int j, double alpha, double variance) {
    return alpha * mixture.covariance().eigenvalue(k, j) / lambda(k, j, alpha, variance);
  }
}
