package org.fewstep.flow;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import java.util.Arrays;
import java.util.function.DoubleUnaryOperator;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class ExponentialWeightsTest {

  private static final double[][] NODES = {
    {0}, {0, -0.7}, {1, 0}, {0, -1.3, -1.9}, {1, 0, -0.5}, {1, 0, -0.8, -2}
  };

  @ParameterizedTest
  @ValueSource(doubles = {1e-9, 1e-3, 0.3, 0.999, 1.001, 3, 20, -1e-9, -0.4, -0.999, -1.001, -6})
  void momentsAreThoseOfQuadrature(double h) {
    for (int i = 0; i < 4; i++) {
      int power = i;
      double expected = integral(u -> Math.exp(h * (u - 1)) * Math.pow(u, power));
      assertThat(ExponentialWeights.moment(h, i)).isCloseTo(expected, within(1e-12 * expected));
    }
  }

  @ParameterizedTest
  @ValueSource(doubles = {1e-4, 0.5, 2, 9, -0.5, -3})
  void weightsIntegrateEveryPolynomialThroughTheNodes(double h) {
    for (double[] nodes : NODES) {
      for (int power = 0; power < nodes.length; power++) {
        int p = power;
        double[] values = Arrays.stream(nodes).map(u -> Math.pow(u, p)).toArray();
        double expected = h * integral(u -> Math.exp(h * (u - 1)) * Math.pow(u, p));
        double scale = Math.abs(expected) + Math.abs(h);
        assertThat(dot(ExponentialWeights.exponential(nodes, h), values))
            .isCloseTo(expected, within(1e-12 * scale));
        assertThat(dot(ExponentialWeights.plain(nodes, h), values))
            .isCloseTo(h / (p + 1), within(1e-12 * scale));
      }
    }
  }

  @Test
  void onePointIsWeighedByTheWholeExponentialEvenOverAnInfiniteStep() {
    assertThat(ExponentialWeights.ofState(new double[] {0}, 0.3))
        .containsExactly(-Math.expm1(-0.3));
    assertThat(ExponentialWeights.ofState(new double[] {0}, Double.POSITIVE_INFINITY))
        .containsExactly(1);
  }

  @Test
  void twoPointsAreThoseOfDpmSolver2M() {
    double h = 0.8;
    double previous = 0.5;
    double r = previous / h;
    double mean = -Math.expm1(-h);
    double[] weights = ExponentialWeights.ofState(new double[] {0, -previous / h}, h);
    assertThat(weights[0]).isCloseTo(mean * (1 + 1 / (2 * r)), within(1e-14));
    assertThat(weights[1]).isCloseTo(-mean / (2 * r), within(1e-14));
  }

  @Test
  void threePointsAreThoseOfTheFormulaOf3M() {
    double h = 0.7;
    double r0 = 0.9;
    double r1 = 1.4;
    double[] weights = ExponentialWeights.ofState(new double[] {0, -r0, -r0 - r1}, h);
    double[] denoised = {0.3, -1.1, 2.2};
    double d0 = (denoised[0] - denoised[1]) / r0;
    double d1 = (denoised[1] - denoised[2]) / r1;
    double first = d0 + r0 * (d0 - d1) / (r0 + r1);
    double second = 2 * (d0 - d1) / (r0 + r1);
    double mean = -Math.expm1(-h);
    double expected =
        mean * denoised[0]
            + (1 - mean / h) * first
            + (0.5 - (Math.exp(-h) - 1 + h) / (h * h)) * second;
    assertThat(dot(weights, denoised)).isCloseTo(expected, within(1e-13));
  }

  @Test
  void aCorrectorOfOrderTwoSolvesTheEquationsOfUniPc() {
    // UniC-2: B sum_k rho_k r_k^(i-1) = h phi_{i+1} i!/..., that is the moments, for i = 1, 2;
    // x gets B rho_k (D_k - D_0)/r_k, and the rest of the whole exponential goes to D_0.
    double h = 0.6;
    double r = -1.2;
    double m1 = h * ExponentialWeights.moment(h, 1);
    double m2 = h * ExponentialWeights.moment(h, 2);
    // Unknowns B rho_1 (node r) and B rho_2 (node 1): sum = m1, r rho_1 + rho_2 = m2.
    double rho1 = (m2 - m1) / (r - 1);
    double rho2 = m1 - rho1;
    double[] weights = ExponentialWeights.ofState(new double[] {1, 0, r}, h);
    assertThat(weights[0]).isCloseTo(rho2, within(1e-13));
    assertThat(weights[2]).isCloseTo(rho1 / r, within(1e-13));
    assertThat(weights[1]).isCloseTo(-Math.expm1(-h) - rho2 - rho1 / r, within(1e-13));
  }

  private static double dot(double[] a, double[] b) {
    double sum = 0;
    for (int i = 0; i < a.length; i++) {
      sum += a[i] * b[i];
    }
    return sum;
  }

  /** Over [0, 1], by Simpson's rule on 20,000 intervals. */
  private static double integral(DoubleUnaryOperator f) {
    int n = 20_000;
    double sum = f.applyAsDouble(0) + f.applyAsDouble(1);
    for (int i = 1; i < n; i++) {
      sum += (i % 2 == 1 ? 4 : 2) * f.applyAsDouble((double) i / n);
    }
    return sum / (3 * n);
  }
}
