package org.fewstep.flow;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import java.util.Arrays;
import java.util.List;
import org.fewstep.backend.Backend;
import org.fewstep.backend.Backends;
import org.fewstep.backend.Batch;
import org.fewstep.backend.Precision;
import org.fewstep.diffusion.Diffusion;
import org.fewstep.diffusion.Diffusions;
import org.fewstep.diffusion.OrnsteinUhlenbeck;
import org.fewstep.diffusion.VarianceExploding;
import org.fewstep.grid.TimeGrid;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/** Problems on which theory says that a solver makes no error. */
class SolverExactnessTest {

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

  /** A single data point mu: D = mu everywhere, so x/sigma - (alpha/sigma) mu never changes. */
  @ParameterizedTest
  @MethodSource("processes")
  void exponentialSolversAreExactForOneDataPoint(Diffusion process) {
    IsotropicFlow point = new IsotropicFlow(new double[][] {{0.7, -1.1}}, 0, process);
    double start = process.timeAtHalfLogSnr(-2);
    double end = process.timeAtHalfLogSnr(3);
    for (String solver : List.of("ddim", "dpmpp2m", "dpmpp3m", "unipc")) {
      for (boolean reversed : new boolean[] {false, true}) {
        Flow flow = point.flow().withSolver(solver).withTimes(start, end).withGrid("karras:4");
        flow = (reversed ? flow.reversed() : flow).withLogLikelihood(true);
        double from = reversed ? end : start;
        double to = reversed ? start : end;
        double[] offset = {0.3, -0.8};
        double[] x = new double[2];
        double[] expected = new double[2];
        for (int i = 0; i < 2; i++) {
          double mean = point.means()[0][i];
          x[i] = process.alpha(from) * mean + process.sigma(from) * offset[i];
          expected[i] = process.alpha(to) * mean + process.sigma(to) * offset[i];
        }
        try (Batch batch = Batch.wrap(x, 2);
            FlowResult result = flow.run(backend, batch)) {
          assertThat(Errors.largest(result.end().toDoubleArray(), expected))
              .isLessThan(2e-14 * (1 + process.sigma(start)));
          double logDensity = point.logDensity(to, expected);
          assertThat(result.logLikelihood().get(0, 0))
              .isCloseTo(logDensity, within(1e-11 * (1 + Math.abs(logDensity))));
        }
      }
    }
  }

  /** The last step to sigma = 0 gives the denoised point itself. */
  @ParameterizedTest
  @MethodSource("processes")
  void exponentialSolversReachDataPointsAtTimeZero(Diffusion process) {
    IsotropicFlow points = new IsotropicFlow(new double[][] {{-1}, {1}}, 0, process);
    double start = process.defaultStart();
    double middle = process.timeAtHalfLogSnr(1);
    TimeGrid grid = TimeGrid.of(start, middle, process.timeAtHalfLogSnr(4), 0);
    for (String solver : List.of("ddim", "dpmpp2m", "dpmpp3m", "unipc", "euler", "midpoint")) {
      Flow flow = points.flow().withSolver(solver).withGrid(grid);
      double sigma = process.sigma(start);
      try (Batch x = Batch.wrap(new double[] {-sigma, 0.5 * sigma, 2 * sigma}, 1);
          FlowResult result = flow.run(backend, x)) {
        assertThat(result.statistics().allOk()).isTrue();
        if (flow.solver() instanceof ExponentialMultistep) {
          double[] ends = result.end().toDoubleArray();
          assertThat(Arrays.stream(ends).map(Math::abs).toArray())
              .as(solver)
              .containsExactly(new double[] {1, 1, 1}, within(1e-9));
        }
      }
    }
  }

  /** A Runge-Kutta method of order p integrates v = t^k exactly for k < p. */
  @Test
  void rungeKuttaMethodsIntegratePolynomialsOfTime() {
    for (RungeKutta solver : List.of(new Euler(), new Midpoint(), new Heun(), new Rk4())) {
      for (int k = 0; k < solver.order(); k++) {
        int power = k;
        UserField field =
            HostField.of(1, (t, x) -> new double[] {(power + 1) * Math.pow(t, power)});
        Flow flow = Flow.of(field).withSolver(solver).withGrid(TimeGrid.of(1.7, 1.1, 0.4));
        for (Flow way : List.of(flow, flow.reversed())) {
          double sign = way.isReversed() ? 1 : -1;
          double expected = 0.25 + sign * (Math.pow(1.7, k + 1) - Math.pow(0.4, k + 1));
          try (Batch x = Batch.wrap(new double[] {0.25}, 1);
              FlowResult result = way.run(backend, x)) {
            assertThat(result.end().get(0, 0))
                .as("%s, t^%d", solver, k)
                .isCloseTo(expected, within(1e-14 * (1 + Math.abs(expected))));
          }
        }
      }
    }
  }

  /** On dx/dt = -x a step multiplies by the Taylor polynomial of the exponential. */
  @Test
  void rungeKuttaMethodsOfPStagesMultiplyByTheTaylorPolynomial() {
    double h = -0.3;
    double polynomial = 1;
    double term = 1;
    List<RungeKutta> byOrder = List.of(new Euler(), new Heun());
    UserField field = HostField.of(1, (t, x) -> new double[] {-x[0]});
    for (int p = 1; p <= 4; p++) {
      term *= -h / p;
      polynomial += term;
      RungeKutta solver = p == 4 ? new Rk4() : p <= 2 ? byOrder.get(p - 1) : null;
      if (solver != null) {
        Flow flow = Flow.of(field).withSolver(solver).withGrid(TimeGrid.of(0.3, 0));
        try (Batch x = Batch.wrap(new double[] {1}, 1);
            FlowResult result = flow.run(backend, x)) {
          assertThat(result.end().get(0, 0)).isCloseTo(polynomial, within(1e-15));
        }
      }
    }
  }

  /** In y = x/alpha, S = sigma/alpha, DDIM is Euler's method: dy/dS = (y - D)/S. */
  @Test
  void ddimIsEulerInTheVariablesOfVarianceExplosion() {
    Diffusion ve = new VarianceExploding();
    Diffusion ou = new OrnsteinUhlenbeck();
    double[] lambdas = {-2, -1, 0.5, 2};
    IsotropicFlow inVe = IsotropicFlow.smooth(ve);
    IsotropicFlow inOu = IsotropicFlow.smooth(ou);
    double[] y = {1.5, -3};
    TimeGrid ofVe = grid(ve, lambdas);
    TimeGrid ofOu = grid(ou, lambdas);
    double[] x = Arrays.stream(y).map(v -> v * ou.alpha(ofOu.start())).toArray();
    try (Batch veStart = Batch.wrap(y, 2);
        Batch ouStart = Batch.wrap(x, 2);
        FlowResult euler = inVe.flow().withSolver("euler").withGrid(ofVe).run(backend, veStart);
        FlowResult ddimVe = inVe.flow().withSolver("ddim").withGrid(ofVe).run(backend, veStart);
        FlowResult ddimOu = inOu.flow().withSolver("ddim").withGrid(ofOu).run(backend, ouStart)) {
      double[] end = euler.end().toDoubleArray();
      assertThat(ddimVe.end().toDoubleArray()).containsExactly(end, within(1e-13));
      double alpha = ou.alpha(ofOu.end());
      double[] scaled =
          Arrays.stream(ddimOu.end().toDoubleArray()).map(value -> value / alpha).toArray();
      assertThat(scaled).containsExactly(end, within(1e-13));
    }
  }

  private static TimeGrid grid(Diffusion process, double[] lambdas) {
    return TimeGrid.of(Arrays.stream(lambdas).map(process::timeAtHalfLogSnr).toArray());
  }

  /** A flow forth and back ends where it began, to the order of the solver. */
  @Test
  void flowsRunBackToWhereTheyBegan() {
    IsotropicFlow truth = IsotropicFlow.smooth(new OrnsteinUhlenbeck());
    for (Solver solver : Solvers.builtIn()) {
      Flow flow = truth.flow().withSolver(solver).withTimes(1.5, 0.02).withGrid("log-snr:400");
      try (Batch noise = flow.noise(backend, 8, Precision.FLOAT64, 2);
          FlowResult data = flow.run(backend, noise);
          FlowResult back = flow.reversed().run(backend, data.end())) {
        double error = Errors.largest(back.end().toDoubleArray(), noise.toDoubleArray());
        assertThat(error)
            .as(solver.name())
            .isLessThan(solver.order() == 1 ? 5e-2 : solver.order() == 2 ? 2e-4 : 2e-4);
      }
    }
  }
}
