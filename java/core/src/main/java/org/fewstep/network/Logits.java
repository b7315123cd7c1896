package org.fewstep.network;

/** The logits of a softmax, as combinations of values of a network under construction. */
interface Logits {

  /** The number K of logits. */
  int count();

  /** The first level at which all of them can be read. */
  int level();

  /** Adds {@code factor} times logit k to a sum. */
  void addTo(Combination sum, double factor, int k);

  /**
   * A number that no logit exceeds, if the largest one is to be rounded once before it is
   * subtracted from the others (which keeps digits where they are huge but the largest is not, and
   * takes a level); else infinity.
   */
  default double ceiling() {
    return Double.POSITIVE_INFINITY;
  }
}
