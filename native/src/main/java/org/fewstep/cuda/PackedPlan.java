package org.fewstep.cuda;

import org.fewstep.backend.Conversion;
import org.fewstep.backend.Plan;
import org.fewstep.backend.Precision;
import org.fewstep.network.Network;

/** A plan for networks that give the one or the other, in device memory. */
final class PackedPlan implements AutoCloseable {

  private final DeviceBuffer times;
  private final DeviceBuffer program;
  private final int operations;

  PackedPlan(CudaContext context, Plan plan, Network.Output output, Precision precision) {
    NumberList at = new NumberList();
    PlanProgram operationsOf = new PlanProgram();
    for (Plan.Step step : plan.steps()) {
      for (Plan.Stage stage : step.stages()) {
        Conversion conversion = Conversion.of(output, plan.evaluation(), stage.at());
        at.add(stage.at().time());
        operationsOf.add(stage, 0, conversion.ofState(), -conversion.ofOutput(), 0);
      }
      operationsOf.addEnd(step, 0);
    }
    operations = operationsOf.operations();
    times = context.upload(at.toArray(), Precision.FLOAT64);
    try {
      program = context.upload(operationsOf.numbers(), precision);
    } catch (RuntimeException | Error e) {
      times.close();
      throw e;
    }
  }

  long times() {
    return times.address();
  }

  long program() {
    return program.address();
  }

  int operations() {
    return operations;
  }

  @Override
  public void close() {
    times.close();
    program.close();
  }
}
