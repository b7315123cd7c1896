// Kernels with one mistake each, which a tool of compute-sanitizer must catch: a tool that lets its
// canary live says nothing by finding no mistake in the library.
//
//   canary memcheck|racecheck|initcheck|synccheck|none
//
// Exit status: 0 if the kernel ran, whatever it did; 1 if it could not be launched; 2 for another
// argument; 3 if there is no device.

#include <cuda_runtime.h>

#include <cstdio>
#include <cstring>

namespace {

constexpr int THREADS = 128;
constexpr int WARP = 32;

// The comparison lets one thread too many through: it writes behind the end.
__global__ void out_of_bounds(int* values, int count) {
  const int i = static_cast<int>(threadIdx.x);
  if (i <= count) {
    values[i] = i;
  }
}

// A thread reads what one of another warp writes, and nothing orders the two.
__global__ void race(int* values) {
  __shared__ int shared[THREADS];
  const int i = static_cast<int>(threadIdx.x);
  shared[i] = values[i];
  values[i] = shared[THREADS - 1 - i];
}

// Reads what nobody wrote.
__global__ void uninitialised(const int* nothing, int* values) {
  const int i = static_cast<int>(threadIdx.x);
  values[i] = nothing[i];
}

// Half of the threads wait at a barrier of the block that the others have left behind, then threads
// wait for a mask that they are not in.
__global__ void divergent(int* values) {
  const int i = static_cast<int>(threadIdx.x);
  if (i < THREADS / 2) {
    __syncthreads();
    values[i] += 1;
  }
  const unsigned lower = __ballot_sync(0xffffffffu, i % WARP < WARP / 2);
  __syncwarp(lower);
  values[i] += 2;
}

// The same work with no mistake.
__global__ void sound(int* values) {
  __shared__ int shared[THREADS];
  const int i = static_cast<int>(threadIdx.x);
  shared[i] = values[i];
  __syncthreads();
  values[i] = shared[THREADS - 1 - i];
}

bool launch(const char* mode, int* values, const int* nothing) {
  if (std::strcmp(mode, "memcheck") == 0) {
    out_of_bounds<<<1, THREADS>>>(values, THREADS - 1);
  } else if (std::strcmp(mode, "racecheck") == 0) {
    race<<<1, THREADS>>>(values);
  } else if (std::strcmp(mode, "initcheck") == 0) {
    uninitialised<<<1, THREADS>>>(nothing, values);
  } else if (std::strcmp(mode, "synccheck") == 0) {
    divergent<<<1, THREADS>>>(values);
  } else if (std::strcmp(mode, "none") == 0) {
    sound<<<1, THREADS>>>(values);
  } else {
    return false;
  }
  return true;
}

}  // namespace

int main(int count, char** arguments) {
  int devices = 0;
  if (cudaGetDeviceCount(&devices) != cudaSuccess || devices == 0) {
    std::fprintf(stderr, "canary: there is no device\n");
    return 3;
  }
  // One element less than threads where the last is to be out of bounds.
  const bool short_of_one = count == 2 && std::strcmp(arguments[1], "memcheck") == 0;
  const size_t bytes = (THREADS - (short_of_one ? 1 : 0)) * sizeof(int);
  int* values = nullptr;
  int* nothing = nullptr;
  if (cudaMalloc(&values, bytes) != cudaSuccess || cudaMemset(values, 0, bytes) != cudaSuccess ||
      cudaMalloc(&nothing, THREADS * sizeof(int)) != cudaSuccess) {
    std::fprintf(stderr, "canary: %s\n", cudaGetErrorString(cudaGetLastError()));
    return 1;
  }
  if (count != 2 || !launch(arguments[1], values, nothing)) {
    std::fprintf(stderr, "usage: canary memcheck|racecheck|initcheck|synccheck|none\n");
    return 2;
  }
  const cudaError_t launched = cudaGetLastError();
  if (launched != cudaSuccess) {
    std::fprintf(stderr, "canary: %s\n", cudaGetErrorString(launched));
    return 1;
  }
  // What comes of it is the tool's business.
  std::printf("canary: %s\n", cudaGetErrorString(cudaDeviceSynchronize()));
  cudaFree(nothing);
  cudaFree(values);
  return 0;
}
