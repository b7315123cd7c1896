package org.fewstep.backend;

import java.util.Arrays;
import java.util.List;
import java.util.stream.Stream;

/**
 * The backends that tests of every backend run on: all that are available here.
 *
 * <p>The system property {@value #REQUIRE} lists those that must be among them, separated by
 * commas; the tests fail if one is not, so that a suite never passes because its subject was
 * absent.
 */
public final class TestBackends {

  /** The system property that lists the backends that must be there. */
  public static final String REQUIRE = "fewstep.test.require";

  private TestBackends() {}

  /** The names of the backends available. */
  public static Stream<String> names() {
    List<String> available =
        Backends.providers().stream()
            .filter(provider -> provider.availability().available())
            .map(BackendProvider::name)
            .toList();
    Arrays.stream(System.getProperty(REQUIRE, "scalar").split(","))
        .map(String::strip)
        .filter(name -> !name.isEmpty() && !available.contains(name))
        .findFirst()
        .ifPresent(
            missing -> {
              throw new AssertionError(
                  "-D%s wants the backend '%s', but available are %s; the reasons: %s"
                      .formatted(REQUIRE, missing, available, reasons()));
            });
    return available.stream();
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
}
