package org.fewstep.network;

import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.function.DoubleFunction;
import org.fewstep.diffusion.Diffusion;
import org.fewstep.mixture.DiffusedMixture;
import org.fewstep.mixture.GaussianMixture;

/**
 * The compiler from a mixture to ReLU-ReQU networks that compute its score to a guaranteed
 * accuracy.
 *
 * <pre>{@code
 * CompiledScore score = NetworkCompiler.of(mixture, process).withTolerance(1e-4).compile(0.05);
 * }</pre>
 *
 * <p>Nothing is trained: affine logits or whitened squares, a tournament for the largest logit,
 * exponentials by Taylor polynomials and squarings, a reciprocal by Newton's iteration, products by
 * squares. The width does not depend on the tolerance; the depth grows by about a layer per decade.
 * Squares and products are exact, so that the error comes from the exponentials and reciprocals
 * alone and is bounded by the compiler, in exact arithmetic, by half the tolerance; what rounding
 * adds in the precision asked for is measured at draws of x_t and must fit the other half.
 *
 * <p>The tolerance is an absolute one, of the score, in the L2(p_t) norm {@code (E|f(x_t) -
 * score(x_t)|^2)^(1/2)}; the score of a mixture of standard deviation s at time t has about the
 * norm {@code sqrt(d)/s}. Where all components have one covariance, the bound of the construction
 * holds at every x at a single time, however far out.
 *
 * <p>Components of zero weight are left out. A mixture of one component, or of components that are
 * all the same, becomes one affine layer. Immutable.
 */
public final class NetworkCompiler {

  /** The tolerance unless told otherwise. */
  public static final double DEFAULT_TOLERANCE = 1e-3;

  /** The largest ratio of variances within a piece of time. */
  private static final double LARGEST_RATIO = 4;

  private static final int TIMES_CHECKED = 5;

  private final GaussianMixture mixture;
  private final Diffusion process;
  private final double tolerance;
  private final boolean float64;

  private NetworkCompiler(
      GaussianMixture mixture, Diffusion process, double tolerance, boolean float64) {
    this.mixture = mixture;
    this.process = process;
    this.tolerance = tolerance;
    this.float64 = float64;
  }

  /** Compiles the score of this mixture under this process, within 1e-3, to run in float32. */
  public static NetworkCompiler of(GaussianMixture mixture, Diffusion process) {
    if (mixture == null || process == null) {
      throw new IllegalArgumentException(
          "mixture and process must be given, but are %s and %s".formatted(mixture, process));
    }
    return new NetworkCompiler(mixture, process, DEFAULT_TOLERANCE, false);
  }

  /**
   * This within another error.
   *
   * @param error of the score in L2(p_t), absolute, finite and > 0
   */
  public NetworkCompiler withTolerance(double error) {
    if (!(error > 0 && error < Double.POSITIVE_INFINITY)) {
      throw new IllegalArgumentException("tolerance must be finite and > 0, but is " + error);
    }
    return new NetworkCompiler(mixture, process, error, float64);
  }

  /** This for networks that hold the tolerance when they are run in float32. */
  public NetworkCompiler forFloat32() {
    return new NetworkCompiler(mixture, process, tolerance, false);
  }

  /** This for networks that need hold the tolerance in float64 only. */
  public NetworkCompiler forFloat64() {
    return new NetworkCompiler(mixture, process, tolerance, true);
  }

  /**
   * The score at one time, as a network without a time input.
   *
   * @param t a time of the process; > 0 if a covariance is singular
   * @throws IllegalArgumentException if t is no such time, the network would be too large, or the
   *     precision cannot hold the tolerance, saying which one it can
   */
  public CompiledScore compile(double t) {
    DiffusedMixture diffused = DiffusedMixture.at(mixture, process, t);
    NetworkSize.requireFixedTime(diffused);
    return held(error -> atTime(diffused, t, error));
  }

  private Attempt atTime(DiffusedMixture diffused, double t, double error) {
    Components components = new Components(diffused);
    ScoreNetwork score =
        Components.shareCovariance(mixture)
            ? new SharedCovarianceScore(components).within(0.5 * error)
            : new SeparateCovarianceScore(components).within(0.5 * error);
    Network network = Network.of(score.layers(), Network.Output.SCORE).withTimes(process, t, t);
    RoundingCheck check = RoundingCheck.of(mixture, network, new double[] {t}, !float64);
    return new Attempt(List.of(network), score.errorBound(), score.everywhere(), check);
  }

  /**
   * The score over an interval of time, as networks that take the time as their last input: the
   * interval is cut into pieces over which the variance of a component changes by at most {@value
   * #LARGEST_RATIO} times, since float32 loses digits by that ratio.
   *
   * <p>Components must have one covariance, isotropic; the process must be ou, vp or ve. Other
   * mixtures and processes are compiled at fixed times, see {@link #compile(double)}.
   *
   * @param low the smallest time, > 0 if the covariance is singular
   * @param high the largest, finite, above {@code low}
   * @throws IllegalArgumentException as {@link #compile(double)}, or if the mixture or the process
   *     is another
   */
  public CompiledScore compile(double low, double high) {
    requireInterval(low, high);
    TimeSchedule schedule = new TimeSchedule(process, low, high, isotropicVariance());
    double[] knots = schedule.knots(LARGEST_RATIO);
    NetworkSize.requireTimeInput(DiffusedMixture.at(mixture, process, low), knots.length - 1);
    return held(error -> overTime(knots, error));
  }

  private Attempt overTime(double[] knots, double error) {
    List<Network> pieces = new ArrayList<>();
    double errorBound = 0;
    RoundingCheck worst = new RoundingCheck(0, 0);
    for (int i = 0; i + 1 < knots.length; i++) {
      double low = knots[i + 1];
      double high = knots[i];
      TimeSchedule schedule = new TimeSchedule(process, low, high, isotropicVariance());
      ScoreNetwork score = new TimeInputScore(mixture, schedule).within(0.5 * error);
      Network network =
          Network.of(score.layers(), Network.Output.SCORE)
              .withTimes(process, low, high)
              .withTimeInput();
      pieces.add(network);
      errorBound = Math.max(errorBound, score.errorBound());
      worst = worst.orWorse(RoundingCheck.of(mixture, network, between(low, high), !float64));
    }
    return new Attempt(pieces, errorBound, false, worst);
  }

  /** Both ends of an interval and times between them. */
  private static double[] between(double low, double high) {
    double[] times = new double[TIMES_CHECKED];
    for (int i = 0; i < times.length; i++) {
      double share = i / (times.length - 1.0);
      times[i] = i == times.length - 1 ? high : low + share * (high - low);
    }
    return times;
  }

  private void requireInterval(double low, double high) {
    process.requireTime("low", low);
    process.requireTime("high", high);
    if (!(low < high && high < Double.POSITIVE_INFINITY)) {
      throw new IllegalArgumentException(
          "low must be below high, both finite, but are %s and %s; for a single time: compile(t)"
              .formatted(low, high));
    }
    if (low == 0 && mixture.covariance().singular()) {
      throw new IllegalArgumentException(
          "low must be > 0 for a mixture with a singular covariance (data points have no density at"
              + " t = 0), but is 0");
    }
    if (!TimeSchedule.supports(process)) {
      throw new IllegalArgumentException(
          "process must be ou, vp or ve for a network that takes the time, but is %s;"
                  .formatted(process.name())
              + " at a fixed time, compile(t) takes any");
    }
    if (Double.isNaN(isotropicVariance())) {
      throw new IllegalArgumentException(
          "mixture must have one isotropic covariance for a network that takes the time, but is"
              + " %s; at a fixed time, compile(t) takes any".formatted(mixture));
    }
  }

  /** The variance of every component in every direction, or NaN if there is more than one. */
  private double isotropicVariance() {
    int first = Components.active(mixture)[0];
    double variance = mixture.covariance().eigenvalue(first, 0);
    boolean isotropic = Components.shareCovariance(mixture);
    for (int i = 1; i < mixture.dimension(); i++) {
      isotropic &= mixture.covariance().eigenvalue(first, i) == variance;
    }
    return isotropic ? variance : Double.NaN;
  }

  /** What was compiled for some error, and what it was measured to be. */
  private record Attempt(
      List<Network> pieces, double errorBound, boolean everywhere, RoundingCheck check) {

    boolean holds(double error) {
      return errorBound <= 0.5 * error
          && check.roundingError() <= 0.5 * error
          && check.measuredError() <= error;
    }
  }

  /** The result for the tolerance, or a refusal with the one that holds instead. */
  private CompiledScore held(DoubleFunction<Attempt> compiler) {
    Attempt attempt = compiler.apply(tolerance);
    if (!attempt.holds(tolerance)) {
      throw new IllegalArgumentException(refusal(attempt, compiler));
    }
    return new CompiledScore(
        attempt.pieces(),
        tolerance,
        float64,
        attempt.errorBound(),
        attempt.everywhere(),
        attempt.check().roundingError(),
        attempt.check().measuredError());
  }

  private String refusal(Attempt failed, DoubleFunction<Attempt> compiler) {
    String precision = float64 ? "float64" : "float32";
    String cure = float64 ? "" : "; a smaller one needs float64, see forFloat64()";
    double estimate = 2 * failed.check().roundingError() + failed.errorBound();
    if (Double.isInfinite(estimate)) {
      return "tolerance cannot be met, be it %s or another, for this mixture at these times in %s: the"
              .formatted(tolerance, precision)
          + " network overflows"
          + cure;
    }
    double reachable = Math.max(tolerance, estimate / 8);
    do {
      reachable = Double.parseDouble(String.format(Locale.ROOT, "%.1e", 2 * reachable));
    } while (!compiler.apply(reachable).holds(reachable));
    return "tolerance must be at least %s for this mixture at these times in %s, but is %s%s"
        .formatted(reachable, precision, tolerance, cure);
  }
}
