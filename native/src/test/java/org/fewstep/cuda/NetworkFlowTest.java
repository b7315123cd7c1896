package org.fewstep.cuda;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import java.util.List;
import java.util.Random;
import org.fewstep.backend.Batch;
import org.fewstep.backend.Precision;
import org.fewstep.diffusion.OrnsteinUhlenbeck;
import org.fewstep.flow.Flow;
import org.fewstep.flow.FlowResult;
import org.fewstep.flow.NetworkField;
import org.fewstep.network.Network;
import org.fewstep.network.NetworkShape;
import org.fewstep.network.Unit;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.condition.EnabledIfSystemProperty;

/** Flows of networks on a device: which of them are one kernel, and that it makes no difference. */
@EnabledIfSystemProperty(named = "natives.built", matches = "true")
class NetworkFlowTest {

  private static final int ROWS = 70;

  private static Network network(int width) {
    NetworkShape shape = NetworkShape.of(2, Unit.RELU, width, width, 2);
    double size = 1 / Math.sqrt(width);
    double[] parameters =
        new Random(width).doubles(shape.parameters(), -size, size).map(p -> (float) p).toArray();
    return Network.of(shape.layersOf(parameters), Network.Output.DENOISED);
  }

  private static NetworkField field(Network network, double... times) {
    OrnsteinUhlenbeck process = new OrnsteinUhlenbeck();
    return NetworkField.of(
        times.length == 2
            ? List.of(network.withTimes(process, times[0], times[1]))
            : List.of(
                network.withTimes(process, times[0], times[1]),
                network.withTimes(process, times[1], times[2])));
  }

  private static double[] run(Flow flow, Precision precision, boolean fused) {
    try (CudaBackend backend = CudaBackend.open();
        Batch x = backend.allocate(ROWS, 2, precision)) {
      backend.normal(x, 1, 0);
      try (FlowResult result = flow.run(backend, x)) {
        assertThat(result.fused()).isEqualTo(fused);
        return result.end().toDoubleArray();
      }
    }
  }

  @Test
  void aFusedFlowEndsWhereItsStepsDo() {
    for (int width : new int[] {8, 64}) {
      for (String solver : List.of("heun", "dpmpp2m")) {
        for (Precision precision : Precision.values()) {
          Flow flow =
              Flow.of(field(network(width), 0.1, 2)).withSolver(solver).withGrid("uniform:5");
          double[] fused = run(flow, precision, true);
          double[] composed = run(flow.withFusing(false), precision, false);
          double bar = precision == Precision.FLOAT32 ? 1e-5 : 1e-13;
          for (int i = 0; i < fused.length; i++) {
            assertThat(fused[i])
                .as("%d units, %s, %s", width, solver, precision)
                .isCloseTo(composed[i], within(bar * (1 + Math.abs(composed[i]))));
          }
        }
      }
    }
  }

  @Test
  void flowsOfSeveralNetworksAndLikelihoodsAreComposed() {
    Flow pieces = Flow.of(field(network(8), 0.1, 1, 2)).withSolver("heun").withGrid("uniform:3");
    run(pieces, Precision.FLOAT32, false);
    Flow likelihood =
        Flow.of(field(network(8), 0.1, 2))
            .withSolver("heun")
            .withGrid("uniform:3")
            .withLogLikelihood(true);
    run(likelihood, Precision.FLOAT32, false);
  }
}
