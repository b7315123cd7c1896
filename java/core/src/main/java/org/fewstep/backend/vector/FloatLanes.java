package org.fewstep.backend.vector;

import jdk.incubator.vector.FloatVector;
import jdk.incubator.vector.VectorSpecies;

/**
 * The shape of the float32 kernels. Points are worked on in groups of two vectors, which is what
 * hides the latency of the arithmetic: a group is stored coordinate by coordinate, {@code
 * [d][GROUP]}, and the groups of a tile follow one another.
 */
final class FloatLanes {

  static final VectorSpecies<Float> SPECIES = FloatVector.SPECIES_PREFERRED;

  /** Lanes of one vector. */
  static final int LENGTH = SPECIES.length();

  /** Points of one group. */
  static final int GROUP = 2 * LENGTH;

  private FloatLanes() {}
}
