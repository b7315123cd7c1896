package org.fewstep.backend.vector;

import org.fewstep.mixture.ExpandedForm;
import org.fewstep.mixture.GaussianMixture;

/**
 * The means of a mixture, packed once for the blocked kernel whatever the time: {@code nu_k = mu_k
 * - c}, with c the mean of the mixture, rounded to float32.
 *
 * <p>Centring takes out what all means have in common, which would only cost digits: the rounding
 * error of the expanded form grows with the squares of |x| and |mu|.
 *
 * <p>They are held twice, in the panels of {@link FloatBlockedTile}: once with a column for each
 * component, for the logits {@code X nu^T}, and once with a column for each coordinate, for the
 * weighted means {@code R nu}. Columns and rows that fill the last panel are zero.
 */
final class FloatBlockedMeans {

  private static final int SHORT_CHAIN = 16;

  private static final int LONG_CHAIN = 32;

  /** From here on long chains err less than plain differences do, and are a tenth quicker. */
  private static final int LONG_CHAIN_DIMENSION = 128;

  private static final int COLUMNS = FloatBlockedTile.COLUMNS;

  private final GaussianMixture mixture;
  private final double[] centre;
  private final float[] componentPanels;
  private final float[] coordinatePanels;
  private final double[] chainSquares;

  FloatBlockedMeans(GaussianMixture mixture) {
    this.mixture = mixture;
    this.centre = ExpandedForm.centre(mixture);
    int components = mixture.components();
    int dimension = mixture.dimension();
    this.componentPanels = new float[paddedComponents() * dimension];
    this.coordinatePanels = new float[paddedDimension() * paddedComponents()];
    this.chainSquares = new double[chains() * components];
    for (int k = 0; k < components; k++) {
      for (int j = 0; j < dimension; j++) {
        float nu = (float) (mixture.mean(k, j) - centre[j]);
        componentPanels[panelIndex(k, j, dimension)] = nu;
        coordinatePanels[panelIndex(j, k, paddedComponents())] = nu;
        chainSquares[j / chain() * components + k] += (double) nu * nu;
      }
    }
  }

  /** Whether the panels of such a mixture fit into Java arrays. */
  static boolean fits(GaussianMixture mixture) {
    long components = padded(mixture.components());
    long dimension = padded(mixture.dimension());
    return components * dimension <= Integer.MAX_VALUE - 8L;
  }

  /** The index of an element in panels whose rows number {@code rows}. */
  private static int panelIndex(int column, int row, int rows) {
    return (column / COLUMNS * rows + row) * COLUMNS + column % COLUMNS;
  }

  /** A count rounded up to whole panels. */
  static int padded(int count) {
    return Math.ceilDiv(count, COLUMNS) * COLUMNS;
  }

  int components() {
    return mixture.components();
  }

  int dimension() {
    return mixture.dimension();
  }

  /** The number of components rounded up to whole panels. */
  int paddedComponents() {
    return padded(mixture.components());
  }

  /** The dimension rounded up to whole panels. */
  int paddedDimension() {
    return padded(mixture.dimension());
  }

  /** The number of products in a chain of a logit; see {@link #chainSquare}. */
  int chain() {
    return FloatBlockedTile.chain(
        mixture.dimension() < LONG_CHAIN_DIMENSION ? SHORT_CHAIN : LONG_CHAIN);
  }

  /** The number of chains that a logit is summed in. */
  int chains() {
    return Math.ceilDiv(mixture.dimension(), chain());
  }

  /** Coordinate j of the centre c. */
  double centre(int j) {
    return centre[j];
  }

  /** Coordinate j of nu_k, as rounded. */
  double mean(int component, int j) {
    return componentPanels[panelIndex(component, j, dimension())];
  }

  /**
   * The sum of the squares of nu_k over one chain of coordinates. Logits subtract it chain by chain
   * and not at the end, so that no partial sum gets much larger than what a chain contributes.
   */
  double chainSquare(int chain, int component) {
    return chainSquares[chain * components() + component];
  }

  /** Panels of components: [panel][coordinate][column]. */
  float[] componentPanels() {
    return componentPanels;
  }

  /** Panels of coordinates: [panel][component][column], components padded to whole panels. */
  float[] coordinatePanels() {
    return coordinatePanels;
  }
}
