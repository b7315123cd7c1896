package org.fewstep.training;

import org.fewstep.backend.AdamStep;

/**
 * The settings of Adam (Kingma and Ba, 2015) or, with weight decay, of AdamW (Loshchilov and
 * Hutter, 2019).
 *
 * @param beta1 the memory of the mean gradient, in [0, 1)
 * @param beta2 the memory of the mean square, in [0, 1)
 * @param epsilon > 0
 * @param weightDecay >= 0
 * @param clipNorm the largest norm of a gradient, > 0; infinite for any
 */
public record Adam(
    double beta1, double beta2, double epsilon, double weightDecay, double clipNorm) {

  /** Checks the ranges. */
  public Adam {
    new AdamStep(1, 0, beta1, beta2, epsilon, weightDecay, clipNorm);
  }

  /** Adam with betas 0.9 and 0.99, epsilon 1e-8, no decay, gradients clipped to norm 1. */
  public Adam() {
    this(0.9, 0.99, 1e-8, 0, 1);
  }

  /** This with decoupled weight decay: AdamW. */
  public Adam withWeightDecay(double decay) {
    return new Adam(beta1, beta2, epsilon, decay, clipNorm);
  }

  /** This with gradients clipped to another norm, or to none if infinite. */
  public Adam withClipNorm(double norm) {
    return new Adam(beta1, beta2, epsilon, weightDecay, norm);
  }

  /** The step number {@code step}, from 1 on, at a learning rate. */
  public AdamStep step(long step, double learningRate) {
    return new AdamStep(step, learningRate, beta1, beta2, epsilon, weightDecay, clipNorm);
  }
}
