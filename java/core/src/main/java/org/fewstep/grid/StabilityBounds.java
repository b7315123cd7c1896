package org.fewstep.grid;

import java.util.stream.DoubleStream;
import java.util.stream.IntStream;
import org.fewstep.diffusion.Diffusion;
import org.fewstep.mixture.DiffusedMixture;
import org.fewstep.mixture.GaussianMixture;

/**
 * Rigorous bounds on the Jacobian J(x, t) of the velocity of a mixture's probability flow, {@code v
 * = f x - h score}, and on the flow's map from one time to another. Immutable and thread-safe.
 *
 * <p>The Hessian of log p is the covariance of the component scores less the mean of the inverse
 * covariances C_k^-1, both under the responsibilities. The former lies between 0 and Gamma^2/4,
 * Gamma bounding the distance of any two component scores (Popoviciu's inequality on variances).
 * With l and U the smallest and the largest eigenvalue of all C_k, in Ornstein-Uhlenbeck space y =
 * x/rho, therefore
 *
 * <pre>
 *   J_OU = -I - Hessian          1/U - 1 - Gamma^2/4  &lt;=  J_OU  &lt;=  1/l - 1
 *   J    = (f + h/rho^2) I + (h/rho^2) J_OU(x/rho, t')
 * </pre>
 *
 * The second line is how another process follows: x = rho y, y moves by the Ornstein-Uhlenbeck flow
 * in its time t', and dt'/dt = h/rho^2, d log rho/dt = f + h/rho^2. Since J is symmetric its
 * eigenvalues say everything: its spectral norm is at most L = max(|lower|, |upper|), and the
 * reversed flow, which is the one that is sampled, parts two states at a rate of at most M = -lower
 * (its logarithmic norm; Dahlquist, 1958).
 *
 * <p>If all covariances are equal the bounds hold at every x. If they differ no bound does, and
 * these hold on the ball of {@link #radius} about {@link #centre}. They are worst cases: Gamma^2/4
 * is reached only half-way between two modes, where at low noise hardly a path comes by.
 *
 * <p>Where the means are more than some thousands, or the covariances not isotropic and the
 * components more than some dozens, Gamma is a safe overestimate and not the largest distance
 * itself.
 */
public final class StabilityBounds {

  /** How many standard deviations the ball reaches beyond the bulk of every component: 6. */
  public static final double DEFAULT_DEVIATIONS = 6;

  /** Quadrature starts from panels this wide in the {@link NoiseCoordinate}. */
  private static final double PANEL_WIDTH = 0.25;

  private static final int MIN_PANELS = 16;
  private static final int MAX_PANELS = 2048;

  private final GaussianMixture mixture;
  private final Diffusion process;
  private final double[] centre;
  private final double smallestVariance;
  private final double largestVariance;
  private final ScoreSpread spread;

  /** n in Jung's inequality: the points that spread are K, so they lie in K - 1 dimensions. */
  private final int spreadDimension;

  private StabilityBounds(GaussianMixture mixture, Diffusion process, double deviations) {
    this.mixture = mixture;
    this.process = process;
    int[] components =
        IntStream.range(0, mixture.components()).filter(k -> mixture.weight(k) > 0).toArray();
    this.centre = mean(mixture);
    this.smallestVariance = variances(mixture, components).min().orElseThrow();
    this.largestVariance = variances(mixture, components).max().orElseThrow();
    this.spread = ScoreSpread.of(mixture, components, centre, deviations);
    this.spreadDimension = Math.min(mixture.dimension(), components.length - 1);
  }

  /** The bounds of a mixture under a process, with {@link #DEFAULT_DEVIATIONS}. */
  public static StabilityBounds of(GaussianMixture mixture, Diffusion process) {
    return of(mixture, process, DEFAULT_DEVIATIONS);
  }

  /**
   * The bounds of a mixture under a process.
   *
   * @param deviations m >= 0, finite: the ball on which bounds for different covariances hold
   *     leaves out less than e^(-m^2/2) of the mass of each component; of no effect if all are
   *     equal
   */
  public static StabilityBounds of(GaussianMixture mixture, Diffusion process, double deviations) {
    if (!(deviations >= 0) || Double.isInfinite(deviations)) {
      throw new IllegalArgumentException(
          "deviations must be finite and >= 0, but is " + deviations);
    }
    return new StabilityBounds(mixture, process, deviations);
  }

  private static DoubleStream variances(GaussianMixture mixture, int[] components) {
    return (mixture.covariance().shared() ? IntStream.of(components[0]) : IntStream.of(components))
        .mapToObj(
            k ->
                IntStream.range(0, mixture.dimension())
                    .mapToDouble(i -> mixture.covariance().eigenvalue(k, i)))
        .flatMapToDouble(stream -> stream);
  }

  private static double[] mean(GaussianMixture mixture) {
    double[] mean = new double[mixture.dimension()];
    for (int k = 0; k < mixture.components(); k++) {
      for (int i = 0; i < mean.length; i++) {
        mean[i] += mixture.weight(k) * mixture.mean(k, i);
      }
    }
    return mean;
  }

  /** Whether the bounds hold at every x: the covariances of all components are equal. */
  public boolean global() {
    return spread.global();
  }

  /** The centre alpha(t) c0 of the ball on which the bounds hold, c0 the mean of the mixture. */
  public double[] centre(double t) {
    process.requireTime("t", t);
    double[] scaled = centre.clone();
    for (int i = 0; i < scaled.length; i++) {
      scaled[i] *= process.alpha(t);
    }
    return scaled;
  }

  /**
   * The radius of the ball on which the bounds hold at time t, or infinity if they hold everywhere:
   * the largest over components of {@code alpha |mu_k - c0| + s_k (sqrt d + m)}, s_k^2 being the
   * largest eigenvalue of alpha^2 Sigma_k + sigma^2 I and m the deviations.
   */
  public double radius(double t) {
    Moment moment = checkedMoment("t", t);
    return process.scale(t) * spread.radius(moment.a, moment.b);
  }

  /** The lower bound on the eigenvalues of J(x, t), per unit of the process's time. */
  public double lower(double t) {
    return inProcessTime(t, checkedMoment("t", t).lower());
  }

  /** The upper bound on the eigenvalues of J(x, t), per unit of the process's time. */
  public double upper(double t) {
    return inProcessTime(t, checkedMoment("t", t).upper());
  }

  /** The Lipschitz bound L(t) = max(|lower|, |upper|) >= 0 on the velocity. */
  public double lipschitz(double t) {
    requireDensity(mixture, process, "t", t);
    return uncheckedLipschitz(t);
  }

  /** {@link #lipschitz} at a time between two that were checked. */
  double uncheckedLipschitz(double t) {
    Moment moment = new Moment(t);
    return Math.max(inProcessTime(t, moment.upper()), -inProcessTime(t, moment.lower()));
  }

  /** The bound M(t) = -lower on the logarithmic norm of the reversed flow; may be negative. */
  public double logNorm(double t) {
    return -lower(t);
  }

  /** The lower bound on the divergence of the velocity, the trace of J(x, t). */
  public double divergenceLower(double t) {
    Moment moment = checkedMoment("t", t);
    int d = mixture.dimension();
    return d * inProcessTime(t, moment.withinModesLower())
        - rate(t) * jung() * moment.spreadSquared();
  }

  /** The upper bound on the divergence of the velocity, the trace of J(x, t). */
  public double divergenceUpper(double t) {
    return mixture.dimension() * upper(t);
  }

  /**
   * Bounds on the flow's map from {@code start} down to {@code end}.
   *
   * <p>The parts without Gamma have closed forms for every mixture and process, the part with it
   * for equal isotropic covariances; the rest is adaptive quadrature to about 1e-10.
   *
   * @param end the smaller time, where the map leads to
   * @param start the larger time
   * @throws IllegalArgumentException if end > start, or either is not a time at which the mixture
   *     has a density under the process
   */
  public FlowMapBounds between(double end, double start) {
    Moment from = checkedMoment("start", start);
    Moment to = checkedMoment("end", end);
    if (end > start) {
      throw new IllegalArgumentException(
          "end must not lie above start = %s, but is %s".formatted(start, end));
    }
    // lambda of x-space, rho^2 (a^2 s + b), has the logarithmic derivative 2 (f + h/rho^2) + 2
    // (h/rho^2) (1/lambda_OU - 1): the integral of either extreme is half a logarithm.
    double growth = Math.log(process.scale(start) / process.scale(end));
    double upper = growth + 0.5 * Math.log(from.smallest() / to.smallest());
    double withinModesLower = growth + 0.5 * Math.log(from.largest() / to.largest());
    if (start == end) {
      return new FlowMapBounds(0, 0, 0, 0, 0);
    }
    double[] nodes =
        new NoiseCoordinate(process, smallestVariance, start, end)
            .times(PANEL_WIDTH, MIN_PANELS, MAX_PANELS);
    double spreadSquared = integratedSpreadSquared(from, to, nodes);
    double logNorm = 0.25 * spreadSquared - withinModesLower;
    double lipschitz = Quadrature.integrate(this::uncheckedLipschitz, nodes);
    int d = mixture.dimension();
    return new FlowMapBounds(
        lipschitz, logNorm, upper, d * withinModesLower - jung() * spreadSquared, d * upper);
  }

  private double integratedSpreadSquared(Moment from, Moment to, double[] nodes) {
    if (spread instanceof SharedCovarianceSpread shared && shared.isotropic()) {
      // The integral of a^2/lambda^2 over t' is (e^-2t'end - e^-2t'start)/(2 lambda lambda).
      double difference =
          to.a * to.a * -Math.expm1(-2 * (from.ornsteinUhlenbeckTime - to.ornsteinUhlenbeckTime));
      double diameter = shared.diameter();
      return diameter / from.smallest() * (diameter / to.smallest()) * (0.5 * difference);
    }
    return Quadrature.integrate(t -> rate(t) * new Moment(t).spreadSquared(), nodes);
  }

  /** From a rate per unit of t' in Ornstein-Uhlenbeck space to one per unit of t. */
  private double inProcessTime(double t, double rate) {
    double perTime = rate(t);
    // The first sum is exactly zero for a variance-preserving process; then nothing cancels.
    return (process.drift(t) + perTime) + perTime * rate;
  }

  private double rate(double t) {
    return rate(process, t);
  }

  /** dt'/dt = h/rho^2, how fast Ornstein-Uhlenbeck time runs. */
  static double rate(Diffusion process, double t) {
    double scale = process.scale(t);
    return process.halfSquaredDiffusion(t) / (scale * scale);
  }

  /** The trace of a covariance of points of a set of diameter Gamma, over Gamma^2 (Jung, 1901). */
  private double jung() {
    return spreadDimension / (2.0 * (spreadDimension + 1));
  }

  private Moment checkedMoment(String argument, double t) {
    requireDensity(mixture, process, argument, t);
    return new Moment(t);
  }

  /** Refuses a time at which the mixture has no density, or one that underflows. */
  static void requireDensity(
      GaussianMixture mixture, Diffusion process, String argument, double t) {
    process.requireTime(argument, t);
    if (t == 0 && mixture.covariance().singular()) {
      throw new IllegalArgumentException(
          ("%s must be > 0 for a mixture with a singular covariance (data points have no density at"
                  + " t = 0), but is 0; take %s, say")
              .formatted(argument, process.defaultEnd()));
    }
    DiffusedMixture.at(mixture, process, t);
  }

  /** The bounds in Ornstein-Uhlenbeck space at one time, per unit of Ornstein-Uhlenbeck time. */
  private final class Moment {

    final double ornsteinUhlenbeckTime;
    final double a;
    final double b;

    Moment(double t) {
      this.ornsteinUhlenbeckTime = process.ornsteinUhlenbeckTime(t);
      this.a = Math.exp(-ornsteinUhlenbeckTime);
      this.b = -Math.expm1(-2 * ornsteinUhlenbeckTime);
    }

    /** The smallest eigenvalue of the diffused covariances. */
    double smallest() {
      return a * a * smallestVariance + b;
    }

    /** The largest eigenvalue of the diffused covariances. */
    double largest() {
      return a * a * largestVariance + b;
    }

    /** 1/l - 1, without the cancellation at large times. */
    double upper() {
      return a * a * (1 - smallestVariance) / smallest();
    }

    /** 1/U - 1, without the cancellation at large times. */
    double withinModesLower() {
      return a * a * (1 - largestVariance) / largest();
    }

    double lower() {
      return withinModesLower() - 0.25 * spreadSquared();
    }

    double spreadSquared() {
      double gamma = spread.at(a, b);
      return gamma * gamma;
    }
  }
}
