package org.fewstep.backend;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.stream.Stream;
import org.fewstep.diffusion.Diffusion;
import org.fewstep.diffusion.OrnsteinUhlenbeck;
import org.fewstep.diffusion.VarianceExploding;
import org.fewstep.mixture.Covariance;
import org.fewstep.mixture.DiagonalCovariance;
import org.fewstep.mixture.DiffusedMixture;
import org.fewstep.mixture.FullCovariance;
import org.fewstep.mixture.GaussianMixture;
import org.fewstep.mixture.IsotropicCovariance;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;

/** Whole trajectories by every backend that fuses them, against single steps and the reference. */
@Tag("widths")
class TrajectoryParityTest {

  private static final int STEPS = 6;

  static Stream<Arguments> backends() {
    return TestBackends.names()
        .flatMap(name -> Stream.of(Precision.values()).map(p -> Arguments.of(name, p)));
  }

  /** Smooth enough that rounding is not blown up on the way. */
  private static List<DrawnCase> cases() {
    List<DrawnCase> cases = new ArrayList<>();
    for (int d : new int[] {1, 2, 3, 16, 33}) {
      for (int kind = 0; kind < 3; kind++) {
        DrawnCase drawn =
            DrawnCase.small(
                List.of("isotropic", "diagonal", "full").get(kind), d % 2 == 0, d, 2 + kind);
        cases.add(drawn);
      }
    }
    return cases;
  }

  /** A case with variances near 1. */
  static GaussianMixture widened(DrawnCase drawn) {
    return drawn.mixture().withCovariance(wide(drawn.mixture()));
  }

  /** The same kind of covariance, with variances near 1. */
  private static Covariance wide(GaussianMixture mixture) {
    int d = mixture.dimension();
    return switch (mixture.covariance()) {
      case IsotropicCovariance iso -> Covariance.isotropic(0.9);
      case DiagonalCovariance diagonal -> {
        double[] variances = new double[d];
        Arrays.setAll(variances, i -> 0.6 + 0.5 * i / d);
        yield Covariance.diagonal(variances);
      }
      case FullCovariance full -> {
        double[][] matrix = new double[d][d];
        for (int i = 0; i < d; i++) {
          for (int j = 0; j < d; j++) {
            matrix[i][j] = (i == j ? 0.8 : 0) + 0.3 * Math.cos(i) * Math.cos(j);
          }
        }
        yield Covariance.full(matrix);
      }
    };
  }

  private record Result(boolean fused, double[] end, List<double[]> knots, double[] logDensity) {}

  private static Result run(
      Backend backend, GaussianMixture mixture, Plan plan, double[] x, Precision precision) {
    int d = mixture.dimension();
    int n = x.length / d;
    List<Batch> knots = new ArrayList<>();
    try (Batch points = backend.allocate(n, d, precision);
        Batch end = backend.allocate(n, d, precision);
        Batch logDensity = backend.allocate(n, 1, precision)) {
      points.copyFrom(x);
      for (int i = 0; i <= plan.steps().size(); i++) {
        knots.add(backend.allocate(n, d, precision));
      }
      for (int row = 0; row < n; row++) {
        TestBackends.set(logDensity, row, 0, -1 - row % 3);
      }
      boolean fused =
          backend.trajectory(mixture, plan, points, new TrajectoryOutputs(end, knots, logDensity));
      backend.synchronize();
      return new Result(
          fused,
          end.toDoubleArray(),
          knots.stream().map(Batch::toDoubleArray).toList(),
          logDensity.toDoubleArray());
    } finally {
      knots.forEach(Batch::close);
    }
  }

  private static List<Plan> plans(Diffusion process) {
    double[] knots = Plans.knots(Math.min(2, process.maxTime()), 0.05, STEPS);
    return List.of(Plans.heun(process, knots), Plans.multistep(process, knots));
  }

  @ParameterizedTest
  @MethodSource("backends")
  void fusedTrajectoriesAreThoseOfTheReference(String name, Precision precision) {
    double bar = precision == Precision.FLOAT32 ? 2e-5 : 1e-11;
    try (Backend tested = TestBackends.open(name, 1);
        Backend scalar = TestBackends.open("scalar", 1)) {
      for (DrawnCase drawn : cases()) {
        GaussianMixture mixture = widened(drawn);
        for (Diffusion process : List.of(new OrnsteinUhlenbeck(), new VarianceExploding())) {
          for (Plan plan : plans(process)) {
            Result result = run(tested, mixture, plan, drawn.x(), precision);
            if (!result.fused()) {
              assertThat(result.end()).as("untouched").containsOnly(0);
              continue;
            }
            Result expected = run(scalar, mixture, plan, drawn.x(), Precision.FLOAT64);
            String what = drawn + ", " + plan.evaluation() + ", " + process.name();
            requireNear(what + ", end", result.end(), expected.end(), bar);
            requireNear(what + ", log p", result.logDensity(), expected.logDensity(), bar);
            for (int i = 0; i <= STEPS; i++) {
              requireNear(
                  what + ", knot " + i, result.knots().get(i), expected.knots().get(i), bar);
            }
          }
        }
      }
    }
  }

  private static void requireNear(String what, double[] values, double[] expected, double bar) {
    for (int i = 0; i < expected.length; i++) {
      double allowed = bar * (1 + Math.abs(expected[i]));
      assertThat(values[i]).as("%s [%d]", what, i).isCloseTo(expected[i], within(allowed));
    }
  }

  /** The reference itself, against the definition of a plan, one evaluation after the other. */
  @Test
  void theReferenceDoesWhatThePlanSays() {
    Diffusion process = new VarianceExploding();
    try (Backend scalar = TestBackends.open("scalar", 1)) {
      for (DrawnCase drawn : cases()) {
        GaussianMixture mixture = widened(drawn);
        for (Plan plan : plans(process)) {
          Result fused = run(scalar, mixture, plan, drawn.x(), Precision.FLOAT64);
          assertThat(fused.fused()).isTrue();
          int n = drawn.rows();
          int d = mixture.dimension();
          double[][] slots = new double[plan.slots()][n * d];
          double[][] divergences = new double[plan.slots()][n];
          double[] logDensity = new double[n];
          Arrays.setAll(logDensity, row -> -1 - row % 3);
          slots[0] = drawn.x().clone();
          for (Plan.Step step : plan.steps()) {
            for (Plan.Stage stage : step.stages()) {
              double[] y = combine(stage.inputs(), slots, n * d);
              evaluate(scalar, mixture, process, plan, stage, y, slots, divergences);
            }
            slots[0] = combine(step.update(), slots, n * d);
            double[] change = combine(step.logDensityWeights(), divergences, n);
            for (int row = 0; row < n; row++) {
              logDensity[row] += d * step.logDensityOffset() + change[row];
            }
          }
          requireNear(drawn.name(), fused.end(), slots[0], 1e-13);
          requireNear(drawn.name(), fused.knots().getLast(), slots[0], 1e-13);
          assertThat(fused.knots().getFirst()).isEqualTo(drawn.x());
          requireNear(drawn.name(), fused.logDensity(), logDensity, 1e-11);
        }
      }
    }
  }

  private static void evaluate(
      Backend scalar,
      GaussianMixture mixture,
      Diffusion process,
      Plan plan,
      Plan.Stage stage,
      double[] y,
      double[][] slots,
      double[][] divergences) {
    int d = mixture.dimension();
    double t = stage.at().time();
    var results =
        Evaluations.at(
            scalar,
            DiffusedMixture.at(mixture, process, t),
            y,
            new double[y.length],
            Precision.FLOAT64);
    double[] divergence = results.get("divergence");
    if (plan.evaluation() == Plan.Evaluation.DENOISED) {
      slots[stage.target()] = results.get("posterior-mean");
      double variance = process.sigma(t) * process.sigma(t);
      double alpha = process.alpha(t);
      Arrays.setAll(divergences[stage.target()], row -> (d + variance * divergence[row]) / alpha);
    } else {
      double[] score = results.get("score");
      double f = process.drift(t);
      double h = process.halfSquaredDiffusion(t);
      Arrays.setAll(slots[stage.target()], i -> f * y[i] - h * score[i]);
      Arrays.setAll(divergences[stage.target()], row -> d * f - h * divergence[row]);
    }
  }

  private static double[] combine(double[] weights, double[][] terms, int length) {
    double[] out = new double[length];
    for (int j = 0; j < weights.length; j++) {
      for (int i = 0; i < length; i++) {
        out[i] += weights[j] * terms[j][i];
      }
    }
    return out;
  }

  @ParameterizedTest
  @MethodSource("backends")
  void rowsStandAloneAndThreadsChangeNoBit(String name, Precision precision) {
    Plan plan = plans(new OrnsteinUhlenbeck()).getFirst();
    try (Backend one = TestBackends.open(name, 1);
        Backend three = TestBackends.open(name, 3)) {
      for (DrawnCase drawn : cases()) {
        GaussianMixture mixture = widened(drawn);
        int d = mixture.dimension();
        int n = 3 * (2000 / d) + 1;
        double[] x = new double[n * d];
        for (int i = 0; i < x.length; i++) {
          x[i] = drawn.x()[i % drawn.x().length] * (1 + (i % 7) / 16.0);
        }
        Result whole = run(one, mixture, plan, x, precision);
        Result threads = run(three, mixture, plan, x, precision);
        ParityChecks.requireSame(drawn + " threads", "end", threads.end(), whole.end());
        ParityChecks.requireSame(
            drawn + " threads", "log p", threads.logDensity(), whole.logDensity());
        for (int row : new int[] {0, n / 2, n - 1}) {
          Result alone = run(one, mixture, plan, Evaluations.row(x, row, d), precision);
          ParityChecks.requireSame(
              drawn + " alone", "end", alone.end(), Evaluations.row(whole.end(), row, d));
        }
      }
    }
  }

  @ParameterizedTest
  @MethodSource("backends")
  void aBadRowIsNaNThroughoutAndAlone(String name, Precision precision) {
    Plan plan = plans(new OrnsteinUhlenbeck()).getFirst();
    try (Backend tested = TestBackends.open(name, 1)) {
      for (DrawnCase drawn : cases()) {
        GaussianMixture mixture = widened(drawn);
        int d = mixture.dimension();
        double[] good = Arrays.copyOf(drawn.x(), Math.max(2 * d, drawn.x().length));
        double[] bad = good.clone();
        bad[d - 1] = Double.POSITIVE_INFINITY;
        Result expected = run(tested, mixture, plan, good, precision);
        Result result = run(tested, mixture, plan, bad, precision);
        if (!result.fused()) {
          continue;
        }
        assertThat(Evaluations.row(result.end(), 0, d)).containsOnly(Double.NaN);
        assertThat(result.logDensity()[0]).isNaN();
        // The first knot is the start, as it was or as NaN.
        for (double[] knot : result.knots().subList(1, STEPS + 1)) {
          assertThat(Evaluations.row(knot, 0, d)).containsOnly(Double.NaN);
        }
        ParityChecks.requireSame(
            "beside",
            "end",
            Evaluations.row(result.end(), 1, d),
            Evaluations.row(expected.end(), 1, d));
      }
    }
  }

  @ParameterizedTest
  @MethodSource("backends")
  void theEndMayBeTheStartAndAPlanMayBeEmpty(String name, Precision precision) {
    DrawnCase drawn = cases().get(4);
    GaussianMixture mixture = widened(drawn);
    Plan plan = plans(new OrnsteinUhlenbeck()).getFirst();
    Plan empty = new Plan(Plan.Evaluation.VELOCITY, 1, List.of());
    try (Backend tested = TestBackends.open(name, 1);
        Batch x = tested.allocate(drawn.rows(), mixture.dimension(), precision)) {
      x.copyFrom(drawn.x());
      tested.trajectory(mixture, empty, x, TrajectoryOutputs.end(x));
      assertThat(x.toDoubleArray()).isEqualTo(drawn.x());
      if (tested.trajectory(mixture, plan, x, TrajectoryOutputs.end(x))) {
        assertThat(x.toDoubleArray())
            .isEqualTo(run(tested, mixture, plan, drawn.x(), precision).end());
      }
    }
  }
}
