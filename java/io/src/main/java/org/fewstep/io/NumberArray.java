package org.fewstep.io;

import com.fasterxml.jackson.core.JsonParser;
import com.fasterxml.jackson.core.JsonToken;
import java.io.IOException;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;

/**
 * Finite numbers in JSON: a number, or arrays of them nested to one depth throughout. Rows may have
 * different lengths; what uses them says which fit.
 *
 * @param rank the depth of nesting, 0 to 3
 * @param cube the numbers as an array of matrices; those of lower rank are its first entries
 */
record NumberArray(int rank, double[][][] cube) {

  private static final int MAX_RANK = 3;

  /** Reads the value at which the parser stands. */
  static NumberArray read(JsonParser parser, String key) throws IOException {
    return read(parser, key, 0);
  }

  private static NumberArray read(JsonParser parser, String key, int depth) throws IOException {
    return switch (parser.currentToken()) {
      case VALUE_NUMBER_INT, VALUE_NUMBER_FLOAT ->
          new NumberArray(0, new double[][][] {{{finite(parser, key)}}});
      case START_ARRAY -> {
        if (depth == MAX_RANK) {
          throw new IllegalArgumentException(key + " is nested too deeply");
        }
        if (parser.nextToken() == JsonToken.START_ARRAY) {
          yield nested(parser, key, depth);
        }
        yield new NumberArray(1, new double[][][] {{row(parser, key)}});
      }
      default ->
          throw new IllegalArgumentException(
              "%s must hold numbers, but holds %s"
                  .formatted(key, FileFormatException.quote(parser.getText())));
    };
  }

  private static NumberArray nested(JsonParser parser, String key, int depth) throws IOException {
    List<NumberArray> entries = new ArrayList<>();
    for (; parser.currentToken() != JsonToken.END_ARRAY; parser.nextToken()) {
      NumberArray entry = read(parser, key, depth + 1);
      if (!entries.isEmpty() && entry.rank != entries.getFirst().rank) {
        throw new IllegalArgumentException(key + " must be nested to one depth throughout");
      }
      entries.add(entry);
    }
    return entries.getFirst().rank == 1
        ? new NumberArray(
            2,
            new double[][][] {entries.stream().map(NumberArray::vector).toArray(double[][]::new)})
        : new NumberArray(3, entries.stream().map(NumberArray::matrix).toArray(double[][][]::new));
  }

  private static double[] row(JsonParser parser, String key) throws IOException {
    double[] values = new double[8];
    int length = 0;
    for (; parser.currentToken() != JsonToken.END_ARRAY; parser.nextToken()) {
      if (!parser.currentToken().isNumeric()) {
        throw new IllegalArgumentException(
            "%s must hold numbers%s, but holds %s"
                .formatted(
                    key,
                    parser.currentToken() == JsonToken.START_ARRAY ? " nested to one depth" : "",
                    FileFormatException.quote(parser.getText())));
      }
      if (length == values.length) {
        values = Arrays.copyOf(values, 2 * length);
      }
      values[length++] = finite(parser, key);
    }
    if (length == 0) {
      throw new IllegalArgumentException(key + " must not hold an empty array");
    }
    return Arrays.copyOf(values, length);
  }

  private static double finite(JsonParser parser, String key) throws IOException {
    double value = parser.getDoubleValue();
    if (!Double.isFinite(value)) {
      throw new IllegalArgumentException(
          "%s must hold finite numbers, but holds %s"
              .formatted(key, FileFormatException.quote(parser.getText())));
    }
    return value;
  }

  double scalar() {
    return cube[0][0][0];
  }

  double[] vector() {
    return cube[0][0];
  }

  double[][] matrix() {
    return cube[0];
  }

  /** How people call an array of that rank. */
  static String describe(int rank) {
    return switch (rank) {
      case 0 -> "a number";
      case 1 -> "an array of numbers";
      case 2 -> "an array of arrays of numbers";
      default -> "an array of matrices";
    };
  }
}
