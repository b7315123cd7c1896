package org.fewstep.backend;

import java.util.Arrays;
import java.util.List;
import java.util.stream.Stream;

/**
 * The backends that tests of every backend run on: all that are available here, or those of them
 * that the system property {@value #ONLY} lists.
 *
 * <p>The system property {@value #REQUIRE} lists those that must be among them, separated by
 * commas; the tests fail if one is not, so that a suite never passes because its subject was
 * absent.
 */
public final class TestBackends {

  /** The system property that lists the backends that must be there. */
  public static final String REQUIRE = "fewstep.test.require";

  /** The system property that lists the backends to test, separated by commas; all if not set. */
  public static final String ONLY = "fewstep.test.backends";

  private TestBackends() {}

  /** The names of the backends available. */
  public static Stream<String> names() {
    List<String> available =
        Backends.providers().stream()
            .filter(provider -> provider.availability().available())
            .map(BackendProvider::name)
            .toList();
    list(System.getProperty(REQUIRE, "scalar"))
        .filter(name -> !available.contains(name))
        .findFirst()
        .ifPresent(
            missing -> {
              throw new AssertionError(
                  "-D%s wants the backend '%s', but available are %s; the reasons: %s"
                      .formatted(REQUIRE, missing, available, reasons()));
            });
    String only = System.getProperty(ONLY);
    return only == null ? available.stream() : list(only).filter(available::contains);
  }

  private static Stream<String> list(String names) {
    return Arrays.stream(names.split(",")).map(String::strip).filter(name -> !name.isEmpty());
  }

  private static List<String> reasons() {
    return Backends.providers().stream()
        .map(provider -> provider.name() + ": " + provider.availability().reason())
        .toList();
  }

  /** Opens a backend with that many threads. */
  public static Backend open(String name, int threads) {
    return Backends.named(name, BackendOptions.defaults().withThreads(threads));
  }

  /** Whether a backend's batches are in host memory, where others' may be too. */
  public static boolean worksOnTheHost(Backend backend) {
    try (Batch batch = backend.allocate(1, 1, Precision.FLOAT32)) {
      return batch.onHost();
    }
  }

  /** A batch of the backend's own with these values, row-major, in FLOAT64. */
  public static Batch batch(Backend backend, double[] values, int columns) {
    Batch batch = backend.allocate(values.length / columns, columns, Precision.FLOAT64);
    batch.copyFrom(values);
    return batch;
  }

  /** Element (row, column) of a batch in any memory space; waits for the backend. */
  public static double get(Batch batch, long row, int column) {
    return batch.slice(row, 1).toDoubleArray()[column];
  }

  /** Sets element (row, column) of a batch in any memory space. */
  public static void set(Batch batch, long row, int column, double value) {
    Batch whole = batch.slice(row, 1);
    double[] values = whole.toDoubleArray();
    values[column] = value;
    whole.copyFrom(values);
  }
}
