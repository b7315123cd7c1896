package org.fewstep.backend;

import java.lang.System.Logger;
import java.lang.System.Logger.Level;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.Iterator;
import java.util.List;
import java.util.ServiceConfigurationError;
import java.util.ServiceLoader;

/**
 * The choice of a backend: the best one available, or one by name.
 *
 * <p>The system property {@value #PROPERTY} names the backend that {@link #best()} must take.
 */
public final class Backends {

  /** The system property that names the backend to take. */
  public static final String PROPERTY = "fewstep.backend";

  /** So many services that cannot be loaded, and the search ends. */
  private static final int MAX_BROKEN = 100;

  private static final Logger LOGGER = System.getLogger(Backends.class.getName());

  private Backends() {}

  /** The providers found, best first. */
  public static List<BackendProvider> providers() {
    List<BackendProvider> found = new ArrayList<>();
    Iterator<BackendProvider> providers =
        ServiceLoader.load(BackendProvider.class, Backends.class.getClassLoader()).iterator();
    for (int broken = 0; broken < MAX_BROKEN; ) {
      try {
        if (!providers.hasNext()) {
          break;
        }
        found.add(providers.next());
      } catch (ServiceConfigurationError e) {
        // A broken jar of one backend is no reason to lose the others; the iterator has moved on.
        LOGGER.log(Level.WARNING, "a backend could not be loaded: {0}", e.getMessage());
        broken++;
      }
    }
    found.sort(Comparator.comparingInt(BackendProvider::rank).reversed());
    return found;
  }

  /** The best backend, with {@link BackendOptions#defaults()}. */
  public static Backend best() {
    return best(BackendOptions.defaults());
  }

  /**
   * The best backend available, or the one that the system property {@value #PROPERTY} names. Logs
   * one line for each better one that was passed over.
   *
   * @throws IllegalArgumentException if the property names a backend that is not available
   */
  public static Backend best(BackendOptions options) {
    String wanted = System.getProperty(PROPERTY);
    if (wanted != null && !wanted.isBlank()) {
      return named(wanted, options);
    }
    for (BackendProvider provider : providers()) {
      Availability availability = provider.availability();
      if (availability.available()) {
        return provider.open(options);
      }
      LOGGER.log(Level.INFO, "backend {0} not taken: {1}", provider.name(), availability.reason());
    }
    throw new IllegalStateException(
        "no backend was found; the services of the fewstep jar are missing from this application");
  }

  /** The backend of that name, with {@link BackendOptions#defaults()}. */
  public static Backend named(String name) {
    return named(name, BackendOptions.defaults());
  }

  /**
   * The backend of that name.
   *
   * @throws IllegalArgumentException if there is none or it is not available, with cause and cure
   */
  public static Backend named(String name, BackendOptions options) {
    List<BackendProvider> providers = providers();
    for (BackendProvider provider : providers) {
      if (provider.name().equals(name)) {
        Availability availability = provider.availability();
        if (!availability.available()) {
          throw new IllegalArgumentException(
              "backend '%s' is not available: %s".formatted(name, availability.reason()));
        }
        return provider.open(options);
      }
    }
    throw new IllegalArgumentException(
        "backend must be one of %s, but is '%s'"
            .formatted(providers.stream().map(BackendProvider::name).toList(), name));
  }
}
