package org.fewstep.io;

import org.fewstep.backend.Precision;
import org.fewstep.diffusion.Diffusion;
import org.fewstep.diffusion.Diffusions;
import org.fewstep.network.Frame;
import org.fewstep.network.Layer;
import org.fewstep.network.Network;
import org.fewstep.network.NetworkShape;

/** Turns networks into tensors and texts; {@link NetworkFiles} has the format. */
final class NetworkEncoder {

  /** The version of the format. */
  static final String FORMAT = "1";

  private final Precision precision;
  private final TensorFile.Builder file = TensorFile.builder();

  NetworkEncoder(Precision precision) {
    this.precision = precision;
  }

  /** What tensors and keys of a network begin with, in a file of so many. */
  static String prefix(int segment, int segments) {
    return segments == 1 ? "" : "segments.%d.".formatted(segment);
  }

  TensorFile encode(NetworkFile content) {
    int segments = content.networks().size();
    file.text("fewstep.format", FORMAT);
    if (segments > 1) {
      file.text("fewstep.segments", Integer.toString(segments));
    }
    for (int s = 0; s < segments; s++) {
      add(prefix(s, segments), content.networks().get(s));
    }
    return file.texts(content.metadata()).build();
  }

  private void add(String prefix, Network network) {
    addTexts(NetworkFile.RESERVED + prefix, network);
    addFrame(prefix, network.frame(), network.inputs());
    NetworkShape shape = network.shape(); // refuses sizes beyond those of arrays
    for (int l = 0; l < shape.layers(); l++) {
      addLayer(prefix + "layers.%d.".formatted(l), network.layers().get(l));
    }
  }

  private void addTexts(String prefix, Network network) {
    file.text(prefix + "output", network.output().label());
    file.text(prefix + "time_input", Boolean.toString(network.takesTime()));
    file.text(prefix + "residual", Boolean.toString(network.frame().isResidual()));
    if (network.process().isPresent()) {
      file.text(prefix + "process", nameOf(network.process().get()));
      file.text(prefix + "time_low", Double.toString(network.timeLow()));
      file.text(prefix + "time_high", Double.toString(network.timeHigh()));
    }
  }

  /** A file has the name of a process only, which must mean the same to whoever reads it. */
  private static String nameOf(Diffusion process) {
    if (!Diffusions.builtIn().contains(process)) {
      throw new IllegalArgumentException(
          "the process of a network in a file must be one of %s with its default parameters, but"
                  .formatted(Diffusions.builtIn().stream().map(Diffusion::name).toList())
              + " is "
              + process);
    }
    return process.name();
  }

  private void addFrame(String prefix, Frame frame, int inputs) {
    if (frame.inputScale() != 1) {
      file.put(prefix + "c_in", frame.inputScale());
    }
    if (frame.outputScale() != 1) {
      file.put(prefix + "c_out", frame.outputScale());
    }
    if (frame.isClamped()) {
      double[] clamp = new double[2 * inputs];
      for (int i = 0; i < inputs; i++) {
        clamp[i] = frame.low(i);
        clamp[inputs + i] = frame.high(i);
      }
      file.put(prefix + "clamp", clamp, 2, inputs);
    }
  }

  private void addLayer(String prefix, Layer layer) {
    int outputs = layer.outputs();
    byte[] units = new byte[outputs];
    for (int i = 0; i < outputs; i++) {
      units[i] = (byte) layer.unit(i).code();
    }
    put(prefix + "weight", layer.weights(), outputs, layer.inputs());
    put(prefix + "bias", layer.biases(), outputs);
    file.put(prefix + "units", units, outputs);
  }

  private void put(String name, double[] values, long... shape) {
    if (precision == Precision.FLOAT64) {
      file.put(name, values, shape);
      return;
    }
    float[] narrow = new float[values.length];
    for (int i = 0; i < values.length; i++) {
      narrow[i] = (float) values[i];
      if (Float.isInfinite(narrow[i])) {
        throw new IllegalArgumentException(
            "%s must fit float32, but has the value %s; write it as FLOAT64"
                .formatted(name, values[i]));
      }
    }
    file.put(name, narrow, shape);
  }
}
