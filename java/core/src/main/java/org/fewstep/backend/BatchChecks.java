package org.fewstep.backend;

import java.util.List;
import org.fewstep.diffusion.Diffusion;
import org.fewstep.mixture.DiffusedMixture;
import org.fewstep.mixture.GaussianMixture;
import org.fewstep.network.Frame;
import org.fewstep.network.Network;
import org.fewstep.network.NetworkShape;

/**
 * Refusals of arguments that do not fit a call; every backend checks by these, before any work.
 * Nothing is allocated unless something is refused.
 */
public final class BatchChecks {

  private BatchChecks() {}

  /** Refuses null. */
  public static void requireGiven(String argument, Object value) {
    if (value == null) {
      throw new IllegalArgumentException(argument + " must be given, but is null");
    }
  }

  /** Refuses a batch that is null, closed, or not rows by columns. */
  public static void requireShape(String argument, Batch batch, long rows, int columns) {
    requireOpen(argument, batch);
    if (batch.rows() != rows || batch.columns() != columns) {
      throw new IllegalArgumentException(
          "%s must be %d x %d, but is %d x %d"
              .formatted(argument, rows, columns, batch.rows(), batch.columns()));
    }
  }

  /** Refuses a batch that is null, closed, or has another number of columns. */
  public static void requireColumns(String argument, Batch batch, int columns) {
    requireOpen(argument, batch);
    requireShape(argument, batch, batch.rows(), columns);
  }

  /** Refuses a batch that is null or closed. */
  public static void requireOpen(String argument, Batch batch) {
    requireGiven(argument, batch);
    if (batch.isClosed()) {
      throw new IllegalStateException(argument + " is closed: " + batch);
    }
  }

  /** Refuses a batch, unless null, that has not x's rows, precision and space and these columns. */
  public static void requireLike(String argument, Batch batch, Batch x, int columns) {
    if (batch == null) {
      return;
    }
    requireShape(argument, batch, x.rows(), columns);
    requirePrecision(argument, batch, x.precision());
    requireSpace(argument, batch, x.space());
  }

  /** Refuses a list of which a batch is null or not like x, but for the columns. */
  public static void requireAllLike(String argument, List<Batch> batches, Batch x, int columns) {
    for (int i = 0; i < batches.size(); i++) {
      Batch batch = batches.get(i);
      if (batch == null
          || batch.isClosed()
          || batch.rows() != x.rows()
          || batch.columns() != columns
          || batch.precision() != x.precision()
          || !batch.space().equals(x.space())) {
        String element = "%s[%d]".formatted(argument, i);
        requireGiven(element, batch);
        requireLike(element, batch, x, columns);
      }
    }
  }

  /** Refuses a batch that has not one FLOAT64 value for each row of x, in x's space. */
  public static void requirePerRow(String argument, Batch batch, Batch x) {
    requireShape(argument, batch, x.rows(), 1);
    requirePrecision(argument, batch, Precision.FLOAT64);
    requireSpace(argument, batch, x.space());
  }

  /** Refuses a batch of another precision. */
  public static void requirePrecision(String argument, Batch batch, Precision precision) {
    if (batch.precision() != precision) {
      throw new IllegalArgumentException(
          "%s must be of precision %s, but is of %s"
              .formatted(argument, precision, batch.precision()));
    }
  }

  /** Refuses a batch in another memory space. */
  public static void requireSpace(String argument, Batch batch, String space) {
    if (!batch.space().equals(space)) {
      throw new IllegalArgumentException(
          "%s must be in the memory space %s, but is in %s; copy it with Batch.copyFrom"
              .formatted(argument, space, batch.space()));
    }
  }

  /** Refuses the arguments of {@link Backend#mixture} at one time that do not fit. */
  public static void requireMixture(
      String space, DiffusedMixture mixture, Batch x, MixtureOutputs outputs) {
    requireGiven("mixture", mixture);
    requireGiven("outputs", outputs);
    outputs.requireFits(x, mixture.mixture());
    requireSpace("x", x, space);
  }

  /** Refuses the arguments of {@link Backend#mixture} at one time per row that do not fit. */
  public static void requireMixture(
      String space,
      GaussianMixture mixture,
      Diffusion process,
      Batch times,
      Batch x,
      MixtureOutputs outputs) {
    requireGiven("mixture", mixture);
    requireGiven("process", process);
    requireGiven("outputs", outputs);
    outputs.requireFits(x, mixture);
    requireSpace("x", x, space);
    requirePerRow("times", times, x);
  }

  /** Refuses the arguments of {@link Backend#trajectory} that do not fit. */
  public static void requireTrajectory(
      String space, GaussianMixture mixture, Plan plan, Batch x, TrajectoryOutputs outputs) {
    requireGiven("mixture", mixture);
    requireGiven("plan", plan);
    requireGiven("outputs", outputs);
    requireColumns("x", x, mixture.dimension());
    requireSpace("x", x, space);
    outputs.requireFits(x, plan);
    plan.requireFits(mixture);
  }

  /** Refuses the arguments of an adaptive {@link Backend#trajectory} that do not fit. */
  public static void requireTrajectory(
      String space, GaussianMixture mixture, AdaptivePlan plan, Batch x, AdaptiveOutputs outputs) {
    requireGiven("mixture", mixture);
    requireGiven("plan", plan);
    requireGiven("outputs", outputs);
    requireColumns("x", x, mixture.dimension());
    requireSpace("x", x, space);
    outputs.requireFits(x, plan);
    plan.requireFits(mixture);
  }

  /** Refuses the arguments of {@link Backend#network} at one time that do not fit. */
  public static void requireNetwork(
      String space, Network network, double t, Batch x, NetworkOutputs outputs) {
    requireNetwork(space, network, x, outputs);
    if (network.takesTime()) {
      network.requireTime("t", t);
    }
  }

  /** Refuses the arguments of {@link Backend#network} at one time per row that do not fit. */
  public static void requireNetwork(
      String space, Network network, Batch times, Batch x, NetworkOutputs outputs) {
    requireNetwork(space, network, x, outputs);
    requirePerRow("times", times, x);
  }

  private static void requireNetwork(
      String space, Network network, Batch x, NetworkOutputs outputs) {
    requireGiven("network", network);
    requireGiven("outputs", outputs);
    outputs.requireFits(x, network);
    requireSpace("x", x, space);
  }

  /** Refuses the arguments of {@link Backend#networkTrajectory} that do not fit. */
  public static void requireNetworkTrajectory(
      String space, Network network, Plan plan, Batch x, TrajectoryOutputs outputs) {
    requireGiven("network", network);
    requireGiven("plan", plan);
    requireGiven("outputs", outputs);
    requireColumns("x", x, network.inputs());
    requireSpace("x", x, space);
    outputs.requireFits(x, plan);
    plan.requireFits(network);
  }

  /** Refuses the arguments of {@link Backend#networkForward} that do not fit. */
  public static void requireForward(
      String space,
      NetworkShape shape,
      Frame frame,
      Batch parameters,
      Batch x,
      Batch y,
      Batch saved) {
    requireTrainable(space, shape, frame, parameters, x);
    requireGiven("y", y);
    requireLike("y", y, x, shape.outputs());
    if (saved != null) {
      requireLike("saved", saved, x, shape.hiddenUnits());
    }
  }

  /** Refuses the arguments of {@link Backend#networkBackward} that do not fit. */
  public static void requireBackward(
      String space,
      NetworkShape shape,
      Frame frame,
      Batch parameters,
      Batch x,
      Batch saved,
      Batch dy,
      Batch dx,
      Batch gradient) {
    requireTrainable(space, shape, frame, parameters, x);
    if (shape.hiddenUnits() > 0) {
      requireGiven("saved", saved);
      requireLike("saved", saved, x, shape.hiddenUnits());
    }
    requireGiven("dy", dy);
    requireLike("dy", dy, x, shape.outputs());
    requireLike("dx", dx, x, shape.inputs());
    if (gradient != null) {
      requireParameters("gradient", gradient, shape, x);
    }
  }

  private static void requireTrainable(
      String space, NetworkShape shape, Frame frame, Batch parameters, Batch x) {
    requireGiven("shape", shape);
    requireGiven("frame", frame);
    frame.requireFits(shape.inputs(), shape.outputs());
    requireColumns("x", x, shape.inputs());
    requireSpace("x", x, space);
    requireParameters("parameters", parameters, shape, x);
  }

  private static void requireParameters(String argument, Batch batch, NetworkShape shape, Batch x) {
    requireShape(argument, batch, 1, shape.parameters());
    requirePrecision(argument, batch, x.precision());
    requireSpace(argument, batch, x.space());
  }

  /** Refuses the arguments of {@link Backend#adam} that do not fit. */
  public static void requireAdam(
      String space, AdamStep step, Batch parameters, Batch gradient, Batch mean, Batch square) {
    requireGiven("step", step);
    requireOpen("parameters", parameters);
    requireSpace("parameters", parameters, space);
    requireGiven("gradient", gradient);
    requireLike("gradient", gradient, parameters, parameters.columns());
    requireGiven("mean", mean);
    requireLike("mean", mean, parameters, parameters.columns());
    requireGiven("square", square);
    requireLike("square", square, parameters, parameters.columns());
  }

  /** Refuses the arguments of {@link Backend#draw} that do not fit. */
  public static void requireDraw(String space, Batch out, Batch source, long first) {
    requireStream(space, out, first);
    requireColumns("source", source, out.columns());
    requirePrecision("source", source, out.precision());
    requireSpace("source", source, space);
    if (source.rows() < 1) {
      throw new IllegalArgumentException("source must have at least 1 row, but has none");
    }
  }

  /** Refuses the arguments of {@link Backend#combine} that do not fit, in that memory space. */
  public static void requireCombine(String space, Batch out, List<Batch> terms, double[] weights) {
    requireOpen("out", out);
    requireSpace("out", out, space);
    requireTerms("terms", terms, weights, out);
  }

  /** Refuses the arguments of {@link Backend#step} that do not fit, in that memory space. */
  public static void requireStep(
      String space,
      Batch x,
      List<Batch> slopes,
      Batch stepSizes,
      double[] weights,
      Batch next,
      ErrorEstimate error) {
    requireOpen("x", x);
    requireSpace("x", x, space);
    requireTerms("slopes", slopes, weights, x);
    requirePerRow("stepSizes", stepSizes, x);
    requireGiven("next", next);
    requireLike("next", next, x, x.columns());
    if (error != null) {
      requireGiven("error.squares", error.squares());
      requireLike("error.squares", error.squares(), x, 1);
      requireWeights("error.weights", error.weights(), slopes.size());
    }
  }

  /** Refuses the arguments of {@link Backend#steinSums} that do not fit, in that memory space. */
  public static void requireSteinSums(
      String space, Batch x, Batch u, Batch divergence, Batch sums) {
    requireOpen("x", x);
    requireSpace("x", x, space);
    requireGiven("u", u);
    requireLike("u", u, x, x.columns());
    requireGiven("divergence", divergence);
    requireLike("divergence", divergence, x, 1);
    requireShape("sums", sums, 1, 3);
    requirePrecision("sums", sums, Precision.FLOAT64);
    requireSpace("sums", sums, space);
  }

  private static void requireTerms(
      String argument, List<Batch> terms, double[] weights, Batch like) {
    requireGiven(argument, terms);
    if (terms.size() > Plan.MAX_SLOTS) {
      throw new IllegalArgumentException(
          "%s must be at most %d batches, but are %d"
              .formatted(argument, Plan.MAX_SLOTS, terms.size()));
    }
    requireAllLike(argument, terms, like, like.columns());
    requireWeights("weights", weights, terms.size());
  }

  private static void requireWeights(String argument, double[] weights, int count) {
    requireGiven(argument, weights);
    if (weights.length != count) {
      throw new IllegalArgumentException(
          "%s must have one entry per batch (%d), but has %d"
              .formatted(argument, count, weights.length));
    }
  }

  /** Refuses the arguments of {@link Backend#normal} and uniform that do not fit. */
  public static void requireStream(String space, Batch out, long first) {
    requireOpen("out", out);
    requireSpace("out", out, space);
    if (first < 0 || first > Long.MAX_VALUE - out.rows() * out.columns()) {
      throw new IllegalArgumentException(
          "first must lie in [0, 2^63 - rows x columns), but is %d".formatted(first));
    }
  }
}
