package org.fewstep.flow;

/** Distances between results. */
final class Errors {

  private Errors() {}

  static double largest(double[] a, double[] b) {
    double largest = 0;
    for (int i = 0; i < a.length; i++) {
      // Not Math.max alone: NaN must not pass.
      double difference = Math.abs(a[i] - b[i]);
      largest = difference <= largest ? largest : difference;
    }
    return largest;
  }

  static double rootMeanSquare(double[] a, double[] b) {
    double sum = 0;
    for (int i = 0; i < a.length; i++) {
      sum += (a[i] - b[i]) * (a[i] - b[i]);
    }
    return Math.sqrt(sum / a.length);
  }

  /** The mean squared difference in units of the mean square of the reference. */
  static double relativeMeanSquare(double[] a, double[] reference) {
    double sum = 0;
    double scale = 0;
    for (int i = 0; i < a.length; i++) {
      sum += (a[i] - reference[i]) * (a[i] - reference[i]);
      scale += reference[i] * reference[i];
    }
    return sum / scale;
  }
}
