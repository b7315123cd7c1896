package org.fewstep.io;

import java.io.IOException;
import java.nio.file.Path;
import java.util.Locale;
import org.fewstep.backend.Batch;
import org.fewstep.backend.Precision;
import org.fewstep.mixture.GaussianMixture;

/** Mixtures from files of any kind, told apart by the ending of their name. */
public final class MixtureFiles {

  private MixtureFiles() {}

  /** Whether a file holds data points (.npy, .csv) and not a mixture (.json). */
  public static boolean holdsPoints(Path path) {
    return switch (ending(path)) {
      case ".npy", ".csv" -> true;
      case ".json" -> false;
      default ->
          throw new IllegalArgumentException(
              "a mixture must be a .json file, or data points in a .npy or .csv file, but is "
                  + path);
    };
  }

  /**
   * Reads a mixture (.json), or data points (.npy, .csv) as an empirical one.
   *
   * @param bandwidth the standard deviation >= 0 of the kernel around data points; for a mixture
   *     without effect
   * @throws FileFormatException if the content of the file is not what it must be
   * @throws IllegalArgumentException if its ending is unknown or the bandwidth out of range
   * @throws IOException if it is missing or cannot be read
   */
  public static GaussianMixture read(Path path, double bandwidth) throws IOException {
    return holdsPoints(path) ? empirical(path, bandwidth) : MixtureJson.read(path);
  }

  /**
   * Reads data points (.npy of shape [n,d] or [n], or .csv) as a mixture of one component a point.
   *
   * @param bandwidth the standard deviation of the kernel around each point; 0 keeps the points
   * @throws FileFormatException if the file does not hold finite data points
   * @throws IOException if it is missing or cannot be read
   */
  public static GaussianMixture empirical(Path path, double bandwidth) throws IOException {
    if (!(bandwidth >= 0) || Double.isInfinite(bandwidth)) {
      throw new IllegalArgumentException("bandwidth must be finite and >= 0, but is " + bandwidth);
    }
    double[][] points = ending(path).equals(".csv") ? Csv.read(path) : readNpy(path);
    try {
      return GaussianMixture.empirical(points, bandwidth);
    } catch (IllegalArgumentException e) {
      throw new FileFormatException(path, e.getMessage().replace("means", "points"), e);
    }
  }

  private static double[][] readNpy(Path path) throws IOException {
    try (Batch batch = Npy.read(path, Precision.FLOAT64)) {
      if (batch.rows() == 0 || batch.rows() > Integer.MAX_VALUE - 8) {
        throw new FileFormatException(
            path, "must hold 1 to 2147483639 data points, but holds " + batch.rows());
      }
      double[][] points = new double[(int) batch.rows()][];
      for (int i = 0; i < points.length; i++) {
        points[i] = batch.slice(i, 1).toDoubleArray();
      }
      return points;
    }
  }

  private static String ending(Path path) {
    String name = path.toString();
    int dot = name.lastIndexOf('.');
    return dot < 0 ? "" : name.substring(dot).toLowerCase(Locale.ROOT);
  }
}
