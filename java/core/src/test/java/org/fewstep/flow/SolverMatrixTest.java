package org.fewstep.flow;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;
import static org.junit.jupiter.api.DynamicContainer.dynamicContainer;
import static org.junit.jupiter.api.DynamicTest.dynamicTest;

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
import org.junit.jupiter.api.DynamicNode;
import org.junit.jupiter.api.TestFactory;

/**
 * Every solver with every process, grid, direction, backend and way of running it, fused or
 * composed. A pair that does not run is a failure, unless its refusal is what is documented.
 */
class SolverMatrixTest {

  /** Every kind but the one that is found by training. */
  static final List<GridKind> KINDS =
      Stream.of(GridKind.values()).filter(kind -> kind != GridKind.STUDENT).toList();

  private static final int ROWS = 12;
  private static final int SEGMENTS = 64;

  /** Refining a grid runs hundreds of flows: few segments, and only the first process. */
  private static final int REFINED_SEGMENTS = 3;

  private static final Map<String, double[]> NOISE = new HashMap<>();
  private static final Map<String, double[]> DATA = new HashMap<>();
  private static final Map<String, TimeGrid> GRIDS = new HashMap<>();

  @TestFactory
  Stream<DynamicNode> everyCombinationRuns() {
    return TestBackends.names()
        .map(
            backend ->
                dynamicContainer(
                    backend,
                    Diffusions.builtIn().stream()
                        .map(
                            process ->
                                dynamicContainer(process.name(), solvers(backend, process)))));
  }

  private static Stream<DynamicNode> solvers(String backend, Diffusion process) {
    return Solvers.builtIn().stream()
        .map(solver -> dynamicContainer(solver.name(), grids(backend, process, solver)));
  }

  private static Stream<DynamicNode> grids(String backend, Diffusion process, Solver solver) {
    return KINDS.stream()
        .filter(kind -> kind != GridKind.REFINED || process.name().equals("ou"))
        .map(
            kind ->
                dynamicTest(
                    kind.label(),
                    () -> {
                      try (Backend open = TestBackends.open(backend, 2)) {
                        for (boolean reversed : new boolean[] {false, true}) {
                          runAndCompare(open, process, solver, kind, reversed);
                        }
                      }
                    }));
  }

  private static void runAndCompare(
      Backend backend, Diffusion process, Solver solver, GridKind kind, boolean reversed) {
    prepare(process);
    Flow flow = flow(process).withSolver(solver);
    flow = reversed ? flow.reversed() : flow;
    if (kind == GridKind.REFINED && solver instanceof DormandPrince) {
      Flow adaptive = flow.withGrid("refined:3");
      assertThatIllegalArgumentException().isThrownBy(() -> adaptive.grid(backend));
      return;
    }
    flow = flow.withGrid(grid(flow, backend, process, kind));
    double[] from = (reversed ? DATA : NOISE).get(process.name());
    double[] to = (reversed ? NOISE : DATA).get(process.name());
    try (Batch x = Batch.wrap(from.clone(), 2);
        FlowResult fused = flow.run(backend, x);
        FlowResult composed = flow.withFusing(false).run(backend, x)) {
      for (FlowResult result : new FlowResult[] {fused, composed}) {
        String what = "fused %s, reversed %s".formatted(result.fused(), reversed);
        assertThat(result.statistics().allOk()).as(what).isTrue();
        assertThat(result.solver()).isEqualTo(solver.name());
        assertThat(result.backend()).isEqualTo(backend.name());
        assertThat(result.reversed()).isEqualTo(reversed);
        assertThat(result.grid().kind())
            .isIn(kind.label(), kind == GridKind.REFINED ? "log-snr" : kind.label());
        double scale = process.sigma(reversed ? flow.start() : flow.end());
        assertThat(Errors.rootMeanSquare(result.end().toDoubleArray(), to))
            .as(what)
            .isLessThan(bound(solver, result.grid()) * (1 + scale));
      }
      assertThat(composed.fused()).isFalse();
      assertThat(fused.fused()).isEqualTo(solver instanceof FixedStepSolver);
      assertThat(Errors.largest(fused.end().toDoubleArray(), composed.end().toDoubleArray()))
          .isLessThan(1e-11);
    }
  }

  /** From half log-SNR -1.5 to 1.5; constants of 3 for order 1 and below that for the others. */
  static double bound(Solver solver, TimeGrid grid) {
    if (solver instanceof DormandPrince) {
      return 2e-4;
    }
    double length = 3.0 / grid.segments();
    return solver.order() == 1 ? 3 * length : 8 * length * length;
  }

  private static TimeGrid grid(Flow flow, Backend backend, Diffusion process, GridKind kind) {
    // What a grid depends on; that it barely depends on the backend is tested elsewhere.
    boolean refined = kind == GridKind.REFINED;
    String key = process.name() + kind + (refined ? flow.solver().name() + flow.isReversed() : "");
    int segments = refined ? REFINED_SEGMENTS : SEGMENTS;
    return GRIDS.computeIfAbsent(
        key, missing -> flow.withGrid(new GridSpec(kind, segments)).grid(backend));
  }

  private static Flow flow(Diffusion process) {
    return IsotropicFlow.smooth(process)
        .flow()
        .withTimes(process.timeAtHalfLogSnr(-1.5), process.timeAtHalfLogSnr(1.5));
  }

  private static void prepare(Diffusion process) {
    if (!NOISE.containsKey(process.name())) {
      Flow flow = flow(process);
      double[] noise = new double[2 * ROWS];
      Philox.normal(1, 0, noise, 0, noise.length);
      for (int i = 0; i < noise.length; i++) {
        noise[i] *= process.sigma(flow.start());
      }
      NOISE.put(process.name(), noise);
      DATA.put(
          process.name(),
          IsotropicFlow.smooth(process).integrateAll(noise, flow.start(), flow.end(), 2000));
    }
  }
}
