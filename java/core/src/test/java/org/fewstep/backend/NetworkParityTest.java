package org.fewstep.backend;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.function.Consumer;
import java.util.stream.IntStream;
import java.util.stream.Stream;
import org.fewstep.network.Layer;
import org.fewstep.network.Network;
import org.fewstep.network.Unit;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;

/** The evaluation of networks by every backend, against the scalar one in float64. */
@Tag("widths")
class NetworkParityTest {

  private static Backend scalar;

  static Stream<Arguments> backends() {
    return TestBackends.names()
        .flatMap(name -> Stream.of(Precision.values()).map(p -> Arguments.of(name, p)));
  }

  @BeforeAll
  static void open() {
    scalar = TestBackends.open("scalar", 1);
  }

  @AfterAll
  static void close() {
    scalar.close();
  }

  /** Runs a check on all cases and tells of all that fail. */
  private static void forAll(List<NetworkCase> cases, Consumer<NetworkCase> check) {
    List<String> failures = new ArrayList<>();
    for (NetworkCase drawn : cases) {
      try {
        check.accept(drawn);
      } catch (AssertionError e) {
        failures.add(e.getMessage());
      }
    }
    assertThat(failures).isEmpty();
  }

  @ParameterizedTest
  @MethodSource("backends")
  void everyShapeIsAsNearAsArithmeticAllows(String name, Precision precision) {
    try (Backend tested = TestBackends.open(name, 1)) {
      forAll(
          NetworkCase.all(),
          drawn -> {
            Set<String> wanted = NetworkEvaluations.quantities(drawn.network());
            NetworkChecks.accuracy(tested, scalar, drawn, precision, wanted, true);
          });
    }
  }

  @ParameterizedTest
  @MethodSource("backends")
  void everySubsetOfTheOutputsCanBeHad(String name, Precision precision) {
    try (Backend tested = TestBackends.open(name, 1)) {
      forAll(
          NetworkCase.few(),
          drawn -> NetworkChecks.subsets(tested, scalar, drawn.of(0, 3, 4), precision));
    }
  }

  @ParameterizedTest
  @MethodSource("backends")
  void rowsStandAlone(String name, Precision precision) {
    try (Backend tested = TestBackends.open(name, 1)) {
      forAll(NetworkCase.few(), drawn -> NetworkChecks.rowsStandAlone(tested, drawn, precision));
    }
  }

  @ParameterizedTest
  @MethodSource("backends")
  void badRowsStandAlone(String name, Precision precision) {
    try (Backend tested = TestBackends.open(name, 1)) {
      forAll(NetworkCase.few(), drawn -> NetworkChecks.badRowsStandAlone(tested, drawn, precision));
      forAll(
          NetworkCase.few(),
          drawn -> NetworkChecks.badVectorsSpoilTheirProductsAlone(tested, drawn, precision));
    }
  }

  @ParameterizedTest
  @MethodSource("backends")
  void threadsChangeNoBit(String name, Precision precision) {
    try (Backend one = TestBackends.open(name, 1)) {
      for (int threads : new int[] {2, 5}) {
        try (Backend tested = TestBackends.open(name, threads)) {
          forAll(
              NetworkCase.few(),
              drawn -> {
                int[] rows = IntStream.range(0, 700).map(i -> i % drawn.rows()).toArray();
                NetworkCase many = drawn.of(rows);
                ParityChecks.requireSame(
                    drawn + ", " + threads + " threads",
                    NetworkChecks.all(tested, many, precision),
                    NetworkChecks.all(one, many, precision));
              });
        }
      }
    }
  }

  @ParameterizedTest
  @MethodSource("backends")
  void noRowsAreLegal(String name, Precision precision) {
    try (Backend tested = TestBackends.open(name, 2)) {
      for (NetworkCase drawn : NetworkCase.few()) {
        Map<String, double[]> results = NetworkChecks.all(tested, drawn.of(), precision);
        assertThat(results.values()).allSatisfy(values -> assertThat(values).isEmpty());
      }
    }
  }

  /** Outputs may lie where x does. */
  @ParameterizedTest
  @MethodSource("backends")
  void anOutputMayBeTheInput(String name, Precision precision) {
    NetworkCase drawn = NetworkCase.few().get(0);
    Map<String, double[]> apart = NetworkChecks.all(scalar, drawn, precision);
    try (Backend tested = TestBackends.open(name, 1)) {
      Map<String, double[]> expected =
          NetworkEvaluations.at(tested, drawn, precision, apart.keySet(), false);
      for (String quantity : List.of("value", "jvp", "vjp")) {
        try (Batch x = NetworkEvaluations.batch(tested, drawn.x(), 2, precision);
            Batch v = NetworkEvaluations.batch(tested, drawn.direction(), 2, precision);
            Batch w = NetworkEvaluations.batch(tested, drawn.cotangent(), 2, precision);
            Batch rest = tested.allocate(drawn.rows(), 1, precision)) {
          NetworkOutputs outputs =
              switch (quantity) {
                case "value" -> NetworkOutputs.none().withValue(x);
                case "jvp" -> NetworkOutputs.none().withJvp(v, x);
                default -> NetworkOutputs.none().withVjp(w, x);
              };
          tested.network(drawn.network(), drawn.t(), x, outputs.withDivergence(rest));
          ParityChecks.requireSame(quantity, quantity, x.toDoubleArray(), expected.get(quantity));
          ParityChecks.requireSame(
              quantity, "divergence", rest.toDoubleArray(), expected.get("divergence"));
        }
      }
    }
  }

  /** What overflows comes out as infinity or NaN, never as a number. */
  @ParameterizedTest
  @MethodSource("backends")
  void overflowsAreNotHidden(String name, Precision precision) {
    double[] large = {1e30, -1e30};
    Layer square = Layer.dense(1, large, new double[2], Unit.REQU);
    Layer difference = Layer.dense(2, new double[] {1, 1, 1, -1}, new double[2], Unit.RELU);
    Layer last = Layer.dense(2, new double[] {0.5, -0.25}, new double[1], Unit.LINEAR);
    Network network = Network.of(List.of(square, difference, last), Network.Output.SCORE);
    try (Backend tested = TestBackends.open(name, 1);
        Batch x = NetworkEvaluations.batch(tested, new double[] {1, 1, 0}, 1, precision);
        Batch y = tested.allocate(3, 1, precision)) {
      TestBackends.set(x, 0, 0, precision == Precision.FLOAT32 ? 1e38 : 1e200);
      tested.network(network, 0, x, NetworkOutputs.none().withValue(y));
      assertThat(TestBackends.get(y, 0, 0)).matches(value -> !Double.isFinite(value));
      assertThat(TestBackends.get(y, 2, 0)).isZero();
    }
  }

  /** A layer without entries, and one whose last rows have none. */
  @ParameterizedTest
  @MethodSource("backends")
  void sparseRowsMayBeEmpty(String name, Precision precision) {
    List<Unit> units = List.of(Unit.RELU, Unit.RELU, Unit.LINEAR);
    double[] bias = {1, -1, 3};
    Layer none = Layer.sparse(2, new int[4], new int[0], new double[0], bias, units);
    int[] starts = {0, 1, 1};
    double[] some = {2};
    Layer one =
        Layer.sparse(
            3,
            starts,
            new int[] {2},
            some,
            new double[] {0.5, 7},
            List.of(units.get(2), Unit.REQU));
    Network network = Network.of(List.of(none, one), Network.Output.VELOCITY);
    try (Backend tested = TestBackends.open(name, 1);
        Batch x = tested.allocate(3, 2, precision);
        Batch y = tested.allocate(3, 2, precision);
        Batch vjp = tested.allocate(3, 2, precision);
        Batch w = NetworkEvaluations.batch(tested, new double[] {1, 1, 1, 1, 1, 1}, 2, precision)) {
      tested.network(network, 0, x, NetworkOutputs.none().withValue(y).withVjp(w, vjp));
      assertThat(y.toDoubleArray()).containsExactly(6.5, 49, 6.5, 49, 6.5, 49);
      assertThat(vjp.toDoubleArray()).containsOnly(0);
    }
  }
}
