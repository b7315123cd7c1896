package org.fewstep.grid;

/**
 * The kind of a grid and how many segments it has; written {@code KIND:SEGMENTS}, such as {@code
 * log-snr:8}.
 *
 * @param kind what lies in equal parts between the knots
 * @param segments S, in [1, {@value #MAX_SEGMENTS}]
 */
public record GridSpec(GridKind kind, int segments) {

  /** The largest number of segments of a grid. */
  public static final int MAX_SEGMENTS = 1_000_000;

  /** What a flow runs on unless told otherwise. */
  public static final GridSpec FLOW_DEFAULT = new GridSpec(GridKind.LOG_SNR, 8);

  /** What a distilled flow is cut by unless told otherwise. */
  public static final GridSpec DISTILLATION_DEFAULT = new GridSpec(GridKind.TYPICAL, 8);

  /** Checks the number of segments. */
  public GridSpec {
    requireSegments(segments);
  }

  /**
   * Parses {@code KIND:SEGMENTS}.
   *
   * @throws IllegalArgumentException saying which part is wrong and what is allowed
   */
  public static GridSpec parse(String text) {
    int colon = text.indexOf(':');
    if (colon < 0) {
      throw new IllegalArgumentException(
          "grid must be KIND:SEGMENTS, such as %s, but is '%s'".formatted(FLOW_DEFAULT, text));
    }
    GridKind kind = GridKind.named(text.substring(0, colon));
    String segments = text.substring(colon + 1);
    try {
      return new GridSpec(kind, Integer.parseInt(segments));
    } catch (NumberFormatException e) {
      throw segmentsOutOfRange("'" + segments + "'", e);
    }
  }

  static void requireSegments(int segments) {
    if (segments < 1 || segments > MAX_SEGMENTS) {
      throw segmentsOutOfRange(Integer.toString(segments), null);
    }
  }

  private static IllegalArgumentException segmentsOutOfRange(String value, Exception cause) {
    return new IllegalArgumentException(
        "segments must be a whole number in [1, %d], but is %s".formatted(MAX_SEGMENTS, value),
        cause);
  }

  @Override
  public String toString() {
    return kind + ":" + segments;
  }
}
