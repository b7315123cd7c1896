package org.fewstep.examples;

import static org.bytedeco.cuda.global.cudart.cudaMemcpyDeviceToHost;
import static org.bytedeco.cuda.global.cudart.cudaMemcpyHostToDevice;

import org.bytedeco.cuda.cudart.CUstream_st;
import org.bytedeco.cuda.global.cudart;
import org.bytedeco.javacpp.FloatPointer;
import org.fewstep.backend.BackendProvider;
import org.fewstep.backend.Backends;
import org.fewstep.backend.Batch;
import org.fewstep.backend.MixtureOutputs;
import org.fewstep.backend.Precision;
import org.fewstep.cuda.CudaBackend;
import org.fewstep.diffusion.OrnsteinUhlenbeck;
import org.fewstep.mixture.DiffusedMixture;
import org.fewstep.mixture.ExampleMixtures;

/**
 * Evaluates a score between calls of somebody else's CUDA code: device memory and a stream that
 * Bytedeco's CUDA presets made, no copy, and no waiting but at the end. It wants a device, and the
 * CUDA runtime library that the presets link to.
 */
public final class ShareDeviceMemory {

  private static final int ROWS = 4;
  private static final int COLUMNS = 2;

  private ShareDeviceMemory() {}

  /** Prints the score at four points, or why there is no CUDA here. */
  public static void main(String[] args) {
    for (BackendProvider provider : Backends.providers()) {
      if (provider.name().equals(CudaBackend.NAME) && !provider.availability().available()) {
        System.out.println("no CUDA here: " + provider.availability().reason());
        return;
      }
    }
    float[] numbers = scoreOf(new float[] {2, 0, 0, 2, -2, 0, 0.1f, 0.2f});
    for (int row = 0; row < ROWS; row++) {
      System.out.printf("(%.3f, %.3f)%n", numbers[COLUMNS * row], numbers[COLUMNS * row + 1]);
    }
  }

  private static float[] scoreOf(float[] points) {
    DiffusedMixture ring =
        DiffusedMixture.at(ExampleMixtures.named("ring8"), new OrnsteinUhlenbeck(), 0.1);
    long bytes = (long) Float.BYTES * points.length;
    CUstream_st stream = new CUstream_st();
    FloatPointer x = new FloatPointer();
    FloatPointer score = new FloatPointer();
    FloatPointer host = new FloatPointer(points);
    check(cudart.cudaStreamCreate(stream));
    check(cudart.cudaMalloc(x, bytes));
    check(cudart.cudaMalloc(score, bytes));
    try (CudaBackend backend = CudaBackend.onStream(0, stream);
        Batch at = backend.wrap(x, ROWS, COLUMNS, Precision.FLOAT32);
        Batch result = backend.wrap(score, ROWS, COLUMNS, Precision.FLOAT32)) {
      check(cudart.cudaMemcpyAsync(x, host, bytes, cudaMemcpyHostToDevice, stream));
      backend.mixture(ring, at, MixtureOutputs.none().withScore(result));
      check(cudart.cudaMemcpyAsync(host, score, bytes, cudaMemcpyDeviceToHost, stream));
      check(cudart.cudaStreamSynchronize(stream));
      float[] numbers = new float[points.length];
      host.get(numbers);
      return numbers;
    } finally {
      check(cudart.cudaFree(x));
      check(cudart.cudaFree(score));
      check(cudart.cudaStreamDestroy(stream));
    }
  }

  private static void check(int status) {
    if (status != cudart.cudaSuccess) {
      throw new IllegalStateException(cudart.cudaGetErrorString(status).getString());
    }
  }
}
