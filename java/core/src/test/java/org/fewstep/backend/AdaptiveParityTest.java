package org.fewstep.backend;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import java.util.ArrayList;
import java.util.List;
import java.util.stream.Stream;
import org.fewstep.diffusion.Diffusion;
import org.fewstep.diffusion.Diffusions;
import org.fewstep.diffusion.OrnsteinUhlenbeck;
import org.fewstep.flow.DormandPrince;
import org.fewstep.flow.Flow;
import org.fewstep.flow.FlowResult;
import org.fewstep.flow.FlowStatistics;
import org.fewstep.flow.RowStatus;
import org.fewstep.mixture.ExampleMixtures;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;

/** Adaptive flows on every backend, fused where it does so, against single steps of the scalar. */
@Tag("widths")
class AdaptiveParityTest {

  private static final int ROWS = 9;

  static Stream<Arguments> backends() {
    return TestBackends.names()
        .flatMap(name -> Stream.of(Precision.values()).map(p -> Arguments.of(name, p)));
  }

  /** In float32 the first errors of a row may be rounding, and its steps follow from them. */
  private static DormandPrince solver(Precision precision) {
    double tolerance = precision == Precision.FLOAT32 ? 1e-4 : 1e-7;
    return new DormandPrince(tolerance, tolerance);
  }

  private record Case(String name, Flow flow) {}

  private static List<Case> cases(Precision precision) {
    List<Case> cases = new ArrayList<>();
    for (int d : new int[] {1, 2, 3, 4, 7, 9}) {
      for (String kind : List.of("isotropic", "diagonal", "full")) {
        DrawnCase drawn = DrawnCase.small(kind, d % 2 == 0, d, 3);
        Diffusion process = Diffusions.builtIn().get(cases.size() % Diffusions.builtIn().size());
        Flow flow =
            Flow.of(TrajectoryParityTest.widened(drawn), process)
                .withSolver(solver(precision))
                .withGrid("log-snr:4")
                .withTrajectory(true)
                .withLogLikelihood(d != 3);
        cases.add(new Case(drawn + ", " + process.name(), d == 4 ? flow.reversed() : flow));
      }
    }
    return cases;
  }

  private static FlowResult run(Flow flow, Backend backend, Precision precision, double[] x) {
    int d = flow.field().dimension();
    try (Batch batch = backend.allocate(x.length / d, d, precision)) {
      batch.copyFrom(x);
      return flow.run(backend, batch);
    }
  }

  /** Starting points that both precisions hold. */
  private static double[] points(Flow flow, Backend backend) {
    try (Batch noise = flow.noise(backend, ROWS, Precision.FLOAT32, 7)) {
      return noise.toDoubleArray();
    }
  }

  @ParameterizedTest
  @MethodSource("backends")
  void rowsTakeTheStepsOfTheReference(String name, Precision precision) {
    double bar = precision == Precision.FLOAT32 ? 5e-3 : 1e-8;
    try (Backend tested = TestBackends.open(name, 1);
        Backend scalar = TestBackends.open("scalar", 1)) {
      for (Case each : cases(precision)) {
        double[] x = points(each.flow(), scalar);
        try (FlowResult result = run(each.flow(), tested, precision, x);
            FlowResult expected =
                run(each.flow().withFusing(false), scalar, Precision.FLOAT64, x)) {
          requireNear(each.name() + ", end", result.end(), expected.end(), bar);
          if (expected.logLikelihood() != null) {
            requireNear(
                each.name() + ", log p", result.logLikelihood(), expected.logLikelihood(), bar);
          }
          for (int i = 0; i < expected.trajectory().size(); i++) {
            requireNear(
                each.name() + ", knot " + i,
                result.trajectory().get(i),
                expected.trajectory().get(i),
                bar);
          }
          assertThat(result.statistics().allOk()).as(each.name()).isTrue();
          if (precision == Precision.FLOAT64) {
            requireSame(each.name(), result.statistics(), expected.statistics());
          } else {
            assertThat((double) result.statistics().totalEvaluations())
                .as(each.name())
                .isCloseTo(
                    expected.statistics().totalEvaluations(),
                    within(0.35 * expected.statistics().totalEvaluations()));
          }
        }
      }
    }
  }

  private static void requireNear(String what, Batch values, Batch expected, double bar) {
    double[] actual = values.toDoubleArray();
    double[] wanted = expected.toDoubleArray();
    for (int i = 0; i < wanted.length; i++) {
      double allowed = bar * (1 + Math.abs(wanted[i]));
      assertThat(actual[i]).as("%s [%d]", what, i).isCloseTo(wanted[i], within(allowed));
    }
  }

  private static void requireSame(String what, FlowStatistics actual, FlowStatistics expected) {
    for (int row = 0; row < expected.rows(); row++) {
      String where = what + ", row " + row;
      assertThat(actual.status(row)).as(where).isEqualTo(expected.status(row));
      assertThat(actual.accepted(row)).as(where).isEqualTo(expected.accepted(row));
      assertThat(actual.rejected(row)).as(where).isEqualTo(expected.rejected(row));
      assertThat(actual.evaluations(row)).as(where).isEqualTo(expected.evaluations(row));
    }
  }

  @ParameterizedTest
  @MethodSource("backends")
  void rowsEndAsThoseOfTheReference(String name, Precision precision) {
    Flow flow =
        Flow.of(ExampleMixtures.named("ring8"), new OrnsteinUhlenbeck())
            .withSolver(solver(precision))
            .withTrajectory(true)
            .withLogLikelihood(true);
    try (Backend tested = TestBackends.open(name, 1);
        Backend scalar = TestBackends.open("scalar", 1)) {
      double[] x = points(flow, scalar);
      x[3] = Double.NaN;
      x[8] = Double.POSITIVE_INFINITY;
      x[10] = 1e5;
      for (Flow limited :
          List.of(
              flow,
              flow.withSolver(solver(precision).withMaxSteps(3)),
              flow.withSolver(new DormandPrince(1e-7, 1e-7, 10_000, 0.5, 0.2)))) {
        try (FlowResult result = run(limited, tested, precision, x);
            FlowResult expected = run(limited.withFusing(false), tested, precision, x)) {
          for (int row = 0; row < ROWS; row++) {
            RowStatus status = expected.statistics().status(row);
            assertThat(result.statistics().status(row)).as("row " + row).isEqualTo(status);
            assertThat(Double.isNaN(TestBackends.get(result.end(), row, 0)))
                .as("row " + row)
                .isEqualTo(status != RowStatus.OK);
          }
          assertThat(result.statistics().status(1)).isEqualTo(RowStatus.NON_FINITE);
          assertThat(result.statistics().evaluations(1)).isEqualTo(1);
          assertThat(result.statistics().status(4)).isEqualTo(RowStatus.NON_FINITE);
          assertThat(result.trajectory().getFirst().toDoubleArray())
              .isEqualTo(expected.trajectory().getFirst().toDoubleArray());
        }
      }
    }
  }

  /** Bits depend on no other row, nor on the chunk that a row is in. */
  @ParameterizedTest
  @MethodSource("backends")
  void rowsStandAlone(String name, Precision precision) {
    Flow flow =
        Flow.of(ExampleMixtures.named("ring8"), new OrnsteinUhlenbeck())
            .withSolver(solver(precision))
            .withLogLikelihood(true);
    try (Backend tested = TestBackends.open(name, 1)) {
      double[] x = points(flow, tested);
      try (FlowResult whole = run(flow, tested, precision, x);
          FlowResult parts = run(flow.withChunkRows(2), tested, precision, x)) {
        assertThat(parts.end().toDoubleArray()).isEqualTo(whole.end().toDoubleArray());
        assertThat(parts.logLikelihood().toDoubleArray())
            .isEqualTo(whole.logLikelihood().toDoubleArray());
        requireSame("in chunks", parts.statistics(), whole.statistics());
      }
    }
  }
}
