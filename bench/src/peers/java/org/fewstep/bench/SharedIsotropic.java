package org.fewstep.bench;

import org.fewstep.mixture.DiffusedMixture;

/**
 * The constants of the array form of a score with one variance for all components, as somebody
 * would compute them who writes it with matrix products:
 *
 * <pre>
 *   logits = x columns + offsets       r = softmax(logits)       score = r rows - x / variance
 * </pre>
 *
 * The square of x is the same in every logit and cancels.
 *
 * @param means [K,d], the means at the time of evaluation
 * @param rows [K,d], means / variance
 * @param columns [d,K], its transpose
 * @param logWeights [K]
 * @param offsets [K], log w_k - |mean_k|^2 / (2 variance)
 * @param variance the variance of every component
 */
record SharedIsotropic(
    float[] means,
    float[] rows,
    float[] columns,
    float[] logWeights,
    float[] offsets,
    double variance) {

  static SharedIsotropic of(DiffusedMixture mixture) {
    int components = mixture.mixture().components();
    int d = mixture.mixture().dimension();
    double variance = mixture.eigenvalue(0, 0);
    float[] means = new float[components * d];
    float[] rows = new float[components * d];
    float[] columns = new float[components * d];
    float[] logWeights = new float[components];
    float[] offsets = new float[components];
    for (int k = 0; k < components; k++) {
      double square = 0;
      for (int i = 0; i < d; i++) {
        double mean = mixture.a() * mixture.mixture().mean(k, i);
        square += mean * mean;
        means[k * d + i] = (float) mean;
        rows[k * d + i] = (float) (mean / variance);
        columns[i * components + k] = (float) (mean / variance);
      }
      double logWeight = Math.log(mixture.mixture().weight(k));
      logWeights[k] = (float) logWeight;
      offsets[k] = (float) (logWeight - square / (2 * variance));
    }
    return new SharedIsotropic(means, rows, columns, logWeights, offsets, variance);
  }
}
