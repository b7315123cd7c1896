package org.fewstep.backend;

/**
 * One step of Adam (Kingma and Ba, 2015, algorithm 1) with decoupled weight decay (Loshchilov and
 * Hutter, 2019, algorithm 2) and the gradient clipped to a norm. With g the gradient of step t:
 *
 * <pre>
 *   g = g min(1, clipNorm/|g|)
 *   m = beta1 m + (1 - beta1) g ;   v = beta2 v + (1 - beta2) g^2
 *   p = p - learningRate (m / (1 - beta1^t) / (sqrt(v / (1 - beta2^t)) + epsilon) + weightDecay p)
 * </pre>
 *
 * @param step t, from 1 on
 * @param learningRate finite, >= 0
 * @param beta1 in [0, 1)
 * @param beta2 in [0, 1)
 * @param epsilon > 0
 * @param weightDecay >= 0; 0 is Adam, more is AdamW
 * @param clipNorm > 0; infinity clips nothing
 */
public record AdamStep(
    long step,
    double learningRate,
    double beta1,
    double beta2,
    double epsilon,
    double weightDecay,
    double clipNorm) {

  /** Checks every range. */
  public AdamStep {
    require("step", step >= 1, ">= 1", step);
    require("learningRate", learningRate >= 0 && isFinite(learningRate), ">= 0", learningRate);
    require("beta1", beta1 >= 0 && beta1 < 1, "in [0, 1)", beta1);
    require("beta2", beta2 >= 0 && beta2 < 1, "in [0, 1)", beta2);
    require("epsilon", epsilon > 0 && isFinite(epsilon), "> 0", epsilon);
    require("weightDecay", weightDecay >= 0 && isFinite(weightDecay), ">= 0", weightDecay);
    require("clipNorm", clipNorm > 0, "> 0", clipNorm);
  }

  private static boolean isFinite(double value) {
    return Double.isFinite(value);
  }

  private static void require(String argument, boolean holds, String range, double value) {
    if (!holds) {
      throw new IllegalArgumentException(
          "%s must be %s, but is %s".formatted(argument, range, value));
    }
  }

  /** 1 - beta1^t, which the mean of the gradient is divided by. */
  public double meanCorrection() {
    return 1 - Math.pow(beta1, step);
  }

  /** 1 - beta2^t, which the mean square of the gradient is divided by. */
  public double squareCorrection() {
    return 1 - Math.pow(beta2, step);
  }
}
