package org.fewstep.backend.scalar;

import org.fewstep.backend.Batch;

/** Sums over batches as the formulas are written. */
final class Reductions {

  private Reductions() {}

  /** The sums of Stein's coefficient, row by row on one thread. */
  static void steinSums(Batch x, Batch u, Batch divergence, Batch sums) {
    double products = 0;
    double squares = 0;
    double divergences = 0;
    int columns = x.columns();
    for (long row = 0; row < x.rows(); row++) {
      double product = 0;
      double square = 0;
      for (long e = row * columns; e < (row + 1) * columns; e++) {
        double displacement = Elements.get(u, e);
        product += displacement * Elements.get(x, e);
        square += displacement * displacement;
      }
      products += product;
      squares += square;
      divergences += Elements.get(divergence, row);
    }
    Elements.set(sums, 0, products);
    Elements.set(sums, 1, squares);
    Elements.set(sums, 2, divergences);
  }
}
