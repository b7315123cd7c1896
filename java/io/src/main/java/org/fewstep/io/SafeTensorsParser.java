package org.fewstep.io;

import com.fasterxml.jackson.core.JsonFactory;
import com.fasterxml.jackson.core.JsonParser;
import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.core.JsonToken;
import com.fasterxml.jackson.core.StreamReadConstraints;
import com.fasterxml.jackson.core.StreamReadFeature;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;

/**
 * Parses the JSON of a safetensors header. Each tensor is checked by itself: its keys, its type,
 * its shape against its size.
 */
final class SafeTensorsParser {

  /** Names are neither interned nor kept in tables, which hostile ones would fill. */
  static final JsonFactory FACTORY =
      JsonFactory.builder()
          .disable(JsonFactory.Feature.INTERN_FIELD_NAMES)
          .disable(JsonFactory.Feature.CANONICALIZE_FIELD_NAMES)
          .enable(StreamReadFeature.STRICT_DUPLICATE_DETECTION)
          .streamReadConstraints(
              StreamReadConstraints.builder()
                  .maxNestingDepth(4)
                  .maxNumberLength(1000)
                  .maxStringLength(SafeTensorsHeader.MAX_LENGTH)
                  .maxNameLength(SafeTensorsHeader.MAX_LENGTH)
                  .build())
          .build();

  /** The types of the format that have no use here. */
  private static final Set<String> OTHER_TYPES =
      Set.of(
          "BOOL",
          "F4",
          "F6_E2M3",
          "F6_E3M2",
          "I8",
          "F8_E5M2",
          "F8_E4M3",
          "F8_E8M0",
          "F8_E4M3FNUZ",
          "F8_E5M2FNUZ",
          "I16",
          "U16",
          "F16",
          "BF16",
          "I32",
          "U32",
          "U64",
          "C64");

  private static final int MAX_COUNT = Integer.MAX_VALUE - 8;

  private final Path path;
  private final String text;

  SafeTensorsParser(Path path, String text) {
    this.path = path;
    this.text = text;
  }

  /** Parses the header of data that begin at a place in the file. */
  SafeTensorsHeader parse(long dataStart) throws IOException {
    List<SafeTensorsHeader.Entry> entries = new ArrayList<>();
    Map<String, String> metadata = new LinkedHashMap<>();
    try (JsonParser parser = FACTORY.createParser(text)) {
      parser.nextToken();
      while (parser.nextToken() != JsonToken.END_OBJECT) {
        String name = requireUnicode(parser.currentName());
        parser.nextToken();
        if (name.equals(TensorFile.METADATA)) {
          readMetadata(parser, metadata);
        } else {
          entries.add(new TensorReader(parser, name).read());
        }
      }
      if (parser.nextToken() != null) {
        throw new FileFormatException(
            path, "must have a header of one object and spaces, but something follows it");
      }
    } catch (JsonProcessingException e) {
      throw new FileFormatException(path, describe(e), e);
    }
    return new SafeTensorsHeader(List.copyOf(entries), metadata, dataStart);
  }

  /** Jackson's own message without the location in its many words, in plain characters. */
  private static String describe(JsonProcessingException e) {
    String place =
        e.getLocation() == null ? "" : " (character %d)".formatted(e.getLocation().getCharOffset());
    String message = e.getOriginalMessage().lines().findFirst().orElse("is malformed");
    return "must have a header in JSON, but: " + message.replaceAll("[^ -~]", "?") + place;
  }

  private void readMetadata(JsonParser parser, Map<String, String> metadata) throws IOException {
    if (parser.currentToken() != JsonToken.START_OBJECT) {
      throw new FileFormatException(path, "must have an object of texts as its __metadata__");
    }
    while (parser.nextToken() != JsonToken.END_OBJECT) {
      String key = requireUnicode(parser.currentName());
      if (parser.nextToken() != JsonToken.VALUE_STRING) {
        throw new FileFormatException(
            path, "must have a text as the metadata " + FileFormatException.quote(key));
      }
      metadata.put(key, requireUnicode(parser.getText()));
    }
  }

  /** An escape can name half a character, which UTF-8 has no form for. */
  private String requireUnicode(String string) {
    if (!StandardCharsets.UTF_8.newEncoder().canEncode(string)) {
      throw new FileFormatException(
          path,
          "must have names and texts in Unicode, but one has half a character: "
              + FileFormatException.quote(string));
    }
    return string;
  }

  /** One tensor being read. */
  private final class TensorReader {

    private final JsonParser parser;
    private final String name;
    private Tensor.Type type;
    private List<Long> shape;
    private List<Long> offsets;

    private TensorReader(JsonParser parser, String name) {
      this.parser = parser;
      this.name = name;
    }

    private SafeTensorsHeader.Entry read() throws IOException {
      if (parser.currentToken() != JsonToken.START_OBJECT) {
        throw refused("must be an object with the keys dtype, shape and data_offsets");
      }
      while (parser.nextToken() != JsonToken.END_OBJECT) {
        String key = parser.currentName();
        parser.nextToken();
        switch (key) {
          case "dtype" -> type = type();
          case "shape" -> shape = numbers(key);
          case "data_offsets" -> offsets = numbers(key);
          default ->
              throw refused(
                  "has the unknown key %s; allowed are dtype, shape and data_offsets"
                      .formatted(FileFormatException.quote(key)));
        }
      }
      if (type == null || shape == null || offsets == null) {
        throw refused("must have the keys dtype, shape and data_offsets");
      }
      return entry();
    }

    private Tensor.Type type() throws IOException {
      if (parser.currentToken() != JsonToken.VALUE_STRING) {
        throw refused("must have a text as its dtype");
      }
      String dtype = parser.getText();
      for (Tensor.Type known : Tensor.Type.values()) {
        if (known.name().equals(dtype)) {
          return known;
        }
      }
      if (OTHER_TYPES.contains(dtype)) {
        throw refused(
            "has the type %s, which is not read here; store it as F32, F64, I64 or U8"
                .formatted(dtype));
      }
      throw refused(
          "has the unknown type %s; allowed are F32, F64, I64 and U8"
              .formatted(FileFormatException.quote(dtype)));
    }

    private List<Long> numbers(String key) throws IOException {
      if (parser.currentToken() != JsonToken.START_ARRAY) {
        throw refused("must have an array of whole numbers as its " + key);
      }
      List<Long> numbers = new ArrayList<>();
      while (parser.nextToken() != JsonToken.END_ARRAY) {
        boolean whole =
            parser.currentToken() == JsonToken.VALUE_NUMBER_INT
                && parser.getNumberType() != JsonParser.NumberType.BIG_INTEGER;
        if (!whole || parser.getLongValue() < 0) {
          throw refused(
              "must have whole numbers from 0 to 2^63 - 1 in its %s, but has %s"
                  .formatted(key, FileFormatException.quote(parser.getText())));
        }
        numbers.add(parser.getLongValue());
      }
      return List.copyOf(numbers);
    }

    private SafeTensorsHeader.Entry entry() {
      if (offsets.size() != 2 || offsets.get(0) > offsets.get(1)) {
        throw refused(
            "must have two data_offsets, begin and end, begin not after end, but has " + offsets);
      }
      long[] extents = shape.stream().mapToLong(Long::longValue).toArray();
      long count = Tensor.count(extents);
      if (count < 0 || count > MAX_COUNT) {
        throw refused(
            "must have at most %d numbers, but has the shape %s".formatted(MAX_COUNT, summary()));
      }
      long begin = offsets.get(0);
      long end = offsets.get(1);
      if (end - begin != count * type.bytes()) {
        throw refused(
            "claims the shape %s of %s, which needs %d bytes, but has the data_offsets %s"
                .formatted(summary(), type, count * type.bytes(), offsets));
      }
      return new SafeTensorsHeader.Entry(name, type, shape, begin, end);
    }

    private String summary() {
      return shape.size() <= 8 ? shape.toString() : shape.size() + " extents";
    }

    private FileFormatException refused(String reason) {
      return new FileFormatException(
          path, "the tensor %s %s".formatted(FileFormatException.quote(name), reason));
    }
  }
}
