package org.fewstep.backend;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import java.util.Arrays;
import java.util.List;
import java.util.Random;
import java.util.stream.Stream;
import org.fewstep.network.Frame;
import org.fewstep.network.Network;
import org.fewstep.network.NetworkShape;
import org.fewstep.network.Unit;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/** The kernels of training in float64, by differences and by loops written apart. */
class TrainingReferenceTest {

  private static final double[] LOW = {-1.5, -0.6};
  private static final double[] HIGH = {1.2, 0.9};

  private static final List<Frame> FRAMES =
      List.of(
          Frame.plain(),
          Frame.scaled(2, 0.3),
          Frame.residual(0.7, 1.5),
          Frame.residual(1.3, 0.4).withClamp(LOW, HIGH),
          Frame.plain().withClamp(LOW, HIGH));

  /** Hidden layers of all units, an output layer of each kind, and one without hidden layers. */
  private static final List<NetworkShape> SHAPES =
      List.of(
          NetworkShape.of(
              2,
              List.of(
                  List.of(Unit.RELU, Unit.REQU, Unit.LINEAR, Unit.RELU),
                  NetworkShape.mixed(2, 2),
                  NetworkShape.units(2, Unit.LINEAR))),
          NetworkShape.of(2, List.of(NetworkShape.mixed(3, 2), List.of(Unit.RELU, Unit.REQU))),
          NetworkShape.of(2, Unit.RELU, 2));

  static Stream<String> backends() {
    return TestBackends.names();
  }

  private static double[] draw(int seed, long count, double size) {
    return new Random(seed).doubles(count, -size, size).toArray();
  }

  private static Batch saved(Backend backend, NetworkShape shape, long rows) {
    return shape.hiddenUnits() == 0
        ? null
        : backend.allocate(rows, shape.hiddenUnits(), Precision.FLOAT64);
  }

  private static void close(Batch batch) {
    if (batch != null) {
      batch.close();
    }
  }

  /** The loss sum dy . y. */
  private static double loss(
      Backend backend, NetworkShape shape, Frame frame, double[] p, double[] x, double[] dy) {
    double[] y = forward(backend, shape, frame, p, x);
    double sum = 0;
    for (int i = 0; i < y.length; i++) {
      sum += dy[i] * y[i];
    }
    return sum;
  }

  private static double[] forward(
      Backend backend, NetworkShape shape, Frame frame, double[] p, double[] x) {
    try (Batch parameters = TestBackends.batch(backend, p, p.length);
        Batch inputs = TestBackends.batch(backend, x, 2);
        Batch y = backend.allocate(x.length / 2, 2, Precision.FLOAT64)) {
      backend.networkForward(shape, frame, parameters, inputs, y, null);
      return y.toDoubleArray();
    }
  }

  @ParameterizedTest
  @MethodSource("backends")
  void theForwardPassIsTheNetwork(String name) {
    double[] x = draw(1, 2 * 150, 2);
    try (Backend backend = TestBackends.open(name, 2);
        Batch inputs = TestBackends.batch(backend, x, 2);
        Batch expected = backend.allocate(150, 2, Precision.FLOAT64)) {
      for (NetworkShape shape : SHAPES) {
        for (Frame frame : FRAMES) {
          double[] p = draw(2, shape.parameters(), 0.9);
          Network network = Network.of(shape.layersOf(p), Network.Output.VELOCITY).withFrame(frame);
          backend.network(network, 0, inputs, NetworkOutputs.none().withValue(expected));
          assertThat(forward(backend, shape, frame, p, x))
              .containsExactly(expected.toDoubleArray(), within(1e-13));
        }
      }
    }
  }

  /** Every parameter and every input, by central differences; rows of more than one run. */
  @ParameterizedTest
  @MethodSource("backends")
  void theBackwardPassIsTheDerivativeOfTheLoss(String name) {
    int rows = 70;
    double h = 1e-6;
    double[] x = draw(3, 2 * rows, 2);
    double[] dy = draw(4, 2 * rows, 1);
    try (Backend backend = TestBackends.open(name, 2)) {
      for (NetworkShape shape : SHAPES) {
        for (Frame frame : FRAMES) {
          double[] p = draw(5, shape.parameters(), 0.9);
          double[][] slopes = backward(backend, shape, frame, p, x, dy);
          for (int i = 0; i < p.length; i++) {
            double[] up = p.clone();
            double[] down = p.clone();
            up[i] += h;
            down[i] -= h;
            double difference =
                loss(backend, shape, frame, up, x, dy) - loss(backend, shape, frame, down, x, dy);
            assertThat(slopes[0][i])
                .as("%s, %s, parameter %d", shape, frame, i)
                .isCloseTo(difference / (2 * h), within(1e-6));
          }
          for (int i = 0; i < x.length; i++) {
            double[] row = Arrays.copyOfRange(x, i / 2 * 2, i / 2 * 2 + 2);
            double[] outer = Arrays.copyOfRange(dy, i / 2 * 2, i / 2 * 2 + 2);
            double[] up = row.clone();
            double[] down = row.clone();
            up[i % 2] += h;
            down[i % 2] -= h;
            double difference =
                loss(backend, shape, frame, p, up, outer)
                    - loss(backend, shape, frame, p, down, outer);
            assertThat(slopes[1][i])
                .as("%s, %s, input %d", shape, frame, i)
                .isCloseTo(difference / (2 * h), within(1e-7));
          }
        }
      }
    }
  }

  /** The derivatives in the parameters and in x, each also when the other is not wanted. */
  private static double[][] backward(
      Backend backend, NetworkShape shape, Frame frame, double[] p, double[] x, double[] dy) {
    long rows = x.length / 2;
    Batch saved = saved(backend, shape, rows);
    try (Batch parameters = TestBackends.batch(backend, p, p.length);
        Batch inputs = TestBackends.batch(backend, x, 2);
        Batch y = backend.allocate(rows, 2, Precision.FLOAT64);
        Batch outer = TestBackends.batch(backend, dy, 2);
        Batch dx = backend.allocate(rows, 2, Precision.FLOAT64);
        Batch gradient = backend.allocate(1, p.length, Precision.FLOAT64)) {
      backend.networkForward(shape, frame, parameters, inputs, y, saved);
      backend.networkBackward(shape, frame, parameters, inputs, saved, outer, dx, gradient);
      double[][] both = {gradient.toDoubleArray(), dx.toDoubleArray()};
      backend.networkBackward(shape, frame, parameters, inputs, saved, outer, dx, null);
      backend.networkBackward(shape, frame, parameters, inputs, saved, outer, null, gradient);
      assertThat(gradient.toDoubleArray()).isEqualTo(both[0]);
      assertThat(dx.toDoubleArray()).isEqualTo(both[1]);
      return both;
    } finally {
      close(saved);
    }
  }

  @ParameterizedTest
  @MethodSource("backends")
  void gradientsDoNotDependOnTheNumberOfThreads(String name) {
    NetworkShape shape = SHAPES.getFirst();
    double[] p = draw(5, shape.parameters(), 0.9);
    double[] x = draw(6, 2 * 1000, 2);
    double[] dy = draw(7, 2 * 1000, 1);
    try (Backend one = TestBackends.open(name, 1);
        Backend three = TestBackends.open(name, 3)) {
      assertThat(backward(three, shape, FRAMES.get(3), p, x, dy))
          .isDeepEqualTo(backward(one, shape, FRAMES.get(3), p, x, dy));
    }
  }

  /** Kingma and Ba's algorithm with its bias corrections as running products. */
  @ParameterizedTest
  @MethodSource("backends")
  void adamIsAdam(String name) {
    int count = 37;
    for (double clip : new double[] {Double.POSITIVE_INFINITY, 1.5}) {
      double[] p = draw(8, count, 1);
      double[] m = new double[count];
      double[] v = new double[count];
      double beta1Power = 1;
      double beta2Power = 1;
      try (Backend backend = TestBackends.open(name, 2);
          Batch parameters = backend.allocate(1, count, Precision.FLOAT64);
          Batch gradient = backend.allocate(1, count, Precision.FLOAT64);
          Batch mean = backend.allocate(1, count, Precision.FLOAT64);
          Batch square = backend.allocate(1, count, Precision.FLOAT64)) {
        parameters.copyFrom(p);
        for (int t = 1; t <= 12; t++) {
          double[] g = draw(100 + t, count, t == 5 ? 1e-3 : 1);
          gradient.copyFrom(g);
          AdamStep step = new AdamStep(t, 0.01 / t, 0.9, 0.99, 1e-7, 0.05, clip);
          backend.adam(step, parameters, gradient, mean, square);
          double norm = Math.sqrt(Arrays.stream(g).map(e -> e * e).sum());
          beta1Power *= 0.9;
          beta2Power *= 0.99;
          for (int i = 0; i < count; i++) {
            double e = g[i] * Math.min(1, clip / norm);
            m[i] += 0.1 * (e - m[i]);
            v[i] += 0.01 * (e * e - v[i]);
            double slope = m[i] / (1 - beta1Power);
            slope /= Math.sqrt(v[i] / (1 - beta2Power)) + 1e-7;
            p[i] -= 0.01 / t * slope + 0.01 / t * 0.05 * p[i];
          }
          assertThat(parameters.toDoubleArray()).containsExactly(p, within(1e-13));
          assertThat(mean.toDoubleArray()).containsExactly(m, within(1e-14));
          assertThat(square.toDoubleArray()).containsExactly(v, within(1e-14));
        }
        TestBackends.set(gradient, 0, 20, Double.POSITIVE_INFINITY);
        AdamStep last = new AdamStep(13, 0.01, 0.9, 0.99, 1e-7, 0, clip);
        backend.adam(last, parameters, gradient, mean, square);
        assertThat(parameters.toDoubleArray()).containsOnly(Double.NaN);
      }
    }
  }

  @ParameterizedTest
  @MethodSource("backends")
  void drawsAreUniformAndRepeat(String name) {
    int sources = 10;
    int draws = 20_000;
    for (Precision precision : Precision.values()) {
      try (Backend backend = TestBackends.open(name, 2);
          Batch source = backend.allocate(sources, 3, precision);
          Batch labels = backend.allocate(sources, 1, precision);
          Batch out = backend.allocate(draws, 3, precision);
          Batch drawn = backend.allocate(draws, 1, precision);
          Batch later = backend.allocate(draws - 777, 1, precision)) {
        double[] index = new double[sources];
        Arrays.setAll(index, i -> i);
        labels.copyFrom(index);
        double[] rows = new double[3 * sources];
        Arrays.setAll(rows, i -> i / 3 + 0.25 * (i % 3));
        source.copyFrom(rows);
        backend.draw(out, source, 6, 40);
        backend.draw(drawn, labels, 6, 40);
        backend.draw(later, labels, 6, 40 + 777);
        double[] label = drawn.toDoubleArray();
        double[] uniforms = new double[draws];
        Philox.uniform(6, 40, uniforms, 0, draws);
        double[] expected = Arrays.stream(uniforms).map(u -> Math.floor(u * sources)).toArray();
        assertThat(label).isEqualTo(expected);
        assertThat(later.toDoubleArray()).isEqualTo(Arrays.copyOfRange(label, 777, draws));
        for (int row = 0; row < draws; row += 97) {
          for (int i = 0; i < 3; i++) {
            assertThat(TestBackends.get(out, row, i)).isEqualTo(label[row] + 0.25 * i);
          }
        }
        double chiSquare = 0;
        for (int i = 0; i < sources; i++) {
          int which = i;
          double count = Arrays.stream(label).filter(l -> l == which).count();
          chiSquare += Math.pow(count - draws / sources, 2) / (draws / sources);
        }
        // Nine degrees of freedom: 27.9 is exceeded once in a thousand.
        assertThat(chiSquare).isLessThan(27.9);
        backend.draw(drawn, labels, 7, 40);
        assertThat(drawn.toDoubleArray()).isNotEqualTo(label);
      }
    }
  }
}
