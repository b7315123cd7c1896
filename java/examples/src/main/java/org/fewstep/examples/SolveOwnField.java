package org.fewstep.examples;

import org.fewstep.backend.Backend;
import org.fewstep.backend.Backends;
import org.fewstep.backend.Batch;
import org.fewstep.flow.Flow;
import org.fewstep.flow.FlowResult;
import org.fewstep.flow.UserField;
import org.fewstep.grid.TimeGrid;

/** A field of one's own through the library's solvers: a rotation, whose end is known. */
public final class SolveOwnField {

  private SolveOwnField() {}

  /** dx/dt = (-y, x): a quarter turn in a time of pi/2. */
  private static final class Rotation implements UserField {

    @Override
    public int dimension() {
      return 2;
    }

    @Override
    public void evaluate(double t, Batch x, Batch out) {
      for (long row = 0; row < x.rows(); row++) {
        out.set(row, 0, -x.get(row, 1));
        out.set(row, 1, x.get(row, 0));
      }
    }
  }

  /** Prints the end of the point (1, 0) under a fixed-step and an adaptive solver. */
  public static void main(String[] args) {
    double[] knots = {Math.PI / 2, Math.PI / 3, Math.PI / 6, 0};
    for (String solver : new String[] {"rk4", "dopri5"}) {
      // A flow runs from noise (the larger time) to data; reversed, time runs forward.
      Flow flow =
          Flow.of(new Rotation()).withSolver(solver).withGrid(TimeGrid.of(knots)).reversed();
      try (Backend backend = Backends.best();
          FlowResult result = flow.run(backend, Batch.wrap(new double[] {1, 0}, 2))) {
        System.out.printf(
            "%-6s (1, 0) -> (%.6f, %.6f), exactly (0, 1)%n",
            result.solver(), result.end().get(0, 0), result.end().get(0, 1));
      }
    }
  }
}
