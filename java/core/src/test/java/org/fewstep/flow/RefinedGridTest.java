package org.fewstep.flow;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;

import org.fewstep.backend.Backend;
import org.fewstep.backend.Batch;
import org.fewstep.backend.Precision;
import org.fewstep.backend.TestBackends;
import org.fewstep.diffusion.OrnsteinUhlenbeck;
import org.fewstep.grid.TimeGrid;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class RefinedGridTest {

  private static Backend backend;

  @BeforeAll
  static void open() {
    backend = TestBackends.open("scalar", 1);
  }

  @AfterAll
  static void close() {
    backend.close();
  }

  /** Held out once more: other noise than the refinement and its validation saw. */
  @ParameterizedTest
  @CsvSource({"dpmpp2m, false, 0.2", "ddim, false, 0.8", "euler, false, 0.8", "heun, true, 0.9"})
  void refiningLowersTheErrorOfTheSolverThatRuns(String solver, boolean reversed, double factor) {
    IsotropicFlow truth = IsotropicFlow.smooth(new OrnsteinUhlenbeck());
    Flow flow = truth.flow().withSolver(solver).withGrid("log-snr:6");
    try (Batch noise = flow.noise(backend, 500, Precision.FLOAT64, 99);
        FlowResult exact = flow.withSolver(new DormandPrince(1e-8, 1e-8)).run(backend, noise)) {
      Flow way = reversed ? flow.reversed() : flow;
      Batch from = reversed ? exact.end() : noise;
      double[] to = (reversed ? noise : exact.end()).toDoubleArray();
      try (FlowResult plain = way.run(backend, from);
          FlowResult refined = way.withGrid("refined:6").run(backend, from)) {
        assertThat(refined.grid().kind()).isEqualTo("refined");
        assertThat(refined.grid().start()).isEqualTo(3);
        assertThat(refined.grid().end()).isEqualTo(1e-3);
        assertThat(refined.grid().segments()).isEqualTo(6);
        assertThat(Errors.relativeMeanSquare(refined.end().toDoubleArray(), to))
            .isLessThan(factor * Errors.relativeMeanSquare(plain.end().toDoubleArray(), to));
      }
    }
  }

  @Test
  void theSameFlowGivesTheSameGrid() {
    Flow flow = IsotropicFlow.smooth(new OrnsteinUhlenbeck()).flow().withSolver("ddim");
    TimeGrid first = RefinedGrid.of(flow, 3, backend);
    assertThat(RefinedGrid.of(flow.withTrajectory(true), 3, backend)).isEqualTo(first);
  }

  @Test
  void whereNothingIsGainedTheLogSnrGridStands() {
    // One data point: DDIM is exact on any grid.
    IsotropicFlow point = new IsotropicFlow(new double[][] {{1}}, 0, new OrnsteinUhlenbeck());
    Flow flow = point.flow().withSolver("ddim");
    assertThat(RefinedGrid.of(flow, 1, backend).kind()).isEqualTo("log-snr");
    assertThatIllegalArgumentException()
        .isThrownBy(() -> RefinedGrid.of(flow.withSolver("dopri5"), 8, backend))
        .withMessageContaining("dopri5");
    assertThatIllegalArgumentException()
        .isThrownBy(() -> RefinedGrid.of(flow, 0, backend))
        .withMessageContaining("segments");
  }
}
