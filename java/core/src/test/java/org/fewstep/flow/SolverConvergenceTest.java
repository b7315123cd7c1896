package org.fewstep.flow;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.Arrays;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.stream.Stream;
import org.fewstep.backend.Backend;
import org.fewstep.backend.Backends;
import org.fewstep.backend.Batch;
import org.fewstep.backend.Philox;
import org.fewstep.diffusion.Diffusion;
import org.fewstep.diffusion.OrnsteinUhlenbeck;
import org.fewstep.diffusion.VarianceExploding;
import org.fewstep.grid.GridKind;
import org.fewstep.grid.GridSpec;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;

/** The order of each solver, measured as the slope of its error over halvings of the step. */
class SolverConvergenceTest {

  private static final int ROWS = 16;
  private static final int HALVINGS = 4;
  private static final Diffusion OU = new OrnsteinUhlenbeck();
  private static final Map<String, Problem> PROBLEMS = new HashMap<>();

  /** Starting points and where an independent integrator carries them, in either direction. */
  private record Problem(
      Diffusion process, double start, double end, double[] noise, double[] data) {

    static Problem between(Diffusion process, double lambda0, double lambda1) {
      return PROBLEMS.computeIfAbsent(
          process + " " + lambda0 + " " + lambda1, key -> make(process, lambda0, lambda1));
    }

    private static Problem make(Diffusion process, double lambda0, double lambda1) {
      double start = process.timeAtHalfLogSnr(lambda0);
      double end = process.timeAtHalfLogSnr(lambda1);
      double[] noise = new double[ROWS * 2];
      Philox.normal(5, 0, noise, 0, noise.length);
      for (int i = 0; i < noise.length; i++) {
        noise[i] *= process.sigma(start);
      }
      double[] data = IsotropicFlow.smooth(process).integrateAll(noise, start, end, 6000);
      return new Problem(process, start, end, noise, data);
    }
  }

  /** Solver, order, the coarsest of four grids, and the process. */
  static Stream<Arguments> solvers() {
    return Stream.of(OU, new VarianceExploding())
        .flatMap(
            process ->
                Stream.of(
                    Arguments.of(new Euler(), 1, 128, process),
                    Arguments.of(new Midpoint(), 2, 64, process),
                    Arguments.of(new Heun(), 2, 64, process),
                    Arguments.of(new Rk4(), 4, 32, process),
                    Arguments.of(new Ddim(), 1, 64, process),
                    Arguments.of(new DpmSolver2M(), 2, 64, process),
                    Arguments.of(new DpmSolver2M(true), 2, 64, process),
                    Arguments.of(new UniPc(1, false), 2, 64, process),
                    Arguments.of(new UniPc(2, false), 3, 64, process),
                    Arguments.of(new UniPc(2, true), 2, 64, process)));
  }

  @ParameterizedTest
  @MethodSource("solvers")
  void errorsFallAtTheRateOfTheOrder(
      FixedStepSolver solver, int order, int coarsest, Diffusion process) {
    for (boolean reversed : new boolean[] {false, true}) {
      assertSlope(solver, order, coarsest, Problem.between(process, -1.5, 1.5), reversed);
    }
  }

  /** From pure noise the error of the low order starting steps is below what is measured. */
  @ParameterizedTest
  @MethodSource("highOrder")
  void methodsOfHighOrderReachItFromPureNoise(FixedStepSolver solver, int order, int coarsest) {
    assertSlope(solver, order, coarsest, Problem.between(OU, -9, 1), false);
  }

  static List<Arguments> highOrder() {
    return List.of(
        Arguments.of(new DpmSolver3M(), 3, 100),
        Arguments.of(new UniPc(2, false), 3, 100),
        Arguments.of(new UniPc(3, false), 4, 100));
  }

  private static void assertSlope(
      FixedStepSolver solver, int order, int coarsest, Problem problem, boolean reversed) {
    Flow flow =
        IsotropicFlow.smooth(problem.process)
            .flow()
            .withSolver(solver)
            .withTimes(problem.start, problem.end);
    flow = reversed ? flow.reversed() : flow;
    double[] from = reversed ? problem.data : problem.noise;
    double[] to = reversed ? problem.noise : problem.data;
    double[] errors = new double[HALVINGS + 1];
    try (Backend backend = Backends.named("scalar");
        Batch x = Batch.wrap(from.clone(), 2)) {
      for (int i = 0; i < errors.length; i++) {
        GridSpec grid = new GridSpec(GridKind.LOG_SNR, coarsest << i);
        try (FlowResult result = flow.withGrid(grid).run(backend, x)) {
          errors[i] = Errors.rootMeanSquare(result.end().toDoubleArray(), to);
        }
      }
    }
    double slope = Math.log(errors[0] / errors[HALVINGS]) / Math.log(2) / HALVINGS;
    assertThat(slope)
        .as("%s, %s, reversed %s, errors %s", solver, problem, reversed, Arrays.toString(errors))
        .isBetween(order - 0.15, order + 0.2);
  }
}
