package org.fewstep.backend.vector;

import jdk.incubator.vector.FloatVector;
import jdk.incubator.vector.IntVector;
import jdk.incubator.vector.VectorOperators;
import jdk.incubator.vector.VectorSpecies;

/**
 * Exponential and logarithm in base 2, float32 lanes. {@code VectorOperators.EXP} is not used: it
 * is scalar where the JDK ships no vector math library, and its bits differ between platforms.
 *
 * <p>Its float64 twin is the one kernel that is kept by hand: the polynomials differ in degree.
 */
final class FloatExp {

  private static final VectorSpecies<Float> SPECIES = FloatLanes.SPECIES;

  /** 1.5 * 2^23: adding it leaves the nearest integer in the low bits of the significand. */
  private static final FloatVector ROUND = constant(0x1.8p23f);

  private static final int ROUND_BITS = Float.floatToRawIntBits(0x1.8p23f);

  private static final int SIGNIFICAND_BITS = 23;

  /** Below this the result is less than the smallest normal number, and flushed to zero. */
  private static final FloatVector UNDERFLOW = constant(-126f);

  // The polynomial of degree 6 with value 1 at 0 that minimises the largest relative error against
  // 2^f over |f| <= 1/2 (Remez exchange in 60 digits): 2.6e-9, a twentieth of an ulp.
  private static final FloatVector P1 = constant(0.69314721496816497f);
  private static final FloatVector P2 = constant(0.24022652782906598f);
  private static final FloatVector P3 = constant(0.055503105505582367f);
  private static final FloatVector P4 = constant(0.0096176929652635199f);
  private static final FloatVector P5 = constant(0.0013406644172903642f);
  private static final FloatVector P6 = constant(0.00015594683196357545f);

  // log2(m) = (2/ln 2) (s + s^3/3 + s^5/5 + ...) with s = (m-1)/(m+1), |s| <= 0.172.
  private static final FloatVector L1 = constant(2.8853900817779268f);
  private static final FloatVector L3 = constant(0.96179669392597561f);
  private static final FloatVector L5 = constant(0.57707801635558536f);
  private static final FloatVector L7 = constant(0.41219858311113240f);
  private static final FloatVector L9 = constant(0.32059889797532520f);

  private static final int SQRT_HALF_BITS = 0x3f3504f3;

  private static final FloatVector ONE = constant(1f);
  private static final FloatVector ZERO = constant(0f);

  private FloatExp() {}

  private static FloatVector constant(float value) {
    return FloatVector.broadcast(SPECIES, value);
  }

  /**
   * 2^x for x below 128, within 1.1 ulp; zero where the result would be subnormal (x < -126). A NaN
   * gives NaN unless it carries a payload; from 128 on the result is arbitrary. For logits, which
   * are bounded above.
   */
  static FloatVector exp2(FloatVector x) {
    FloatVector shifted = x.add(ROUND);
    FloatVector f = x.sub(shifted.sub(ROUND));
    FloatVector p = f.fma(P6, P5);
    p = p.fma(f, P4);
    p = p.fma(f, P3);
    p = p.fma(f, P2);
    p = p.fma(f, P1);
    p = p.fma(f, ONE);
    // The integer part goes straight into the exponent: p lies in [0.7, 1.42], x in [-126, 128).
    IntVector exponent =
        shifted.reinterpretAsInts().lanewise(VectorOperators.LSHL, SIGNIFICAND_BITS);
    FloatVector scaled = p.reinterpretAsInts().add(exponent).reinterpretAsFloats();
    return scaled.blend(ZERO, x.lt(UNDERFLOW));
  }

  /** The base-2 logarithm of a positive normal number, within 3 ulp, exact at powers of two. */
  static FloatVector log2(FloatVector x) {
    IntVector bits = x.reinterpretAsInts();
    IntVector exponent = bits.sub(SQRT_HALF_BITS).lanewise(VectorOperators.ASHR, SIGNIFICAND_BITS);
    FloatVector m =
        bits.sub(exponent.lanewise(VectorOperators.LSHL, SIGNIFICAND_BITS)).reinterpretAsFloats();
    FloatVector n = exponent.add(ROUND_BITS).reinterpretAsFloats().sub(ROUND);
    FloatVector s = m.sub(ONE).div(m.add(ONE));
    FloatVector square = s.mul(s);
    FloatVector p = square.fma(L9, L7);
    p = p.fma(square, L5);
    p = p.fma(square, L3);
    p = p.fma(square, L1);
    return p.fma(s, n);
  }
}
