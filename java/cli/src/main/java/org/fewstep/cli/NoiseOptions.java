package org.fewstep.cli;

import java.io.IOException;
import java.nio.file.Path;
import org.fewstep.backend.Backend;
import org.fewstep.backend.Batch;
import picocli.CommandLine.Option;

/** The states that sampling begins with: a file, or noise. */
final class NoiseOptions {

  /** Draws noise. */
  @FunctionalInterface
  interface Source {
    Batch noise(long rows, long seed);
  }

  @Option(names = "--noise", paramLabel = "X.npy", description = "The states to begin with, [n,d].")
  private Path noise;

  @Option(
      names = "--count",
      paramLabel = "N",
      description = "Instead of --noise: so many rows of standard normals times sigma(start).")
  private Long count;

  @Option(names = "--seed", paramLabel = "S", description = "Of the noise (default 0).")
  private Long seed;

  /** Refuses neither and both. */
  void check() {
    if ((noise == null) == (count == null)) {
      throw new IllegalArgumentException(
          noise == null
              ? "give --noise X.npy, or --count N and --seed S"
              : "--noise and --count exclude each other");
    }
    if (noise != null && seed != null) {
      throw new IllegalArgumentException("--seed goes with --count, not with --noise");
    }
    if (count != null && count < 1) {
      throw new IllegalArgumentException("--count must be at least 1, but is " + count);
    }
  }

  /** Whether the states come from a file. */
  boolean fromFile() {
    return noise != null;
  }

  /** The number of rows to draw, or null if a file has them. */
  Long count() {
    return count;
  }

  /** Reads the file, or draws; the caller closes the batch. */
  Batch readOrDraw(
      CommonOptions common, int dimension, String owner, Backend backend, Source source)
      throws IOException {
    return noise != null
        ? common.readPoints("--noise", noise, dimension, owner, backend)
        : source.noise(count, seed == null ? 0 : seed);
  }
}
