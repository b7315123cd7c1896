package org.fewstep.backend.scalar;

import org.fewstep.backend.Batch;
import org.fewstep.backend.MixtureOutputs;
import org.fewstep.backend.WorkerPool;
import org.fewstep.diffusion.Diffusion;
import org.fewstep.mixture.DiffusedMixture;
import org.fewstep.mixture.GaussianMixture;

/** An evaluation of a mixture at a batch of points, at one time or at one time per row. */
final class MixtureCall implements WorkerPool.Task {

  private final Scratch[] scratches;
  private final ComponentTable shared = new ComponentTable();
  private GaussianMixture mixture;
  private Diffusion process;
  private Batch times;
  private Batch x;
  private MixtureOutputs outputs;

  MixtureCall(Scratch[] scratches) {
    this.scratches = scratches;
  }

  void prepare(DiffusedMixture diffused, Batch x, MixtureOutputs outputs) {
    prepare(diffused.mixture(), null, null, x, outputs);
    shared.fill(mixture, diffused.scale(), diffused.ornsteinUhlenbeckTime());
  }

  void prepare(
      GaussianMixture mixture, Diffusion process, Batch times, Batch x, MixtureOutputs outputs) {
    this.mixture = mixture;
    this.process = process;
    this.times = times;
    this.x = x;
    this.outputs = outputs;
  }

  /** Lets go of the arguments. */
  void clear() {
    prepare(null, null, null, null, null);
  }

  @Override
  public void run(int worker, long first, long end) {
    Scratch scratch = scratches[worker];
    MixtureRow row = scratch.row(mixture.components(), mixture.dimension());
    for (long i = first; i < end; i++) {
      Elements.loadRow(x, i, row.x, 0);
      ComponentTable at = times == null ? shared : tableAt(Elements.get(times, i), scratch.table);
      if (at == null || !row.isPoint()) {
        storeNaN(i);
      } else {
        evaluate(at, row, i);
      }
    }
  }

  /** The table of one time, or null if that is not a time of the process or of the mixture. */
  private ComponentTable tableAt(double t, ComponentTable table) {
    boolean valid =
        t >= 0
            && t <= process.maxTime()
            && table.fill(mixture, process.scale(t), process.ornsteinUhlenbeckTime(t));
    return valid ? table : null;
  }

  private void evaluate(ComponentTable at, MixtureRow row, long i) {
    boolean badDirection = false;
    if (outputs.direction() != null) {
      // Before anything is stored: an output may lie where the direction does.
      Elements.loadRow(outputs.direction(), i, row.direction, 0);
      badDirection = !Elements.allFinite(row.direction, 0, row.direction.length);
    }
    row.locate(at);
    if (outputs.score() != null || outputs.wantsDerivative()) {
      row.score(at);
    }
    if (outputs.logDensity() != null) {
      Elements.set(outputs.logDensity(), i, row.logDensity);
    }
    if (outputs.score() != null) {
      Elements.storeRow(outputs.score(), i, row.score, 0);
    }
    if (outputs.posteriorMean() != null) {
      row.posteriorMean(at);
      Elements.storeRow(outputs.posteriorMean(), i, row.posteriorMean, 0);
    }
    if (outputs.divergence() != null) {
      Elements.set(outputs.divergence(), i, row.divergence(at));
    }
    if (badDirection) {
      Elements.storeNaN(outputs.jvp(), i);
    } else if (outputs.jvp() != null) {
      row.jvp(at);
      Elements.storeRow(outputs.jvp(), i, row.jvp, 0);
    }
    if (outputs.responsibilities() != null) {
      Elements.storeRow(outputs.responsibilities(), i, row.responsibilities, 0);
    }
  }

  private void storeNaN(long i) {
    Elements.storeNaN(outputs.logDensity(), i);
    Elements.storeNaN(outputs.score(), i);
    Elements.storeNaN(outputs.posteriorMean(), i);
    Elements.storeNaN(outputs.divergence(), i);
    Elements.storeNaN(outputs.jvp(), i);
    Elements.storeNaN(outputs.responsibilities(), i);
  }
}
