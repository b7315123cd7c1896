package org.fewstep.flow;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.DynamicContainer.dynamicContainer;
import static org.junit.jupiter.api.DynamicTest.dynamicTest;

import java.util.Arrays;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.stream.Stream;
import org.fewstep.backend.Backend;
import org.fewstep.backend.Batch;
import org.fewstep.backend.Philox;
import org.fewstep.backend.TestBackends;
import org.fewstep.diffusion.Diffusion;
import org.fewstep.diffusion.Diffusions;
import org.fewstep.grid.GridKind;
import org.fewstep.grid.GridSpec;
import org.fewstep.grid.TimeGrid;
import org.fewstep.network.Network;
import org.fewstep.network.Network.Output;
import org.junit.jupiter.api.DynamicNode;
import org.junit.jupiter.api.TestFactory;

/**
 * Every solver with every process, grid, direction and backend on a field of two networks, against
 * an integrator that shares nothing with what is tested. The networks give the denoised point
 * {@code D = B x + m}.
 */
class NetworkSolverMatrixTest {

  private static final int ROWS = 6;
  private static final double[] GAIN = {0.2, -0.1, 0.15, 0.1};
  private static final double[] MEAN = {0.4, -0.3};

  private static final Map<String, TimeGrid> GRIDS = new HashMap<>();

  @TestFactory
  Stream<DynamicNode> everyCombinationRuns() {
    return TestBackends.names()
        .flatMap(
            backend ->
                Diffusions.builtIn().stream()
                    .map(
                        process ->
                            dynamicContainer(
                                backend + " " + process.name(), solvers(backend, process))));
  }

  private static Stream<DynamicNode> solvers(String backend, Diffusion process) {
    return Solvers.builtIn().stream()
        .map(solver -> dynamicTest(solver.name(), () -> run(backend, process, solver)));
  }

  private static void run(String name, Diffusion process, Solver solver) {
    Flow flow = Flow.of(field(process)).withSolver(solver);
    double[] noise = new double[2 * ROWS];
    Philox.normal(1, 0, noise, 0, noise.length);
    double[] scaled = Arrays.stream(noise).map(z -> z * process.sigma(flow.start())).toArray();
    double[] data = integrate(process, scaled, flow.start(), flow.end());
    try (Backend backend = TestBackends.open(name, 2)) {
      for (GridKind kind : SolverMatrixTest.KINDS) {
        for (boolean reversed : new boolean[] {false, true}) {
          Flow way = reversed ? flow.reversed() : flow;
          if (kind != GridKind.REFINED) {
            way = way.withGrid(grid(way, backend, kind));
          } else if (process.name().equals("ou") && solver instanceof FixedStepSolver) {
            way = way.withGrid("refined:3");
          } else {
            continue;
          }
          compare(way, backend, reversed ? data : scaled, reversed ? scaled : data);
        }
      }
    }
  }

  /** What grids depend on here: they are the same for all solvers and both directions. */
  private static TimeGrid grid(Flow flow, Backend backend, GridKind kind) {
    return GRIDS.computeIfAbsent(
        backend.name() + flow.field().process().orElseThrow() + kind,
        missing -> flow.withGrid(new GridSpec(kind, 64)).grid(backend));
  }

  private static void compare(Flow flow, Backend backend, double[] from, double[] to) {
    try (Batch x = Batch.wrap(from.clone(), 2);
        FlowResult result = flow.run(backend, x)) {
      assertThat(result.statistics().allOk()).isTrue();
      Diffusion process = flow.field().process().orElseThrow();
      double scale = process.sigma(flow.isReversed() ? flow.start() : flow.end());
      double bound = SolverMatrixTest.bound(flow.solver(), result.grid());
      assertThat(Errors.rootMeanSquare(result.end().toDoubleArray(), to))
          .as("%s, reversed %s", result.grid().kind(), result.reversed())
          .isLessThan(bound * (1 + scale));
    }
  }

  /** Two pieces, of one network. */
  private static NetworkField field(Diffusion process) {
    double start = process.timeAtHalfLogSnr(-1.5);
    double middle = process.timeAtHalfLogSnr(0.2);
    double end = process.timeAtHalfLogSnr(1.5);
    Network network = ExactNetworks.affine(GAIN, MEAN, Output.DENOISED);
    return NetworkField.of(
        List.of(
            network.withTimes(process, middle, start), network.withTimes(process, end, middle)));
  }

  private static double[] velocity(Diffusion process, double t, double[] x) {
    double[] velocity = new double[x.length];
    for (int i = 0; i < x.length; i++) {
      int row = i / 2 * 2;
      double denoised = MEAN[i % 2] + GAIN[i % 2 * 2] * x[row] + GAIN[i % 2 * 2 + 1] * x[row + 1];
      double score = (process.alpha(t) * denoised - x[i]) / Math.pow(process.sigma(t), 2);
      velocity[i] = process.drift(t) * x[i] - process.halfSquaredDiffusion(t) * score;
    }
    return velocity;
  }

  /** RK4 with steps uniform in log t. */
  private static double[] integrate(Diffusion process, double[] x, double from, double to) {
    int steps = 2000;
    double[] state = x.clone();
    double t = from;
    for (int n = 1; n <= steps; n++) {
      double next = from * Math.pow(to / from, n / (double) steps);
      double h = next - t;
      double[] k1 = velocity(process, t, state);
      double[] k2 = velocity(process, t + h / 2, plus(state, h / 2, k1));
      double[] k3 = velocity(process, t + h / 2, plus(state, h / 2, k2));
      double[] k4 = velocity(process, next, plus(state, h, k3));
      for (int i = 0; i < state.length; i++) {
        state[i] += h / 6 * (k1[i] + 2 * k2[i] + 2 * k3[i] + k4[i]);
      }
      t = next;
    }
    return state;
  }

  private static double[] plus(double[] x, double h, double[] slope) {
    double[] sum = x.clone();
    Arrays.setAll(sum, i -> x[i] + h * slope[i]);
    return sum;
  }
}
