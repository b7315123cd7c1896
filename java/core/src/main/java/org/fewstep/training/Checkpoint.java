package org.fewstep.training;

import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.Map;

/**
 * A training as it stands after some steps, from which it goes on to the same bits.
 *
 * @param configuration what the training is, word by word: a checkpoint serves none other
 * @param step the steps done
 * @param vectors parameters and the optimiser's moments, by name; float32 values are exact in them
 */
public record Checkpoint(
    Map<String, String> configuration, long step, Map<String, double[]> vectors) {

  /** Keeps its own copies of the maps. */
  public Checkpoint {
    if (step < 0) {
      throw new IllegalArgumentException("step must be at least 0, but is " + step);
    }
    configuration = Collections.unmodifiableMap(new LinkedHashMap<>(configuration));
    vectors = Collections.unmodifiableMap(new LinkedHashMap<>(vectors));
  }

  /**
   * Checks that this is of that training.
   *
   * @throws IllegalArgumentException naming the first setting that differs
   */
  public void requireConfiguration(Map<String, String> wanted) {
    wanted.forEach(
        (key, value) -> {
          String found = configuration.get(key);
          if (!value.equals(found)) {
            throw new IllegalArgumentException(
                "the checkpoint is of another training: its %s is %s, not %s; remove it or train as"
                        .formatted(key, found, value)
                    + " it says");
          }
        });
  }

  /**
   * A vector of that name and length.
   *
   * @throws IllegalArgumentException if there is none
   */
  public double[] vector(String name, int length) {
    double[] vector = vectors.get(name);
    if (vector == null || vector.length != length) {
      throw new IllegalArgumentException(
          "the checkpoint must hold %d values of %s, but holds %s"
              .formatted(length, name, vector == null ? "none" : vector.length));
    }
    return vector;
  }
}
