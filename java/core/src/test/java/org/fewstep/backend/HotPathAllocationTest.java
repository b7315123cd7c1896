package org.fewstep.backend;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.fewstep.diffusion.OrnsteinUhlenbeck;
import org.fewstep.mixture.DiffusedMixture;
import org.fewstep.mixture.ExampleMixtures;
import org.fewstep.mixture.GaussianMixture;
import org.fewstep.network.Layer;
import org.fewstep.network.Network;
import org.fewstep.network.Unit;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/**
 * Kernels allocate nothing per call, in the caller's thread or in the pool's. The scalar backend's
 * alone: vectors are objects until the JIT has done its best, which benchmarks wait for.
 */
class HotPathAllocationTest {

  private static final int ROWS = 1700;

  @ParameterizedTest
  @ValueSource(ints = {1, 3})
  void nothingIsAllocatedPerCall(int threads) {
    GaussianMixture ring = ExampleMixtures.named("ring8");
    var process = new OrnsteinUhlenbeck();
    DiffusedMixture at = DiffusedMixture.at(ring, process, 0.5);
    try (Backend backend = TestBackends.open("scalar", threads)) {
      List<Batch> batches = new ArrayList<>();
      for (int i = 0; i < 5; i++) {
        batches.add(backend.allocate(ROWS, 2, Precision.FLOAT32));
      }
      Batch x = batches.get(0);
      Batch one = backend.allocate(ROWS, 1, Precision.FLOAT32);
      Batch other = backend.allocate(ROWS, 1, Precision.FLOAT32);
      Batch times = backend.allocate(ROWS, 1, Precision.FLOAT64);
      backend.uniform(times, 1, 0);
      MixtureOutputs value = MixtureOutputs.none().withScore(batches.get(1)).withLogDensity(one);
      MixtureOutputs all =
          value
              .withPosteriorMean(batches.get(2))
              .withDivergence(other)
              .withJvp(batches.get(3), batches.get(4));
      Map<String, Double> per = new LinkedHashMap<>();
      Plan plan = Plans.heun(process, Plans.knots(2, 0.1, 3));
      TrajectoryOutputs end = TrajectoryOutputs.end(batches.get(1));
      List<Batch> terms = List.of(batches.get(1), batches.get(2));
      double[] weights = {0.5, 0.5};
      ErrorEstimate error = new ErrorEstimate(weights, 1, 1, one);
      measure(per, "normal", () -> backend.normal(x, 1, 0));
      measure(per, "uniform", () -> backend.uniform(x, 1, 0));
      measure(per, "values", () -> backend.mixture(at, x, value));
      measure(per, "derivatives", () -> backend.mixture(at, x, all));
      measure(per, "a time per row", () -> backend.mixture(ring, process, times, x, value));
      measure(per, "trajectory", () -> backend.trajectory(ring, plan, x, end));
      measure(per, "combine", () -> backend.combine(x, terms, weights));
      measure(per, "step", () -> backend.step(x, terms, times, weights, batches.get(3), error));
      Batch sums = backend.allocate(1, 3, Precision.FLOAT64);
      measure(per, "steinSums", () -> backend.steinSums(x, batches.get(1), one, sums));
      Network network = smallNetwork();
      NetworkOutputs derivatives =
          NetworkOutputs.none()
              .withValue(batches.get(1))
              .withDivergence(one)
              .withJvp(batches.get(2), batches.get(3))
              .withVjp(batches.get(2), batches.get(4));
      measure(
          per, "trajectory of a network", () -> backend.networkTrajectory(network, plan, x, end));
      measure(per, "network", () -> backend.network(network, 0, x, derivatives));
      measure(per, "draw", () -> backend.draw(batches.get(1), x, 1, 0));
      assertThat(per).allSatisfy((what, bytes) -> assertThat(bytes).as(what).isZero());
      batches.forEach(Batch::close);
      one.close();
      other.close();
      times.close();
      sums.close();
    }
  }

  private static Network smallNetwork() {
    double[] weights = {1, -0.5, 0.25, 2};
    double[] bias = {0.1, -0.2};
    return Network.of(
        List.of(
            Layer.dense(2, weights, bias, Unit.REQU), Layer.dense(2, weights, bias, Unit.LINEAR)),
        Network.Output.VELOCITY);
  }

  private static void measure(Map<String, Double> per, String what, Runnable call) {
    for (int i = 0; i < 60; i++) {
      call.run();
    }
    per.put(what, Allocation.perCall("fewstep-", 40, call));
  }
}
