package org.fewstep.io;

import java.io.IOException;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import org.fewstep.backend.Precision;
import org.fewstep.network.Network;

/**
 * Networks as safetensors files, format 1. Of a network, with layers i = 0, 1, … of {@code in}
 * inputs and {@code out} units, they hold the tensors
 *
 * <table>
 * <caption>Tensors of a network</caption>
 * <tr><th>name</th><th>type and shape</th><th>what it is</th></tr>
 * <tr><td>{@code layers.<i>.weight}</td><td>F64 or F32 [out, in]</td>
 *     <td>the weights, finite, zeros included</td></tr>
 * <tr><td>{@code layers.<i>.bias}</td><td>F64 or F32 [out]</td><td>the biases, finite</td></tr>
 * <tr><td>{@code layers.<i>.units}</td><td>U8 [out]</td>
 *     <td>what each unit does: 0 linear, 1 ReLU, 2 ReQU</td></tr>
 * <tr><td>{@code c_in}</td><td>F64 []</td><td>inputs are divided by it; left out if 1</td></tr>
 * <tr><td>{@code c_out}</td><td>F64 []</td>
 *     <td>the output of the layers is multiplied by it; left out if 1</td></tr>
 * <tr><td>{@code clamp}</td><td>F64 [2, d]</td>
 *     <td>the least and the largest value of each input; left out if there is none</td></tr>
 * </table>
 *
 * <p>and the metadata (all of them texts; times are decimal numbers that round-trip, or {@code
 * Infinity})
 *
 * <table>
 * <caption>Metadata of a network</caption>
 * <tr><th>key</th><th>value</th></tr>
 * <tr><td>{@code fewstep.format}</td><td>{@code 1}, once a file</td></tr>
 * <tr><td>{@code fewstep.segments}</td>
 *     <td>the number of networks, once a file; left out if there is one</td></tr>
 * <tr><td>{@code fewstep.output}</td>
 *     <td>{@code score}, {@code velocity}, {@code denoised} or {@code displacement}</td></tr>
 * <tr><td>{@code fewstep.time_input}</td>
 *     <td>{@code true} if the last input of layer 0 is the time, else {@code false}</td></tr>
 * <tr><td>{@code fewstep.residual}</td>
 *     <td>{@code true} if the clamped input is added to the output, else {@code false}</td></tr>
 * <tr><td>{@code fewstep.process}</td><td>{@code ou}, {@code vp}, {@code vp-cosine} or {@code ve};
 *     left out, with both times, if none was named</td></tr>
 * <tr><td>{@code fewstep.time_low}</td><td>the smallest time (data)</td></tr>
 * <tr><td>{@code fewstep.time_high}</td><td>the largest time (noise)</td></tr>
 * </table>
 *
 * <p>A file of several networks (see {@link NetworkFile}) numbers them s = 0, 1, … from noise to
 * data, and has {@code segments.<s>.} before the name of every tensor, as in {@code
 * segments.0.layers.1.bias} or {@code segments.0.c_in}, and in every key but the first two, as in
 * {@code fewstep.segments.0.output}. Keys that do not begin with {@code fewstep.} are the user's.
 *
 * <p>Reading is strict: a tensor or a key of the format that is missing, or is none of these, is
 * refused. Layers with many zeros come back in sparse form.
 */
public final class NetworkFiles {

  private NetworkFiles() {}

  /**
   * Reads a file.
   *
   * @throws FileFormatException if it is not such a file
   * @throws IllegalArgumentException if its memory is not to be had
   * @throws IOException if it is missing or cannot be read
   */
  public static NetworkFile read(Path path) throws IOException {
    TensorFile file = SafeTensors.read(path);
    try {
      return new NetworkDecoder(file).decode();
    } catch (IllegalArgumentException e) {
      throw new FileFormatException(path, e.getMessage(), e);
    } catch (OutOfMemoryError e) {
      throw SafeTensors.tooLarge(path, "more", e);
    }
  }

  /** Writes one network; see {@link #write(Path, List, Precision, Map)}. */
  public static void write(Path path, Network network, Precision precision) throws IOException {
    write(path, List.of(network), precision, Map.of());
  }

  /**
   * Writes networks. See {@link AtomicFile}.
   *
   * @param networks at least one; several as in {@link NetworkFile}; their processes built-in ones
   *     with their default parameters
   * @param precision of weights and biases: FLOAT64 keeps their bits, FLOAT32 rounds them
   * @param metadata texts to go with them; no key begins with {@code fewstep.}
   * @throws IllegalArgumentException if a network has no form in such a file
   */
  public static void write(
      Path path, List<Network> networks, Precision precision, Map<String, String> metadata)
      throws IOException {
    NetworkFile file = new NetworkFile(networks, metadata);
    SafeTensors.write(path, new NetworkEncoder(precision).encode(file));
  }
}
