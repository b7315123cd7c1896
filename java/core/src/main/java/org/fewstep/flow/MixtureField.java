package org.fewstep.flow;

import java.util.Optional;
import org.fewstep.diffusion.Diffusion;
import org.fewstep.mixture.GaussianMixture;

/**
 * The probability flow of a Gaussian mixture under a diffusion, {@code v(x, t) = f(t) x - g(t)^2/2
 * score(x, t)}, evaluated by the backend's mixture kernels.
 *
 * @param mixture the data
 * @param diffusion the process that carries it to noise
 */
public record MixtureField(GaussianMixture mixture, Diffusion diffusion) implements VectorField {

  /** Refuses null. */
  public MixtureField {
    Require.notNull("mixture", mixture);
    Require.notNull("diffusion", diffusion);
  }

  @Override
  public int dimension() {
    return mixture.dimension();
  }

  @Override
  public Optional<Diffusion> process() {
    return Optional.of(diffusion);
  }
}
