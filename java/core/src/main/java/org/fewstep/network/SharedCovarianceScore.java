package org.fewstep.network;

import java.util.ArrayList;
import java.util.List;

/**
 * The score at one time of components with one covariance C = P^-1: with c the mean of the means,
 *
 * <pre>
 *   score = -P(y - c) + sum_k r_k g_k ,   g_k = P(m_k - c)
 *   l_k = log w_k + g_k.(y - c) - g_k.(m_k - c)/2
 * </pre>
 *
 * in Ornstein-Uhlenbeck space, y = x/rho. The logits are affine, the responsibilities within the
 * budget at every x, so the error is bounded on all of R^d by {@code max|g_k| sum|r~_k - r_k|}.
 */
final class SharedCovarianceScore {

  /** The share of the error that the exponentials may take; the rest is for the reciprocal. */
  private static final double WEIGHT_SHARE = 2.0 / 3;

  private final Components components;
  private final NetworkBuilder builder;
  private final double[] centre;
  private final double[][] pulls;
  private final double[] offsets;
  private final double longestPull;

  SharedCovarianceScore(Components components) {
    this.components = components;
    this.builder = new NetworkBuilder(components.dimension());
    this.centre = components.centre();
    this.pulls = new double[components.count()][];
    this.offsets = new double[components.count()];
    double longest = 0;
    for (int k = 0; k < pulls.length; k++) {
      double[] shift = Vectors.difference(components.mean(k), centre);
      pulls[k] = components.precisionTimes(k, shift);
      offsets[k] =
          Math.log(components.weight(k))
              - 0.5 * Vectors.dot(pulls[k], shift)
              - Vectors.dot(pulls[k], centre);
      longest = Math.max(longest, Vectors.norm(pulls[k]));
    }
    this.longestPull = longest;
  }

  /**
   * The network within an error.
   *
   * @param tolerance > 0
   */
  ScoreNetwork within(double tolerance) {
    if (longestPull == 0) {
      return new ScoreNetwork(builder.layers(scores(List.of())), 0, true);
    }
    int count = components.count();
    double share = tolerance * components.scale() / longestPull;
    SoftmaxBudget budget =
        SoftmaxBudget.of(
            count,
            WEIGHT_SHARE * share / (2 * count * Math.exp(SoftmaxBudget.MARGIN)),
            (1 - WEIGHT_SHARE) * share);
    List<Value> responsibilities =
        new Softmax(builder, new AffineLogits(), budget).responsibilities();
    double bound = longestPull / components.scale() * (budget.spread() + budget.sumError());
    return new ScoreNetwork(builder.layers(scores(responsibilities)), bound, true);
  }

  private List<Value> scores(List<Value> responsibilities) {
    int level = responsibilities.isEmpty() ? 0 : responsibilities.get(0).level();
    double inverseScale = 1 / components.scale();
    List<Value> scores = new ArrayList<>();
    for (int j = 0; j < centre.length; j++) {
      Combination score = builder.at(level);
      for (int i = 0; i < centre.length; i++) {
        double precision = components.precision(0, j, i);
        score
            .plus(-precision * inverseScale * inverseScale, builder.input(i))
            .plus(precision * inverseScale * centre[i]);
      }
      for (int k = 0; k < responsibilities.size(); k++) {
        score.plus(pulls[k][j] * inverseScale, responsibilities.get(k));
      }
      scores.add(score.value());
    }
    return scores;
  }

  private final class AffineLogits implements Logits {

    @Override
    public int count() {
      return pulls.length;
    }

    @Override
    public int level() {
      return 0;
    }

    @Override
    public void addTo(Combination sum, double factor, int k) {
      sum.plus(factor * offsets[k]);
      for (int i = 0; i < centre.length; i++) {
        sum.plus(factor * pulls[k][i] / components.scale(), builder.input(i));
      }
    }
  }
}
