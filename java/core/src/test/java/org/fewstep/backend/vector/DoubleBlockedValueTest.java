package org.fewstep.backend.vector;

import static org.assertj.core.api.Assertions.assertThat;

import java.lang.foreign.MemorySegment;
import java.util.stream.Stream;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/** The float64 twin of the blocked kernel against the textbook form. */
@Tag("widths")
class DoubleBlockedValueTest {

  static Stream<FloatBlockedValueTest.Case> cases() {
    return FloatBlockedValueTest.cases();
  }

  @ParameterizedTest
  @MethodSource("cases")
  void agreesWithTheTextbookForm(FloatBlockedValueTest.Case test) {
    MixtureTime time = test.time();
    double[] x = Differences.widened(test.points(time));
    Differences truth = Differences.inDouble(time, x);
    int rows = test.rows();
    double[] logDensity = new double[rows];
    double[] score = new double[x.length];
    double[] mean = new double[x.length];
    double[] responsibilities = new double[rows * test.components()];

    DoubleBlockedMeans means = new DoubleBlockedMeans(time.mixture());
    DoubleBlockedMixture mixture = new DoubleBlockedMixture(means, time);
    DoubleBlockedScratch scratch = new DoubleBlockedScratch(means);
    int outside = 0;
    for (int row = 0; row < rows; row += scratch.rows()) {
      outside +=
          DoubleBlockedValue.evaluate(
              mixture,
              scratch,
              MemorySegment.ofArray(x),
              row,
              Math.min(scratch.rows(), rows - row),
              MemorySegment.ofArray(logDensity),
              MemorySegment.ofArray(score),
              MemorySegment.ofArray(mean),
              MemorySegment.ofArray(responsibilities));
    }

    assertThat(outside).isZero();
    // The reference rounds as well, by some 2^-53 d^1.5 / 6 in a logit; a score magnifies that by
    // what the components' scores differ in units of its own length.
    int d = test.dimension();
    double allowed = 16 * Math.pow(d + 8, 1.5) * 0x1p-52;
    assertThat(Differences.largestError(logDensity, truth.logDensity, rows)).isLessThan(allowed);
    assertThat(Differences.largestError(score, truth.score, d)).isLessThan(allowed);
    assertThat(Differences.largestError(mean, truth.mean, d)).isLessThan(allowed);
    assertThat(
            Differences.largestError(responsibilities, truth.responsibilities, test.components()))
        .isLessThan(allowed);
  }
}
