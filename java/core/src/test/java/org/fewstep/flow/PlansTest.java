package org.fewstep.flow;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;
import static org.assertj.core.api.Assertions.within;

import java.util.Arrays;
import java.util.List;
import org.fewstep.backend.Plan;
import org.fewstep.backend.TimeConstants;
import org.fewstep.diffusion.Diffusion;
import org.fewstep.diffusion.Diffusions;
import org.fewstep.diffusion.OrnsteinUhlenbeck;
import org.fewstep.diffusion.VarianceExploding;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

class PlansTest {

  private static final Diffusion OU = new OrnsteinUhlenbeck();
  private static final double[] KNOTS = {2, 1.1, 0.6, 0.2, 0.05, 0.01};

  static List<Diffusion> processes() {
    return Diffusions.builtIn();
  }

  static List<FixedStepSolver> fixedStepSolvers() {
    return Solvers.builtIn().stream()
        .filter(FixedStepSolver.class::isInstance)
        .map(FixedStepSolver.class::cast)
        .toList();
  }

  private static double[] reversed(double[] values) {
    double[] reversed = new double[values.length];
    Arrays.setAll(reversed, i -> values[values.length - 1 - i]);
    return reversed;
  }

  private static double[] times(Diffusion process) {
    return Arrays.stream(new double[] {-1, -0.2, 0.4, 1.1, 2, 2.6})
        .map(process::timeAtHalfLogSnr)
        .toArray();
  }

  private static void assertEqualSteps(Plan.Step a, Plan.Step b) {
    assertThat(a.end()).isEqualTo(b.end());
    assertClose(trimmed(a.update()), trimmed(b.update()));
    assertThat(a.logDensityOffset()).isEqualTo(b.logDensityOffset());
    assertClose(trimmed(a.logDensityWeights()), trimmed(b.logDensityWeights()));
  }

  private static void assertClose(double[] a, double[] b) {
    assertThat(a).hasSameSizeAs(b);
    for (int i = 0; i < a.length; i++) {
      assertThat(a[i]).isCloseTo(b[i], within(1e-14 * (1 + Math.abs(b[i]))));
    }
  }

  /** The weights of the state and of those slots that count, sorted: slots may be numbered anew. */
  private static double[] trimmed(double[] weights) {
    double[] slots =
        Arrays.stream(weights, 1, weights.length).filter(w -> w != 0).sorted().toArray();
    double[] all = new double[slots.length + 1];
    all[0] = weights[0];
    System.arraycopy(slots, 0, all, 1, slots.length);
    return all;
  }

  @ParameterizedTest
  @MethodSource("processes")
  void ddimHasTheCoefficientsOfItsPaperInBothDirections(Diffusion process) {
    for (double[] knots : List.of(times(process), reversed(times(process)))) {
      Plan plan = new Ddim().compile(process, knots);
      assertThat(plan.evaluation()).isEqualTo(Plan.Evaluation.DENOISED);
      for (int n = 0; n + 1 < knots.length; n++) {
        double ratio = process.sigma(knots[n + 1]) / process.sigma(knots[n]);
        Plan.Step step = plan.steps().get(n);
        double ofDenoised = process.alpha(knots[n + 1]) - process.alpha(knots[n]) * ratio;
        assertThat(step.update()[0]).isCloseTo(ratio, within(1e-15 * ratio));
        assertThat(step.update()[1]).isCloseTo(ofDenoised, within(1e-14 * (1 + ratio)));
        assertThat(step.stages()).hasSize(1);
        assertThat(step.stages().getFirst().at()).isEqualTo(TimeConstants.of(process, knots[n]));
        assertThat(step.end()).isEqualTo(knots[n + 1]);
      }
    }
  }

  @ParameterizedTest
  @MethodSource("processes")
  void firstStepsAreThoseOfLowerOrder(Diffusion process) {
    double[] knots = times(process);
    Plan ddim = new Ddim().compile(process, knots);
    Plan second = new DpmSolver2M().compile(process, knots);
    Plan third = new DpmSolver3M().compile(process, knots);
    assertEqualSteps(second.steps().get(0), ddim.steps().get(0));
    assertEqualSteps(third.steps().get(0), ddim.steps().get(0));
    assertEqualSteps(third.steps().get(1), second.steps().get(1));
  }

  @ParameterizedTest
  @MethodSource("processes")
  void lowerOrderAtTheEndMirrorsTheStart(Diffusion process) {
    double[] knots = times(process);
    int last = knots.length - 2;
    Plan ddim = new Ddim().compile(process, knots);
    Plan second = new DpmSolver2M().compile(process, knots);
    Plan ramped = new DpmSolver3M(true).compile(process, knots);
    assertEqualSteps(ramped.steps().get(last), ddim.steps().get(last));
    assertEqualSteps(ramped.steps().get(last - 1), second.steps().get(last - 1));
    assertEqualSteps(
        new DpmSolver2M(true).compile(process, knots).steps().get(last), ddim.steps().get(last));
  }

  @ParameterizedTest
  @MethodSource("processes")
  void thePredictorsOfUniPcAreDdim2mAnd3m(Diffusion process) {
    double[] knots = times(process);
    int last = knots.length - 2;
    List<FixedStepSolver> equals = List.of(new Ddim(), new DpmSolver2M(), new DpmSolver3M());
    for (int p = 1; p <= 3; p++) {
      Plan unipc = new UniPc(p, false).compile(process, knots);
      Plan same = equals.get(p - 1).compile(process, knots);
      // The last step of UniPC is its predictor; the others predict where they evaluate.
      assertEqualSteps(unipc.steps().get(last), same.steps().get(last));
      assertClose(
          trimmed(unipc.steps().get(1).stages().getLast().inputs()),
          trimmed(same.steps().get(1).update()));
    }
  }

  @Test
  void aStepOfUniPcCostsOneEvaluation() {
    for (int p = 1; p <= 3; p++) {
      Plan plan = new UniPc(p, true).compile(OU, KNOTS);
      assertThat(plan.evaluations()).isEqualTo(KNOTS.length - 1);
      assertThat(new UniPc(p, true).compile(OU, new double[] {1, 0.5}).evaluations()).isEqualTo(1);
    }
  }

  @ParameterizedTest
  @MethodSource("fixedStepSolvers")
  void aConstantFieldIsCarriedExactly(FixedStepSolver solver) {
    // If D never changes, weights of D and of x must keep x = alpha D where it is; if v never
    // changes, the weights of the slopes sum to the step.
    for (double[] knots : List.of(KNOTS, reversed(KNOTS))) {
      Plan plan = solver.compile(OU, knots);
      for (int n = 0; n < plan.steps().size(); n++) {
        double[] update = plan.steps().get(n).update();
        double slopes = Arrays.stream(update, 1, update.length).sum();
        if (plan.evaluation() == Plan.Evaluation.VELOCITY) {
          assertThat(update[0]).isEqualTo(1);
          assertThat(slopes).isCloseTo(knots[n + 1] - knots[n], within(1e-15));
        } else {
          double carried = update[0] * OU.alpha(knots[n]) + slopes;
          assertThat(carried).isCloseTo(OU.alpha(knots[n + 1]), within(1e-13 * update[0]));
        }
      }
    }
  }

  @Test
  void stagesAtTheEndOfAStepAreAtTheKnotItself() {
    // 3 + (1e-3 - 3) is not 1e-3 in float64.
    double[] knots = {3, 1e-3, 1e-9};
    for (RungeKutta solver : List.of(new Heun(), new Rk4())) {
      Plan plan = solver.compile(OU, knots);
      for (int n = 0; n < 2; n++) {
        assertThat(plan.steps().get(n).stages().getLast().at().time()).isEqualTo(knots[n + 1]);
      }
    }
  }

  @Test
  void aStepToZeroIsOfOrderOneAndFinite() {
    Diffusion process = new VarianceExploding();
    double[] knots = {3, 1, 0.3, 0};
    for (FixedStepSolver solver :
        List.of(new Ddim(), new DpmSolver2M(), new DpmSolver3M(), new UniPc(3, false))) {
      double[] update = solver.compile(process, knots).steps().getLast().update();
      assertThat(trimmed(update)).containsExactly(0, 1);
    }
  }

  @Test
  void exponentialSolversDoNotStartFromData() {
    for (FixedStepSolver solver : List.of(new Ddim(), new DpmSolver2M(), new UniPc())) {
      assertThatIllegalArgumentException()
          .isThrownBy(() -> solver.compile(OU, new double[] {0, 1}))
          .withMessageContaining("knots[0]")
          .withMessageContaining("sigma > 0");
    }
  }

  @ParameterizedTest
  @MethodSource("fixedStepSolvers")
  void badKnotsAreNamed(FixedStepSolver solver) {
    assertThatIllegalArgumentException()
        .isThrownBy(() -> solver.compile(OU, new double[] {1}))
        .withMessageContaining("at least 2");
    assertThatIllegalArgumentException()
        .isThrownBy(() -> solver.compile(OU, new double[] {1, 0.5, 0.5}))
        .withMessageContaining("knots[2] = 0.5");
    assertThatIllegalArgumentException()
        .isThrownBy(() -> solver.compile(OU, new double[] {1, Double.NaN}))
        .withMessageContaining("knots[");
    assertThatIllegalArgumentException()
        .isThrownBy(() -> solver.compile(OU, new double[] {1, 0.5, -0.1}))
        .withMessageContaining("knots[2]");
    assertThatIllegalArgumentException()
        .isThrownBy(() -> solver.compile(new VarianceExploding(2), new double[] {3, 0.5}))
        .withMessageContaining("knots[0]");
  }

  @Test
  void solversAreFoundByTheirNames() {
    assertThat(Solvers.names())
        .containsExactly(
            "euler", "midpoint", "heun", "rk4", "ddim", "dpmpp2m", "dpmpp3m", "unipc", "dopri5");
    for (Solver solver : Solvers.builtIn()) {
      assertThat(Solvers.named(solver.name())).isSameAs(solver);
    }
    assertThatIllegalArgumentException()
        .isThrownBy(() -> Solvers.named("rk45"))
        .withMessageContaining("solver must be one of [euler, ")
        .withMessageContaining("'rk45'");
  }

  @Test
  void tableausAreChecked() {
    assertThatIllegalArgumentException()
        .isThrownBy(() -> new ButcherTableau(new double[][] {{}}, new double[] {0.9}))
        .withMessageContaining("sum to 1");
    assertThatIllegalArgumentException()
        .isThrownBy(() -> new ButcherTableau(new double[][] {{}, {}}, new double[] {0.5, 0.5}))
        .withMessageContaining("a[1]");
    assertThatIllegalArgumentException()
        .isThrownBy(() -> new ButcherTableau(new double[8][], new double[8]))
        .withMessageContaining("1 to 7");
  }
}
