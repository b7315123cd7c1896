package org.fewstep.flow;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import java.util.List;
import org.fewstep.backend.Backend;
import org.fewstep.backend.Backends;
import org.fewstep.backend.Batch;
import org.fewstep.backend.Precision;
import org.fewstep.diffusion.Diffusion;
import org.fewstep.diffusion.Diffusions;
import org.fewstep.diffusion.OrnsteinUhlenbeck;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/** The integral of the divergence against the density of the mixture where the flow ends. */
class LogLikelihoodTest {

  private static Backend backend;

  @BeforeAll
  static void open() {
    backend = Backends.named("scalar");
  }

  @AfterAll
  static void close() {
    backend.close();
  }

  static List<Diffusion> processes() {
    return Diffusions.builtIn();
  }

  @ParameterizedTest
  @MethodSource("processes")
  void dopri5GivesTheDensityOfTheMixture(Diffusion process) {
    IsotropicFlow truth = IsotropicFlow.ring(0.3, process);
    double start = process.timeAtHalfLogSnr(-3);
    double end = process.timeAtHalfLogSnr(3);
    Flow flow =
        truth
            .flow()
            .withSolver(new DormandPrince(1e-10, 1e-10))
            .withTimes(start, end)
            .withLogLikelihood(true);
    try (Batch noise = flow.noise(backend, 12, Precision.FLOAT64, 1);
        FlowResult result = flow.run(backend, noise);
        FlowResult back = flow.reversed().run(backend, result.end())) {
      assertThat(result.logLikelihood().toDoubleArray())
          .containsExactly(truth.logDensities(end, result.end().toDoubleArray()), within(1e-7));
      assertThat(back.logLikelihood().toDoubleArray())
          .containsExactly(truth.logDensities(start, back.end().toDoubleArray()), within(1e-7));
    }
  }

  /** The error of the log-density falls at the rate of the solver, in both directions. */
  @Test
  void everySolverConvergesToTheDensity() {
    Diffusion process = new OrnsteinUhlenbeck();
    IsotropicFlow truth = IsotropicFlow.smooth(process);
    double start = process.timeAtHalfLogSnr(-1.5);
    double end = process.timeAtHalfLogSnr(1.5);
    for (FixedStepSolver solver : PlansTest.fixedStepSolvers()) {
      for (boolean reversed : new boolean[] {false, true}) {
        Flow flow = truth.flow().withSolver(solver).withTimes(start, end).withLogLikelihood(true);
        try (Batch noise = flow.noise(backend, 12, Precision.FLOAT64, 1)) {
          Flow way = reversed ? flow.reversed() : flow;
          double coarse = error(way.withGrid("log-snr:64"), noise, truth);
          double fine = error(way.withGrid("log-snr:256"), noise, truth);
          // The divergence is integrated to the solver's order; multistep methods end at 2.
          int order = Math.min(solver.order(), solver instanceof RungeKutta ? 4 : 2);
          double slope = Math.log(coarse / fine) / Math.log(4);
          assertThat(slope)
              .as("%s, reversed %s: %s, %s", solver.name(), reversed, coarse, fine)
              .isGreaterThan(order - 0.25);
          assertThat(fine).isLessThan(order == 1 ? 0.05 : 1e-3);
        }
      }
    }
  }

  private static double error(Flow flow, Batch x, IsotropicFlow truth) {
    double to = flow.isReversed() ? flow.start() : flow.end();
    try (FlowResult result = flow.run(backend, x)) {
      double[] expected = truth.logDensities(to, result.end().toDoubleArray());
      return Errors.rootMeanSquare(result.logLikelihood().toDoubleArray(), expected);
    }
  }

  @Test
  void aUserFieldGivesTheChange() {
    // v = (2 x0, -x1/2): log p changes by -1.5 for each unit of time.
    UserField field =
        new HostField(
            2,
            (t, x) -> new double[] {2 * x[0], -0.5 * x[1]},
            (t, x) -> new double[] {1.5},
            new OrnsteinUhlenbeck());
    for (Solver solver : Solvers.builtIn()) {
      Flow flow =
          Flow.of(field)
              .withSolver(solver)
              .withTimes(1, 0.2)
              .withGrid("log-snr:200")
              .withLogLikelihood(true);
      try (Batch x = Batch.wrap(new double[] {1, 2, 3, 4}, 2);
          FlowResult result = flow.run(backend, x);
          FlowResult back = flow.reversed().run(backend, x)) {
        double tolerance = solver instanceof ExponentialMultistep ? 2e-2 : 1e-10;
        assertThat(result.logLikelihood().get(1, 0))
            .as(solver.name())
            .isCloseTo(1.5 * 0.8, within(tolerance));
        assertThat(back.logLikelihood().get(0, 0)).isCloseTo(-1.5 * 0.8, within(tolerance));
      }
    }
  }
}
