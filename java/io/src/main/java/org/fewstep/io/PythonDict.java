package org.fewstep.io;

import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/**
 * The Python dictionary in the header of a .npy file: string keys, and values that are strings,
 * True, False or tuples of integers >= 0. Lists, the dtypes of structured arrays, are refused.
 */
final class PythonDict {

  /** Stands for the end of the text, which is Latin-1. */
  private static final char END = '\uffff';

  private static final int MAX_DIMENSIONS = 64;

  private final Path path;
  private final String text;
  private int position;

  PythonDict(Path path, String text) {
    this.path = path;
    this.text = text;
  }

  Map<String, Object> parse() {
    Map<String, Object> entries = new LinkedHashMap<>();
    expect('{');
    while (!accept('}')) {
      String key = string();
      expect(':');
      if (entries.put(key, value()) != null) {
        throw malformed("the key " + FileFormatException.quote(key) + " comes twice");
      }
      if (!accept(',')) {
        expect('}');
        break;
      }
    }
    if (peek() != END) {
      throw malformed("something follows its dictionary");
    }
    return entries;
  }

  private Object value() {
    return switch (peek()) {
      case '\'', '"' -> string();
      case '(' -> tuple();
      case '[' ->
          throw new FileFormatException(
              path, "has a structured dtype; save each field as an array of its own");
      default -> word();
    };
  }

  private String string() {
    char quote = peek();
    if (quote != '\'' && quote != '"') {
      throw malformed("a string is missing at position " + position);
    }
    int end = text.indexOf(quote, position + 1);
    if (end < 0) {
      throw malformed("a string does not end");
    }
    String value = text.substring(position + 1, end);
    position = end + 1;
    return value;
  }

  private List<Long> tuple() {
    List<Long> entries = new ArrayList<>();
    expect('(');
    while (!accept(')')) {
      entries.add(integer());
      if (entries.size() > MAX_DIMENSIONS) {
        throw malformed("its shape has more than " + MAX_DIMENSIONS + " dimensions");
      }
      if (!accept(',')) {
        expect(')');
        break;
      }
    }
    return entries;
  }

  private long integer() {
    peek();
    int start = position;
    while (position < text.length() && Character.isDigit(text.charAt(position))) {
      position++;
    }
    String digits = text.substring(start, position);
    // Python 2 wrote long integers with an L.
    if (!digits.isEmpty() && position < text.length() && text.charAt(position) == 'L') {
      position++;
    }
    try {
      return Long.parseLong(digits);
    } catch (NumberFormatException e) {
      throw malformed(
          "its shape must hold integers from 0 to 2^63 - 1, not "
              + FileFormatException.quote(text.substring(start)));
    }
  }

  private Boolean word() {
    for (Boolean value : List.of(true, false)) {
      String word = value ? "True" : "False";
      if (text.startsWith(word, position)) {
        position += word.length();
        return value;
      }
    }
    throw malformed("an unknown value stands at position " + position);
  }

  private void expect(char wanted) {
    if (!accept(wanted)) {
      throw malformed("'%c' is missing at position %d".formatted(wanted, position));
    }
  }

  private boolean accept(char wanted) {
    if (peek() != wanted) {
      return false;
    }
    position++;
    return true;
  }

  /** The next character that is not white space, where the position then is; END at the end. */
  private char peek() {
    while (position < text.length() && " \t\r\n".indexOf(text.charAt(position)) >= 0) {
      position++;
    }
    return position < text.length() ? text.charAt(position) : END;
  }

  private FileFormatException malformed(String reason) {
    return new FileFormatException(path, "has a malformed .npy header: " + reason);
  }
}
