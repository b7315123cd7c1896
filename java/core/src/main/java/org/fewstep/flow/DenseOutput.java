package org.fewstep.flow;

import java.util.List;
import org.fewstep.backend.Backend;
import org.fewstep.backend.Batch;

/**
 * The continuous extension of Dormand-Prince of order 4 (Hairer, Norsett and Wanner, 1993, II.6):
 * the state at a fraction theta of a step.
 *
 * <p>With k_1 to k_7 the slopes, b the weights of the step, B = sum b_j k_j and D = sum d_j k_j,
 * their code dopri5 interpolates by
 *
 * <pre>
 *   x + h theta ( B + (1 - theta) ( k_1 - B + theta ( 2 B - k_1 - k_7 + (1 - theta) D )))
 *     = x + h theta ( k_1 + theta ( q_2 + theta ( q_3 + theta D )))
 *   q_2 = 3 B - 2 k_1 - k_7 + D,    q_3 = k_1 + k_7 - 2 B - 2 D
 * </pre>
 *
 * the second form, evaluated from the inside, having each fraction as a step size of its row.
 */
final class DenseOutput {

  static final double[] QUADRATIC = new double[DormandPrince.STAGES];
  static final double[] CUBIC = new double[DormandPrince.STAGES];

  static {
    int last = DormandPrince.STAGES - 1;
    for (int j = 0; j <= last; j++) {
      double first = j == 0 ? 1 : 0;
      double seventh = j == last ? 1 : 0;
      double b = DormandPrince.B[j];
      double d = DormandPrince.DENSE[j];
      QUADRATIC[j] = 3 * b - 2 * first - seventh + d;
      CUBIC[j] = first + seventh - 2 * b - 2 * d;
    }
  }

  private static final double[] ONCE = {1};

  private final Backend backend;
  private final Batch quadratic;
  private final Batch cubic;
  private final Batch quartic;
  private final Batch odd;
  private final Batch even;

  DenseOutput(Workspace workspace, int columns) {
    this.backend = workspace.backend();
    this.quadratic = workspace.take(columns);
    this.cubic = workspace.take(columns);
    this.quartic = workspace.take(columns);
    this.odd = workspace.take(columns);
    this.even = workspace.take(columns);
  }

  /** Combines the slopes of an attempt; needed once for any number of fractions. */
  void prepare(Integrand state, long rows) {
    state.combineSlopes(QUADRATIC, quadratic.slice(0, rows));
    state.combineSlopes(CUBIC, cubic.slice(0, rows));
    state.combineSlopes(DormandPrince.DENSE, quartic.slice(0, rows));
  }

  /**
   * The states at a fraction of the attempt of each row, in a batch that is overwritten by the next
   * call.
   *
   * @param fraction [n,1] in FLOAT64, theta
   * @param scaled [n,1] in FLOAT64, h theta
   */
  Batch at(Integrand state, Batch fraction, Batch scaled) {
    long rows = fraction.rows();
    Batch a = odd.slice(0, rows);
    Batch b = even.slice(0, rows);
    backend.step(cubic.slice(0, rows), List.of(quartic.slice(0, rows)), fraction, ONCE, a, null);
    backend.step(quadratic.slice(0, rows), List.of(a), fraction, ONCE, b, null);
    backend.step(state.slope(0, rows), List.of(b), fraction, ONCE, a, null);
    backend.step(state.value(rows), List.of(a), scaled, ONCE, b, null);
    return b;
  }
}
