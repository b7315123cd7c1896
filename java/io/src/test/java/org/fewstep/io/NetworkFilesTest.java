package org.fewstep.io;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.fewstep.backend.Precision;
import org.fewstep.diffusion.Diffusion;
import org.fewstep.diffusion.OrnsteinUhlenbeck;
import org.fewstep.diffusion.VariancePreserving;
import org.fewstep.network.Frame;
import org.fewstep.network.Layer;
import org.fewstep.network.Network;
import org.fewstep.network.Unit;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** Against bytes that resources/org/fewstep/io/make_safetensors.py wrote. */
class NetworkFilesTest {

  private static final Diffusion OU = new OrnsteinUhlenbeck();

  @TempDir Path folder;

  /** The network of network.safetensors. */
  private static Network score() {
    Layer hidden =
        Layer.dense(2, new double[] {1, 1, 1, 0}, new double[2], List.of(Unit.REQU, Unit.RELU));
    Layer last = Layer.dense(2, new double[] {0.5, -1.5}, new double[] {0.25}, Unit.LINEAR);
    return Network.of(List.of(hidden, last), Network.Output.SCORE)
        .withTimeInput()
        .withTimes(OU, 1e-3, Double.POSITIVE_INFINITY);
  }

  /** A network of flow.safetensors. */
  private static Network segment(int s) {
    List<Unit> units = List.of(Unit.RELU, Unit.REQU);
    Layer hidden = Layer.dense(2, new double[] {1, 0, 0, 1}, new double[] {s, -s}, units);
    Layer last = Layer.dense(2, new double[] {1.0 / 3, 0, 0, -1}, new double[] {0, 1}, Unit.LINEAR);
    double knot = 0.1 + 0.2;
    return Network.of(List.of(hidden, last), Network.Output.DISPLACEMENT)
        .withFrame(
            Frame.residual(2 + s, 0.1).withClamp(new double[] {-4, -5}, new double[] {4, 5 + s}))
        .withTimes(OU, s == 0 ? knot : 1e-3, s == 0 ? 3 : knot);
  }

  private static void assertSame(Network actual, Network expected) {
    assertThat(actual.shape()).isEqualTo(expected.shape());
    assertThat(actual.flatParameters()).isEqualTo(expected.flatParameters());
    assertThat(actual.frame()).isEqualTo(expected.frame());
    assertThat(actual.output()).isEqualTo(expected.output());
    assertThat(actual.takesTime()).isEqualTo(expected.takesTime());
    assertThat(actual.process()).isEqualTo(expected.process());
    assertThat(actual.timeLow()).isEqualTo(expected.timeLow());
    assertThat(actual.timeHigh()).isEqualTo(expected.timeHigh());
  }

  @Test
  void readsOneNetwork() throws IOException {
    NetworkFile file = NetworkFiles.read(Golden.copy(folder, "network.safetensors"));
    assertThat(file.networks()).hasSize(1);
    assertSame(file.networks().get(0), score());
    assertThat(file.metadata()).containsExactly(Map.entry("tolerance", "0.1"));
    assertThat(file.output()).isEqualTo(Network.Output.SCORE);
    assertThat(file.inputs()).isEqualTo(1);
    assertThat(file.outputs()).isEqualTo(1);
  }

  @Test
  void readsSeveralNetworks() throws IOException {
    NetworkFile file = NetworkFiles.read(Golden.copy(folder, "flow.safetensors"));
    assertThat(file.networks()).hasSize(2);
    assertSame(file.networks().get(0), segment(0));
    assertSame(file.networks().get(1), segment(1));
    assertThat(file.metadata()).isEmpty();
    assertThat(file.timeLow()).isEqualTo(1e-3);
    assertThat(file.timeHigh()).isEqualTo(3);
    assertThat(file.parameters()).isEqualTo(24);
    assertThat(file.at("t", 0.1 + 0.2)).isSameAs(file.networks().get(0));
    assertThat(file.at("t", 0.3)).isSameAs(file.networks().get(1));
    assertThatThrownBy(() -> file.at("--time", Double.NaN))
        .hasMessage("--time must lie in [0.001, 3.0], the times of the network, but is NaN");
  }

  @Test
  void writesTheGoldenBytes() throws IOException {
    Path target = folder.resolve("out.safetensors");
    Map<String, String> metadata = Map.of("tolerance", "0.1");
    NetworkFiles.write(target, List.of(score()), Precision.FLOAT32, metadata);
    assertThat(target).hasSameBinaryContentAs(Golden.copy(folder, "network.safetensors"));
    NetworkFiles.write(target, List.of(segment(0), segment(1)), Precision.FLOAT64, Map.of());
    assertThat(target).hasSameBinaryContentAs(Golden.copy(folder, "flow.safetensors"));
  }

  @Test
  void keepsANetworkWithoutTimesOrFrame() throws IOException {
    Network plain = Network.of(segment(0).layers(), Network.Output.VELOCITY);
    Path target = folder.resolve("plain.safetensors");
    NetworkFiles.write(target, plain, Precision.FLOAT64);
    assertSame(NetworkFiles.read(target).networks().get(0), plain);
    assertThat(SafeTensors.read(target).metadata().keySet())
        .containsExactly(
            "fewstep.format", "fewstep.output", "fewstep.time_input", "fewstep.residual");
  }

  @Test
  void layersOfManyZerosComeBackSparse() throws IOException {
    double[] identity = new double[64];
    for (int i = 0; i < 8; i++) {
      identity[9 * i] = 1.0 / 3;
    }
    Layer layer = Layer.dense(8, identity, new double[8], Unit.RELU);
    Path target = folder.resolve("sparse.safetensors");
    for (Layer form : List.of(layer, layer.compressed())) {
      NetworkFiles.write(
          target, Network.of(List.of(form), Network.Output.DENOISED), Precision.FLOAT64);
      Layer again = NetworkFiles.read(target).networks().get(0).layers().get(0);
      assertThat(again.isSparse()).isTrue();
      assertThat(again.weights()).isEqualTo(identity);
    }
  }

  @Test
  void roundsToFloat32WhenAsked() throws IOException {
    Path target = folder.resolve("narrow.safetensors");
    NetworkFiles.write(target, segment(0), Precision.FLOAT32);
    Network again = NetworkFiles.read(target).networks().get(0);
    assertThat(again.layers().get(1).value(0)).isEqualTo((float) (1.0 / 3));
    assertThat(again.frame()).isEqualTo(segment(0).frame());
    Layer large = Layer.dense(1, new double[] {1e39}, new double[1], Unit.LINEAR);
    Network network = Network.of(List.of(large), Network.Output.SCORE);
    byte[] before = Files.readAllBytes(target);
    assertThatThrownBy(() -> NetworkFiles.write(target, network, Precision.FLOAT32))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageContaining("layers.0.weight must fit float32, but has the value 1.0E39");
    assertThat(target).hasBinaryContent(before);
  }

  /** One thing of a good file changed: {@code key=text}, {@code -key}, {@code -tensor}. */
  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      quoteCharacter = '~',
      value = {
        "-fewstep.format | must hold a network of fewstep, with the metadata fewstep.format",
        "fewstep.format=2 | must have the format 1, which this version of fewstep reads, but has"
            + " '2'",
        "fewstep.colour=red | has the metadata 'fewstep.colour', which is none of its format",
        "fewstep.output=score | has the metadata 'fewstep.output', which is none of its format",
        "fewstep.segments=3 | must have the metadata 'fewstep.segments.2.output', but has not",
        "fewstep.segments=999999999 | must have the metadata 'fewstep.segments.2.output'",
        "fewstep.segments=1 | must be a whole number from 2, or be left out, but is '1'",
        "fewstep.segments=two | must be a whole number from 2",
        "-fewstep.segments | must have the metadata 'fewstep.output', but has not",
        "fewstep.segments.1.output=score | segments.1 must have the output of the one before,"
            + " displacement, but has score",
        "fewstep.segments.1.output=size | must be score, velocity, denoised or displacement",
        "-fewstep.segments.1.time_input | must have the metadata 'fewstep.segments.1.time_input'",
        "fewstep.segments.1.time_input=yes | must be true or false, but is 'yes'",
        "fewstep.segments.1.residual=TRUE | must be true or false, but is 'TRUE'",
        "fewstep.segments.1.time_input=true | the tensor 'segments.1.clamp' must have the shape"
            + " [2, 1], but is F64[2, 2]",
        "fewstep.segments.1.process=sde | must be one of ou, vp, vp-cosine, ve, but is 'sde'",
        "fewstep.segments.1.process=ve | segments.1 must have the process of the one before",
        "-fewstep.segments.1.process | must have the metadata 'fewstep.segments.1.process'",
        "-fewstep.segments.1.time_low | must have the metadata 'fewstep.segments.1.time_low'",
        "fewstep.segments.1.time_low=NaN | must be a decimal number >= 0 or Infinity",
        "fewstep.segments.1.time_low=-1.0 | must be a decimal number >= 0 or Infinity",
        "fewstep.segments.1.time_low=0x1p3 | must be a decimal number >= 0 or Infinity",
        "fewstep.segments.1.time_low=2.0 | segments.1.low must be at most high",
        "fewstep.segments.1.time_high=0.2 | segments.1 must start at the time 0.30000000000000004,"
            + " where the one before ends, but starts at 0.2",
        "-segments.0.layers.0.weight | must have the tensor 'segments.0.layers.0.weight'",
        "-segments.0.layers.1.weight | the tensor 'segments.0.layers.1.bias', which belongs to no",
        "-segments.0.layers.1.bias | must have the tensor 'segments.0.layers.1.bias'",
        "-segments.0.layers.1.units | must have the tensor 'segments.0.layers.1.units'",
      })
  void refusesOtherTexts(String change, String reason) throws IOException {
    TensorFile good = SafeTensors.read(Golden.copy(folder, "flow.safetensors"));
    Map<String, String> metadata = new LinkedHashMap<>(good.metadata());
    Map<String, Tensor> tensors = new LinkedHashMap<>(good.tensors());
    if (change.startsWith("-")) {
      String name = change.substring(1);
      assertThat(metadata.remove(name) != null || tensors.remove(name) != null).isTrue();
    } else {
      metadata.put(change.split("=")[0], change.split("=")[1]);
    }
    assertRefused(new TensorFile(tensors, metadata), reason);
  }

  @Test
  void refusesOtherTensors() throws IOException {
    double nan = Double.NaN;
    assertRefused("layers.0.weight", Tensor.of(new double[4]), "must have the shape [out, in]");
    assertRefused("layers.0.weight", Tensor.of(new double[0], 0, 2), "both at least 1");
    assertRefused("layers.0.weight", Tensor.of(new long[4], 2, 2), "must be of type F64 or F32");
    assertRefused(
        "layers.0.weight",
        Tensor.of(new double[] {1, 2, nan, 4}, 2, 2),
        "segments.1.layers.0.weights[2] must be finite, but is NaN");
    assertRefused("layers.0.bias", Tensor.of(new double[] {0, 1 / 0.0}), "bias[1] must be finite");
    assertRefused("layers.0.bias", Tensor.of(new double[3]), "must have the shape [2], but is");
    assertRefused("layers.0.units", Tensor.of(new byte[] {0, 3}), "units[1]: unit must be 0");
    assertRefused("layers.0.units", Tensor.of(new byte[] {-1, 0}), "but is 255");
    assertRefused("layers.0.units", Tensor.of(new long[] {0, 1}), "must be of type U8");
    assertRefused(
        "layers.0.units", Tensor.of(new byte[3]), "must have the shape [2], but is U8[3]");
    assertRefused(
        "layers.1.weight",
        Tensor.of(new double[6], 2, 3),
        "segments.1.layers[1] must have 2 inputs, the outputs of the one before, but has 3");
    assertRefused("layers.3.weight", Tensor.of(new double[4], 2, 2), "belongs to no layer");
    assertRefused("extra", Tensor.scalar(1.0), "has the tensor 'segments.1.extra'");
    assertRefused("c_in", Tensor.scalar(0.0), "'segments.1.c_in' must be finite and > 0");
    assertRefused("c_out", Tensor.scalar(nan), "'segments.1.c_out' must be finite and > 0");
    assertRefused("c_out", Tensor.of(new double[2]), "must be a single number");
    assertRefused("clamp", Tensor.of(new double[4]), "must have the shape [2, 2], but is F64[4]");
    assertRefused(
        "clamp", Tensor.of(new double[] {1, 0, 0, 0}, 2, 2), "low[0] <= high[0] must be finite");
  }

  private void assertRefused(String name, Tensor tensor, String reason) throws IOException {
    TensorFile good = SafeTensors.read(Golden.copy(folder, "flow.safetensors"));
    Map<String, Tensor> tensors = new LinkedHashMap<>(good.tensors());
    tensors.put("segments.1." + name, tensor);
    assertRefused(new TensorFile(tensors, good.metadata()), reason);
  }

  private void assertRefused(TensorFile file, String reason) throws IOException {
    Path path = folder.resolve("bad.safetensors");
    SafeTensors.write(path, file);
    assertThatThrownBy(() -> NetworkFiles.read(path))
        .isInstanceOf(FileFormatException.class)
        .hasMessageStartingWith(path.toString())
        .hasMessageContaining(reason)
        .extracting(Throwable::getMessage)
        .asString()
        .hasLineCount(1);
  }

  @Test
  void refusesTruncatedFiles() throws IOException {
    byte[] whole = Golden.bytes("network.safetensors");
    Path cut = folder.resolve("cut.safetensors");
    for (int length = 0; length < whole.length; length++) {
      Files.write(cut, Arrays.copyOf(whole, length));
      assertThatThrownBy(() -> NetworkFiles.read(cut)).isInstanceOf(FileFormatException.class);
    }
  }

  @Test
  void refusesToWriteWhatDoesNotBelongTogether() {
    assertUnwritable(List.of(), Map.of(), "networks must hold at least one network");
    assertUnwritable(List.of(score()), Map.of("fewstep.x", "1"), "has 'fewstep.x'");
    assertUnwritable(List.of(segment(1), segment(0)), Map.of(), "must start at the time 0.001");
    assertUnwritable(List.of(segment(0), score()), Map.of(), "must have the output of the one");
    Network narrow = score().withTimes(OU, 0, 1e-3);
    Network wide = Network.of(List.of(segment(0).layers().get(0)), Network.Output.SCORE);
    assertUnwritable(
        List.of(score(), wide.withTimes(OU, 0, 1e-3)), Map.of(), "must have the number of inputs");
    Network own = narrow.withTimes(new VariancePreserving(0.2, 10), 0, 1);
    assertUnwritable(List.of(own), Map.of(), "one of [ou, vp, vp-cosine, ve] with its default");
  }

  private void assertUnwritable(
      List<Network> networks, Map<String, String> metadata, String reason) {
    Path target = folder.resolve("none.safetensors");
    assertThatThrownBy(() -> NetworkFiles.write(target, networks, Precision.FLOAT64, metadata))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageContaining(reason);
    assertThat(target).doesNotExist();
  }
}
