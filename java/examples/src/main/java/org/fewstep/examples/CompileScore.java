package org.fewstep.examples;

import org.fewstep.backend.Backend;
import org.fewstep.backend.Backends;
import org.fewstep.backend.Batch;
import org.fewstep.backend.Precision;
import org.fewstep.diffusion.OrnsteinUhlenbeck;
import org.fewstep.flow.Flow;
import org.fewstep.flow.FlowResult;
import org.fewstep.flow.NetworkField;
import org.fewstep.mixture.ExampleMixtures;
import org.fewstep.mixture.GaussianMixture;
import org.fewstep.network.CompiledScore;
import org.fewstep.network.NetworkCompiler;

/** Compiles the score of a mixture into networks, and lets a solver run on them. */
public final class CompileScore {

  private CompileScore() {}

  /** Prints what the compiler guarantees, and how far both flows end from one another. */
  public static void main(String[] args) {
    GaussianMixture ring = ExampleMixtures.named("ring8?sigma=0.1");
    CompiledScore compiled =
        NetworkCompiler.of(ring, new OrnsteinUhlenbeck()).withTolerance(1e-3).compile(0.01, 3);
    System.out.printf(
        "%d networks of at most %d layers and %d units: score within %.1e%n",
        compiled.pieces().size(), compiled.depth(), compiled.width(), compiled.errorBound());

    Flow exact = Flow.of(ring).withTimes(3, 0.01);
    Flow learned = Flow.of(NetworkField.of(compiled.pieces())).withTimes(3, 0.01);
    try (Backend backend = Backends.best();
        Batch noise = exact.noise(backend, 1000, Precision.FLOAT32, 1);
        FlowResult one = exact.run(backend, noise);
        FlowResult other = learned.run(backend, noise)) {
      System.out.printf(
          "largest distance of end states: %.1e%n",
          largestDifference(one.end().toFloatArray(), other.end().toFloatArray()));
    }
  }

  private static double largestDifference(float[] one, float[] other) {
    double largest = 0;
    for (int i = 0; i < one.length; i++) {
      largest = Math.max(largest, Math.abs(one[i] - other[i]));
    }
    return largest;
  }
}
