package org.fewstep.backend;

/** The element type of a {@link Batch}. */
public enum Precision {
  /** IEEE 754 binary32. */
  FLOAT32(Float.BYTES),
  /** IEEE 754 binary64. */
  FLOAT64(Double.BYTES);

  private final int bytes;

  Precision(int bytes) {
    this.bytes = bytes;
  }

  /** The size of an element in bytes. */
  public int bytes() {
    return bytes;
  }
}
