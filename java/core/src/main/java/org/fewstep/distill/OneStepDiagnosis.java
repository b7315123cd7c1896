package org.fewstep.distill;

/**
 * One step against many at equal total parameters: whether a single network can take the whole way.
 *
 * <p>A single map has to part states at the places where the flow chooses a mode as strongly as the
 * whole flow does; each of many maps only as its own segment does. A network that parts them less
 * than the exact map cannot follow it there: the mismatch of Lipschitz constants that arXiv
 * 2606.03820 names as what makes one step unfavourable. It is so for sharp, well separated modes,
 * and not always.
 *
 * @param many the composition
 * @param one a single network with no more parameters than those of the composition together,
 *     trained for as many steps on as many rows
 */
public record OneStepDiagnosis(DistillationResult many, DistillationResult one) {

  /** The error of the single network over that of the composition: above 1 where many steps win. */
  public double errorRatio() {
    return one.error().mean() / many.error().mean();
  }

  /** How much more the exact flow parts states than the single network does, at the most. */
  public double mismatchOfOne() {
    SegmentReport whole = one.segments().get(0);
    return whole.exactAmplification() / whole.learnedAmplification();
  }

  /** The same of the segment of the composition where it is largest. */
  public double largestMismatchOfMany() {
    return many.segments().stream()
        .mapToDouble(segment -> segment.exactAmplification() / segment.learnedAmplification())
        .max()
        .orElseThrow();
  }
}
