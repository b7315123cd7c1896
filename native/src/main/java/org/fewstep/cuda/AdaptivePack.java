package org.fewstep.cuda;

import org.bytedeco.javacpp.DoublePointer;
import org.fewstep.backend.AdaptivePlan;
import org.fewstep.cuda.binding.FewstepCuda;
import org.fewstep.cuda.binding.fs_adaptive_plan;
import org.fewstep.diffusion.Diffusion;
import org.fewstep.diffusion.OrnsteinUhlenbeck;
import org.fewstep.diffusion.VarianceExploding;
import org.fewstep.diffusion.VariancePreserving;
import org.fewstep.diffusion.VariancePreservingCosine;

/** An adaptive plan as fs_adaptive_trajectory takes it. */
final class AdaptivePack {

  private AdaptivePack() {}

  /** The process by its code, with the rate beta(t) = rate + slope t where it has one. */
  private record Schedule(int code, double rate, double slope) {}

  /** The process as kernels know it, or null if it is not a built-in one. */
  private static Schedule schedule(Diffusion process) {
    return switch (process) {
      case OrnsteinUhlenbeck ou -> new Schedule(FewstepCuda.FS_LINEAR, 2, 0);
      case VariancePreserving(double least, double most) ->
          new Schedule(FewstepCuda.FS_LINEAR, least, most - least);
      case VariancePreservingCosine cosine -> new Schedule(FewstepCuda.FS_COSINE, 0, 0);
      case VarianceExploding exploding -> new Schedule(FewstepCuda.FS_EXPLODING, 0, 0);
      default -> null;
    };
  }

  /** The plan, which the caller closes; null if kernels do not know its process. */
  static fs_adaptive_plan of(AdaptivePlan plan) {
    Schedule schedule = schedule(plan.process());
    if (schedule == null) {
      return null;
    }
    fs_adaptive_plan packed =
        new fs_adaptive_plan()
            .schedule(schedule.code())
            .rate(schedule.rate())
            .slope(schedule.slope())
            .most_steps(plan.maxSteps())
            .smallest(plan.smallestStep())
            .largest(plan.largestStep())
            .absolute(plan.absoluteTolerance())
            .relative(plan.relativeTolerance());
    AdaptivePlan.Tableau tableau = plan.tableau();
    for (int stage = 0; stage < AdaptivePlan.STAGES; stage++) {
      put(tableau.weights()[stage], packed.weights(), stage);
    }
    put(tableau.error(), packed.error(), 0);
    put(tableau.quadratic(), packed.quadratic(), 0);
    put(tableau.cubic(), packed.cubic(), 0);
    put(tableau.quartic(), packed.quartic(), 0);
    put(tableau.nodes(), packed.nodes(), 0);
    AdaptivePlan.Control control = plan.control();
    return packed
        .error_exponent(control.errorExponent())
        .previous_exponent(control.previousExponent())
        .safety(control.safety())
        .least_factor(control.smallestFactor())
        .most_factor(control.largestFactor())
        .least_remembered(control.smallestRemembered())
        .first_exponent(control.firstExponent());
  }

  private static void put(double[] weights, DoublePointer to, int row) {
    for (int j = 0; j < weights.length; j++) {
      to.put((long) row * AdaptivePlan.STAGES + j, weights[j]);
    }
  }
}
