package org.fewstep.grid;

import java.util.Arrays;
import java.util.List;

/** The kinds of time grids, by what lies in equal parts between their knots. */
public enum GridKind {

  /** Equal parts of time. */
  UNIFORM("uniform"),

  /** Equal parts of half the log of the signal-to-noise ratio; what a solver wants. */
  LOG_SNR("log-snr"),

  /** Equal parts of (sigma/alpha)^(1/7), after Karras et al. (2022). */
  KARRAS("karras"),

  /**
   * Equal parts of the integral of the Lipschitz bound of the flow; needs a mixture. Of networks
   * there is no bound, and an estimate serves.
   */
  STABILITY("stability"),

  /**
   * Equal parts of the integral of the mean Jacobian norm of the flow; needs a mixture or networks,
   * and a backend. What learned segments want.
   */
  TYPICAL("typical"),

  /** Knots moved until a solver errs least; built by {@code org.fewstep.flow.RefinedGrid}. */
  REFINED("refined"),

  /**
   * Knots at which a learned composition errs least; built by {@code
   * org.fewstep.distill.StudentGrid}.
   */
  STUDENT("student");

  private final String label;

  GridKind(String label) {
    this.label = label;
  }

  /** The name by which the command line and results call this kind, such as "log-snr". */
  public String label() {
    return label;
  }

  /**
   * Whether the knots are searched for, by running a solver or by training, so that {@link
   * TimeGrids} cannot build the grid and only its knots are known.
   */
  public boolean isSearched() {
    return this == REFINED || this == STUDENT;
  }

  /** The names of all kinds. */
  public static List<String> labels() {
    return Arrays.stream(values()).map(GridKind::label).toList();
  }

  /**
   * The kind of that name.
   *
   * @throws IllegalArgumentException if there is none, listing the names
   */
  public static GridKind named(String label) {
    return Arrays.stream(values())
        .filter(kind -> kind.label.equals(label))
        .findFirst()
        .orElseThrow(
            () ->
                new IllegalArgumentException(
                    "grid kind must be one of %s, but is '%s'".formatted(labels(), label)));
  }

  @Override
  public String toString() {
    return label;
  }
}
