package org.fewstep.cuda;

import static org.fewstep.cuda.Arguments.address;
import static org.fewstep.cuda.Arguments.addresses;

import java.util.EnumMap;
import java.util.Map;
import org.fewstep.backend.AdaptiveOutputs;
import org.fewstep.backend.AdaptivePlan;
import org.fewstep.backend.Batch;
import org.fewstep.backend.MixtureOutputs;
import org.fewstep.backend.Plan;
import org.fewstep.backend.Precision;
import org.fewstep.backend.TrajectoryOutputs;
import org.fewstep.cuda.binding.FewstepCuda;
import org.fewstep.cuda.binding.fs_adaptive_plan;
import org.fewstep.cuda.binding.fs_mixture_outputs;
import org.fewstep.diffusion.Diffusion;
import org.fewstep.mixture.DiffusedMixture;
import org.fewstep.mixture.GaussianMixture;

/** Mixtures and their trajectories: the calls behind the backend's operations. */
final class MixtureKernels {

  /** Counts of steps are reported as numbers of float. */
  private static final int MOST_STEPS_REPORTED = 1 << 24;

  private final CudaContext context;

  /**
   * Filled in for every call, under the context's lock: a structure of its own would be garbage.
   */
  private final fs_mixture_outputs wanted = new fs_mixture_outputs();

  private final Map<Precision, PackCache<GaussianMixture, PackedMixture>> mixtures =
      new EnumMap<>(Precision.class);

  MixtureKernels(CudaContext context) {
    this.context = context;
    for (Precision precision : Precision.values()) {
      mixtures.put(
          precision,
          PackCache.byIdentity(context, mixture -> new PackedMixture(context, mixture, precision)));
    }
  }

  private PackedMixture packed(GaussianMixture mixture, Batch x) {
    return mixtures.get(x.precision()).get(mixture);
  }

  void mixture(DiffusedMixture diffused, Batch x, MixtureOutputs outputs) {
    context.exclusively(
        () -> {
          PackedMixture mixture = packed(diffused.mixture(), x);
          PackedMixture.AtTime at = mixture.at(diffused);
          ask(outputs);
          if (at.tiles() != null) {
            inTiles(mixture, at, x);
          } else {
            plain(mixture, at, x);
          }
        });
  }

  private void plain(PackedMixture mixture, PackedMixture.AtTime at, Batch x) {
    context.run(
        "fs_mixture",
        handle ->
            FewstepCuda.fs_mixture(
                handle,
                mixture.description(),
                at.numbers().address(),
                at.pack().logScale(),
                at.pack().alpha(),
                at.pack().variance(),
                x.rows(),
                address(x),
                wanted));
  }

  private void inTiles(PackedMixture mixture, PackedMixture.AtTime at, Batch x) {
    context.run(
        "fs_mixture_in_tiles",
        handle ->
            FewstepCuda.fs_mixture_in_tiles(
                handle,
                mixture.description(),
                at.tiles().description(),
                at.numbers().address(),
                at.pack().logScale(),
                at.pack().alpha(),
                at.pack().variance(),
                x.rows(),
                address(x),
                wanted));
  }

  void mixture(
      GaussianMixture mixture, Diffusion process, Batch times, Batch x, MixtureOutputs outputs) {
    context.exclusively(
        () -> {
          PackedMixture packed = packed(mixture, x);
          ask(outputs);
          double[] at = moments(process, times.toDoubleArray());
          try (DeviceBuffer moments = context.upload(at, Precision.FLOAT64)) {
            context.run(
                "fs_mixture_at_times",
                handle ->
                    FewstepCuda.fs_mixture_at_times(
                        handle,
                        packed.description(),
                        packed.origins(),
                        moments.address(),
                        x.rows(),
                        address(x),
                        wanted));
          }
        });
  }

  /**
   * Scale and Ornstein-Uhlenbeck time of each row, [n,2]; NaN where the time is none of the
   * process. On the host, since a process may be the caller's own.
   */
  private static double[] moments(Diffusion process, double[] times) {
    double[] moments = new double[2 * times.length];
    for (int row = 0; row < times.length; row++) {
      double t = times[row];
      boolean valid = t >= 0 && t <= process.maxTime();
      moments[2 * row] = valid ? process.scale(t) : Double.NaN;
      moments[2 * row + 1] = valid ? process.ornsteinUhlenbeckTime(t) : Double.NaN;
    }
    return moments;
  }

  boolean trajectory(GaussianMixture mixture, Plan plan, Batch x, TrajectoryOutputs outputs) {
    context.requireOpen();
    if (!MixturePack.fusesTrajectories(mixture.dimension(), x.precision())) {
      return false;
    }
    boolean denoised = plan.evaluation() == Plan.Evaluation.DENOISED;
    long[] knots = addresses(outputs.knots());
    context.exclusively(
        () -> {
          PackedMixture packed = packed(mixture, x);
          PackedMixture.Trajectory trajectory = packed.at(plan);
          context.run(
              "fs_trajectory",
              handle ->
                  FewstepCuda.fs_trajectory(
                      handle,
                      packed.description(),
                      trajectory.numbers().address(),
                      trajectory.times().address(),
                      trajectory.pack().evaluations(),
                      trajectory.pack().program().operations(),
                      trajectory.program().address(),
                      plan.slots(),
                      denoised ? 1 : 0,
                      x.rows(),
                      address(x),
                      address(outputs.end()),
                      knots.length,
                      knots.length == 0 ? null : knots,
                      address(outputs.logDensity())));
        });
    return true;
  }

  boolean trajectory(GaussianMixture mixture, AdaptivePlan plan, Batch x, AdaptiveOutputs outputs) {
    context.requireOpen();
    if (plan.maxSteps() > MOST_STEPS_REPORTED
        || !new MixturePack(mixture, x.precision()).fusesAdaptiveTrajectories()) {
      return false;
    }
    try (fs_adaptive_plan packedPlan = AdaptivePack.of(plan)) {
      if (packedPlan == null) {
        return false;
      }
      long[] knots = addresses(outputs.knots());
      context.exclusively(
          () -> {
            PackedMixture packed = packed(mixture, x);
            long origins = packed.origins();
            context.run(
                "fs_adaptive_trajectory",
                handle ->
                    FewstepCuda.fs_adaptive_trajectory(
                        handle,
                        packed.description(),
                        origins,
                        packedPlan,
                        x.rows(),
                        address(x),
                        address(outputs.end()),
                        plan.times().length,
                        plan.times(),
                        knots.length == 0 ? null : knots,
                        address(outputs.logDensity()),
                        address(outputs.report())));
          });
    }
    return true;
  }

  private void ask(MixtureOutputs outputs) {
    wanted
        .log_density(address(outputs.logDensity()))
        .score(address(outputs.score()))
        .posterior_mean(address(outputs.posteriorMean()))
        .divergence(address(outputs.divergence()))
        .direction(address(outputs.direction()))
        .jvp(address(outputs.jvp()))
        .responsibilities(address(outputs.responsibilities()));
  }
}
