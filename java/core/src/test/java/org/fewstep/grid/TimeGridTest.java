package org.fewstep.grid;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;

import org.junit.jupiter.api.Test;

class TimeGridTest {

  @Test
  void aUsersGridKeepsItsKnotsAndMeasuresElapsedTime() {
    double[] knots = {3, 1, 0.5, 0};
    TimeGrid grid = TimeGrid.of(knots);
    knots[1] = 2;
    grid.knots()[2] = 2;
    grid.cumulative()[2] = 7;
    assertThat(grid.kind()).isEqualTo("custom");
    assertThat(grid.segments()).isEqualTo(3);
    assertThat(grid.knots()).containsExactly(3, 1, 0.5, 0);
    assertThat(grid.cumulative()).containsExactly(0, 2, 2.5, 3);
    assertThat(grid.knot(1)).isEqualTo(1);
    assertThat(grid.cumulative(1)).isEqualTo(2);
    assertThat(grid.start()).isEqualTo(3);
    assertThat(grid.end()).isZero();
    assertThat(grid).hasToString("TimeGrid[custom:3, 3.0 down to 0.0]");
  }

  @Test
  void gridsAreEqualByValue() {
    TimeGrid grid = TimeGrid.of(2, 1);
    assertThat(grid).isEqualTo(TimeGrid.of(2, 1)).hasSameHashCodeAs(TimeGrid.of(2, 1));
    assertThat(grid).isNotEqualTo(TimeGrid.of(2, 1.5)).isNotEqualTo(null);
    assertThat(grid)
        .isNotEqualTo(TimeGrid.of("other", new double[] {2, 1}, new double[] {0, 1}))
        .isNotEqualTo(TimeGrid.of("custom", new double[] {2, 1}, new double[] {0, 2}));
  }

  @Test
  void knotsThatDoNotDescendAreNamedWithTheirValues() {
    assertThatIllegalArgumentException()
        .isThrownBy(() -> TimeGrid.of(3, 1, 1))
        .withMessageContaining("knots[2] = 1.0 is not below knots[1] = 1.0");
    assertThatIllegalArgumentException()
        .isThrownBy(() -> TimeGrid.of(1, 2))
        .withMessageContaining("knots[1] = 2.0 is not below knots[0] = 1.0");
  }

  @Test
  void knotsThatAreNoTimesAreNamedWithTheirValues() {
    assertThatIllegalArgumentException()
        .isThrownBy(() -> TimeGrid.of(3, Double.NaN, 1))
        .withMessageContaining("knots[1] must be finite and >= 0, but is NaN");
    assertThatIllegalArgumentException()
        .isThrownBy(() -> TimeGrid.of(Double.POSITIVE_INFINITY, 1))
        .withMessageContaining("knots[0]");
    assertThatIllegalArgumentException()
        .isThrownBy(() -> TimeGrid.of(1, -0.5))
        .withMessageContaining("knots[1] must be finite and >= 0, but is -0.5");
    assertThatIllegalArgumentException()
        .isThrownBy(() -> TimeGrid.of(1.0))
        .withMessageContaining("at least 2 times, but has 1");
    assertThatIllegalArgumentException()
        .isThrownBy(TimeGrid::of)
        .withMessageContaining("at least 2 times, but has 0");
  }

  @Test
  void cumulativeCoordinatesMustFitTheKnots() {
    double[] knots = {2, 1, 0};
    assertThatIllegalArgumentException()
        .isThrownBy(() -> TimeGrid.of("k", knots, new double[] {0, 1}))
        .withMessageContaining("one value per knot (3), but has 2");
    assertThatIllegalArgumentException()
        .isThrownBy(() -> TimeGrid.of("k", knots, new double[] {1, 1, 2}))
        .withMessageContaining("cumulative[0] must be 0, but is 1.0");
    assertThatIllegalArgumentException()
        .isThrownBy(() -> TimeGrid.of("k", knots, new double[] {0, 2, 1}))
        .withMessageContaining("cumulative[2] = 1.0");
    assertThatIllegalArgumentException()
        .isThrownBy(() -> TimeGrid.of("k", knots, new double[] {0, Double.NaN, 1}))
        .withMessageContaining("cumulative[1] = NaN");
    assertThatIllegalArgumentException()
        .isThrownBy(() -> TimeGrid.of("k", knots, new double[] {0, 1, Double.POSITIVE_INFINITY}))
        .withMessageContaining("cumulative[2] = Infinity");
  }
}
