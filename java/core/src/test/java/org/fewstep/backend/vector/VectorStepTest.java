package org.fewstep.backend.vector;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import java.util.ArrayList;
import java.util.List;
import org.fewstep.backend.Backend;
import org.fewstep.backend.BackendOptions;
import org.fewstep.backend.Backends;
import org.fewstep.backend.Batch;
import org.fewstep.backend.ErrorEstimate;
import org.fewstep.backend.MixtureOutputs;
import org.fewstep.backend.Plan;
import org.fewstep.backend.Precision;
import org.fewstep.backend.TimeConstants;
import org.fewstep.backend.TrajectoryOutputs;
import org.fewstep.diffusion.Diffusion;
import org.fewstep.diffusion.Diffusions;
import org.fewstep.mixture.GaussianMixture;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/** Trajectories, steps, combinations, row times and random numbers against the scalar backend. */
@Tag("widths")
class VectorStepTest {

  private static final int ROWS = 333;
  private static final Diffusion PROCESS = Diffusions.named("ou");

  private static Backend vector;
  private static Backend scalar;

  @BeforeAll
  static void open() {
    vector = new VectorBackendProvider().open(BackendOptions.defaults().withThreads(2));
    scalar = Backends.named("scalar");
  }

  @AfterAll
  static void close() {
    vector.close();
    scalar.close();
  }

  private static GaussianMixture mixture(int d) {
    return VectorMixtureTest.random("isotropic", d, 5, 0.4).mixture();
  }

  /** Heun steps, with log p; or two-stage steps on denoised points. */
  private static Plan plan(Plan.Evaluation evaluation) {
    double[] t = {2, 1, 0.4, 0.1};
    List<Plan.Step> steps = new ArrayList<>();
    for (int i = 0; i + 1 < t.length; i++) {
      double h = t[i + 1] - t[i];
      Plan.Stage first = new Plan.Stage(TimeConstants.of(PROCESS, t[i]), new double[] {1, 0, 0}, 1);
      Plan.Stage second =
          new Plan.Stage(TimeConstants.of(PROCESS, t[i + 1]), new double[] {1, h, 0}, 2);
      double[] update =
          evaluation == Plan.Evaluation.VELOCITY
              ? new double[] {1, h / 2, h / 2}
              : new double[] {0.4, 0.3, 0.2};
      double[] divergence = {0, -h / 2, -h / 2};
      steps.add(new Plan.Step(t[i + 1], List.of(first, second), update, 0.1, divergence));
    }
    return new Plan(evaluation, 3, steps);
  }

  @ParameterizedTest
  @EnumSource(Plan.Evaluation.class)
  void trajectories(Plan.Evaluation evaluation) {
    Plan plan = plan(evaluation);
    for (Precision precision : Precision.values()) {
      for (int d : new int[] {1, 2, 3, 7, 16}) {
        double[][] expected = trajectory(scalar, mixture(d), plan, precision, d);
        double[][] actual = trajectory(vector, mixture(d), plan, precision, d);
        // The flow amplifies rounding where a path passes between modes.
        double tolerance = precision == Precision.FLOAT32 ? 3e-3 : 1e-10;
        for (int i = 0; i < expected.length; i++) {
          assertThat(actual[i])
              .as("d=%d, %s", d, precision)
              .containsExactly(expected[i], within(tolerance));
        }
      }
    }
  }

  private static double[][] trajectory(
      Backend backend, GaussianMixture mixture, Plan plan, Precision precision, int d) {
    try (Batch x = backend.allocate(ROWS, d, precision);
        Batch end = backend.allocate(ROWS, d, precision);
        Batch log = backend.allocate(ROWS, 1, precision);
        Batch knots = backend.allocate(4L * ROWS, d, precision)) {
      backend.normal(x, 3, 0);
      backend.normal(log, 4, 0);
      List<Batch> slices = new ArrayList<>();
      for (int i = 0; i < 4; i++) {
        slices.add(knots.slice((long) i * ROWS, ROWS));
      }
      assertThat(backend.trajectory(mixture, plan, x, new TrajectoryOutputs(end, slices, log)))
          .isTrue();
      return new double[][] {end.toDoubleArray(), log.toDoubleArray(), knots.toDoubleArray()};
    }
  }

  @ParameterizedTest
  @EnumSource(Precision.class)
  void stepsAndCombinations(Precision precision) {
    for (int d : new int[] {1, 2, 5}) {
      double[][] expected = step(scalar, precision, d);
      double[][] actual = step(vector, precision, d);
      double tolerance = precision == Precision.FLOAT32 ? 1e-5 : 1e-13;
      for (int i = 0; i < expected.length; i++) {
        assertThat(actual[i]).containsExactly(expected[i], within(tolerance));
      }
    }
  }

  private static double[][] step(Backend backend, Precision precision, int d) {
    try (Batch x = backend.allocate(ROWS, d, precision);
        Batch a = backend.allocate(ROWS, d, precision);
        Batch b = backend.allocate(ROWS, d, precision);
        Batch next = backend.allocate(ROWS, d, precision);
        Batch sum = backend.allocate(ROWS, d, precision);
        Batch h = backend.allocate(ROWS, 1, Precision.FLOAT64);
        Batch squares = backend.allocate(ROWS, 1, precision)) {
      backend.normal(x, 3, 0);
      backend.normal(a, 3, 10_001);
      backend.uniform(b, 4, 5);
      backend.normal(h, 5, 0);
      h.set(2, 0, 0);
      a.set(2, 0, Double.POSITIVE_INFINITY);
      ErrorEstimate error = new ErrorEstimate(new double[] {0.1, -0.2}, 0.1, 0.2, squares);
      backend.step(x, List.of(a, b), h, new double[] {0.5, 0.25}, next, error);
      a.set(2, 0, 1);
      backend.combine(sum, List.of(a, x, b), new double[] {0.5, 0, -2});
      return new double[][] {
        next.toDoubleArray(), squares.toDoubleArray(), sum.toDoubleArray(), b.toDoubleArray()
      };
    }
  }

  @ParameterizedTest
  @EnumSource(Precision.class)
  void oneTimePerRow(Precision precision) {
    for (String kind : new String[] {"shared", "isotropic", "diagonal", "full"}) {
      GaussianMixture mixture = VectorMixtureTest.random(kind, 3, 5, 0.4).mixture();
      double[][] expected = rowTimes(scalar, mixture, precision);
      double[][] actual = rowTimes(vector, mixture, precision);
      for (int i = 0; i < expected.length; i++) {
        for (int j = 0; j < expected[i].length; j++) {
          if (Double.isNaN(expected[i][j])) {
            assertThat(actual[i][j]).isNaN();
          } else {
            double size = Math.max(1, Math.abs(expected[i][j]));
            double tolerance = precision == Precision.FLOAT32 ? 1e-6 : 1e-11;
            assertThat(actual[i][j]).isCloseTo(expected[i][j], within(tolerance * size));
          }
        }
      }
    }
  }

  private static double[][] rowTimes(
      Backend backend, GaussianMixture mixture, Precision precision) {
    int d = mixture.dimension();
    try (Batch x = backend.allocate(ROWS, d, precision);
        Batch v = backend.allocate(ROWS, d, precision);
        Batch t = backend.allocate(ROWS, 1, Precision.FLOAT64);
        Batch score = backend.allocate(ROWS, d, precision);
        Batch log = backend.allocate(ROWS, 1, precision);
        Batch divergence = backend.allocate(ROWS, 1, precision);
        Batch jvp = backend.allocate(ROWS, d, precision)) {
      backend.normal(x, 3, 0);
      backend.normal(v, 4, 0);
      backend.uniform(t, 5, 0);
      t.set(3, 0, Double.NaN);
      t.set(4, 0, -1);
      x.set(5, 1, Double.NaN);
      MixtureOutputs outputs =
          MixtureOutputs.none()
              .withScore(score)
              .withLogDensity(log)
              .withDivergence(divergence)
              .withJvp(v, jvp);
      backend.mixture(mixture, PROCESS, t, x, outputs);
      return new double[][] {
        score.toDoubleArray(), log.toDoubleArray(), divergence.toDoubleArray(), jvp.toDoubleArray()
      };
    }
  }
}
