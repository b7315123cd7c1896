package org.fewstep.backend.vector;

import org.fewstep.backend.Availability;
import org.fewstep.backend.Backend;
import org.fewstep.backend.BackendOptions;
import org.fewstep.backend.BackendProvider;

/** Finds the Vector API backend. Loads where the incubator module is missing, and says so. */
public final class VectorBackendProvider implements BackendProvider {

  private static final String MODULE = "jdk.incubator.vector";
  private static final int RANK = 20;

  /** For the service loader. */
  public VectorBackendProvider() {}

  @Override
  public String name() {
    return VectorBackend.NAME;
  }

  @Override
  public int rank() {
    return RANK;
  }

  @Override
  public Availability availability() {
    // Nothing that names a class of the module may be touched before this has been asked.
    if (ModuleLayer.boot().findModule(MODULE).isEmpty()) {
      return new Availability(
          false, "the module " + MODULE + " is missing; add the JVM flag --add-modules " + MODULE);
    }
    try {
      return new Availability(true, VectorBackend.hardware());
    } catch (LinkageError | UnsupportedOperationException e) {
      return new Availability(
          false, "the module %s of this JDK does not fit: %s".formatted(MODULE, e));
    }
  }

  @Override
  public Backend open(BackendOptions options) {
    Availability availability = availability();
    if (!availability.available()) {
      throw new IllegalStateException(
          "the backend '%s' is not available: %s".formatted(name(), availability.reason()));
    }
    return new VectorBackend(options);
  }
}
