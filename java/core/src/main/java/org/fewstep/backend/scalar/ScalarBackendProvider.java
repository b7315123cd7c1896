package org.fewstep.backend.scalar;

import org.fewstep.backend.Availability;
import org.fewstep.backend.Backend;
import org.fewstep.backend.BackendOptions;
import org.fewstep.backend.BackendProvider;

/** Finds the scalar backend, which needs nothing and is taken when there is nothing better. */
public final class ScalarBackendProvider implements BackendProvider {

  /** For the service loader. */
  public ScalarBackendProvider() {}

  @Override
  public String name() {
    return ScalarBackend.NAME;
  }

  @Override
  public int rank() {
    return 0;
  }

  @Override
  public Availability availability() {
    return new Availability(true, "plain Java, needs nothing");
  }

  @Override
  public Backend open(BackendOptions options) {
    return new ScalarBackend(options);
  }
}
