package org.fewstep.backend;

import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.function.BiConsumer;
import java.util.stream.Collectors;
import org.fewstep.mixture.DiffusedMixture;
import org.fewstep.mixture.GaussianMixture;

/** Evaluations of mixtures from arrays to arrays, and the comparison of their results. */
final class Evaluations {

  /** Every quantity that a backend can be asked for. */
  static final List<String> QUANTITIES =
      List.of("log-density", "score", "posterior-mean", "divergence", "jvp", "responsibilities");

  private Evaluations() {}

  /** How many values per row a quantity has. */
  static int width(String quantity, GaussianMixture mixture) {
    return switch (quantity) {
      case "log-density", "divergence" -> 1;
      case "responsibilities" -> mixture.components();
      default -> mixture.dimension();
    };
  }

  /** Adds a quantity to what is asked for. */
  static MixtureOutputs with(
      MixtureOutputs outputs, String quantity, Batch batch, Batch direction) {
    return switch (quantity) {
      case "log-density" -> outputs.withLogDensity(batch);
      case "score" -> outputs.withScore(batch);
      case "posterior-mean" -> outputs.withPosteriorMean(batch);
      case "divergence" -> outputs.withDivergence(batch);
      case "jvp" -> outputs.withJvp(direction, batch);
      case "responsibilities" -> outputs.withResponsibilities(batch);
      default -> throw new IllegalArgumentException(quantity);
    };
  }

  /** All quantities at n points, x and u both n x d, row-major. */
  static Map<String, double[]> at(
      Backend backend, DiffusedMixture mixture, double[] x, double[] u, Precision precision) {
    return at(backend, mixture, x, u, precision, Set.copyOf(QUANTITIES));
  }

  /** Some quantities at n points. */
  static Map<String, double[]> at(
      Backend backend,
      DiffusedMixture mixture,
      double[] x,
      double[] u,
      Precision precision,
      Set<String> wanted) {
    return run(
        backend,
        mixture.mixture(),
        x,
        u,
        precision,
        wanted,
        (points, outputs) -> backend.mixture(mixture, points, outputs));
  }

  /** Some quantities at n points, by a call that is handed the points and the outputs. */
  static Map<String, double[]> run(
      Backend backend,
      GaussianMixture mixture,
      double[] x,
      double[] u,
      Precision precision,
      Set<String> wanted,
      BiConsumer<Batch, MixtureOutputs> call) {
    int d = mixture.dimension();
    int n = x.length / d;
    Map<String, Batch> batches = new LinkedHashMap<>();
    try (Batch points = backend.allocate(n, d, precision);
        Batch direction = backend.allocate(n, d, precision)) {
      points.copyFrom(x);
      direction.copyFrom(u);
      MixtureOutputs outputs = MixtureOutputs.none();
      for (String quantity : QUANTITIES) {
        if (wanted.contains(quantity)) {
          Batch batch = backend.allocate(n, width(quantity, mixture), precision);
          batches.put(quantity, batch);
          outputs = with(outputs, quantity, batch, direction);
        }
      }
      call.accept(points, outputs);
      backend.synchronize();
      return batches.entrySet().stream()
          .collect(Collectors.toMap(Map.Entry::getKey, e -> e.getValue().toDoubleArray()));
    } finally {
      batches.values().forEach(Batch::close);
    }
  }

  /** Row {@code row} of a result. */
  static double[] row(double[] values, int row, int width) {
    return Arrays.copyOfRange(values, row * width, (row + 1) * width);
  }

  /** One row of every quantity. */
  static Map<String, double[]> row(
      Map<String, double[]> results, int row, GaussianMixture mixture) {
    return results.entrySet().stream()
        .collect(
            Collectors.toMap(
                Map.Entry::getKey, e -> row(e.getValue(), row, width(e.getKey(), mixture))));
  }

  /** The largest difference of two vectors; NaN if one has a NaN. */
  static double distance(double[] value, double[] truth) {
    double largest = 0;
    for (int i = 0; i < truth.length; i++) {
      largest = Math.max(largest, Math.abs(value[i] - truth[i]));
    }
    return largest;
  }

  /** The largest magnitude in a vector. */
  static double size(double[] vector) {
    return distance(new double[vector.length], vector);
  }
}
