package org.fewstep.cli;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;

/**
 * Lines of equal value of a function on a lattice, by marching squares.
 *
 * @param xs ascending coordinates of the columns
 * @param ys ascending coordinates of the rows
 * @param values [ys][xs], finite
 */
record Contours(double[] xs, double[] ys, double[][] values) {

  /** Pieces of lines, each three entries: two points and a gap (NaN). */
  record Lines(List<Double> xs, List<Double> ys) {

    private void add(double[] from, double[] to) {
      xs.addAll(List.of(from[0], to[0], to[0]));
      ys.addAll(List.of(from[1], to[1], Double.NaN));
    }
  }

  /** The value above which lies so great a part, in (0, 1), of the sum of all exp(values). */
  double levelHolding(double part) {
    double[] sorted = Arrays.stream(values).flatMapToDouble(Arrays::stream).sorted().toArray();
    double largest = sorted[sorted.length - 1];
    double total = Arrays.stream(sorted).map(value -> Math.exp(value - largest)).sum();
    double above = 0;
    int i = sorted.length;
    while (i > 1 && above < part * total) {
      above += Math.exp(sorted[--i] - largest);
    }
    return sorted[i - 1];
  }

  /** The lines on which the value is the level. */
  Lines at(double level) {
    Lines lines = new Lines(new ArrayList<>(), new ArrayList<>());
    for (int row = 0; row + 1 < ys.length; row++) {
      for (int column = 0; column + 1 < xs.length; column++) {
        addCell(lines, level, row, column);
      }
    }
    return lines;
  }

  private void addCell(Lines lines, double level, int row, int column) {
    List<double[]> crossings = new ArrayList<>(4);
    addCrossing(crossings, level, row, column, row, column + 1);
    addCrossing(crossings, level, row, column + 1, row + 1, column + 1);
    addCrossing(crossings, level, row + 1, column + 1, row + 1, column);
    addCrossing(crossings, level, row + 1, column, row, column);
    // Four crossings are a saddle; either pairing is right within the resolution.
    for (int i = 0; i + 1 < crossings.size(); i += 2) {
      lines.add(crossings.get(i), crossings.get(i + 1));
    }
  }

  private void addCrossing(
      List<double[]> crossings, double level, int row0, int column0, int row1, int column1) {
    double value0 = values[row0][column0] - level;
    double value1 = values[row1][column1] - level;
    if (value0 < 0 != value1 < 0) {
      double part = value0 / (value0 - value1);
      crossings.add(
          new double[] {
            xs[column0] + part * (xs[column1] - xs[column0]),
            ys[row0] + part * (ys[row1] - ys[row0])
          });
    }
  }
}
