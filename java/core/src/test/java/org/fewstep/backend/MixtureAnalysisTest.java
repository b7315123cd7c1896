package org.fewstep.backend;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.Random;
import net.jqwik.api.ForAll;
import net.jqwik.api.Property;
import net.jqwik.api.constraints.DoubleRange;
import net.jqwik.api.constraints.IntRange;
import net.jqwik.api.constraints.Scale;
import net.jqwik.api.lifecycle.AfterContainer;
import net.jqwik.api.lifecycle.BeforeContainer;
import org.fewstep.diffusion.Diffusion;
import org.fewstep.diffusion.Diffusions;
import org.fewstep.diffusion.OrnsteinUhlenbeck;
import org.fewstep.mixture.Covariance;
import org.fewstep.mixture.DiffusedMixture;
import org.fewstep.mixture.GaussianMixture;

/** What calculus says of a mixture's density, asked of the reference. */
class MixtureAnalysisTest {

  private static Backend scalar;

  @BeforeContainer
  static void open() {
    scalar = TestBackends.open("scalar", 1);
  }

  @AfterContainer
  static void close() {
    scalar.close();
  }

  private static final int KINDS = 6;

  private static DrawnCase draw(int kind, int d, int components) {
    return DrawnCase.small(
        List.of("isotropic", "diagonal", "full").get(kind / 2), kind % 2 == 0, d, components);
  }

  private static Map<String, double[]> at(DiffusedMixture mixture, double[] x, double[] u) {
    return Evaluations.at(scalar, mixture, x, u, Precision.FLOAT64);
  }

  /** The Hessian at x, a column for each unit vector. */
  private static double[][] hessian(DiffusedMixture mixture, double[] x) {
    int d = x.length;
    double[] points = new double[d * d];
    double[] units = new double[d * d];
    for (int j = 0; j < d; j++) {
      System.arraycopy(x, 0, points, j * d, d);
      units[j * d + j] = 1;
    }
    double[] columns = at(mixture, points, units).get("jvp");
    double[][] hessian = new double[d][];
    Arrays.setAll(hessian, j -> Evaluations.row(columns, j, d));
    return hessian;
  }

  @Property(tries = 60)
  void theHessianIsSymmetricAndItsTraceIsTheDivergence(
      @ForAll @IntRange(max = KINDS - 1) int kind,
      @ForAll @IntRange(min = 1, max = 6) int d,
      @ForAll @IntRange(min = 1, max = 9) int components) {
    DrawnCase drawn = draw(kind, d, components);
    for (int row = 0; row < drawn.rows(); row++) {
      double[] x = Evaluations.row(drawn.x(), row, d);
      double[][] hessian = hessian(drawn.diffused(), x);
      double trace = 0;
      double size = 0;
      for (int i = 0; i < d; i++) {
        trace += hessian[i][i];
        size = Math.max(size, Evaluations.size(hessian[i]));
      }
      for (int i = 0; i < d; i++) {
        for (int j = 0; j < i; j++) {
          assertThat(hessian[i][j]).isCloseTo(hessian[j][i], within(1e-13 * size));
        }
      }
      double divergence = at(drawn.diffused(), x, x).get("divergence")[0];
      assertThat(divergence).isCloseTo(trace, within(1e-12 * d * size));
    }
  }

  @Property(tries = 60)
  void theScoreAndTheHessianAreTheDerivatives(
      @ForAll @IntRange(max = KINDS - 1) int kind,
      @ForAll @IntRange(min = 1, max = 5) int d,
      @ForAll @IntRange(min = 1, max = 9) int components,
      @ForAll @DoubleRange(min = 0.3, max = 2) double t) {
    DrawnCase drawn = draw(kind, d, components);
    DiffusedMixture mixture = DiffusedMixture.at(drawn.mixture(), new OrnsteinUhlenbeck(), t);
    double h = 1e-4;
    double[] x = Arrays.copyOf(drawn.x(), d);
    double[] u = Arrays.copyOf(drawn.direction(), d);
    double[] points = new double[4 * d];
    double[] steps = {h, -h, 2 * h, -2 * h};
    for (int s = 0; s < 4; s++) {
      for (int i = 0; i < d; i++) {
        points[s * d + i] = x[i] + steps[s] * u[i];
      }
    }
    Map<String, double[]> around = at(mixture, points, new double[4 * d]);
    Map<String, double[]> here = at(mixture, x, u);
    double along = 0;
    double scale = 1;
    for (int i = 0; i < d; i++) {
      along += here.get("score")[i] * u[i];
      scale += Math.abs(here.get("jvp")[i]) + u[i] * u[i];
    }
    // Fourth order: (8 (f1 - f-1) - (f2 - f-2))/12h
    assertThat(central(around.get("log-density"), 0, 1, h))
        .isCloseTo(along, within(1e-8 * scale * scale));
    for (int i = 0; i < d; i++) {
      assertThat(central(around.get("score"), i, d, h))
          .isCloseTo(here.get("jvp")[i], within(1e-8 * scale * scale));
    }
  }

  private static double central(double[] values, int i, int d, double h) {
    return (8 * (values[i] - values[d + i]) - (values[2 * d + i] - values[3 * d + i])) / (12 * h);
  }

  @Property(tries = 60)
  void thePosteriorMeanIsTweediesAndResponsibilitiesAddUpToOne(
      @ForAll @IntRange(max = KINDS - 1) int kind,
      @ForAll @IntRange(min = 1, max = 6) int d,
      @ForAll @IntRange(min = 1, max = 20) int components,
      @ForAll @IntRange(max = 3) int process,
      @ForAll @DoubleRange(min = 1e-3, max = 0.6) @Scale(4) double t) {
    DrawnCase drawn = draw(kind, d, components);
    Diffusion diffusion = Diffusions.builtIn().get(process);
    DiffusedMixture mixture = DiffusedMixture.at(drawn.mixture(), diffusion, t);
    Map<String, double[]> results = at(mixture, drawn.x(), drawn.direction());
    double alpha = diffusion.alpha(t);
    double variance = diffusion.sigma(t) * diffusion.sigma(t);
    for (int i = 0; i < drawn.x().length; i++) {
      double x = drawn.x()[i];
      double tweedie = (x + variance * results.get("score")[i]) / alpha;
      assertThat(results.get("posterior-mean")[i])
          .isCloseTo(tweedie, within(1e-13 * (1 + Math.abs(x)) / alpha));
    }
    for (int row = 0; row < drawn.rows(); row++) {
      double[] r = Evaluations.row(results.get("responsibilities"), row, components);
      assertThat(Arrays.stream(r).sum()).isCloseTo(1, within(1e-15 * components + 1e-15));
      assertThat(Arrays.stream(r).min().orElseThrow()).isNotNegative();
    }
  }

  @Property(tries = 40)
  void theOrderOfTheComponentsDoesNotMatter(
      @ForAll @IntRange(min = 2, max = 20) int components,
      @ForAll @IntRange(min = 1, max = 5) int d,
      @ForAll @DoubleRange(min = 0.05, max = 3) double t) {
    Random random = new Random(components * 31L + d);
    double[] weights = random.doubles(components, 0.1, 1).toArray();
    double[][] means = new double[components][];
    double[][] variances = new double[components][];
    for (int k = 0; k < components; k++) {
      means[k] = random.doubles(d, -1, 1).toArray();
      variances[k] = random.doubles(d, 0.1, 1).toArray();
    }
    double[] backwards = new double[components];
    double[][] meansBackwards = new double[components][];
    double[][] variancesBackwards = new double[components][];
    for (int k = 0; k < components; k++) {
      backwards[k] = weights[components - 1 - k];
      meansBackwards[k] = means[components - 1 - k];
      variancesBackwards[k] = variances[components - 1 - k];
    }
    double[] x = random.doubles(d, -2, 2).toArray();
    double[] u = random.doubles(d, -2, 2).toArray();
    var process = new OrnsteinUhlenbeck();
    var one =
        at(
            DiffusedMixture.at(
                GaussianMixture.of(weights, means, Covariance.diagonal(variances)), process, t),
            x,
            u);
    var other =
        at(
            DiffusedMixture.at(
                GaussianMixture.of(
                    backwards, meansBackwards, Covariance.diagonal(variancesBackwards)),
                process,
                t),
            x,
            u);
    for (String quantity : GoldenMixtures.QUANTITIES) {
      requireClose(quantity, other.get(quantity), one.get(quantity), 1e-12);
    }
    requireClose(
        "responsibilities",
        ParityChecks.reverseRows(other.get("responsibilities"), 1),
        one.get("responsibilities"),
        1e-13);
  }

  @Property(tries = 40)
  void aShiftOfAllMeansShiftsTheDensity(
      @ForAll @IntRange(max = KINDS - 1) int kind,
      @ForAll @IntRange(min = 1, max = 5) int d,
      @ForAll @DoubleRange(min = -3, max = 3) double shift,
      @ForAll @DoubleRange(min = 0.1, max = 1) double t) {
    DrawnCase drawn = draw(kind, d, 5);
    GaussianMixture mixture = drawn.mixture();
    double[][] means = new double[5][d];
    double[] weights = new double[5];
    for (int k = 0; k < 5; k++) {
      weights[k] = mixture.weight(k);
      for (int i = 0; i < d; i++) {
        means[k][i] = mixture.mean(k, i) + shift * (i + 1);
      }
    }
    GaussianMixture moved = GaussianMixture.of(weights, means, mixture.covariance());
    var process = new OrnsteinUhlenbeck();
    double[] x = Arrays.copyOf(drawn.x(), d);
    double[] there = new double[d];
    Arrays.setAll(there, i -> x[i] + process.alpha(t) * shift * (i + 1));
    var one = at(DiffusedMixture.at(mixture, process, t), x, x);
    var other = at(DiffusedMixture.at(moved, process, t), there, x);
    for (String quantity : List.of("log-density", "score", "divergence", "jvp")) {
      requireClose(quantity, other.get(quantity), one.get(quantity), 1e-10);
    }
  }

  /** A rotation of the plane makes full covariances out of diagonal ones. */
  @Property(tries = 40)
  void aRotationOfThePlaneRotatesTheScore(
      @ForAll @DoubleRange(min = -3, max = 3) double angle,
      @ForAll @DoubleRange(min = 0.01, max = 2) double t) {
    double c = Math.cos(angle);
    double s = Math.sin(angle);
    double[][] means = {{-1, 0.5}, {0.3, 0.7}, {1, -1}};
    double[][] variances = {{0.1, 0.5}, {0.3, 0.02}, {0.2, 0.2}};
    double[][] turnedMeans = new double[3][];
    double[][][] matrices = new double[3][][];
    for (int k = 0; k < 3; k++) {
      turnedMeans[k] = turn(means[k], c, s);
      double off = c * s * (variances[k][0] - variances[k][1]);
      matrices[k] =
          new double[][] {
            {c * c * variances[k][0] + s * s * variances[k][1], off},
            {off, s * s * variances[k][0] + c * c * variances[k][1]}
          };
    }
    var process = new OrnsteinUhlenbeck();
    var straight = GaussianMixture.of(means, Covariance.diagonal(variances));
    var turned = GaussianMixture.of(turnedMeans, Covariance.full(matrices));
    double[] x = {0.2, 0.1};
    double[] u = {-0.4, 1};
    var one = at(DiffusedMixture.at(straight, process, t), x, u);
    var other = at(DiffusedMixture.at(turned, process, t), turn(x, c, s), turn(u, c, s));
    for (String quantity : List.of("log-density", "divergence", "responsibilities")) {
      requireClose(quantity, other.get(quantity), one.get(quantity), 1e-11);
    }
    for (String quantity : List.of("score", "posterior-mean", "jvp")) {
      requireClose(quantity, other.get(quantity), turn(one.get(quantity), c, s), 1e-11);
    }
  }

  private static double[] turn(double[] v, double c, double s) {
    return new double[] {c * v[0] - s * v[1], s * v[0] + c * v[1]};
  }

  @Property(tries = 20)
  void aDensityOfOneDimensionIntegratesToOne(
      @ForAll @IntRange(max = 3) int process,
      @ForAll @DoubleRange(min = 0.01, max = 0.9) double t) {
    GaussianMixture mixture =
        GaussianMixture.of(
            new double[] {0.2, 0.5, 0.3},
            new double[][] {{-1}, {0.5}, {2}},
            Covariance.isotropic(new double[] {0.2, 0.1, 0.4}));
    Diffusion diffusion = Diffusions.builtIn().get(process);
    // The trapezoidal rule on an analytic integrand that vanishes at both ends: exact to rounding.
    int points = 4001;
    double width = 16;
    double[] x = new double[points];
    Arrays.setAll(x, i -> width * (2.0 * i / (points - 1) - 1));
    double[] logDensity = at(DiffusedMixture.at(mixture, diffusion, t), x, x).get("log-density");
    double integral = Arrays.stream(logDensity).map(Math::exp).sum() * 2 * width / (points - 1);
    assertThat(integral).isCloseTo(1, within(1e-12));
  }

  /** The Fokker-Planck equation along the flow: d/dt log p = -div v - v.s. */
  @Property(tries = 40)
  void theDensityObeysTheContinuityEquation(
      @ForAll @IntRange(max = 3) int process,
      @ForAll @IntRange(max = KINDS - 1) int kind,
      @ForAll @DoubleRange(min = 0.2, max = 0.8) double t) {
    int d = 3;
    DrawnCase drawn = draw(kind, d, 4);
    Diffusion diffusion = Diffusions.builtIn().get(process);
    double[] x = Arrays.copyOf(drawn.x(), d);
    double h = 1e-4;
    double[] logs = new double[4];
    double[] steps = {h, -h, 2 * h, -2 * h};
    for (int s = 0; s < 4; s++) {
      logs[s] =
          at(DiffusedMixture.at(drawn.mixture(), diffusion, t + steps[s]), x, x)
              .get("log-density")[0];
    }
    var here = at(DiffusedMixture.at(drawn.mixture(), diffusion, t), x, x);
    double f = diffusion.drift(t);
    double g = diffusion.halfSquaredDiffusion(t);
    double right = -(f * d - g * here.get("divergence")[0]);
    double scale = 1 + Math.abs(right);
    for (int i = 0; i < d; i++) {
      double score = here.get("score")[i];
      double term = (f * x[i] - g * score) * score;
      right -= term;
      scale += Math.abs(term);
    }
    assertThat(central(logs, 0, 1, h)).isCloseTo(right, within(1e-7 * scale * scale));
  }

  private static void requireClose(String what, double[] values, double[] expected, double bar) {
    assertThat(Evaluations.distance(values, expected))
        .as(what)
        .isLessThanOrEqualTo(bar * (1 + Evaluations.size(expected)));
  }
}
