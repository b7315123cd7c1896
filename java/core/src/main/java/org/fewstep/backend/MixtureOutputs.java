package org.fewstep.backend;

import org.fewstep.mixture.GaussianMixture;

/**
 * The outputs asked of one evaluation of a mixture, each a batch to be written or null if it is not
 * wanted. Built up from {@link #none()}:
 *
 * <pre>{@code MixtureOutputs.none().withScore(score).withDivergence(divergence)}</pre>
 *
 * <p>With p the density at the time of evaluation, n rows, d columns and K components:
 *
 * @param logDensity [n,1], log p(x), natural logarithm
 * @param score [n,d], the gradient of log p
 * @param posteriorMean [n,d], E[x_0 | x], also called the denoised point
 * @param divergence [n,1], the divergence of the score: the trace of the Hessian of log p
 * @param direction [n,d], an input: the vectors v that the Hessian is applied to
 * @param jvp [n,d], the Jacobian of the score times v: Hessian of log p times direction
 * @param responsibilities [n,K], the posterior probability of each component
 */
public record MixtureOutputs(
    Batch logDensity,
    Batch score,
    Batch posteriorMean,
    Batch divergence,
    Batch direction,
    Batch jvp,
    Batch responsibilities) {

  private static final MixtureOutputs NONE =
      new MixtureOutputs(null, null, null, null, null, null, null);

  /** Refuses a direction without a result for it, and the reverse. */
  public MixtureOutputs {
    if ((direction == null) != (jvp == null)) {
      throw new IllegalArgumentException(
          "direction and jvp go together: give both batches or neither");
    }
  }

  /** No output. */
  public static MixtureOutputs none() {
    return NONE;
  }

  /** These and the log-density, [n,1]. */
  public MixtureOutputs withLogDensity(Batch batch) {
    return new MixtureOutputs(
        batch, score, posteriorMean, divergence, direction, jvp, responsibilities);
  }

  /** These and the score, [n,d]. */
  public MixtureOutputs withScore(Batch batch) {
    return new MixtureOutputs(
        logDensity, batch, posteriorMean, divergence, direction, jvp, responsibilities);
  }

  /** These and the posterior mean, [n,d]. */
  public MixtureOutputs withPosteriorMean(Batch batch) {
    return new MixtureOutputs(
        logDensity, score, batch, divergence, direction, jvp, responsibilities);
  }

  /** These and the divergence of the score, [n,1]. */
  public MixtureOutputs withDivergence(Batch batch) {
    return new MixtureOutputs(
        logDensity, score, posteriorMean, batch, direction, jvp, responsibilities);
  }

  /** These and the Hessian of the log-density times {@code vectors}, both [n,d]. */
  public MixtureOutputs withJvp(Batch vectors, Batch batch) {
    return new MixtureOutputs(
        logDensity, score, posteriorMean, divergence, vectors, batch, responsibilities);
  }

  /** These and the responsibilities, [n,K]. */
  public MixtureOutputs withResponsibilities(Batch batch) {
    return new MixtureOutputs(logDensity, score, posteriorMean, divergence, direction, jvp, batch);
  }

  /** Whether a second derivative (divergence or JVP) is asked for. */
  public boolean wantsDerivative() {
    return divergence != null || jvp != null;
  }

  /**
   * Checks every batch against the points and the mixture: open, in the space and the precision of
   * x, and of the right shape.
   *
   * @throws IllegalArgumentException naming the first one that does not fit
   * @throws IllegalStateException if one is closed
   */
  public void requireFits(Batch x, GaussianMixture mixture) {
    BatchChecks.requireGiven("mixture", mixture);
    int dimension = mixture.dimension();
    BatchChecks.requireColumns("x", x, dimension);
    BatchChecks.requireLike("logDensity", logDensity, x, 1);
    BatchChecks.requireLike("score", score, x, dimension);
    BatchChecks.requireLike("posteriorMean", posteriorMean, x, dimension);
    BatchChecks.requireLike("divergence", divergence, x, 1);
    BatchChecks.requireLike("direction", direction, x, dimension);
    BatchChecks.requireLike("jvp", jvp, x, dimension);
    BatchChecks.requireLike("responsibilities", responsibilities, x, mixture.components());
  }
}
