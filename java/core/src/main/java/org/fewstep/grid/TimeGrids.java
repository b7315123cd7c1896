package org.fewstep.grid;

import java.util.Arrays;
import java.util.function.IntToDoubleFunction;
import java.util.function.ToDoubleFunction;
import org.fewstep.backend.Backend;
import org.fewstep.diffusion.Diffusion;
import org.fewstep.mixture.GaussianMixture;

/**
 * Builds time grids. Every grid runs from {@code start} (noise) strictly down to {@code end}
 * (data), both exact.
 *
 * <p>All of them cut the interval into equal parts of something: time, a function of the noise
 * ratio, or the integral of a density of time. What the last two give does not depend on how the
 * process is parametrised by time. A density that is zero everywhere, such as that of a standard
 * normal under a variance-preserving process, gives the uniform grid.
 *
 * <p>Bad input is an {@link IllegalArgumentException} that names the argument, its value and what
 * is allowed: {@code start} and {@code end} are times of the process, end below start, and segments
 * lie in [1, {@value GridSpec#MAX_SEGMENTS}] and are no more than there are doubles between the
 * ends.
 */
public final class TimeGrids {

  /** The exponent of Karras et al. (2022), eq. 5: larger spends more knots at low noise. */
  private static final double KARRAS_RHO = 7;

  /** Nodes of a density lie at most this far apart in the {@link NoiseCoordinate}. */
  private static final double STABILITY_SPACING = 0.002;

  private static final int STABILITY_MIN_CELLS = 512;
  private static final int STABILITY_MAX_CELLS = 8192;

  private static final double TYPICAL_SPACING = 0.05;
  private static final int TYPICAL_MIN_CELLS = 64;
  private static final int TYPICAL_MAX_CELLS = 512;

  /** Densities below this have a finite integral. */
  private static final double MAX_DENSITY = 1e300;

  private TimeGrids() {}

  /**
   * The grid that a specification asks for.
   *
   * @param mixture the data; stability and typical grids need it, others take null
   * @param backend evaluates the mixture for typical grids; others take null
   * @param seed of the samples of a typical grid
   * @throws IllegalArgumentException also for refined grids, which need a solver
   */
  public static TimeGrid of(
      GridSpec spec,
      GaussianMixture mixture,
      Diffusion process,
      double start,
      double end,
      Backend backend,
      long seed) {
    int segments = spec.segments();
    return switch (spec.kind()) {
      case UNIFORM -> uniform(process, start, end, segments);
      case LOG_SNR -> logSnr(process, start, end, segments);
      case KARRAS -> karras(process, start, end, segments);
      case STABILITY -> stability(mixture, process, start, end, segments);
      case TYPICAL -> typical(mixture, process, start, end, segments, backend, seed);
      case REFINED ->
          throw new IllegalArgumentException(
              "a refined grid needs a solver to refine for: build it with"
                  + " org.fewstep.flow.RefinedGrid");
      case STUDENT ->
          throw new IllegalArgumentException(
              "a student grid needs a student to be trained: build it with"
                  + " org.fewstep.distill.StudentGrid");
    };
  }

  /** Knots at equal parts of time. */
  public static TimeGrid uniform(Diffusion process, double start, double end, int segments) {
    requireInterval(process, start, end, segments);
    return Equidistribution.uniform(GridKind.UNIFORM, start, end, segments, start - end);
  }

  /**
   * Knots at equal parts of lambda = log(alpha/sigma), half the log of the signal-to-noise ratio
   * (Lu et al., 2022, "DPM-Solver"); {@code end} must be > 0, since lambda is infinite at 0.
   */
  public static TimeGrid logSnr(Diffusion process, double start, double end, int segments) {
    requireInterval(process, start, end, segments);
    double first = finiteHalfLogSnr(GridKind.LOG_SNR, process, "start", start);
    double last = finiteHalfLogSnr(GridKind.LOG_SNR, process, "end", end);
    return Equidistribution.ofCoordinate(
        GridKind.LOG_SNR,
        start,
        end,
        segments,
        last - first,
        passed -> process.timeAtHalfLogSnr(first + passed));
  }

  /**
   * Knots at equal parts of S^(1/7), S = sigma/alpha (Karras et al., 2022, "Elucidating the design
   * space of diffusion-based generative models", eq. 5); {@code end} must be > 0.
   */
  public static TimeGrid karras(Diffusion process, double start, double end, int segments) {
    requireInterval(process, start, end, segments);
    double first = finiteHalfLogSnr(GridKind.KARRAS, process, "start", start);
    double last = finiteHalfLogSnr(GridKind.KARRAS, process, "end", end);
    double root = Math.exp(-first / KARRAS_RHO);
    return Equidistribution.ofCoordinate(
        GridKind.KARRAS,
        start,
        end,
        segments,
        root - Math.exp(-last / KARRAS_RHO),
        passed -> process.timeAtHalfLogSnr(-KARRAS_RHO * Math.log(root - passed)));
  }

  /**
   * Knots at equal parts of the integral of the Lipschitz bound L(t) of the flow, {@link
   * StabilityBounds#lipschitz}: no segment's map can be worse conditioned than another's.
   *
   * <p>At low noise this is nearly uniform in 1/sigma^2, a worst case that few paths see; {@link
   * #typical} goes by what they do see.
   */
  public static TimeGrid stability(
      GaussianMixture mixture, Diffusion process, double start, double end, int segments) {
    requireMixture(GridKind.STABILITY, mixture);
    requireInterval(process, start, end, segments);
    StabilityBounds.requireDensity(mixture, process, "end", end);
    StabilityBounds bounds = StabilityBounds.of(mixture, process);
    double[] times =
        nodes(mixture, process, start, end)
            .times(STABILITY_SPACING, STABILITY_MIN_CELLS, STABILITY_MAX_CELLS);
    double[] density = density(times, node -> bounds.uncheckedLipschitz(times[node]));
    return Equidistribution.ofDensity(GridKind.STABILITY, times, density, segments);
  }

  /**
   * Knots at equal parts of the integral of E |J(x, t)|_2, the spectral norm of the Jacobian of the
   * flow averaged over the points that are there at time t: 128 samples at 65 times or more.
   * Deterministic for a seed and a backend; between seeds knots move by some per cent.
   *
   * <p>In more than 16 dimensions the norm comes from power iterations. Mean norms below 1e-13 of
   * the Hessian's are taken for rounding, so that an interval on which nothing but noise is left
   * gives the uniform grid.
   *
   * <p>Costs 128 min(d, 16) JVPs of the mixture a node, 8 power iterations of 128 above d = 16:
   * some 10 ms for a ring of 8, but seconds and more from 1e5 components on.
   *
   * @param backend evaluates the mixture in float64; stays open
   * @param seed any value
   */
  public static TimeGrid typical(
      GaussianMixture mixture,
      Diffusion process,
      double start,
      double end,
      int segments,
      Backend backend,
      long seed) {
    requireMixture(GridKind.TYPICAL, mixture);
    if (backend == null) {
      throw new IllegalArgumentException(
          "backend must be given for a typical grid, which evaluates the mixture, but is null");
    }
    requireInterval(process, start, end, segments);
    StabilityBounds.requireDensity(mixture, process, "end", end);
    TypicalNorm norm = new TypicalNorm(mixture, backend, seed);
    double[] times =
        nodes(mixture, process, start, end)
            .times(TYPICAL_SPACING, TYPICAL_MIN_CELLS, TYPICAL_MAX_CELLS);
    double[] density = density(times, node -> norm.at(process, times[node]));
    return Equidistribution.ofDensity(GridKind.TYPICAL, times, density, segments);
  }

  /**
   * As above for a flow that is known by its samples: |J(x, t)|_2 averaged over 128 trajectories
   * that start from normals times sigma(start), at 65 times or more.
   *
   * @param flow its Jacobian need not be symmetric
   * @param end > 0
   * @param seed any value
   */
  public static TimeGrid typical(
      SampledFlow flow, Diffusion process, double start, double end, int segments, long seed) {
    return ofSamples(
        GridKind.TYPICAL, JacobianNorms::mean, flow, process, start, end, segments, seed);
  }

  /**
   * As {@link #typical(SampledFlow, Diffusion, double, double, int, long)}, by the largest of the
   * 128 norms in place of their mean: an estimate of the Lipschitz constant from below, along the
   * samples, where no bound on it is known.
   */
  public static TimeGrid stability(
      SampledFlow flow, Diffusion process, double start, double end, int segments, long seed) {
    return ofSamples(
        GridKind.STABILITY,
        norms -> Arrays.stream(norms).reduce(0, Math::max),
        flow,
        process,
        start,
        end,
        segments,
        seed);
  }

  private static TimeGrid ofSamples(
      GridKind kind,
      ToDoubleFunction<double[]> summary,
      SampledFlow flow,
      Diffusion process,
      double start,
      double end,
      int segments,
      long seed) {
    if (flow == null) {
      throw new IllegalArgumentException(
          "flow must be given for a %s grid, but is null".formatted(kind));
    }
    requireInterval(process, start, end, segments);
    finiteHalfLogSnr(kind, process, "end", end);
    // Nodes of a very short interval may coincide.
    double[] times =
        Arrays.stream(
                new NoiseCoordinate(process, 0, start, end)
                    .times(TYPICAL_SPACING, TYPICAL_MIN_CELLS, TYPICAL_MAX_CELLS))
            .distinct()
            .toArray();
    SampledNorms norms = new SampledNorms(flow, times, process.sigma(start), seed);
    double[] density = density(times, node -> summary.applyAsDouble(norms.at(node)));
    return Equidistribution.ofDensity(kind, times, density, segments);
  }

  private static NoiseCoordinate nodes(
      GaussianMixture mixture, Diffusion process, double start, double end) {
    return new NoiseCoordinate(process, mixture.covariance().smallestEigenvalue(), start, end);
  }

  private static double[] density(double[] times, IntToDoubleFunction densityAt) {
    double[] density = new double[times.length];
    for (int i = 0; i < times.length; i++) {
      density[i] = densityAt.applyAsDouble(i);
      if (!(density[i] < MAX_DENSITY)) {
        throw new IllegalArgumentException(
            "end must be so large that the Jacobian of the flow is finite, but it is %s at t = %s"
                .formatted(density[i], times[i]));
      }
    }
    return density;
  }

  private static void requireInterval(Diffusion process, double start, double end, int segments) {
    GridSpec.requireSegments(segments);
    process.requireTime("start", start);
    process.requireTime("end", end);
    if (Double.isInfinite(start)) {
      throw new IllegalArgumentException("start must be finite, but is " + start);
    }
    if (!(end < start)) {
      throw new IllegalArgumentException(
          "end (data) must lie below start (noise) = %s, but is %s".formatted(start, end));
    }
    // Doubles >= 0 are ordered like their bits; adding 0.0 makes -0.0 the plain zero.
    long doubles = Double.doubleToLongBits(start) - Double.doubleToLongBits(end + 0.0);
    if (doubles < segments) {
      throw new IllegalArgumentException(
          "segments must be at most %d, the number of doubles from start = %s down to end = %s, but"
                  .formatted(doubles, start, end)
              + " is "
              + segments);
    }
  }

  private static void requireMixture(GridKind kind, GaussianMixture mixture) {
    if (mixture == null) {
      throw new IllegalArgumentException(
          "mixture must be given for a %s grid, but is null; %s needs none"
              .formatted(kind, GridKind.LOG_SNR));
    }
  }

  private static double finiteHalfLogSnr(
      GridKind kind, Diffusion process, String argument, double t) {
    double lambda = process.halfLogSnr(t);
    if (Double.isInfinite(lambda) || Double.isNaN(lambda)) {
      String cure =
          lambda > 0
              ? "take an end > 0, such as %s, or a %s grid"
                  .formatted(process.defaultEnd(), GridKind.UNIFORM)
              : "take a smaller start, such as " + process.defaultStart();
      throw new IllegalArgumentException(
          "%s must have a finite log of the signal-to-noise ratio for a %s grid, but at %s it is %s; %s"
              .formatted(argument, kind, t, lambda, cure));
    }
    return lambda;
  }
}
