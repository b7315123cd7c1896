package org.fewstep.flow;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import java.util.Arrays;
import java.util.List;
import java.util.stream.Stream;
import org.fewstep.backend.Backend;
import org.fewstep.backend.Batch;
import org.fewstep.backend.Plan;
import org.fewstep.backend.Precision;
import org.fewstep.backend.Probes;
import org.fewstep.backend.TestBackends;
import org.fewstep.backend.TimeConstants;
import org.fewstep.diffusion.Diffusion;
import org.fewstep.diffusion.Diffusions;
import org.fewstep.diffusion.OrnsteinUhlenbeck;
import org.fewstep.grid.TimeGrid;
import org.fewstep.network.Network;
import org.fewstep.network.Network.Output;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/** Flows of networks against flows that are known in closed form. */
class NetworkFieldTest {

  private static final Diffusion OU = new OrnsteinUhlenbeck();
  static final double[] MATRIX = {0.5, -1.2, 1, 0.3};
  private static final double[] OTHER = {-0.4, 0.2, 0.7, 1.1};
  private static final double[] THIRD = {0.1, 0.9, -1.5, -0.8};
  private static final double[] STATES = {1, 2, -0.5, 0.3, 0.2, -1.4};

  static Stream<String> backends() {
    return TestBackends.names();
  }

  static Network velocity(double[] matrix, double low, double high) {
    return ExactNetworks.linear(matrix, Output.VELOCITY).withTimes(OU, low, high);
  }

  /** Three pieces, given out of order. */
  static NetworkField pieces() {
    return NetworkField.of(
        List.of(velocity(OTHER, 0.4, 1), velocity(THIRD, 1, 2), velocity(MATRIX, 0.1, 0.4)));
  }

  private static double[] throughPieces(double[] state) {
    double[] atOne = ExactNetworks.exponential(THIRD, -1, state);
    double[] atTwoFifths = ExactNetworks.exponential(OTHER, -0.6, atOne);
    return ExactNetworks.exponential(MATRIX, -0.3, atTwoFifths);
  }

  private static double[] row(double[] values, int row) {
    return Arrays.copyOfRange(values, 2 * row, 2 * row + 2);
  }

  @ParameterizedTest
  @MethodSource("backends")
  void everySolverFollowsALinearVelocity(String name) {
    NetworkField field = NetworkField.of(velocity(MATRIX, 0, 5));
    for (Solver solver : Solvers.builtIn()) {
      Flow flow =
          Flow.of(field)
              .withSolver(solver)
              .withTimes(1, 0.2)
              .withGrid("log-snr:400")
              .withLogLikelihood(true);
      try (Backend backend = TestBackends.open(name, 2);
          Batch x = Batch.wrap(STATES.clone(), 2);
          FlowResult result = flow.run(backend, x);
          FlowResult back = flow.reversed().run(backend, result.end())) {
        assertThat(result.fused()).isFalse();
        assertThat(result.statistics().allOk()).isTrue();
        double bound = solver.order() == 1 ? 5e-3 : 3e-5;
        double densityBound = solver instanceof ExponentialMultistep ? 5e-3 : 1e-10;
        for (int row = 0; row < 3; row++) {
          assertThat(row(result.end().toDoubleArray(), row))
              .as(solver.name())
              .containsExactly(
                  ExactNetworks.exponential(MATRIX, -0.8, row(STATES, row)), within(bound));
          // d log p = -trace(A) dt.
          assertThat(result.logLikelihood().get(row, 0))
              .as(solver.name())
              .isCloseTo(0.8 * 0.8, within(densityBound));
          assertThat(back.logLikelihood().get(row, 0))
              .as(solver.name())
              .isCloseTo(-0.8 * 0.8, within(densityBound));
        }
        assertThat(back.end().toDoubleArray()).containsExactly(STATES, within(2 * bound));
      }
    }
  }

  @ParameterizedTest
  @MethodSource("backends")
  void piecesFollowOneAnother(String name) {
    double[] expected = new double[STATES.length];
    for (int row = 0; row < 3; row++) {
      System.arraycopy(throughPieces(row(STATES, row)), 0, expected, 2 * row, 2);
    }
    double change = 1 * (0.1 - 0.8) + 0.6 * (1.1 - 0.4) + 0.3 * (0.5 + 0.3);
    Flow flow = Flow.of(pieces()).withLogLikelihood(true).withTrajectory(true);
    // A fixed step must not straddle two pieces, an adaptive one may.
    double[] knots = new double[301];
    for (int i = 0; i <= 100; i++) {
      knots[i] = 2 - i * 0.01;
      knots[100 + i] = 1 - i * 0.006;
      knots[200 + i] = 0.4 - i * 0.003;
    }
    knots[300] = 0.1;
    Flow midpoint = flow.withSolver("midpoint").withGrid(TimeGrid.of(knots));
    Flow adaptive =
        flow.withSolver(new DormandPrince(1e-10, 1e-10)).withGrid(TimeGrid.of(2, 1.5, 0.4, 0.1));
    try (Backend backend = TestBackends.open(name, 2);
        Batch x = Batch.wrap(STATES.clone(), 2);
        FlowResult fixed = midpoint.run(backend, x);
        FlowResult free = adaptive.run(backend, x);
        FlowResult back = adaptive.reversed().run(backend, free.end())) {
      assertThat(fixed.end().toDoubleArray()).containsExactly(expected, within(1e-4));
      // The jumps of the field cost it some digits.
      assertThat(free.end().toDoubleArray()).containsExactly(expected, within(2e-7));
      assertThat(back.end().toDoubleArray()).containsExactly(STATES, within(4e-7));
      assertThat(row(free.trajectory().get(1).toDoubleArray(), 2))
          .containsExactly(ExactNetworks.exponential(THIRD, -0.5, row(STATES, 2)), within(1e-7));
      for (int row = 0; row < 3; row++) {
        assertThat(fixed.logLikelihood().get(row, 0)).isCloseTo(change, within(1e-10));
        assertThat(free.logLikelihood().get(row, 0)).isCloseTo(change, within(2e-7));
        assertThat(back.logLikelihood().get(row, 0)).isCloseTo(-change, within(2e-7));
      }
    }
  }

  /** Rows of all pieces, of none, and at the times that two pieces share. */
  @ParameterizedTest
  @MethodSource("backends")
  void everyRowIsServedByThePieceOfItsTime(String name) {
    double[] times = {1.5, 0.4, 0.05, 2, 0.1, Double.NaN, 1, 2.5, 0.7};
    double[][] matrices = {THIRD, MATRIX, null, THIRD, MATRIX, null, OTHER, null, OTHER};
    for (Precision precision : Precision.values()) {
      try (Backend backend = TestBackends.open(name, 2);
          Workspace workspace = new Workspace(backend, 12, precision);
          Batch t = Batch.wrap(times, 1);
          Batch x = backend.allocate(9, 2, precision);
          Batch value = backend.allocate(9, 2, precision);
          Batch divergence = backend.allocate(9, 1, precision)) {
        double[] states = new double[18];
        Arrays.setAll(states, i -> i % 2 == 0 ? 1 : 0.5);
        x.copyFrom(states);
        NetworkEvaluator field = new NetworkEvaluator(pieces(), workspace);
        // Twice: nothing of one call is left for the next.
        for (int call = 0; call < 2; call++) {
          field.velocity(t, x, value, divergence);
          for (int row = 0; row < 9; row++) {
            double[] a = matrices[row];
            double expected = a == null ? Double.NaN : a[0] + 0.5 * a[1];
            double trace = a == null ? Double.NaN : a[0] + a[3];
            assertThat(value.get(row, 0)).as("row %d", row).isEqualTo(expected, within(1e-6));
            assertThat(divergence.get(row, 0)).isEqualTo(trace, within(1e-6));
          }
          field.velocity(t, x, value, null);
          assertThat(value.get(8, 1)).isCloseTo(OTHER[2] + 0.5 * OTHER[3], within(1e-6));
        }
      }
    }
  }

  /** Score, velocity and denoised point of one Gaussian at one time are one field there. */
  @ParameterizedTest
  @MethodSource("backends")
  void theThreeOutputsGiveOneField(String name) {
    double[] mean = {0.7, -1.1, 0.4};
    for (Diffusion process : Diffusions.builtIn()) {
      double t = process.timeAtHalfLogSnr(0.3);
      for (Output output : List.of(Output.SCORE, Output.VELOCITY, Output.DENOISED)) {
        double[] coefficients = ExactNetworks.ofGaussian(output, process, t, 0.6);
        Network network =
            ExactNetworks.isotropic(coefficients, mean, output).withTimes(process, t / 2, t);
        try (Backend backend = TestBackends.open(name, 1);
            Workspace workspace = new Workspace(backend, 2, Precision.FLOAT64);
            Batch x = Batch.wrap(STATES.clone(), 3);
            Batch times = Batch.wrap(new double[] {t, t}, 1);
            Batch value = backend.allocate(2, 3, Precision.FLOAT64);
            Batch trace = backend.allocate(2, 1, Precision.FLOAT64)) {
          FieldEvaluator field = FieldEvaluator.of(NetworkField.of(network), workspace);
          TimeConstants at = TimeConstants.of(process, t);
          double[] velocity = ExactNetworks.ofGaussian(Output.VELOCITY, process, t, 0.6);
          double[] denoised = ExactNetworks.ofGaussian(Output.DENOISED, process, t, 0.6);
          field.evaluate(Plan.Evaluation.VELOCITY, at, x, value, trace);
          requireAffine(velocity, mean, value, trace);
          field.velocity(times, x, value, trace);
          requireAffine(velocity, mean, value, trace);
          field.evaluate(Plan.Evaluation.DENOISED, at, x, value, trace);
          requireAffine(denoised, mean, value, trace);
        }
      }
    }
  }

  private static void requireAffine(
      double[] coefficients, double[] mean, Batch value, Batch divergence) {
    double size = 1e-13 * (1 + Math.abs(coefficients[0]) + Math.abs(coefficients[1]));
    for (int i = 0; i < STATES.length; i++) {
      double expected = coefficients[0] * STATES[i] + coefficients[1] * mean[i % 3];
      assertThat(value.get(i / 3, i % 3)).isCloseTo(expected, within(10 * size));
    }
    assertThat(divergence.get(1, 0)).isCloseTo(3 * coefficients[0], within(10 * size));
  }

  /** One data point: D does not change, and one step of DDIM goes all the way. */
  @ParameterizedTest
  @MethodSource("backends")
  void ddimIsExactForADenoisedPoint(String name) {
    double[] mu = {0.8, -0.3};
    for (Diffusion process : Diffusions.builtIn()) {
      Network point = ExactNetworks.point(mu).withTimes(process, 0, process.maxTime());
      Flow flow = Flow.of(NetworkField.of(point)).withSolver("ddim").withGrid("log-snr:1");
      Flow adaptive = flow.withSolver(new DormandPrince(1e-9, 1e-9));
      try (Backend backend = TestBackends.open(name, 1);
          Batch x = flow.noise(backend, 3, Precision.FLOAT64, 5);
          FlowResult result = flow.run(backend, x);
          FlowResult slow = adaptive.run(backend, x)) {
        double shrink = process.sigma(flow.end()) / process.sigma(flow.start());
        for (int i = 0; i < 6; i++) {
          double from = x.get(i / 2, i % 2) - process.alpha(flow.start()) * mu[i % 2];
          double expected = process.alpha(flow.end()) * mu[i % 2] + shrink * from;
          assertThat(result.end().get(i / 2, i % 2)).isCloseTo(expected, within(1e-13));
          assertThat(slow.end().get(i / 2, i % 2)).isCloseTo(expected, within(1e-5));
        }
      }
    }
  }

  /** v = t x: x_t = x_0 exp(t^2/2), and log p falls by as much. */
  @ParameterizedTest
  @MethodSource("backends")
  void aNetworkMayTakeTheTime(String name) {
    Network network = ExactNetworks.timeTimesState();
    NetworkField halves =
        NetworkField.of(List.of(network.withTimes(OU, 0.1, 0.5), network.withTimes(OU, 0.5, 2)));
    for (NetworkField field : List.of(NetworkField.of(network.withTimes(OU, 0.1, 2)), halves)) {
      Flow flow = Flow.of(field).withGrid("uniform:100").withLogLikelihood(true);
      for (Solver solver : List.of(new Rk4(), new DormandPrince(1e-9, 1e-9))) {
        try (Backend backend = TestBackends.open(name, 2);
            Batch x = Batch.wrap(new double[] {1, -0.4, 2}, 1);
            FlowResult result = flow.withSolver(solver).run(backend, x)) {
          double change = (4 - 0.01) / 2;
          double factor = Math.exp(-change);
          assertThat(result.end().toDoubleArray())
              .containsExactly(new double[] {factor, -0.4 * factor, 2 * factor}, within(1e-7));
          assertThat(result.logLikelihood().get(2, 0)).isCloseTo(change, within(1e-7));
        }
      }
    }
  }

  @Test
  void theDivergenceIsExactInFewDimensionsAndEstimatedInMany() {
    assertThat(field(16).probes()).isEmpty();
    assertThat(field(17).probes()).contains(new Probes(16, 0));
    assertThat(field(17).withExactDivergence().probes()).isEmpty();
    assertThat(field(3).withProbes(new Probes(5, 9)).probes()).contains(new Probes(5, 9));
    NetworkField twenty = field(20);
    double trace = trace(matrix(20), null);
    assertThat(change(twenty.withExactDivergence())).isCloseTo(-0.5 * trace, within(1e-9));
    for (Probes probes : List.of(new Probes(16, 0), new Probes(3, 8))) {
      double estimate = trace(matrix(20), probes);
      assertThat(Math.abs(estimate - trace)).isGreaterThan(1e-3);
      assertThat(change(twenty.withProbes(probes))).isCloseTo(-0.5 * estimate, within(1e-9));
    }
    assertThat(change(twenty)).isEqualTo(change(twenty.withProbes(new Probes(16, 0))));
  }

  private static double[] matrix(int dimension) {
    double[] matrix = new double[dimension * dimension];
    Arrays.setAll(matrix, i -> 0.1 * Math.sin(i + 1));
    return matrix;
  }

  private static NetworkField field(int dimension) {
    return NetworkField.of(velocity(matrix(dimension), 0.1, 1));
  }

  /** The trace, or the mean of v . A v over the directions. */
  private static double trace(double[] matrix, Probes probes) {
    int d = (int) Math.sqrt(matrix.length);
    double[] signs = probes == null ? null : probes.signs(d);
    double sum = 0;
    for (int p = 0; p < (signs == null ? 1 : probes.count()); p++) {
      for (int i = 0; i < d; i++) {
        for (int j = 0; j < d; j++) {
          double weight = i == j ? 1 : 0;
          sum += matrix[i * d + j] * (signs == null ? weight : signs[p * d + i] * signs[p * d + j]);
        }
      }
    }
    return signs == null ? sum : sum / probes.count();
  }

  private static double change(NetworkField field) {
    Flow flow =
        Flow.of(field).withSolver("rk4").withTimes(0.6, 0.1).reversed().withLogLikelihood(true);
    try (Backend backend = TestBackends.open("scalar", 1);
        Batch x = backend.allocate(1, 20, Precision.FLOAT64);
        FlowResult result = flow.run(backend, x)) {
      return result.logLikelihood().get(0, 0);
    }
  }

  @ParameterizedTest
  @MethodSource("backends")
  void rowsThatAreNotFiniteFailAloneAndChunksDoNotMatter(String name) {
    double[] x = {0.1, 0.2, Double.NaN, 0.2, 0.3, -0.1, 0.5, Double.POSITIVE_INFINITY, 1, 1};
    for (Solver solver : Solvers.builtIn()) {
      Flow flow = Flow.of(pieces()).withSolver(solver).withLogLikelihood(true);
      try (Backend backend = TestBackends.open(name, 1);
          Batch batch = backend.allocate(5, 2, Precision.FLOAT32)) {
        batch.copyFrom(x);
        try (FlowResult result = flow.run(backend, batch);
            FlowResult chunked = flow.withChunkRows(2).run(backend, batch)) {
          for (int row = 0; row < 5; row++) {
            boolean fine = row % 2 == 0;
            assertThat(result.statistics().status(row))
                .as("%s, row %d", solver.name(), row)
                .isEqualTo(fine ? RowStatus.OK : RowStatus.NON_FINITE);
            assertThat(Double.isFinite(result.end().get(row, 0))).isEqualTo(fine);
          }
          assertThat(chunked.end().toFloatArray()).isEqualTo(result.end().toFloatArray());
          assertThat(chunked.logLikelihood().toFloatArray())
              .isEqualTo(result.logLikelihood().toFloatArray());
        }
      }
    }
  }
}
