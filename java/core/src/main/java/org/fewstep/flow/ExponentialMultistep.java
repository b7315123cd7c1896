package org.fewstep.flow;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import org.fewstep.backend.Plan;
import org.fewstep.backend.TimeConstants;
import org.fewstep.diffusion.Diffusion;

/**
 * Exponential multistep methods in half log-SNR, in either direction of time: the one engine behind
 * DDIM, DPM-Solver++ and UniPC.
 *
 * <p>Derivation. With the denoised point {@code D = E[x_0 | x] = (x + sigma^2 score)/alpha} and
 * {@code lambda = log(alpha/sigma)}, the probability flow is
 *
 * <pre>
 *   dx/dlambda = (d log sigma/dlambda) x + alpha D
 * </pre>
 *
 * since g^2/2 = sigma sigma' - f sigma^2 and lambda' = f - sigma'/sigma. Variation of constants
 * over a step from t to s of length h = lambda_s - lambda_t gives, exactly (Lu et al., 2022,
 * "DPM-Solver++", eq. 8),
 *
 * <pre>
 *   x_s = (sigma_s/sigma_t) x_t + alpha_s int_0^h e^(u - h) D(lambda_t + u) du .
 * </pre>
 *
 * The method replaces D by the polynomial through its last values, see {@link ExponentialWeights}.
 *
 * <p>Log-density. The divergence of the right-hand side is {@code d (d log sigma/dlambda) + alpha
 * div D}; its first part integrates exactly, so
 *
 * <pre>
 *   log p_s(x_s) = log p_t(x_t) - d log(sigma_s/sigma_t) - int alpha div D dlambda
 * </pre>
 *
 * with alpha div D replaced by the polynomial through the same nodes (plain weights: no exponential
 * stands in that integral).
 *
 * <p>Order ramp. The first steps have no history and use order 1, 2, ... up to that of the method.
 * With {@code lowerOrderAtEnd} the last steps ramp down likewise, which is safer where D changes
 * quickly near the data and costs accuracy where it does not.
 *
 * <p>Last-step rule. A step may end at sigma = 0: it is of order 1, {@code x = alpha D}, whatever
 * the method, as lambda is infinite there; no coefficient is divided by that sigma. The log-density
 * is then infinite and is refused. No step may start at sigma = 0.
 */
public abstract sealed class ExponentialMultistep implements FixedStepSolver
    permits Ddim, DpmSolver2M, DpmSolver3M, UniPc {

  private final String name;
  private final int order;
  private final int history;
  private final boolean corrects;
  private final boolean lowerOrderAtEnd;

  /**
   * A method.
   *
   * @param history the number of denoised points in the predictor, 1 to 3
   * @param corrects whether each step but the last is repeated with the new denoised point as one
   *     more node
   */
  ExponentialMultistep(
      String name, int order, int history, boolean corrects, boolean lowerOrderAtEnd) {
    this.name = name;
    this.order = order;
    this.history = history;
    this.corrects = corrects;
    this.lowerOrderAtEnd = lowerOrderAtEnd;
  }

  @Override
  public final String name() {
    return name;
  }

  @Override
  public final int order() {
    return order;
  }

  /** Whether the order ramps down over the last steps. */
  public final boolean lowerOrderAtEnd() {
    return lowerOrderAtEnd;
  }

  @Override
  public Plan compile(Diffusion process, double[] knots) {
    Require.timesOf(process, knots);
    if (process.sigma(knots[0]) == 0) {
      throw new IllegalArgumentException(
          "knots[0] must be a time with noise, sigma > 0, for the solver %s, but is %s; use a"
                  .formatted(name, knots[0])
              + " Runge-Kutta solver to start from data");
    }
    return new Compilation(process, knots).plan();
  }

  @Override
  public final String toString() {
    return name;
  }

  /** One compilation: the constants of the knots, and the steps over them. */
  private final class Compilation {

    private final Diffusion process;
    private final double[] knots;
    private final double[] lambda;
    private final int segments;
    private final int slots;

    private Compilation(Diffusion process, double[] knots) {
      this.process = process;
      this.knots = knots;
      this.lambda = Arrays.stream(knots).map(process::halfLogSnr).toArray();
      this.segments = knots.length - 1;
      // A corrector reads the whole history beside the new point.
      this.slots = 1 + Math.min(history + (corrects ? 1 : 0), segments);
    }

    private Plan plan() {
      List<Plan.Step> steps = new ArrayList<>();
      for (int n = 0; n < segments; n++) {
        steps.add(corrects ? correctedStep(n) : predictedStep(n));
      }
      return new Plan(Plan.Evaluation.DENOISED, slots, steps);
    }

    /** Evaluates at the knot, then steps. */
    private Plan.Step predictedStep(int n) {
      return step(n, List.of(evaluation(n, onlyState())), newest(n));
    }

    /**
     * Predicts, evaluates at the prediction, and steps anew with that point as a node; the point
     * serves as the first of the next step, so that a step costs one evaluation. The last step is
     * the prediction.
     */
    private Plan.Step correctedStep(int n) {
      List<Plan.Stage> stages = new ArrayList<>();
      if (n == 0) {
        stages.add(evaluation(0, onlyState()));
      }
      int[] nodes = newest(n);
      if (n < segments - 1) {
        stages.add(evaluation(n + 1, stateWeights(n, nodes)));
        nodes = withNext(n, nodes);
      }
      return step(n, stages, nodes);
    }

    private Plan.Step step(int n, List<Plan.Stage> stages, int[] nodes) {
      double ratio = process.sigma(knots[n + 1]) / process.sigma(knots[n]);
      return new Plan.Step(
          knots[n + 1],
          stages,
          stateWeights(n, nodes),
          -Math.log(ratio),
          logDensityWeights(n, nodes));
    }

    private Plan.Stage evaluation(int knot, double[] inputs) {
      return new Plan.Stage(TimeConstants.of(process, knots[knot]), inputs, slot(knot));
    }

    private double[] onlyState() {
      double[] weights = new double[slots];
      weights[0] = 1;
      return weights;
    }

    /** The knots whose denoised points step n predicts from, newest first. */
    private int[] newest(int n) {
      int count = Math.min(history, n + 1);
      if (lowerOrderAtEnd) {
        count = Math.min(count, segments - n);
      }
      if (Double.isInfinite(lambda[n + 1])) {
        count = 1;
      }
      int[] nodes = new int[count];
      for (int j = 0; j < count; j++) {
        nodes[j] = n - j;
      }
      return nodes;
    }

    private static int[] withNext(int n, int[] nodes) {
      int[] all = new int[nodes.length + 1];
      all[0] = n + 1;
      System.arraycopy(nodes, 0, all, 1, nodes.length);
      return all;
    }

    private double[] stateWeights(int n, int[] nodes) {
      double alpha = process.alpha(knots[n + 1]);
      double[] ofNodes = ExponentialWeights.ofState(relative(n, nodes), length(n));
      double[] weights = new double[slots];
      weights[0] = process.sigma(knots[n + 1]) / process.sigma(knots[n]);
      for (int j = 0; j < nodes.length; j++) {
        weights[slot(nodes[j])] = alpha * ofNodes[j];
      }
      return weights;
    }

    private double[] logDensityWeights(int n, int[] nodes) {
      double[] ofNodes = ExponentialWeights.plain(relative(n, nodes), length(n));
      double[] weights = new double[slots];
      for (int j = 0; j < nodes.length; j++) {
        weights[slot(nodes[j])] = -process.alpha(knots[nodes[j]]) * ofNodes[j];
      }
      return weights;
    }

    private double length(int n) {
      return lambda[n + 1] - lambda[n];
    }

    private double[] relative(int n, int[] nodes) {
      double[] relative = new double[nodes.length];
      for (int j = 0; j < nodes.length; j++) {
        relative[j] = nodes[j] == n + 1 ? 1 : (lambda[nodes[j]] - lambda[n]) / length(n);
      }
      return relative;
    }

    /** The slots after the first hold the denoised points in turn, the newest over the oldest. */
    private int slot(int knot) {
      return 1 + knot % (slots - 1);
    }
  }
}
