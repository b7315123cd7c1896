package org.fewstep.io;

import com.fasterxml.jackson.core.JsonFactory;
import com.fasterxml.jackson.core.JsonGenerator;
import com.fasterxml.jackson.core.JsonParser;
import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.core.JsonToken;
import com.fasterxml.jackson.core.StreamReadConstraints;
import com.fasterxml.jackson.core.StreamReadFeature;
import com.fasterxml.jackson.core.StreamWriteFeature;
import java.io.IOException;
import java.io.InputStream;
import java.nio.channels.Channels;
import java.nio.channels.FileChannel;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.HashMap;
import java.util.Map;
import java.util.Set;
import java.util.function.IntToDoubleFunction;
import java.util.stream.Collectors;
import org.fewstep.mixture.Covariance;
import org.fewstep.mixture.DiagonalCovariance;
import org.fewstep.mixture.FullCovariance;
import org.fewstep.mixture.GaussianMixture;
import org.fewstep.mixture.IsotropicCovariance;

/**
 * Gaussian mixtures as JSON:
 *
 * <pre>{@code
 * {"weights": [0.5, 0.5], "means": [[-1.0], [1.0]],
 *  "covariance": {"kind": "isotropic", "sigma": 0.05}}
 * }</pre>
 *
 * <p>Weights may be left out (equal) and are normalised. The covariance is {@code
 * {"kind":"isotropic","sigma": s or [s1..sK]}}, {@code {"kind":"diagonal","variances": [d] or
 * [[d]..K]}} or {@code {"kind":"full","matrices": [[d]..d] or [[[d]..d]..K]}}. Reading is strict:
 * unknown and duplicate keys, numbers that are not finite, and anything after the object are
 * refused.
 */
public final class MixtureJson {

  /** Larger mixtures are data sets, which .npy holds better. */
  private static final long MAX_DOCUMENT = 1L << 28;

  private static final JsonFactory FACTORY =
      JsonFactory.builder()
          .enable(StreamReadFeature.STRICT_DUPLICATE_DETECTION)
          .disable(StreamWriteFeature.AUTO_CLOSE_TARGET)
          .streamReadConstraints(
              StreamReadConstraints.builder()
                  .maxNestingDepth(8)
                  .maxNumberLength(1000)
                  .maxStringLength(1000)
                  .maxNameLength(1000)
                  .maxDocumentLength(MAX_DOCUMENT)
                  .build())
          .build();

  private MixtureJson() {}

  /**
   * Reads a mixture.
   *
   * @throws FileFormatException if the file is not such a mixture
   * @throws IOException if the file is missing or cannot be read
   */
  public static GaussianMixture read(Path path) throws IOException {
    try (FileChannel channel = InputFile.open(path);
        InputStream stream = Channels.newInputStream(channel);
        JsonParser parser = FACTORY.createParser(stream)) {
      return new Reader(path, parser).mixture();
    } catch (JsonProcessingException e) {
      throw new FileFormatException(path, describe(e), e);
    }
  }

  /** Jackson's own message without the location in its many words, on one line. */
  private static String describe(JsonProcessingException e) {
    String place =
        e.getLocation() == null ? "" : " (line %d)".formatted(e.getLocation().getLineNr());
    String message = e.getOriginalMessage().lines().findFirst().orElse("is malformed");
    return "is not JSON as it must be: " + message + place;
  }

  /** Writes a mixture. See {@link AtomicFile}. */
  public static void write(Path path, GaussianMixture mixture) throws IOException {
    AtomicFile.write(
        path,
        channel -> {
          try (JsonGenerator out = FACTORY.createGenerator(Channels.newOutputStream(channel))) {
            write(out, mixture);
            out.writeRaw('\n');
          }
        });
  }

  private static void write(JsonGenerator out, GaussianMixture mixture) throws IOException {
    int components = mixture.components();
    int dimension = mixture.dimension();
    out.writeStartObject();
    out.writeFieldName("weights");
    writeRow(out, components, mixture::weight);
    out.writeFieldName("means");
    out.writeStartArray();
    for (int k = 0; k < components; k++) {
      int component = k;
      writeRow(out, dimension, i -> mixture.mean(component, i));
    }
    out.writeEndArray();
    out.writeObjectFieldStart("covariance");
    writeCovariance(out, mixture.covariance(), dimension);
    out.writeEndObject();
    out.writeEndObject();
  }

  private static void writeCovariance(JsonGenerator out, Covariance covariance, int dimension)
      throws IOException {
    switch (covariance) {
      case IsotropicCovariance isotropic -> {
        out.writeStringField("kind", "isotropic");
        out.writeFieldName("sigma");
        if (isotropic.shared()) {
          out.writeNumber(isotropic.sigma(0));
        } else {
          writeRow(out, isotropic.count(), isotropic::sigma);
        }
      }
      case DiagonalCovariance diagonal -> {
        out.writeStringField("kind", "diagonal");
        out.writeFieldName("variances");
        writeEach(out, diagonal, k -> writeRow(out, dimension, i -> diagonal.eigenvalue(k, i)));
      }
      case FullCovariance full -> {
        out.writeStringField("kind", "full");
        out.writeFieldName("matrices");
        writeEach(out, full, k -> writeMatrix(out, full, k));
      }
    }
  }

  private static void writeMatrix(JsonGenerator out, FullCovariance full, int component)
      throws IOException {
    out.writeStartArray();
    for (int i = 0; i < full.dimension(); i++) {
      int row = i;
      writeRow(out, full.dimension(), j -> entry(full, component, row, j));
    }
    out.writeEndArray();
  }

  /** Entry (i, j) of Q diag(lambda) Q', the same to the bit as entry (j, i). */
  private static double entry(FullCovariance full, int component, int i, int j) {
    double sum = 0;
    for (int l = 0; l < full.dimension(); l++) {
      double product = full.eigenvector(component, i, l) * full.eigenvector(component, j, l);
      sum += full.eigenvalue(component, l) * product;
    }
    return sum;
  }

  /** Writes what belongs to one component. */
  private interface ComponentWriter {
    void write(int component) throws IOException;
  }

  private static void writeEach(JsonGenerator out, Covariance covariance, ComponentWriter writer)
      throws IOException {
    if (covariance.shared()) {
      writer.write(0);
      return;
    }
    out.writeStartArray();
    for (int k = 0; k < covariance.count(); k++) {
      writer.write(k);
    }
    out.writeEndArray();
  }

  private static void writeRow(JsonGenerator out, int length, IntToDoubleFunction entries)
      throws IOException {
    out.writeStartArray();
    for (int i = 0; i < length; i++) {
      out.writeNumber(entries.applyAsDouble(i));
    }
    out.writeEndArray();
  }

  /** One document being read. */
  private static final class Reader {

    private final Path path;
    private final JsonParser parser;

    private Reader(Path path, JsonParser parser) {
      this.path = path;
      this.parser = parser;
    }

    private GaussianMixture mixture() throws IOException {
      parser.nextToken();
      NumberArray weights = null;
      NumberArray means = null;
      Covariance covariance = null;
      requireObject("the mixture");
      while (parser.nextToken() != JsonToken.END_OBJECT) {
        String key = parser.currentName();
        parser.nextToken();
        switch (key) {
          case "weights" -> weights = numbers("weights", 1);
          case "means" -> means = numbers("means", 2);
          case "covariance" -> covariance = covariance();
          default -> throw unknown(key, "weights, means and covariance");
        }
      }
      if (parser.nextToken() != null) {
        throw malformed("must hold one object, but something follows it");
      }
      requireKey("means", means);
      requireKey("covariance", covariance);
      try {
        return weights == null
            ? GaussianMixture.of(means.matrix(), covariance)
            : GaussianMixture.of(weights.vector(), means.matrix(), covariance);
      } catch (IllegalArgumentException e) {
        throw new FileFormatException(path, e.getMessage(), e);
      }
    }

    private Covariance covariance() throws IOException {
      requireObject("covariance");
      String kind = null;
      Map<String, NumberArray> parameters = new HashMap<>();
      while (parser.nextToken() != JsonToken.END_OBJECT) {
        String key = parser.currentName();
        parser.nextToken();
        switch (key) {
          case "kind" -> kind = kind();
          case "sigma" -> parameters.put(key, numbers(key, 0, 1));
          case "variances" -> parameters.put(key, numbers(key, 1, 2));
          case "matrices" -> parameters.put(key, numbers(key, 2, 3));
          default -> throw unknown(key, "kind and one of sigma, variances and matrices");
        }
      }
      requireKey("covariance.kind", kind);
      try {
        return switch (kind) {
          case "isotropic" -> isotropic(only(parameters, kind, "sigma"));
          case "diagonal" -> diagonal(only(parameters, kind, "variances"));
          case "full" -> full(only(parameters, kind, "matrices"));
          default ->
              throw new IllegalArgumentException(
                  "covariance.kind must be isotropic, diagonal or full, but is "
                      + FileFormatException.quote(kind));
        };
      } catch (IllegalArgumentException e) {
        throw new FileFormatException(path, e.getMessage(), e);
      }
    }

    private static Covariance isotropic(NumberArray sigma) {
      return sigma.rank() == 0
          ? Covariance.isotropic(sigma.scalar())
          : Covariance.isotropic(sigma.vector());
    }

    private static Covariance diagonal(NumberArray variances) {
      return variances.rank() == 1
          ? Covariance.diagonal(variances.vector())
          : Covariance.diagonal(variances.matrix());
    }

    private static Covariance full(NumberArray matrices) {
      return matrices.rank() == 2
          ? Covariance.full(matrices.matrix())
          : Covariance.full(matrices.cube());
    }

    private static NumberArray only(
        Map<String, NumberArray> parameters, String kind, String wanted) {
      if (!parameters.keySet().equals(Set.of(wanted))) {
        throw new IllegalArgumentException(
            "a covariance of the kind %s must have the keys kind and %s, but has kind and %s"
                .formatted(kind, wanted, parameters.keySet().stream().sorted().toList()));
      }
      return parameters.get(wanted);
    }

    private String kind() throws IOException {
      if (parser.currentToken() != JsonToken.VALUE_STRING) {
        throw malformed("covariance.kind must be a string");
      }
      return parser.getText();
    }

    private NumberArray numbers(String key, int... ranks) throws IOException {
      NumberArray array;
      try {
        array = NumberArray.read(parser, key);
      } catch (IllegalArgumentException e) {
        throw malformed(e.getMessage());
      }
      for (int rank : ranks) {
        if (array.rank() == rank) {
          return array;
        }
      }
      throw malformed(
          "%s must be %s, but is %s"
              .formatted(
                  key,
                  Arrays.stream(ranks)
                      .mapToObj(NumberArray::describe)
                      .collect(Collectors.joining(" or ")),
                  NumberArray.describe(array.rank())));
    }

    private void requireObject(String what) {
      if (parser.currentToken() != JsonToken.START_OBJECT) {
        throw malformed(what + " must be a JSON object");
      }
    }

    private void requireKey(String key, Object value) {
      if (value == null) {
        throw new FileFormatException(path, "must have the key " + key);
      }
    }

    private FileFormatException unknown(String key, String allowed) {
      return malformed(
          "the key %s is unknown; allowed are %s"
              .formatted(FileFormatException.quote(key), allowed));
    }

    private FileFormatException malformed(String reason) {
      return new FileFormatException(
          path, reason + " (line %d)".formatted(parser.currentLocation().getLineNr()));
    }
  }
}
