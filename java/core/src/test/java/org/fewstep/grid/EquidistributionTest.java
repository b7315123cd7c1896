package org.fewstep.grid;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import org.fewstep.diffusion.OrnsteinUhlenbeck;
import org.junit.jupiter.api.Test;

class EquidistributionTest {

  private static final double VARIANCE = 0.04;
  private static final double START = 2;
  private static final double END = 0.01;

  private static double coordinate(double t) {
    return 0.5 * Math.log((Math.expm1(2 * t) + VARIANCE) / (Math.expm1(2 * END) + VARIANCE));
  }

  private static TimeGrid cut(int segments, double[] times, double... density) {
    return Equidistribution.ofDensity(GridKind.STABILITY, times, density, segments);
  }

  @Test
  void nodesAreEquallySpacedInTheLogOfTheNoiseAndTheDataTogether() {
    NoiseCoordinate nodes = new NoiseCoordinate(new OrnsteinUhlenbeck(), VARIANCE, START, END);
    double length = coordinate(START);
    double[] times = nodes.times(length / 6.5, 3, 100);
    assertThat(times).hasSize(8).startsWith(END).endsWith(START);
    for (int i = 0; i < 8; i++) {
      assertThat(coordinate(times[i])).isCloseTo(length * i / 7, within(1e-13));
    }
    assertThat(nodes.times(1e9, 3, 100)).hasSize(4);
    assertThat(nodes.times(1e-9, 3, 100)).hasSize(101);
  }

  /** A constant density gives knots that are equally spaced, whatever the nodes. */
  @Test
  void aConstantDensityIsCutEvenly() {
    TimeGrid grid = cut(7, new double[] {0, 0.1, 3, 3.5}, 2, 2, 2, 2);
    for (int i = 0; i <= 7; i++) {
      assertThat(grid.cumulative(i)).isCloseTo(i, within(1e-14));
      assertThat(grid.knot(i)).isCloseTo(3.5 - 0.5 * i, within(1e-14));
    }
  }

  /** Within one cell the density is linear and its integral quadratic, up or down. */
  @Test
  void aLinearDensityIsInvertedExactly() {
    for (double[] density : new double[][] {{1, 3}, {3, 1}, {0, 1}, {1, 0}, {1, 1 + 1e-15}}) {
      TimeGrid grid = cut(10, new double[] {2, 6}, density);
      double total = 2 * (density[0] + density[1]);
      for (int i = 0; i <= 10; i++) {
        double t = grid.knot(i) - 2;
        double below = t * (density[0] + t / 8 * (density[1] - density[0]));
        assertThat(below).isCloseTo(total * (10 - i) / 10, within(1e-12));
      }
    }
  }

  /** Time over which the density is zero holds no knot. */
  @Test
  void emptyStretchesAreSkipped() {
    TimeGrid grid = cut(4, new double[] {0, 1, 2, 3, 4, 5}, 0, 0, 1, 1, 0, 0);
    for (int i = 1; i < 4; i++) {
      assertThat(grid.knot(i)).isBetween(1.0, 4.0);
    }
  }
}
