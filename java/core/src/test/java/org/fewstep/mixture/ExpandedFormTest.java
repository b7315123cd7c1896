package org.fewstep.mixture;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import java.util.Arrays;
import org.junit.jupiter.api.Test;

/** What cancels in the expanded form, by mixtures whose means one can add up in the head. */
class ExpandedFormTest {

  /** At (1, ..., 1) plus and minus a step along the first axis, in 64 dimensions. */
  private static double[][] pair(double step) {
    double[][] means = new double[2][64];
    for (int j = 0; j < 64; j++) {
      means[0][j] = means[1][j] = 1;
    }
    means[0][0] += step;
    means[1][0] -= step;
    return means;
  }

  private static GaussianMixture mixture(double step, Covariance covariance) {
    return GaussianMixture.of(pair(step), covariance);
  }

  @Test
  void whatAllMeansHaveInCommonCancelsNothing() {
    GaussianMixture mixture = mixture(3, Covariance.isotropic(2));
    assertThat(ExpandedForm.centre(mixture)).containsOnly(1);
    ExpandedForm form = new ExpandedForm(mixture, 0.5, 1);
    // (0.5 * 3)^2 / (0.25 * 4 + 1)
    assertThat(form.cancelling()).isCloseTo(1.125, within(1e-12));
    assertThat(form.radius()).isCloseTo(Math.sqrt(1.125) + 8 + 6, within(1e-12));
  }

  @Test
  void isotropicCovariancesCancelTheirPointsToo() {
    ExpandedForm form =
        new ExpandedForm(mixture(3, Covariance.isotropic(new double[] {1, 2})), 1, 0);
    assertThat(form.cancelling()).isCloseTo(9 + 0.5 * 64 * 4, within(1e-12));
    assertThat(form.radius()).isCloseTo(3 + 2 * 14, within(1e-12));
  }

  @Test
  void oneDiagonalCovarianceCountsEveryAxisByItsOwn() {
    double[] variances = new double[64];
    Arrays.fill(variances, 100);
    variances[0] = 0.25;
    ExpandedForm form = new ExpandedForm(mixture(3, Covariance.diagonal(variances)), 1, 0.75);
    assertThat(form.cancelling()).isCloseTo(9, within(1e-12));
  }

  @Test
  void componentsWithoutWeightDoNotCount() {
    double[][] means = {new double[64], pair(100)[0]};
    GaussianMixture mixture =
        GaussianMixture.of(new double[] {1, 0}, means, Covariance.isotropic(1));
    assertThat(new ExpandedForm(mixture, 1, 0).cancelling()).isZero();
  }

  @Test
  void isAccurateUpToThreeSquaresPerDimension() {
    double limit = Math.sqrt(3 * 64);
    assertThat(new ExpandedForm(mixture(0.999 * limit, Covariance.isotropic(1)), 1, 0).accurate())
        .isTrue();
    assertThat(new ExpandedForm(mixture(1.001 * limit, Covariance.isotropic(1)), 1, 0).accurate())
        .isFalse();
  }

  @Test
  void theErrorOfALogitIsThatOfTheTermsThatCancel() {
    ExpandedForm form = new ExpandedForm(mixture(3, Covariance.isotropic(0.001)), 1, 0);
    double terms = (3000 + 14) * 3000.0 + 0.5 * 9e6;
    assertThat(form.logitError()).isCloseTo(68 * 0x1p-23 * terms, within(1e-6));
    ExpandedForm many =
        new ExpandedForm(mixture(3, Covariance.isotropic(new double[] {1, 2})), 1, 0);
    double more = 31 * 3 + 4.5 + 0.5 * 31 * 31;
    assertThat(many.logitError()).isCloseTo(68 * 0x1p-23 * more, within(1e-12));
  }

  @Test
  void hasNoFormForManyMatrices() {
    GaussianMixture mixture = mixture(1, Covariance.diagonal(pair(0.5)));
    assertThat(ExpandedForm.supports(mixture)).isFalse();
    assertThatThrownBy(() -> new ExpandedForm(mixture, 1, 0))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageContaining("DiagonalCovariance");
  }
}
