package org.fewstep.flow;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;
import static org.assertj.core.api.Assertions.within;

import java.util.List;
import java.util.stream.Stream;
import org.fewstep.backend.Backend;
import org.fewstep.backend.Batch;
import org.fewstep.backend.Precision;
import org.fewstep.backend.TestBackends;
import org.fewstep.diffusion.Diffusion;
import org.fewstep.diffusion.OrnsteinUhlenbeck;
import org.fewstep.diffusion.VarianceExploding;
import org.fewstep.grid.TimeGrid;
import org.fewstep.grid.TimeGrids;
import org.fewstep.network.Layer;
import org.fewstep.network.Network;
import org.fewstep.network.Network.Output;
import org.fewstep.network.Unit;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;
import org.junit.jupiter.params.provider.ValueSource;

/** Grids that follow the Jacobian of networks, where its norm is known. */
class NetworkGridTest {

  private static final Diffusion OU = new OrnsteinUhlenbeck();

  static Stream<String> backends() {
    return TestBackends.names();
  }

  private static TimeGrid grid(Flow flow, String spec, String backend) {
    try (Backend open = TestBackends.open(backend, 2)) {
      return flow.withGrid(spec).grid(open);
    }
  }

  /** One data point: J = d log sigma/dt, so both grids are uniform in log sigma. */
  @ParameterizedTest
  @MethodSource("backends")
  void aDenoisedPointHasItsClosedForm(String backend) {
    for (Diffusion process : List.of(OU, new VarianceExploding())) {
      Network point = ExactNetworks.point(0.4, -1).withTimes(process, 0, process.maxTime());
      Flow flow = Flow.of(NetworkField.of(point));
      for (String kind : List.of("typical", "stability")) {
        TimeGrid grid = grid(flow, kind + ":8", backend);
        assertThat(grid.kind()).isEqualTo(kind);
        assertThat(grid.start()).isEqualTo(process.defaultStart());
        assertThat(grid.end()).isEqualTo(process.defaultEnd());
        double total = Math.log(process.sigma(grid.start()) / process.sigma(grid.end()));
        assertThat(grid.cumulative(8)).isCloseTo(total, within(0.002 * total));
        for (int i = 0; i < 8; i++) {
          double part = Math.log(process.sigma(grid.knot(i)) / process.sigma(grid.knot(i + 1)));
          assertThat(part).isCloseTo(total / 8, within(0.002 * total));
        }
      }
    }
  }

  /** v_0 = 3 x_1: of norm 3, not the 1.5 of its symmetric part, and constant. */
  @ParameterizedTest
  @ValueSource(ints = {2, 16, 17, 20})
  void theNormIsThatOfTheWholeJacobian(int dimension) {
    double[] matrix = new double[dimension * dimension];
    matrix[1] = 3;
    Network network = ExactNetworks.linear(matrix, Output.VELOCITY).withTimes(OU, 0.5, 1);
    TimeGrid grid = grid(Flow.of(NetworkField.of(network)), "typical:4", "scalar");
    assertThat(grid.cumulative(4)).isCloseTo(3 * 0.5, within(1e-12));
    assertThat(grid.knots())
        .containsExactly(new double[] {1, 0.875, 0.75, 0.625, 0.5}, within(1e-12));
  }

  /** v = 2 max(0, x): the norm is 2 for one half of the samples and 0 for the other. */
  @ParameterizedTest
  @MethodSource("backends")
  void typicalIsTheMeanAndStabilityTheLargest(String backend) {
    Layer rectified = Layer.dense(1, new double[] {1}, new double[1], Unit.RELU);
    Layer twice = Layer.dense(1, new double[] {2}, new double[1], Unit.LINEAR);
    Network network = Network.of(List.of(rectified, twice), Output.VELOCITY).withTimes(OU, 0.5, 1);
    Flow flow = Flow.of(NetworkField.of(network));
    assertThat(grid(flow, "typical:4", backend).cumulative(4)).isCloseTo(0.5, within(1e-12));
    assertThat(grid(flow, "stability:4", backend).cumulative(4)).isCloseTo(1, within(1e-12));
  }

  /** Each piece has its own Jacobian: v = x below t = 1/2, 3 x above. */
  @Test
  void thePiecesAreDifferentiatedWhereTheyServe() {
    Network below = ExactNetworks.linear(new double[] {1}, Output.VELOCITY);
    Network above = ExactNetworks.linear(new double[] {3}, Output.VELOCITY);
    NetworkField field =
        NetworkField.of(List.of(below.withTimes(OU, 0.25, 0.5), above.withTimes(OU, 0.5, 1)));
    TimeGrid grid = grid(Flow.of(field), "typical:7", "scalar");
    assertThat(grid.cumulative(7)).isCloseTo(1.75, within(0.02));
    assertThat(grid.knot(6)).isCloseTo(0.5, within(0.01));
  }

  @Test
  void theSameFlowGivesTheSameGridOnAnyNumberOfThreads() {
    Network network = ExactNetworks.point(0.4, -1).withTimes(OU, 0, 3);
    Flow flow = Flow.of(NetworkField.of(network)).withGrid("typical:8");
    try (Backend one = TestBackends.open("scalar", 1);
        Backend three = TestBackends.open("scalar", 3)) {
      assertThat(flow.grid(one)).isEqualTo(flow.grid(three)).isEqualTo(flow.reversed().grid(one));
    }
  }

  @Test
  void refiningLowersTheErrorOfTheSolverThatRuns() {
    double[] gain = {0.5, -0.1, 0.15, 0.3};
    Network network = ExactNetworks.affine(gain, new double[] {0.4, -0.3}, Output.DENOISED);
    Flow flow =
        Flow.of(NetworkField.of(network.withTimes(OU, 1e-3, 3)))
            .withSolver("euler")
            .withGrid("log-snr:6");
    try (Backend backend = TestBackends.open("scalar", 2);
        Batch noise = flow.noise(backend, 200, Precision.FLOAT64, 99);
        FlowResult exact = flow.withSolver(new DormandPrince(1e-8, 1e-8)).run(backend, noise);
        FlowResult plain = flow.run(backend, noise);
        FlowResult refined = flow.withGrid("refined:6").run(backend, noise)) {
      double[] to = exact.end().toDoubleArray();
      assertThat(refined.grid().kind()).isEqualTo("refined");
      assertThat(Errors.relativeMeanSquare(refined.end().toDoubleArray(), to))
          .isLessThan(0.8 * Errors.relativeMeanSquare(plain.end().toDoubleArray(), to));
    }
  }

  @Test
  void timeZeroIsRefused() {
    Network network = ExactNetworks.linear(new double[] {-1}, Output.SCORE).withTimes(OU, 0, 3);
    Flow flow = Flow.of(NetworkField.of(network)).withTimes(1, 0);
    for (String kind : List.of("typical", "stability", "log-snr", "refined")) {
      assertThatIllegalArgumentException()
          .isThrownBy(() -> grid(flow, kind + ":4", "scalar"))
          .withMessageContaining("end must have a finite log of the signal-to-noise ratio");
    }
    assertThat(grid(flow, "uniform:4", "scalar").end()).isZero();
  }

  /** dx/dt = 900 x^2 + 1 runs to minus infinity as time goes down: no grid follows that. */
  @Test
  void aFlowThatRunsAwayIsRefused() {
    Layer square = Layer.dense(1, new double[] {30, -30}, new double[2], Unit.REQU);
    Layer sum = Layer.dense(2, new double[] {1, 1}, new double[] {1}, Unit.LINEAR);
    Network network = Network.of(List.of(square, sum), Output.VELOCITY).withTimes(OU, 1e-2, 3);
    assertThatIllegalArgumentException()
        .isThrownBy(() -> grid(Flow.of(NetworkField.of(network)), "typical:4", "scalar"))
        .withMessageContaining("the Jacobian of the flow is finite, but it is NaN");
    assertThatIllegalArgumentException()
        .isThrownBy(() -> TimeGrids.typical(null, OU, 3, 1e-3, 8, 0))
        .withMessage("flow must be given for a typical grid, but is null");
  }
}
