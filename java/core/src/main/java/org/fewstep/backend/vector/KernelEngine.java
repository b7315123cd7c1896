package org.fewstep.backend.vector;

import java.util.List;
import org.fewstep.backend.Batch;
import org.fewstep.backend.ErrorEstimate;
import org.fewstep.backend.MixtureOutputs;
import org.fewstep.backend.Plan;
import org.fewstep.backend.TrajectoryOutputs;
import org.fewstep.diffusion.Diffusion;
import org.fewstep.mixture.DiffusedMixture;
import org.fewstep.mixture.GaussianMixture;

/** The kernels of one precision; see {@link org.fewstep.backend.Backend}. Arguments are checked. */
interface KernelEngine {

  void mixture(DiffusedMixture mixture, Batch x, MixtureOutputs outputs);

  void mixture(
      GaussianMixture mixture, Diffusion process, Batch times, Batch x, MixtureOutputs outputs);

  boolean trajectory(GaussianMixture mixture, Plan plan, Batch x, TrajectoryOutputs outputs);

  void combine(Batch out, List<Batch> terms, double[] weights);

  void step(
      Batch x,
      List<Batch> slopes,
      Batch stepSizes,
      double[] weights,
      Batch next,
      ErrorEstimate error);

  void random(Batch out, long seed, long first, boolean normal);
}
