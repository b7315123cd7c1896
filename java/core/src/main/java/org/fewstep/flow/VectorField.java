package org.fewstep.flow;

import java.util.Optional;
import org.fewstep.diffusion.Diffusion;

/**
 * The right-hand side of the flow dx/dt = v(x, t): a mixture under a diffusion, networks, or a
 * user's own. Solvers see only this interface.
 */
public sealed interface VectorField permits MixtureField, NetworkField, UserField {

  /** The dimension d of the states. */
  int dimension();

  /**
   * The process whose probability flow this is. Without one the field has no log-SNR and no
   * denoised point: exponential solvers refuse it, and its grid must be given knot by knot.
   */
  Optional<Diffusion> process();
}
