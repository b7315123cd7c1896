package org.fewstep.flow;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.stream.Stream;
import org.fewstep.backend.Backend;
import org.fewstep.backend.Batch;
import org.fewstep.backend.Plan;
import org.fewstep.backend.Precision;
import org.fewstep.backend.TestBackends;
import org.fewstep.diffusion.Diffusion;
import org.fewstep.diffusion.OrnsteinUhlenbeck;
import org.fewstep.diffusion.VarianceExploding;
import org.fewstep.grid.GridKind;
import org.fewstep.grid.TimeGrid;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

class FlowTest {

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

  static Stream<String> backends() {
    return TestBackends.names();
  }

  @Test
  void theResultTellsWhatRan() {
    Flow flow = Flow.of(RING.mixture());
    try (Batch noise = flow.noise(backend, 10, Precision.FLOAT32, 1);
        FlowResult result = flow.run(backend, noise)) {
      assertThat(result.solver()).isEqualTo("dpmpp2m");
      assertThat(result.grid().kind()).isEqualTo(GridKind.LOG_SNR.label());
      assertThat(result.grid().segments()).isEqualTo(8);
      assertThat(result.grid().start()).isEqualTo(3);
      assertThat(result.grid().end()).isEqualTo(1e-3);
      assertThat(result.backend()).isEqualTo("scalar");
      assertThat(result.fused()).isTrue();
      assertThat(result.reversed()).isFalse();
      assertThat(result.cancelled()).isFalse();
      assertThat(result.trajectory()).isEmpty();
      assertThat(result.logLikelihood()).isNull();
      assertThat(result.end().precision()).isEqualTo(Precision.FLOAT32);
      FlowStatistics statistics = result.statistics();
      assertThat(statistics.rows()).isEqualTo(10);
      assertThat(statistics.allOk()).isTrue();
      assertThat(statistics.accepted(3)).isEqualTo(8);
      assertThat(statistics.rejected(3)).isZero();
      assertThat(statistics.evaluations(3)).isEqualTo(8);
      assertThat(statistics.totalEvaluations()).isEqualTo(80);
      assertThat(statistics).hasToString("FlowStatistics[rows=10, OK=10]");
    }
    try (Batch noise = flow.noise(backend, 10, Precision.FLOAT64, 1);
        FlowResult result =
            flow.withSolver("rk4").withFusing(false).withGrid("uniform:5").run(backend, noise)) {
      assertThat(result.fused()).isFalse();
      assertThat(result.solver()).isEqualTo("rk4");
      assertThat(result.grid().kind()).isEqualTo("uniform");
      assertThat(result.statistics().evaluations(0)).isEqualTo(20);
    }
  }

  /** A field that counts its calls: the evaluations reported are those that happened. */
  @Test
  void evaluationsAreThoseThatHappened() {
    for (Solver solver : Solvers.builtIn()) {
      long[] rows = {0};
      UserField field =
          new HostField(
              2,
              (t, x) -> {
                rows[0]++;
                return RING.velocity(t, x);
              },
              null,
              OU);
      Flow flow = Flow.of(field).withSolver(solver);
      try (Batch noise = flow.noise(backend, 5, Precision.FLOAT64, 1);
          FlowResult result = flow.run(backend, noise)) {
        assertThat(rows[0]).as(solver.name()).isEqualTo(result.statistics().totalEvaluations());
      }
    }
  }

  @Test
  void aUserFieldGivesWhatTheMixtureGives() {
    UserField field = new HostField(2, RING::velocity, null, OU);
    for (Solver solver : Solvers.builtIn()) {
      for (boolean reversed : new boolean[] {false, true}) {
        Flow ofMixture = RING.flow().withSolver(solver).withTimes(2, 0.01);
        Flow ofField = Flow.of(field).withSolver(solver).withTimes(2, 0.01);
        if (reversed) {
          ofMixture = ofMixture.reversed();
          ofField = ofField.reversed();
        }
        try (Batch noise = ofMixture.noise(backend, 6, Precision.FLOAT64, 3);
            FlowResult expected = ofMixture.run(backend, noise);
            FlowResult result = ofField.run(backend, noise)) {
          assertThat(result.fused()).isFalse();
          assertThat(result.end().toDoubleArray())
              .as("%s, reversed %s", solver.name(), reversed)
              .containsExactly(expected.end().toDoubleArray(), within(1e-9));
        }
      }
    }
  }

  @Test
  void aUserSolverRunsLikeTheBuiltInOnes() {
    FixedStepSolver own =
        new RungeKutta(
            "ralston",
            2,
            new ButcherTableau(new double[][] {{}, {2.0 / 3}}, new double[] {0.25, 0.75}));
    Flow flow = RING.flow().withSolver(own).withTimes(1, 0.1).withGrid("log-snr:200");
    try (Batch noise = flow.noise(backend, 6, Precision.FLOAT64, 3);
        FlowResult result = flow.run(backend, noise)) {
      assertThat(result.solver()).isEqualTo("ralston");
      double[] expected = RING.integrateAll(noise.toDoubleArray(), 1, 0.1, 1000);
      assertThat(result.end().toDoubleArray()).containsExactly(expected, within(1e-4));
    }
  }

  @ParameterizedTest
  @MethodSource("backends")
  void rowsDoNotDependOnTheChunk(String name) {
    Flow flow = RING.flow().withTrajectory(true).withLogLikelihood(true);
    try (Backend open = TestBackends.open(name, 2);
        Batch noise = flow.noise(open, 101, Precision.FLOAT32, 3)) {
      for (boolean fusing : new boolean[] {true, false}) {
        Flow way = flow.withFusing(fusing);
        try (FlowResult all = way.run(open, noise);
            FlowResult chunked = way.withChunkRows(13).run(open, noise)) {
          assertThat(all.end().toFloatArray()).isEqualTo(chunked.end().toFloatArray());
          assertThat(all.logLikelihood().toFloatArray())
              .isEqualTo(chunked.logLikelihood().toFloatArray());
          for (int i = 0; i < 9; i++) {
            assertThat(all.trajectory().get(i).toFloatArray())
                .isEqualTo(chunked.trajectory().get(i).toFloatArray());
          }
        }
      }
    }
  }

  /** In float32 too: rounding, not amplified on a smooth mixture, of states of size 1. */
  @ParameterizedTest
  @MethodSource("backends")
  void fusedAndComposedAgreeInFloat32(String name) {
    IsotropicFlow smooth = IsotropicFlow.smooth(OU);
    for (Solver solver : Solvers.builtIn()) {
      Flow flow = smooth.flow().withSolver(solver).withGrid("log-snr:20").withLogLikelihood(true);
      try (Backend open = TestBackends.open(name, 2);
          Batch noise = flow.noise(open, 200, Precision.FLOAT32, 3);
          FlowResult fused = flow.run(open, noise);
          FlowResult composed = flow.withFusing(false).run(open, noise)) {
        assertThat(Errors.largest(fused.end().toDoubleArray(), composed.end().toDoubleArray()))
            .as(solver.name())
            .isLessThan(2e-5);
        assertThat(
                Errors.largest(
                    fused.logLikelihood().toDoubleArray(),
                    composed.logLikelihood().toDoubleArray()))
            .as(solver.name())
            .isLessThan(2e-4);
      }
    }
  }

  @Test
  void theTrajectoryHoldsTheStatesAtTheKnots() {
    Flow flow = RING.flow().withTrajectory(true).withTimes(2, 0.05);
    try (Batch noise = flow.noise(backend, 4, Precision.FLOAT64, 3);
        FlowResult result = flow.run(backend, noise)) {
      assertThat(result.trajectory()).hasSize(9);
      assertThat(result.trajectory().getFirst().toDoubleArray()).isEqualTo(noise.toDoubleArray());
      assertThat(result.trajectory().getLast().toDoubleArray())
          .isEqualTo(result.end().toDoubleArray());
      TimeGrid first = TimeGrid.of(Arrays.copyOf(result.grid().knots(), 4));
      try (FlowResult shorter = flow.withGrid(first).run(backend, noise)) {
        assertThat(shorter.end().toDoubleArray())
            .isEqualTo(result.trajectory().get(3).toDoubleArray());
      }
    }
  }

  @Test
  void progressComesBetweenChunks() {
    List<Long> done = new ArrayList<>();
    Flow flow =
        RING.flow()
            .withChunkRows(4)
            .withProgress(
                (rows, all) -> {
                  assertThat(all).isEqualTo(10);
                  done.add(rows);
                });
    try (Batch noise = flow.noise(backend, 10, Precision.FLOAT64, 3)) {
      for (String solver : List.of("dpmpp2m", "dopri5")) {
        done.clear();
        flow.withSolver(solver).run(backend, noise).close();
        assertThat(done).containsExactly(4L, 8L, 10L);
      }
    }
  }

  @Test
  void rowsAfterACancellationAreMarkedAndNaN() {
    for (String solver : List.of("dpmpp2m", "rk4", "dopri5")) {
      long[] done = {0};
      Flow flow =
          RING.flow()
              .withSolver(solver)
              .withTrajectory(true)
              .withLogLikelihood(true)
              .withChunkRows(4)
              .withProgress((rows, all) -> done[0] = rows)
              .withCancellation(() -> done[0] >= 4);
      try (Batch noise = flow.noise(backend, 10, Precision.FLOAT64, 3);
          FlowResult result = flow.run(backend, noise)) {
        assertThat(result.cancelled()).isTrue();
        assertThat(result.statistics().count(RowStatus.CANCELLED)).isEqualTo(6);
        assertThat(result.statistics().count(RowStatus.OK)).isEqualTo(4);
        assertThat(result.statistics().evaluations(9)).isZero();
        for (int row = 0; row < 10; row++) {
          assertThat(Double.isNaN(result.end().get(row, 1))).isEqualTo(row >= 4);
          assertThat(Double.isNaN(result.logLikelihood().get(row, 0))).isEqualTo(row >= 4);
          assertThat(Double.isNaN(result.trajectory().get(2).get(row, 0))).isEqualTo(row >= 4);
        }
      }
    }
  }

  @Test
  void anExceptionOfAUserFieldLeavesNothingOpen() {
    UserField field =
        HostField.of(
            1,
            (t, x) -> {
              throw new UnsupportedOperationException("not today");
            });
    Flow flow = Flow.of(field).withSolver("euler").withGrid(TimeGrid.of(1, 0));
    try (Batch x = Batch.wrap(new double[] {1}, 1)) {
      assertThatThrownBy(() -> flow.run(backend, x))
          .isInstanceOf(UnsupportedOperationException.class)
          .hasMessage("not today");
    }
  }

  @ParameterizedTest
  @MethodSource("backends")
  void rowsThatAreNotFiniteFailAlone(String name) {
    double[] x = {0.1, 0.2, Double.NaN, 0.2, 0.3, -0.1, 0.5, Double.POSITIVE_INFINITY, 1, 1};
    for (Solver solver : Solvers.builtIn()) {
      for (boolean fusing : new boolean[] {true, false}) {
        Flow flow = RING.flow().withSolver(solver).withFusing(fusing).withLogLikelihood(true);
        try (Backend open = TestBackends.open(name, 1);
            Batch batch = Batch.wrap(x, 2);
            FlowResult result = flow.run(open, batch)) {
          for (int row = 0; row < 5; row++) {
            boolean fine = row % 2 == 0;
            assertThat(result.statistics().status(row))
                .as("%s, row %d", solver.name(), row)
                .isEqualTo(fine ? RowStatus.OK : RowStatus.NON_FINITE);
            assertThat(Double.isFinite(result.end().get(row, 0))).isEqualTo(fine);
          }
        }
      }
    }
  }

  @Test
  void noRowsAreFine() {
    for (Solver solver : Solvers.builtIn()) {
      Flow flow = RING.flow().withSolver(solver).withTrajectory(true).withLogLikelihood(true);
      try (Batch none = backend.allocate(0, 2, Precision.FLOAT32);
          FlowResult result = flow.run(backend, none)) {
        assertThat(result.end().rows()).isZero();
        assertThat(result.cancelled()).isFalse();
      }
    }
  }

  @Test
  void noiseHasTheLevelOfTheStartAndTheSameStreamEverywhere() {
    Flow flow = Flow.of(RING.mixture(), new VarianceExploding());
    try (Batch noise = flow.noise(backend, 20_000, Precision.FLOAT64, 3);
        Batch again = flow.noise(backend, 20_000, Precision.FLOAT64, 3)) {
      double[] values = noise.toDoubleArray();
      double variance = Arrays.stream(values).map(v -> v * v).average().orElseThrow();
      assertThat(Math.sqrt(variance)).isCloseTo(80, within(1.5));
      assertThat(again.toDoubleArray()).isEqualTo(values);
    }
  }

  @Test
  void flowsAreImmutable() {
    Flow flow = RING.flow();
    flow.withSolver("euler").withTimes(2, 1).withTrajectory(true).reversed();
    assertThat(flow.solver().name()).isEqualTo("dpmpp2m");
    assertThat(flow.start()).isEqualTo(3);
    assertThat(flow.end()).isEqualTo(1e-3);
    assertThat(flow.isReversed()).isFalse();
    assertThat(flow.reversed().reversed().isReversed()).isFalse();
  }

  @Test
  void badInputIsNamedBeforeAnyWork() {
    Flow flow = RING.flow();
    assertThatIllegalArgumentException()
        .isThrownBy(() -> flow.withTimes(1, 1))
        .withMessage("end must be less than start (1.0), but is 1.0");
    assertThatIllegalArgumentException()
        .isThrownBy(() -> flow.withTimes(Double.NaN, 0.1))
        .withMessageContaining("start must lie in");
    assertThatIllegalArgumentException()
        .isThrownBy(() -> flow.withTimes(1, -0.1))
        .withMessageContaining("end must lie in");
    assertThatIllegalArgumentException()
        .isThrownBy(() -> Flow.of(RING.mixture(), new VarianceExploding(2)).withTimes(3, 1))
        .withMessageContaining("start must lie in [0, 2.0]");
    assertThatIllegalArgumentException()
        .isThrownBy(() -> flow.withGrid("log-snr:0"))
        .withMessageContaining("segments");
    assertThatIllegalArgumentException()
        .isThrownBy(() -> flow.withGrid(TimeGrid.of(1, 0.5, 0.6)))
        .withMessageContaining("knots[2] = 0.6");
    assertThatIllegalArgumentException()
        .isThrownBy(() -> flow.withSolver("leapfrog"))
        .withMessageContaining("solver must be one of");
    assertThatIllegalArgumentException()
        .isThrownBy(() -> flow.withChunkRows(-1))
        .withMessageContaining("rows must be at least 0");
    assertThatIllegalArgumentException()
        .isThrownBy(() -> flow.withSolver((Solver) null))
        .withMessageContaining("solver");
    try (Batch x = Batch.wrap(new double[6], 3)) {
      assertThatIllegalArgumentException()
          .isThrownBy(() -> flow.run(backend, x))
          .withMessageContaining("x must be 2 x 2, but is 2 x 3");
    }
    try (Batch closed = backend.allocate(1, 2, Precision.FLOAT64)) {
      closed.close();
      assertThatThrownBy(() -> flow.run(backend, closed)).isInstanceOf(IllegalStateException.class);
    }
  }

  @Test
  void timeZeroIsRefusedWhereAMixtureHasNoDensity() {
    IsotropicFlow points = new IsotropicFlow(new double[][] {{-1}, {1}}, 0, OU);
    TimeGrid grid = TimeGrid.of(1, 0.5, 0);
    try (Batch x = Batch.wrap(new double[] {0.3}, 1)) {
      for (String solver : List.of("heun", "rk4", "dopri5")) {
        assertThatIllegalArgumentException()
            .isThrownBy(() -> points.flow().withSolver(solver).withGrid(grid).run(backend, x))
            .withMessageContaining("singular");
      }
      assertThatIllegalArgumentException()
          .isThrownBy(() -> points.flow().withGrid(grid).withLogLikelihood(true).run(backend, x))
          .withMessageContaining("end must be > 0 for the log-likelihood");
      assertThatIllegalArgumentException()
          .isThrownBy(
              () -> points.flow().withSolver("euler").withGrid(grid).reversed().run(backend, x))
          .withMessageContaining("singular");
      IsotropicFlow wide = new IsotropicFlow(new double[][] {{-1}, {1}}, 0.4, OU);
      for (String solver : List.of("heun", "rk4", "dopri5", "euler")) {
        Flow flow = wide.flow().withSolver(solver).withGrid(grid).withLogLikelihood(true);
        try (FlowResult result = flow.run(backend, x);
            FlowResult back = flow.reversed().run(backend, x)) {
          assertThat(result.statistics().allOk() && back.statistics().allOk()).isTrue();
        }
      }
    }
  }

  @Test
  void aFieldWithoutAProcessNeedsKnotsAndARungeKuttaSolver() {
    UserField field = HostField.of(1, (t, x) -> new double[] {1});
    Flow flow = Flow.of(field);
    try (Batch x = Batch.wrap(new double[] {0}, 1)) {
      assertThatIllegalArgumentException()
          .isThrownBy(() -> flow.withSolver("euler").run(backend, x))
          .withMessageContaining("grid")
          .withMessageContaining("process");
      assertThatIllegalArgumentException()
          .isThrownBy(() -> flow.withGrid(TimeGrid.of(1, 0)).run(backend, x))
          .withMessageContaining("dpmpp2m");
      assertThatIllegalArgumentException()
          .isThrownBy(
              () ->
                  flow.withSolver("euler")
                      .withGrid(TimeGrid.of(1, 0))
                      .withLogLikelihood(true)
                      .run(backend, x))
          .withMessageContaining("divergence");
      assertThatIllegalArgumentException()
          .isThrownBy(() -> flow.noise(backend, 1, Precision.FLOAT32, 0))
          .withMessageContaining("process");
    }
  }

  /** The times of an adaptive run reach a field with the rows that they belong to. */
  @Test
  void runsOfEqualTimeServeRowsOfTheirOwnTimes() {
    UserField field = HostField.of(1, (t, x) -> new double[] {t + 100 * x[0]});
    try (Batch times = Batch.wrap(new double[] {1, 1, 2, 1, 3}, 1);
        Batch x = Batch.wrap(new double[] {1, 2, 3, 4, 5}, 1);
        Batch out = Batch.wrap(new double[5], 1)) {
      field.evaluate(times, x, out);
      assertThat(out.toDoubleArray()).containsExactly(101, 201, 302, 401, 503);
    }
  }

  @Test
  void plansOfUsersRunComposedAsTheyRunFused() {
    // A plan that reads a slot before it was written: zero, also in the second chunk.
    FixedStepSolver odd =
        new FixedStepSolver() {
          @Override
          public String name() {
            return "odd";
          }

          @Override
          public int order() {
            return 1;
          }

          @Override
          public Plan compile(Diffusion process, double[] knots) {
            Plan euler = new Euler().compile(process, knots);
            List<Plan.Step> steps = new ArrayList<>();
            for (Plan.Step step : euler.steps()) {
              Plan.Stage stage = step.stages().getFirst();
              double[] inputs = {1, 0, 0.5};
              double[] update = {1, step.update()[1], 0};
              steps.add(
                  new Plan.Step(
                      step.end(),
                      List.of(
                          new Plan.Stage(stage.at(), inputs, 1),
                          new Plan.Stage(stage.at(), new double[] {0.5, 0, 0}, 2)),
                      update,
                      0.25,
                      new double[] {0, step.logDensityWeights()[1], 0}));
            }
            return new Plan(Plan.Evaluation.VELOCITY, 3, steps);
          }
        };
    Flow flow =
        RING.flow().withSolver(odd).withChunkRows(3).withLogLikelihood(true).withTimes(2, 0.5);
    try (Batch noise = flow.noise(backend, 7, Precision.FLOAT64, 3);
        FlowResult fused = flow.run(backend, noise);
        FlowResult composed = flow.withFusing(false).run(backend, noise)) {
      assertThat(fused.fused()).isTrue();
      assertThat(composed.fused()).isFalse();
      assertThat(composed.end().toDoubleArray())
          .containsExactly(fused.end().toDoubleArray(), within(1e-12));
      assertThat(composed.logLikelihood().toDoubleArray())
          .containsExactly(fused.logLikelihood().toDoubleArray(), within(1e-12));
    }
  }
}
