package org.fewstep.backend.vector;

import java.util.Arrays;
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
 * whose every exponent exceeds {@link #far}, where the rounding of u shows in the weights or u
 * overflows, and points that are not finite, are redone one by one in float64.
 *
 * <p>One kernel serves one mixture at one time and is immutable.
 */
abstract class FloatMixtureKernel {

  static final VectorSpecies<Float> SPECIES = FloatLanes.SPECIES;
  static final int LENGTH = FloatLanes.LENGTH;
  static final int GROUP = FloatLanes.GROUP;
  static final int BLOCK = FloatMixtureConstants.BLOCK;

  /** From here on 2^-24 u, the rounding of an exponent, is no longer small against 1e-4. */
  private static final float FAR = 0x1p10f; // float32-only

  // float64: private static final double FAR = 0x1p900;

  /** Weights of less than 2^-26 of the sum, which underflow here, are below its rounding. */
  static final float LEAST_TOTAL = 0x1p-100f; // float32-only

  // float64: static final double LEAST_TOTAL = 0x1p-960;

  /** Beyond this, u of a point that the mixture itself draws, some 0.72 d, is too large. */
  private static final int LARGEST_ONE_STAGE_DIMENSION = 96; // float32-only

  // float64: private static final int LARGEST_ONE_STAGE_DIMENSION = 1024;

  private static final float LN_2 = 0.69314718055994531f;

  /** The exponent from which on a point is redone; a point of the mixture has some 0.72 d. */
  private final float far;

  final FloatMixtureConstants constants;
  final int dimension;
  final int components;

  FloatMixtureKernel(FloatMixtureConstants constants) {
    this.constants = constants;
    this.dimension = constants.dimension;
    this.components = constants.components;
    this.far = far(dimension);
  }

  /** The exponent from which on a point of that many coordinates is redone. */
  static float far(int dimension) {
    return Math.max(FAR, 2 * dimension);
  }

  /** The kernel for the kind of covariance of a mixture. */
  static FloatMixtureKernel of(MixtureTime time) {
    return of(new FloatMixtureConstants(time, false));
  }

  /** A kernel whose divergence is that of the posterior mean. */
  static FloatMixtureKernel withDivergenceOfMean(MixtureTime time) {
    return of(new FloatMixtureConstants(time, true));
  }

  private static FloatMixtureKernel of(FloatMixtureConstants constants) {
    return switch (constants.time.mixture().covariance()) {
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
    boolean far = weigh(tile, x, fields.logDensity, scalar);
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
   * Writes the weights of every component for one group, the reciprocal of their sums, and the
   * log-density. Returns whether some point is to be redone.
   */
  private boolean weigh(FloatTile tile, int x, float[] logDensity, int scalar) {
    exponents(tile, x);
    boolean trusted = dimension <= LARGEST_ONE_STAGE_DIMENSION;
    if (trusted) {
      sumPowers(tile);
      trusted = trusted(tile, 0) && trusted(tile, LENGTH);
      if (!trusted) {
        exponents(tile, x);
      }
    } else {
      Arrays.fill(tile.groupTotal, 0f);
    }
    boolean far = false;
    if (!trusted) {
      for (int half = 0; half < GROUP; half += LENGTH) {
        far |= weighInTwoStages(tile, half);
      }
    }
    for (int half = 0; half < GROUP; half += LENGTH) {
      FloatVector total = FloatVector.fromArray(SPECIES, tile.groupTotal, half);
      FloatVector.broadcast(SPECIES, 1f).div(total).intoArray(tile.inverseTotal, half);
      if (logDensity != null) {
        float scale = (float) constants.logScale;
        storeLogDensity(tile.groupTotal, half, scale, logDensity, scalar + half);
        if (!trusted) {
          addReference(tile, half, logDensity, scalar + half);
        }
      }
    }
    return far;
  }

  /**
   * Writes {@code ln total + scale} for one vector of points. A method of its own: in a longer one
   * the JIT has no nodes left to inline the logarithm, and its vectors would go to the heap.
   */
  static void storeLogDensity(float[] totals, int from, float scale, float[] logDensity, int at) {
    FloatExp.log2(FloatVector.fromArray(SPECIES, totals, from))
        .fma(FloatVector.broadcast(SPECIES, LN_2), FloatVector.broadcast(SPECIES, scale))
        .intoArray(logDensity, at);
  }

  /** Adds the exponents that two stages took as reference; they are zero where one was enough. */
  private static void addReference(FloatTile tile, int half, float[] logDensity, int at) {
    FloatVector.fromArray(SPECIES, tile.reference, half)
        .fma(FloatVector.broadcast(SPECIES, LN_2), FloatVector.fromArray(SPECIES, logDensity, at))
        .intoArray(logDensity, at);
  }

  private static boolean trusted(FloatTile tile, int half) {
    return FloatVector.fromArray(SPECIES, tile.groupTotal, half)
        .compare(VectorOperators.GE, LEAST_TOTAL)
        .allTrue();
  }

  /**
   * The common case, in one stage: weights 2^(c_k - u_k) in place of the exponents, and their sums.
   * The powers are at most 1, so no maximum is needed; their sum tells whether they are too small.
   *
   * <p>No more than two exponentials a round: the JIT inlines three at most in one method before it
   * has seen too many nodes, and the vectors of a fourth would go to the heap.
   */
  private void sumPowers(FloatTile tile) {
    float[] weights = tile.weights;
    float[] logit = constants.logit;
    FloatVector totalA = FloatVector.zero(SPECIES);
    FloatVector totalB = FloatVector.zero(SPECIES);
    // The padded one too: its weight is zero.
    for (int k = 0; k < constants.paddedComponents; k++) {
      int at = k * GROUP;
      FloatVector c = FloatVector.broadcast(SPECIES, logit[k]);
      FloatVector a = FloatVector.fromArray(SPECIES, weights, at);
      FloatVector b = FloatVector.fromArray(SPECIES, weights, at + LENGTH);
      FloatVector weightA = FloatExp.exp2(c.sub(a));
      FloatVector weightB = FloatExp.exp2(c.sub(b));
      totalA = totalA.add(weightA);
      totalB = totalB.add(weightB);
      weightA.intoArray(weights, at);
      weightB.intoArray(weights, at + LENGTH);
    }
    totalA.intoArray(tile.groupTotal, 0);
    totalB.intoArray(tile.groupTotal, LENGTH);
  }

  /**
   * Turns exponents into weights relative to the heaviest component, for one vector of points;
   * lanes whose sum was large enough keep the weights of one stage. Returns whether some point is
   * to be redone.
   */
  private boolean weighInTwoStages(FloatTile tile, int half) {
    float[] weights = tile.weights;
    float[] logit = constants.logit;
    FloatVector oneStage = FloatVector.fromArray(SPECIES, tile.groupTotal, half);
    VectorMask<Float> trusted = oneStage.compare(VectorOperators.GE, LEAST_TOTAL);
    FloatVector nearest = FloatVector.fromArray(SPECIES, weights, half);
    for (int k = 1; k < components; k++) {
      FloatVector u = FloatVector.fromArray(SPECIES, weights, k * GROUP + half);
      nearest = nearest.blend(u, u.lt(nearest));
    }
    FloatVector largest = FloatVector.broadcast(SPECIES, Float.NEGATIVE_INFINITY);
    for (int k = 0; k < components; k++) {
      FloatVector excess = FloatVector.fromArray(SPECIES, weights, k * GROUP + half).sub(nearest);
      FloatVector z = FloatVector.broadcast(SPECIES, logit[k]).sub(excess);
      largest = largest.blend(z, largest.lt(z));
    }
    FloatVector total = FloatVector.zero(SPECIES);
    for (int k = 0; k < constants.paddedComponents; k++) {
      FloatVector u = FloatVector.fromArray(SPECIES, weights, k * GROUP + half);
      FloatVector c = FloatVector.broadcast(SPECIES, logit[k]);
      FloatVector z = c.sub(u.sub(nearest)).sub(largest).add(constants.logitLow[k]);
      FloatVector weight = FloatExp.exp2(z.blend(c.sub(u), trusted));
      weight.intoArray(weights, k * GROUP + half);
      total = total.add(weight);
    }
    total.intoArray(tile.groupTotal, half);
    largest.sub(nearest).blend(0f, trusted).intoArray(tile.reference, half);
    VectorMask<Float> near = nearest.compare(VectorOperators.LE, far).or(trusted);
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

  /** The divergence, and the Hessian times the direction, from centred scores. */
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

  /** Adds the terms of the divergence and {@code weight (c.v) c}, c = g - s, for one vector. */
  private void addOuterProduct(
      FloatTile tile, int x, int half, int k, float[] score, int at, float[] jvp) {
    float[] gradient = tile.gradient;
    FloatVector weight = FloatVector.fromArray(SPECIES, tile.weights, k * GROUP + half);
    FloatVector square = FloatVector.zero(SPECIES);
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
    square
        .fma(
            FloatVector.broadcast(SPECIES, constants.squareFactor),
            FloatVector.broadcast(SPECIES, constants.traceTerm[k]))
        .fma(weight, FloatVector.fromArray(SPECIES, tile.trace, half))
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
      put(fields.divergence, scalar + lane, divergence(row));
      put(fields.score, at + lane, row.score);
      put(fields.mean, at + lane, row.mean);
      put(fields.jvp, at + lane, row.jvp);
      for (int k = 0; k < components; k++) {
        tile.weights[k * GROUP + lane] = (float) row.responsibilities[constants.index[k]];
      }
      tile.inverseTotal[lane] = 1f;
    }
  }

  /** The divergence wanted: of the score, or of the posterior mean (x + variance s)/alpha. */
  private double divergence(RowKernel row) {
    return constants.ofMean ? row.meanDivergence : row.divergence;
  }

  static void put(float[] target, int at, double value) {
    if (target != null) {
      target[at] = (float) value;
    }
  }

  static void put(float[] target, int at, double[] values) {
    for (int i = 0; target != null && i < values.length; i++) {
      target[at + i * GROUP] = (float) values[i];
    }
  }
}
