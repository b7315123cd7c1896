package org.fewstep.grid;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import org.fewstep.diffusion.OrnsteinUhlenbeck;
import org.junit.jupiter.api.Test;

class EquidistributionTest {

  private static final double VARIANCE = 0.04;
  private static final double START = 2;
  private static final double END = 0.01;
  private static final NoiseCoordinate COORDINATE =
      new NoiseCoordinate(new OrnsteinUhlenbeck(), VARIANCE, START, END);

  private static double coordinate(double t) {
    return 0.5 * Math.log((Math.expm1(2 * t) + VARIANCE) / (Math.expm1(2 * END) + VARIANCE));
  }

  private static TimeGrid cut(int segments, double... density) {
    return Equidistribution.ofDensity(
        GridKind.STABILITY, START, END, segments, COORDINATE, density);
  }

  @Test
  void theCoordinateIsTheLogOfTheNoiseAndTheDataTogether() {
    assertThat(COORDINATE.length()).isCloseTo(coordinate(START), within(1e-14));
    for (double t : new double[] {0.010001, 0.02, 0.3, 1.9}) {
      assertThat(COORDINATE.time(coordinate(t))).isCloseTo(t, within(1e-13 * t));
    }
    assertThat(COORDINATE.time(0)).isEqualTo(END);
    assertThat(COORDINATE.time(COORDINATE.length())).isEqualTo(START);
  }

  /** A constant density in the coordinate gives knots that are equally spaced in it. */
  @Test
  void aConstantDensityIsCutEvenly() {
    TimeGrid grid = cut(7, 2, 2, 2, 2);
    assertThat(grid.cumulative(7)).isCloseTo(2 * COORDINATE.length(), within(1e-14));
    for (int i = 0; i <= 7; i++) {
      double expected = COORDINATE.length() * (7 - i) / 7;
      assertThat(coordinate(grid.knot(i))).isCloseTo(expected, within(1e-12));
    }
  }

  /** Within one cell the density is linear and its integral quadratic, up or down. */
  @Test
  void aLinearDensityIsInvertedExactly() {
    for (double[] density : new double[][] {{1, 3}, {3, 1}, {0, 1}, {1, 0}, {1, 1 + 1e-15}}) {
      TimeGrid grid = cut(10, density);
      double total = 0.5 * (density[0] + density[1]);
      for (int i = 0; i <= 10; i++) {
        double u = coordinate(grid.knot(i)) / COORDINATE.length();
        double below = u * (density[0] + 0.5 * u * (density[1] - density[0]));
        assertThat(below).isCloseTo(total * (10 - i) / 10, within(1e-12));
      }
    }
  }

  /** Time over which the density is zero holds no knot. */
  @Test
  void emptyStretchesAreSkipped() {
    TimeGrid grid = cut(4, 0, 0, 1, 1, 0, 0);
    for (int i = 1; i < 4; i++) {
      double u = coordinate(grid.knot(i)) / COORDINATE.length();
      assertThat(u).isBetween(0.2, 0.8);
    }
  }
}
