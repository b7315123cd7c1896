package org.fewstep.network;

import java.util.Arrays;
import org.fewstep.diffusion.Diffusion;
import org.fewstep.mixture.DiffusedMixture;
import org.fewstep.mixture.GaussianMixture;

/**
 * What rounding does to a compiled network, measured at draws of x_t: its float32 evaluation beside
 * its float64 one, and the one of the precision in question beside the score.
 *
 * @param roundingError root mean square, over draws, of the norm of what rounding adds; the largest
 *     over the times tried
 * @param measuredError the same of the distance to the score
 */
record RoundingCheck(double roundingError, double measuredError) {

  /** The unit roundoff of float64 over that of float32. */
  private static final double ROUNDOFF_RATIO = 0x1p-29;

  private static final long SEED = 0x5eedL;
  private static final int DRAWS = 320;

  /** Measures a network at one time or, if it takes the time, at several. */
  static RoundingCheck of(
      GaussianMixture mixture, Network network, double[] times, boolean single) {
    Diffusion process = network.process().orElseThrow();
    double rounding = 0;
    double error = 0;
    for (int i = 0; i < times.length; i++) {
      DiffusedMixture diffused = DiffusedMixture.at(mixture, process, times[i]);
      ScoreSample sample = new ScoreSample(diffused, SEED + i);
      RoundingCheck check =
          of(sample, network, times[i], Math.max(1, DRAWS / times.length), single);
      rounding = worse(rounding, check.roundingError());
      error = worse(error, check.measuredError());
    }
    return new RoundingCheck(rounding, error);
  }

  /** The larger one; NaN, which an overflow leaves, is worse than anything. */
  private static double worse(double one, double other) {
    double larger = Math.max(one, other);
    return Double.isNaN(larger) ? Double.POSITIVE_INFINITY : larger;
  }

  private static RoundingCheck of(
      ScoreSample sample, Network network, double t, int draws, boolean single) {
    NetworkEvaluation evaluation = new NetworkEvaluation(network.layers());
    double rounding = 0;
    double error = 0;
    for (int i = 0; i < draws; i++) {
      double[] x = sample.draw();
      double[] input = network.takesTime() ? withTime(x, t) : x;
      double[] exact = evaluation.inDouble(input);
      double[] rounded = evaluation.inFloat(input);
      rounding += squaredDistance(rounded, exact);
      error += squaredDistance(single ? rounded : exact, sample.score(x));
    }
    double added = (single ? 1 : ROUNDOFF_RATIO) * Math.sqrt(rounding / draws);
    double distance = Math.sqrt(error / draws);
    // Where float32 overflows and float64 does not, the distance to the score has to do.
    return new RoundingCheck(
        single || added < Double.POSITIVE_INFINITY ? added : distance, distance);
  }

  private static double[] withTime(double[] x, double t) {
    double[] input = Arrays.copyOf(x, x.length + 1);
    input[x.length] = t;
    return input;
  }

  private static double squaredDistance(double[] a, double[] b) {
    double[] difference = Vectors.difference(a, b);
    return Vectors.dot(difference, difference);
  }

  /** The worse of this and another. */
  RoundingCheck orWorse(RoundingCheck other) {
    return new RoundingCheck(
        worse(roundingError, other.roundingError), worse(measuredError, other.measuredError));
  }
}
