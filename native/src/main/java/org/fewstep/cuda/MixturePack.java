package org.fewstep.cuda;

import java.util.List;
import org.fewstep.backend.Plan;
import org.fewstep.backend.Precision;
import org.fewstep.backend.TimeConstants;
import org.fewstep.cuda.binding.FewstepCuda;
import org.fewstep.diffusion.OrnsteinUhlenbeck;
import org.fewstep.mixture.DiagonalCovariance;
import org.fewstep.mixture.DiffusedMixture;
import org.fewstep.mixture.FullCovariance;
import org.fewstep.mixture.GaussianMixture;

/**
 * A mixture as the arrays that the kernels read, computed in float64 and rounded once. Everything
 * is in the coordinates of x itself: at a time with scale alpha and noise variance v, component k
 * has the mean {@code m_k = alpha mu_k} and the eigenvalues {@code lambda = alpha^2 sigma^2 + v}.
 *
 * <p>Four forms, each one array of records, with the rotations of the full kind behind them. D is d
 * rounded up to a width there is a kernel for (1, 2, 3, 4, 8, 16; beyond that d itself),
 * coordinates from d on being zero; E is 1 if isotropic, else D; L(z) is what rounding z to the
 * precision loses:
 *
 * <pre>
 *   {@link #at}       logit_k, L(logit_k), trace_k, 1/lambda [E], alpha sigma^2/lambda [E],
 *                     m_k [D], L(m_k) [D], mu_k [D]
 *   {@link #plan}     the same for the time of every stage in turn
 *   {@link #origins}  log2 w_k, sigma^2 [E], mu_k [D], L(mu_k) [D]
 *   {@link #exact}    log2 w_k, sigma^2 [E], mu_k [d], always float64, and with d for D in E
 * </pre>
 *
 * where {@code logit_k = log2(w_k/sqrt(det C_k))} less the largest of them, and {@code trace_k} is
 * {@code -sum 1/lambda}, or {@code sum alpha sigma^2/lambda} where the divergence wanted is that of
 * the posterior mean. Components of zero weight have the logit minus infinity. Records of the first
 * three forms begin at multiples of 16 bytes.
 *
 * <p>A rotation is Q_k row by row, an eigenvector a column; there is one if the covariance is
 * shared, else one a component. For d > 16, and in the exact form always, it is [d][d] and its
 * transpose follows; else it is [D][D], and begins at a multiple of 16 bytes.
 *
 * <p>The kernels' side of this is kernels/mixture_component.cuh (and Packed, Exact and Origin).
 * Arrays are returned in float64, and to be uploaded in the precision of the pack. A mixture of one
 * dimension counts as isotropic.
 */
final class MixturePack {

  /** The largest dimension of the kernels with a thread a row. */
  static final int MOST_REGISTER_DIMENSION = 16;

  private static final double LN_2 = Math.log(2);

  private final GaussianMixture mixture;
  private final Precision precision;
  private final int dimension;
  private final int width;
  private final int eigenvalues;
  private final Kind kind;

  /** The kinds of covariances, in the order of their codes FS_ISOTROPIC, FS_DIAGONAL, FS_FULL. */
  enum Kind {
    ISOTROPIC,
    DIAGONAL,
    FULL
  }

  MixturePack(GaussianMixture mixture, Precision precision) {
    this.mixture = mixture;
    this.precision = precision;
    this.dimension = mixture.dimension();
    this.width = width(dimension);
    this.kind = kind(mixture);
    this.eigenvalues = kind == Kind.ISOTROPIC ? 1 : dimension;
  }

  private static Kind kind(GaussianMixture mixture) {
    if (mixture.dimension() == 1) {
      return Kind.ISOTROPIC;
    }
    return switch (mixture.covariance()) {
      case FullCovariance full -> Kind.FULL;
      case DiagonalCovariance diagonal -> Kind.DIAGONAL;
      default -> Kind.ISOTROPIC;
    };
  }

  private static int width(int dimension) {
    if (dimension <= 4 || dimension > MOST_REGISTER_DIMENSION) {
      return dimension;
    }
    return dimension <= 8 ? 8 : MOST_REGISTER_DIMENSION;
  }

  /** The kind of the covariances, the code of the C interface being its ordinal. */
  Kind kind() {
    return kind;
  }

  /** Whether all components have one covariance. */
  boolean shared() {
    return mixture.covariance().shared();
  }

  /** The smallest eigenvalue of all covariances, at t = 0. */
  double leastEigenvalue() {
    return mixture.covariance().smallestEigenvalue();
  }

  /** Whether a whole trajectory is one kernel: its state has to have room in a thread. */
  static boolean fusesTrajectories(int dimension, Precision precision) {
    return dimension <= (precision == Precision.FLOAT32 ? MOST_REGISTER_DIMENSION : 8);
  }

  /** Whether a whole adaptive trajectory is one kernel: the slopes of a step too have room. */
  boolean fusesAdaptiveTrajectories() {
    return dimension
        <= (precision == Precision.FLOAT32 && kind != Kind.FULL
            ? FewstepCuda.FS_MOST_ADAPTIVE_FLOAT32
            : FewstepCuda.FS_MOST_ADAPTIVE_FLOAT64);
  }

  /**
   * The mixture at one time, for fs_mixture.
   *
   * @param numbers the array
   * @param logScale log p at the mean of the heaviest component, were it alone
   * @param alpha the scale of the means
   * @param variance of the noise
   */
  record AtTime(double[] numbers, double logScale, double alpha, double variance) {}

  /** The mixture at one time. */
  AtTime at(DiffusedMixture diffused) {
    Moment moment = Moment.of(diffused.scale(), diffused.ornsteinUhlenbeckTime());
    NumberList numbers = new NumberList();
    double largest = addComponents(numbers, moment, false);
    addRotations(numbers, dimension > MOST_REGISTER_DIMENSION);
    double logScale = largest - 0.5 * dimension * Math.log(2 * Math.PI);
    return new AtTime(numbers.toArray(), logScale, moment.alpha, moment.variance);
  }

  /** The exact form, for the field of that name of fs_gaussians; uploaded in float64. */
  double[] exact() {
    NumberList numbers = new NumberList();
    for (int k = 0; k < mixture.components(); k++) {
      numbers.add(Math.log(mixture.weight(k)) / LN_2);
      for (int i = 0; i < eigenvalues; i++) {
        numbers.add(mixture.covariance().eigenvalue(k, i));
      }
      for (int i = 0; i < dimension; i++) {
        numbers.add(mixture.mean(k, i));
      }
    }
    addRotations(numbers, true);
    return numbers.toArray();
  }

  /** The form for a time per row, for fs_mixture_at_times; not read if d > 16. */
  double[] origins() {
    NumberList numbers = new NumberList();
    for (int k = 0; k < mixture.components(); k++) {
      numbers.add(Math.log(mixture.weight(k)) / LN_2);
      for (int i = 0; i < eigenvalues; i++) {
        numbers.add(mixture.covariance().eigenvalue(k, i));
      }
      numbers.pad(eigenvalues == 1 ? 0 : width - dimension);
      addMeans(numbers, k, 1, false);
      addMeans(numbers, k, 1, true);
      numbers.align(precision);
    }
    addRotations(numbers, false);
    return numbers.toArray();
  }

  /**
   * A trajectory, for fs_trajectory.
   *
   * @param numbers the mixture at the times of all evaluations
   * @param times alpha and variance of every evaluation; uploaded in float64
   * @param program the plan
   */
  record Trajectory(double[] numbers, double[] times, PlanProgram program) {

    int evaluations() {
      return times.length / 2;
    }
  }

  /** A plan for this mixture, which must {@linkplain #fusesTrajectories fuse} it. */
  Trajectory plan(Plan plan) {
    boolean denoised = plan.evaluation() == Plan.Evaluation.DENOISED;
    NumberList numbers = new NumberList();
    NumberList times = new NumberList();
    PlanProgram program = new PlanProgram();
    for (Plan.Step step : plan.steps()) {
      for (Plan.Stage stage : step.stages()) {
        TimeConstants at = stage.at();
        Moment moment = Moment.of(at.scale(), at.ornsteinUhlenbeckTime());
        addComponents(numbers, moment, denoised);
        times.add(moment.alpha);
        times.add(moment.variance);
        program.add(
            stage,
            denoised ? 0 : dimension * at.drift(),
            at.drift(),
            denoised ? -1 : at.halfSquaredDiffusion(),
            denoised ? moment.variance / moment.alpha : 1);
      }
      program.addEnd(step, dimension);
    }
    addRotations(numbers, false);
    return new Trajectory(numbers.toArray(), times.toArray(), program);
  }

  /** The process at one time, {@code x_t = alpha x_0 + sqrt(variance) z}. */
  private record Moment(double alpha, double variance) {

    static Moment of(double scale, double ornsteinUhlenbeckTime) {
      return new Moment(
          scale * Math.exp(-ornsteinUhlenbeckTime),
          scale * scale * OrnsteinUhlenbeck.noiseVariance(ornsteinUhlenbeckTime));
    }

    double eigenvalue(double dataEigenvalue) {
      return alpha * alpha * dataEigenvalue + variance;
    }
  }

  /** Adds the components at one time; returns the largest {@code log(w_k/sqrt(det C_k))}. */
  private double addComponents(NumberList numbers, Moment at, boolean ofMean) {
    double[] normalisers = new double[mixture.components()];
    double largest = Double.NEGATIVE_INFINITY;
    double logDeterminant = 0;
    for (int k = 0; k < normalisers.length; k++) {
      logDeterminant = k == 0 || !shared() ? logDeterminant(k, at) : logDeterminant;
      normalisers[k] = Math.log(mixture.weight(k)) - 0.5 * logDeterminant;
      largest = Math.max(largest, normalisers[k]);
    }
    for (int k = 0; k < normalisers.length; k++) {
      double logit = (normalisers[k] - largest) / LN_2;
      numbers.add(logit);
      numbers.add(mixture.weight(k) > 0 ? lost(logit) : 0);
      numbers.add(trace(k, at, ofMean));
      for (int i = 0; i < eigenvalues; i++) {
        numbers.add(inverse(at.eigenvalue(mixture.covariance().eigenvalue(k, i))));
      }
      numbers.pad(eigenvalues == 1 ? 0 : width - dimension);
      for (int i = 0; i < eigenvalues; i++) {
        double sigma = mixture.covariance().eigenvalue(k, i);
        numbers.add(at.alpha * sigma / at.eigenvalue(sigma));
      }
      numbers.pad(eigenvalues == 1 ? 0 : width - dimension);
      addMeans(numbers, k, at.alpha, false);
      addMeans(numbers, k, at.alpha, true);
      addMeans(numbers, k, 1, false);
      numbers.align(precision);
    }
    return largest;
  }

  private double logDeterminant(int k, Moment at) {
    double sum = 0;
    for (int i = 0; i < eigenvalues; i++) {
      sum += Math.log(at.eigenvalue(mixture.covariance().eigenvalue(k, i)));
    }
    return sum * dimension / eigenvalues;
  }

  private double trace(int k, Moment at, boolean ofMean) {
    double sum = 0;
    for (int i = 0; i < eigenvalues; i++) {
      double sigma = mixture.covariance().eigenvalue(k, i);
      double lambda = at.eigenvalue(sigma);
      sum += ofMean ? at.alpha * sigma / lambda : -1 / lambda;
    }
    return sum * dimension / eigenvalues;
  }

  /** 1/lambda, finite in the precision: zero weights are multiplied by it. */
  private double inverse(double lambda) {
    double inverse = 1 / lambda;
    return precision == Precision.FLOAT32 ? Math.min(inverse, Float.MAX_VALUE) : inverse;
  }

  /** What rounding to the precision loses. */
  private double lost(double exact) {
    return precision == Precision.FLOAT32 ? exact - (float) exact : 0;
  }

  private void addMeans(NumberList numbers, int k, double alpha, boolean lost) {
    for (int i = 0; i < dimension; i++) {
      double mean = alpha * mixture.mean(k, i);
      numbers.add(lost ? lost(mean) : mean);
    }
    numbers.pad(width - dimension);
  }

  /** Adds Q and its transpose, [d][d], or Q alone, [D][D]. */
  private void addRotations(NumberList numbers, boolean both) {
    if (kind != Kind.FULL) {
      return;
    }
    FullCovariance full = (FullCovariance) mixture.covariance();
    for (int k = 0; k < full.count(); k++) {
      for (boolean transposed : both ? List.of(false, true) : List.of(false)) {
        for (int i = 0; i < dimension; i++) {
          for (int j = 0; j < dimension; j++) {
            numbers.add(transposed ? full.eigenvector(k, j, i) : full.eigenvector(k, i, j));
          }
          numbers.pad(both ? 0 : width - dimension);
        }
        numbers.pad(both ? 0 : (width - dimension) * width);
      }
      if (!both) {
        numbers.align(precision);
      }
    }
  }
}
