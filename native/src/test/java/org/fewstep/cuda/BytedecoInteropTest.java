package org.fewstep.cuda;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import java.util.List;
import org.bytedeco.cuda.cudart.CUstream_st;
import org.bytedeco.cuda.global.cudart;
import org.bytedeco.javacpp.DoublePointer;
import org.fewstep.backend.Batch;
import org.fewstep.backend.Precision;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/** Memory and streams of Bytedeco's CUDA presets, where there is a device for them. */
class BytedecoInteropTest {

  private static final double[] NUMBERS = {1, 2, 3, 4, 5, 6};
  private static final long BYTES = (long) Double.BYTES * NUMBERS.length;

  @BeforeEach
  void requireOneDeviceForBoth() {
    assumeTrue(
        System.getProperty(NativeLibrary.LIBRARY, "").isEmpty(),
        "the presets know no emulated device");
    String failure = presetsFailure();
    assumeTrue(failure == null, () -> "the CUDA presets do not load or see no device: " + failure);
  }

  private static String presetsFailure() {
    try {
      int status = cudart.cudaGetDeviceCount(new int[1]);
      return status == cudart.cudaSuccess ? null : cudart.cudaGetErrorString(status).getString();
    } catch (UnsatisfiedLinkError | NoClassDefFoundError e) {
      return e.toString();
    }
  }

  @Test
  void theirMemoryAndStreamAreOurs() {
    CUstream_st stream = new CUstream_st();
    DoublePointer memory = new DoublePointer();
    check(cudart.cudaStreamCreate(stream));
    check(cudart.cudaMalloc(memory, BYTES));
    try (DoublePointer host = new DoublePointer(NUMBERS);
        CudaBackend backend = CudaBackend.onStream(0, stream);
        Batch view = backend.wrap(memory, 2, 3, Precision.FLOAT64)) {
      assertThat(backend.stream().address()).isEqualTo(stream.address());
      check(cudart.cudaMemcpyAsync(memory, host, BYTES, cudart.cudaMemcpyHostToDevice, stream));
      backend.combine(view, List.of(view), new double[] {3});
      check(cudart.cudaMemcpyAsync(host, memory, BYTES, cudart.cudaMemcpyDeviceToHost, stream));
      check(cudart.cudaStreamSynchronize(stream));
      assertThat(numbers(host)).containsExactly(3, 6, 9, 12, 15, 18);
    } finally {
      // Neither the batch nor the backend took them for their own.
      check(cudart.cudaFree(memory));
      check(cudart.cudaStreamDestroy(stream));
    }
  }

  @Test
  void ourMemoryAndStreamAreTheirs() {
    try (DoublePointer host = new DoublePointer(NUMBERS.length);
        CudaBackend backend = CudaBackend.open(0);
        Batch x = backend.allocate(3, 2, Precision.FLOAT64)) {
      CUstream_st stream = new CUstream_st(backend.stream());
      x.copyFrom(NUMBERS);
      backend.combine(x, List.of(x), new double[] {2});
      DoublePointer memory = new DoublePointer(backend.pointer(x));
      check(cudart.cudaMemcpyAsync(host, memory, BYTES, cudart.cudaMemcpyDeviceToHost, stream));
      check(cudart.cudaStreamSynchronize(stream));
      assertThat(numbers(host)).containsExactly(2, 4, 6, 8, 10, 12);
    }
  }

  private static double[] numbers(DoublePointer host) {
    double[] numbers = new double[NUMBERS.length];
    host.get(numbers);
    return numbers;
  }

  private static void check(int status) {
    assertThat(status)
        .describedAs(() -> cudart.cudaGetErrorString(status).getString())
        .isEqualTo(cudart.cudaSuccess);
  }
}
