package org.fewstep.backend;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Random;
import java.util.stream.Stream;
import org.fewstep.network.Frame;
import org.fewstep.network.NetworkShape;
import org.fewstep.network.Unit;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;

/** The forward and backward pass in training, by every backend, against the scalar one. */
@Tag("widths")
class NetworkTrainingTest {

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

  /** A shape, its surroundings, and rows for it. */
  private record Problem(
      NetworkShape shape, Frame frame, double[] parameters, double[] x, double[] dy) {

    static Problem draw(int rows, NetworkShape shape, Frame frame) {
      Random random = new Random(shape.hashCode() + rows);
      double[] parameters = new double[shape.parameters()];
      for (int l = 0; l < shape.layers(); l++) {
        double size = 1 / Math.sqrt(shape.width(l - 1));
        for (int i = shape.weightOffset(l); i < shape.biasOffset(l) + shape.width(l); i++) {
          parameters[i] = (float) (size * random.nextGaussian());
        }
      }
      return new Problem(
          shape,
          frame,
          parameters,
          draw(random, rows * shape.inputs()),
          draw(random, rows * shape.outputs()));
    }

    private static double[] draw(Random random, int count) {
      return random.doubles(count).map(ignored -> (float) random.nextGaussian()).toArray();
    }

    int rows() {
      return x.length / shape.inputs();
    }

    Problem withX(double[] points) {
      return new Problem(shape, frame, parameters, points, dy);
    }

    @Override
    public String toString() {
      return "%s, %s, %d rows".formatted(shape, frame, rows());
    }
  }

  /** What both passes give. */
  private record Results(double[] y, double[] dx, double[] gradient) {}

  private static Results train(Backend backend, Problem problem, Precision precision) {
    NetworkShape shape = problem.shape();
    int n = problem.rows();
    int hidden = shape.hiddenUnits();
    try (Batch parameters = batch(backend, problem.parameters(), shape.parameters(), precision);
        Batch x = batch(backend, problem.x(), shape.inputs(), precision);
        Batch y = backend.allocate(n, shape.outputs(), precision);
        Batch saved = hidden == 0 ? null : backend.allocate(n, hidden, precision);
        Batch dy = batch(backend, problem.dy(), shape.outputs(), precision);
        Batch dx = backend.allocate(n, shape.inputs(), precision);
        Batch gradient = backend.allocate(1, shape.parameters(), precision)) {
      Frame frame = problem.frame();
      backend.networkForward(shape, frame, parameters, x, y, saved);
      backend.networkBackward(shape, frame, parameters, x, saved, dy, dx, gradient);
      backend.synchronize();
      return new Results(y.toDoubleArray(), dx.toDoubleArray(), gradient.toDoubleArray());
    }
  }

  private static Batch batch(Backend backend, double[] values, int columns, Precision precision) {
    return NetworkEvaluations.batch(backend, values, columns, precision);
  }

  private static List<Problem> problems() {
    Frame clamped =
        Frame.residual(0.7, 0.5).withClamp(new double[] {-1, -0.5}, new double[] {1, 0.75});
    List<Problem> problems = new ArrayList<>();
    problems.add(Problem.draw(1, NetworkShape.of(1, Unit.RELU, 1), Frame.plain()));
    problems.add(Problem.draw(33, NetworkShape.of(3, Unit.REQU, 5), Frame.scaled(2, 3)));
    problems.add(Problem.draw(300, NetworkShape.of(2, Unit.RELU, 32, 32, 2), clamped));
    problems.add(Problem.draw(97, NetworkShape.of(2, Unit.REQU, 13, 2), clamped));
    problems.add(Problem.draw(200, NetworkShape.of(7, Unit.RELU, 40, 1, 3), Frame.plain()));
    problems.add(
        Problem.draw(
            130,
            NetworkShape.of(
                5,
                List.of(
                    NetworkShape.mixed(9, 24),
                    NetworkShape.units(33, Unit.LINEAR),
                    NetworkShape.mixed(3, 2))),
            Frame.residual(1.5, 1)));
    problems.add(Problem.draw(70, NetworkShape.of(140, Unit.RELU, 35, 131), Frame.plain()));
    return problems;
  }

  /**
   * The arithmetic of a gradient is that of its terms: an error of some units in the last place of
   * their size, of which the sum over rows may be a small part.
   */
  private static void requireNear(
      String what, double[] values, double[] truth, int terms, Precision precision) {
    double size = Math.max(Evaluations.size(truth), 1);
    double ulp = precision == Precision.FLOAT32 ? 0x1p-24 : 0x1p-53;
    double allowed = 16 * ulp * size * Math.sqrt(terms);
    assertThat(values).as(what).hasSameSizeAs(truth);
    assertThat(Evaluations.distance(values, truth)).as(what).isLessThanOrEqualTo(allowed);
  }

  @ParameterizedTest
  @MethodSource("backends")
  void bothPassesAreThoseOfTheReference(String name, Precision precision) {
    try (Backend tested = TestBackends.open(name, 1)) {
      for (Problem problem : problems()) {
        Results truth = train(scalar, problem, Precision.FLOAT64);
        Results results = train(tested, problem, precision);
        int width = problem.shape().maxWidth();
        requireNear(problem + ", y", results.y(), truth.y(), width, precision);
        requireNear(problem + ", dx", results.dx(), truth.dx(), width, precision);
        int terms = problem.rows() + width;
        requireNear(problem + ", gradient", results.gradient(), truth.gradient(), terms, precision);
      }
    }
  }

  @ParameterizedTest
  @MethodSource("backends")
  void threadsChangeNoBit(String name, Precision precision) {
    Problem problem =
        Problem.draw(1500, NetworkShape.of(2, Unit.REQU, 32, 17, 2), Frame.residual(1, 1));
    Results expected;
    try (Backend one = TestBackends.open(name, 1)) {
      expected = train(one, problem, precision);
    }
    for (int threads : new int[] {2, 5}) {
      try (Backend tested = TestBackends.open(name, threads)) {
        for (int repeat = 0; repeat < 3; repeat++) {
          Results results = train(tested, problem, precision);
          ParityChecks.requireSame("y", "y", results.y(), expected.y());
          ParityChecks.requireSame("dx", "dx", results.dx(), expected.dx());
          ParityChecks.requireSame("gradient", "gradient", results.gradient(), expected.gradient());
        }
      }
    }
  }

  /** Nothing saved, nothing but one of the outputs, and the shapes of before again. */
  @ParameterizedTest
  @MethodSource("backends")
  void outputsThatAreNotWantedMayBeLeftOut(String name, Precision precision) {
    try (Backend tested = TestBackends.open(name, 2)) {
      for (Problem problem : problems()) {
        NetworkShape shape = problem.shape();
        Frame frame = problem.frame();
        Results all = train(tested, problem, precision);
        int n = problem.rows();
        try (Batch parameters = batch(tested, problem.parameters(), shape.parameters(), precision);
            Batch x = batch(tested, problem.x(), shape.inputs(), precision);
            Batch dy = batch(tested, problem.dy(), shape.outputs(), precision);
            Batch y = tested.allocate(n, shape.outputs(), precision);
            Batch saved = tested.allocate(n, Math.max(1, shape.hiddenUnits()), precision);
            Batch gradient = tested.allocate(1, shape.parameters(), precision)) {
          tested.networkForward(shape, frame, parameters, x, y, null);
          ParityChecks.requireSame(problem + "", "y", y.toDoubleArray(), all.y());
          Batch kept = shape.hiddenUnits() == 0 ? null : saved;
          tested.networkForward(shape, frame, parameters, x, y, kept);
          tested.networkBackward(shape, frame, parameters, x, kept, dy, null, gradient);
          ParityChecks.requireSame(
              problem + "", "gradient", gradient.toDoubleArray(), all.gradient());
          tested.networkBackward(shape, frame, parameters, x, kept, dy, x, null);
          ParityChecks.requireSame(problem + "", "dx in place", x.toDoubleArray(), all.dx());
        }
      }
    }
  }

  @ParameterizedTest
  @MethodSource("backends")
  void badRowsSpoilTheGradientButNoOtherRow(String name, Precision precision) {
    try (Backend tested = TestBackends.open(name, 1)) {
      Problem problem = problems().get(2);
      Results good = train(tested, problem, precision);
      double[] x = problem.x().clone();
      x[5] = Double.NEGATIVE_INFINITY;
      x[598] = Double.NaN;
      Results spoiled = train(tested, problem.withX(x), precision);
      for (int i = 0; i < 600; i++) {
        boolean bad = i / 2 == 2 || i / 2 == 299;
        if (bad) {
          assertThat(spoiled.y()[i]).isNaN();
          assertThat(spoiled.dx()[i]).isNaN();
        } else {
          assertThat(spoiled.y()[i]).isEqualTo(good.y()[i]);
          assertThat(spoiled.dx()[i]).isEqualTo(good.dx()[i]);
        }
      }
      assertThat(Arrays.stream(spoiled.gradient()).anyMatch(Double::isNaN)).isTrue();
    }
  }

  @ParameterizedTest
  @MethodSource("backends")
  void noRowsHaveNoGradient(String name, Precision precision) {
    try (Backend tested = TestBackends.open(name, 2)) {
      Problem problem = Problem.draw(0, NetworkShape.of(2, Unit.RELU, 5, 2), Frame.plain());
      NetworkShape shape = problem.shape();
      try (Batch parameters = batch(tested, problem.parameters(), shape.parameters(), precision);
          Batch none = tested.allocate(0, 2, precision);
          Batch saved = tested.allocate(0, 5, precision);
          Batch gradient = batch(tested, problem.parameters(), shape.parameters(), precision)) {
        tested.networkForward(shape, Frame.plain(), parameters, none, none, saved);
        tested.networkBackward(shape, Frame.plain(), parameters, none, saved, none, none, gradient);
        assertThat(gradient.toDoubleArray()).containsOnly(0);
      }
    }
  }
}
