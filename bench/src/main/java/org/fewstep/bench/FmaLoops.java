package org.fewstep.bench;

import jdk.incubator.vector.DoubleVector;
import jdk.incubator.vector.FloatVector;
import jdk.incubator.vector.VectorOperators;
import jdk.incubator.vector.VectorSpecies;
import org.fewstep.backend.Precision;

/**
 * Loops of fused multiply-adds and nothing else: the highest arithmetic rate that one core gives to
 * code written with the Vector API, and so the limit that kernels are compared with.
 *
 * <p>Twelve accumulators that do not depend on each other hide the latency (4 or 5 cycles on two
 * ports needs 8 to 10 in flight) and still leave registers for the two constants where there are
 * only 16.
 */
final class FmaLoops {

  private static final int ACCUMULATORS = 12;
  private static final VectorSpecies<Float> FLOATS = FloatVector.SPECIES_PREFERRED;
  private static final VectorSpecies<Double> DOUBLES = DoubleVector.SPECIES_PREFERRED;

  private FmaLoops() {}

  /** The floating-point operations (two a lane and multiply-add) of that many iterations. */
  static double operations(Precision precision, long iterations) {
    return 2.0 * ACCUMULATORS * lanes(precision) * iterations;
  }

  private static int lanes(Precision precision) {
    return precision == Precision.FLOAT32 ? FLOATS.length() : DOUBLES.length();
  }

  /** The width of a vector in bits. */
  static int vectorBits() {
    return FLOATS.vectorBitSize();
  }

  /** Runs the loop; the result only keeps the compiler from dropping it. */
  static double run(Precision precision, long iterations) {
    return precision == Precision.FLOAT32 ? float32(iterations) : float64(iterations);
  }

  private static float float32(long iterations) {
    // |factor| < 1, so that the accumulators settle and never become subnormal or infinite
    FloatVector factor = FloatVector.broadcast(FLOATS, 0.75f);
    FloatVector term = FloatVector.broadcast(FLOATS, 0.25f);
    FloatVector a0 = term;
    FloatVector a1 = term;
    FloatVector a2 = term;
    FloatVector a3 = term;
    FloatVector a4 = term;
    FloatVector a5 = term;
    FloatVector a6 = term;
    FloatVector a7 = term;
    FloatVector a8 = term;
    FloatVector a9 = term;
    FloatVector a10 = term;
    FloatVector a11 = term;
    for (long i = 0; i < iterations; i++) {
      a0 = a0.fma(factor, term);
      a1 = a1.fma(factor, term);
      a2 = a2.fma(factor, term);
      a3 = a3.fma(factor, term);
      a4 = a4.fma(factor, term);
      a5 = a5.fma(factor, term);
      a6 = a6.fma(factor, term);
      a7 = a7.fma(factor, term);
      a8 = a8.fma(factor, term);
      a9 = a9.fma(factor, term);
      a10 = a10.fma(factor, term);
      a11 = a11.fma(factor, term);
    }
    FloatVector low = a0.add(a1).add(a2.add(a3)).add(a4.add(a5));
    FloatVector high = a6.add(a7).add(a8.add(a9)).add(a10.add(a11));
    return low.add(high).reduceLanes(VectorOperators.ADD);
  }

  private static double float64(long iterations) {
    DoubleVector factor = DoubleVector.broadcast(DOUBLES, 0.75);
    DoubleVector term = DoubleVector.broadcast(DOUBLES, 0.25);
    DoubleVector a0 = term;
    DoubleVector a1 = term;
    DoubleVector a2 = term;
    DoubleVector a3 = term;
    DoubleVector a4 = term;
    DoubleVector a5 = term;
    DoubleVector a6 = term;
    DoubleVector a7 = term;
    DoubleVector a8 = term;
    DoubleVector a9 = term;
    DoubleVector a10 = term;
    DoubleVector a11 = term;
    for (long i = 0; i < iterations; i++) {
      a0 = a0.fma(factor, term);
      a1 = a1.fma(factor, term);
      a2 = a2.fma(factor, term);
      a3 = a3.fma(factor, term);
      a4 = a4.fma(factor, term);
      a5 = a5.fma(factor, term);
      a6 = a6.fma(factor, term);
      a7 = a7.fma(factor, term);
      a8 = a8.fma(factor, term);
      a9 = a9.fma(factor, term);
      a10 = a10.fma(factor, term);
      a11 = a11.fma(factor, term);
    }
    DoubleVector low = a0.add(a1).add(a2.add(a3)).add(a4.add(a5));
    DoubleVector high = a6.add(a7).add(a8.add(a9)).add(a10.add(a11));
    return low.add(high).reduceLanes(VectorOperators.ADD);
  }
}
