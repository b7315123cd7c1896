package org.fewstep.backend;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import java.util.Arrays;
import java.util.stream.Stream;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;

class PhiloxTest {

  static Stream<Arguments> backends() {
    return TestBackends.names()
        .flatMap(name -> Stream.of(Precision.values()).map(p -> Arguments.of(name, p)));
  }

  /** The known answers of Random123, the authors' own library, for philox4x32 with 10 rounds. */
  @Test
  void blocksAreThoseOfTheAuthors() {
    assertThat(block(0, 0, 0, 0, 0, 0))
        .containsExactly(0x6627e8d5, 0xe169c58d, 0xbc57ac4c, 0x9b00dbd8);
    assertThat(block(-1, -1, -1, -1, -1, -1))
        .containsExactly(0x408f276d, 0x41c83b0e, 0xa20bc7c6, 0x6d5451fd);
    assertThat(block(0x243f6a88, 0x85a308d3, 0x13198a2e, 0x03707344, 0xa4093822, 0x299f31d0))
        .containsExactly(0xd16cfe09, 0x94fdcceb, 0x5001e420, 0x24126ea1);
  }

  private static int[] block(int c0, int c1, int c2, int c3, int key0, int key1) {
    int[] words = new int[4];
    Philox.block(c0, c1, c2, c3, key0, key1, words);
    return words;
  }

  /** The stream of seed 0 from the first known answer, by the formulas of the documentation. */
  @Test
  void numbersAreMadeOfBlocksAsDocumented() {
    double u0 = (0xe169c58d6627e8d5L >>> 11) * 0x1p-53;
    double u1 = (0x9b00dbd8bc57ac4cL >>> 11) * 0x1p-53;
    double[] out = new double[2];
    Philox.uniform(0, 0, out, 0, 2);
    assertThat(out).containsExactly(u0, u1);
    Philox.normal(0, 0, out, 0, 2);
    double radius = Math.sqrt(-2 * Math.log(1 - u0));
    assertThat(out[0]).isCloseTo(radius * Math.cos(2 * Math.PI * u1), within(1e-15));
    assertThat(out[1]).isCloseTo(radius * Math.sin(2 * Math.PI * u1), within(1e-15));
  }

  @Test
  void theSeedAndTheCounterReachEveryWord() {
    double[] all = new double[8];
    long[] seeds = {0, 1, 1L << 32, -1};
    long[] firsts = {0, 1L << 33};
    int i = 0;
    for (long seed : seeds) {
      for (long first : firsts) {
        Philox.uniform(seed, first, all, i++, 1);
      }
    }
    assertThat(Arrays.stream(all).distinct().count()).isEqualTo(8);
  }

  @Test
  void anyNumberCanBeDrawnWithoutThoseBefore() {
    double[] whole = new double[101];
    Philox.normal(7, 5, whole, 0, 101);
    for (int i = 0; i < 101; i++) {
      double[] one = new double[1];
      Philox.normal(7, 5 + i, one, 0, 1);
      assertThat(one[0]).isEqualTo(whole[i]);
    }
  }

  @Test
  void normalsHaveTheMomentsOfTheStandardNormal() {
    int n = 400_000;
    double[] z = new double[n];
    Philox.normal(123, 0, z, 0, n);
    double[] moments = new double[5];
    double neighbours = 0;
    double partners = 0;
    for (int i = 0; i < n; i++) {
      double power = 1;
      for (int m = 1; m < 5; m++) {
        power *= z[i];
        moments[m] += power / n;
      }
      if (i + 2 < n) {
        neighbours += z[i] * z[i + 2] / n;
      }
      if (i % 2 == 0) {
        partners += z[i] * z[i + 1] / n * 2;
      }
    }
    // Four standard errors: sqrt(m2k - mk^2)/sqrt(n).
    double error = 4 / Math.sqrt(n);
    assertThat(moments[1]).isCloseTo(0, within(error));
    assertThat(moments[2]).isCloseTo(1, within(error * Math.sqrt(2)));
    assertThat(moments[3]).isCloseTo(0, within(error * Math.sqrt(15)));
    assertThat(moments[4]).isCloseTo(3, within(error * Math.sqrt(96)));
    assertThat(neighbours).isCloseTo(0, within(error));
    assertThat(partners).isCloseTo(0, within(error * Math.sqrt(2)));
    double largest = Arrays.stream(z).map(Math::abs).max().orElseThrow();
    assertThat(largest).isBetween(4.0, 7.0);
  }

  @Test
  void badStartsAreRefused() {
    assertThatThrownBy(() -> Philox.normal(0, -1, new double[2], 0, 2))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageContaining("first must lie in");
  }

  @Tag("widths")
  @ParameterizedTest
  @MethodSource("backends")
  void everyBackendDrawsTheSameStream(String name, Precision precision) {
    int n = 4099;
    int d = 3;
    long seed = -987654321L;
    double[] normals = new double[n * d];
    double[] uniforms = new double[n * d];
    Philox.normal(seed, 11, normals, 0, n * d);
    Philox.uniform(seed, 11, uniforms, 0, n * d);
    for (int threads : new int[] {1, 2, 3, 7}) {
      try (Backend backend = TestBackends.open(name, threads);
          Batch batch = backend.allocate(n, d, precision)) {
        backend.normal(batch, seed, 11);
        backend.synchronize();
        assertThat(batch.toDoubleArray()).isEqualTo(rounded(normals, precision));
        backend.uniform(batch, seed, 11);
        backend.synchronize();
        assertThat(batch.toDoubleArray()).isEqualTo(rounded(uniforms, precision));
        // An odd start within the batch goes on where the rows before it ended.
        try (Batch part = batch.slice(7, 5)) {
          part.copyFrom(new double[15]);
          backend.uniform(part, seed, 11 + 21);
          backend.synchronize();
        }
        assertThat(batch.toDoubleArray()).isEqualTo(rounded(uniforms, precision));
      }
    }
  }

  private static double[] rounded(double[] values, Precision precision) {
    return precision == Precision.FLOAT64
        ? values
        : Arrays.stream(values).map(value -> (float) value).toArray();
  }

  /** Block 0 of a seed found by search: its first uniform is above 1 - 2^-25. */
  @Tag("widths")
  @ParameterizedTest
  @MethodSource("backends")
  void uniformsStayBelowOne(String name, Precision precision) {
    double[] number = new double[1];
    Philox.uniform(ALMOST_ONE_SEED, 0, number, 0, 1);
    assertThat((float) number[0]).isEqualTo(1f);
    try (Backend backend = TestBackends.open(name, 1);
        Batch batch = backend.allocate(1, 1, precision)) {
      backend.uniform(batch, ALMOST_ONE_SEED, 0);
      backend.synchronize();
      assertThat(TestBackends.get(batch, 0, 0)).isLessThan(1).isGreaterThan(1 - 0x1p-23);
    }
  }

  private static final long ALMOST_ONE_SEED = 34408659;
}
