package org.fewstep.io;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.Random;
import net.jqwik.api.Arbitraries;
import net.jqwik.api.Arbitrary;
import net.jqwik.api.ForAll;
import net.jqwik.api.From;
import net.jqwik.api.Property;
import net.jqwik.api.Provide;
import net.jqwik.api.lifecycle.AfterContainer;
import net.jqwik.api.lifecycle.BeforeContainer;
import org.fewstep.backend.Precision;
import org.fewstep.diffusion.Diffusions;
import org.fewstep.network.Frame;
import org.fewstep.network.Network;
import org.fewstep.network.NetworkShape;
import org.fewstep.network.Unit;

/** What is written comes back, to the bit, whatever it is. */
class TensorRoundTripTest {

  private static Path file;

  @BeforeContainer
  static void makeFile() throws IOException {
    file = Files.createTempFile("fewstep-tensors", ".safetensors");
  }

  @AfterContainer
  static void deleteFile() throws IOException {
    Files.delete(file);
  }

  @Provide
  Arbitrary<Tensor> tensors() {
    return Arbitraries.randomValue(TensorRoundTripTest::tensor);
  }

  private static Tensor tensor(Random random) {
    long[] shape = new long[random.nextInt(1, 4)];
    int count = 1;
    for (int i = 0; i < shape.length; i++) {
      shape[i] = random.nextInt(5);
      count *= (int) shape[i];
    }
    return switch (random.nextInt(6)) {
      case 0 ->
          Tensor.of(random.longs(count).mapToDouble(Double::longBitsToDouble).toArray(), shape);
      case 1 -> Tensor.of(random.longs(count).toArray(), shape);
      case 2 -> Tensor.scalar(random.nextLong());
      case 3 -> Tensor.scalar(random.nextGaussian());
      case 4 -> {
        byte[] bytes = new byte[count];
        random.nextBytes(bytes);
        yield Tensor.of(bytes, shape);
      }
      default -> {
        float[] floats = new float[count];
        for (int i = 0; i < count; i++) {
          floats[i] = Float.intBitsToFloat(random.nextInt());
        }
        yield Tensor.of(floats, shape);
      }
    };
  }

  private static boolean encodable(String text) {
    return StandardCharsets.UTF_8.newEncoder().canEncode(text);
  }

  @Provide
  Arbitrary<String> texts() {
    return Arbitraries.strings()
        .all()
        .ofMaxLength(8)
        .filter(text -> encodable(text) && !text.equals("__metadata__"));
  }

  @Property(tries = 500)
  void tensorsAndTexts(
      @ForAll List<@From("tensors") Tensor> tensors,
      @ForAll Map<@From("texts") String, @From("texts") String> texts)
      throws IOException {
    TensorFile.Builder builder = TensorFile.builder().texts(texts);
    for (int i = 0; i < tensors.size(); i++) {
      builder.put(i + " " + String.join("", texts.keySet()), tensors.get(i));
    }
    TensorFile written = builder.build();
    SafeTensors.write(file, written);
    TensorFile read = SafeTensors.read(file);
    assertThat(read).isEqualTo(written);
    assertThat(read.tensors().keySet()).containsExactlyElementsOf(written.tensors().keySet());
    assertThat(read.metadata().keySet()).containsExactlyElementsOf(written.metadata().keySet());
    byte[] bytes = Files.readAllBytes(file);
    assertThat((bytes.length - dataBytes(read)) % 8).isZero();
    SafeTensors.write(file, read);
    assertThat(Files.readAllBytes(file)).isEqualTo(bytes);
  }

  private static long dataBytes(TensorFile file) {
    return file.tensors().values().stream()
        .mapToLong(tensor -> (long) tensor.count() * tensor.type().bytes())
        .sum();
  }

  @Property(tries = 300)
  void networks(@ForAll long seed) throws IOException {
    Random random = new Random(seed);
    int width = random.nextInt(1, 9);
    NetworkShape shape =
        NetworkShape.of(
            3,
            List.of(
                NetworkShape.mixed(width, random.nextInt(3)), NetworkShape.units(2, Unit.LINEAR)));
    double[] parameters = random.doubles(shape.parameters(), -1e9, 1e9).toArray();
    for (int i = 0; i < parameters.length; i++) {
      parameters[i] = random.nextInt(3) == 0 ? parameters[i] : 0;
    }
    double low = random.nextDouble();
    Network network =
        Network.of(shape.layersOf(parameters), Network.Output.values()[random.nextInt(4)])
            .withTimeInput()
            .withTimes(Diffusions.builtIn().get(random.nextInt(4)), low * 1e-7, low)
            .withFrame(
                Frame.residual(1 / low, random.nextDouble() + 1e-9)
                    .withClamp(new double[] {-low, -1 / low}, new double[] {0, 1 / low}));
    NetworkFiles.write(file, network, Precision.FLOAT64);
    Network again = NetworkFiles.read(file).networks().get(0);
    assertThat(again.shape()).isEqualTo(shape);
    assertThat(again.flatParameters()).isEqualTo(parameters);
    assertThat(again.frame()).isEqualTo(network.frame());
    assertThat(again.process()).isEqualTo(network.process());
    assertThat(again.output()).isEqualTo(network.output());
    assertThat(again.takesTime()).isTrue();
    assertThat(again.timeLow()).isEqualTo(network.timeLow());
    assertThat(again.timeHigh()).isEqualTo(network.timeHigh());
  }
}
