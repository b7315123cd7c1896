package org.fewstep.backend;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Random;
import org.fewstep.diffusion.OrnsteinUhlenbeck;
import org.fewstep.network.Frame;
import org.fewstep.network.Layer;
import org.fewstep.network.Network;
import org.fewstep.network.Unit;

/**
 * A network of a drawn shape, with dense and sparse layers of mixed units and a drawn frame, and
 * rows for it, for comparing backends.
 *
 * @param x [n,d], numbers that float32 can hold, like those below
 * @param direction [n,d]
 * @param cotangent [n,m]
 * @param times [n], a time per row
 */
record NetworkCase(
    String name,
    Network network,
    double t,
    double[] x,
    double[] direction,
    double[] cotangent,
    double[] times) {

  private static final double LOW_TIME = 0.25;
  private static final double HIGH_TIME = 2;
  private static final int[] INPUTS = {1, 2, 3, 5, 8, 17, 2, 4, 33};
  private static final int[] WIDTHS = {32, 1, 7, 13, 64, 3, 2, 65, 6, 31, 101, 16};
  private static final int[] ROWS = {33, 1, 70, 5, 16, 131, 2, 32, 7};

  int rows() {
    return x.length / network.inputs();
  }

  /** These rows and no others. */
  NetworkCase of(int... rows) {
    int[] all = rows;
    return new NetworkCase(
        name + ", rows " + Arrays.toString(all),
        network,
        t,
        pick(x, all, network.inputs()),
        pick(direction, all, network.inputs()),
        pick(cotangent, all, network.outputs()),
        pick(times, all, 1));
  }

  private static double[] pick(double[] values, int[] rows, int columns) {
    double[] picked = new double[rows.length * columns];
    for (int i = 0; i < rows.length; i++) {
      System.arraycopy(values, rows[i] * columns, picked, i * columns, columns);
    }
    return picked;
  }

  /** The same with other points. */
  NetworkCase at(double[] points) {
    return new NetworkCase(name, network, t, points, direction, cotangent, times);
  }

  @Override
  public String toString() {
    return name;
  }

  /** Cases of every depth, with few and many units, and one that is wider than any block. */
  static List<NetworkCase> all() {
    List<NetworkCase> cases = new ArrayList<>();
    for (int number = 0; number < 36; number++) {
      int depth = 1 + number % 6;
      int[] widths = new int[depth];
      for (int l = 0; l < depth; l++) {
        widths[l] = WIDTHS[(number + 5 * l) % WIDTHS.length];
      }
      int inputs = INPUTS[number % INPUTS.length];
      if (number % 4 != 3) {
        widths[depth - 1] = inputs;
      }
      cases.add(draw(number, inputs, widths, ROWS[number % ROWS.length]));
    }
    cases.add(draw(40, 2, new int[] {300, 270, 2}, 9));
    cases.add(draw(41, 150, new int[] {40, 150}, 3));
    return cases;
  }

  /** A few of about each kind, for checks that evaluate them many times. */
  static List<NetworkCase> few() {
    return List.of(
        draw(50, 2, new int[] {13, 7, 2}, 67),
        draw(51, 3, new int[] {3}, 5),
        draw(52, 1, new int[] {64, 64, 1}, 35),
        draw(53, 5, new int[] {6, 33, 10, 5}, 40),
        draw(54, 20, new int[] {140, 20}, 37));
  }

  private static NetworkCase draw(int seed, int inputs, int[] widths, int rows) {
    Random random = new Random(seed);
    boolean takesTime = seed % 3 == 1;
    List<Layer> layers = new ArrayList<>();
    int width = inputs + (takesTime ? 1 : 0);
    for (int l = 0; l < widths.length; l++) {
      layers.add(layer(random, width, widths[l], l == widths.length - 1 && seed % 5 != 0));
      width = widths[l];
    }
    Network network = Network.of(layers, Network.Output.VELOCITY);
    network = takesTime ? network.withTimeInput() : network;
    network =
        network
            .withTimes(new OrnsteinUhlenbeck(), LOW_TIME, HIGH_TIME)
            .withFrame(frame(seed, inputs, inputs == width));
    return new NetworkCase(
        "case %d, %s, %s, %d rows".formatted(seed, network, network.frame(), rows),
        network,
        0.75,
        draw(random, rows * inputs),
        draw(random, rows * inputs),
        draw(random, rows * width),
        random.doubles(rows, LOW_TIME, HIGH_TIME).map(t -> (float) t).toArray());
  }

  private static double[] draw(Random random, int count) {
    return random.doubles(count).map(ignored -> (float) random.nextGaussian()).toArray();
  }

  private static Layer layer(Random random, int inputs, int outputs, boolean linear) {
    boolean sparse = random.nextInt(3) == 0;
    double share = sparse ? Math.min(1, 4.0 / inputs) : 1;
    double[] weights = new double[inputs * outputs];
    double size = 1 / Math.sqrt(inputs * share);
    Arrays.setAll(weights, i -> random.nextDouble() <= share ? size * random.nextGaussian() : 0);
    double[] bias = random.doubles(outputs, -0.5, 0.5).toArray();
    Unit[] kinds = Unit.values();
    int mix = random.nextInt(4); // one kind each, or all mixed
    Unit[] units = new Unit[outputs];
    Arrays.setAll(units, o -> linear ? Unit.LINEAR : kinds[mix < 3 ? mix : random.nextInt(3)]);
    Layer dense = Layer.dense(inputs, weights, bias, List.of(units));
    return sparse ? dense.compressed() : dense;
  }

  private static Frame frame(int seed, int inputs, boolean square) {
    Frame frame =
        switch (seed % 4) {
          case 0 -> Frame.plain();
          case 1 -> Frame.scaled(1.7, 0.6);
          default -> square ? Frame.residual(0.8, 1.3) : Frame.scaled(0.8, 1.3);
        };
    if (seed % 2 == 0) {
      return frame;
    }
    double[] low = new double[inputs];
    double[] high = new double[inputs];
    Arrays.setAll(low, i -> -0.5 - 0.25 * (i % 3));
    Arrays.setAll(high, i -> 0.75 + 0.125 * (i % 5));
    return frame.withClamp(low, high);
  }
}
