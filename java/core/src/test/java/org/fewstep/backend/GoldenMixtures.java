package org.fewstep.backend;

import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStreamReader;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.fewstep.diffusion.Diffusion;
import org.fewstep.diffusion.Diffusions;
import org.fewstep.mixture.Covariance;
import org.fewstep.mixture.DiffusedMixture;
import org.fewstep.mixture.GaussianMixture;

/** The golden values that src/test/python/golden_mixtures.py wrote, at 50 digits. */
final class GoldenMixtures {

  /** The quantities, by the names of the file, in its order. */
  static final List<String> QUANTITIES =
      List.of("log-density", "score", "posterior-mean", "divergence", "jvp");

  /** A point and what is true of it; {@code wide} points are those that float32 cannot hold. */
  record Point(String label, double[] x, double[] direction, Map<String, double[]> truth) {
    boolean wide() {
      return label.equals("wide");
    }
  }

  /** A mixture under a process at a time, and its points. */
  record Case(
      String name,
      GaussianMixture mixture,
      Diffusion process,
      double t,
      double sigma,
      List<Point> points) {

    DiffusedMixture diffused() {
      return DiffusedMixture.at(mixture, process, t);
    }

    @Override
    public String toString() {
      return name;
    }
  }

  private GoldenMixtures() {}

  static List<Case> read() {
    List<Case> cases = new ArrayList<>();
    try (BufferedReader reader =
        new BufferedReader(
            new InputStreamReader(
                GoldenMixtures.class.getResourceAsStream("golden-mixtures.txt"),
                StandardCharsets.UTF_8))) {
      String line;
      while ((line = reader.readLine()) != null) {
        if (line.startsWith("case ")) {
          cases.add(caseOf(line));
        } else if (line.startsWith("point ")) {
          List<Point> points = cases.getLast().points();
          String label = line.substring("point ".length());
          double[] x = numbers(reader.readLine());
          double[] direction = numbers(reader.readLine());
          Map<String, double[]> truth = new LinkedHashMap<>();
          for (String quantity : QUANTITIES) {
            truth.put(quantity, numbers(reader.readLine()));
          }
          points.add(new Point(label, x, direction, truth));
        }
      }
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
    return cases;
  }

  private static double[] numbers(String line) {
    return Arrays.stream(line.split(" ")).skip(1).mapToDouble(Double::parseDouble).toArray();
  }

  private static Case caseOf(String line) {
    String[] fields = line.split(" ");
    long seed = Long.parseLong(fields[1]);
    boolean shared = fields[3].equals("shared");
    Diffusion process = Diffusions.named(fields[4]);
    double t = Double.parseDouble(fields[5]);
    int d = Integer.parseInt(fields[6]);
    int components = Integer.parseInt(fields[7]);
    double sigma = Double.parseDouble(fields[8]);
    GaussianMixture mixture =
        drawMixture(new SplitMix64(seed), fields[2], shared, d, components, sigma, fields[9]);
    return new Case(line, mixture, process, t, sigma, new ArrayList<>());
  }

  /** As draw_mixture does in the generator, operation by operation. */
  private static GaussianMixture drawMixture(
      SplitMix64 random,
      String kind,
      boolean shared,
      int d,
      int components,
      double sigma,
      String flags) {
    double[] weights = random.uniforms(components);
    for (int k = 0; k < components; k++) {
      weights[k] = Math.abs(weights[k]) + 0.1;
    }
    double[][] means = new double[components][];
    for (int k = 0; k < components; k++) {
      means[k] = random.uniforms(d);
      for (int i = 0; i < d; i++) {
        means[k][i] *= 4;
      }
    }
    if (flags.contains("zero")) {
      weights[1] = 0;
    }
    if (flags.contains("duplicate")) {
      means[2] = means[0].clone();
    }
    int count = shared ? 1 : components;
    return GaussianMixture.of(
        weights, means, drawCovariance(random, kind, shared, d, count, sigma));
  }

  private static Covariance drawCovariance(
      SplitMix64 random, String kind, boolean shared, int d, int count, double sigma) {
    switch (kind) {
      case "isotropic" -> {
        double[] sigmas = random.uniforms(count);
        for (int k = 0; k < count; k++) {
          sigmas[k] = sigma * (1 + 0.5 * sigmas[k]);
        }
        return shared ? Covariance.isotropic(sigmas[0]) : Covariance.isotropic(sigmas);
      }
      case "diagonal" -> {
        double[][] variances = new double[count][];
        for (int k = 0; k < count; k++) {
          variances[k] = random.uniforms(d);
          for (int i = 0; i < d; i++) {
            variances[k][i] = sigma * sigma * (1 + 0.5 * variances[k][i]);
          }
        }
        return shared ? Covariance.diagonal(variances[0]) : Covariance.diagonal(variances);
      }
      default -> {
        double[][][] matrices = new double[count][][];
        for (int k = 0; k < count; k++) {
          matrices[k] = drawMatrix(random, d, sigma);
        }
        return shared ? Covariance.full(matrices[0]) : Covariance.full(matrices);
      }
    }
  }

  private static double[][] drawMatrix(SplitMix64 random, int d, double sigma) {
    int rank = sigma > 0 ? d : d / 2;
    double[][] b = new double[d][];
    for (int i = 0; i < d; i++) {
      b[i] = random.uniforms(rank);
    }
    double[][] matrix = new double[d][d];
    for (int i = 0; i < d; i++) {
      for (int j = 0; j <= i; j++) {
        double total = 0;
        for (int l = 0; l < rank; l++) {
          total += b[i][l] * b[j][l];
        }
        if (sigma > 0) {
          total = sigma * sigma * (total / rank + (i == j ? 0.1 : 0));
        }
        matrix[i][j] = total;
        matrix[j][i] = total;
      }
    }
    return matrix;
  }

  /** Uniforms in [-1, 1), multiples of 2^-52. */
  private static final class SplitMix64 {

    private long state;

    SplitMix64(long seed) {
      state = seed;
    }

    double[] uniforms(int count) {
      double[] values = new double[count];
      for (int i = 0; i < count; i++) {
        values[i] = uniform();
      }
      return values;
    }

    private double uniform() {
      state += 0x9E3779B97F4A7C15L;
      long z = state;
      z = (z ^ (z >>> 30)) * 0xBF58476D1CE4E5B9L;
      z = (z ^ (z >>> 27)) * 0x94D049BB133111EBL;
      z ^= z >>> 31;
      return (z >>> 11) * 0x1p-52 - 1;
    }
  }
}
