package org.fewstep.backend;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import org.fewstep.diffusion.Diffusion;

/** Plans written out by hand, for tests of the kernels that run plans. */
final class Plans {

  private Plans() {}

  /** Knots in equal ratios of time. */
  static double[] knots(double start, double end, int steps) {
    double[] knots = new double[steps + 1];
    Arrays.setAll(knots, i -> start * Math.pow(end / start, (double) i / steps));
    return knots;
  }

  /** Heun's method on the velocity, with the divergence integrated alike. */
  static Plan heun(Diffusion process, double[] knots) {
    List<Plan.Step> steps = new ArrayList<>();
    for (int i = 1; i < knots.length; i++) {
      double h = knots[i] - knots[i - 1];
      steps.add(
          new Plan.Step(
              knots[i],
              List.of(
                  new Plan.Stage(
                      TimeConstants.of(process, knots[i - 1]), new double[] {1, 0, 0}, 1),
                  new Plan.Stage(TimeConstants.of(process, knots[i]), new double[] {1, h, 0}, 2)),
              new double[] {1, h / 2, h / 2},
              0,
              new double[] {0, -h / 2, -h / 2}));
    }
    return new Plan(Plan.Evaluation.VELOCITY, 3, steps);
  }

  /**
   * A two-step method on denoised points: the evaluation of the step before takes part, so the
   * slots have to keep their values. Steps take turns with the slots.
   */
  static Plan multistep(Diffusion process, double[] knots) {
    List<Plan.Step> steps = new ArrayList<>();
    for (int i = 1; i < knots.length; i++) {
      double shrink = process.sigma(knots[i]) / process.sigma(knots[i - 1]);
      double pull = process.alpha(knots[i]) - process.alpha(knots[i - 1]) * shrink;
      int now = 1 + i % 2;
      double[] update = new double[3];
      double[] divergences = new double[3];
      update[0] = shrink;
      update[now] = i == 1 ? pull : 1.25 * pull;
      update[3 - now] = i == 1 ? 0 : -0.25 * pull;
      divergences[now] = -pull / shrink;
      steps.add(
          new Plan.Step(
              knots[i],
              List.of(
                  new Plan.Stage(
                      TimeConstants.of(process, knots[i - 1]), new double[] {1, 0, 0}, now)),
              update,
              -Math.log(shrink),
              divergences));
    }
    return new Plan(Plan.Evaluation.DENOISED, 3, steps);
  }
}
