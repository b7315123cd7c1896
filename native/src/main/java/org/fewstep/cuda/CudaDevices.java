package org.fewstep.cuda;

import org.fewstep.backend.Availability;
import org.fewstep.cuda.binding.FewstepCuda;
import org.fewstep.cuda.binding.fs_device;

/** The devices of this machine, once the native library is loaded. */
final class CudaDevices {

  /** The system property that chooses a device by its index; 0 if not set. */
  static final String PROPERTY = "fewstep.cuda.device";

  private static final int INSUFFICIENT_DRIVER = 35;
  private static final int NO_DEVICE = 100;
  private static final int NO_KERNEL_IMAGE = 209;

  private CudaDevices() {}

  /** The index that the property names. */
  static int chosen() {
    String text = System.getProperty(PROPERTY, "0");
    try {
      return Integer.parseInt(text.strip());
    } catch (NumberFormatException e) {
      throw new IllegalArgumentException(
          "-D%s must be the index of a device, but is '%s'".formatted(PROPERTY, text), e);
    }
  }

  /** Whether the chosen device is there, and why not. */
  static Availability availability() {
    int[] count = new int[1];
    int status = FewstepCuda.fs_device_count(count);
    if (status == INSUFFICIENT_DRIVER) {
      return new Availability(
          false,
          "there is no NVIDIA driver, or one older than CUDA 13 needs (580); install a newer one");
    }
    if (status == NO_DEVICE || status == FewstepCuda.FS_SUCCESS && count[0] == 0) {
      return new Availability(
          false, "the NVIDIA driver finds no device; look at nvidia-smi and CUDA_VISIBLE_DEVICES");
    }
    if (status != FewstepCuda.FS_SUCCESS) {
      return new Availability(
          false,
          "the NVIDIA driver answers %s: %s"
              .formatted(
                  FewstepCuda.fs_error_name(status).getString(),
                  FewstepCuda.fs_error_text(status).getString()));
    }
    try {
      int device = chosen();
      requireIndex(device, count[0]);
      int code = FewstepCuda.fs_device_check(device);
      if (code == NO_KERNEL_IMAGE) {
        return new Availability(
            false,
            "the native library has no code for %s; build one that has with -Dcuda.architectures="
                    .formatted(describe(device))
                + "%d%d-real".formatted(get(device).major(), get(device).minor()));
      }
      check("fs_device_check", code);
      return new Availability(true, describe(device));
    } catch (IllegalArgumentException | CudaException e) {
      return new Availability(false, e.getMessage());
    }
  }

  /** The number of devices. */
  static int count() {
    int[] count = new int[1];
    check("fs_device_count", FewstepCuda.fs_device_count(count));
    return count[0];
  }

  static void requireIndex(int device, int count) {
    if (device < 0 || device >= count) {
      throw new IllegalArgumentException(
          "device must lie in [0, %d), but is %d".formatted(count, device));
    }
  }

  /** What the driver tells of a device. */
  static CudaDevice get(int device) {
    try (fs_device found = new fs_device()) {
      check("fs_device_get", FewstepCuda.fs_device_get(device, found));
      return new CudaDevice(
          device,
          found.name().getString(),
          found.major(),
          found.minor(),
          found.multiprocessors(),
          found.memory(),
          1e3 * found.clock(),
          // two transfers a clock, a bus of bits
          1e3 * found.memory_clock() * 2 * found.memory_bus() / 8,
          version(found.driver()));
    }
  }

  /** One line about a device. */
  static String describe(int device) {
    CudaDevice found = get(device);
    return "%s (cuda:%d), compute capability %d.%d, %d multiprocessors, %.0f GiB, driver for CUDA %s"
        .formatted(
            found.name(),
            device,
            found.major(),
            found.minor(),
            found.multiprocessors(),
            found.memory() / (double) (1L << 30),
            found.driver());
  }

  private static String version(int number) {
    return number / 1000 + "." + number % 1000 / 10;
  }

  private static void check(String call, int status) {
    if (status != FewstepCuda.FS_SUCCESS) {
      throw CudaContext.failure(call, status);
    }
  }
}
