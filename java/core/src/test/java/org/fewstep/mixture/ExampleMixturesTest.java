package org.fewstep.mixture;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

class ExampleMixturesTest {

  @ParameterizedTest
  @CsvSource({
    "ring8, 8, 2, 0.05", "bimodal, 2, 1, 0.05", "two-modes, 2, 2, 0.02", "grid16, 16, 2, 0.05",
    "moons, 50, 2, 0", "gauss8d, 10, 8, 0.1", "gauss64d, 32, 64, 0.1",
        "ring8?sigma=0.25, 8, 2, 0.25",
    "moons?sigma=1e-1, 50, 2, 0.1", "bimodal?sigma=0, 2, 1, 0"
  })
  void everyExampleHasItsSizeAndSigma(String specification, int components, int d, double sigma) {
    GaussianMixture mixture = ExampleMixtures.named(specification);
    assertThat(mixture.components()).isEqualTo(components);
    assertThat(mixture.dimension()).isEqualTo(d);
    assertThat(mixture.sharedSigma()).contains(sigma);
  }

  @Test
  void everyNameIsAnExample() {
    assertThat(ExampleMixtures.names()).hasSize(7).allSatisfy(ExampleMixtures::named);
  }

  @Test
  void theMeansAreWhereTheyAreSaidToBe() {
    GaussianMixture ring = ExampleMixtures.named("ring8");
    assertThat(ring.mean(0, 0)).isEqualTo(2);
    assertThat(ring.mean(2, 1)).isEqualTo(2);
    for (int k = 0; k < 8; k++) {
      assertThat(Math.hypot(ring.mean(k, 0), ring.mean(k, 1))).isCloseTo(2, within(1e-15));
    }
    GaussianMixture two = ExampleMixtures.named("two-modes");
    assertThat(two.weight(0)).isEqualTo(0.8);
    assertThat(two.mean(1, 1)).isEqualTo(0.5);
    GaussianMixture grid = ExampleMixtures.named("grid16");
    assertThat(grid.mean(0, 0)).isEqualTo(-1.5);
    assertThat(grid.mean(15, 1)).isEqualTo(1.5);
    assertThat(grid.mean(1, 0) - grid.mean(0, 0)).isEqualTo(1);
    GaussianMixture moons = ExampleMixtures.named("moons");
    assertThat(moons.mean(0, 0)).isEqualTo(1);
    assertThat(moons.mean(25, 0)).isZero();
    assertThat(moons.mean(25, 1)).isEqualTo(0.5);
    // Fixed for ever: results that people publish depend on them.
    assertThat(ExampleMixtures.named("gauss8d").mean(0, 0)).isEqualTo(GAUSS8D_FIRST);
    assertThat(ExampleMixtures.named("gauss64d").mean(31, 63)).isEqualTo(GAUSS64D_LAST);
  }

  private static final double GAUSS8D_FIRST = 1.535612196870151;
  private static final double GAUSS64D_LAST = 1.5971499021071647;

  @ParameterizedTest
  @ValueSource(strings = {"ring9", "", "Ring8", "?sigma=1", "example:ring8"})
  void unknownNamesAreRefusedWithTheList(String specification) {
    assertThatThrownBy(() -> ExampleMixtures.named(specification))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageContaining("example must be one of [ring8, bimodal,")
        .hasMessageContaining("but is '" + specification.split("\\?", 2)[0] + "'");
  }

  @ParameterizedTest
  @CsvSource({
    "ring8?, option must be sigma=S",
    "ring8?radius=1, option must be sigma=S",
    "ring8?sigma, option must be sigma=S",
    "ring8?Sigma=1, option must be sigma=S",
    "ring8?sigma=, sigma must be a number",
    "ring8?sigma=x, sigma must be a number",
    "ring8?sigma=1&sigma=2, sigma must be a number",
    "ring8?sigma=-1, sigma must be finite and >= 0",
    "ring8?sigma=NaN, sigma must be finite and >= 0",
    "ring8?sigma=Infinity, sigma must be finite and >= 0",
    "ring8?sigma=1e200, sigma must have a finite square",
  })
  void badOptionsAreRefused(String specification, String message) {
    assertThatThrownBy(() -> ExampleMixtures.named(specification))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageContaining(message);
  }
}
