package org.fewstep.cuda;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.List;
import org.fewstep.backend.Availability;
import org.fewstep.backend.Batch;
import org.fewstep.backend.Precision;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.condition.EnabledIfSystemProperty;

/**
 * What happens when a call of the CUDA runtime fails: the n-th, for every n that a program has. The
 * error is clear, and nothing is left behind. Runs where the emulated device is.
 */
@EnabledIfSystemProperty(named = NativeLibrary.LIBRARY, matches = ".+")
class EmulatedFaultsTest {

  @AfterEach
  void failNoMore() {
    EmulatedDevice.failAfter(0);
  }

  /** Opens, computes and closes; batches are left to the backend on purpose. */
  private static double[] program() {
    try (CudaBackend backend = CudaBackend.open(0)) {
      Batch x = backend.allocate(100, 3, Precision.FLOAT32);
      Batch y = backend.allocate(100, 3, Precision.FLOAT32);
      y.copyFrom(new float[300]);
      CudaTimer timer = backend.timer();
      backend.timer().close();
      timer.start();
      backend.normal(x, 1, 0);
      timer.stop();
      timer.seconds();
      backend.combine(y, List.of(x, y), new double[] {2, 1});
      CudaGraph graph = backend.record(() -> backend.combine(x, List.of(x), new double[] {0.5}));
      graph.launch();
      Batch divergence = backend.allocate(100, 1, Precision.FLOAT32);
      backend.steinSums(x, y, divergence, backend.allocate(1, 3, Precision.FLOAT64));
      backend.synchronize();
      graph.close();
      y.close();
      return x.toDoubleArray();
    }
  }

  @Test
  void aDeviceThatDoesNotAnswerIsNotAvailableAndSaysWhy() {
    int failures = 0;
    for (boolean failed = true; failed; ) {
      failures++;
      EmulatedDevice.failAfter(failures);
      Availability answer = CudaDevices.availability();
      EmulatedDevice.failAfter(0);
      failed = !answer.available();
      assertThat(answer.reason()).contains(failed ? "cudaError" : "cuda:0");
      assertThat(failures).isLessThan(50);
    }
    assertThat(failures).as("calls that can fail").isGreaterThan(4);
  }

  @Test
  void everyFailedCallIsToldAndLeavesNothing() {
    int before = EmulatedDevice.live();
    double[] expected = program();
    assertThat(EmulatedDevice.live()).isEqualTo(before);
    int failures = 0;
    for (boolean failed = true; failed; ) {
      failures++;
      assertThat(failures).as("calls of the program").isLessThan(200);
      EmulatedDevice.failAfter(failures);
      try {
        assertThat(program()).isEqualTo(expected);
        failed = false;
      } catch (IllegalArgumentException e) {
        assertThat(e).hasMessageContaining("device memory are not to be had");
      } catch (CudaException e) {
        assertThat(e).hasMessageMatching("fs_\\w+.* failed with cudaError\\w+ \\(.+\\); .*");
      }
      EmulatedDevice.failAfter(0);
      assertThat(EmulatedDevice.live()).as("left after failure %d", failures).isEqualTo(before);
    }
    assertThat(failures).as("calls that can fail").isGreaterThan(10);
  }
}
