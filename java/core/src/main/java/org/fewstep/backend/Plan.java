package org.fewstep.backend;

import java.util.List;
import java.util.Locale;
import org.fewstep.mixture.GaussianMixture;
import org.fewstep.network.Network;

/**
 * A fixed-step trajectory as data: solvers compile to it on the host in float64, and one fused
 * kernel per field runs any plan, so that there is no kernel per solver.
 *
 * <p>A row's state lives in numbered slots, at most {@value #MAX_SLOTS}, each a vector of d values.
 * Slot 0 is the state x; before the first step it holds the starting point and the others are zero.
 * A step runs its stages in order, then updates the state:
 *
 * <pre>
 *   for each stage:   y = sum_j inputs[j] slot_j ;   slot_target = F(y, time of the stage)
 *   then:             slot_0 = sum_j update[j] slot_j
 *                     log p += d logDensityOffset + sum_j logDensityWeights[j] divergence_j
 * </pre>
 *
 * where F is the velocity of the probability flow or the denoised point E[x_0 | y], and
 * divergence_j is the divergence of F where slot j was last evaluated. Slots keep their values from
 * step to step: that is how multistep solvers see their history.
 *
 * @param evaluation what every stage evaluates
 * @param slots the number of slots in use, 1 to {@value #MAX_SLOTS}
 * @param steps the steps, in the order in which they run; each starts where the one before ended
 */
public record Plan(Evaluation evaluation, int slots, List<Step> steps) {

  /** The largest number of slots: the state and the seven slopes of Dormand-Prince. */
  public static final int MAX_SLOTS = 8;

  /** What a stage evaluates. */
  public enum Evaluation {
    /** The velocity {@code v = f x - h score} of the probability flow. */
    VELOCITY,
    /** The denoised point E[x_0 | x]. */
    DENOISED
  }

  /**
   * One evaluation of the field.
   *
   * @param at the time constants of the evaluation
   * @param inputs [slots], the combination of slots at which the field is evaluated
   * @param target the slot that receives the value; not 0
   */
  public record Stage(TimeConstants at, double[] inputs, int target) {}

  /**
   * One step, from one knot to the next.
   *
   * @param end the time at which the step ends
   * @param stages the evaluations, possibly none
   * @param update [slots], the combination that becomes the new state
   * @param logDensityOffset the change of the log-density that no evaluation contributes, per
   *     dimension
   * @param logDensityWeights [slots], the weights of the divergences in the change of the
   *     log-density; entry 0 is zero
   */
  public record Step(
      double end,
      List<Stage> stages,
      double[] update,
      double logDensityOffset,
      double[] logDensityWeights) {

    /** Keeps its own copy of the list. */
    public Step {
      stages = List.copyOf(stages);
    }
  }

  /** Checks that every row of weights has one entry per slot and every target is a slot. */
  public Plan {
    steps = List.copyOf(steps);
    if (slots < 1 || slots > MAX_SLOTS) {
      throw new IllegalArgumentException(
          "slots must lie in [1, %d], but is %d".formatted(MAX_SLOTS, slots));
    }
    for (Step step : steps) {
      requireLength("update", step.update, slots);
      requireLength("logDensityWeights", step.logDensityWeights, slots);
      for (Stage stage : step.stages) {
        requireLength("inputs", stage.inputs, slots);
        if (stage.target < 1 || stage.target >= slots) {
          throw new IllegalArgumentException(
              "target must lie in [1, %d), but is %d".formatted(slots, stage.target));
        }
      }
    }
  }

  private static void requireLength(String argument, double[] weights, int slots) {
    if (weights.length != slots) {
      throw new IllegalArgumentException(
          "%s must have one weight per slot (%d), but has %d"
              .formatted(argument, slots, weights.length));
    }
  }

  /**
   * Checks that the mixture has a density at the time of every stage.
   *
   * @throws IllegalArgumentException if a covariance is singular and a stage has no noise
   */
  public void requireFits(GaussianMixture mixture) {
    for (int s = 0; s < steps.size(); s++) {
      List<Stage> stages = steps.get(s).stages;
      for (int j = 0; j < stages.size(); j++) {
        TimeConstants at = stages.get(j).at;
        if (!at.givesDensity(mixture)) {
          throw new IllegalArgumentException(
              "plan must evaluate a mixture with a singular covariance at t > 0 only, but step %d"
                      .formatted(s)
                  + " does at t = %s".formatted(at.time()));
        }
      }
    }
  }

  /**
   * Checks that a network holds at the time of every stage, and gives there what the plan
   * evaluates.
   *
   * @throws IllegalArgumentException if it does not, naming the first time, or if it is no field
   */
  public void requireFits(Network network) {
    if (network.output() == Network.Output.DISPLACEMENT || network.inputs() != network.outputs()) {
      throw new IllegalArgumentException(
          "network must give the score, the velocity or the denoised point of its inputs, but is "
              + network);
    }
    for (int s = 0; s < steps.size(); s++) {
      List<Stage> stages = steps.get(s).stages;
      for (int j = 0; j < stages.size(); j++) {
        Stage stage = stages.get(j);
        network.requireTime("the time of a stage", stage.at.time());
        if (!Conversion.of(network.output(), evaluation, stage.at).isFinite()) {
          throw new IllegalArgumentException(
              "plan.steps[%d] needs the %s, which does not follow from the %s at t = %s"
                  .formatted(
                      s,
                      evaluation.name().toLowerCase(Locale.ROOT),
                      network.output().label(),
                      stage.at.time()));
        }
      }
    }
  }

  /** The number of evaluations of the field per row. */
  public int evaluations() {
    return steps.stream().mapToInt(step -> step.stages.size()).sum();
  }
}
