package org.fewstep.flow;

import java.util.Optional;
import org.fewstep.backend.Batch;
import org.fewstep.diffusion.Diffusion;

/**
 * A vector field of the user's own. Batches lie in the memory of the backend in use; on a device
 * the implementer enqueues work there. All batches of a call have the same number of rows, which
 * may be any slice of those handed to the flow. Rows should not influence each other, and an
 * implementation must bear calls from the thread that runs the flow only.
 *
 * <p>A row that the field answers with NaN or infinity fails alone: its status says so and the
 * other rows go on.
 */
public non-sealed interface UserField extends VectorField {

  /** Writes v(x, t) for every row: x and out are [n,d], t is one time for all of them. */
  void evaluate(double t, Batch x, Batch out);

  /**
   * Writes v(x_i, t_i) with a time of its own for every row, as adaptive solvers need. The default
   * calls {@link #evaluate(double, Batch, Batch)} for each run of rows of equal time; override it
   * where that is slow.
   *
   * @param times [n,1] in FLOAT64
   * @param x [n,d]
   * @param out [n,d]
   */
  default void evaluate(Batch times, Batch x, Batch out) {
    RunsOfEqualTime.forEach(times, x, out, this::evaluate);
  }

  /** Whether {@link #divergence} is implemented, as the log-likelihood needs. */
  default boolean hasDivergence() {
    return false;
  }

  /** Writes the divergence of v at (x, t), the trace of its Jacobian: x is [n,d], out [n,1]. */
  default void divergence(double t, Batch x, Batch out) {
    throw new UnsupportedOperationException(getClass().getName() + " has no divergence");
  }

  /** The divergence with a time of its own for every row; times is [n,1] in FLOAT64. */
  default void divergence(Batch times, Batch x, Batch out) {
    RunsOfEqualTime.forEach(times, x, out, this::divergence);
  }

  @Override
  default Optional<Diffusion> process() {
    return Optional.empty();
  }
}
