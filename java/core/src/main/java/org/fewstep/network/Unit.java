package org.fewstep.network;

/** What a unit does with its affine input z. */
public enum Unit {
  /** z itself. */
  LINEAR(0),
  /** The rectified linear unit, max(0, z). */
  RELU(1),
  /** The rectified quadratic unit, max(0, z)^2. */
  REQU(2);

  private final int code;

  Unit(int code) {
    this.code = code;
  }

  /** The number by which files name this unit: 0 linear, 1 ReLU, 2 ReQU. */
  public int code() {
    return code;
  }

  /** The value at z; NaN stays NaN. */
  public double value(double z) {
    return switch (this) {
      case LINEAR -> z;
      case RELU -> z < 0 ? 0 : z;
      case REQU -> z < 0 ? 0 : z * z;
    };
  }

  /** The derivative at z; at a ReLU's kink, 0. */
  public double derivative(double z) {
    return switch (this) {
      case LINEAR -> 1;
      case RELU -> z > 0 ? 1 : 0;
      case REQU -> z > 0 ? 2 * z : 0;
    };
  }

  /**
   * The unit of that number.
   *
   * @throws IllegalArgumentException if there is none
   */
  public static Unit ofCode(int code) {
    for (Unit unit : values()) {
      if (unit.code == code) {
        return unit;
      }
    }
    throw new IllegalArgumentException(
        "unit must be 0 (linear), 1 (ReLU) or 2 (ReQU), but is " + code);
  }
}
