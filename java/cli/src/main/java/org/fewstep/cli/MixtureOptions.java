package org.fewstep.cli;

import java.io.IOException;
import java.nio.file.Path;
import org.fewstep.io.MixtureFiles;
import org.fewstep.mixture.ExampleMixtures;
import org.fewstep.mixture.GaussianMixture;
import picocli.CommandLine.Option;

/** The mixture that a verb works on. */
final class MixtureOptions {

  private static final String EXAMPLE = "example:";

  @Option(
      names = "--mixture",
      required = true,
      paramLabel = "M",
      description =
          "A .json file, data points in a .npy or .csv file, or a built-in name such as"
              + " example:ring8 or example:ring8?sigma=0.1.")
  private String mixture;

  @Option(
      names = "--bandwidth",
      paramLabel = "S",
      description = "Standard deviation around each data point (default 0: the points themselves).")
  private Double bandwidth;

  /** Reads or builds the mixture. */
  GaussianMixture load() throws IOException {
    boolean example = mixture.startsWith(EXAMPLE);
    Path path = example ? null : Path.of(mixture);
    if (bandwidth != null && (example || !MixtureFiles.holdsPoints(path))) {
      throw new IllegalArgumentException(
          "--bandwidth goes with data points (.npy, .csv), but --mixture is " + mixture);
    }
    return example
        ? ExampleMixtures.named(mixture.substring(EXAMPLE.length()))
        : MixtureFiles.read(path, bandwidth == null ? 0 : bandwidth);
  }

  /** A short name for titles. */
  String label() {
    return mixture.startsWith(EXAMPLE)
        ? mixture.substring(EXAMPLE.length())
        : Path.of(mixture).getFileName().toString();
  }
}
