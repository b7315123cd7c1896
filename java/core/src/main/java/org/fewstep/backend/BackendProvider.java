package org.fewstep.backend;

/**
 * The service by which a backend is found ({@link java.util.ServiceLoader}).
 *
 * <p>A provider never throws while it is being found or asked: what it lacks is told as a reason.
 * Its class must load where its backend's own requirements (the Vector API, native libraries) are
 * missing, so it alone may name them, and only once it knows that they are there.
 */
public interface BackendProvider {

  /** The name of the backend, lower case. */
  String name();

  /** The order of preference: of the available backends the one of the highest rank is best. */
  int rank();

  /** Whether the backend can be opened here, and why. */
  Availability availability();

  /**
   * Opens the backend.
   *
   * @throws IllegalStateException with the reason, if it is not available
   */
  Backend open(BackendOptions options);
}
