package org.fewstep.backend.vector;

import jdk.incubator.vector.FloatVector;
import jdk.incubator.vector.VectorMask;
import jdk.incubator.vector.VectorOperators;
import jdk.incubator.vector.VectorSpecies;
import org.fewstep.mixture.DiagonalCovariance;
import org.fewstep.mixture.FullCovariance;
import org.fewstep.mixture.IsotropicCovariance;

/**
 * The mixture kernel: for each group of points, all components.
 *
 * <p>With the deviation {@code e_k = x - m_k} taken by differences against a mean split in two, the
 * squared Mahalanobis distance q_k, and the component scores {@code g_k = -P_k e_k}:
 *
 * <pre>
 *   u_k = q_k log2(e)/2          z_k = (c_k - (u_k - min u)) - max ...       r_k = 2^z_k / sum 2^z
 *   log p = log sum 2^z + max + max_k c_k - min u
 *   score s = sum r_k g_k        E[x0|x] = sum r_k (mu_k + alpha Sigma_k P_k e_k)
 *   Hessian = sum r_k (g_k - s)(g_k - s)' - sum r_k P_k
 * </pre>
 *
 * The exponent is formed in two stages because c_k added to a huge u_k would be lost, and the
 * second moments are centred because {@code sum r g g' - s s'} cancels where one component
 * dominates. The forms are the textbook ones of a mixture's log-density differentiated once and
 * twice.
 *
 * <p>Every operation is lane by lane, so that a point's result depends on that point alone. Points
 * whose every exponent exceeds {@link #FAR}, where the rounding of u shows in the weights or u
 * overflows, and points that are not finite, are redone one by one in float64.
 *
 * <p>One kernel serves one mixture at one time and is immutable.
 */
abstract class FloatMixtureKernel {

  static final VectorSpecies<Float> SPECIES = FloatLanes.SPECIES;
  static final int LENGTH = FloatLanes.LENGTH;
  static final int GROUP = FloatLanes.GROUP;
  static final int BLOCK = FloatMixtureConstants.BLOCK;

  /** From here on 2^-24 u, the rounding of an exponent, is no longer small against 1e-3. */
  static final float FAR = 0x1p14f; // float32-only

  // float64: static final double FAR = 0x1p900;

  private static final float LN_2 = 0.69314718055994531f;

  final FloatMixtureConstants constants;
  final int dimension;
  final int components;

  FloatMixtureKernel(FloatMixtureConstants constants) {
    this.constants = constants;
    this.dimension = constants.dimension;
    this.components = constants.components;
  }

  /** The kernel for the kind of covariance of a mixture. */
  static FloatMixtureKernel of(MixtureTime time) {
    FloatMixtureConstants constants = new FloatMixtureConstants(time);
    return switch (time.mixture().covariance()) {
      case IsotropicCovariance isotropic ->
          isotropic.shared() && constants.dimension <= FloatLowDimensionKernel.MAX_DIMENSION
              ? new FloatLowDimensionKernel(constants)
              : new FloatIsotropicKernel(constants);
      case DiagonalCovariance diagonal -> new FloatDiagonalKernel(constants);
      case FullCovariance full -> new FloatFullKernel(constants);
    };
  }

  /**
   * Writes u_k for every padded component into {@code tile.weights}, {@code [K][GROUP]}.
   *
   * @param x the offset of the group in {@code tile.x}
   */
  abstract void exponents(FloatTile tile, int x);

  /** Writes {@code sum_k weight_k g_k}, not normalised, at {@code score[at..]}. */
  abstract void scores(FloatTile tile, int x, float[] score, int at);

  /** Writes {@code sum_k weight_k E[x0 | x, k]}, not normalised, at {@code mean[at..]}. */
  abstract void means(FloatTile tile, int x, float[] mean, int at);

  /** Writes g_k into {@code tile.gradient}, {@code [d][GROUP]}. */
  abstract void componentScore(FloatTile tile, int x, int k);

  /**
   * Adds {@code -weight_k P_k v} to {@code jvp[at..]}; v is at offset x of {@code tile.direction}.
   */
  abstract void subtractPrecision(FloatTile tile, int x, int k, float[] jvp, int at);

  /** Evaluates the first groups of {@code tile.x} into the fields of the tile. */
  void evaluate(FloatTile tile, int groups) {
    for (int g = 0; g < groups; g++) {
      int x = g * dimension * GROUP;
      evaluateGroup(tile, x, tile.fields, x, g * GROUP);
    }
  }

  /**
   * Evaluates one group.
   *
   * @param x the offset of the group in {@code tile.x} and {@code tile.direction}
   * @param at the offset of the group in the vectors of {@code fields}
   * @param scalar its offset in the scalars
   */
  final void evaluateGroup(FloatTile tile, int x, FloatFields fields, int at, int scalar) {
    exponents(tile, x);
    boolean far = false;
    for (int half = 0; half < GROUP; half += LENGTH) {
      far |= weigh(tile, half, fields.logDensity, scalar + half);
    }
    boolean derivative = fields.wantsDerivative();
    if (fields.score != null) {
      scores(tile, x, fields.score, at);
      normalise(tile, fields.score, at);
    }
    if (fields.mean != null) {
      means(tile, x, fields.mean, at);
      normalise(tile, fields.mean, at);
    }
    if (derivative) {
      differentiate(tile, x, fields, at, scalar);
    }
    if (far) {
      redoFarRows(tile, x, fields, at, scalar);
    }
  }

  /**
   * Turns exponents into weights 2^z, at most 1, for one vector of points, and writes 1/sum of them
   * and the log-density. Returns whether some point is to be redone.
   */
  private boolean weigh(FloatTile tile, int half, float[] logDensity, int scalar) {
    float[] weights = tile.weights;
    float[] logit = constants.logit;
    float[] logitLow = constants.logitLow;
    FloatVector nearest = FloatVector.fromArray(SPECIES, weights, half);
    for (int k = 1; k < components; k++) {
      FloatVector u = FloatVector.fromArray(SPECIES, weights, k * GROUP + half);
      nearest = nearest.blend(u, u.lt(nearest));
    }
    FloatVector largest = FloatVector.broadcast(SPECIES, Float.NEGATIVE_INFINITY);
    for (int k = 0; k < components; k++) {
      FloatVector excess = FloatVector.fromArray(SPECIES, weights, k * GROUP + half).sub(nearest);
      FloatVector z = FloatVector.broadcast(SPECIES, logit[k]).sub(excess);
      z.intoArray(weights, k * GROUP + half);
      largest = largest.blend(z, largest.lt(z));
    }
    FloatVector total = FloatVector.zero(SPECIES);
    for (int k = 0; k < components; k++) {
      FloatVector z = FloatVector.fromArray(SPECIES, weights, k * GROUP + half);
      FloatVector weight = FloatExp.exp2(z.sub(largest).add(logitLow[k]));
      weight.intoArray(weights, k * GROUP + half);
      total = total.add(weight);
    }
    for (int k = components; k < constants.paddedComponents; k++) {
      FloatVector.zero(SPECIES).intoArray(weights, k * GROUP + half);
    }
    FloatVector.broadcast(SPECIES, 1f).div(total).intoArray(tile.inverseTotal, half);
    if (logDensity != null) {
      FloatVector log = FloatExp.log2(total).add(largest.sub(nearest));
      log.fma(
              FloatVector.broadcast(SPECIES, LN_2),
              FloatVector.broadcast(SPECIES, (float) constants.logScale))
          .intoArray(logDensity, scalar);
    }
    VectorMask<Float> near = nearest.compare(VectorOperators.LE, FAR);
    near.intoArray(tile.near, half);
    return !near.allTrue();
  }

  private void normalise(FloatTile tile, float[] sums, int at) {
    for (int half = 0; half < GROUP; half += LENGTH) {
      FloatVector inverse = FloatVector.fromArray(SPECIES, tile.inverseTotal, half);
      for (int o = at + half; o < at + dimension * GROUP; o += GROUP) {
        FloatVector.fromArray(SPECIES, sums, o).mul(inverse).intoArray(sums, o);
      }
    }
  }

  /** The trace of the Hessian, and the Hessian times the direction, from centred scores. */
  private void differentiate(FloatTile tile, int x, FloatFields fields, int at, int scalar) {
    float[] jvp = fields.jvp;
    for (int o = at; jvp != null && o < at + dimension * GROUP; o += LENGTH) {
      FloatVector.zero(SPECIES).intoArray(jvp, o);
    }
    FloatVector.zero(SPECIES).intoArray(tile.trace, 0);
    FloatVector.zero(SPECIES).intoArray(tile.trace, LENGTH);
    for (int k = 0; k < components; k++) {
      if (negligible(tile, k)) {
        continue;
      }
      componentScore(tile, x, k);
      for (int half = 0; half < GROUP; half += LENGTH) {
        addOuterProduct(tile, x + half, half, k, fields.score, at + half, jvp);
      }
      if (jvp != null) {
        subtractPrecision(tile, x, k, jvp, at);
      }
    }
    if (jvp != null) {
      normalise(tile, jvp, at);
    }
    if (fields.divergence != null) {
      for (int half = 0; half < GROUP; half += LENGTH) {
        FloatVector.fromArray(SPECIES, tile.trace, half)
            .mul(FloatVector.fromArray(SPECIES, tile.inverseTotal, half))
            .intoArray(fields.divergence, scalar + half);
      }
    }
  }

  /** Adds {@code weight (|c|^2 - tr P)} and {@code weight (c.v) c}, c = g - s, for one vector. */
  private void addOuterProduct(
      FloatTile tile, int x, int half, int k, float[] score, int at, float[] jvp) {
    float[] gradient = tile.gradient;
    FloatVector weight = FloatVector.fromArray(SPECIES, tile.weights, k * GROUP + half);
    FloatVector square = FloatVector.broadcast(SPECIES, -constants.precisionTrace[k]);
    FloatVector along = FloatVector.zero(SPECIES);
    for (int i = 0; i < dimension * GROUP; i += GROUP) {
      FloatVector c =
          FloatVector.fromArray(SPECIES, gradient, i + half)
              .sub(FloatVector.fromArray(SPECIES, score, at + i));
      square = c.fma(c, square);
      if (jvp != null) {
        c.intoArray(gradient, i + half);
        along = c.fma(FloatVector.fromArray(SPECIES, tile.direction, x + i), along);
      }
    }
    weight
        .fma(square, FloatVector.fromArray(SPECIES, tile.trace, half))
        .intoArray(tile.trace, half);
    if (jvp != null) {
      FloatVector factor = weight.mul(along);
      for (int i = 0; i < dimension * GROUP; i += GROUP) {
        FloatVector c = FloatVector.fromArray(SPECIES, gradient, i + half);
        factor.fma(c, FloatVector.fromArray(SPECIES, jvp, at + i)).intoArray(jvp, at + i);
      }
    }
  }

  /**
   * Whether component k has weight zero at every point of the group; skipping it changes no bit.
   */
  static boolean negligible(FloatTile tile, int k) {
    return FloatVector.fromArray(SPECIES, tile.weights, k * GROUP)
        .add(FloatVector.fromArray(SPECIES, tile.weights, k * GROUP + LENGTH))
        .compare(VectorOperators.EQ, 0f)
        .allTrue();
  }

  /** Redoes the points of a group that are not near any component, in float64. */
  private void redoFarRows(FloatTile tile, int x, FloatFields fields, int at, int scalar) {
    RowKernel row = tile.row;
    row.reserve(constants.time.mixture());
    for (int lane = 0; lane < GROUP; lane++) {
      if (tile.near[lane]) {
        continue;
      }
      for (int i = 0; i < dimension; i++) {
        row.x[i] = tile.x[x + i * GROUP + lane];
        row.direction[i] = fields.jvp == null ? 0 : tile.direction[x + i * GROUP + lane];
      }
      row.evaluate(constants.time, fields.wantsDerivative());
      put(fields.logDensity, scalar + lane, row.logDensity);
      put(fields.divergence, scalar + lane, row.divergence);
      put(fields.score, at + lane, row.score);
      put(fields.mean, at + lane, row.mean);
      put(fields.jvp, at + lane, row.jvp);
      for (int k = 0; k < components; k++) {
        tile.weights[k * GROUP + lane] = (float) row.responsibilities[constants.index[k]];
      }
      tile.inverseTotal[lane] = 1f;
    }
  }

  private static void put(float[] target, int at, double value) {
    if (target != null) {
      target[at] = (float) value;
    }
  }

  private static void put(float[] target, int at, double[] values) {
    for (int i = 0; target != null && i < values.length; i++) {
      target[at + i * GROUP] = (float) values[i];
    }
  }
}
