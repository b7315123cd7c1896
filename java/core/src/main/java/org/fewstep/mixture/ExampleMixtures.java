package org.fewstep.mixture;

import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Random;

/**
 * The built-in mixtures, by name, so that everything can be tried with no file at hand.
 *
 * <p>A specification is a name, or a name and a standard deviation instead of its own: {@code
 * "ring8"}, {@code "ring8?sigma=0.1"}. All covariances are isotropic and shared.
 */
public final class ExampleMixtures {

  private static final String SIGMA = "sigma";

  /** Every example: the weights (null: equal), the means, the standard deviation. */
  private record Example(double[] weights, double[][] means, double sigma) {}

  private static final Map<String, Example> EXAMPLES = new LinkedHashMap<>();

  static {
    EXAMPLES.put("ring8", new Example(null, ring(8, 2), 0.05));
    EXAMPLES.put("bimodal", new Example(null, new double[][] {{-1}, {1}}, 0.05));
    EXAMPLES.put(
        "two-modes",
        new Example(new double[] {0.8, 0.2}, new double[][] {{-1, 0}, {1, 0.5}}, 0.02));
    EXAMPLES.put("grid16", new Example(null, grid(4), 0.05));
    EXAMPLES.put("moons", new Example(null, moons(25), 0));
    EXAMPLES.put("gauss8d", new Example(null, normals(10, 8, 8), 0.1));
    EXAMPLES.put("gauss64d", new Example(null, normals(32, 64, 64), 0.1));
  }

  private ExampleMixtures() {}

  /** The names: ring8, bimodal, two-modes, grid16, moons, gauss8d, gauss64d. */
  public static List<String> names() {
    return List.copyOf(EXAMPLES.keySet());
  }

  /**
   * The example of that specification.
   *
   * <ul>
   *   <li>ring8: 8 means on the circle of radius 2, the first at angle 0; sigma 0.05
   *   <li>bimodal: 1-D, means -1 and 1; sigma 0.05
   *   <li>two-modes: means (-1, 0) and (1, 0.5) of weights 0.8 and 0.2; sigma 0.02
   *   <li>grid16: 4 by 4 means, spacing 1, centred; sigma 0.05
   *   <li>moons: 50 data points on two interleaving half circles; sigma 0
   *   <li>gauss8d: 8-D, 10 means drawn from the standard normal, always the same; sigma 0.1
   *   <li>gauss64d: 64-D, 32 means likewise; sigma 0.1
   * </ul>
   *
   * @param specification a name, or {@code name?sigma=S} with S finite and >= 0
   * @throws IllegalArgumentException if there is no such example or option, or S is not as above
   */
  public static GaussianMixture named(String specification) {
    int mark = specification.indexOf('?');
    String name = mark < 0 ? specification : specification.substring(0, mark);
    Example example = EXAMPLES.get(name);
    if (example == null) {
      throw new IllegalArgumentException(
          "example must be one of %s, but is '%s'".formatted(names(), name));
    }
    double sigma =
        mark < 0 ? example.sigma : sigma(specification, specification.substring(mark + 1));
    Covariance covariance = Covariance.isotropic(sigma);
    return example.weights == null
        ? GaussianMixture.of(example.means, covariance)
        : GaussianMixture.of(example.weights, example.means, covariance);
  }

  private static double sigma(String specification, String option) {
    int equals = option.indexOf('=');
    if (equals < 0 || !option.substring(0, equals).equals(SIGMA)) {
      throw new IllegalArgumentException(
          "an example's option must be sigma=S, but is '%s' in '%s'"
              .formatted(option, specification));
    }
    String value = option.substring(equals + 1);
    try {
      return Double.parseDouble(value);
    } catch (NumberFormatException e) {
      throw new IllegalArgumentException(
          "sigma must be a number, but is '%s' in '%s'".formatted(value, specification), e);
    }
  }

  private static double[][] ring(int count, double radius) {
    double[][] means = new double[count][];
    for (int k = 0; k < count; k++) {
      double angle = 2 * Math.PI * k / count;
      means[k] = new double[] {radius * StrictMath.cos(angle), radius * StrictMath.sin(angle)};
    }
    return means;
  }

  private static double[][] grid(int side) {
    double[][] means = new double[side * side][];
    for (int k = 0; k < means.length; k++) {
      means[k] = new double[] {k % side - 0.5 * (side - 1), k / side - 0.5 * (side - 1)};
    }
    return means;
  }

  /** The upper half of the unit circle, and its lower half moved by (1, 1/2). */
  private static double[][] moons(int each) {
    double[][] points = new double[2 * each][];
    for (int k = 0; k < each; k++) {
      double angle = Math.PI * k / (each - 1);
      double cosine = StrictMath.cos(angle);
      double sine = StrictMath.sin(angle);
      points[k] = new double[] {cosine, sine};
      points[each + k] = new double[] {1 - cosine, 0.5 - sine};
    }
    return points;
  }

  /** By {@link Random#nextGaussian}, whose numbers its documentation fixes for every JVM. */
  private static double[][] normals(int count, int dimension, long seed) {
    Random random = new Random(seed);
    double[][] means = new double[count][dimension];
    for (double[] mean : means) {
      for (int i = 0; i < dimension; i++) {
        mean[i] = random.nextGaussian();
      }
    }
    return means;
  }
}
