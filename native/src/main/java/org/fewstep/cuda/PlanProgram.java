package org.fewstep.cuda;

import org.fewstep.backend.Plan;

/**
 * A plan as the kernels of kernels/plan.cuh read it: operations, which are evaluations and ends of
 * steps, of {@value #NUMBERS} numbers each: the weights of the slots [8], those of their
 * divergences [8], offset, drift, g^2/2, square factor, target, and zeros.
 */
final class PlanProgram {

  private static final int NUMBERS = 24;

  private final NumberList numbers = new NumberList();
  private int operations;

  /** Adds an evaluation; see the fields of an operation. */
  void add(Plan.Stage stage, double offset, double drift, double half, double squareFactor) {
    addSlots(stage.inputs());
    numbers.pad(Plan.MAX_SLOTS);
    numbers.add(offset);
    numbers.add(drift);
    numbers.add(half);
    numbers.add(squareFactor);
    numbers.add(stage.target());
    numbers.pad(NUMBERS - 2 * Plan.MAX_SLOTS - 5);
    operations++;
  }

  /** Adds the end of a step, in that dimension. */
  void addEnd(Plan.Step step, int dimension) {
    addSlots(step.update());
    addSlots(step.logDensityWeights());
    numbers.add(dimension * step.logDensityOffset());
    numbers.pad(NUMBERS - 2 * Plan.MAX_SLOTS - 1);
    operations++;
  }

  private void addSlots(double[] weights) {
    for (double weight : weights) {
      numbers.add(weight);
    }
    numbers.pad(Plan.MAX_SLOTS - weights.length);
  }

  int operations() {
    return operations;
  }

  double[] numbers() {
    return numbers.toArray();
  }
}
