package org.fewstep.flow;

import static org.assertj.core.api.Assertions.assertThat;

import org.fewstep.backend.Backend;
import org.fewstep.backend.Backends;
import org.fewstep.backend.Batch;
import org.fewstep.backend.Precision;
import org.fewstep.diffusion.OrnsteinUhlenbeck;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/**
 * Eight steps from t = 3 to 1e-3 on the ring of eight modes: relative mean squared errors of the
 * end points, as an implementation in another language found them on other noise.
 */
class FewStepAccuracyTest {

  private static final int ROWS = 1500;

  private static Backend backend;
  private static Batch noise;
  private static double[] narrow;
  private static double[] wide;

  @BeforeAll
  static void solveExactly() {
    backend = Backends.named("scalar");
    noise = flow(0.05).noise(backend, ROWS, Precision.FLOAT64, 3);
    narrow = exact(flow(0.05));
    wide = exact(flow(0.3));
  }

  @AfterAll
  static void close() {
    noise.close();
    backend.close();
  }

  private static Flow flow(double sigma) {
    return IsotropicFlow.ring(sigma, new OrnsteinUhlenbeck()).flow();
  }

  private static double[] exact(Flow flow) {
    try (FlowResult result = flow.withSolver(new DormandPrince(1e-8, 1e-8)).run(backend, noise)) {
      return result.end().toDoubleArray();
    }
  }

  @ParameterizedTest
  @CsvSource({
    "0.05, euler,   log-snr:8, 7.7e-3",
    "0.05, ddim,    log-snr:8, 1.4e-3",
    "0.05, dpmpp2m, log-snr:8, 2.1e-4",
    "0.05, heun,    log-snr:8, 1.1e-3",
    "0.05, euler,   uniform:8, 1.2e-1",
    "0.05, ddim,    uniform:8, 8.5e-2",
    "0.05, dpmpp2m, uniform:8, 2.9e-1",
    "0.05, heun,    uniform:8, 2.0e+2",
    "0.05, euler,   karras:8,  1.3e-2",
    "0.05, ddim,    karras:8,  1.9e-3",
    "0.05, dpmpp2m, karras:8,  1.3e-3",
    "0.05, heun,    karras:8,  2.2e-3",
    "0.3,  ddim,    log-snr:8, 7.9e-3",
    "0.3,  dpmpp2m, log-snr:8, 1.1e-3",
    "0.3,  dpmpp2m, karras:8,  3.8e-3",
    "0.3,  dpmpp2m, uniform:8, 2.3e-1"
  })
  void errorsAreThoseOfTheTable(double sigma, String solver, String grid, double expected) {
    Flow flow = flow(sigma).withSolver(solver).withGrid(grid);
    try (FlowResult result = flow.run(backend, noise)) {
      double error =
          Errors.relativeMeanSquare(result.end().toDoubleArray(), sigma < 0.1 ? narrow : wide);
      // Means of a heavy-tailed error over other points: some per cent of scatter.
      assertThat(error).isBetween(0.8 * expected, 1.25 * expected);
    }
  }
}
