package org.fewstep.backend.vector;

import jdk.incubator.vector.DoubleVector;
import jdk.incubator.vector.LongVector;
import jdk.incubator.vector.VectorOperators;
import jdk.incubator.vector.VectorSpecies;

/**
 * Exponential and logarithm in base 2, float64 lanes. {@code VectorOperators.EXP} is not used: it
 * is scalar where the JDK ships no vector math library, and its bits differ between platforms.
 *
 * <p>Its float32 twin is the one kernel that is kept by hand: the polynomials differ in degree.
 */
final class DoubleExp {

  private static final VectorSpecies<Double> SPECIES = DoubleLanes.SPECIES;

  /** 1.5 * 2^52: adding it leaves the nearest integer in the low bits of the significand. */
  private static final DoubleVector ROUND = constant(0x1.8p52);

  private static final long ROUND_BITS = Double.doubleToRawLongBits(0x1.8p52);

  private static final int SIGNIFICAND_BITS = 52;

  /** Below this the result is less than the smallest normal number, and flushed to zero. */
  private static final DoubleVector UNDERFLOW = constant(-1022.0);

  // The polynomial of degree 11 with value 1 at 0 that minimises the largest relative error against
  // 2^f over |f| <= 1/2 (Remez exchange in 60 digits): 1.8e-17, a twelfth of an ulp.
  private static final DoubleVector P1 = constant(0.6931471805599457);
  private static final DoubleVector P2 = constant(0.24022650695910098);
  private static final DoubleVector P3 = constant(0.055504108664790389);
  private static final DoubleVector P4 = constant(0.009618129107607002);
  private static final DoubleVector P5 = constant(0.0013333558153441335);
  private static final DoubleVector P6 = constant(0.00015403530441572599);
  private static final DoubleVector P7 = constant(1.5252727383872463e-5);
  private static final DoubleVector P8 = constant(1.3215442675115585e-6);
  private static final DoubleVector P9 = constant(1.0180648196555812e-7);
  private static final DoubleVector P10 = constant(7.0725704454692941e-9);
  private static final DoubleVector P11 = constant(4.0779938562463538e-10);

  // log2(m) = (2/ln 2) (s + s^3/3 + s^5/5 + ...) with s = (m-1)/(m+1), |s| <= 0.172.
  private static final DoubleVector L1 = constant(2.8853900817779268);
  private static final DoubleVector L3 = constant(0.9617966939259756);
  private static final DoubleVector L5 = constant(0.57707801635558536);
  private static final DoubleVector L7 = constant(0.4121985831111324);
  private static final DoubleVector L9 = constant(0.3205988979753252);
  private static final DoubleVector L11 = constant(0.2623081892525388);
  private static final DoubleVector L13 = constant(0.22195308321368668);
  private static final DoubleVector L15 = constant(0.19235933878519512);
  private static final DoubleVector L17 = constant(0.16972882833987805);
  private static final DoubleVector L19 = constant(0.15186263588304878);
  private static final DoubleVector L21 = constant(0.1373995277037108);
  private static final DoubleVector L23 = constant(0.12545174268599682);

  private static final long SQRT_HALF_BITS = 0x3fe6a09e667f3bcdL;

  private static final DoubleVector ONE = constant(1.0);
  private static final DoubleVector ZERO = constant(0.0);

  private DoubleExp() {}

  private static DoubleVector constant(double value) {
    return DoubleVector.broadcast(SPECIES, value);
  }

  /**
   * 2^x for x below 1024, within 1.1 ulp; zero where the result would be subnormal (x < -1022). A
   * NaN gives NaN unless it carries a payload; from 1024 on the result is arbitrary. For logits,
   * which are bounded above.
   */
  static DoubleVector exp2(DoubleVector x) {
    DoubleVector shifted = x.add(ROUND);
    DoubleVector f = x.sub(shifted.sub(ROUND));
    DoubleVector p = f.fma(P11, P10);
    p = p.fma(f, P9);
    p = p.fma(f, P8);
    p = p.fma(f, P7);
    p = p.fma(f, P6);
    p = p.fma(f, P5);
    p = p.fma(f, P4);
    p = p.fma(f, P3);
    p = p.fma(f, P2);
    p = p.fma(f, P1);
    p = p.fma(f, ONE);
    // The integer part goes straight into the exponent: p lies in [0.7, 1.42], x in [-1022, 1024).
    LongVector exponent =
        shifted.reinterpretAsLongs().lanewise(VectorOperators.LSHL, SIGNIFICAND_BITS);
    DoubleVector scaled = p.reinterpretAsLongs().add(exponent).reinterpretAsDoubles();
    return scaled.blend(ZERO, x.lt(UNDERFLOW));
  }

  /** The base-2 logarithm of a positive normal number, within 3 ulp, exact at powers of two. */
  static DoubleVector log2(DoubleVector x) {
    LongVector bits = x.reinterpretAsLongs();
    LongVector exponent = bits.sub(SQRT_HALF_BITS).lanewise(VectorOperators.ASHR, SIGNIFICAND_BITS);
    DoubleVector m =
        bits.sub(exponent.lanewise(VectorOperators.LSHL, SIGNIFICAND_BITS)).reinterpretAsDoubles();
    DoubleVector n = exponent.add(ROUND_BITS).reinterpretAsDoubles().sub(ROUND);
    DoubleVector s = m.sub(ONE).div(m.add(ONE));
    DoubleVector square = s.mul(s);
    DoubleVector p = square.fma(L23, L21);
    p = p.fma(square, L19);
    p = p.fma(square, L17);
    p = p.fma(square, L15);
    p = p.fma(square, L13);
    p = p.fma(square, L11);
    p = p.fma(square, L9);
    p = p.fma(square, L7);
    p = p.fma(square, L5);
    p = p.fma(square, L3);
    p = p.fma(square, L1);
    return p.fma(s, n);
  }
}
