package org.fewstep.backend;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.stream.Stream;
import org.fewstep.diffusion.Diffusion;
import org.fewstep.diffusion.OrnsteinUhlenbeck;
import org.fewstep.network.Network;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;

/**
 * Trajectories of networks by every backend that fuses them, against the definition of a plan, one
 * evaluation by the scalar backend after the other.
 */
@Tag("widths")
class NetworkTrajectoryParityTest {

  private static final Diffusion PROCESS = new OrnsteinUhlenbeck();
  private static final double[] KNOTS = Plans.knots(2, 0.25, 5);

  static Stream<Arguments> backends() {
    return TestBackends.names()
        .flatMap(name -> Stream.of(Precision.values()).map(p -> Arguments.of(name, p)));
  }

  private static List<Plan> plans() {
    return List.of(Plans.heun(PROCESS, KNOTS), Plans.multistep(PROCESS, KNOTS));
  }

  /** A drawn case whose network is said to give something else. */
  private static Network giving(NetworkCase drawn, Network.Output output) {
    Network from = drawn.network();
    Network network = Network.of(from.layers(), output);
    network = from.takesTime() ? network.withTimeInput() : network;
    return network.withTimes(PROCESS, from.timeLow(), from.timeHigh()).withFrame(from.frame());
  }

  private static List<NetworkCase> cases() {
    return Stream.concat(NetworkCase.few().stream(), NetworkCase.all().stream().limit(12))
        .filter(drawn -> drawn.network().inputs() == drawn.network().outputs())
        .toList();
  }

  private record Result(boolean fused, double[] end, List<double[]> knots) {}

  private static Result run(
      Backend backend, Network network, Plan plan, double[] x, Precision precision) {
    int d = network.inputs();
    int n = x.length / d;
    List<Batch> knots = new ArrayList<>();
    try (Batch points = backend.allocate(n, d, precision);
        Batch end = backend.allocate(n, d, precision)) {
      points.copyFrom(x);
      for (int i = 0; i <= plan.steps().size(); i++) {
        knots.add(backend.allocate(n, d, precision));
      }
      boolean fused =
          backend.networkTrajectory(network, plan, points, new TrajectoryOutputs(end, knots, null));
      backend.synchronize();
      return new Result(
          fused, end.toDoubleArray(), knots.stream().map(Batch::toDoubleArray).toList());
    } finally {
      knots.forEach(Batch::close);
    }
  }

  /** The states at all knots. */
  private static List<double[]> follow(Backend scalar, Network network, Plan plan, double[] x) {
    double[][] slots = new double[plan.slots()][x.length];
    slots[0] = x;
    List<double[]> knots = new ArrayList<>(List.of(x));
    for (Plan.Step step : plan.steps()) {
      for (Plan.Stage stage : step.stages()) {
        double[] y = combine(stage.inputs(), slots);
        slots[stage.target()] = evaluate(scalar, network, plan.evaluation(), stage.at().time(), y);
      }
      slots[0] = combine(step.update(), slots);
      knots.add(slots[0]);
    }
    return knots;
  }

  private static double[] combine(double[] weights, double[][] slots) {
    double[] sum = new double[slots[0].length];
    for (int j = 0; j < weights.length; j++) {
      for (int i = 0; i < sum.length; i++) {
        sum[i] += weights[j] * slots[j][i];
      }
    }
    return sum;
  }

  /** By way of the score. */
  private static double[] evaluate(
      Backend scalar, Network network, Plan.Evaluation wanted, double t, double[] y) {
    double f = PROCESS.drift(t);
    double h = PROCESS.halfSquaredDiffusion(t);
    double alpha = PROCESS.alpha(t);
    double variance = PROCESS.sigma(t) * PROCESS.sigma(t);
    int d = network.inputs();
    double[] known;
    try (Batch x = TestBackends.batch(scalar, y, d);
        Batch value = scalar.allocate(y.length / d, d, Precision.FLOAT64)) {
      scalar.network(network, t, x, NetworkOutputs.none().withValue(value));
      known = value.toDoubleArray();
    }
    double[] result = new double[y.length];
    for (int i = 0; i < y.length; i++) {
      double score =
          switch (network.output()) {
            case SCORE -> known[i];
            case VELOCITY -> (f * y[i] - known[i]) / h;
            case DENOISED -> (alpha * known[i] - y[i]) / variance;
            case DISPLACEMENT -> throw new AssertionError();
          };
      result[i] =
          switch (wanted) {
            case VELOCITY -> f * y[i] - h * score;
            case DENOISED -> (y[i] + variance * score) / alpha;
          };
    }
    return result;
  }

  @ParameterizedTest
  @MethodSource("backends")
  void fusedTrajectoriesAreThoseOfThePlan(String name, Precision precision) {
    double bar = precision == Precision.FLOAT32 ? 1e-4 : 1e-11;
    try (Backend tested = TestBackends.open(name, 1);
        Backend scalar = TestBackends.open("scalar", 1)) {
      for (NetworkCase drawn : cases()) {
        for (Network.Output output :
            List.of(Network.Output.SCORE, Network.Output.VELOCITY, Network.Output.DENOISED)) {
          Network network = giving(drawn, output);
          for (Plan plan : plans()) {
            Result result = run(tested, network, plan, drawn.x(), precision);
            if (!result.fused()) {
              assertThat(result.end()).as("untouched").containsOnly(0);
              continue;
            }
            String what = "%s, %s, %s".formatted(drawn, output, plan.evaluation());
            List<double[]> expected = follow(scalar, network, plan, drawn.x());
            requireNear(what, result, expected, network.inputs(), bar);
            assertThat(result.end()).isEqualTo(result.knots().getLast());
          }
        }
      }
    }
  }

  /** Row by row, relative to the largest number that the row has met. */
  private static void requireNear(
      String what, Result result, List<double[]> expected, int d, double bar) {
    for (int row = 0; row < result.end().length / d; row++) {
      double size = 1;
      for (int k = 0; k < expected.size(); k++) {
        double[] right = Evaluations.row(expected.get(k), row, d);
        double[] got = Evaluations.row(result.knots().get(k), row, d);
        size = Math.max(size, Arrays.stream(right).map(Math::abs).max().orElseThrow());
        if (!(size < 1e6)) {
          break; // The squares of the units have blown it up: errors have grown with it.
        }
        for (int i = 0; i < d; i++) {
          assertThat(got[i])
              .as("%s, row %d, knot %d [%d]", what, row, k, i)
              .isCloseTo(right[i], within(bar * size));
        }
      }
    }
  }

  @ParameterizedTest
  @MethodSource("backends")
  void rowsStandAlone(String name, Precision precision) {
    try (Backend tested = TestBackends.open(name, 1)) {
      for (NetworkCase drawn : cases()) {
        Plan plan = plans().getFirst();
        Result whole = run(tested, drawn.network(), plan, drawn.x(), precision);
        int d = drawn.network().inputs();
        for (int row : new int[] {0, drawn.rows() / 2, drawn.rows() - 1}) {
          Result alone =
              run(tested, drawn.network(), plan, Evaluations.row(drawn.x(), row, d), precision);
          ParityChecks.requireSame(
              drawn + " alone", "end", alone.end(), Evaluations.row(whole.end(), row, d));
        }
      }
    }
  }

  @ParameterizedTest
  @MethodSource("backends")
  void aBadRowIsNaNAndAlone(String name, Precision precision) {
    try (Backend tested = TestBackends.open(name, 1)) {
      for (NetworkCase drawn : NetworkCase.few()) {
        for (Plan plan : plans()) {
          int d = drawn.network().inputs();
          double[] bad = drawn.x().clone();
          bad[d - 1] = Double.NEGATIVE_INFINITY;
          Result expected = run(tested, drawn.network(), plan, drawn.x(), precision);
          Result result = run(tested, drawn.network(), plan, bad, precision);
          if (result.fused()) {
            assertThat(Evaluations.row(result.end(), 0, d)).containsOnly(Double.NaN);
            ParityChecks.requireSame(
                "beside",
                "end",
                Arrays.copyOfRange(result.end(), d, result.end().length),
                Arrays.copyOfRange(expected.end(), d, expected.end().length));
          }
        }
      }
    }
  }

  @ParameterizedTest
  @MethodSource("backends")
  void theEndMayBeTheStartAndAPlanMayBeEmpty(String name, Precision precision) {
    NetworkCase drawn = NetworkCase.few().getFirst();
    Network network = drawn.network();
    Plan plan = plans().getFirst();
    Plan empty = new Plan(Plan.Evaluation.VELOCITY, 1, List.of());
    try (Backend tested = TestBackends.open(name, 1);
        Batch x = tested.allocate(drawn.rows(), network.inputs(), precision)) {
      x.copyFrom(drawn.x());
      tested.networkTrajectory(network, empty, x, TrajectoryOutputs.end(x));
      assertThat(x.toDoubleArray()).isEqualTo(drawn.x());
      if (tested.networkTrajectory(network, plan, x, TrajectoryOutputs.end(x))) {
        assertThat(x.toDoubleArray())
            .isEqualTo(run(tested, network, plan, drawn.x(), precision).end());
      }
    }
  }
}
