package org.fewstep.backend.vector;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.Random;
import jdk.incubator.vector.DoubleVector;
import jdk.incubator.vector.FloatVector;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;

/** The vector exponential and logarithm in base 2 over their whole range. */
@Tag("widths")
class ExponentialTest {

  private static final double LN_2 = Math.log(2);

  private static float exp2(float x) {
    return FloatExp.exp2(FloatVector.broadcast(FloatLanes.SPECIES, x)).lane(0);
  }

  private static double exp2(double x) {
    return DoubleExp.exp2(DoubleVector.broadcast(DoubleLanes.SPECIES, x)).lane(0);
  }

  @Test
  void float32IsWithinAnUlpForEverySixteenthArgument() {
    int length = FloatLanes.LENGTH;
    float[] x = new float[length];
    float[] y = new float[length];
    double worst = 0;
    // Bit patterns 0 to 128f, and their negatives down to -126.
    for (int sign = 0; sign < 2; sign++) {
      int end = Float.floatToRawIntBits(sign == 0 ? 128f : 126f);
      for (int bits = 0; bits < end - 16 * length; bits += 16 * length) {
        for (int lane = 0; lane < length; lane++) {
          x[lane] = Float.intBitsToFloat(bits + 16 * lane | sign << 31);
        }
        FloatVector v = FloatVector.fromArray(FloatLanes.SPECIES, x, 0);
        FloatExp.exp2(v).intoArray(y, 0);
        for (int lane = 0; lane < length; lane++) {
          double expected = Math.exp(x[lane] * LN_2);
          double error = Math.abs(y[lane] - expected) / Math.ulp((float) expected);
          worst = Math.max(worst, error);
        }
      }
    }
    assertThat(worst).isLessThanOrEqualTo(1.1);
  }

  @Test
  void float64IsWithinAnUlp() {
    Random random = new Random(3);
    int length = DoubleLanes.LENGTH;
    double[] x = new double[length];
    double[] y = new double[length];
    double worst = 0;
    for (int i = 0; i < 200_000; i++) {
      for (int lane = 0; lane < length; lane++) {
        double size = (i & 1) == 0 ? 1022 : 2;
        x[lane] = (2 * random.nextDouble() - 1) * size;
      }
      DoubleExp.exp2(DoubleVector.fromArray(DoubleLanes.SPECIES, x, 0)).intoArray(y, 0);
      for (int lane = 0; lane < length; lane++) {
        // 2^x = 2^n e^(f ln 2) exactly as far as n goes; strict exp is within 1 ulp of f's part.
        double n = Math.rint(x[lane]);
        double expected = Math.scalb(StrictMath.exp((x[lane] - n) * LN_2), (int) n);
        worst = Math.max(worst, Math.abs(y[lane] - expected) / Math.ulp(expected));
      }
    }
    // 1.1 ulp of ours, and up to one and a half of the reference: the product and the exponential.
    assertThat(worst).isLessThanOrEqualTo(2.6);
  }

  @Test
  void edgesOfTheRange() {
    assertThat(exp2(0f)).isEqualTo(1f);
    assertThat(exp2(-126f)).isEqualTo(Float.MIN_NORMAL);
    assertThat(exp2(Math.nextDown(-126f))).isEqualTo(0f);
    assertThat(exp2(-1e30f)).isEqualTo(0f);
    assertThat(exp2(Float.NEGATIVE_INFINITY)).isEqualTo(0f);
    assertThat(exp2(127f)).isEqualTo(0x1p127f);
    assertThat(exp2(Float.NaN)).isNaN();
    assertThat(exp2(0.0)).isEqualTo(1.0);
    assertThat(exp2(-1022.0)).isEqualTo(Double.MIN_NORMAL);
    assertThat(exp2(Math.nextDown(-1022.0))).isEqualTo(0.0);
    assertThat(exp2(Double.NEGATIVE_INFINITY)).isEqualTo(0.0);
    assertThat(exp2(1023.0)).isEqualTo(0x1p1023);
    assertThat(exp2(Double.NaN)).isNaN();
  }

  @Test
  void logarithms() {
    Random random = new Random(4);
    double worst32 = 0;
    double worst64 = 0;
    for (int i = 0; i < 100_000; i++) {
      double x = Math.scalb(1 + random.nextDouble(), random.nextInt(-20, 12));
      float narrow = (float) x;
      double log32 = Math.log(narrow) / LN_2;
      double log64 = Math.log(x) / LN_2;
      float got32 = FloatExp.log2(FloatVector.broadcast(FloatLanes.SPECIES, narrow)).lane(0);
      double got64 = DoubleExp.log2(DoubleVector.broadcast(DoubleLanes.SPECIES, x)).lane(0);
      worst32 = Math.max(worst32, Math.abs(got32 - log32) / Math.ulp((float) log32));
      worst64 = Math.max(worst64, Math.abs(got64 - log64) / Math.ulp(log64));
    }
    assertThat(worst32).isLessThanOrEqualTo(3);
    assertThat(worst64).isLessThanOrEqualTo(3);
    assertThat(FloatExp.log2(FloatVector.broadcast(FloatLanes.SPECIES, 8f)).lane(0)).isEqualTo(3f);
    assertThat(DoubleExp.log2(DoubleVector.broadcast(DoubleLanes.SPECIES, 1.0)).lane(0))
        .isEqualTo(0.0);
  }
}
