package org.fewstep.backend.scalar;

import java.util.Arrays;
import java.util.List;
import org.fewstep.backend.Batch;
import org.fewstep.backend.Plan;
import org.fewstep.backend.TimeConstants;
import org.fewstep.backend.TrajectoryOutputs;
import org.fewstep.backend.WorkerPool;
import org.fewstep.mixture.GaussianMixture;

/**
 * A plan run on a batch: the rows of a chunk go through it stage by stage, their slots in the
 * worker's memory, so that what depends on the time alone is computed once a chunk.
 */
final class TrajectoryCall implements WorkerPool.Task {

  private final Scratch[] scratches;
  private GaussianMixture mixture;
  private Plan plan;
  private Batch x;
  private TrajectoryOutputs outputs;

  TrajectoryCall(Scratch[] scratches) {
    this.scratches = scratches;
  }

  void prepare(GaussianMixture mixture, Plan plan, Batch x, TrajectoryOutputs outputs) {
    this.mixture = mixture;
    this.plan = plan;
    this.x = x;
    this.outputs = outputs;
  }

  /** Lets go of the arguments. */
  void clear() {
    prepare(null, null, null, null);
  }

  /** The doubles per row that {@link #run} keeps. */
  static long scratchPerRow(Plan plan, int dimension) {
    return (long) plan.slots() * (dimension + 1);
  }

  @Override
  public void run(int worker, long first, long end) {
    Scratch scratch = scratches[worker];
    int dimension = mixture.dimension();
    int count = (int) (end - first);
    MixtureRow row = scratch.row(mixture.components(), dimension);
    // Per row: the slots, [slots,d]; and log p in place of slot 0's divergence, [slots].
    double[] states = scratch.states(count * plan.slots() * dimension);
    double[] divergences = scratch.values(count * plan.slots());
    load(first, count, states, divergences);
    storeKnot(0, first, count, states);
    List<Plan.Step> steps = plan.steps();
    for (int s = 0; s < steps.size(); s++) {
      Plan.Step step = steps.get(s);
      for (int j = 0; j < step.stages().size(); j++) {
        Plan.Stage stage = step.stages().get(j);
        TimeConstants at = stage.at();
        scratch.table.fill(mixture, at.scale(), at.ornsteinUhlenbeckTime());
        for (int i = 0; i < count; i++) {
          evaluate(stage, scratch.table, row, states, divergences, i);
        }
      }
      for (int i = 0; i < count; i++) {
        update(step, row, states, divergences, i);
      }
      storeKnot(s + 1, first, count, states);
    }
    for (int i = 0; i < count; i++) {
      if (outputs.end() != null) {
        Elements.storeRow(outputs.end(), first + i, states, slot(i, 0));
      }
      if (outputs.logDensity() != null) {
        Elements.set(outputs.logDensity(), first + i, divergences[i * plan.slots()]);
      }
    }
  }

  private int slot(int i, int slot) {
    return (i * plan.slots() + slot) * mixture.dimension();
  }

  private void load(long first, int count, double[] states, double[] divergences) {
    int dimension = mixture.dimension();
    Arrays.fill(states, 0, count * plan.slots() * dimension, 0);
    Arrays.fill(divergences, 0, count * plan.slots(), 0);
    for (int i = 0; i < count; i++) {
      Elements.loadRow(x, first + i, states, slot(i, 0));
      if (outputs.logDensity() != null) {
        divergences[i * plan.slots()] = Elements.get(outputs.logDensity(), first + i);
      }
      if (!Elements.allFinite(states, slot(i, 0), dimension)) {
        Arrays.fill(states, slot(i, 0), slot(i, 1), Double.NaN);
        divergences[i * plan.slots()] = Double.NaN;
      }
    }
  }

  private void storeKnot(int knot, long first, int count, double[] states) {
    if (!outputs.knots().isEmpty()) {
      for (int i = 0; i < count; i++) {
        Elements.storeRow(outputs.knots().get(knot), first + i, states, slot(i, 0));
      }
    }
  }

  /** Runs one stage of row i of the chunk. */
  private void evaluate(
      Plan.Stage stage,
      ComponentTable table,
      MixtureRow row,
      double[] states,
      double[] divergences,
      int i) {
    combine(stage.inputs(), states, i, row.x);
    int target = slot(i, stage.target());
    int divergence = i * plan.slots() + stage.target();
    if (!row.isPoint()) {
      Arrays.fill(states, target, target + row.x.length, Double.NaN);
      divergences[divergence] = Double.NaN;
      return;
    }
    row.locate(table);
    boolean wantsDivergence = outputs.logDensity() != null;
    switch (plan.evaluation()) {
      case VELOCITY -> {
        double drift = stage.at().drift();
        double half = stage.at().halfSquaredDiffusion();
        row.score(table);
        for (int c = 0; c < row.x.length; c++) {
          states[target + c] = drift * row.x[c] - half * row.score[c];
        }
        if (wantsDivergence) {
          divergences[divergence] = drift * row.x.length - half * row.divergence(table);
        }
      }
      case DENOISED -> {
        row.posteriorMean(table);
        System.arraycopy(row.posteriorMean, 0, states, target, row.x.length);
        if (wantsDivergence) {
          row.score(table);
          divergences[divergence] = row.posteriorMeanDivergence(table);
        }
      }
    }
  }

  /** Ends a step of row i of the chunk. */
  private void update(
      Plan.Step step, MixtureRow row, double[] states, double[] divergences, int i) {
    combine(step.update(), states, i, row.x);
    System.arraycopy(row.x, 0, states, slot(i, 0), row.x.length);
    if (outputs.logDensity() != null) {
      int logDensity = i * plan.slots();
      double sum = row.x.length * step.logDensityOffset();
      for (int j = 1; j < plan.slots(); j++) {
        double weight = step.logDensityWeights()[j];
        if (weight != 0) {
          sum += weight * divergences[logDensity + j];
        }
      }
      divergences[logDensity] += sum;
    }
  }

  /** Combines the slots of row i; those of weight zero are not read. */
  private void combine(double[] weights, double[] states, int i, double[] out) {
    Arrays.fill(out, 0);
    for (int j = 0; j < weights.length; j++) {
      double weight = weights[j];
      if (weight != 0) {
        int slot = slot(i, j);
        for (int c = 0; c < out.length; c++) {
          out[c] += weight * states[slot + c];
        }
      }
    }
  }
}
