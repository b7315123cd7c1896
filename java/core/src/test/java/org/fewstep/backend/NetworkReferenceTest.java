package org.fewstep.backend;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Random;
import java.util.stream.Stream;
import org.fewstep.diffusion.OrnsteinUhlenbeck;
import org.fewstep.network.Frame;
import org.fewstep.network.Layer;
import org.fewstep.network.Network;
import org.fewstep.network.Unit;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/**
 * Network kernels in float64 by calculus: values against an evaluation written apart, derivatives
 * against differences and against one another.
 */
class NetworkReferenceTest {

  private static final int ROWS = 7;
  private static final double T = 0.35;

  static Stream<String> backends() {
    return TestBackends.names();
  }

  /** Networks of three inputs and outputs, with every unit, frame, form of layer, and the time. */
  private static List<Network> networks() {
    List<Network> networks = new ArrayList<>();
    double[] low = {-1.5, -0.6, -1};
    double[] high = {1.2, 0.9, 0.8};
    Frame[] frames = {
      Frame.plain(),
      Frame.scaled(2, 0.3),
      Frame.residual(0.7, 1.5),
      Frame.residual(1.3, 0.4).withClamp(low, high),
      Frame.plain().withClamp(low, high)
    };
    for (int f = 0; f < frames.length; f++) {
      for (boolean timed : new boolean[] {false, true}) {
        Random random = new Random(10 * f + (timed ? 1 : 0));
        int inputs = timed ? 4 : 3;
        List<Layer> layers =
            List.of(
                layer(random, inputs, 6, f % 2 == 1),
                layer(random, 6, 5, f % 2 == 0),
                Layer.dense(5, values(random, 15), values(random, 3), Unit.LINEAR));
        Network network = Network.of(layers, Network.Output.VELOCITY);
        network = timed ? network.withTimeInput() : network;
        networks.add(network.withFrame(frames[f]).withTimes(new OrnsteinUhlenbeck(), 0.1, 1));
      }
    }
    return networks;
  }

  private static Layer layer(Random random, int inputs, int outputs, boolean sparse) {
    List<Unit> units = new ArrayList<>();
    for (int o = 0; o < outputs; o++) {
      units.add(Unit.values()[o % 3]);
    }
    double[] weights = values(random, inputs * outputs);
    if (sparse) {
      for (int i = 0; i < weights.length; i++) {
        weights[i] = i % 5 == 0 ? weights[i] : 0;
      }
    }
    Layer layer = Layer.dense(inputs, weights, values(random, outputs), units).compressed();
    assertThat(layer.isSparse()).isEqualTo(sparse);
    return layer;
  }

  private static double[] values(Random random, int count) {
    return random.doubles(count, -0.8, 0.8).toArray();
  }

  private static double[] points(int columns) {
    return new Random(3).doubles((long) ROWS * columns, -2, 2).toArray();
  }

  /** The definition, row by row. */
  private static double[] value(Network network, double t, double[] x) {
    Frame frame = network.frame();
    double[] clamped = new double[x.length];
    Arrays.setAll(clamped, i -> Math.max(frame.low(i), Math.min(frame.high(i), x[i])));
    double[] a = Arrays.stream(clamped).map(u -> u / frame.inputScale()).toArray();
    if (network.takesTime()) {
      a = Arrays.copyOf(a, x.length + 1);
      a[x.length] = t;
    }
    for (Layer layer : network.layers()) {
      double[] in = a;
      double[] weights = layer.weights();
      a = layer.biases();
      for (int o = 0; o < a.length; o++) {
        for (int i = 0; i < in.length; i++) {
          a[o] += weights[o * in.length + i] * in[i];
        }
        a[o] =
            switch (layer.unit(o)) {
              case LINEAR -> a[o];
              case RELU -> Math.max(0, a[o]);
              case REQU -> Math.pow(Math.max(0, a[o]), 2);
            };
      }
    }
    for (int o = 0; o < a.length; o++) {
      a[o] = frame.outputScale() * a[o] + (frame.isResidual() ? clamped[o] : 0);
    }
    return a;
  }

  private static double[] row(double[] values, int row) {
    return Arrays.copyOfRange(values, 3 * row, 3 * row + 3);
  }

  @ParameterizedTest
  @MethodSource("backends")
  void valuesAreThoseOfTheDefinition(String name) {
    double[] x = points(3);
    double[] times = {0.1, 0.35, 1, 0.05, 1.01, Double.NaN, 0.7};
    try (Backend backend = TestBackends.open(name, 2);
        Batch points = TestBackends.batch(backend, x, 3);
        Batch t = TestBackends.batch(backend, times, 1);
        Batch y = backend.allocate(ROWS, 3, Precision.FLOAT64)) {
      for (Network network : networks()) {
        backend.network(network, T, points, NetworkOutputs.none().withValue(y));
        double[] together = y.toDoubleArray();
        backend.network(network, t, points, NetworkOutputs.none().withValue(y));
        double[] apart = y.toDoubleArray();
        for (int row = 0; row < ROWS; row++) {
          double[] expected = value(network, T, row(x, row));
          assertThat(row(together, row)).containsExactly(expected, within(1e-13));
          boolean serves = times[row] >= 0.1 && times[row] <= 1;
          double[] own = value(network, times[row], row(x, row));
          for (int i = 0; i < 3; i++) {
            double wanted = serves ? own[i] : Double.NaN;
            assertThat(apart[3 * row + i]).isEqualTo(wanted, within(1e-13));
          }
        }
      }
    }
  }

  @ParameterizedTest
  @MethodSource("backends")
  void jvpIsTheDerivativeAndVjpItsTranspose(String name) {
    double h = 1e-6;
    double[] x = points(3);
    double[] v = new Random(4).doubles(3 * ROWS, -1, 1).toArray();
    double[] w = new Random(5).doubles(3 * ROWS, -1, 1).toArray();
    try (Backend backend = TestBackends.open(name, 2);
        Batch points = TestBackends.batch(backend, x, 3);
        Batch direction = TestBackends.batch(backend, v, 3);
        Batch cotangent = TestBackends.batch(backend, w, 3);
        Batch jvp = backend.allocate(ROWS, 3, Precision.FLOAT64);
        Batch vjp = backend.allocate(ROWS, 3, Precision.FLOAT64)) {
      for (Network network : networks()) {
        backend.network(
            network,
            T,
            points,
            NetworkOutputs.none().withJvp(direction, jvp).withVjp(cotangent, vjp));
        for (int row = 0; row < ROWS; row++) {
          double[] at = row(x, row);
          double[] along = row(v, row);
          double[] up = value(network, T, plus(at, h, along));
          double[] down = value(network, T, plus(at, -h, along));
          double left = 0;
          double right = 0;
          for (int i = 0; i < 3; i++) {
            assertThat(TestBackends.get(jvp, row, i))
                .isCloseTo((up[i] - down[i]) / (2 * h), within(1e-8));
            left += w[3 * row + i] * TestBackends.get(jvp, row, i);
            right += TestBackends.get(vjp, row, i) * along[i];
          }
          assertThat(left).isCloseTo(right, within(1e-13));
        }
      }
    }
  }

  private static double[] plus(double[] x, double h, double[] v) {
    double[] sum = new double[x.length];
    Arrays.setAll(sum, i -> x[i] + h * v[i]);
    return sum;
  }

  @ParameterizedTest
  @MethodSource("backends")
  void theDivergenceIsTheTrace(String name) {
    Probes probes = new Probes(5, 77);
    double[] signs = probes.signs(3);
    try (Backend backend = TestBackends.open(name, 2);
        Batch points = TestBackends.batch(backend, points(3), 3);
        Batch exact = backend.allocate(ROWS, 1, Precision.FLOAT64);
        Batch estimate = backend.allocate(ROWS, 1, Precision.FLOAT64)) {
      for (Network network : networks()) {
        double[] jacobians = jacobians(backend, network, points);
        backend.network(network, T, points, NetworkOutputs.none().withDivergence(exact));
        backend.network(network, T, points, NetworkOutputs.none().withDivergence(estimate, probes));
        for (int row = 0; row < ROWS; row++) {
          double trace = 0;
          double mean = 0;
          for (int i = 0; i < 3; i++) {
            trace += jacobians[9 * row + 4 * i];
            for (int j = 0; j < 3; j++) {
              for (int p = 0; p < 5; p++) {
                mean += jacobians[9 * row + 3 * i + j] * signs[3 * p + i] * signs[3 * p + j] / 5;
              }
            }
          }
          assertThat(TestBackends.get(exact, row, 0)).isCloseTo(trace, within(1e-13));
          assertThat(TestBackends.get(estimate, row, 0)).isCloseTo(mean, within(1e-13));
        }
      }
    }
  }

  /** dy_i/dx_j of every row, by products with the axes. */
  private static double[] jacobians(Backend backend, Network network, Batch points) {
    double[] jacobians = new double[9 * ROWS];
    for (int j = 0; j < 3; j++) {
      double[] axis = new double[3 * ROWS];
      for (int row = 0; row < ROWS; row++) {
        axis[3 * row + j] = 1;
      }
      try (Batch direction = TestBackends.batch(backend, axis, 3);
          Batch jvp = backend.allocate(ROWS, 3, Precision.FLOAT64)) {
        backend.network(network, T, points, NetworkOutputs.none().withJvp(direction, jvp));
        for (int i = 0; i < 3 * ROWS; i++) {
          jacobians[i / 3 * 9 + i % 3 * 3 + j] = TestBackends.get(jvp, i / 3, i % 3);
        }
      }
    }
    return jacobians;
  }

  /** Over seeds the mean of single probes is the trace, within five standard errors. */
  @ParameterizedTest
  @MethodSource("backends")
  void probesAreUnbiased(String name) {
    int seeds = 4000;
    Network network = networks().getFirst();
    try (Backend backend = TestBackends.open(name, 1);
        Batch points = TestBackends.batch(backend, points(3), 3);
        Batch divergence = backend.allocate(ROWS, 1, Precision.FLOAT64)) {
      backend.network(network, T, points, NetworkOutputs.none().withDivergence(divergence));
      double[] exact = divergence.toDoubleArray();
      double[] sum = new double[ROWS];
      double[] squares = new double[ROWS];
      for (int seed = 0; seed < seeds; seed++) {
        Probes probe = new Probes(1, seed);
        backend.network(
            network, T, points, NetworkOutputs.none().withDivergence(divergence, probe));
        for (int row = 0; row < ROWS; row++) {
          double error = TestBackends.get(divergence, row, 0) - exact[row];
          sum[row] += error;
          squares[row] += error * error;
        }
      }
      for (int row = 0; row < ROWS; row++) {
        assertThat(squares[row]).isPositive();
        assertThat(sum[row] / seeds)
            .isCloseTo(0, within(5 * Math.sqrt(squares[row] / seeds) / Math.sqrt(seeds)));
      }
    }
  }

  /** A row that is not finite is NaN alone, and so is a vector; results may lie in their inputs. */
  @ParameterizedTest
  @MethodSource("backends")
  void whatIsNotFiniteIsNaNAlone(String name) {
    for (Network network : networks()) {
      double[] x = points(3);
      double[] v = new Random(4).doubles(3 * ROWS, -1, 1).toArray();
      double[] w = v.clone();
      x[4] = Double.NEGATIVE_INFINITY;
      v[7] = Double.NaN;
      w[10] = Double.POSITIVE_INFINITY;
      try (Backend backend = TestBackends.open(name, 2);
          Batch points = TestBackends.batch(backend, x, 3);
          Batch direction = TestBackends.batch(backend, v, 3);
          Batch cotangent = TestBackends.batch(backend, w, 3);
          Batch divergence = backend.allocate(ROWS, 1, Precision.FLOAT64)) {
        NetworkOutputs outputs =
            NetworkOutputs.none()
                .withValue(points)
                .withDivergence(divergence)
                .withJvp(direction, direction)
                .withVjp(cotangent, cotangent);
        double[][] expected = apart(backend, network, points, direction, cotangent);
        backend.network(network, T, points, outputs);
        assertThat(points.toDoubleArray()).isEqualTo(expected[0]);
        assertThat(direction.toDoubleArray()).isEqualTo(expected[1]);
        assertThat(cotangent.toDoubleArray()).isEqualTo(expected[2]);
        for (int row = 0; row < ROWS; row++) {
          assertThat(Double.isNaN(TestBackends.get(points, row, 2))).isEqualTo(row == 1);
          assertThat(Double.isNaN(TestBackends.get(divergence, row, 0))).isEqualTo(row == 1);
          assertThat(Double.isNaN(TestBackends.get(direction, row, 0)))
              .isEqualTo(row == 1 || row == 2);
          assertThat(Double.isNaN(TestBackends.get(cotangent, row, 0)))
              .isEqualTo(row == 1 || row == 3);
        }
      }
    }
  }

  /** The value, J v and J' w in batches of their own. */
  private static double[][] apart(
      Backend backend, Network network, Batch points, Batch direction, Batch cotangent) {
    try (Batch value = backend.allocate(ROWS, 3, Precision.FLOAT64);
        Batch jvp = backend.allocate(ROWS, 3, Precision.FLOAT64);
        Batch vjp = backend.allocate(ROWS, 3, Precision.FLOAT64)) {
      NetworkOutputs outputs = NetworkOutputs.none().withValue(value);
      outputs = outputs.withJvp(direction, jvp).withVjp(cotangent, vjp);
      backend.network(network, T, points, outputs);
      return new double[][] {value.toDoubleArray(), jvp.toDoubleArray(), vjp.toDoubleArray()};
    }
  }
}
