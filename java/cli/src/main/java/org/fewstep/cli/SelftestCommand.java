package org.fewstep.cli;

import com.fasterxml.jackson.core.JsonGenerator;
import java.io.IOException;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.concurrent.Callable;
import java.util.function.BiConsumer;
import java.util.function.Supplier;
import org.fewstep.backend.Backend;
import org.fewstep.backend.Backends;
import org.fewstep.backend.Batch;
import org.fewstep.backend.ErrorEstimate;
import org.fewstep.backend.MixtureOutputs;
import org.fewstep.backend.Precision;
import org.fewstep.diffusion.OrnsteinUhlenbeck;
import org.fewstep.flow.DormandPrince;
import org.fewstep.flow.Flow;
import org.fewstep.flow.FlowResult;
import org.fewstep.flow.Solver;
import org.fewstep.flow.Solvers;
import org.fewstep.mixture.Covariance;
import org.fewstep.mixture.DiffusedMixture;
import org.fewstep.mixture.GaussianMixture;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;

/** Compares every available backend with the scalar one in float64, operation by operation. */
@Command(
    name = "selftest",
    description =
        "Checks every available backend against the scalar float64 reference in miniature; exit 1"
            + " if one fails. --backend and --precision choose one.")
final class SelftestCommand implements Callable<Integer> {

  /** Of every operation's batches. */
  static final int ROWS = 203;

  static final long SEED = 20261121;
  private static final double TIME = 0.3;

  /** Errors are taken relative to the largest value of the reference. */
  private static final double LIMIT_FLOAT32 = 2e-5;

  private static final double LIMIT_FLOAT64 = 1e-11;

  /** A flow hands its rounding on from step to step. */
  private static final double FLOW_FACTOR = 20;

  /**
   * What came of one operation on one backend.
   *
   * @param error the worst error relative to the largest value of the reference; NaN if none came
   * @param failure why there is no result, or null
   */
  private record Outcome(
      String backend,
      Precision precision,
      String operation,
      double error,
      double limit,
      double seconds,
      String failure) {

    boolean passed() {
      return failure == null && error <= limit;
    }
  }

  /** A small computation, told apart only by the backend and precision that run it. */
  @FunctionalInterface
  interface Operation {
    Batch run(Backend backend, Precision precision);
  }

  @Mixin private CommonOptions common;

  @Override
  public Integer call() throws IOException {
    common.check();
    List<Outcome> outcomes = new ArrayList<>();
    try (Backend reference = Backends.named("scalar")) {
      for (Supplier<Backend> opener : common.backendsToTest()) {
        try (Backend backend = opener.get()) {
          for (Precision precision : common.precisionsToTest()) {
            outcomes.add(compareWithClosedForm(backend, precision));
            forEachOperation(
                (name, operation) ->
                    outcomes.add(compare(name, operation, backend, precision, reference)));
          }
        }
      }
    }
    boolean passed = outcomes.stream().allMatch(Outcome::passed);
    if (common.json()) {
      Json.print(common.out(), out -> write(out, outcomes, passed));
    } else if (common.talkative()) {
      print(outcomes, passed);
    }
    return passed ? 0 : 1;
  }

  private static void forEachOperation(BiConsumer<String, Operation> test) {
    for (Quantity quantity : Quantity.values()) {
      for (String kind : List.of("isotropic", "diagonal", "full")) {
        test.accept(
            "%s, %s".formatted(quantity.label(), kind),
            (backend, precision) -> mixture(quantity, kind, backend, precision));
      }
    }
    test.accept("score at a time a row", SelftestCommand::scoreAtTimes);
    test.accept("combine", SelftestCommand::combine);
    test.accept("step", SelftestCommand::step);
    test.accept("sums of Stein's coefficient", SelftestCommand::steinSums);
    test.accept("normal", (backend, precision) -> normals(backend, precision, 3, 7));
    test.accept("uniform", SelftestCommand::uniform);
    SelftestNetworks.forEach(test);
    for (String solver : List.of("heun", "dpmpp2m", "unipc")) {
      test.accept(
          "flow, " + solver,
          (backend, precision) -> flow(Solvers.named(solver), backend, precision));
    }
    test.accept(
        "flow, dopri5", (backend, precision) -> flow(tightestFor(precision), backend, precision));
  }

  /** Mild noise and three overlapping components in 3-D, so that every term counts. */
  private static GaussianMixture mixture(String kind) {
    double[][] means = {{-1, 0.5, 0}, {1, 0, 0.25}, {0, -1, 1}};
    double[] weights = {1, 2, 0.5};
    Covariance covariance =
        switch (kind) {
          case "isotropic" -> Covariance.isotropic(new double[] {0.3, 0.5, 0.4});
          case "diagonal" -> Covariance.diagonal(new double[] {0.1, 0.4, 0.2});
          default ->
              Covariance.full(new double[][] {{0.5, 0.2, 0}, {0.2, 0.4, -0.1}, {0, -0.1, 0.3}});
        };
    return GaussianMixture.of(weights, means, covariance);
  }

  /** Normals that float32 holds, so that every precision and backend sees the same ones. */
  static Batch points(Backend backend, Precision precision, int columns, long seed) {
    try (Batch rounded = normals(backend, Precision.FLOAT32, columns, seed)) {
      Batch points = backend.allocate(ROWS, columns, precision);
      points.copyFrom(rounded.toFloatArray());
      return points;
    }
  }

  private static Batch normals(Backend backend, Precision precision, int columns, long seed) {
    Batch batch = backend.allocate(ROWS, columns, precision);
    backend.normal(batch, SEED + seed, 5);
    return batch;
  }

  private static Batch uniform(Backend backend, Precision precision) {
    Batch batch = backend.allocate(ROWS, 3, precision);
    backend.uniform(batch, SEED, 5);
    return batch;
  }

  private static Batch mixture(
      Quantity quantity, String kind, Backend backend, Precision precision) {
    GaussianMixture mixture = mixture(kind);
    Batch result = backend.allocate(ROWS, quantity.columns(mixture), precision);
    try (Batch x = points(backend, precision, 3, 0);
        Batch v = points(backend, precision, 3, 1)) {
      backend.mixture(
          DiffusedMixture.at(mixture, new OrnsteinUhlenbeck(), TIME),
          x,
          quantity.addTo(MixtureOutputs.none(), result, v));
      backend.synchronize();
    }
    return result;
  }

  private static Batch scoreAtTimes(Backend backend, Precision precision) {
    Batch result = backend.allocate(ROWS, 3, precision);
    try (Batch x = points(backend, precision, 3, 0);
        Batch times = rowValues(backend, 0.05, 2)) {
      backend.mixture(
          mixture("isotropic"),
          new OrnsteinUhlenbeck(),
          times,
          x,
          MixtureOutputs.none().withScore(result));
      backend.synchronize();
    }
    return result;
  }

  private static Batch rowValues(Backend backend, double first, double last) {
    double[] values = new double[ROWS];
    for (int i = 0; i < ROWS; i++) {
      values[i] = first + (last - first) * i / ROWS;
    }
    Batch batch = backend.allocate(ROWS, 1, Precision.FLOAT64);
    batch.copyFrom(values);
    return batch;
  }

  private static Batch combine(Backend backend, Precision precision) {
    Batch result = backend.allocate(ROWS, 3, precision);
    try (Batch x = points(backend, precision, 3, 0);
        Batch y = points(backend, precision, 3, 1)) {
      backend.combine(result, List.of(x, y), new double[] {0.75, -1.5});
      backend.synchronize();
    }
    return result;
  }

  private static Batch step(Backend backend, Precision precision) {
    Batch squares = backend.allocate(ROWS, 1, precision);
    try (Batch x = points(backend, precision, 3, 0);
        Batch slope = points(backend, precision, 3, 1);
        Batch second = points(backend, precision, 3, 2);
        Batch next = backend.allocate(ROWS, 3, precision);
        Batch sizes = rowValues(backend, -0.5, 0.5)) {
      backend.step(
          x,
          List.of(slope, second),
          sizes,
          new double[] {0.25, 0.75},
          next,
          new ErrorEstimate(new double[] {0.5, -0.5}, 1e-2, 1e-2, squares));
      backend.synchronize();
    }
    return squares;
  }

  private static Batch steinSums(Backend backend, Precision precision) {
    Batch sums = backend.allocate(1, 3, Precision.FLOAT64);
    try (Batch x = points(backend, precision, 3, 0);
        Batch u = points(backend, precision, 3, 1);
        Batch divergence = points(backend, precision, 1, 2)) {
      backend.steinSums(x, u, divergence, sums);
      backend.synchronize();
    }
    return sums;
  }

  /**
   * With tolerances that leave rounding as the larger error: steps follow from rounded errors, so
   * that two precisions do not take the same.
   */
  private static DormandPrince tightestFor(Precision precision) {
    double tolerance = precision == Precision.FLOAT32 ? 1e-5 : 1e-11;
    return new DormandPrince(tolerance, tolerance);
  }

  private static Batch flow(Solver solver, Backend backend, Precision precision) {
    Flow flow = Flow.of(mixture("isotropic")).withSolver(solver).withTimes(3, 0.05);
    try (Batch noise = points(backend, precision, 3, 0);
        FlowResult result = flow.run(backend, noise)) {
      Batch end = backend.allocate(ROWS, 3, precision);
      end.copyFrom(result.end());
      return end;
    }
  }

  /** The one check that the reference itself could fail: the score of a single normal. */
  private static Outcome compareWithClosedForm(Backend backend, Precision precision) {
    return compare(
        "score of a normal",
        SelftestCommand::scoreOfNormal,
        backend,
        precision,
        () -> {
          try (Batch x = points(backend, Precision.FLOAT64, 3, 0)) {
            double[] values = x.toDoubleArray();
            double variance = 0.25 * Math.exp(-2 * TIME) - Math.expm1(-2 * TIME);
            for (int i = 0; i < values.length; i++) {
              values[i] = (Math.exp(-TIME) * (i % 3) - values[i]) / variance;
            }
            return values;
          }
        });
  }

  private static Batch scoreOfNormal(Backend backend, Precision precision) {
    GaussianMixture normal =
        GaussianMixture.of(new double[][] {{0, 1, 2}}, Covariance.isotropic(0.5));
    Batch result = backend.allocate(ROWS, 3, precision);
    try (Batch x = points(backend, precision, 3, 0)) {
      backend.mixture(
          DiffusedMixture.at(normal, new OrnsteinUhlenbeck(), TIME),
          x,
          MixtureOutputs.none().withScore(result));
      backend.synchronize();
    }
    return result;
  }

  private static Outcome compare(
      String name, Operation operation, Backend backend, Precision precision, Backend reference) {
    return compare(
        name,
        operation,
        backend,
        precision,
        () -> {
          try (Batch expected = operation.run(reference, Precision.FLOAT64)) {
            return expected.toDoubleArray();
          }
        });
  }

  private static Outcome compare(
      String name,
      Operation operation,
      Backend backend,
      Precision precision,
      Supplier<double[]> expected) {
    double limit =
        (precision == Precision.FLOAT32 ? LIMIT_FLOAT32 : LIMIT_FLOAT64)
            * (name.startsWith("flow") ? FLOW_FACTOR : 1);
    double error = Double.NaN;
    String failure = null;
    long start = System.nanoTime();
    double seconds = 0;
    try (Batch result = operation.run(backend, precision)) {
      seconds = (System.nanoTime() - start) * 1e-9;
      error = error(result.toDoubleArray(), expected.get());
    } catch (RuntimeException e) {
      failure = e.toString();
    }
    return new Outcome(backend.name(), precision, name, error, limit, seconds, failure);
  }

  /** The worst error relative to the largest value of the reference; NaN if there is a NaN. */
  private static double error(double[] values, double[] expected) {
    double worst = 0;
    double scale = 0;
    for (int i = 0; i < expected.length; i++) {
      worst = Math.max(worst, Math.abs(values[i] - expected[i]));
      scale = Math.max(scale, Math.abs(expected[i]));
    }
    return worst / scale;
  }

  private void print(List<Outcome> outcomes, boolean passed) {
    for (Outcome outcome : outcomes) {
      common
          .out()
          .printf(
              Locale.ROOT,
              "%-4s  %-7s %-3s  %-28s  error %8.1e of %8.1e  %7.2f ms%s%n",
              outcome.passed() ? "ok" : "FAIL",
              outcome.backend(),
              CommonOptions.nameOf(outcome.precision()),
              outcome.operation(),
              outcome.error(),
              outcome.limit(),
              1e3 * outcome.seconds(),
              outcome.failure() == null ? "" : "  " + outcome.failure());
    }
    long failed = outcomes.stream().filter(outcome -> !outcome.passed()).count();
    common
        .out()
        .println(
            passed
                ? "all %d checks passed".formatted(outcomes.size())
                : "%d of %d checks failed".formatted(failed, outcomes.size()));
  }

  private static void write(JsonGenerator out, List<Outcome> outcomes, boolean passed)
      throws IOException {
    out.writeBooleanField("passed", passed);
    out.writeArrayFieldStart("checks");
    for (Outcome outcome : outcomes) {
      out.writeStartObject();
      out.writeStringField("backend", outcome.backend());
      out.writeStringField("precision", CommonOptions.nameOf(outcome.precision()));
      out.writeStringField("operation", outcome.operation());
      out.writeBooleanField("passed", outcome.passed());
      Json.number(out, "error", outcome.error());
      Json.number(out, "limit", outcome.limit());
      Json.number(out, "seconds", outcome.seconds());
      if (outcome.failure() != null) {
        out.writeStringField("failure", outcome.failure());
      }
      out.writeEndObject();
    }
    out.writeEndArray();
  }
}
