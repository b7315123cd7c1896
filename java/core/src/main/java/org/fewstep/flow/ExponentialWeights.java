package org.fewstep.flow;

/**
 * The quadrature weights of exponential multistep methods.
 *
 * <p>With nodes {@code u_j} (half log-SNR, relative to the start of the step, in units of its
 * length h) at which the denoised point D is known, D is replaced by the polynomial through them,
 * whose Lagrange basis is l_j. The weights are integrals of that basis over the step,
 *
 * <pre>
 *   exponential:  w_j = h int_0^1 e^(h (u - 1)) l_j(u) du        plain:  w_j = h int_0^1 l_j(u) du
 * </pre>
 */
final class ExponentialWeights {

  /** Below this |h| the recurrence of the moments cancels and their power series converges fast. */
  private static final double SERIES_BELOW = 1;

  private static final int SERIES_TERMS = 24;

  private ExponentialWeights() {}

  /**
   * The weights of D in {@code x_s = (sigma_s/sigma_t) x_t + alpha_s sum_j w_j D_j}: the
   * exponential ones, but for two nodes the plain ones scaled to the exponential's mean, {@code w_j
   * = (1 - e^-h)/h * plain_j}, which is the choice B(h) = e^h - 1 of DPM-Solver++(2M) and UniPC and
   * of the same order.
   */
  static double[] ofState(double[] nodes, double h) {
    if (nodes.length > 2) {
      return exponential(nodes, h);
    }
    double mean = -Math.expm1(-h);
    if (nodes.length == 1) {
      return new double[] {mean};
    }
    double[] weights = plain(nodes, h);
    for (int j = 0; j < weights.length; j++) {
      weights[j] *= mean / h;
    }
    return weights;
  }

  /** {@code h int_0^1 e^(h (u - 1)) l_j(u) du}, exact for polynomials through the nodes. */
  static double[] exponential(double[] nodes, double h) {
    double[] weights = new double[nodes.length];
    for (int j = 0; j < nodes.length; j++) {
      double[] basis = lagrange(nodes, j);
      for (int i = 0; i < basis.length; i++) {
        weights[j] += h * basis[i] * moment(h, i);
      }
    }
    return weights;
  }

  /** {@code h int_0^1 l_j(u) du}: the weights of Adams methods. */
  static double[] plain(double[] nodes, double h) {
    double[] weights = new double[nodes.length];
    for (int j = 0; j < nodes.length; j++) {
      double[] basis = lagrange(nodes, j);
      for (int i = 0; i < basis.length; i++) {
        weights[j] += h * basis[i] / (i + 1);
      }
    }
    return weights;
  }

  /**
   * The moment {@code m_i = int_0^1 e^(h (u - 1)) u^i du}, by parts {@code m_i = (1 - i m_{i-1})/h}
   * with {@code m_0 = (1 - e^-h)/h}, and for small h by {@code sum_k (-h)^k i!/(i + k + 1)!}.
   */
  static double moment(double h, int i) {
    if (Math.abs(h) < SERIES_BELOW) {
      double term = 1.0 / (i + 1);
      double sum = term;
      for (int k = 1; k < SERIES_TERMS; k++) {
        term *= -h / (i + k + 1);
        sum += term;
      }
      return sum;
    }
    double moment = -Math.expm1(-h) / h;
    for (int k = 1; k <= i; k++) {
      moment = (1 - k * moment) / h;
    }
    return moment;
  }

  /** The coefficients of l_j, the polynomial that is 1 at node j and 0 at the others. */
  private static double[] lagrange(double[] nodes, int j) {
    double[] polynomial = new double[nodes.length];
    polynomial[0] = 1;
    int degree = 0;
    for (int m = 0; m < nodes.length; m++) {
      if (m != j) {
        double scale = 1 / (nodes[j] - nodes[m]);
        degree++;
        for (int i = degree; i >= 0; i--) {
          double shifted = i > 0 ? polynomial[i - 1] : 0;
          polynomial[i] = scale * (shifted - nodes[m] * polynomial[i]);
        }
      }
    }
    return polynomial;
  }
}
