package org.fewstep.distill;

import java.util.zip.CRC32C;
import org.fewstep.mixture.FullCovariance;
import org.fewstep.mixture.GaussianMixture;

/** A mixture in a few letters, the same in every run of a program. */
final class Fingerprint {

  private Fingerprint() {}

  /** K, d, and a checksum of every number. */
  static String of(GaussianMixture mixture) {
    CRC32C sum = new CRC32C();
    for (int k = 0; k < mixture.components(); k++) {
      add(sum, mixture.weight(k));
      for (int i = 0; i < mixture.dimension(); i++) {
        add(sum, mixture.mean(k, i));
        add(sum, mixture.covariance().eigenvalue(k, i));
        if (mixture.covariance() instanceof FullCovariance full) {
          for (int j = 0; j < mixture.dimension(); j++) {
            add(sum, full.eigenvector(k, i, j));
          }
        }
      }
    }
    return "%d components in %d dimensions, sum %08x"
        .formatted(mixture.components(), mixture.dimension(), sum.getValue());
  }

  private static void add(CRC32C sum, double value) {
    long bits = Double.doubleToLongBits(value);
    for (int shift = 0; shift < Long.SIZE; shift += Byte.SIZE) {
      sum.update((int) (bits >>> shift));
    }
  }
}
