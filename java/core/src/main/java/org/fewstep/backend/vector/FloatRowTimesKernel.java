package org.fewstep.backend.vector;

import java.util.stream.IntStream;
import jdk.incubator.vector.FloatVector;
import jdk.incubator.vector.VectorOperators;
import jdk.incubator.vector.VectorSpecies;
import org.fewstep.mixture.FullCovariance;
import org.fewstep.mixture.GaussianMixture;

/**
 * Isotropic and diagonal mixtures at one time per point: lanes over points, each with alpha and
 * precisions of its own. With
 *
 * <pre>
 *   e_ki = x_i - alpha mu_ki     q_k = sum_i P_ki e_ki^2
 *   z_k = (c_k - (q_k - min q) log2(e)/2) - max ...     r_k = 2^z_k / sum 2^z
 *   score_i = -sum_k r_k P_ki e_ki          E[x0|x]_i = sum_k r_k (mu_ki + gain_ki e_ki)
 *   divergence = sum_k r_k (sum_i (P_ki e_ki + score_i)^2 - trace_k)
 * </pre>
 *
 * <p>Loops run over the coordinates, and inside over the components, so that sums over components
 * stay in a register. A deviation is taken by fused products of alpha and mu, both split in two:
 * its error is a rounding of the deviation itself, not of x. Its three lines are repeated in every
 * loop because the JIT stops inlining calls of ours where a compiled method has grown large, and
 * their vectors then go to the heap.
 *
 * <p>Every operation is lane by lane. Points that are far from every component or not finite, and
 * those without a density at their time, are left to {@link RowKernel}. Immutable.
 */
final class FloatRowTimesKernel {

  private static final VectorSpecies<Float> SPECIES = FloatLanes.SPECIES;
  private static final int LENGTH = FloatLanes.LENGTH;
  private static final int GROUP = FloatLanes.GROUP;
  private static final float HALF_LOG2_E = (float) FloatMixtureConstants.HALF_LOG2_E;
  private static final float LN_2 = 0.69314718055994531f;

  private final GaussianMixture mixture;
  private final LaneConstants.Mixture packed;
  private final int dimension;
  private final int components;
  private final float farSquare;

  /** The means at t = 0, {@code [d][K]}, split into a high and a low part. */
  private final float[] mean;

  private final float[] meanLow; // float32-only

  /** Where the constants of (component k, coordinate i) lie: {@code k kStride + i iStride}. */
  private final int kStride;

  private final int iStride;

  /** From the trace of one component to the next: 0 if shared. */
  private final int traceStride;

  FloatRowTimesKernel(GaussianMixture mixture) {
    this.mixture = mixture;
    int[] index =
        IntStream.range(0, mixture.components()).filter(k -> mixture.weight(k) > 0).toArray();
    this.packed = LaneConstants.Mixture.of(mixture, index);
    this.dimension = mixture.dimension();
    this.components = index.length;
    this.farSquare = FloatMixtureKernel.far(dimension) / HALF_LOG2_E;
    this.mean = new float[dimension * components];
    this.meanLow = new float[dimension * components]; // float32-only
    for (int i = 0; i < dimension; i++) {
      for (int k = 0; k < components; k++) {
        double exact = mixture.mean(index[k], i);
        int at = i * components + k;
        mean[at] = (float) exact;
        meanLow[at] = (float) (exact - mean[at]); // float32-only
      }
    }
    this.kStride = packed.shared() ? 0 : packed.eigenvaluesEach() * LENGTH;
    this.iStride = packed.multiplicity() == 1 ? LENGTH : 0;
    this.traceStride = packed.shared() ? 0 : LENGTH;
  }

  /** Whether there is a kernel for the kind of covariance of a mixture. */
  static boolean supports(GaussianMixture mixture) {
    return !(mixture.covariance() instanceof FullCovariance);
  }

  GaussianMixture mixture() {
    return mixture;
  }

  /**
   * Evaluates one vector of points into the fields of the tile, at the times set in its {@code
   * lanes.exact}.
   *
   * @param at the offset of the vector in {@code tile.x} and in the vectors of the fields
   * @param scalar its offset in the scalars
   */
  void evaluate(FloatTile tile, int at, int scalar) {
    FloatFields fields = tile.fields;
    FloatLaneScratch lanes = tile.lanes;
    lanes.prepare(packed, fields.logDensity != null);
    lanes.clearWeights(components);
    for (int i = 0; i < dimension; i++) {
      addSquares(lanes, tile.x, at + i * GROUP, i);
    }
    boolean near = weigh(lanes, fields.logDensity, scalar);
    for (int i = 0; i < dimension; i++) {
      if (fields.score != null) {
        score(lanes, tile.x, at + i * GROUP, i, fields.score);
      }
      if (fields.mean != null) {
        mean(lanes, tile.x, at + i * GROUP, i, fields.mean);
      }
    }
    if (fields.divergence != null) {
      divergence(lanes, tile.x, at, fields.score, fields.divergence, scalar);
    }
    if (!near) {
      redoFarRows(tile, at, scalar);
    }
  }

  /** q_k += P_ki e_ki^2. */
  private void addSquares(FloatLaneScratch lanes, float[] points, int at, int i) {
    float[] precision = lanes.precision;
    float[] squares = lanes.weights;
    FloatVector x = FloatVector.fromArray(SPECIES, points, at);
    FloatVector high = FloatVector.fromArray(SPECIES, lanes.minusAlpha, 0);
    FloatVector low = FloatVector.fromArray(SPECIES, lanes.minusAlphaLow, 0); // float32-only
    int p = i * iStride;
    int m = i * components;
    for (int k = 0; k < components; k++, m++, p += kStride) {
      FloatVector mu = FloatVector.broadcast(SPECIES, mean[m]);
      FloatVector e = high.fma(mu, x);
      e = high.fma(FloatVector.broadcast(SPECIES, meanLow[m]), e); // float32-only
      e = low.fma(mu, e); // float32-only
      FloatVector q = FloatVector.fromArray(SPECIES, squares, k * LENGTH);
      FloatVector weighted = e.mul(FloatVector.fromArray(SPECIES, precision, p));
      weighted.fma(e, q).intoArray(squares, k * LENGTH);
    }
  }

  /**
   * Turns squared distances into weights relative to the heaviest component, in two stages, and
   * writes the log-density. Returns whether every point is near a component.
   */
  private boolean weigh(FloatLaneScratch lanes, float[] logDensity, int scalar) {
    float[] weights = lanes.weights;
    float[] logit = lanes.logit;
    int end = components * LENGTH;
    FloatVector scale = FloatVector.broadcast(SPECIES, -HALF_LOG2_E);
    FloatVector nearest = FloatVector.fromArray(SPECIES, weights, 0);
    for (int o = LENGTH; o < end; o += LENGTH) {
      nearest = nearest.min(FloatVector.fromArray(SPECIES, weights, o));
    }
    FloatVector largest = FloatVector.broadcast(SPECIES, Float.NEGATIVE_INFINITY);
    for (int o = 0; o < end; o += LENGTH) {
      FloatVector excess = FloatVector.fromArray(SPECIES, weights, o).sub(nearest);
      FloatVector z = excess.fma(scale, FloatVector.fromArray(SPECIES, logit, o));
      z.intoArray(weights, o);
      largest = largest.max(z);
    }
    FloatVector total = FloatVector.zero(SPECIES);
    for (int o = 0; o < end; o += LENGTH) {
      FloatVector z = FloatVector.fromArray(SPECIES, weights, o).sub(largest);
      FloatVector weight = FloatExp.exp2(z);
      weight.intoArray(weights, o);
      total = total.add(weight);
    }
    FloatVector.broadcast(SPECIES, 1f).div(total).intoArray(lanes.inverseTotal, 0);
    if (logDensity != null) {
      FloatVector power = nearest.fma(scale, largest.add(FloatExp.log2(total)));
      power
          .fma(
              FloatVector.broadcast(SPECIES, LN_2),
              FloatVector.fromArray(SPECIES, lanes.logScale, 0))
          .intoArray(logDensity, scalar);
    }
    nearest.intoArray(lanes.nearest, 0);
    return nearest.compare(VectorOperators.LE, farSquare).allTrue();
  }

  /** score_i = -sum_k r_k P_ki e_ki. */
  private void score(FloatLaneScratch lanes, float[] points, int at, int i, float[] score) {
    float[] precision = lanes.precision;
    float[] weights = lanes.weights;
    FloatVector x = FloatVector.fromArray(SPECIES, points, at);
    FloatVector high = FloatVector.fromArray(SPECIES, lanes.minusAlpha, 0);
    FloatVector low = FloatVector.fromArray(SPECIES, lanes.minusAlphaLow, 0); // float32-only
    FloatVector sum = FloatVector.zero(SPECIES);
    int p = i * iStride;
    int m = i * components;
    for (int k = 0; k < components; k++, m++, p += kStride) {
      FloatVector mu = FloatVector.broadcast(SPECIES, mean[m]);
      FloatVector e = high.fma(mu, x);
      e = high.fma(FloatVector.broadcast(SPECIES, meanLow[m]), e); // float32-only
      e = low.fma(mu, e); // float32-only
      FloatVector weight = FloatVector.fromArray(SPECIES, weights, k * LENGTH);
      sum = e.mul(FloatVector.fromArray(SPECIES, precision, p)).fma(weight, sum);
    }
    FloatVector factor = FloatVector.fromArray(SPECIES, lanes.inverseTotal, 0).neg();
    // Added to zero, lest a score of zero be negative.
    sum.fma(factor, FloatVector.zero(SPECIES)).intoArray(score, at);
  }

  /** E[x0|x]_i = sum_k r_k (mu_ki + gain_ki e_ki). */
  private void mean(FloatLaneScratch lanes, float[] points, int at, int i, float[] means) {
    float[] gain = lanes.gain;
    float[] weights = lanes.weights;
    FloatVector x = FloatVector.fromArray(SPECIES, points, at);
    FloatVector high = FloatVector.fromArray(SPECIES, lanes.minusAlpha, 0);
    FloatVector low = FloatVector.fromArray(SPECIES, lanes.minusAlphaLow, 0); // float32-only
    FloatVector sum = FloatVector.zero(SPECIES);
    int p = i * iStride;
    int m = i * components;
    for (int k = 0; k < components; k++, m++, p += kStride) {
      FloatVector mu = FloatVector.broadcast(SPECIES, mean[m]);
      FloatVector e = high.fma(mu, x);
      e = high.fma(FloatVector.broadcast(SPECIES, meanLow[m]), e); // float32-only
      e = low.fma(mu, e); // float32-only
      FloatVector weight = FloatVector.fromArray(SPECIES, weights, k * LENGTH);
      sum = e.fma(FloatVector.fromArray(SPECIES, gain, p), mu).fma(weight, sum);
    }
    sum.mul(FloatVector.fromArray(SPECIES, lanes.inverseTotal, 0)).intoArray(means, at);
  }

  /** The divergence of the score, from scores centred on it. */
  private void divergence(
      FloatLaneScratch lanes, float[] x, int at, float[] score, float[] divergence, int scalar) {
    FloatVector.zero(SPECIES).intoArray(lanes.spread, 0);
    for (int i = 0; i < dimension; i++) {
      addSpread(lanes, x, at + i * GROUP, i, score);
    }
    FloatVector sum = FloatVector.fromArray(SPECIES, lanes.spread, 0);
    for (int k = 0, p = 0; k < components; k++, p += traceStride) {
      FloatVector weight = FloatVector.fromArray(SPECIES, lanes.weights, k * LENGTH).neg();
      sum = weight.fma(FloatVector.fromArray(SPECIES, lanes.trace, p), sum);
    }
    sum.mul(FloatVector.fromArray(SPECIES, lanes.inverseTotal, 0)).intoArray(divergence, scalar);
  }

  /** spread += sum_k weight_k (P_ki e_ki + score_i)^2. */
  private void addSpread(FloatLaneScratch lanes, float[] points, int at, int i, float[] score) {
    float[] precision = lanes.precision;
    float[] weights = lanes.weights;
    FloatVector x = FloatVector.fromArray(SPECIES, points, at);
    FloatVector centre = FloatVector.fromArray(SPECIES, score, at);
    FloatVector high = FloatVector.fromArray(SPECIES, lanes.minusAlpha, 0);
    FloatVector low = FloatVector.fromArray(SPECIES, lanes.minusAlphaLow, 0); // float32-only
    FloatVector sum = FloatVector.fromArray(SPECIES, lanes.spread, 0);
    int p = i * iStride;
    int m = i * components;
    for (int k = 0; k < components; k++, m++, p += kStride) {
      FloatVector mu = FloatVector.broadcast(SPECIES, mean[m]);
      FloatVector e = high.fma(mu, x);
      e = high.fma(FloatVector.broadcast(SPECIES, meanLow[m]), e); // float32-only
      e = low.fma(mu, e); // float32-only
      // The product is rounded as in the score: where one component is all, the two cancel.
      FloatVector c = e.mul(FloatVector.fromArray(SPECIES, precision, p)).add(centre);
      sum = c.mul(c).fma(FloatVector.fromArray(SPECIES, weights, k * LENGTH), sum);
    }
    sum.intoArray(lanes.spread, 0);
  }

  /** Redoes in float64 the points that are not near, each at its time; NaN where it has none. */
  private void redoFarRows(FloatTile tile, int at, int scalar) {
    FloatFields fields = tile.fields;
    RowKernel row = tile.row;
    row.reserve(mixture);
    for (int lane = 0; lane < LENGTH; lane++) {
      if (tile.lanes.nearest[lane] <= farSquare) {
        continue;
      }
      if (tile.lanes.exact.available(lane)) {
        for (int i = 0; i < dimension; i++) {
          row.x[i] = tile.x[at + i * GROUP + lane];
        }
        row.evaluate(tile.lanes.exact.time(lane, mixture), fields.divergence != null);
      } else {
        row.fail();
      }
      FloatMixtureKernel.put(fields.logDensity, scalar + lane, row.logDensity);
      FloatMixtureKernel.put(fields.divergence, scalar + lane, row.divergence);
      FloatMixtureKernel.put(fields.score, at + lane, row.score);
      FloatMixtureKernel.put(fields.mean, at + lane, row.mean);
    }
  }
}
