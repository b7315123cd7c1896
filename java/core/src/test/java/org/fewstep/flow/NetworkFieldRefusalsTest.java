package org.fewstep.flow;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;
import static org.assertj.core.api.Assertions.within;

import java.util.List;
import org.fewstep.backend.Backend;
import org.fewstep.backend.Batch;
import org.fewstep.backend.TestBackends;
import org.fewstep.diffusion.Diffusion;
import org.fewstep.diffusion.OrnsteinUhlenbeck;
import org.fewstep.diffusion.VariancePreserving;
import org.fewstep.grid.TimeGrid;
import org.fewstep.network.Layer;
import org.fewstep.network.Network;
import org.fewstep.network.Network.Output;
import org.fewstep.network.Unit;
import org.junit.jupiter.api.Test;

/** Where the flow of networks runs, and what is refused of it. */
class NetworkFieldRefusalsTest {

  private static final Diffusion OU = new OrnsteinUhlenbeck();
  private static final double[] MATRIX = NetworkFieldTest.MATRIX;

  @Test
  void aFlowRunsWhereItsNetworksHold() {
    assertThat(Flow.of(NetworkFieldTest.pieces()).start()).isEqualTo(2);
    assertThat(Flow.of(NetworkFieldTest.pieces()).end()).isEqualTo(0.1);
    Flow wide =
        Flow.of(NetworkField.of(NetworkFieldTest.velocity(MATRIX, 0, Double.POSITIVE_INFINITY)));
    assertThat(wide.start()).isEqualTo(OU.defaultStart());
    assertThat(wide.end()).isEqualTo(OU.defaultEnd());
    Flow beyond = Flow.of(NetworkField.of(NetworkFieldTest.velocity(MATRIX, 4, 6)));
    assertThat(beyond.start()).isEqualTo(6);
    assertThat(beyond.end()).isEqualTo(4);
    assertThatIllegalArgumentException()
        .isThrownBy(() -> Flow.of(NetworkFieldTest.pieces()).withTimes(2.5, 0.1))
        .withMessage("start must lie in [0.1, 2.0], the times of the network, but is 2.5");
    assertThatIllegalArgumentException()
        .isThrownBy(() -> Flow.of(NetworkFieldTest.pieces()).withTimes(2, 0.05))
        .withMessageContaining("end must lie in [0.1, 2.0]");
    assertThatIllegalArgumentException()
        .isThrownBy(() -> Flow.of(NetworkFieldTest.pieces()).withGrid(TimeGrid.of(3, 1)))
        .withMessageContaining("the start of the grid must lie in [0.1, 2.0]");
    assertThatIllegalArgumentException()
        .isThrownBy(() -> Flow.of(NetworkFieldTest.pieces()).withGrid(TimeGrid.of(1, 0.01)))
        .withMessageContaining("the end of the grid must lie in [0.1, 2.0]");
  }

  /** The velocity from a denoised point is divided by sigma; that from a score is not. */
  @Test
  void timeZeroIsRefusedWhereAConversionNeedsNoise() {
    TimeGrid grid = TimeGrid.of(1, 0.5, 0);
    Flow denoised = Flow.of(NetworkField.of(ExactNetworks.point(1).withTimes(OU, 0, 3)));
    Network score = ExactNetworks.linear(new double[] {-1}, Output.SCORE).withTimes(OU, 0, 3);
    try (Backend backend = TestBackends.open("scalar", 1);
        Batch x = Batch.wrap(new double[] {0.3}, 1)) {
      for (String solver : List.of("heun", "rk4", "dopri5")) {
        assertThatIllegalArgumentException()
            .isThrownBy(() -> denoised.withSolver(solver).withGrid(grid).run(backend, x))
            .withMessageContaining("the end must be > 0.0 for a network that gives the denoised");
      }
      for (String solver : List.of("euler", "ddim", "dpmpp2m")) {
        try (FlowResult result = denoised.withSolver(solver).withGrid(grid).run(backend, x)) {
          assertThat(result.end().get(0, 0)).as(solver).isFinite();
        }
      }
      // The score of a standard normal: nothing moves.
      for (Solver solver : Solvers.builtIn()) {
        Flow flow = Flow.of(NetworkField.of(score)).withSolver(solver).withGrid(grid);
        try (FlowResult result = flow.run(backend, x)) {
          double bound = solver instanceof ExponentialMultistep ? 1 : 1e-12;
          assertThat(result.end().get(0, 0)).as(solver.name()).isCloseTo(0.3, within(bound));
        }
      }
    }
  }

  @Test
  void networksThatAreNoFieldAreRefused() {
    Network good = NetworkFieldTest.velocity(MATRIX, 0.1, 1);
    refuse(
        "a displacement, which is a whole step and no vector field",
        ExactNetworks.linear(MATRIX, Output.DISPLACEMENT).withTimes(OU, 0.1, 1));
    refuse("network must name its process", ExactNetworks.linear(MATRIX, Output.VELOCITY));
    refuse(
        "network must hold on an interval of time for a flow",
        NetworkFieldTest.velocity(MATRIX, 1, 1));
    refuse(
        "network must have as many outputs as inputs, time apart (1), but has 2",
        narrow().withTimes(OU, 0.1, 1));
    refuse("networks must hold at least one network");
    refuse(
        "networks[1] must have the dimension of the first network, 2, but has 1",
        good,
        NetworkFieldTest.velocity(new double[] {1}, 1, 2));
    refuse(
        "networks[1] must have the output of the first network, velocity, but has score",
        good,
        ExactNetworks.linear(MATRIX, Output.SCORE).withTimes(OU, 1, 2));
    refuse(
        "networks[1] must have the process of the first network",
        good,
        ExactNetworks.linear(MATRIX, Output.VELOCITY).withTimes(new VariancePreserving(), 0.5, 1));
    refuse("[0.1, 1.0] is followed by [1.1, 2.0]", NetworkFieldTest.velocity(MATRIX, 1.1, 2), good);
    refuse("[0.1, 1.0] is followed by [0.9, 2.0]", good, NetworkFieldTest.velocity(MATRIX, 0.9, 2));
    assertThatIllegalArgumentException()
        .isThrownBy(() -> NetworkField.of((Network) null).withProbes(null));
    assertThatIllegalArgumentException()
        .isThrownBy(() -> NetworkField.of(good).withProbes(null))
        .withMessageContaining("probes must not be null");
  }

  /** Two outputs of one input. */
  private static Network narrow() {
    Layer layer = Layer.dense(1, new double[] {1, 2}, new double[2], Unit.LINEAR);
    return Network.of(List.of(layer), Output.SCORE);
  }

  private static void refuse(String message, Network... networks) {
    assertThatIllegalArgumentException()
        .isThrownBy(() -> NetworkField.of(List.of(networks)))
        .withMessageContaining(message);
  }
}
