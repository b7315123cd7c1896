package org.fewstep.network;

import java.util.ArrayList;
import java.util.List;

/**
 * The score at one time of components with covariances C_k = P_k^-1 of their own:
 *
 * <pre>
 *   score = sum_k r_k g_k ,   g_k = -P_k(y - m_k) ,   l_k = c_k - q_k/2
 * </pre>
 *
 * in Ornstein-Uhlenbeck space, y = x/rho, with the Mahalanobis distance q_k a sum of squares of
 * whitened differences. The g_k grow with x, so the error is bounded in L2(p_t), not everywhere.
 *
 * <p>The bound: {@code e~_k} is exact zero where {@code l_k - M < -B}. Elsewhere {@code q_k <=
 * 2(c_k - max l + B)}, and where it is zero {@code e_k^2 q_k <= e^-2B max(1, 2(c_k - max l + B))};
 * so with delta the error of the e~_k, {@code |e~_k - e_k|^2 |g_k|^2 <= delta^2 (2(c_k - max l + B)
 * + 1 + ...)/lambda_k}, lambda_k the least eigenvalue of C_k. Under p_t the mean of {@code -max l}
 * is at most that of {@code sum_k r_k(q_k/2 - c_k)}, which is {@code sum_k w_k(d/2 - c_k)}; and the
 * mean of |score|^2 at most {@code sum_k w_k tr P_k}. With Delta the error before that of the
 * reciprocal eta,
 *
 * <pre>
 *   Delta = sum_k (e~_k - e_k)/Z (g_k - s~) ,  s~ = score + Delta ,   error = Delta - eta s~
 * </pre>
 */
final class SeparateCovarianceScore {

  /** The share of the error that the exponentials may take; the rest is for the reciprocal. */
  private static final double WEIGHT_SHARE = 2.0 / 3;

  private static final double SHRINK = 0.8;

  private final Components components;
  private final NetworkBuilder builder;
  private final Gadgets gadgets;

  /** The largest c_k. */
  private final double ceiling;

  /** A bound of the mean of minus the largest logit. */
  private final double meanDepth;

  /** A bound of the root mean square of the score. */
  private final double scoreNorm;

  SeparateCovarianceScore(Components components) {
    this.components = components;
    this.builder = new NetworkBuilder(components.dimension());
    this.gadgets = new Gadgets(builder);
    double largest = Double.NEGATIVE_INFINITY;
    double depth = 0;
    double square = 0;
    for (int k = 0; k < components.count(); k++) {
      largest = Math.max(largest, components.logNormaliser(k));
      depth += components.weight(k) * (0.5 * components.dimension() - components.logNormaliser(k));
      square += components.weight(k) * components.precisionTrace(k);
    }
    this.ceiling = largest;
    this.meanDepth = depth;
    this.scoreNorm = Math.sqrt(square);
  }

  /**
   * The network within an error.
   *
   * @param tolerance > 0
   */
  ScoreNetwork within(double tolerance) {
    double inner = tolerance * components.scale();
    double weightError = 0.25 / components.count();
    while (weightError > ExponentialBudget.LEAST_ERROR
        && weightBound(weightError, ExponentialBudget.clampedRange(weightError))
            > WEIGHT_SHARE * inner) {
      weightError *= SHRINK;
    }
    SoftmaxBudget budget =
        SoftmaxBudget.of(
            components.count(),
            weightError,
            (1 - WEIGHT_SHARE) * inner / (scoreNorm + WEIGHT_SHARE * inner));
    List<Value> responsibilities =
        new Softmax(builder, new DistanceLogits(), budget).responsibilities();
    double weightBound = weightBound(budget.weightError(), budget.exponential().range());
    double bound = weightBound + budget.sumError() * (scoreNorm + weightBound);
    return new ScoreNetwork(
        builder.layers(scores(responsibilities)), bound / components.scale(), false);
  }

  /** A bound of the L2(p_t) norm of Delta. */
  private double weightBound(double weightError, double range) {
    double error = weightError * Math.exp(SoftmaxBudget.MARGIN);
    double sum = components.count() * scoreNorm;
    for (int k = 0; k < components.count(); k++) {
      double height = components.logNormaliser(k);
      double distance =
          2 * Math.max(0, height + range + meanDepth)
              + 2 * Math.max(0, ceiling - height - range)
              + 1;
      sum += Math.sqrt(distance / components.smallestEigenvalue(k));
    }
    return error * sum / (1 - components.count() * error);
  }

  private List<Value> scores(List<Value> responsibilities) {
    int d = components.dimension();
    int level = responsibilities.get(0).level();
    List<Combination> sums = new ArrayList<>();
    for (int j = 0; j < d; j++) {
      sums.add(builder.at(level + 1));
    }
    for (int k = 0; k < responsibilities.size(); k++) {
      // What a score of component k is where its responsibility is not nothing.
      double typical = (2 + Math.sqrt(d)) / Math.sqrt(components.smallestEigenvalue(k));
      for (int j = 0; j < d; j++) {
        Value product =
            gadgets.product(responsibilities.get(k), 1, componentScore(k, j, level), typical);
        sums.get(j).plus(1 / components.scale(), product);
      }
    }
    return sums.stream().map(Combination::value).toList();
  }

  /** Coordinate j of g_k. */
  private Value componentScore(int k, int j, int level) {
    double[] mean = components.mean(k);
    Combination sum = builder.at(level);
    for (int i = 0; i < mean.length; i++) {
      double precision = components.precision(k, j, i);
      sum.plus(-precision / components.scale(), builder.input(i)).plus(precision * mean[i]);
    }
    return sum.value();
  }

  private final class DistanceLogits implements Logits {

    /** q_k/2. */
    private final List<Value> distances = new ArrayList<>();

    DistanceLogits() {
      for (int k = 0; k < components.count(); k++) {
        distances.add(distance(k));
      }
    }

    private Value distance(int k) {
      double[] mean = components.mean(k);
      Combination sum = builder.at(1);
      for (int i = 0; i < mean.length; i++) {
        double whitening = 1 / Math.sqrt(2 * components.eigenvalue(k, i));
        Combination whitened = builder.at(0);
        for (int r = 0; r < mean.length; r++) {
          double weight = components.eigenvector(k, r, i) * whitening;
          whitened.plus(weight / components.scale(), builder.input(r)).plus(-weight * mean[r]);
        }
        sum.plus(1, gadgets.square(whitened.value()));
      }
      return sum.value().within(0, Double.POSITIVE_INFINITY);
    }

    @Override
    public int count() {
      return distances.size();
    }

    @Override
    public int level() {
      return 1;
    }

    @Override
    public void addTo(Combination sum, double factor, int k) {
      sum.plus(factor * components.logNormaliser(k)).plus(-factor, distances.get(k));
    }

    @Override
    public double ceiling() {
      return ceiling;
    }
  }
}
