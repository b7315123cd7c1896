package org.fewstep.backend.vector;

import jdk.incubator.vector.FloatVector;
import jdk.incubator.vector.VectorMask;
import jdk.incubator.vector.VectorOperators;

/**
 * One isotropic covariance shared by all components, in one to three dimensions: everything of a
 * component stays in registers, in one pass.
 *
 * <p>The pass needs no running maximum: the logits {@code c_k - u_k} are at most 0. Their sum of
 * powers Z is trusted down to {@link #LEAST_TOTAL}; below that c_k is about to be lost in u_k, and
 * lane by lane the two-stage results of {@link FloatIsotropicKernel} are taken instead. At the
 * threshold u is at most 20 + log2 K, where the sum c_k - u_k rounds no worse than u itself did.
 *
 * <p>Constants of a component follow one another: c, then for each coordinate the mean's high and
 * low part and the mean at t = 0.
 */
final class FloatLowDimensionKernel extends FloatIsotropicKernel {

  static final int MAX_DIMENSION = 3;

  private static final float LEAST_TOTAL = 0x1p-20f;
  private static final float LN_2 = 0.69314718055994531f;

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
    if (tile.fields.wantsDerivative() || tile.wantsWeights) {
      super.evaluate(tile, groups);
      return;
    }
    for (int g = 0; g < groups; g++) {
      int x = g * dimension * GROUP;
      boolean mean = tile.fields.mean != null;
      boolean trusted =
          switch (dimension) {
            case 1 -> mean ? means1(tile, x) : deviations1(tile, x);
            case 2 -> mean ? means2(tile, x) : deviations2(tile, x);
            default -> mean ? means3(tile, x) : deviations3(tile, x);
          };
      finish(tile, x, g * GROUP);
      if (!trusted) {
        replaceDistrusted(tile, x, g * GROUP);
      }
    }
  }

  /** From the sums of a group to its score, posterior mean and log-density. */
  private void finish(FloatTile tile, int at, int scalar) {
    FloatFields fields = tile.fields;
    for (int half = 0; half < GROUP; half += LENGTH) {
      FloatVector total = FloatVector.fromArray(SPECIES, tile.total, half);
      FloatVector inverse = FloatVector.broadcast(SPECIES, 1f).div(total);
      for (int i = half; i < dimension * GROUP; i += GROUP) {
        FloatVector deviation = FloatVector.fromArray(SPECIES, tile.deviation, i).mul(inverse);
        if (fields.score != null) {
          deviation.mul(-precision).intoArray(fields.score, at + i);
        }
        if (fields.mean != null) {
          FloatVector start = FloatVector.fromArray(SPECIES, tile.whitened, i).mul(inverse);
          deviation.fma(FloatVector.broadcast(SPECIES, gain), start).intoArray(fields.mean, at + i);
        }
      }
      if (fields.logDensity != null) {
        FloatExp.log2(total)
            .fma(FloatVector.broadcast(SPECIES, LN_2), FloatVector.broadcast(SPECIES, logScale))
            .intoArray(fields.logDensity, scalar + half);
      }
    }
  }

  /** Evaluates a group in two stages, and takes the lanes whose sum is not to be trusted. */
  private void replaceDistrusted(FloatTile tile, int at, int scalar) {
    FloatFields fields = tile.fields;
    FloatFields other = tile.alternative;
    // The two-stage kernel uses the same scratch, but not this one.
    evaluateGroup(tile, at, other, 0, 0);
    for (int half = 0; half < GROUP; half += LENGTH) {
      VectorMask<Float> distrusted =
          FloatVector.fromArray(SPECIES, tile.total, half)
              .compare(VectorOperators.GE, LEAST_TOTAL)
              .not();
      for (int i = half; i < dimension * GROUP; i += GROUP) {
        blend(fields.score, at + i, other.score, i, distrusted);
        blend(fields.mean, at + i, other.mean, i, distrusted);
      }
      blend(fields.logDensity, scalar + half, other.logDensity, half, distrusted);
    }
  }

  private static void blend(
      float[] into, int at, float[] from, int index, VectorMask<Float> lanes) {
    if (into != null) {
      FloatVector.fromArray(SPECIES, from, index).intoArray(into, at, lanes);
    }
  }

  /**
   * Stores Z, made NaN where the point is not finite, for one half of a group; returns whether
   * every lane of it is to be trusted.
   */
  private static boolean storeTotal(
      FloatTile tile, int half, FloatVector total, FloatVector coordinates) {
    FloatVector checked = coordinates.sub(coordinates).add(total);
    checked.intoArray(tile.total, half);
    return checked.compare(VectorOperators.GE, LEAST_TOTAL).allTrue();
  }

  /** Sums of weights, of weighted deviations, in one dimension. */
  private boolean deviations1(FloatTile tile, int x) {
    FloatVector xa0 = FloatVector.fromArray(SPECIES, tile.x, x);
    FloatVector xb0 = FloatVector.fromArray(SPECIES, tile.x, x + LENGTH);
    FloatVector za = FloatVector.zero(SPECIES);
    FloatVector zb = za;
    FloatVector sa0 = za;
    FloatVector sb0 = za;
    FloatVector scale = FloatVector.broadcast(SPECIES, exponentScale);
    float[] packed = this.packed;
    for (int k = 0; k < packed.length; k += 4) {
      FloatVector c = FloatVector.broadcast(SPECIES, packed[k]);
      FloatVector ea0 = xa0.sub(packed[k + 1]).sub(packed[k + 2]);
      FloatVector eb0 = xb0.sub(packed[k + 1]).sub(packed[k + 2]);
      FloatVector wa = FloatExp.exp2Bounded(ea0.mul(ea0).fma(scale, c));
      FloatVector wb = FloatExp.exp2Bounded(eb0.mul(eb0).fma(scale, c));
      za = za.add(wa);
      zb = zb.add(wb);
      sa0 = wa.fma(ea0, sa0);
      sb0 = wb.fma(eb0, sb0);
    }
    sa0.intoArray(tile.deviation, 0);
    sb0.intoArray(tile.deviation, LENGTH);
    boolean trusted = storeTotal(tile, 0, za, xa0);
    return trusted & storeTotal(tile, LENGTH, zb, xb0);
  }

  /** Sums of weights, of weighted deviations and of weighted means at t = 0, in one dimension. */
  private boolean means1(FloatTile tile, int x) {
    FloatVector xa0 = FloatVector.fromArray(SPECIES, tile.x, x);
    FloatVector xb0 = FloatVector.fromArray(SPECIES, tile.x, x + LENGTH);
    FloatVector za = FloatVector.zero(SPECIES);
    FloatVector zb = za;
    FloatVector sa0 = za;
    FloatVector sb0 = za;
    FloatVector ma0 = za;
    FloatVector mb0 = za;
    FloatVector scale = FloatVector.broadcast(SPECIES, exponentScale);
    float[] packed = this.packed;
    for (int k = 0; k < packed.length; k += 4) {
      FloatVector c = FloatVector.broadcast(SPECIES, packed[k]);
      FloatVector ea0 = xa0.sub(packed[k + 1]).sub(packed[k + 2]);
      FloatVector eb0 = xb0.sub(packed[k + 1]).sub(packed[k + 2]);
      FloatVector wa = FloatExp.exp2Bounded(ea0.mul(ea0).fma(scale, c));
      FloatVector wb = FloatExp.exp2Bounded(eb0.mul(eb0).fma(scale, c));
      za = za.add(wa);
      zb = zb.add(wb);
      sa0 = wa.fma(ea0, sa0);
      sb0 = wb.fma(eb0, sb0);
      FloatVector start0 = FloatVector.broadcast(SPECIES, packed[k + 3]);
      ma0 = wa.fma(start0, ma0);
      mb0 = wb.fma(start0, mb0);
    }
    sa0.intoArray(tile.deviation, 0);
    sb0.intoArray(tile.deviation, LENGTH);
    ma0.intoArray(tile.whitened, 0);
    mb0.intoArray(tile.whitened, LENGTH);
    boolean trusted = storeTotal(tile, 0, za, xa0);
    return trusted & storeTotal(tile, LENGTH, zb, xb0);
  }

  /** Sums of weights, of weighted deviations, in two dimensions. */
  private boolean deviations2(FloatTile tile, int x) {
    FloatVector xa0 = FloatVector.fromArray(SPECIES, tile.x, x);
    FloatVector xa1 = FloatVector.fromArray(SPECIES, tile.x, x + GROUP);
    FloatVector xb0 = FloatVector.fromArray(SPECIES, tile.x, x + LENGTH);
    FloatVector xb1 = FloatVector.fromArray(SPECIES, tile.x, x + GROUP + LENGTH);
    FloatVector za = FloatVector.zero(SPECIES);
    FloatVector zb = za;
    FloatVector sa0 = za;
    FloatVector sb0 = za;
    FloatVector sa1 = za;
    FloatVector sb1 = za;
    FloatVector scale = FloatVector.broadcast(SPECIES, exponentScale);
    float[] packed = this.packed;
    for (int k = 0; k < packed.length; k += 7) {
      FloatVector c = FloatVector.broadcast(SPECIES, packed[k]);
      FloatVector ea0 = xa0.sub(packed[k + 1]).sub(packed[k + 2]);
      FloatVector eb0 = xb0.sub(packed[k + 1]).sub(packed[k + 2]);
      FloatVector ea1 = xa1.sub(packed[k + 4]).sub(packed[k + 5]);
      FloatVector eb1 = xb1.sub(packed[k + 4]).sub(packed[k + 5]);
      FloatVector wa = FloatExp.exp2Bounded(ea0.fma(ea0, ea1.mul(ea1)).fma(scale, c));
      FloatVector wb = FloatExp.exp2Bounded(eb0.fma(eb0, eb1.mul(eb1)).fma(scale, c));
      za = za.add(wa);
      zb = zb.add(wb);
      sa0 = wa.fma(ea0, sa0);
      sb0 = wb.fma(eb0, sb0);
      sa1 = wa.fma(ea1, sa1);
      sb1 = wb.fma(eb1, sb1);
    }
    sa0.intoArray(tile.deviation, 0);
    sb0.intoArray(tile.deviation, LENGTH);
    sa1.intoArray(tile.deviation, GROUP);
    sb1.intoArray(tile.deviation, GROUP + LENGTH);
    boolean trusted = storeTotal(tile, 0, za, xa0.add(xa1));
    return trusted & storeTotal(tile, LENGTH, zb, xb0.add(xb1));
  }

  /** Sums of weights, of weighted deviations and of weighted means at t = 0, in two dimensions. */
  private boolean means2(FloatTile tile, int x) {
    FloatVector xa0 = FloatVector.fromArray(SPECIES, tile.x, x);
    FloatVector xa1 = FloatVector.fromArray(SPECIES, tile.x, x + GROUP);
    FloatVector xb0 = FloatVector.fromArray(SPECIES, tile.x, x + LENGTH);
    FloatVector xb1 = FloatVector.fromArray(SPECIES, tile.x, x + GROUP + LENGTH);
    FloatVector za = FloatVector.zero(SPECIES);
    FloatVector zb = za;
    FloatVector sa0 = za;
    FloatVector sb0 = za;
    FloatVector sa1 = za;
    FloatVector sb1 = za;
    FloatVector ma0 = za;
    FloatVector mb0 = za;
    FloatVector ma1 = za;
    FloatVector mb1 = za;
    FloatVector scale = FloatVector.broadcast(SPECIES, exponentScale);
    float[] packed = this.packed;
    for (int k = 0; k < packed.length; k += 7) {
      FloatVector c = FloatVector.broadcast(SPECIES, packed[k]);
      FloatVector ea0 = xa0.sub(packed[k + 1]).sub(packed[k + 2]);
      FloatVector eb0 = xb0.sub(packed[k + 1]).sub(packed[k + 2]);
      FloatVector ea1 = xa1.sub(packed[k + 4]).sub(packed[k + 5]);
      FloatVector eb1 = xb1.sub(packed[k + 4]).sub(packed[k + 5]);
      FloatVector wa = FloatExp.exp2Bounded(ea0.fma(ea0, ea1.mul(ea1)).fma(scale, c));
      FloatVector wb = FloatExp.exp2Bounded(eb0.fma(eb0, eb1.mul(eb1)).fma(scale, c));
      za = za.add(wa);
      zb = zb.add(wb);
      sa0 = wa.fma(ea0, sa0);
      sb0 = wb.fma(eb0, sb0);
      sa1 = wa.fma(ea1, sa1);
      sb1 = wb.fma(eb1, sb1);
      FloatVector start0 = FloatVector.broadcast(SPECIES, packed[k + 3]);
      ma0 = wa.fma(start0, ma0);
      mb0 = wb.fma(start0, mb0);
      FloatVector start1 = FloatVector.broadcast(SPECIES, packed[k + 6]);
      ma1 = wa.fma(start1, ma1);
      mb1 = wb.fma(start1, mb1);
    }
    sa0.intoArray(tile.deviation, 0);
    sb0.intoArray(tile.deviation, LENGTH);
    ma0.intoArray(tile.whitened, 0);
    mb0.intoArray(tile.whitened, LENGTH);
    sa1.intoArray(tile.deviation, GROUP);
    sb1.intoArray(tile.deviation, GROUP + LENGTH);
    ma1.intoArray(tile.whitened, GROUP);
    mb1.intoArray(tile.whitened, GROUP + LENGTH);
    boolean trusted = storeTotal(tile, 0, za, xa0.add(xa1));
    return trusted & storeTotal(tile, LENGTH, zb, xb0.add(xb1));
  }

  /** Sums of weights, of weighted deviations, in three dimensions. */
  private boolean deviations3(FloatTile tile, int x) {
    FloatVector xa0 = FloatVector.fromArray(SPECIES, tile.x, x);
    FloatVector xa1 = FloatVector.fromArray(SPECIES, tile.x, x + GROUP);
    FloatVector xa2 = FloatVector.fromArray(SPECIES, tile.x, x + 2 * GROUP);
    FloatVector xb0 = FloatVector.fromArray(SPECIES, tile.x, x + LENGTH);
    FloatVector xb1 = FloatVector.fromArray(SPECIES, tile.x, x + GROUP + LENGTH);
    FloatVector xb2 = FloatVector.fromArray(SPECIES, tile.x, x + 2 * GROUP + LENGTH);
    FloatVector za = FloatVector.zero(SPECIES);
    FloatVector zb = za;
    FloatVector sa0 = za;
    FloatVector sb0 = za;
    FloatVector sa1 = za;
    FloatVector sb1 = za;
    FloatVector sa2 = za;
    FloatVector sb2 = za;
    FloatVector scale = FloatVector.broadcast(SPECIES, exponentScale);
    float[] packed = this.packed;
    for (int k = 0; k < packed.length; k += 10) {
      FloatVector c = FloatVector.broadcast(SPECIES, packed[k]);
      FloatVector ea0 = xa0.sub(packed[k + 1]).sub(packed[k + 2]);
      FloatVector eb0 = xb0.sub(packed[k + 1]).sub(packed[k + 2]);
      FloatVector ea1 = xa1.sub(packed[k + 4]).sub(packed[k + 5]);
      FloatVector eb1 = xb1.sub(packed[k + 4]).sub(packed[k + 5]);
      FloatVector ea2 = xa2.sub(packed[k + 7]).sub(packed[k + 8]);
      FloatVector eb2 = xb2.sub(packed[k + 7]).sub(packed[k + 8]);
      FloatVector wa = FloatExp.exp2Bounded(ea0.fma(ea0, ea1.fma(ea1, ea2.mul(ea2))).fma(scale, c));
      FloatVector wb = FloatExp.exp2Bounded(eb0.fma(eb0, eb1.fma(eb1, eb2.mul(eb2))).fma(scale, c));
      za = za.add(wa);
      zb = zb.add(wb);
      sa0 = wa.fma(ea0, sa0);
      sb0 = wb.fma(eb0, sb0);
      sa1 = wa.fma(ea1, sa1);
      sb1 = wb.fma(eb1, sb1);
      sa2 = wa.fma(ea2, sa2);
      sb2 = wb.fma(eb2, sb2);
    }
    sa0.intoArray(tile.deviation, 0);
    sb0.intoArray(tile.deviation, LENGTH);
    sa1.intoArray(tile.deviation, GROUP);
    sb1.intoArray(tile.deviation, GROUP + LENGTH);
    sa2.intoArray(tile.deviation, 2 * GROUP);
    sb2.intoArray(tile.deviation, 2 * GROUP + LENGTH);
    boolean trusted = storeTotal(tile, 0, za, xa0.add(xa1).add(xa2));
    return trusted & storeTotal(tile, LENGTH, zb, xb0.add(xb1).add(xb2));
  }

  /**
   * Sums of weights, of weighted deviations and of weighted means at t = 0, in three dimensions.
   */
  private boolean means3(FloatTile tile, int x) {
    FloatVector xa0 = FloatVector.fromArray(SPECIES, tile.x, x);
    FloatVector xa1 = FloatVector.fromArray(SPECIES, tile.x, x + GROUP);
    FloatVector xa2 = FloatVector.fromArray(SPECIES, tile.x, x + 2 * GROUP);
    FloatVector xb0 = FloatVector.fromArray(SPECIES, tile.x, x + LENGTH);
    FloatVector xb1 = FloatVector.fromArray(SPECIES, tile.x, x + GROUP + LENGTH);
    FloatVector xb2 = FloatVector.fromArray(SPECIES, tile.x, x + 2 * GROUP + LENGTH);
    FloatVector za = FloatVector.zero(SPECIES);
    FloatVector zb = za;
    FloatVector sa0 = za;
    FloatVector sb0 = za;
    FloatVector sa1 = za;
    FloatVector sb1 = za;
    FloatVector sa2 = za;
    FloatVector sb2 = za;
    FloatVector ma0 = za;
    FloatVector mb0 = za;
    FloatVector ma1 = za;
    FloatVector mb1 = za;
    FloatVector ma2 = za;
    FloatVector mb2 = za;
    FloatVector scale = FloatVector.broadcast(SPECIES, exponentScale);
    float[] packed = this.packed;
    for (int k = 0; k < packed.length; k += 10) {
      FloatVector c = FloatVector.broadcast(SPECIES, packed[k]);
      FloatVector ea0 = xa0.sub(packed[k + 1]).sub(packed[k + 2]);
      FloatVector eb0 = xb0.sub(packed[k + 1]).sub(packed[k + 2]);
      FloatVector ea1 = xa1.sub(packed[k + 4]).sub(packed[k + 5]);
      FloatVector eb1 = xb1.sub(packed[k + 4]).sub(packed[k + 5]);
      FloatVector ea2 = xa2.sub(packed[k + 7]).sub(packed[k + 8]);
      FloatVector eb2 = xb2.sub(packed[k + 7]).sub(packed[k + 8]);
      FloatVector wa = FloatExp.exp2Bounded(ea0.fma(ea0, ea1.fma(ea1, ea2.mul(ea2))).fma(scale, c));
      FloatVector wb = FloatExp.exp2Bounded(eb0.fma(eb0, eb1.fma(eb1, eb2.mul(eb2))).fma(scale, c));
      za = za.add(wa);
      zb = zb.add(wb);
      sa0 = wa.fma(ea0, sa0);
      sb0 = wb.fma(eb0, sb0);
      sa1 = wa.fma(ea1, sa1);
      sb1 = wb.fma(eb1, sb1);
      sa2 = wa.fma(ea2, sa2);
      sb2 = wb.fma(eb2, sb2);
      FloatVector start0 = FloatVector.broadcast(SPECIES, packed[k + 3]);
      ma0 = wa.fma(start0, ma0);
      mb0 = wb.fma(start0, mb0);
      FloatVector start1 = FloatVector.broadcast(SPECIES, packed[k + 6]);
      ma1 = wa.fma(start1, ma1);
      mb1 = wb.fma(start1, mb1);
      FloatVector start2 = FloatVector.broadcast(SPECIES, packed[k + 9]);
      ma2 = wa.fma(start2, ma2);
      mb2 = wb.fma(start2, mb2);
    }
    sa0.intoArray(tile.deviation, 0);
    sb0.intoArray(tile.deviation, LENGTH);
    ma0.intoArray(tile.whitened, 0);
    mb0.intoArray(tile.whitened, LENGTH);
    sa1.intoArray(tile.deviation, GROUP);
    sb1.intoArray(tile.deviation, GROUP + LENGTH);
    ma1.intoArray(tile.whitened, GROUP);
    mb1.intoArray(tile.whitened, GROUP + LENGTH);
    sa2.intoArray(tile.deviation, 2 * GROUP);
    sb2.intoArray(tile.deviation, 2 * GROUP + LENGTH);
    ma2.intoArray(tile.whitened, 2 * GROUP);
    mb2.intoArray(tile.whitened, 2 * GROUP + LENGTH);
    boolean trusted = storeTotal(tile, 0, za, xa0.add(xa1).add(xa2));
    return trusted & storeTotal(tile, LENGTH, zb, xb0.add(xb1).add(xb2));
  }
}
