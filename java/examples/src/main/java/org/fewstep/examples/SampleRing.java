package org.fewstep.examples;

import java.util.Arrays;
import org.fewstep.backend.Backend;
import org.fewstep.backend.Backends;
import org.fewstep.backend.Batch;
import org.fewstep.backend.Precision;
import org.fewstep.flow.Flow;
import org.fewstep.flow.FlowResult;
import org.fewstep.mixture.ExampleMixtures;

/** The first program: noise becomes samples of eight modes on a ring, in eight steps. */
public final class SampleRing {

  private SampleRing() {}

  /** Prints how many of 10,000 samples each mode received. */
  public static void main(String[] args) {
    Flow flow = Flow.of(ExampleMixtures.named("ring8"));
    try (Backend backend = Backends.best();
        Batch noise = flow.noise(backend, 10_000, Precision.FLOAT32, 1);
        FlowResult result = flow.run(backend, noise)) {
      System.out.printf(
          "%s on %s, backend %s%n", result.solver(), result.grid().kind(), result.backend());
      System.out.println(Arrays.toString(countModes(result.end().toFloatArray())));
    }
  }

  /** The modes sit at multiples of 45 degrees. */
  private static int[] countModes(float[] samples) {
    int[] counts = new int[8];
    for (int i = 0; i < samples.length; i += 2) {
      double angle = Math.atan2(samples[i + 1], samples[i]);
      counts[Math.floorMod(Math.round(angle / (Math.PI / 4)), 8)]++;
    }
    return counts;
  }
}
