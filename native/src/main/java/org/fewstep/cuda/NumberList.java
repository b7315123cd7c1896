package org.fewstep.cuda;

import java.util.Arrays;
import org.fewstep.backend.Precision;

/** An array of numbers that grows. */
final class NumberList {

  private static final int ALIGNMENT = 16;

  private double[] numbers = new double[1024];
  private int size;

  void add(double number) {
    if (size == numbers.length) {
      numbers = Arrays.copyOf(numbers, Math.multiplyExact(2, size));
    }
    numbers[size++] = number;
  }

  /** Adds so many zeros. */
  void pad(int count) {
    for (int i = 0; i < count; i++) {
      add(0);
    }
  }

  /** Adds zeros up to a multiple of 16 bytes in that precision. */
  void align(Precision precision) {
    int numbersAligned = ALIGNMENT / precision.bytes();
    pad((numbersAligned - size % numbersAligned) % numbersAligned);
  }

  double[] toArray() {
    return Arrays.copyOf(numbers, size);
  }
}
