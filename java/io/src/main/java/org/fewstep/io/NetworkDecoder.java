package org.fewstep.io;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.regex.Pattern;
import org.fewstep.diffusion.Diffusion;
import org.fewstep.diffusion.Diffusions;
import org.fewstep.network.Frame;
import org.fewstep.network.Layer;
import org.fewstep.network.Network;
import org.fewstep.network.Unit;

/**
 * Turns tensors and texts into networks, and knows in the end that nothing was left over; {@link
 * NetworkFiles} has the format. Whatever is wrong is an {@link IllegalArgumentException}.
 */
final class NetworkDecoder {

  /** What {@link Double#toString} writes, and no other word that {@link Double} would take. */
  private static final Pattern TIME =
      Pattern.compile("Infinity|\\d{1,400}(\\.\\d{1,400})?(E-?\\d{1,3})?");

  private static final Pattern COUNT = Pattern.compile("[1-9]\\d{0,8}");

  private final TensorFile file;
  private final Set<String> tensorsRead = new HashSet<>();
  private final Set<String> keysRead = new HashSet<>();

  NetworkDecoder(TensorFile file) {
    this.file = file;
  }

  NetworkFile decode() {
    requireFormat();
    int segments = segments();
    List<Network> networks = new ArrayList<>();
    for (int s = 0; s < segments; s++) {
      networks.add(network(NetworkEncoder.prefix(s, segments)));
    }
    Map<String, String> metadata = new LinkedHashMap<>();
    file.metadata().forEach((key, text) -> keepOwn(key, text, metadata));
    requireNoTensorLeft();
    return new NetworkFile(networks, metadata);
  }

  private void requireFormat() {
    if (!file.metadata().containsKey("fewstep.format")) {
      throw new IllegalArgumentException(
          "must hold a network of fewstep, with the metadata fewstep.format, but has none");
    }
    String format = text("fewstep.format");
    if (!format.equals(NetworkEncoder.FORMAT)) {
      throw new IllegalArgumentException(
          "must have the format %s, which this version of fewstep reads, but has %s"
              .formatted(NetworkEncoder.FORMAT, FileFormatException.quote(format)));
    }
  }

  private int segments() {
    String key = "fewstep.segments";
    if (!file.metadata().containsKey(key)) {
      return 1;
    }
    String count = text(key);
    if (!COUNT.matcher(count).matches() || count.equals("1")) {
      throw refused(key, "must be a whole number from 2, or be left out", count);
    }
    return Integer.parseInt(count);
  }

  private Network network(String prefix) {
    String keys = NetworkFile.RESERVED + prefix;
    Network.Output output = output(keys + "output");
    boolean takesTime = flag(keys + "time_input");
    boolean residual = flag(keys + "residual");
    List<Layer> layers = layers(prefix);
    try {
      Network network = Network.of(layers, output);
      network = takesTime ? network.withTimeInput() : network;
      network = network.withFrame(frame(prefix, residual, network.inputs()));
      return withTimes(network, keys);
    } catch (IllegalArgumentException e) {
      throw new IllegalArgumentException(prefix + e.getMessage(), e);
    }
  }

  private Network.Output output(String key) {
    String label = text(key);
    for (Network.Output output : Network.Output.values()) {
      if (output.label().equals(label)) {
        return output;
      }
    }
    throw refused(key, "must be score, velocity, denoised or displacement", label);
  }

  private boolean flag(String key) {
    String text = text(key);
    if (!text.equals("true") && !text.equals("false")) {
      throw refused(key, "must be true or false", text);
    }
    return text.equals("true");
  }

  private Network withTimes(Network network, String keys) {
    boolean named = file.metadata().containsKey(keys + "process");
    if (!named && !file.metadata().containsKey(keys + "time_low")) {
      return network;
    }
    Diffusion process = process(keys + "process");
    return network.withTimes(process, time(keys + "time_low"), time(keys + "time_high"));
  }

  private Diffusion process(String key) {
    String name = text(key);
    for (Diffusion process : Diffusions.builtIn()) {
      if (process.name().equals(name)) {
        return process;
      }
    }
    String names = String.join(", ", Diffusions.builtIn().stream().map(Diffusion::name).toList());
    throw refused(key, "must be one of " + names, name);
  }

  private double time(String key) {
    String text = text(key);
    if (!TIME.matcher(text).matches()) {
      throw refused(key, "must be a decimal number >= 0 or Infinity", text);
    }
    return Double.parseDouble(text);
  }

  private List<Layer> layers(String prefix) {
    List<Layer> layers = new ArrayList<>();
    String name = prefix + "layers.0.";
    do {
      layers.add(layer(name));
      name = prefix + "layers.%d.".formatted(layers.size());
    } while (file.tensors().containsKey(name + "weight"));
    return layers;
  }

  private Layer layer(String name) {
    Tensor weight = tensor(name + "weight");
    long[] shape = weight.shape();
    if (shape.length != 2 || shape[0] < 1 || shape[1] < 1) {
      throw new IllegalArgumentException(
          "the tensor '%sweight' must have the shape [out, in], both at least 1, but is %s"
              .formatted(name, weight));
    }
    double[] weights = doubles(name + "weight");
    double[] bias = doubles(name + "bias", shape[0]);
    List<Unit> units = units(name + "units", shape[0]);
    try {
      return Layer.dense((int) shape[1], weights, bias, units).compressed();
    } catch (IllegalArgumentException e) {
      throw new IllegalArgumentException(name + e.getMessage(), e);
    }
  }

  private List<Unit> units(String name, long count) {
    tensor(name);
    byte[] codes = file.bytes(name, count);
    Unit[] units = new Unit[codes.length];
    for (int i = 0; i < codes.length; i++) {
      try {
        units[i] = Unit.ofCode(Byte.toUnsignedInt(codes[i]));
      } catch (IllegalArgumentException e) {
        throw new IllegalArgumentException("%s[%d]: %s".formatted(name, i, e.getMessage()), e);
      }
    }
    return Arrays.asList(units);
  }

  private Frame frame(String prefix, boolean residual, int inputs) {
    double inputScale = scale(prefix + "c_in");
    double outputScale = scale(prefix + "c_out");
    Frame frame =
        residual ? Frame.residual(inputScale, outputScale) : Frame.scaled(inputScale, outputScale);
    String clamp = prefix + "clamp";
    if (!file.tensors().containsKey(clamp)) {
      return frame;
    }
    double[] bounds = doubles(clamp, 2, inputs);
    return frame.withClamp(
        Arrays.copyOf(bounds, inputs), Arrays.copyOfRange(bounds, inputs, 2 * inputs));
  }

  private double scale(String name) {
    if (!file.tensors().containsKey(name)) {
      return 1;
    }
    tensorsRead.add(name);
    double scale = file.doubleValue(name);
    if (!(scale > 0 && Double.isFinite(scale))) {
      throw new IllegalArgumentException(
          "the tensor '%s' must be finite and > 0, but is %s".formatted(name, scale));
    }
    return scale;
  }

  private Tensor tensor(String name) {
    tensorsRead.add(name);
    return file.tensor(name);
  }

  private double[] doubles(String name, long... shape) {
    tensorsRead.add(name);
    return file.doubles(name, shape);
  }

  private String text(String key) {
    keysRead.add(key);
    return file.text(key);
  }

  private static IllegalArgumentException refused(String key, String allowed, String given) {
    return new IllegalArgumentException(
        "the metadata %s %s, but is %s".formatted(key, allowed, FileFormatException.quote(given)));
  }

  private void keepOwn(String key, String text, Map<String, String> metadata) {
    if (!key.startsWith(NetworkFile.RESERVED)) {
      metadata.put(key, text);
    } else if (!keysRead.contains(key)) {
      throw new IllegalArgumentException(
          "has the metadata %s, which is none of its format; own keys must not begin with fewstep."
              .formatted(FileFormatException.quote(key)));
    }
  }

  private void requireNoTensorLeft() {
    for (String name : file.tensors().keySet()) {
      if (!tensorsRead.contains(name)) {
        throw new IllegalArgumentException(
            "has the tensor %s, which belongs to no layer: allowed are layers.<i>.weight, bias and"
                    .formatted(FileFormatException.quote(name))
                + " units with i from 0 without a gap, c_in, c_out and clamp");
      }
    }
  }
}
