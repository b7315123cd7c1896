package org.fewstep.io;

import java.io.BufferedReader;
import java.io.IOException;
import java.nio.channels.Channels;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;

/**
 * Tables of numbers in CSV: one data point a line, columns separated by commas, a decimal point,
 * and optionally one header line (column names, or a line that begins with #). Blank lines are
 * passed over.
 */
public final class Csv {

  /** More than any line of numbers has; a file without line ends must not fill the memory. */
  private static final int MAX_LINE = 1 << 24;

  /** More than any decimal number needs. */
  private static final int MAX_CELL = 1000;

  private static final String BYTE_ORDER_MARK = "\u00ef\u00bb\u00bf";

  private Csv() {}

  /**
   * Reads a table.
   *
   * @return [n][d], n >= 1, d >= 1, every entry finite
   * @throws FileFormatException naming the line, if the file is not such a table
   * @throws IOException if the file is missing or cannot be read
   */
  public static double[][] read(Path path) throws IOException {
    // Latin-1 reads any byte; whatever is not ASCII is no number.
    try (BufferedReader reader =
        new BufferedReader(Channels.newReader(InputFile.open(path), StandardCharsets.ISO_8859_1))) {
      return new Table(path).read(reader);
    }
  }

  /** One file being read. */
  private static final class Table {

    private final Path path;
    private final List<double[]> rows = new ArrayList<>();
    private boolean header;
    private int line;

    private Table(Path path) {
      this.path = path;
    }

    private double[][] read(BufferedReader reader) throws IOException {
      for (String text = nextLine(reader); text != null; text = nextLine(reader)) {
        line++;
        if (line == 1 && text.startsWith(BYTE_ORDER_MARK)) {
          text = text.substring(BYTE_ORDER_MARK.length());
        }
        if (!text.isBlank()) {
          add(text);
        }
      }
      if (rows.isEmpty()) {
        throw new FileFormatException(path, "must hold at least one line of numbers");
      }
      return rows.toArray(double[][]::new);
    }

    private void add(String text) {
      String[] cells = text.split(",", -1);
      if (rows.isEmpty() && !header && isHeader(text, cells)) {
        header = true;
        return;
      }
      double[] row = new double[cells.length];
      for (int i = 0; i < row.length; i++) {
        row[i] = number(cells[i].strip(), i);
      }
      if (!rows.isEmpty() && rows.getFirst().length != row.length) {
        throw malformed(
            "must have %d columns like the first row, but has %d"
                .formatted(rows.getFirst().length, row.length));
      }
      rows.add(row);
    }

    /** Names of columns: none of them is empty or could be meant as a number. */
    private static boolean isHeader(String text, String[] cells) {
      if (text.startsWith("#")) {
        return true;
      }
      for (String cell : cells) {
        String name = cell.strip();
        boolean letter = !name.isEmpty() && (Character.isLetter(name.charAt(0)) || isQuoted(name));
        if (!letter || isNonFiniteWord(name)) {
          return false;
        }
      }
      return true;
    }

    private static boolean isQuoted(String name) {
      return name.charAt(0) == '"' || name.charAt(0) == '_';
    }

    private static boolean isNonFiniteWord(String name) {
      return name.equalsIgnoreCase("nan")
          || name.equalsIgnoreCase("inf")
          || name.equalsIgnoreCase("infinity");
    }

    private double number(String cell, int column) {
      double value = isDecimal(cell) ? parse(cell) : Double.NaN;
      if (!Double.isFinite(value)) {
        throw malformed(
            "column %d must be a finite decimal number%s, but is %s"
                .formatted(
                    column + 1,
                    cell.indexOf(';') >= 0 || cell.indexOf('\t') >= 0
                        ? " (columns are separated by commas)"
                        : "",
                    FileFormatException.quote(cell)));
      }
      return value;
    }

    /** Shuts out what Java alone takes for a number: hexadecimal, and suffixes such as 1d. */
    private static boolean isDecimal(String cell) {
      return !cell.isEmpty()
          && cell.length() <= MAX_CELL
          && cell.chars().allMatch(c -> (c >= '0' && c <= '9') || "+-.eE".indexOf(c) >= 0);
    }

    private static double parse(String cell) {
      try {
        return Double.parseDouble(cell);
      } catch (NumberFormatException e) {
        return Double.NaN;
      }
    }

    private String nextLine(BufferedReader reader) throws IOException {
      StringBuilder text = new StringBuilder();
      int c = reader.read();
      if (c < 0) {
        return null;
      }
      for (; c >= 0 && c != '\n'; c = reader.read()) {
        if (text.length() == MAX_LINE) {
          line++;
          throw malformed("is longer than %d characters".formatted(MAX_LINE));
        }
        text.append((char) c);
      }
      if (!text.isEmpty() && text.charAt(text.length() - 1) == '\r') {
        text.setLength(text.length() - 1);
      }
      return text.toString();
    }

    private FileFormatException malformed(String reason) {
      return new FileFormatException(path, "line %d: %s".formatted(line, reason));
    }
  }
}
