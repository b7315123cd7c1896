package org.fewstep.examples;

import java.io.IOException;
import org.fewstep.backend.Backend;
import org.fewstep.backend.Backends;
import org.fewstep.backend.Batch;
import org.fewstep.backend.Precision;
import org.fewstep.diffusion.OrnsteinUhlenbeck;
import org.fewstep.distill.Distillation;
import org.fewstep.distill.DistillationOptions;
import org.fewstep.distill.DistillationResult;
import org.fewstep.distill.SegmentReport;
import org.fewstep.grid.TimeGrid;
import org.fewstep.grid.TimeGrids;
import org.fewstep.mixture.ExampleMixtures;
import org.fewstep.mixture.GaussianMixture;

/** Distils the flow of a ring into four small networks, and samples by them. */
public final class DistillRing {

  private DistillRing() {}

  /** Prints the error of every segment, the error at the end, and the mean radius of samples. */
  public static void main(String[] args) throws IOException {
    GaussianMixture ring = ExampleMixtures.named("ring8?sigma=0.1");
    DistillationOptions options = new DistillationOptions(2);
    options = options.withTraining(options.training().withSteps(2000).withSeed(1));
    try (Backend backend = Backends.best()) {
      TimeGrid grid = TimeGrids.typical(ring, new OrnsteinUhlenbeck(), 3, 1e-2, 4, backend, 0);
      DistillationResult result = Distillation.of(ring).withOptions(options).run(backend, grid);
      for (SegmentReport segment : result.segments()) {
        System.out.printf(
            "%.3f -> %.3f: error %.1e%n",
            segment.start(), segment.end(), segment.localError().mean());
      }
      System.out.printf("end to end: error %.1e%n", result.error().mean());
      try (Batch x = result.flow().noise(backend, 10_000, Precision.FLOAT32, 1)) {
        result.flow().sample(backend, x, x);
        System.out.printf("mean radius %.2f%n", meanRadius(x.toFloatArray()));
      }
    }
  }

  private static double meanRadius(float[] samples) {
    double sum = 0;
    for (int i = 0; i < samples.length; i += 2) {
      sum += Math.hypot(samples[i], samples[i + 1]);
    }
    return sum / (samples.length / 2);
  }
}
