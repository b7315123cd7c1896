package org.fewstep.backend.vector;

import org.fewstep.mixture.DiffusedMixture;

/**
 * A mixture at one time in its packed forms.
 *
 * @param kernel the difference form, for every output
 * @param blocked the expanded form for values alone, or null where it would lose digits or time
 */
record FloatPackedMixture(FloatMixtureKernel kernel, FloatBlockedMixture blocked) {

  static FloatPackedMixture of(DiffusedMixture mixture) {
    MixtureTime time = MixtureTime.of(mixture);
    return new FloatPackedMixture(FloatMixtureKernel.of(time), FloatBlockedMixture.of(time));
  }
}
