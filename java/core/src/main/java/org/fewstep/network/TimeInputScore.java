package org.fewstep.network;

import java.util.ArrayList;
import java.util.List;
import org.fewstep.mixture.GaussianMixture;

/**
 * The score over an interval of time of components with one isotropic covariance: with {@code a =
 * alpha}, {@code q = 1/s^2}, c the mean of the means and {@code n_k = mu_k - c},
 *
 * <pre>
 *   score = -q x + a q (c + sum_k r_k n_k)
 *   l_k = log w_k + a q n_k.x - a^2 q (n_k.c + |n_k|^2/2)
 * </pre>
 *
 * <p>The bound, in L2(p_t) at every time of the interval: where q, aq and a^2q are within a share e
 * of their largest values, logits differ by at most {@code e L(x)}, {@code L = D(aq|x| + a^2q(|c| +
 * V))} with D the diameter and V the largest norm of the n_k; so the sum of the r_k n_k by at most
 * {@code e L D/4}, and |x| has the root mean square {@code (alpha^2 E|mu|^2 + d s^2)^(1/2)}.
 */
final class TimeInputScore {

  /** The shares of the error that the functions of time and the exponentials may take. */
  private static final double TIME_SHARE = 1.0 / 3;

  private static final double WEIGHT_SHARE = 4.0 / 9;

  private final GaussianMixture mixture;
  private final TimeSchedule schedule;
  private final NetworkBuilder builder;
  private final Gadgets gadgets;
  private final int[] active;
  private final int dimension;
  private final double[] centre;
  private final double[][] shifts;
  private final double longestShift;
  private final double diameter;

  TimeInputScore(GaussianMixture mixture, TimeSchedule schedule) {
    this.mixture = mixture;
    this.schedule = schedule;
    this.active = Components.active(mixture);
    this.dimension = mixture.dimension();
    this.builder = new NetworkBuilder(dimension + 1);
    this.gadgets = new Gadgets(builder);
    this.centre = new double[dimension];
    this.shifts = new double[active.length][dimension];
    for (int i = 0; i < dimension; i++) {
      for (int k : active) {
        centre[i] += mixture.mean(k, i) / active.length;
      }
      for (int k = 0; k < active.length; k++) {
        shifts[k][i] = mixture.mean(active[k], i) - centre[i];
      }
    }
    double longest = 0;
    double widest = 0;
    for (double[] shift : shifts) {
      longest = Math.max(longest, Vectors.norm(shift));
      for (double[] other : shifts) {
        widest = Math.max(widest, Vectors.norm(Vectors.difference(shift, other)));
      }
    }
    this.longestShift = longest;
    this.diameter = widest;
  }

  /** A bound of the root mean square of |x_t|. */
  private double pointNorm() {
    double square = 0;
    for (int k : active) {
      for (int i = 0; i < dimension; i++) {
        square += mixture.weight(k) * mixture.mean(k, i) * mixture.mean(k, i);
      }
    }
    double alpha = schedule.largestAlpha();
    return Math.sqrt(alpha * alpha * square + dimension * schedule.largestVariance());
  }

  /** The largest q, or aq, or a^2q. */
  private double largest(int powerOfAlpha) {
    return Math.pow(schedule.largestAlpha(), powerOfAlpha) / schedule.smallestVariance();
  }

  /** A bound of the L2(p_t) error for a share e by which the functions of time are wrong. */
  private double timeBound(double share) {
    double reach = Vectors.norm(centre) + longestShift;
    double logits = diameter * (largest(1) * pointNorm() + largest(2) * reach);
    double direct = largest(0) * pointNorm() + largest(1) * reach;
    return share * (direct + 0.25 * (1 + share) * largest(1) * diameter * logits);
  }

  /**
   * The network within an error.
   *
   * @param tolerance > 0
   */
  ScoreNetwork within(double tolerance) {
    double share = Math.min(1e-3, TIME_SHARE * tolerance / timeBound(1));
    ExponentialBudget exponential = schedule.budget(share / 8);
    double low = schedule.smallestVariance() * (1 - schedule.varianceError(exponential));
    double high = schedule.largestVariance() + schedule.smallestVariance() - low;
    int iterations = 1;
    while (reciprocalError(low, high, iterations) > share / 2) {
      iterations++;
    }
    double inverseError = reciprocalError(low, high, iterations);
    double reached = share(exponential, inverseError);

    TimeSchedule.Values time = schedule.values(builder, builder.input(dimension), exponential);
    Value variance = time.variance().within(low, high);
    Value inverse = gadgets.reciprocal(variance, low, high, iterations);
    Value pull = gadgets.product(time.alpha(), inverse);
    List<Value> points = points(inverse);
    if (longestShift == 0) {
      return new ScoreNetwork(
          builder.layers(scores(points, pull, List.of())), timeBound(reached), false);
    }
    int count = active.length;
    double rest = tolerance / ((1 + share) * largest(1) * longestShift);
    SoftmaxBudget budget =
        SoftmaxBudget.of(
            count,
            WEIGHT_SHARE * rest / (2 * count * Math.exp(SoftmaxBudget.MARGIN)),
            (1 - TIME_SHARE - WEIGHT_SHARE) * rest);
    Logits logits = new TimeLogits(time.alpha(), pull, points);
    List<Value> weights = new Softmax(builder, logits, budget).responsibilitiesTimes(pull);
    double bound =
        timeBound(reached)
            + (1 + reached) * largest(1) * longestShift * (budget.spread() + budget.sumError());
    return new ScoreNetwork(builder.layers(scores(points, pull, weights)), bound, false);
  }

  private static double reciprocalError(double low, double high, int iterations) {
    return Math.pow(1 - low / high, Math.scalb(1.0, iterations));
  }

  /** The share of their largest values by which q, aq and a^2q are wrong at most. */
  private double share(ExponentialBudget exponential, double reciprocalError) {
    double variance = schedule.varianceError(exponential);
    double inverse = (reciprocalError + variance) / (1 - variance);
    return inverse + 2 * schedule.alphaError(exponential) * (1 + inverse);
  }

  /** The q x_j. */
  private List<Value> points(Value inverse) {
    List<Value> points = new ArrayList<>();
    for (int j = 0; j < dimension; j++) {
      points.add(gadgets.product(inverse, inverse.high(), builder.input(j), pointScale(j)));
    }
    return points;
  }

  /** About the largest |x_j|. */
  private double pointScale(int j) {
    double largest = 0;
    for (int k : active) {
      largest = Math.max(largest, Math.abs(mixture.mean(k, j)));
    }
    return schedule.largestAlpha() * largest + 3 * Math.sqrt(schedule.largestVariance());
  }

  private List<Value> scores(List<Value> points, Value pull, List<Value> weights) {
    int level = weights.isEmpty() ? pull.level() : weights.get(0).level();
    List<Value> scores = new ArrayList<>();
    for (int j = 0; j < dimension; j++) {
      Combination score = builder.at(level).plus(-1, points.get(j)).plus(centre[j], pull);
      for (int k = 0; k < weights.size(); k++) {
        score.plus(shifts[k][j], weights.get(k));
      }
      scores.add(score.value());
    }
    return scores;
  }

  private final class TimeLogits implements Logits {

    /** The a q x_j. */
    private final List<Value> projections = new ArrayList<>();

    /** a^2 q. */
    private final Value stiffness;

    TimeLogits(Value alpha, Value pull, List<Value> points) {
      for (int j = 0; j < dimension; j++) {
        double scale = pointScale(j) * largest(0);
        projections.add(gadgets.product(alpha, alpha.high(), points.get(j), scale));
      }
      stiffness = gadgets.product(alpha, pull);
    }

    @Override
    public int count() {
      return active.length;
    }

    @Override
    public int level() {
      return Math.max(stiffness.level(), projections.get(0).level());
    }

    @Override
    public void addTo(Combination sum, double factor, int k) {
      double offset = Vectors.dot(shifts[k], centre) + 0.5 * Vectors.dot(shifts[k], shifts[k]);
      sum.plus(factor * Math.log(mixture.weight(active[k]))).plus(-factor * offset, stiffness);
      for (int i = 0; i < dimension; i++) {
        sum.plus(factor * shifts[k][i], projections.get(i));
      }
    }
  }
}
