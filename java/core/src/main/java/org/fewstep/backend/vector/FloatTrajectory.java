package org.fewstep.backend.vector;

import java.util.stream.IntStream;
import org.fewstep.backend.Plan;
import org.fewstep.backend.TimeConstants;
import org.fewstep.mixture.GaussianMixture;

/** A plan and a mixture, packed: for every stage a kernel with its constants, rounded once. */
final class FloatTrajectory {

  final GaussianMixture mixture;
  final Plan plan;
  final FloatStep[] steps;

  /** One step: its stages, the combination that makes the new state, the change of log p. */
  record FloatStep(
      FloatStage[] stages, FloatTerms update, float logDensityOffset, FloatTerms logDensityTerms) {}

  /** One evaluation: {@code v = drift x - diffusion score}, or E[x0|x]. */
  record FloatStage(
      FloatMixtureKernel kernel,
      FloatTerms inputs,
      int target,
      float drift,
      float diffusion,
      float divergenceConstant,
      float divergenceFactor) {}

  /** The slots of a combination that have a weight, and the weights. */
  record FloatTerms(int[] slots, float[] weights) {

    static FloatTerms of(double[] all) {
      int[] used = IntStream.range(0, all.length).filter(j -> all[j] != 0).toArray();
      float[] weights = new float[used.length];
      for (int j = 0; j < used.length; j++) {
        weights[j] = (float) all[used[j]];
      }
      return new FloatTerms(used, weights);
    }
  }

  FloatTrajectory(GaussianMixture mixture, Plan plan) {
    this.mixture = mixture;
    this.plan = plan;
    this.steps = plan.steps().stream().map(this::pack).toArray(FloatStep[]::new);
  }

  private FloatStep pack(Plan.Step step) {
    return new FloatStep(
        step.stages().stream().map(this::pack).toArray(FloatStage[]::new),
        FloatTerms.of(step.update()),
        (float) (mixture.dimension() * step.logDensityOffset()),
        FloatTerms.of(step.logDensityWeights()));
  }

  private FloatStage pack(Plan.Stage stage) {
    TimeConstants at = stage.at();
    MixtureTime time = MixtureTime.of(mixture, at);
    boolean velocity = plan.evaluation() == Plan.Evaluation.VELOCITY;
    // The divergence of the velocity is d f - h div s; that of E[x0|x] the kernel gives as it is.
    return new FloatStage(
        velocity ? FloatMixtureKernel.of(time) : FloatMixtureKernel.withDivergenceOfMean(time),
        FloatTerms.of(stage.inputs()),
        stage.target(),
        (float) at.drift(),
        (float) -at.halfSquaredDiffusion(),
        velocity ? (float) (mixture.dimension() * at.drift()) : 0f,
        velocity ? (float) -at.halfSquaredDiffusion() : 1f);
  }

  /** The rows of a tile: its slots are to stay in the L1 cache. */
  int tileRows() {
    return FloatTile.rows(mixture.dimension() * (plan.slots() + 1));
  }
}
