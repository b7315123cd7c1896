package org.fewstep.cuda;

import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import org.fewstep.backend.Availability;
import org.fewstep.backend.Backend;
import org.fewstep.backend.BackendOptions;
import org.fewstep.backend.BackendProvider;

/**
 * Finds the CUDA backend. Loads where JavaCPP, the native library, the driver or a device is
 * missing, and says which.
 */
public final class CudaBackendProvider implements BackendProvider {

  private static final int RANK = 30;

  /** What an NVIDIA driver makes: on Linux, and in the Windows subsystem for Linux. */
  private static final List<Path> DRIVERS = List.of(Path.of("/dev/nvidiactl"), Path.of("/dev/dxg"));

  /** For the service loader. */
  public CudaBackendProvider() {}

  @Override
  public String name() {
    return CudaBackend.NAME;
  }

  @Override
  public int rank() {
    return RANK;
  }

  @Override
  public Availability availability() {
    try {
      Class.forName(
          "org.bytedeco.javacpp.Loader", false, CudaBackendProvider.class.getClassLoader());
    } catch (ClassNotFoundException e) {
      return new Availability(
          false, "JavaCPP is missing; add the artifact org.bytedeco:javacpp to the class path");
    }
    // Asked first, for a fiftieth of what it takes to load the library and ask that.
    if (!NativeLibrary.isChosen() && DRIVERS.stream().noneMatch(Files::exists)) {
      return new Availability(
          false,
          "there is no NVIDIA driver here (no %s); install one, for CUDA 13 or newer"
              .formatted(DRIVERS.getFirst()));
    }
    String failure = NativeLibrary.load();
    return failure == null ? CudaDevices.availability() : new Availability(false, failure);
  }

  @Override
  public Backend open(BackendOptions options) {
    Availability availability = availability();
    if (!availability.available()) {
      throw new IllegalStateException(
          "the backend '%s' is not available: %s".formatted(name(), availability.reason()));
    }
    return CudaBackend.open();
  }
}
