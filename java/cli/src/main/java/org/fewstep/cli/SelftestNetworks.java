package org.fewstep.cli;

import java.util.List;
import java.util.Random;
import java.util.function.BiConsumer;
import org.fewstep.backend.AdamStep;
import org.fewstep.backend.Backend;
import org.fewstep.backend.Batch;
import org.fewstep.backend.NetworkOutputs;
import org.fewstep.backend.Precision;
import org.fewstep.cli.SelftestCommand.Operation;
import org.fewstep.network.Frame;
import org.fewstep.network.Network;
import org.fewstep.network.NetworkShape;
import org.fewstep.network.Unit;

/** The operations on networks that the selftest compares, on one small residual network. */
final class SelftestNetworks {

  private static final int D = 3;

  private static final NetworkShape SHAPE =
      NetworkShape.of(
          D,
          List.of(
              NetworkShape.mixed(7, 6),
              NetworkShape.units(9, Unit.RELU),
              NetworkShape.units(D, Unit.LINEAR)));

  private static final Frame FRAME =
      Frame.residual(1.5, 0.75).withClamp(new double[] {-2, -2, -1}, new double[] {2, 1.5, 2});

  private static final Network NETWORK =
      Network.of(SHAPE.layersOf(parameters()), Network.Output.DISPLACEMENT).withFrame(FRAME);

  private SelftestNetworks() {}

  /** Parameters that float32 holds. */
  private static double[] parameters() {
    Random random = new Random(SelftestCommand.SEED);
    return random.doubles(SHAPE.parameters(), -0.5, 0.5).map(value -> (float) value).toArray();
  }

  /** Hands over every operation by its name. */
  static void forEach(BiConsumer<String, Operation> test) {
    test.accept("network", SelftestNetworks::value);
    test.accept("network, jvp", SelftestNetworks::jvp);
    test.accept("network, vjp", SelftestNetworks::vjp);
    test.accept("network, divergence", SelftestNetworks::divergence);
    test.accept("network, gradient", SelftestNetworks::gradient);
    test.accept("adam", SelftestNetworks::adam);
    test.accept("draw", SelftestNetworks::draw);
  }

  private static Batch value(Backend backend, Precision precision) {
    Batch result = backend.allocate(SelftestCommand.ROWS, D, precision);
    return evaluate(backend, precision, NetworkOutputs.none().withValue(result), result);
  }

  private static Batch divergence(Backend backend, Precision precision) {
    Batch result = backend.allocate(SelftestCommand.ROWS, 1, precision);
    return evaluate(backend, precision, NetworkOutputs.none().withDivergence(result), result);
  }

  private static Batch jvp(Backend backend, Precision precision) {
    Batch result = backend.allocate(SelftestCommand.ROWS, D, precision);
    try (Batch v = SelftestCommand.points(backend, precision, D, 1)) {
      return evaluate(backend, precision, NetworkOutputs.none().withJvp(v, result), result);
    }
  }

  private static Batch vjp(Backend backend, Precision precision) {
    Batch result = backend.allocate(SelftestCommand.ROWS, D, precision);
    try (Batch w = SelftestCommand.points(backend, precision, D, 1)) {
      return evaluate(backend, precision, NetworkOutputs.none().withVjp(w, result), result);
    }
  }

  private static Batch evaluate(
      Backend backend, Precision precision, NetworkOutputs outputs, Batch result) {
    try (Batch x = SelftestCommand.points(backend, precision, D, 0)) {
      backend.network(NETWORK, 0, x, outputs);
      backend.synchronize();
    }
    return result;
  }

  private static Batch gradient(Backend backend, Precision precision) {
    int rows = SelftestCommand.ROWS;
    Batch gradient = backend.allocate(1, SHAPE.parameters(), precision);
    try (Batch x = SelftestCommand.points(backend, precision, D, 0);
        Batch dy = SelftestCommand.points(backend, precision, D, 1);
        Batch parameters = backend.allocate(1, SHAPE.parameters(), precision);
        Batch y = backend.allocate(rows, D, precision);
        Batch saved = backend.allocate(rows, SHAPE.hiddenUnits(), precision)) {
      parameters.copyFrom(parameters());
      backend.networkForward(SHAPE, FRAME, parameters, x, y, saved);
      backend.networkBackward(SHAPE, FRAME, parameters, x, saved, dy, null, gradient);
      backend.synchronize();
    }
    return gradient;
  }

  private static Batch adam(Backend backend, Precision precision) {
    Batch parameters = backend.allocate(1, SHAPE.parameters(), precision);
    parameters.copyFrom(parameters());
    try (Batch gradient = backend.allocate(1, SHAPE.parameters(), precision);
        Batch mean = backend.allocate(1, SHAPE.parameters(), precision);
        Batch square = backend.allocate(1, SHAPE.parameters(), precision)) {
      gradient.copyFrom(parameters());
      for (int step = 1; step <= 3; step++) {
        backend.adam(
            new AdamStep(step, 0.01, 0.9, 0.99, 1e-8, 0.01, 1), parameters, gradient, mean, square);
      }
      backend.synchronize();
    }
    return parameters;
  }

  private static Batch draw(Backend backend, Precision precision) {
    Batch drawn = backend.allocate(SelftestCommand.ROWS, D, precision);
    try (Batch source = SelftestCommand.points(backend, precision, D, 0)) {
      backend.draw(drawn, source, SelftestCommand.SEED, 3);
      backend.synchronize();
    }
    return drawn;
  }
}
