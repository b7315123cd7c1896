package org.fewstep.backend;

import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeSet;
import java.util.stream.Collectors;
import org.fewstep.network.Network;

/** Evaluations of networks from arrays to arrays. */
final class NetworkEvaluations {

  static final List<String> QUANTITIES = List.of("value", "divergence", "estimate", "jvp", "vjp");

  static final Probes PROBES = new Probes(3, 17);

  private NetworkEvaluations() {}

  /** What can be asked of a network at once; of the two divergences, the exact one. */
  static Set<String> quantities(Network network) {
    Set<String> all = new TreeSet<>(Set.of("value", "jvp", "vjp"));
    if (network.inputs() == network.outputs()) {
      all.add("divergence");
    }
    return all;
  }

  /** How many values per row a quantity has. */
  static int width(String quantity, Network network) {
    return switch (quantity) {
      case "divergence", "estimate" -> 1;
      case "vjp" -> network.inputs();
      default -> network.outputs();
    };
  }

  /** Some quantities of a case, at its time, or at the times of its rows. */
  static Map<String, double[]> at(
      Backend backend,
      NetworkCase drawn,
      Precision precision,
      Set<String> wanted,
      boolean timePerRow) {
    Network network = drawn.network();
    Map<String, Batch> batches = new LinkedHashMap<>();
    try (Batch x = batch(backend, drawn.x(), network.inputs(), precision);
        Batch v = batch(backend, drawn.direction(), network.inputs(), precision);
        Batch w = batch(backend, drawn.cotangent(), network.outputs(), precision);
        Batch times = batch(backend, drawn.times(), 1, Precision.FLOAT64)) {
      NetworkOutputs outputs = NetworkOutputs.none();
      for (String quantity : wanted) {
        Batch batch = backend.allocate(drawn.rows(), width(quantity, network), precision);
        batches.put(quantity, batch);
        outputs =
            switch (quantity) {
              case "value" -> outputs.withValue(batch);
              case "divergence" -> outputs.withDivergence(batch);
              case "estimate" -> outputs.withDivergence(batch, PROBES);
              case "jvp" -> outputs.withJvp(v, batch);
              case "vjp" -> outputs.withVjp(w, batch);
              default -> throw new IllegalArgumentException(quantity);
            };
      }
      if (timePerRow) {
        backend.network(network, times, x, outputs);
      } else {
        backend.network(network, drawn.t(), x, outputs);
      }
      backend.synchronize();
      return batches.entrySet().stream()
          .collect(Collectors.toMap(Map.Entry::getKey, e -> e.getValue().toDoubleArray()));
    } finally {
      batches.values().forEach(Batch::close);
    }
  }

  static Batch batch(Backend backend, double[] values, int columns, Precision precision) {
    Batch batch = backend.allocate(values.length / columns, columns, precision);
    batch.copyFrom(values);
    return batch;
  }

  /** One row of every quantity. */
  static Map<String, double[]> row(Map<String, double[]> results, int row, Network network) {
    return results.entrySet().stream()
        .collect(
            Collectors.toMap(
                Map.Entry::getKey,
                e -> Evaluations.row(e.getValue(), row, width(e.getKey(), network))));
  }
}
