package org.fewstep.backend.vector;

import java.util.List;
import org.fewstep.backend.AdamStep;
import org.fewstep.backend.Batch;
import org.fewstep.backend.ErrorEstimate;
import org.fewstep.backend.MixtureOutputs;
import org.fewstep.backend.NetworkOutputs;
import org.fewstep.backend.Plan;
import org.fewstep.backend.TrajectoryOutputs;
import org.fewstep.diffusion.Diffusion;
import org.fewstep.mixture.DiffusedMixture;
import org.fewstep.mixture.GaussianMixture;
import org.fewstep.network.Frame;
import org.fewstep.network.Network;
import org.fewstep.network.NetworkShape;

/** The kernels of one precision; see {@link org.fewstep.backend.Backend}. Arguments are checked. */
interface KernelEngine {

  void mixture(DiffusedMixture mixture, Batch x, MixtureOutputs outputs);

  void mixture(
      GaussianMixture mixture, Diffusion process, Batch times, Batch x, MixtureOutputs outputs);

  boolean trajectory(GaussianMixture mixture, Plan plan, Batch x, TrajectoryOutputs outputs);

  void network(Network network, double t, Batch x, NetworkOutputs outputs);

  void network(Network network, Batch times, Batch x, NetworkOutputs outputs);

  void networkForward(
      NetworkShape shape, Frame frame, Batch parameters, Batch x, Batch y, Batch saved);

  void networkBackward(
      NetworkShape shape,
      Frame frame,
      Batch parameters,
      Batch x,
      Batch saved,
      Batch dy,
      Batch dx,
      Batch gradient);

  void adam(AdamStep step, Batch parameters, Batch gradient, Batch mean, Batch square);

  void draw(Batch out, Batch source, long seed, long first);

  void combine(Batch out, List<Batch> terms, double[] weights);

  void step(
      Batch x,
      List<Batch> slopes,
      Batch stepSizes,
      double[] weights,
      Batch next,
      ErrorEstimate error);

  void steinSums(Batch x, Batch u, Batch divergence, Batch sums);

  void random(Batch out, long seed, long first, boolean normal);
}
