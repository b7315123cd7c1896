package org.fewstep.flow;

import java.util.ArrayList;
import java.util.List;
import org.fewstep.backend.Backend;
import org.fewstep.backend.Batch;
import org.fewstep.backend.Plan;
import org.fewstep.backend.TrajectoryOutputs;

/**
 * Runs any plan on any field by single calls of a backend: what a fused trajectory is checked by.
 */
final class PlanRunner {

  private final Workspace workspace;
  private final Backend backend;
  private final Plan plan;
  private final FieldEvaluator field;
  private final Batch input;
  private final Batch ones;
  private final List<Batch> slots = new ArrayList<>();
  private final List<Batch> divergences = new ArrayList<>();

  /**
   * A runner.
   *
   * @param wantsLogDensity whether divergences are evaluated
   */
  PlanRunner(VectorField field, Plan plan, boolean wantsLogDensity, Workspace workspace) {
    this.workspace = workspace;
    this.backend = workspace.backend();
    this.plan = plan;
    this.field = FieldEvaluator.of(field, workspace);
    this.input = workspace.take(field.dimension());
    this.ones = workspace.ones();
    for (int j = 0; j < plan.slots(); j++) {
      slots.add(workspace.take(field.dimension()));
      if (wantsLogDensity) {
        divergences.add(workspace.take(1));
      }
    }
  }

  /** Batches of rows in flight, per slot and beside the slots, as a measure of memory. */
  static int batchesInFlight(Plan plan) {
    return plan.slots() + 3;
  }

  /** Runs a chunk of rows, at most the workspace's capacity. */
  void run(Batch x, TrajectoryOutputs outputs) {
    long rows = x.rows();
    List<Batch> states = head(slots, rows);
    List<Batch> traces = head(divergences, rows);
    states.forEach(workspace::fillWithZero);
    traces.forEach(workspace::fillWithZero);
    states.get(0).copyFrom(x);
    storeKnot(outputs, 0, states.get(0));
    List<Plan.Step> steps = plan.steps();
    for (int n = 0; n < steps.size(); n++) {
      Plan.Step step = steps.get(n);
      for (Plan.Stage stage : step.stages()) {
        evaluate(stage, states, traces);
      }
      backend.combine(states.get(0), states, step.update());
      if (outputs.logDensity() != null) {
        updateLogDensity(step, traces, outputs.logDensity());
      }
      storeKnot(outputs, n + 1, states.get(0));
    }
    outputs.end().copyFrom(states.get(0));
  }

  private void evaluate(Plan.Stage stage, List<Batch> states, List<Batch> traces) {
    Batch at = states.get(0);
    if (!isStateAlone(stage.inputs())) {
      at = input.slice(0, at.rows());
      backend.combine(at, states, stage.inputs());
    }
    field.evaluate(
        plan.evaluation(),
        stage.at(),
        at,
        states.get(stage.target()),
        traces.isEmpty() ? null : traces.get(stage.target()));
  }

  private static boolean isStateAlone(double[] inputs) {
    for (int j = 1; j < inputs.length; j++) {
      if (inputs[j] != 0) {
        return false;
      }
    }
    return inputs[0] == 1;
  }

  private void updateLogDensity(Plan.Step step, List<Batch> traces, Batch logDensity) {
    List<Batch> terms = new ArrayList<>(traces);
    double[] weights = step.logDensityWeights().clone();
    // Slot 0 is the state and has no divergence: its place carries the constant.
    terms.set(0, ones.slice(0, logDensity.rows()));
    weights[0] = input.columns() * step.logDensityOffset();
    Batch change = traces.get(0);
    backend.combine(change, terms, weights);
    backend.combine(logDensity, List.of(logDensity, change), new double[] {1, 1});
  }

  private static void storeKnot(TrajectoryOutputs outputs, int knot, Batch state) {
    if (!outputs.knots().isEmpty()) {
      outputs.knots().get(knot).copyFrom(state);
    }
  }

  private static List<Batch> head(List<Batch> batches, long rows) {
    return batches.stream().map(batch -> batch.slice(0, rows)).toList();
  }
}
