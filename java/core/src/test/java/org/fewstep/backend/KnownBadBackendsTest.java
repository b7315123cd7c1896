package org.fewstep.backend;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.lang.reflect.InvocationTargetException;
import java.lang.reflect.Proxy;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.function.Consumer;
import java.util.function.Function;
import java.util.stream.Stream;
import org.fewstep.diffusion.OrnsteinUhlenbeck;
import org.fewstep.mixture.Covariance;
import org.fewstep.mixture.DiffusedMixture;
import org.fewstep.mixture.GaussianMixture;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;

/**
 * Canaries: backends with faults of the kinds that kernels have. Each must fail the parity checks,
 * or the checks are worth nothing.
 */
class KnownBadBackendsTest {

  /** Seven rows and seven columns, so that every vector width leaves a tail. */
  private static final DrawnCase DRAWN = DrawnCase.small("diagonal", false, 7, 6);

  private static final Precision PRECISION = Precision.FLOAT32;

  private static Backend scalar;
  private static Map<String, double[]> reference;

  @BeforeAll
  static void open() {
    scalar = TestBackends.open("scalar", 1);
    reference =
        Evaluations.at(scalar, DRAWN.diffused(), DRAWN.x(), DRAWN.direction(), Precision.FLOAT64);
  }

  @AfterAll
  static void close() {
    scalar.close();
  }

  /** A fault in the evaluation of a mixture: called in place of the kernel. */
  private interface Fault {
    void evaluate(DiffusedMixture mixture, Batch x, MixtureOutputs outputs);
  }

  /** The scalar backend with another evaluation of mixtures. */
  private static Backend broken(Fault fault) {
    return (Backend)
        Proxy.newProxyInstance(
            KnownBadBackendsTest.class.getClassLoader(),
            new Class<?>[] {Backend.class},
            (proxy, method, arguments) -> {
              if (method.getName().equals("mixture") && arguments.length == 3) {
                fault.evaluate(
                    (DiffusedMixture) arguments[0],
                    (Batch) arguments[1],
                    (MixtureOutputs) arguments[2]);
                return null;
              }
              try {
                return method.invoke(scalar, arguments);
              } catch (InvocationTargetException e) {
                throw e.getCause();
              }
            });
  }

  /** The right evaluation, and then something done to an output. */
  private static Fault after(Consumer<MixtureOutputs> damage) {
    return (mixture, x, outputs) -> {
      scalar.mixture(mixture, x, outputs);
      damage.accept(outputs);
    };
  }

  /** The evaluation of another mixture in place of the right one. */
  private static Fault instead(Function<GaussianMixture, GaussianMixture> change) {
    return (mixture, x, outputs) ->
        scalar.mixture(
            DiffusedMixture.at(change.apply(mixture.mixture()), DRAWN.process(), DRAWN.t()),
            x,
            outputs);
  }

  private static void change(Batch batch, Function<Double, Double> change) {
    for (long row = 0; row < batch.rows(); row++) {
      for (int i = 0; i < batch.columns(); i++) {
        batch.set(row, i, change.apply(batch.get(row, i)));
      }
    }
  }

  private static GaussianMixture rebuilt(
      GaussianMixture mixture, Consumer<double[]> weights, Consumer<double[][]> means) {
    int components = mixture.components();
    int d = mixture.dimension();
    double[] w = new double[components];
    double[][] mu = new double[components][d];
    double[][] variances = new double[components][d];
    for (int k = 0; k < components; k++) {
      w[k] = mixture.weight(k);
      for (int i = 0; i < d; i++) {
        mu[k][i] = mixture.mean(k, i);
        variances[k][i] = mixture.covariance().eigenvalue(k, i);
      }
    }
    weights.accept(w);
    means.accept(mu);
    return GaussianMixture.of(w, mu, Covariance.diagonal(variances));
  }

  static Stream<Arguments> wrongValues() {
    return Stream.of(
        fault("the score has the wrong sign", after(o -> change(o.score(), v -> -v))),
        fault("the Jacobian has the sign of a velocity's", after(o -> change(o.jvp(), v -> -v))),
        fault("the divergence has the wrong sign", after(o -> change(o.divergence(), v -> -v))),
        fault(
            "log p lacks the constant of one dimension",
            after(o -> change(o.logDensity(), v -> v + 0.5 * Math.log(2 * Math.PI)))),
        fault("log p is in base 2", after(o -> change(o.logDensity(), v -> v / Math.log(2)))),
        fault(
            "the last row is not written",
            after(o -> o.score().slice(o.score().rows() - 1, 1).copyFrom(new float[7]))),
        fault(
            "the last column is not written",
            after(
                o -> {
                  for (long row = 0; row < o.score().rows(); row++) {
                    o.score().set(row, 6, 0);
                  }
                })),
        fault(
            "two neighbouring rows change places",
            after(
                o -> {
                  double held = o.divergence().get(0, 0);
                  o.divergence().set(0, 0, o.divergence().get(1, 0));
                  o.divergence().set(1, 0, held);
                })),
        fault(
            "the last component is lost",
            instead(m -> rebuilt(m, w -> w[w.length - 1] = 0, mu -> {}))),
        fault(
            "weights are taken as equal",
            instead(m -> rebuilt(m, w -> Arrays.fill(w, 1), mu -> {}))),
        fault(
            "a mean is off by a part in 10^4",
            instead(m -> rebuilt(m, w -> {}, mu -> mu[3][2] *= 1 + 1e-4))),
        fault(
            "every component takes the covariance of the first",
            instead(
                m -> {
                  double[] variances = new double[m.dimension()];
                  Arrays.setAll(variances, i -> m.covariance().eigenvalue(0, i));
                  return m.withCovariance(Covariance.diagonal(variances));
                })),
        fault(
            "the time is off by a part in 10^5",
            (mixture, x, outputs) ->
                scalar.mixture(
                    DiffusedMixture.at(mixture.mixture(), DRAWN.process(), DRAWN.t() * (1 + 1e-5)),
                    x,
                    outputs)),
        fault(
            "the scale of the process is forgotten",
            (mixture, x, outputs) ->
                scalar.mixture(
                    DiffusedMixture.at(
                        mixture.mixture(),
                        new OrnsteinUhlenbeck(),
                        mixture.ornsteinUhlenbeckTime() + 0.01),
                    x,
                    outputs)),
        fault(
            "the posterior mean is the point itself",
            (mixture, x, outputs) -> {
              scalar.mixture(mixture, x, outputs);
              outputs.posteriorMean().copyFrom(x);
            }),
        fault(
            "responsibilities are not normalised",
            after(o -> change(o.responsibilities(), v -> v * 1.0001))),
        fault("the score's last bits are lost", after(o -> change(o.score(), v -> v * (1 + 1e-5)))),
        fault(
            "the direction is taken for its first coordinate alone",
            (mixture, x, outputs) -> {
              for (long row = 0; row < x.rows(); row++) {
                for (int i = 1; i < x.columns(); i++) {
                  outputs.direction().set(row, i, 0);
                }
              }
              scalar.mixture(mixture, x, outputs);
            }),
        fault("nothing is done at all", (mixture, x, outputs) -> {}),
        fault("outputs are NaN", after(o -> change(o.jvp(), v -> Double.NaN))));
  }

  private static Arguments fault(String name, Fault fault) {
    return Arguments.of(name, fault);
  }

  @ParameterizedTest(name = "{0}")
  @MethodSource("wrongValues")
  void wrongValuesAreSeen(String name, Fault fault) {
    assertThatThrownBy(() -> ParityChecks.accuracy(broken(fault), DRAWN, reference, PRECISION))
        .as(name)
        .isInstanceOf(AssertionError.class);
  }

  /** The checks themselves pass what is right, in both precisions. */
  @Test
  void theRightBackendPasses() {
    Backend right = broken(scalar::mixture);
    for (Precision precision : Precision.values()) {
      ParityChecks.accuracy(right, DRAWN, reference, precision);
      ParityChecks.subsets(right, DRAWN, reference, precision, true);
      ParityChecks.rowsStandAlone(right, DRAWN, precision);
      ParityChecks.badRowsStandAlone(right, DRAWN, precision);
      ParityChecks.sameBits(scalar, right, DRAWN, precision);
    }
    assertThat(DRAWN.rows()).isGreaterThan(3);
  }

  @Test
  void aRowThatLeansOnItsBatchIsSeen() {
    Backend leaning =
        broken(
            (mixture, x, outputs) -> {
              scalar.mixture(mixture, x, outputs);
              if (x.rows() > 1) { // one bit, in one row
                float value = (float) outputs.score().get(0, 0);
                outputs.score().set(0, 0, Math.nextUp(value));
              }
            });
    assertThatThrownBy(() -> ParityChecks.rowsStandAlone(leaning, DRAWN, PRECISION))
        .isInstanceOf(AssertionError.class);
  }

  @Test
  void aRowThatLeansOnItsPlaceIsSeen() {
    Backend leaning =
        broken(
            (mixture, x, outputs) -> {
              scalar.mixture(mixture, x, outputs);
              for (long row = x.rows() / 2 * 2; row < x.rows() && x.rows() > 1; row++) {
                float value = (float) outputs.divergence().get(row, 0);
                outputs.divergence().set(row, 0, Math.nextUp(value));
              }
            });
    assertThatThrownBy(() -> ParityChecks.rowsStandAlone(leaning, DRAWN, PRECISION))
        .isInstanceOf(AssertionError.class);
  }

  @Test
  void aBitThatChangesWithTheThreadsIsSeen() {
    Backend other = broken(after(o -> o.jvp().set(1, 1, Math.nextUp((float) o.jvp().get(1, 1)))));
    assertThatThrownBy(() -> ParityChecks.sameBits(scalar, other, DRAWN, PRECISION))
        .isInstanceOf(AssertionError.class);
  }

  @Test
  void aBadRowThatSpreadsOrHidesIsSeen() {
    Backend spreading =
        broken(
            (mixture, x, outputs) -> {
              scalar.mixture(mixture, x, outputs);
              for (long row = 1; row < x.rows(); row++) {
                if (Double.isNaN(x.get(row - 1, 0))) {
                  outputs.logDensity().set(row, 0, Double.NaN);
                }
              }
            });
    Backend hiding = broken(after(o -> change(o.responsibilities(), v -> v.isNaN() ? 0 : v)));
    for (Backend bad : List.of(spreading, hiding)) {
      assertThatThrownBy(() -> ParityChecks.badRowsStandAlone(bad, DRAWN, PRECISION))
          .isInstanceOf(AssertionError.class);
    }
  }

  @Test
  void anOutputThatDependsOnTheOthersIsSeen() {
    Backend depending =
        broken(
            (mixture, x, outputs) -> {
              scalar.mixture(mixture, x, outputs);
              if (outputs.score() != null && outputs.posteriorMean() == null) {
                float value = (float) outputs.score().get(2, 3);
                outputs.score().set(2, 3, Math.nextUp(value));
              }
            });
    assertThatThrownBy(() -> ParityChecks.subsets(depending, DRAWN, reference, PRECISION, true))
        .isInstanceOf(AssertionError.class);
  }
}
