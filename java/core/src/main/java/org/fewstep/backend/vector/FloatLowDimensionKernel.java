package org.fewstep.backend.vector;

import jdk.incubator.vector.FloatVector;
import jdk.incubator.vector.VectorMask;
import jdk.incubator.vector.VectorOperators;

/**
 * One isotropic covariance shared by all components, in one to three dimensions: everything of a
 * component stays in registers, in one pass; a second one for the divergence.
 *
 * <p>The pass needs no running maximum: the logits {@code c_k - u_k} are at most 0. Their sum of
 * powers Z is trusted down to {@link #LEAST_TOTAL}; below that, lane by lane, the results of {@link
 * FloatIsotropicKernel} are taken instead.
 *
 * <p>Constants of a component follow one another: c, then for each coordinate the mean's high and
 * low part and the mean at t = 0.
 */
final class FloatLowDimensionKernel extends FloatIsotropicKernel {

  static final int MAX_DIMENSION = 3;

  private final float[] packed;
  private final float exponentScale;
  private final float precision;
  private final float gain;
  private final float logScale;

  FloatLowDimensionKernel(FloatMixtureConstants constants) {
    super(constants);
    int stride = 1 + 3 * dimension;
    packed = new float[components * stride];
    for (int k = 0; k < components; k++) {
      packed[k * stride] = constants.logit[k];
      for (int i = 0; i < dimension; i++) {
        int to = k * stride + 1 + 3 * i;
        int from = constants.blocked(k, i);
        packed[to] = constants.mean[from];
        packed[to + 1] = constants.meanLow[from];
        packed[to + 2] = constants.start[from];
      }
    }
    precision = constants.precision[0];
    gain = constants.gain[0];
    exponentScale = (float) (-FloatMixtureConstants.HALF_LOG2_E / constants.time.eigenvalue(0, 0));
    logScale = (float) constants.logScale;
  }

  @Override
  void evaluate(FloatTile tile, int groups) {
    boolean mean = tile.fields.mean != null;
    switch (dimension) {
      case 1 -> sums1(tile, groups, mean);
      case 2 -> sums2(tile, groups, mean);
      default -> sums3(tile, groups, mean);
    }
    boolean trusted = true;
    for (int g = 0; g < groups; g++) {
      int x = g * dimension * GROUP;
      trusted &= finish(tile, x, g * GROUP);
      trusted &= finish(tile, x + LENGTH, g * GROUP + LENGTH);
    }
    if (tile.fields.divergence != null) {
      divergences(tile, groups);
    }
    if (tile.fields.jvp != null) {
      products(tile, groups);
    }
    for (int g = 0; g < groups && (!trusted || tile.wantsWeights); g++) {
      replaceDistrusted(tile, g * dimension * GROUP, g * GROUP);
    }
  }

  /** Divergences from p^2 sum r |e - mean e|^2, in a second pass with the mean deviation known. */
  private void divergences(FloatTile tile, int groups) {
    switch (dimension) {
      case 1 -> spread1(tile, groups);
      case 2 -> spread2(tile, groups);
      default -> spread3(tile, groups);
    }
    float[] divergence = tile.fields.divergence;
    FloatVector factor =
        FloatVector.broadcast(SPECIES, constants.squareFactor * precision).mul(precision);
    FloatVector trace = FloatVector.broadcast(SPECIES, constants.traceTerm[0]);
    for (int i = 0; i < groups * GROUP; i += LENGTH) {
      FloatVector.fromArray(SPECIES, divergence, i)
          .div(FloatVector.fromArray(SPECIES, tile.total, i))
          .fma(factor, trace)
          .intoArray(divergence, i);
    }
  }

  /**
   * Hessian times direction, p^2 sum r (e - mean e) ((e - mean e).v) - p v, in a pass of its own.
   */
  private void products(FloatTile tile, int groups) {
    switch (dimension) {
      case 1 -> products1(tile, groups);
      case 2 -> products2(tile, groups);
      default -> products3(tile, groups);
    }
    float[] jvp = tile.fields.jvp;
    FloatVector factor = FloatVector.broadcast(SPECIES, precision).mul(precision);
    for (int v = 0; v < 2 * groups; v++) {
      FloatVector scale = factor.div(FloatVector.fromArray(SPECIES, tile.total, v * LENGTH));
      int at = (v >> 1) * dimension * GROUP + (v & 1) * LENGTH;
      for (int i = at; i < at + dimension * GROUP; i += GROUP) {
        FloatVector linear = FloatVector.fromArray(SPECIES, tile.direction, i).mul(-precision);
        FloatVector.fromArray(SPECIES, jvp, i).fma(scale, linear).intoArray(jvp, i);
      }
    }
  }

  private void sums1(FloatTile tile, int groups, boolean mean) {
    if (mean) {
      meanSums1(tile, groups);
    } else {
      scoreSums1(tile, groups);
    }
  }

  private void sums2(FloatTile tile, int groups, boolean mean) {
    if (mean) {
      meanSums2(tile, groups);
    } else {
      scoreSums2(tile, groups);
    }
  }

  private void sums3(FloatTile tile, int groups, boolean mean) {
    if (mean) {
      meanSums3(tile, groups);
    } else {
      scoreSums3(tile, groups);
    }
  }

  /** Evaluates a group in two stages, and takes the lanes whose sum is not to be trusted. */
  private void replaceDistrusted(FloatTile tile, int at, int scalar) {
    FloatFields fields = tile.fields;
    FloatFields other = tile.alternative;
    VectorMask<Float> low = distrusted(tile, scalar);
    VectorMask<Float> high = distrusted(tile, scalar + LENGTH);
    // This leaves the weights of every component, too.
    if (!tile.wantsWeights && !low.or(high).anyTrue()) {
      return;
    }
    evaluateGroup(tile, at, other, 0, 0);
    for (int half = 0; half < GROUP; half += LENGTH) {
      VectorMask<Float> lanes = half == 0 ? low : high;
      for (int i = half; i < dimension * GROUP; i += GROUP) {
        blend(fields.score, at + i, other.score, i, lanes);
        blend(fields.mean, at + i, other.mean, i, lanes);
        blend(fields.jvp, at + i, other.jvp, i, lanes);
      }
      blend(fields.logDensity, scalar + half, other.logDensity, half, lanes);
      blend(fields.divergence, scalar + half, other.divergence, half, lanes);
    }
  }

  private static VectorMask<Float> distrusted(FloatTile tile, int at) {
    return FloatVector.fromArray(SPECIES, tile.total, at)
        .compare(VectorOperators.GE, LEAST_TOTAL)
        .not();
  }

  private static void blend(
      float[] into, int at, float[] from, int index, VectorMask<Float> lanes) {
    if (into != null) {
      FloatVector.fromArray(SPECIES, from, index).intoArray(into, at, lanes);
    }
  }

  /** From the sums of one vector of points to what is wanted; whether all are to be trusted. */
  private boolean finish(FloatTile tile, int at, int scalar) {
    FloatFields fields = tile.fields;
    FloatVector total = FloatVector.fromArray(SPECIES, tile.total, scalar);
    FloatVector inverse = FloatVector.broadcast(SPECIES, 1f).div(total);
    FloatVector negative = FloatVector.broadcast(SPECIES, -precision);
    FloatVector check = FloatVector.zero(SPECIES);
    for (int i = at; i < at + dimension * GROUP; i += GROUP) {
      FloatVector x = FloatVector.fromArray(SPECIES, tile.x, i);
      check = x.sub(x).add(check); // NaN where x is not finite
      FloatVector deviation = FloatVector.fromArray(SPECIES, tile.sums, i).mul(inverse);
      deviation.intoArray(tile.sums, i);
      if (fields.score != null) {
        // Added to zero, lest a score of zero be negative.
        deviation.fma(negative, FloatVector.zero(SPECIES)).intoArray(fields.score, i);
      }
      if (fields.mean != null) {
        FloatVector start = FloatVector.fromArray(SPECIES, fields.mean, i).mul(inverse);
        deviation.fma(FloatVector.broadcast(SPECIES, gain), start).intoArray(fields.mean, i);
      }
    }
    if (fields.logDensity != null) {
      storeLogDensity(tile.total, scalar, logScale, fields.logDensity, scalar);
    }
    FloatVector checked = total.add(check);
    checked.intoArray(tile.total, scalar);
    return checked.compare(VectorOperators.GE, LEAST_TOTAL).allTrue();
  }

  /** Z and the sum of weighted deviations in one dimension. */
  private void scoreSums1(FloatTile tile, int groups) {
    float[] packed = this.packed;
    FloatVector scale = FloatVector.broadcast(SPECIES, exponentScale);
    for (int g = 0; g < groups; g++) {
      int x = g * GROUP;
      FloatVector x0a = FloatVector.fromArray(SPECIES, tile.x, x);
      FloatVector x0b = FloatVector.fromArray(SPECIES, tile.x, x + LENGTH);
      FloatVector za = FloatVector.zero(SPECIES);
      FloatVector s0a = za;
      FloatVector zb = FloatVector.zero(SPECIES);
      FloatVector s0b = zb;
      for (int k = 0; k < packed.length; k += 4) {
        FloatVector c = FloatVector.broadcast(SPECIES, packed[k]);
        FloatVector mean0 = FloatVector.broadcast(SPECIES, packed[k + 1]);
        FloatVector low0 = FloatVector.broadcast(SPECIES, packed[k + 2]);
        FloatVector e0a = x0a.sub(mean0).sub(low0);
        FloatVector qa = e0a.mul(e0a);
        FloatVector e0b = x0b.sub(mean0).sub(low0);
        FloatVector qb = e0b.mul(e0b);
        FloatVector weightA = FloatExp.exp2(qa.fma(scale, c));
        FloatVector weightB = FloatExp.exp2(qb.fma(scale, c));
        za = za.add(weightA);
        s0a = weightA.fma(e0a, s0a);
        zb = zb.add(weightB);
        s0b = weightB.fma(e0b, s0b);
      }
      za.intoArray(tile.total, g * GROUP);
      s0a.intoArray(tile.sums, x);
      zb.intoArray(tile.total, g * GROUP + LENGTH);
      s0b.intoArray(tile.sums, x + LENGTH);
    }
  }

  /** Z, sum of weighted deviations, sum of weighted means at t = 0, in one dimension. */
  private void meanSums1(FloatTile tile, int groups) {
    float[] packed = this.packed;
    FloatVector scale = FloatVector.broadcast(SPECIES, exponentScale);
    for (int g = 0; g < groups; g++) {
      int x = g * GROUP;
      FloatVector x0a = FloatVector.fromArray(SPECIES, tile.x, x);
      FloatVector x0b = FloatVector.fromArray(SPECIES, tile.x, x + LENGTH);
      FloatVector za = FloatVector.zero(SPECIES);
      FloatVector s0a = za;
      FloatVector m0a = za;
      FloatVector zb = FloatVector.zero(SPECIES);
      FloatVector s0b = zb;
      FloatVector m0b = zb;
      for (int k = 0; k < packed.length; k += 4) {
        FloatVector c = FloatVector.broadcast(SPECIES, packed[k]);
        FloatVector mean0 = FloatVector.broadcast(SPECIES, packed[k + 1]);
        FloatVector low0 = FloatVector.broadcast(SPECIES, packed[k + 2]);
        FloatVector start0 = FloatVector.broadcast(SPECIES, packed[k + 3]);
        FloatVector e0a = x0a.sub(mean0).sub(low0);
        FloatVector qa = e0a.mul(e0a);
        FloatVector e0b = x0b.sub(mean0).sub(low0);
        FloatVector qb = e0b.mul(e0b);
        FloatVector weightA = FloatExp.exp2(qa.fma(scale, c));
        FloatVector weightB = FloatExp.exp2(qb.fma(scale, c));
        za = za.add(weightA);
        s0a = weightA.fma(e0a, s0a);
        m0a = weightA.fma(start0, m0a);
        zb = zb.add(weightB);
        s0b = weightB.fma(e0b, s0b);
        m0b = weightB.fma(start0, m0b);
      }
      za.intoArray(tile.total, g * GROUP);
      s0a.intoArray(tile.sums, x);
      m0a.intoArray(tile.fields.mean, x);
      zb.intoArray(tile.total, g * GROUP + LENGTH);
      s0b.intoArray(tile.sums, x + LENGTH);
      m0b.intoArray(tile.fields.mean, x + LENGTH);
    }
  }

  /** Z and the sum of weighted deviations in two dimensions. */
  private void scoreSums2(FloatTile tile, int groups) {
    float[] packed = this.packed;
    FloatVector scale = FloatVector.broadcast(SPECIES, exponentScale);
    for (int g = 0; g < groups; g++) {
      int x = g * 2 * GROUP;
      FloatVector x0a = FloatVector.fromArray(SPECIES, tile.x, x);
      FloatVector x1a = FloatVector.fromArray(SPECIES, tile.x, x + GROUP);
      FloatVector x0b = FloatVector.fromArray(SPECIES, tile.x, x + LENGTH);
      FloatVector x1b = FloatVector.fromArray(SPECIES, tile.x, x + GROUP + LENGTH);
      FloatVector za = FloatVector.zero(SPECIES);
      FloatVector s0a = za;
      FloatVector s1a = za;
      FloatVector zb = FloatVector.zero(SPECIES);
      FloatVector s0b = zb;
      FloatVector s1b = zb;
      for (int k = 0; k < packed.length; k += 7) {
        FloatVector c = FloatVector.broadcast(SPECIES, packed[k]);
        FloatVector mean0 = FloatVector.broadcast(SPECIES, packed[k + 1]);
        FloatVector low0 = FloatVector.broadcast(SPECIES, packed[k + 2]);
        FloatVector mean1 = FloatVector.broadcast(SPECIES, packed[k + 4]);
        FloatVector low1 = FloatVector.broadcast(SPECIES, packed[k + 5]);
        FloatVector e0a = x0a.sub(mean0).sub(low0);
        FloatVector e1a = x1a.sub(mean1).sub(low1);
        FloatVector qa = e0a.fma(e0a, e1a.mul(e1a));
        FloatVector e0b = x0b.sub(mean0).sub(low0);
        FloatVector e1b = x1b.sub(mean1).sub(low1);
        FloatVector qb = e0b.fma(e0b, e1b.mul(e1b));
        FloatVector weightA = FloatExp.exp2(qa.fma(scale, c));
        FloatVector weightB = FloatExp.exp2(qb.fma(scale, c));
        za = za.add(weightA);
        s0a = weightA.fma(e0a, s0a);
        s1a = weightA.fma(e1a, s1a);
        zb = zb.add(weightB);
        s0b = weightB.fma(e0b, s0b);
        s1b = weightB.fma(e1b, s1b);
      }
      za.intoArray(tile.total, g * GROUP);
      s0a.intoArray(tile.sums, x);
      s1a.intoArray(tile.sums, x + GROUP);
      zb.intoArray(tile.total, g * GROUP + LENGTH);
      s0b.intoArray(tile.sums, x + LENGTH);
      s1b.intoArray(tile.sums, x + GROUP + LENGTH);
    }
  }

  /** Z, sum of weighted deviations, sum of weighted means at t = 0, in two dimensions. */
  private void meanSums2(FloatTile tile, int groups) {
    float[] packed = this.packed;
    FloatVector scale = FloatVector.broadcast(SPECIES, exponentScale);
    for (int g = 0; g < groups; g++) {
      int x = g * 2 * GROUP;
      FloatVector x0a = FloatVector.fromArray(SPECIES, tile.x, x);
      FloatVector x1a = FloatVector.fromArray(SPECIES, tile.x, x + GROUP);
      FloatVector x0b = FloatVector.fromArray(SPECIES, tile.x, x + LENGTH);
      FloatVector x1b = FloatVector.fromArray(SPECIES, tile.x, x + GROUP + LENGTH);
      FloatVector za = FloatVector.zero(SPECIES);
      FloatVector s0a = za;
      FloatVector s1a = za;
      FloatVector m0a = za;
      FloatVector m1a = za;
      FloatVector zb = FloatVector.zero(SPECIES);
      FloatVector s0b = zb;
      FloatVector s1b = zb;
      FloatVector m0b = zb;
      FloatVector m1b = zb;
      for (int k = 0; k < packed.length; k += 7) {
        FloatVector c = FloatVector.broadcast(SPECIES, packed[k]);
        FloatVector mean0 = FloatVector.broadcast(SPECIES, packed[k + 1]);
        FloatVector low0 = FloatVector.broadcast(SPECIES, packed[k + 2]);
        FloatVector start0 = FloatVector.broadcast(SPECIES, packed[k + 3]);
        FloatVector mean1 = FloatVector.broadcast(SPECIES, packed[k + 4]);
        FloatVector low1 = FloatVector.broadcast(SPECIES, packed[k + 5]);
        FloatVector start1 = FloatVector.broadcast(SPECIES, packed[k + 6]);
        FloatVector e0a = x0a.sub(mean0).sub(low0);
        FloatVector e1a = x1a.sub(mean1).sub(low1);
        FloatVector qa = e0a.fma(e0a, e1a.mul(e1a));
        FloatVector e0b = x0b.sub(mean0).sub(low0);
        FloatVector e1b = x1b.sub(mean1).sub(low1);
        FloatVector qb = e0b.fma(e0b, e1b.mul(e1b));
        FloatVector weightA = FloatExp.exp2(qa.fma(scale, c));
        FloatVector weightB = FloatExp.exp2(qb.fma(scale, c));
        za = za.add(weightA);
        s0a = weightA.fma(e0a, s0a);
        s1a = weightA.fma(e1a, s1a);
        m0a = weightA.fma(start0, m0a);
        m1a = weightA.fma(start1, m1a);
        zb = zb.add(weightB);
        s0b = weightB.fma(e0b, s0b);
        s1b = weightB.fma(e1b, s1b);
        m0b = weightB.fma(start0, m0b);
        m1b = weightB.fma(start1, m1b);
      }
      za.intoArray(tile.total, g * GROUP);
      s0a.intoArray(tile.sums, x);
      s1a.intoArray(tile.sums, x + GROUP);
      m0a.intoArray(tile.fields.mean, x);
      m1a.intoArray(tile.fields.mean, x + GROUP);
      zb.intoArray(tile.total, g * GROUP + LENGTH);
      s0b.intoArray(tile.sums, x + LENGTH);
      s1b.intoArray(tile.sums, x + GROUP + LENGTH);
      m0b.intoArray(tile.fields.mean, x + LENGTH);
      m1b.intoArray(tile.fields.mean, x + GROUP + LENGTH);
    }
  }

  /** Z and the sum of weighted deviations in three dimensions. */
  private void scoreSums3(FloatTile tile, int groups) {
    float[] packed = this.packed;
    FloatVector scale = FloatVector.broadcast(SPECIES, exponentScale);
    for (int v = 0; v < 2 * groups; v++) {
      // Vector v of the tile: half v % 2 of group v / 2.
      int x = (v >> 1) * 3 * GROUP + (v & 1) * LENGTH;
      FloatVector x0 = FloatVector.fromArray(SPECIES, tile.x, x);
      FloatVector x1 = FloatVector.fromArray(SPECIES, tile.x, x + GROUP);
      FloatVector x2 = FloatVector.fromArray(SPECIES, tile.x, x + 2 * GROUP);
      FloatVector z = FloatVector.zero(SPECIES);
      FloatVector s0 = z;
      FloatVector s1 = z;
      FloatVector s2 = z;
      for (int k = 0; k < packed.length; k += 10) {
        FloatVector c = FloatVector.broadcast(SPECIES, packed[k]);
        FloatVector mean0 = FloatVector.broadcast(SPECIES, packed[k + 1]);
        FloatVector low0 = FloatVector.broadcast(SPECIES, packed[k + 2]);
        FloatVector mean1 = FloatVector.broadcast(SPECIES, packed[k + 4]);
        FloatVector low1 = FloatVector.broadcast(SPECIES, packed[k + 5]);
        FloatVector mean2 = FloatVector.broadcast(SPECIES, packed[k + 7]);
        FloatVector low2 = FloatVector.broadcast(SPECIES, packed[k + 8]);
        FloatVector e0 = x0.sub(mean0).sub(low0);
        FloatVector e1 = x1.sub(mean1).sub(low1);
        FloatVector e2 = x2.sub(mean2).sub(low2);
        FloatVector q = e0.fma(e0, e1.fma(e1, e2.mul(e2)));
        FloatVector weight = FloatExp.exp2(q.fma(scale, c));
        z = z.add(weight);
        s0 = weight.fma(e0, s0);
        s1 = weight.fma(e1, s1);
        s2 = weight.fma(e2, s2);
      }
      z.intoArray(tile.total, v * LENGTH);
      s0.intoArray(tile.sums, x);
      s1.intoArray(tile.sums, x + GROUP);
      s2.intoArray(tile.sums, x + 2 * GROUP);
    }
  }

  /** Z, sum of weighted deviations, sum of weighted means at t = 0, in three dimensions. */
  private void meanSums3(FloatTile tile, int groups) {
    float[] packed = this.packed;
    FloatVector scale = FloatVector.broadcast(SPECIES, exponentScale);
    for (int v = 0; v < 2 * groups; v++) {
      // Vector v of the tile: half v % 2 of group v / 2.
      int x = (v >> 1) * 3 * GROUP + (v & 1) * LENGTH;
      FloatVector x0 = FloatVector.fromArray(SPECIES, tile.x, x);
      FloatVector x1 = FloatVector.fromArray(SPECIES, tile.x, x + GROUP);
      FloatVector x2 = FloatVector.fromArray(SPECIES, tile.x, x + 2 * GROUP);
      FloatVector z = FloatVector.zero(SPECIES);
      FloatVector s0 = z;
      FloatVector s1 = z;
      FloatVector s2 = z;
      FloatVector m0 = z;
      FloatVector m1 = z;
      FloatVector m2 = z;
      for (int k = 0; k < packed.length; k += 10) {
        FloatVector c = FloatVector.broadcast(SPECIES, packed[k]);
        FloatVector mean0 = FloatVector.broadcast(SPECIES, packed[k + 1]);
        FloatVector low0 = FloatVector.broadcast(SPECIES, packed[k + 2]);
        FloatVector start0 = FloatVector.broadcast(SPECIES, packed[k + 3]);
        FloatVector mean1 = FloatVector.broadcast(SPECIES, packed[k + 4]);
        FloatVector low1 = FloatVector.broadcast(SPECIES, packed[k + 5]);
        FloatVector start1 = FloatVector.broadcast(SPECIES, packed[k + 6]);
        FloatVector mean2 = FloatVector.broadcast(SPECIES, packed[k + 7]);
        FloatVector low2 = FloatVector.broadcast(SPECIES, packed[k + 8]);
        FloatVector start2 = FloatVector.broadcast(SPECIES, packed[k + 9]);
        FloatVector e0 = x0.sub(mean0).sub(low0);
        FloatVector e1 = x1.sub(mean1).sub(low1);
        FloatVector e2 = x2.sub(mean2).sub(low2);
        FloatVector q = e0.fma(e0, e1.fma(e1, e2.mul(e2)));
        FloatVector weight = FloatExp.exp2(q.fma(scale, c));
        z = z.add(weight);
        s0 = weight.fma(e0, s0);
        s1 = weight.fma(e1, s1);
        s2 = weight.fma(e2, s2);
        m0 = weight.fma(start0, m0);
        m1 = weight.fma(start1, m1);
        m2 = weight.fma(start2, m2);
      }
      z.intoArray(tile.total, v * LENGTH);
      s0.intoArray(tile.sums, x);
      s1.intoArray(tile.sums, x + GROUP);
      s2.intoArray(tile.sums, x + 2 * GROUP);
      m0.intoArray(tile.fields.mean, x);
      m1.intoArray(tile.fields.mean, x + GROUP);
      m2.intoArray(tile.fields.mean, x + 2 * GROUP);
    }
  }

  /** The weighted sum of |e - mean e|^2, in one dimension. */
  private void spread1(FloatTile tile, int groups) {
    float[] packed = this.packed;
    FloatVector scale = FloatVector.broadcast(SPECIES, exponentScale);
    for (int g = 0; g < groups; g++) {
      int x = g * GROUP;
      FloatVector x0a = FloatVector.fromArray(SPECIES, tile.x, x);
      FloatVector centre0A = FloatVector.fromArray(SPECIES, tile.sums, x);
      FloatVector x0b = FloatVector.fromArray(SPECIES, tile.x, x + LENGTH);
      FloatVector centre0B = FloatVector.fromArray(SPECIES, tile.sums, x + LENGTH);
      FloatVector sumA = FloatVector.zero(SPECIES);
      FloatVector sumB = FloatVector.zero(SPECIES);
      for (int k = 0; k < packed.length; k += 4) {
        FloatVector c = FloatVector.broadcast(SPECIES, packed[k]);
        FloatVector mean0 = FloatVector.broadcast(SPECIES, packed[k + 1]);
        FloatVector low0 = FloatVector.broadcast(SPECIES, packed[k + 2]);
        FloatVector e0a = x0a.sub(mean0).sub(low0);
        FloatVector qa = e0a.mul(e0a);
        FloatVector e0b = x0b.sub(mean0).sub(low0);
        FloatVector qb = e0b.mul(e0b);
        FloatVector weightA = FloatExp.exp2(qa.fma(scale, c));
        FloatVector weightB = FloatExp.exp2(qb.fma(scale, c));
        FloatVector c0a = e0a.sub(centre0A);
        sumA = weightA.fma(c0a.mul(c0a), sumA);
        FloatVector c0b = e0b.sub(centre0B);
        sumB = weightB.fma(c0b.mul(c0b), sumB);
      }
      sumA.intoArray(tile.fields.divergence, g * GROUP);
      sumB.intoArray(tile.fields.divergence, g * GROUP + LENGTH);
    }
  }

  /** The weighted sum of |e - mean e|^2, in two dimensions. */
  private void spread2(FloatTile tile, int groups) {
    float[] packed = this.packed;
    FloatVector scale = FloatVector.broadcast(SPECIES, exponentScale);
    for (int g = 0; g < groups; g++) {
      int x = g * 2 * GROUP;
      FloatVector x0a = FloatVector.fromArray(SPECIES, tile.x, x);
      FloatVector centre0A = FloatVector.fromArray(SPECIES, tile.sums, x);
      FloatVector x1a = FloatVector.fromArray(SPECIES, tile.x, x + GROUP);
      FloatVector centre1A = FloatVector.fromArray(SPECIES, tile.sums, x + GROUP);
      FloatVector x0b = FloatVector.fromArray(SPECIES, tile.x, x + LENGTH);
      FloatVector centre0B = FloatVector.fromArray(SPECIES, tile.sums, x + LENGTH);
      FloatVector x1b = FloatVector.fromArray(SPECIES, tile.x, x + GROUP + LENGTH);
      FloatVector centre1B = FloatVector.fromArray(SPECIES, tile.sums, x + GROUP + LENGTH);
      FloatVector sumA = FloatVector.zero(SPECIES);
      FloatVector sumB = FloatVector.zero(SPECIES);
      for (int k = 0; k < packed.length; k += 7) {
        FloatVector c = FloatVector.broadcast(SPECIES, packed[k]);
        FloatVector mean0 = FloatVector.broadcast(SPECIES, packed[k + 1]);
        FloatVector low0 = FloatVector.broadcast(SPECIES, packed[k + 2]);
        FloatVector mean1 = FloatVector.broadcast(SPECIES, packed[k + 4]);
        FloatVector low1 = FloatVector.broadcast(SPECIES, packed[k + 5]);
        FloatVector e0a = x0a.sub(mean0).sub(low0);
        FloatVector e1a = x1a.sub(mean1).sub(low1);
        FloatVector qa = e0a.fma(e0a, e1a.mul(e1a));
        FloatVector e0b = x0b.sub(mean0).sub(low0);
        FloatVector e1b = x1b.sub(mean1).sub(low1);
        FloatVector qb = e0b.fma(e0b, e1b.mul(e1b));
        FloatVector weightA = FloatExp.exp2(qa.fma(scale, c));
        FloatVector weightB = FloatExp.exp2(qb.fma(scale, c));
        FloatVector c0a = e0a.sub(centre0A);
        FloatVector c1a = e1a.sub(centre1A);
        sumA = weightA.fma(c0a.fma(c0a, c1a.mul(c1a)), sumA);
        FloatVector c0b = e0b.sub(centre0B);
        FloatVector c1b = e1b.sub(centre1B);
        sumB = weightB.fma(c0b.fma(c0b, c1b.mul(c1b)), sumB);
      }
      sumA.intoArray(tile.fields.divergence, g * GROUP);
      sumB.intoArray(tile.fields.divergence, g * GROUP + LENGTH);
    }
  }

  /** The weighted sum of |e - mean e|^2, in three dimensions. */
  private void spread3(FloatTile tile, int groups) {
    float[] packed = this.packed;
    FloatVector scale = FloatVector.broadcast(SPECIES, exponentScale);
    for (int v = 0; v < 2 * groups; v++) {
      int x = (v >> 1) * 3 * GROUP + (v & 1) * LENGTH;
      FloatVector x0 = FloatVector.fromArray(SPECIES, tile.x, x);
      FloatVector centre0 = FloatVector.fromArray(SPECIES, tile.sums, x);
      FloatVector x1 = FloatVector.fromArray(SPECIES, tile.x, x + GROUP);
      FloatVector centre1 = FloatVector.fromArray(SPECIES, tile.sums, x + GROUP);
      FloatVector x2 = FloatVector.fromArray(SPECIES, tile.x, x + 2 * GROUP);
      FloatVector centre2 = FloatVector.fromArray(SPECIES, tile.sums, x + 2 * GROUP);
      FloatVector sum = FloatVector.zero(SPECIES);
      for (int k = 0; k < packed.length; k += 10) {
        FloatVector c = FloatVector.broadcast(SPECIES, packed[k]);
        FloatVector mean0 = FloatVector.broadcast(SPECIES, packed[k + 1]);
        FloatVector low0 = FloatVector.broadcast(SPECIES, packed[k + 2]);
        FloatVector mean1 = FloatVector.broadcast(SPECIES, packed[k + 4]);
        FloatVector low1 = FloatVector.broadcast(SPECIES, packed[k + 5]);
        FloatVector mean2 = FloatVector.broadcast(SPECIES, packed[k + 7]);
        FloatVector low2 = FloatVector.broadcast(SPECIES, packed[k + 8]);
        FloatVector e0 = x0.sub(mean0).sub(low0);
        FloatVector e1 = x1.sub(mean1).sub(low1);
        FloatVector e2 = x2.sub(mean2).sub(low2);
        FloatVector q = e0.fma(e0, e1.fma(e1, e2.mul(e2)));
        FloatVector weight = FloatExp.exp2(q.fma(scale, c));
        FloatVector c0 = e0.sub(centre0);
        FloatVector c1 = e1.sub(centre1);
        FloatVector c2 = e2.sub(centre2);
        sum = weight.fma(c0.fma(c0, c1.fma(c1, c2.mul(c2))), sum);
      }
      sum.intoArray(tile.fields.divergence, v * LENGTH);
    }
  }

  /** The weighted sum of c (c.v) with c = e - mean e, in one dimension. */
  private void products1(FloatTile tile, int groups) {
    float[] packed = this.packed;
    FloatVector scale = FloatVector.broadcast(SPECIES, exponentScale);
    for (int g = 0; g < groups; g++) {
      int x = g * GROUP;
      FloatVector x0a = FloatVector.fromArray(SPECIES, tile.x, x);
      FloatVector v0a = FloatVector.fromArray(SPECIES, tile.direction, x);
      FloatVector centre0A = FloatVector.fromArray(SPECIES, tile.sums, x);
      FloatVector sum0A = FloatVector.zero(SPECIES);
      FloatVector x0b = FloatVector.fromArray(SPECIES, tile.x, x + LENGTH);
      FloatVector v0b = FloatVector.fromArray(SPECIES, tile.direction, x + LENGTH);
      FloatVector centre0B = FloatVector.fromArray(SPECIES, tile.sums, x + LENGTH);
      FloatVector sum0B = FloatVector.zero(SPECIES);
      for (int k = 0; k < packed.length; k += 4) {
        FloatVector c = FloatVector.broadcast(SPECIES, packed[k]);
        FloatVector mean0 = FloatVector.broadcast(SPECIES, packed[k + 1]);
        FloatVector low0 = FloatVector.broadcast(SPECIES, packed[k + 2]);
        FloatVector e0a = x0a.sub(mean0).sub(low0);
        FloatVector qa = e0a.mul(e0a);
        FloatVector e0b = x0b.sub(mean0).sub(low0);
        FloatVector qb = e0b.mul(e0b);
        FloatVector weightA = FloatExp.exp2(qa.fma(scale, c));
        FloatVector weightB = FloatExp.exp2(qb.fma(scale, c));
        FloatVector c0a = e0a.sub(centre0A);
        FloatVector alongA = weightA.mul(c0a.mul(v0a));
        sum0A = alongA.fma(c0a, sum0A);
        FloatVector c0b = e0b.sub(centre0B);
        FloatVector alongB = weightB.mul(c0b.mul(v0b));
        sum0B = alongB.fma(c0b, sum0B);
      }
      sum0A.intoArray(tile.fields.jvp, x);
      sum0B.intoArray(tile.fields.jvp, x + LENGTH);
    }
  }

  /** The weighted sum of c (c.v) with c = e - mean e, in two dimensions. */
  private void products2(FloatTile tile, int groups) {
    float[] packed = this.packed;
    FloatVector scale = FloatVector.broadcast(SPECIES, exponentScale);
    for (int v = 0; v < 2 * groups; v++) {
      int x = (v >> 1) * 2 * GROUP + (v & 1) * LENGTH;
      FloatVector x0 = FloatVector.fromArray(SPECIES, tile.x, x);
      FloatVector v0 = FloatVector.fromArray(SPECIES, tile.direction, x);
      FloatVector centre0 = FloatVector.fromArray(SPECIES, tile.sums, x);
      FloatVector sum0 = FloatVector.zero(SPECIES);
      FloatVector x1 = FloatVector.fromArray(SPECIES, tile.x, x + GROUP);
      FloatVector v1 = FloatVector.fromArray(SPECIES, tile.direction, x + GROUP);
      FloatVector centre1 = FloatVector.fromArray(SPECIES, tile.sums, x + GROUP);
      FloatVector sum1 = FloatVector.zero(SPECIES);
      for (int k = 0; k < packed.length; k += 7) {
        FloatVector c = FloatVector.broadcast(SPECIES, packed[k]);
        FloatVector mean0 = FloatVector.broadcast(SPECIES, packed[k + 1]);
        FloatVector low0 = FloatVector.broadcast(SPECIES, packed[k + 2]);
        FloatVector mean1 = FloatVector.broadcast(SPECIES, packed[k + 4]);
        FloatVector low1 = FloatVector.broadcast(SPECIES, packed[k + 5]);
        FloatVector e0 = x0.sub(mean0).sub(low0);
        FloatVector e1 = x1.sub(mean1).sub(low1);
        FloatVector q = e0.fma(e0, e1.mul(e1));
        FloatVector weight = FloatExp.exp2(q.fma(scale, c));
        FloatVector c0 = e0.sub(centre0);
        FloatVector c1 = e1.sub(centre1);
        FloatVector along = weight.mul(c0.fma(v0, c1.mul(v1)));
        sum0 = along.fma(c0, sum0);
        sum1 = along.fma(c1, sum1);
      }
      sum0.intoArray(tile.fields.jvp, x);
      sum1.intoArray(tile.fields.jvp, x + GROUP);
    }
  }

  /** The weighted sum of c (c.v) with c = e - mean e, in three dimensions. */
  private void products3(FloatTile tile, int groups) {
    float[] packed = this.packed;
    FloatVector scale = FloatVector.broadcast(SPECIES, exponentScale);
    for (int v = 0; v < 2 * groups; v++) {
      int x = (v >> 1) * 3 * GROUP + (v & 1) * LENGTH;
      FloatVector x0 = FloatVector.fromArray(SPECIES, tile.x, x);
      FloatVector v0 = FloatVector.fromArray(SPECIES, tile.direction, x);
      FloatVector centre0 = FloatVector.fromArray(SPECIES, tile.sums, x);
      FloatVector sum0 = FloatVector.zero(SPECIES);
      FloatVector x1 = FloatVector.fromArray(SPECIES, tile.x, x + GROUP);
      FloatVector v1 = FloatVector.fromArray(SPECIES, tile.direction, x + GROUP);
      FloatVector centre1 = FloatVector.fromArray(SPECIES, tile.sums, x + GROUP);
      FloatVector sum1 = FloatVector.zero(SPECIES);
      FloatVector x2 = FloatVector.fromArray(SPECIES, tile.x, x + 2 * GROUP);
      FloatVector v2 = FloatVector.fromArray(SPECIES, tile.direction, x + 2 * GROUP);
      FloatVector centre2 = FloatVector.fromArray(SPECIES, tile.sums, x + 2 * GROUP);
      FloatVector sum2 = FloatVector.zero(SPECIES);
      for (int k = 0; k < packed.length; k += 10) {
        FloatVector c = FloatVector.broadcast(SPECIES, packed[k]);
        FloatVector mean0 = FloatVector.broadcast(SPECIES, packed[k + 1]);
        FloatVector low0 = FloatVector.broadcast(SPECIES, packed[k + 2]);
        FloatVector mean1 = FloatVector.broadcast(SPECIES, packed[k + 4]);
        FloatVector low1 = FloatVector.broadcast(SPECIES, packed[k + 5]);
        FloatVector mean2 = FloatVector.broadcast(SPECIES, packed[k + 7]);
        FloatVector low2 = FloatVector.broadcast(SPECIES, packed[k + 8]);
        FloatVector e0 = x0.sub(mean0).sub(low0);
        FloatVector e1 = x1.sub(mean1).sub(low1);
        FloatVector e2 = x2.sub(mean2).sub(low2);
        FloatVector q = e0.fma(e0, e1.fma(e1, e2.mul(e2)));
        FloatVector weight = FloatExp.exp2(q.fma(scale, c));
        FloatVector c0 = e0.sub(centre0);
        FloatVector c1 = e1.sub(centre1);
        FloatVector c2 = e2.sub(centre2);
        FloatVector along = weight.mul(c0.fma(v0, c1.fma(v1, c2.mul(v2))));
        sum0 = along.fma(c0, sum0);
        sum1 = along.fma(c1, sum1);
        sum2 = along.fma(c2, sum2);
      }
      sum0.intoArray(tile.fields.jvp, x);
      sum1.intoArray(tile.fields.jvp, x + GROUP);
      sum2.intoArray(tile.fields.jvp, x + 2 * GROUP);
    }
  }
}
