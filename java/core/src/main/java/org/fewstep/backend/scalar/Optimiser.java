package org.fewstep.backend.scalar;

import org.fewstep.backend.AdamStep;
import org.fewstep.backend.Batch;

/** The steps of optimisers as the formulas are written. */
final class Optimiser {

  private Optimiser() {}

  /** One step of Adam, on one thread. */
  static void adam(AdamStep step, Batch parameters, Batch gradient, Batch mean, Batch square) {
    int count = parameters.columns();
    double norm = 0;
    for (int i = 0; i < count; i++) {
      norm += Elements.get(gradient, i) * Elements.get(gradient, i);
    }
    norm = Math.sqrt(norm);
    double factor = norm > step.clipNorm() ? step.clipNorm() / norm : 1;
    for (int i = 0; i < count; i++) {
      double g = Double.isFinite(norm) ? factor * Elements.get(gradient, i) : Double.NaN;
      double m = step.beta1() * Elements.get(mean, i) + (1 - step.beta1()) * g;
      double v = step.beta2() * Elements.get(square, i) + (1 - step.beta2()) * g * g;
      double p = Elements.get(parameters, i);
      double direction =
          m / step.meanCorrection() / (Math.sqrt(v / step.squareCorrection()) + step.epsilon());
      p -= step.learningRate() * (direction + step.weightDecay() * p);
      Elements.set(mean, i, m);
      Elements.set(square, i, v);
      Elements.set(parameters, i, p);
    }
  }
}
