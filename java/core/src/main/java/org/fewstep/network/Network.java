package org.fewstep.network;

import java.util.List;
import java.util.Optional;
import org.fewstep.diffusion.Diffusion;

/**
 * A ReLU-ReQU network: layers F, what surrounds them ({@link Frame}), and what its output means.
 *
 * <p>It maps x [n,d], and the time if it {@linkplain #takesTime takes} one (the last input of the
 * first layer), to y [n,out]. Immutable and thread-safe; belongs to nobody and is never closed.
 * Weights are float64 and rounded once by the kernels that run in float32.
 */
public final class Network {

  /** What the output of a network is. */
  public enum Output {
    /** The score, grad log p_t(x). */
    SCORE("score"),
    /** The velocity v(x, t) of the probability flow. */
    VELOCITY("velocity"),
    /** The denoised point E[x_0 | x_t]. */
    DENOISED("denoised"),
    /** The state at the end of the time range, of a flow that starts in x at its start. */
    DISPLACEMENT("displacement");

    private final String label;

    Output(String label) {
      this.label = label;
    }

    /** The word by which files name this. */
    public String label() {
      return label;
    }

    /**
     * The output of that name.
     *
     * @throws IllegalArgumentException if there is none, listing the names
     */
    public static Output named(String label) {
      for (Output output : values()) {
        if (output.label.equals(label)) {
          return output;
        }
      }
      throw new IllegalArgumentException(
          "output must be score, velocity, denoised or displacement, but is '%s'".formatted(label));
    }
  }

  private final List<Layer> layers;
  private final Frame frame;
  private final Output output;
  private final boolean takesTime;
  private final Diffusion process;
  private final double timeLow;
  private final double timeHigh;
  private final long parameters;

  private Network(
      List<Layer> layers,
      Frame frame,
      Output output,
      boolean takesTime,
      Diffusion process,
      double timeLow,
      double timeHigh) {
    this.layers = layers;
    this.frame = frame;
    this.output = output;
    this.takesTime = takesTime;
    this.process = process;
    this.timeLow = timeLow;
    this.timeHigh = timeHigh;
    this.parameters =
        layers.stream().mapToLong(layer -> (long) layer.entries() + layer.outputs()).sum();
    frame.requireFits(inputs(), outputs());
  }

  /**
   * A network without a time input, with nothing around its layers.
   *
   * @param layers at least one, each with as many inputs as the one before has outputs
   * @param output what y means
   */
  public static Network of(List<Layer> layers, Output output) {
    if (layers.isEmpty()) {
      throw new IllegalArgumentException("layers must hold at least one layer, but is empty");
    }
    for (int l = 1; l < layers.size(); l++) {
      if (layers.get(l).inputs() != layers.get(l - 1).outputs()) {
        throw new IllegalArgumentException(
            "layers[%d] must have %d inputs, the outputs of the one before, but has %d"
                .formatted(l, layers.get(l - 1).outputs(), layers.get(l).inputs()));
      }
    }
    return new Network(
        List.copyOf(layers), Frame.plain(), output, false, null, 0, Double.POSITIVE_INFINITY);
  }

  /** This with other surroundings of its layers. */
  public Network withFrame(Frame other) {
    return new Network(layers, other, output, takesTime, process, timeLow, timeHigh);
  }

  /**
   * This under a process, on a range of its time.
   *
   * @param low the smallest time (data) at which the network holds
   * @param high the largest (noise), not below {@code low}; a displacement runs from it down to
   *     {@code low}
   */
  public Network withTimes(Diffusion diffusion, double low, double high) {
    diffusion.requireTime("low", low);
    diffusion.requireTime("high", high);
    if (!(low <= high)) {
      throw new IllegalArgumentException(
          "low must be at most high (%s), but is %s".formatted(high, low));
    }
    return new Network(layers, frame, output, takesTime, diffusion, low, high);
  }

  /** This with the last input of its first layer taken for the time. */
  public Network withTimeInput() {
    if (layers.get(0).inputs() < 2) {
      throw new IllegalArgumentException(
          "layers[0] must have at least 2 inputs, the last one for the time, but has 1");
    }
    return new Network(layers, frame, output, true, process, timeLow, timeHigh);
  }

  /** The layers, first to last. */
  public List<Layer> layers() {
    return layers;
  }

  /** What surrounds the layers. */
  public Frame frame() {
    return frame;
  }

  /** What y means. */
  public Output output() {
    return output;
  }

  /** Whether the last input of the first layer is the time. */
  public boolean takesTime() {
    return takesTime;
  }

  /** The process whose scores, velocities or maps these are, if it was named. */
  public Optional<Diffusion> process() {
    return Optional.ofNullable(process);
  }

  /** The smallest time at which the network holds; of a displacement, where it ends. */
  public double timeLow() {
    return timeLow;
  }

  /** The largest time at which the network holds; of a displacement, where it starts. */
  public double timeHigh() {
    return timeHigh;
  }

  /** The number d of columns of x, the time not among them. */
  public int inputs() {
    return layers.get(0).inputs() - (takesTime ? 1 : 0);
  }

  /** The number of columns of y. */
  public int outputs() {
    return layers.get(layers.size() - 1).outputs();
  }

  /** The number of layers. */
  public int depth() {
    return layers.size();
  }

  /** The largest number of units of a layer. */
  public int width() {
    return layers.stream().mapToInt(Layer::outputs).max().orElseThrow();
  }

  /** The number of weights held (of sparse layers, the non-zero ones) and biases. */
  public long parameters() {
    return parameters;
  }

  /** The shape of the layers. */
  public NetworkShape shape() {
    return NetworkShape.of(layers.get(0).inputs(), layers.stream().map(Layer::units).toList());
  }

  /** A flat vector of the parameters in the order of {@link NetworkShape}, zeros included. */
  public double[] flatParameters() {
    NetworkShape shape = shape();
    double[] flat = new double[shape.parameters()];
    for (int l = 0; l < layers.size(); l++) {
      double[] weights = layers.get(l).weights();
      System.arraycopy(weights, 0, flat, shape.weightOffset(l), weights.length);
      System.arraycopy(
          layers.get(l).biases(), 0, flat, shape.biasOffset(l), layers.get(l).outputs());
    }
    return flat;
  }

  /**
   * Checks that the network holds at a time.
   *
   * @throws IllegalArgumentException naming {@code argument} and the range, if not
   */
  public void requireTime(String argument, double t) {
    if (!(t >= timeLow && t <= timeHigh)) {
      throw new IllegalArgumentException(
          "%s must lie in [%s, %s], the times of the network, but is %s"
              .formatted(argument, timeLow, timeHigh, t));
    }
  }

  @Override
  public String toString() {
    return "Network[%s, %s, %d parameters]".formatted(shape(), output.label(), parameters());
  }
}
