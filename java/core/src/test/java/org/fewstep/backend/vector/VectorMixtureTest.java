package org.fewstep.backend.vector;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.Arrays;
import java.util.Random;
import java.util.stream.Stream;
import org.fewstep.backend.Backend;
import org.fewstep.backend.BackendOptions;
import org.fewstep.backend.Batch;
import org.fewstep.backend.MixtureOutputs;
import org.fewstep.backend.Precision;
import org.fewstep.diffusion.Diffusions;
import org.fewstep.mixture.Covariance;
import org.fewstep.mixture.DiffusedMixture;
import org.fewstep.mixture.GaussianMixture;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/** The mixture kernels against the textbook form in float64. */
@Tag("widths")
class VectorMixtureTest {

  private static Backend backend;

  @BeforeAll
  static void open() {
    backend = new VectorBackendProvider().open(BackendOptions.defaults().withThreads(2));
  }

  @AfterAll
  static void close() {
    backend.close();
  }

  /** A mixture with its dense covariances. */
  record Case(
      String kind, double[] weights, double[][] means, double[][][] dense, Covariance covariance) {

    GaussianMixture mixture() {
      return GaussianMixture.of(weights, means, covariance);
    }

    @Override
    public String toString() {
      return "%s, d=%d, K=%d".formatted(kind, means[0].length, weights.length);
    }
  }

  static Stream<Case> cases() {
    return Stream.of(1, 2, 3, 4, 5, 8, 17, 33)
        .flatMap(
            d ->
                Stream.of(1, 2, 4, 7, 50)
                    .flatMap(
                        k ->
                            Stream.of("shared", "isotropic", "diagonal", "full", "shared full")
                                .map(kind -> random(kind, d, k, 0.3))));
  }

  static Case random(String kind, int d, int count, double sigma) {
    Random random = new Random(d * 1000L + count);
    double[] weights = random.doubles(count, 0.1, 1).toArray();
    double[][] means = new double[count][];
    double[][][] dense = new double[count][d][d];
    double[] sigmas = new double[count];
    double[][] variances = new double[count][d];
    boolean shared = kind.startsWith("shared");
    for (int k = 0; k < count; k++) {
      means[k] = random.doubles(d, -2, 2).toArray();
      sigmas[k] = sigma * (shared ? 1 : random.nextDouble(0.5, 1.5));
      for (int i = 0; i < d; i++) {
        variances[k][i] = Math.pow(sigma * random.nextDouble(0.3, 1.5), 2);
        dense[k][i][i] = kind.equals("diagonal") ? variances[k][i] : sigmas[k] * sigmas[k];
      }
      if (kind.endsWith("full")) {
        dense[k] = shared && k > 0 ? dense[0] : spread(random, d, sigma);
      }
    }
    Covariance covariance =
        switch (kind) {
          case "shared" -> Covariance.isotropic(sigma);
          case "isotropic" -> Covariance.isotropic(sigmas);
          case "diagonal" -> Covariance.diagonal(variances);
          case "full" -> Covariance.full(dense);
          default -> Covariance.full(dense[0]);
        };
    return new Case(kind, weights, means, dense, covariance);
  }

  private static double[][] spread(Random random, int d, double sigma) {
    double[][] factor = new double[d][];
    Arrays.setAll(factor, i -> random.doubles(d, -1, 1).toArray());
    double[][] matrix = new double[d][d];
    for (int i = 0; i < d; i++) {
      for (int j = 0; j < d; j++) {
        double sum = i == j ? 0.3 : 0;
        for (int l = 0; l < d; l++) {
          sum += factor[i][l] * factor[j][l] / d;
        }
        matrix[i][j] = sigma * sigma * sum;
      }
    }
    return matrix;
  }

  @ParameterizedTest
  @MethodSource("cases")
  void float32AgreesWithTheReference(Case c) {
    check(c, Precision.FLOAT32, 0.05, 101, 2e-4);
    check(c, Precision.FLOAT32, 2, 37, 2e-5);
  }

  @ParameterizedTest
  @MethodSource("cases")
  void float64AgreesWithTheReference(Case c) {
    check(c, Precision.FLOAT64, 0.05, 101, 2e-12);
    check(c, Precision.FLOAT64, 2, 37, 2e-12);
  }

  @Test
  void farPointsAreExactInEitherPrecision() {
    Case c = random("shared", 2, 7, 0.3);
    for (Precision precision : Precision.values()) {
      try (Outputs o = new Outputs(c, precision, 4)) {
        o.x.copyFrom(new double[] {60, -45, 1e6, 3e6, 1.5, 0.75, -1e12, 1e12});
        o.v.copyFrom(new double[] {1, 2, 1, 2, 1, 2, 1, 2});
        o.run(0.01);
        o.check(c, 0.01, precision == Precision.FLOAT32 ? 1e-6 : 1e-12);
      }
    }
  }

  @Test
  void rowsThatAreNotFiniteFailAlone() {
    for (String kind : new String[] {"shared", "isotropic", "diagonal", "full"}) {
      Case c = random(kind, 3, 5, 0.3);
      try (Outputs clean = new Outputs(c, Precision.FLOAT32, 40);
          Outputs dirty = new Outputs(c, Precision.FLOAT32, 40)) {
        clean.fill(7);
        dirty.fill(7);
        dirty.x.set(3, 1, Double.NaN);
        dirty.x.set(35, 2, Double.NEGATIVE_INFINITY);
        clean.run(0.1);
        dirty.run(0.1);
        for (Batch[] pair : clean.zip(dirty)) {
          for (int row = 0; row < 40; row++) {
            for (int i = 0; i < pair[0].columns(); i++) {
              double expected = row == 3 || row == 35 ? Double.NaN : pair[0].get(row, i);
              assertThat(pair[1].get(row, i))
                  .as("%s, row %d", kind, row)
                  .isEqualTo(Double.valueOf(expected));
            }
          }
        }
      }
    }
  }

  @Test
  void aRowDoesNotDependOnItsPlace() {
    for (String kind : new String[] {"shared", "isotropic", "diagonal", "full"}) {
      for (int d : new int[] {1, 2, 5}) {
        Case c = random(kind, d, 6, 0.1);
        try (Outputs whole = new Outputs(c, Precision.FLOAT32, 3001);
            Outputs part = new Outputs(c, Precision.FLOAT32, 3001 - 77)) {
          whole.fill(9);
          part.x.copyFrom(whole.x.slice(77, 3001 - 77));
          part.v.copyFrom(whole.v.slice(77, 3001 - 77));
          whole.run(0.01);
          part.run(0.01);
          for (Batch[] pair : whole.zip(part)) {
            assertThat(pair[1].toFloatArray())
                .as("%s, d=%d", kind, d)
                .isEqualTo(pair[0].slice(77, 3001 - 77).toFloatArray());
          }
        }
      }
    }
  }

  /** Times side by side in a vector, some of which the process does not have. */
  private static final double[] TIMES = {0.05, 2, 0.3, Double.NaN, 1, 0.05, -1, 0.01, 7};

  @ParameterizedTest
  @MethodSource("cases")
  void everyRowHasATimeOfItsOwn(Case c) {
    for (Precision precision : Precision.values()) {
      try (Outputs o = new Outputs(c, precision, 101)) {
        o.fill(5);
        o.runAtTimesOfRows(0);
        double tolerance = precision == Precision.FLOAT32 ? 2e-4 : 2e-12;
        for (int row = 0; row < 101; row++) {
          double t = TIMES[row % TIMES.length];
          if (t >= 0) {
            o.checkValues(c, row, t, tolerance);
          } else {
            o.checkNaN(row);
          }
        }
      }
    }
  }

  @Test
  void farPointsWithTimesOfTheirOwnAreExact() {
    for (String kind : new String[] {"shared", "isotropic", "diagonal"}) {
      Case c = random(kind, 2, 7, 0.3);
      for (Precision precision : Precision.values()) {
        try (Outputs o = new Outputs(c, precision, 5)) {
          o.x.copyFrom(new double[] {60, -45, 1e6, 3e6, 1.5, 0.75, Double.NaN, 0, -1e12, 1e12});
          o.runAtTimesOfRows(0);
          double tolerance = precision == Precision.FLOAT32 ? 1e-6 : 1e-12;
          for (int row : new int[] {0, 1, 2, 4}) {
            o.checkValues(c, row, TIMES[row], tolerance);
          }
          o.checkNaN(3);
        }
      }
    }
  }

  @Test
  void aRowWithATimeOfItsOwnDoesNotDependOnItsPlace() {
    int shift = 9 * TIMES.length;
    int part = 3001 - shift;
    for (String kind : new String[] {"shared", "isotropic", "diagonal", "full"}) {
      for (int d : new int[] {1, 2, 5}) {
        Case c = random(kind, d, 6, 0.1);
        try (Outputs whole = new Outputs(c, Precision.FLOAT32, 3001);
            Outputs some = new Outputs(c, Precision.FLOAT32, part - 2)) {
          whole.fill(9);
          some.x.copyFrom(whole.x.slice(shift + 2, part - 2));
          whole.runAtTimesOfRows(0);
          some.runAtTimesOfRows(2);
          for (Batch[] pair : whole.zipValues(some)) {
            assertThat(pair[1].toFloatArray())
                .as("%s, d=%d", kind, d)
                .isEqualTo(pair[0].slice(shift + 2, part - 2).toFloatArray());
          }
        }
      }
    }
  }

  private static void check(Case c, Precision precision, double t, int rows, double tolerance) {
    try (Outputs o = new Outputs(c, precision, rows)) {
      o.fill(5);
      o.run(t);
      o.check(c, t, tolerance);
    }
  }

  /** Batches for every output of a case. */
  private static final class Outputs implements AutoCloseable {

    final GaussianMixture mixture;
    final Batch x;
    final Batch v;
    final Batch logDensity;
    final Batch score;
    final Batch mean;
    final Batch divergence;
    final Batch jvp;
    final Batch responsibilities;

    Outputs(Case c, Precision precision, int rows) {
      mixture = c.mixture();
      int d = mixture.dimension();
      x = backend.allocate(rows, d, precision);
      v = backend.allocate(rows, d, precision);
      logDensity = backend.allocate(rows, 1, precision);
      score = backend.allocate(rows, d, precision);
      mean = backend.allocate(rows, d, precision);
      divergence = backend.allocate(rows, 1, precision);
      jvp = backend.allocate(rows, d, precision);
      responsibilities = backend.allocate(rows, mixture.components(), precision);
    }

    void fill(long seed) {
      Random random = new Random(seed);
      for (int row = 0; row < x.rows(); row++) {
        int k = random.nextInt(mixture.components());
        for (int i = 0; i < x.columns(); i++) {
          x.set(row, i, mixture.mean(k, i) + 0.5 * random.nextGaussian());
          v.set(row, i, random.nextGaussian());
        }
      }
    }

    /** Values, the divergence alone and all outputs together take different kernels. */
    void run(double t) {
      DiffusedMixture at = DiffusedMixture.at(mixture, Diffusions.named("ou"), t);
      MixtureOutputs derivatives = MixtureOutputs.none().withDivergence(divergence);
      backend.mixture(at, x, derivatives.withJvp(v, jvp).withResponsibilities(responsibilities));
      backend.mixture(at, x, derivatives);
      backend.mixture(
          at,
          x,
          MixtureOutputs.none()
              .withLogDensity(logDensity)
              .withScore(score)
              .withPosteriorMean(mean));
    }

    /** Values and the divergence, each row at its time of {@link #TIMES}, from one of them on. */
    void runAtTimesOfRows(int from) {
      try (Batch times = backend.allocate(x.rows(), 1, Precision.FLOAT64)) {
        for (int row = 0; row < x.rows(); row++) {
          times.set(row, 0, TIMES[(row + from) % TIMES.length]);
        }
        backend.mixture(
            mixture,
            Diffusions.named("ou"),
            times,
            x,
            MixtureOutputs.none()
                .withLogDensity(logDensity)
                .withScore(score)
                .withPosteriorMean(mean)
                .withDivergence(divergence));
      }
    }

    void check(Case c, double t, double tolerance) {
      for (int row = 0; row < x.rows(); row++) {
        MixtureReference reference = checkValues(c, row, t, tolerance);
        close(c, jvp, row, tolerance, reference.jvp);
        close(c, responsibilities, row, tolerance, reference.responsibilities);
      }
    }

    MixtureReference checkValues(Case c, int row, double t, double tolerance) {
      MixtureReference reference =
          new MixtureReference(
              c.weights(),
              c.means(),
              c.dense(),
              Math.exp(-t),
              -Math.expm1(-2 * t),
              row(x, row),
              row(v, row));
      close(c, logDensity, row, tolerance, reference.logDensity);
      close(c, score, row, tolerance, reference.score);
      close(c, mean, row, tolerance, reference.mean);
      close(c, divergence, row, tolerance, reference.divergence);
      return reference;
    }

    void checkNaN(int row) {
      for (Batch batch : new Batch[] {logDensity, score, mean, divergence}) {
        assertThat(row(batch, row)).containsOnly(Double.NaN);
      }
    }

    private void close(Case c, Batch batch, int row, double tolerance, double... expected) {
      double norm = Arrays.stream(expected).map(Math::abs).max().orElseThrow();
      for (int i = 0; i < expected.length; i++) {
        double error = Math.abs(batch.get(row, i) - expected[i]) / Math.max(norm, 0.1);
        assertThat(error)
            .as("%s, %s, row %d, column %d: %s", c, batch, row, i, expected[i])
            .isLessThanOrEqualTo(tolerance);
      }
    }

    private static double[] row(Batch batch, int row) {
      double[] values = new double[batch.columns()];
      Arrays.setAll(values, i -> batch.get(row, i));
      return values;
    }

    Batch[][] zip(Outputs other) {
      return new Batch[][] {
        {logDensity, other.logDensity},
        {score, other.score},
        {mean, other.mean},
        {divergence, other.divergence},
        {jvp, other.jvp},
        {responsibilities, other.responsibilities}
      };
    }

    Batch[][] zipValues(Outputs other) {
      return Arrays.copyOf(zip(other), 4);
    }

    @Override
    public void close() {
      for (Batch batch :
          new Batch[] {x, v, logDensity, score, mean, divergence, jvp, responsibilities}) {
        batch.close();
      }
    }
  }
}
