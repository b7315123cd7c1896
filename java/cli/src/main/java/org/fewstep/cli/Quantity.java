package org.fewstep.cli;

import java.io.IOException;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.EnumSet;
import java.util.Locale;
import java.util.Set;
import java.util.stream.Collectors;
import org.fewstep.backend.Batch;
import org.fewstep.backend.MixtureOutputs;
import org.fewstep.io.Npy;
import org.fewstep.mixture.GaussianMixture;

/** What {@code evaluate} can tell of points; the file names are the labels. */
enum Quantity {
  SCORE,
  LOG_DENSITY,
  POSTERIOR_MEAN,
  DIVERGENCE,
  JVP,
  RESPONSIBILITIES;

  /** The name on the command line and of the file, such as "log-density". */
  String label() {
    return name().toLowerCase(Locale.ROOT).replace('_', '-');
  }

  /** The quantities of a list of labels. */
  static Set<Quantity> parse(String list) {
    Set<Quantity> wanted = EnumSet.noneOf(Quantity.class);
    for (String label : list.split(",", -1)) {
      wanted.add(
          Arrays.stream(values())
              .filter(quantity -> quantity.label().equals(label.strip()))
              .findFirst()
              .orElseThrow(() -> unknown(label)));
    }
    return wanted;
  }

  private static IllegalArgumentException unknown(String label) {
    return new IllegalArgumentException(
        "--quantities must be a list of %s, but has '%s'"
            .formatted(
                Arrays.stream(values()).map(Quantity::label).collect(Collectors.joining(", ")),
                label));
  }

  /** Whether there is one number a point, and the file has the shape [n]. */
  private boolean isScalar() {
    return this == LOG_DENSITY || this == DIVERGENCE;
  }

  /** The number of columns of its batch. */
  int columns(GaussianMixture mixture) {
    if (isScalar()) {
      return 1;
    }
    return this == RESPONSIBILITIES ? mixture.components() : mixture.dimension();
  }

  /** Adds the batch that receives this to the outputs of a call. */
  MixtureOutputs addTo(MixtureOutputs outputs, Batch batch, Batch direction) {
    return switch (this) {
      case SCORE -> outputs.withScore(batch);
      case LOG_DENSITY -> outputs.withLogDensity(batch);
      case POSTERIOR_MEAN -> outputs.withPosteriorMean(batch);
      case DIVERGENCE -> outputs.withDivergence(batch);
      case JVP -> outputs.withJvp(direction, batch);
      case RESPONSIBILITIES -> outputs.withResponsibilities(batch);
    };
  }

  /** The file in a folder. */
  Path fileIn(Path folder) {
    return folder.resolve(label() + ".npy");
  }

  /** Writes the file. */
  void write(Path folder, Batch batch) throws IOException {
    if (isScalar()) {
      Npy.writeVector(fileIn(folder), batch);
    } else {
      Npy.write(fileIn(folder), batch);
    }
  }
}
