package org.fewstep.io;

import java.util.Arrays;
import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.function.Function;

/**
 * The content of a safetensors file: tensors by name, and texts by key. Made by {@link #builder()},
 * read and written by {@link SafeTensors}:
 *
 * <pre>{@code
 * TensorFile checkpoint =
 *     TensorFile.builder()
 *         .put("parameters", parameters)
 *         .put("step", step)
 *         .text("configuration", configuration)
 *         .build();
 * }</pre>
 *
 * <p>Immutable; both maps keep the order in which entries were put, and equality does not see it.
 *
 * @param tensors by name; {@code __metadata__} is no name
 * @param metadata the texts by key
 */
public record TensorFile(Map<String, Tensor> tensors, Map<String, String> metadata) {

  /** The name in the header that stands for the metadata. */
  static final String METADATA = "__metadata__";

  /**
   * Copies both maps.
   *
   * @throws IllegalArgumentException if a tensor is called {@code __metadata__}
   */
  public TensorFile {
    if (tensors.containsKey(METADATA)) {
      throw new IllegalArgumentException(
          "tensors must not have the name __metadata__, which the format keeps for texts");
    }
    tensors = Collections.unmodifiableMap(new LinkedHashMap<>(tensors));
    metadata = Collections.unmodifiableMap(new LinkedHashMap<>(metadata));
  }

  /** A file with nothing in it yet. */
  public static Builder builder() {
    return new Builder();
  }

  /**
   * The tensor of that name.
   *
   * @throws IllegalArgumentException if there is none
   */
  public Tensor tensor(String name) {
    Tensor tensor = tensors.get(name);
    if (tensor == null) {
      throw new IllegalArgumentException(
          "must have the tensor %s, but has not".formatted(FileFormatException.quote(name)));
    }
    return tensor;
  }

  /**
   * The values of a tensor of float64, or of float32, which are widened.
   *
   * @param shape what its shape must be; without any extent, every shape is right
   * @throws IllegalArgumentException if there is none, or it has another type or shape
   */
  public double[] doubles(String name, long... shape) {
    return values(name, Tensor::toDoubles, shape);
  }

  /** The values of a tensor of float32; see {@link #doubles}. */
  public float[] floats(String name, long... shape) {
    return values(name, Tensor::toFloats, shape);
  }

  /** The values of a tensor of integers; see {@link #doubles}. */
  public long[] longs(String name, long... shape) {
    return values(name, Tensor::toLongs, shape);
  }

  /** The values of a tensor of unsigned bytes; see {@link #doubles}. */
  public byte[] bytes(String name, long... shape) {
    return values(name, Tensor::toBytes, shape);
  }

  /** The one value of a tensor of float64 or float32, of shape [] or [1]; see {@link #doubles}. */
  public double doubleValue(String name) {
    return requireSingle(name).doubles(name)[0];
  }

  /** The one value of a tensor of integers, of shape [] or [1]; see {@link #doubles}. */
  public long longValue(String name) {
    return requireSingle(name).longs(name)[0];
  }

  /**
   * The text of that key.
   *
   * @throws IllegalArgumentException if there is none
   */
  public String text(String key) {
    String text = metadata.get(key);
    if (text == null) {
      throw new IllegalArgumentException(
          "must have the metadata %s, but has not".formatted(FileFormatException.quote(key)));
    }
    return text;
  }

  private <A> A values(String name, Function<Tensor, A> values, long... shape) {
    Tensor tensor = tensor(name);
    if (shape.length > 0 && !Arrays.equals(tensor.shape(), shape)) {
      throw refused(
          name, "must have the shape %s, but is %s".formatted(Tensor.describe(shape), tensor));
    }
    try {
      return values.apply(tensor);
    } catch (IllegalArgumentException e) {
      throw refused(name, e.getMessage());
    }
  }

  private TensorFile requireSingle(String name) {
    Tensor tensor = tensor(name);
    if (tensor.count() != 1 || tensor.shape().length > 1) {
      throw refused(name, "must be a single number, but is " + tensor);
    }
    return this;
  }

  private static IllegalArgumentException refused(String name, String reason) {
    return new IllegalArgumentException(
        "the tensor %s %s".formatted(FileFormatException.quote(name), reason));
  }

  /** Collects the content of a file; a name or a key is given once. */
  public static final class Builder {

    private final Map<String, Tensor> tensors = new LinkedHashMap<>();
    private final Map<String, String> metadata = new LinkedHashMap<>();

    private Builder() {}

    /**
     * Adds a tensor.
     *
     * @throws IllegalArgumentException if the name was given before
     */
    public Builder put(String name, Tensor tensor) {
      if (tensors.putIfAbsent(name, tensor) != null) {
        throw new IllegalArgumentException(
            "name must be new, but there is a tensor " + FileFormatException.quote(name));
      }
      return this;
    }

    /**
     * Adds a tensor of float64.
     *
     * @param shape the extents; without any, [n] of n values
     */
    public Builder put(String name, double[] values, long... shape) {
      return put(name, Tensor.of(values, shape));
    }

    /** Adds a tensor of float32; see {@link #put(String, double[], long...)}. */
    public Builder put(String name, float[] values, long... shape) {
      return put(name, Tensor.of(values, shape));
    }

    /** Adds a tensor of integers; see {@link #put(String, double[], long...)}. */
    public Builder put(String name, long[] values, long... shape) {
      return put(name, Tensor.of(values, shape));
    }

    /** Adds a tensor of unsigned bytes; see {@link #put(String, double[], long...)}. */
    public Builder put(String name, byte[] values, long... shape) {
      return put(name, Tensor.of(values, shape));
    }

    /** Adds one float64, of shape []. */
    public Builder put(String name, double value) {
      return put(name, Tensor.scalar(value));
    }

    /** Adds one integer, of shape []. */
    public Builder put(String name, long value) {
      return put(name, Tensor.scalar(value));
    }

    /**
     * Adds a text.
     *
     * @throws IllegalArgumentException if the key was given before
     */
    public Builder text(String key, String value) {
      if (metadata.putIfAbsent(key, value) != null) {
        throw new IllegalArgumentException(
            "key must be new, but there is a text " + FileFormatException.quote(key));
      }
      return this;
    }

    /** Adds texts; see {@link #text(String, String)}. */
    public Builder texts(Map<String, String> values) {
      values.forEach(this::text);
      return this;
    }

    /** What was put so far. */
    public TensorFile build() {
      return new TensorFile(tensors, metadata);
    }
  }
}
