package org.fewstep.diffusion;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import java.util.List;
import java.util.function.DoubleUnaryOperator;
import java.util.stream.DoubleStream;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.MethodSource;
import org.junit.jupiter.params.provider.ValueSource;

class DiffusionsTest {

  static Stream<Diffusion> processes() {
    return Stream.of(
        new OrnsteinUhlenbeck(),
        new VariancePreserving(),
        new VariancePreserving(5, 5),
        new VariancePreservingCosine(),
        new VarianceExploding(),
        new VarianceExploding(3));
  }

  /** Times over the whole range, close to both ends. */
  private static DoubleStream times(Diffusion process) {
    double largest = Math.min(process.maxTime(), 20);
    return DoubleStream.of(1e-9, 1e-6, 1e-4, 1e-3, 0.01, 0.1, 0.3, 0.5, 0.9, 0.99, 1)
        .map(fraction -> fraction * largest);
  }

  @ParameterizedTest
  @MethodSource("processes")
  void timeAtHalfLogSnrIsItsInverse(Diffusion process) {
    times(process)
        .forEach(
            t -> {
              double lambda = process.halfLogSnr(t);
              double back = process.timeAtHalfLogSnr(lambda);
              // What rounding lambda itself can move t by, beyond 1e-12.
              double h = 1e-6 * t;
              double from = Math.max(t - h, 0);
              double to = Math.min(t + h, process.maxTime());
              double slope = (process.halfLogSnr(to) - process.halfLogSnr(from)) / (to - from);
              double allowed = 1e-12 * t + Math.ulp(lambda) / Math.abs(slope);
              assertThat(back).as("t = %s, lambda = %s", t, lambda).isCloseTo(t, within(allowed));
            });
  }

  @ParameterizedTest
  @MethodSource("processes")
  void halfLogSnrFallsAndSigmaOverAlphaRises(Diffusion process) {
    double[] t = times(process).toArray();
    for (int i = 1; i < t.length; i++) {
      assertThat(process.halfLogSnr(t[i])).isLessThan(process.halfLogSnr(t[i - 1]));
      assertThat(process.sigma(t[i]) / process.alpha(t[i]))
          .isGreaterThan(process.sigma(t[i - 1]) / process.alpha(t[i - 1]));
      assertThat(process.halfLogSnr(t[i]))
          .isCloseTo(
              Math.log(process.alpha(t[i]) / process.sigma(t[i])),
              within(1e-9 * (1 + Math.abs(process.halfLogSnr(t[i])))));
    }
  }

  @ParameterizedTest
  @MethodSource("processes")
  void theCoefficientsAreTheDerivatives(Diffusion process) {
    times(process)
        .filter(t -> t >= 1e-3 && t <= 5 && t < process.maxTime() * 0.95)
        .forEach(
            t -> {
              double h = 1e-4 * t;
              double drift = derivative(u -> Math.log(process.alpha(u)), t, h);
              assertThat(process.drift(t)).isCloseTo(drift, within(1e-8 * (1 + Math.abs(drift))));
              double variance = process.sigma(t) * process.sigma(t);
              double slope = derivative(u -> process.sigma(u) * process.sigma(u), t, h);
              double half = 0.5 * slope - process.drift(t) * variance;
              assertThat(process.halfSquaredDiffusion(t))
                  .isNotNegative()
                  .isCloseTo(half, within(1e-8 * (1 + Math.abs(half))));
            });
  }

  private static double derivative(DoubleUnaryOperator f, double t, double h) {
    double near = f.applyAsDouble(t + h) - f.applyAsDouble(t - h);
    double far = f.applyAsDouble(t + 2 * h) - f.applyAsDouble(t - 2 * h);
    return (8 * near - far) / (12 * h);
  }

  @ParameterizedTest
  @MethodSource("processes")
  void everyProcessIsOrnsteinUhlenbeckSeenThroughAScale(Diffusion process) {
    times(process)
        .forEach(
            t -> {
              double rho = process.scale(t);
              double time = process.ornsteinUhlenbeckTime(t);
              var ou = new OrnsteinUhlenbeck();
              assertThat(rho * ou.alpha(time))
                  .isCloseTo(process.alpha(t), within(1e-12 * process.alpha(t)));
              assertThat(rho * ou.sigma(time))
                  .isCloseTo(process.sigma(t), within(1e-12 * process.sigma(t)));
            });
  }

  @ParameterizedTest
  @MethodSource("processes")
  void dataAreAtTimeZero(Diffusion process) {
    assertThat(process.alpha(0)).isOne();
    assertThat(process.sigma(0)).isZero();
    assertThat(process.scale(0)).isOne();
    assertThat(process.ornsteinUhlenbeckTime(0)).isZero();
    assertThat(process.halfLogSnr(0)).isEqualTo(Double.POSITIVE_INFINITY);
    assertThat(process.timeAtHalfLogSnr(Double.POSITIVE_INFINITY)).isZero();
    assertThat(process.defaultEnd()).isPositive().isLessThan(process.defaultStart());
    assertThat(process.defaultStart()).isLessThanOrEqualTo(process.maxTime());
  }

  @ParameterizedTest
  @MethodSource("processes")
  void timesOutsideAreRefused(Diffusion process) {
    for (double t : new double[] {-1e-9, Double.NaN, process.maxTime() * 1.01}) {
      if (t != Double.POSITIVE_INFINITY) {
        assertThatThrownBy(() -> process.requireTime("start", t))
            .isInstanceOf(IllegalArgumentException.class)
            .hasMessageStartingWith("start must lie in [0, ")
            .hasMessageContaining(process.name())
            .hasMessageEndingWith("but is " + t);
      }
    }
    process.requireTime("start", 0);
    process.requireTime("start", process.maxTime());
  }

  @ParameterizedTest
  @MethodSource("processes")
  void lambdasOutsideAreRefused(Diffusion process) {
    assertThatThrownBy(() -> process.timeAtHalfLogSnr(Double.NaN))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageContaining("lambda must be");
    if (process.maxTime() < Double.POSITIVE_INFINITY) {
      for (double below : new double[] {1e-3, 1, 1000}) {
        double lambda = process.halfLogSnr(process.maxTime()) - below;
        assertThatThrownBy(() -> process.timeAtHalfLogSnr(lambda))
            .isInstanceOf(IllegalArgumentException.class)
            .hasMessageContaining("lambda must be at least")
            .hasMessageContaining(process.name());
      }
    }
  }

  @Test
  void ornsteinUhlenbeckTimesGoOnForEver() {
    var ou = new OrnsteinUhlenbeck();
    assertThat(ou.timeAtHalfLogSnr(-500)).isCloseTo(500, within(1e-10));
    assertThat(ou.halfLogSnr(500)).isCloseTo(-500, within(1e-10));
    assertThat(ou.alpha(Double.POSITIVE_INFINITY)).isZero();
    assertThat(ou.sigma(Double.POSITIVE_INFINITY)).isOne();
    assertThat(OrnsteinUhlenbeck.noiseVariance(1e-18)).isEqualTo(2e-18);
  }

  @ParameterizedTest
  @ValueSource(doubles = {0, -1, Double.NaN, Double.POSITIVE_INFINITY})
  void badNoiseLevelsAreRefused(double sigmaMax) {
    assertThatThrownBy(() -> new VarianceExploding(sigmaMax))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageContaining("sigmaMax must be finite and > 0, but is " + sigmaMax);
  }

  @ParameterizedTest
  @CsvSource({"0, 1", "-1, 1", "2, 1", "NaN, 1", "1, NaN", "1, Infinity"})
  void badRatesAreRefused(double betaMin, double betaMax) {
    assertThatThrownBy(() -> new VariancePreserving(betaMin, betaMax))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageContaining("betaMin and betaMax must be finite with 0 < betaMin <= betaMax");
  }

  @Test
  void builtInProcessesAreFoundByName() {
    assertThat(Diffusions.builtIn().stream().map(Diffusion::name))
        .isEqualTo(List.of("ou", "vp", "vp-cosine", "ve"));
    for (Diffusion process : Diffusions.builtIn()) {
      assertThat(Diffusions.named(process.name())).isSameAs(process);
    }
    assertThatThrownBy(() -> Diffusions.named("ddpm"))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessage("process must be one of [ou, vp, vp-cosine, ve], but is 'ddpm'");
  }
}
