package org.fewstep.flow;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;
import static org.assertj.core.api.Assertions.within;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.stream.Stream;
import org.fewstep.backend.Backend;
import org.fewstep.backend.Batch;
import org.fewstep.backend.Philox;
import org.fewstep.backend.Precision;
import org.fewstep.backend.TestBackends;
import org.fewstep.backend.TrajectoryOutputs;
import org.fewstep.diffusion.Diffusion;
import org.fewstep.diffusion.OrnsteinUhlenbeck;
import org.fewstep.grid.TimeGrid;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;
import org.junit.jupiter.params.provider.ValueSource;

class DormandPrinceTest {

  private static final Diffusion OU = new OrnsteinUhlenbeck();
  private static final IsotropicFlow RING = IsotropicFlow.ring(0.3, OU);

  private static Backend backend;

  @BeforeAll
  static void open() {
    backend = TestBackends.open("scalar", 2);
  }

  @AfterAll
  static void close() {
    backend.close();
  }

  /** The conditions on a tableau whose 5th-order weights and nodes are as published. */
  @Test
  void theTableauMeetsTheOrderConditionsOfQuadrature() {
    for (int i = 0; i < DormandPrince.STAGES; i++) {
      assertThat(Arrays.stream(DormandPrince.A[i]).sum())
          .isCloseTo(DormandPrince.C[i], within(1e-14));
    }
    for (int k = 0; k < 5; k++) {
      double sum = 0;
      double embedded = 0;
      for (int i = 0; i < DormandPrince.STAGES; i++) {
        double power = Math.pow(DormandPrince.C[i], k);
        sum += DormandPrince.B[i] * power;
        embedded += (DormandPrince.B[i] - DormandPrince.ERROR[i]) * power;
      }
      assertThat(sum).isCloseTo(1.0 / (k + 1), within(1e-14));
      if (k < 4) {
        assertThat(embedded).isCloseTo(1.0 / (k + 1), within(1e-14));
      }
    }
    assertThat(Arrays.copyOf(DormandPrince.B, 6)).containsExactly(DormandPrince.A[6]);
  }

  @Test
  void endPointsAgreeWithAnIndependentIntegrator() {
    Flow flow = RING.flow().withSolver(new DormandPrince(1e-10, 1e-10));
    try (Batch noise = flow.noise(backend, 20, Precision.FLOAT64, 1);
        FlowResult result = flow.run(backend, noise)) {
      double[] expected = RING.integrateAll(noise.toDoubleArray(), 3, 1e-3, 6000);
      assertThat(Errors.largest(result.end().toDoubleArray(), expected)).isLessThan(1e-8);
      assertThat(result.statistics().allOk()).isTrue();
      assertThat(result.solver()).isEqualTo("dopri5");
      assertThat(result.fused()).isFalse();
    }
  }

  @Test
  void errorsAreProportionalToTheTolerance() {
    double[] tolerances = {1e-4, 1e-6, 1e-8, 1e-10};
    Flow flow = RING.flow();
    long[] evaluations = new long[tolerances.length];
    try (Batch noise = flow.noise(backend, 60, Precision.FLOAT64, 4)) {
      double[] expected = RING.integrateAll(noise.toDoubleArray(), 3, 1e-3, 6000);
      for (int i = 0; i < tolerances.length; i++) {
        double tolerance = tolerances[i];
        DormandPrince solver = new DormandPrince(tolerance, tolerance);
        try (FlowResult result = flow.withSolver(solver).run(backend, noise)) {
          double error = Errors.largest(result.end().toDoubleArray(), expected);
          assertThat(error / tolerance).as("tolerance %s", tolerance).isBetween(1e-3, 100.0);
          evaluations[i] = result.statistics().totalEvaluations();
        }
      }
    }
    assertThat(evaluations).isSorted().doesNotHaveDuplicates();
  }

  @ParameterizedTest
  @ValueSource(booleans = {false, true})
  void knotsComeFromTheContinuousExtensionAndCostNothing(boolean reversed) {
    Flow sampling =
        RING.flow()
            .withSolver(new DormandPrince(1e-8, 1e-8))
            .withTimes(2, 0.01)
            .withGrid("log-snr:40");
    Flow flow = reversed ? sampling.reversed() : sampling;
    double from = reversed ? 0.01 : 2;
    try (Batch x = sampling.noise(backend, 10, Precision.FLOAT64, 8);
        FlowResult plain = flow.run(backend, x);
        FlowResult result = flow.withTrajectory(true).run(backend, x)) {
      assertThat(result.trajectory()).hasSize(41);
      assertThat(result.trajectory().getFirst().toDoubleArray()).isEqualTo(x.toDoubleArray());
      assertThat(result.trajectory().getLast().toDoubleArray())
          .isEqualTo(result.end().toDoubleArray());
      assertThat(result.end().toDoubleArray()).isEqualTo(plain.end().toDoubleArray());
      assertThat(result.statistics().totalEvaluations())
          .isEqualTo(plain.statistics().totalEvaluations());
      assertThat(result.statistics().accepted(0)).isLessThan(40);
      double[] expected = x.toDoubleArray();
      double before = from;
      for (int m = 1; m < 40; m++) {
        double t = result.grid().knot(reversed ? 40 - m : m);
        expected = RING.integrateAll(expected, before, t, 100);
        before = t;
        assertThat(Errors.largest(result.trajectory().get(m).toDoubleArray(), expected))
            .as("knot %d", m)
            .isLessThan(2e-6);
      }
    }
  }

  @Test
  void rowsDoNotDependOnTheBatchAroundThem() {
    Flow flow = RING.flow().withSolver("dopri5").withLogLikelihood(true).withTrajectory(true);
    try (Batch noise = flow.noise(backend, 50, Precision.FLOAT64, 6);
        FlowResult all = flow.run(backend, noise);
        FlowResult chunked = flow.withChunkRows(7).run(backend, noise)) {
      assertThat(chunked.end().toDoubleArray()).isEqualTo(all.end().toDoubleArray());
      for (int row = 0; row < 50; row++) {
        try (FlowResult alone = flow.run(backend, noise.slice(row, 1))) {
          assertThat(alone.end().toDoubleArray())
              .isEqualTo(all.end().slice(row, 1).toDoubleArray());
          assertThat(alone.trajectory().get(4).toDoubleArray())
              .isEqualTo(all.trajectory().get(4).slice(row, 1).toDoubleArray());
          assertThat(alone.logLikelihood().get(0, 0)).isEqualTo(all.logLikelihood().get(row, 0));
          assertThat(alone.statistics().evaluations(0))
              .isEqualTo(all.statistics().evaluations(row));
        }
      }
    }
  }

  /** On a device rows that have ended stay where they are; that changes nothing for the others. */
  @Test
  void rowsThatStayAfterTheirEndChangeNothing() {
    DormandPrince solver = new DormandPrince().withMaxSteps(30);
    double[] knots = {3, 1, 0.1, 0.01};
    double[][][] results = new double[2][][];
    double[] x = new double[40];
    Philox.normal(4, 0, x, 0, x.length);
    x[10] = Double.NaN;
    for (boolean compacts : new boolean[] {false, true}) {
      FlowStatistics statistics = FlowStatistics.adaptive(20);
      try (Workspace workspace = new Workspace(backend, 20, Precision.FLOAT64);
          Batch start = Batch.wrap(x.clone(), 2);
          Batch logDensity = Batch.wrap(new double[20], 1)) {
        List<Batch> trajectory = new ArrayList<>();
        for (int m = 0; m < knots.length; m++) {
          trajectory.add(Batch.wrap(new double[40], 2));
        }
        Batch end = Batch.wrap(new double[40], 2);
        new AdaptiveRunner(RING.field(), solver, knots, true, compacts, workspace)
            .run(0, start, new TrajectoryOutputs(end, trajectory, logDensity), statistics);
        double[] evaluations = new double[20];
        Arrays.setAll(evaluations, row -> statistics.evaluations(row));
        results[compacts ? 1 : 0] =
            new double[][] {
              end.toDoubleArray(),
              trajectory.get(1).toDoubleArray(),
              trajectory.get(2).toDoubleArray(),
              logDensity.toDoubleArray(),
              evaluations
            };
      }
      assertThat(statistics.count(RowStatus.NON_FINITE)).isEqualTo(1);
      assertThat(statistics.count(RowStatus.OK)).isPositive();
      assertThat(statistics.count(RowStatus.CANCELLED)).isZero();
    }
    assertThat(Arrays.deepEquals(results[0], results[1])).isTrue();
  }

  @Test
  void countersAddUp() {
    Flow flow = RING.flow().withSolver("dopri5");
    try (Batch noise = flow.noise(backend, 9, Precision.FLOAT64, 6);
        FlowResult result = flow.run(backend, noise)) {
      FlowStatistics statistics = result.statistics();
      for (int row = 0; row < 9; row++) {
        assertThat(statistics.evaluations(row))
            .isEqualTo(2 + 6 * (statistics.accepted(row) + statistics.rejected(row)));
        assertThat(statistics.accepted(row)).isPositive();
      }
    }
  }

  static Stream<String> backends() {
    return TestBackends.names();
  }

  /** Rows of a linear field, some of which stop being finite, at once or on the way. */
  @ParameterizedTest
  @MethodSource("backends")
  void rowsThatAreNotFiniteFailAlone(String name) {
    UserField field =
        HostField.of(
            1,
            (t, x) -> {
              double v = -x[0];
              if (x[0] > 100 || (x[0] < -1 && t < 0.5)) {
                v = Double.NaN;
              } else if (x[0] < -50) {
                v = Double.POSITIVE_INFINITY;
              }
              return new double[] {v};
            });
    Flow flow =
        Flow.of(field)
            .withSolver(new DormandPrince(1e-8, 1e-8))
            .withGrid(TimeGrid.of(1, 0.75, 0.25, 0))
            .withTrajectory(true);
    double[] x = {1, 101, 2, -2, 3, -60, Double.NaN, 4, Double.POSITIVE_INFINITY, 0};
    try (Backend open = TestBackends.open(name, 2);
        Batch batch = Batch.wrap(x, 1);
        FlowResult result = flow.run(open, batch)) {
      for (int row = 0; row < x.length; row++) {
        boolean fine = row % 2 == 0 && row < 6 || row == 7 || row == 9;
        RowStatus status = result.statistics().status(row);
        assertThat(status).as("row %d", row).isEqualTo(fine ? RowStatus.OK : RowStatus.NON_FINITE);
        double end = result.end().get(row, 0);
        assertThat(end).isEqualTo(Double.valueOf(result.trajectory().get(3).get(row, 0)));
        if (fine) {
          assertThat(end).isCloseTo(x[row] * Math.E, within(1e-6));
        } else {
          assertThat(end).isNaN();
          assertThat(result.statistics().rejected(row)).isLessThan(40);
        }
      }
      // Row 3 met NaN after t = 0.75, which it had reached.
      assertThat(result.trajectory().get(1).get(3, 0)).isCloseTo(-2 * Math.exp(0.25), within(1e-6));
      assertThat(result.trajectory().get(2).get(3, 0)).isNaN();
    }
  }

  @Test
  void aSingularityUnderflowsAndStepsAreCapped() {
    // x' = x^2 from x = 1 blows up after time 1: no step size crosses it.
    UserField blowUp = HostField.of(1, (t, x) -> new double[] {x[0] * x[0]});
    Flow flow = Flow.of(blowUp).withGrid(TimeGrid.of(2, 0)).reversed();
    try (Batch x = Batch.wrap(new double[] {1, -1}, 1);
        FlowResult result = flow.withSolver("dopri5").run(backend, x);
        FlowResult capped =
            flow.withSolver(new DormandPrince(1e-9, 1e-9).withMaxSteps(5)).run(backend, x)) {
      assertThat(result.statistics().status(0))
          .isIn(RowStatus.STEP_UNDERFLOW, RowStatus.NON_FINITE);
      assertThat(result.end().get(0, 0)).isNaN();
      assertThat(result.statistics().status(1)).isEqualTo(RowStatus.OK);
      assertThat(result.end().get(1, 0)).isCloseTo(-1.0 / 3, within(1e-4));
      assertThat(capped.statistics().status(0)).isEqualTo(RowStatus.MAX_STEPS);
      assertThat(capped.statistics().accepted(0) + capped.statistics().rejected(0)).isEqualTo(5);
    }
  }

  @Test
  void aDiscontinuousRandomFieldTerminates() {
    // Rough at every scale: the error estimate never becomes small.
    UserField rough = HostField.of(1, (t, x) -> new double[] {1e6 * Math.sin(1e18 * t)});
    Flow flow = Flow.of(rough).withSolver("dopri5").withGrid(TimeGrid.of(1, 0));
    try (Batch x = Batch.wrap(new double[] {0}, 1);
        FlowResult result = flow.run(backend, x)) {
      assertThat(result.statistics().status(0)).isIn(RowStatus.STEP_UNDERFLOW, RowStatus.MAX_STEPS);
    }
  }

  @Test
  void aFieldThatIsZeroTakesFewSteps() {
    UserField still = HostField.of(2, (t, x) -> new double[2]);
    Flow flow = Flow.of(still).withSolver("dopri5").withGrid(TimeGrid.of(1, 0));
    try (Batch x = Batch.wrap(new double[] {3, -4}, 2);
        FlowResult result = flow.run(backend, x)) {
      assertThat(result.end().toDoubleArray()).containsExactly(3, -4);
      assertThat(result.statistics().accepted(0)).isLessThan(15);
    }
  }

  @Test
  void stepsStayBelowTheCap() {
    UserField slow = HostField.of(1, (t, x) -> new double[] {1e-3});
    Flow flow = Flow.of(slow).withGrid(TimeGrid.of(1, 0));
    try (Batch x = Batch.wrap(new double[] {0}, 1);
        FlowResult result =
            flow.withSolver(new DormandPrince().withMaxStep(0.01)).run(backend, x)) {
      assertThat(result.statistics().accepted(0)).isGreaterThanOrEqualTo(99);
      assertThat(result.end().get(0, 0)).isCloseTo(-1e-3, within(1e-15));
    }
  }

  @Test
  void optionsOutOfRangeAreNamed() {
    assertThatIllegalArgumentException()
        .isThrownBy(() -> new DormandPrince(0, 1e-5))
        .withMessageContaining("relativeTolerance");
    assertThatIllegalArgumentException()
        .isThrownBy(() -> new DormandPrince(1, 1e-5))
        .withMessageContaining("relativeTolerance");
    assertThatIllegalArgumentException()
        .isThrownBy(() -> new DormandPrince(1e-5, Double.NaN))
        .withMessageContaining("absoluteTolerance");
    assertThatIllegalArgumentException()
        .isThrownBy(() -> new DormandPrince().withMaxSteps(0))
        .withMessageContaining("maxSteps");
    assertThatIllegalArgumentException()
        .isThrownBy(() -> new DormandPrince().withMaxStep(-1))
        .withMessageContaining("maxStep");
    assertThatIllegalArgumentException()
        .isThrownBy(() -> new DormandPrince(1e-5, 1e-5, 10, 1, 0))
        .withMessageContaining("smallestStep");
  }

  @Test
  void theControllerShrinksOnErrorsThatAreNotFiniteAndGrowsOnNone() {
    assertThat(StepControl.afterRejected(Double.NaN)).isEqualTo(0.2);
    assertThat(StepControl.afterRejected(Double.POSITIVE_INFINITY)).isEqualTo(0.2);
    assertThat(StepControl.afterRejected(1.01)).isBetween(0.8, 0.9);
    assertThat(StepControl.afterAccepted(0, 1e-4, false)).isEqualTo(10);
    assertThat(StepControl.afterAccepted(0, 1e-4, true)).isEqualTo(1);
    assertThat(StepControl.afterAccepted(1, 1, false)).isBetween(0.8, 1.0);
    assertThat(StepControl.firstStep(1e-3, 1, Double.NaN, 1)).isEqualTo(1e-3);
  }
}
