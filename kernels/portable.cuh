#pragma once

// What a kernel of ours may use of CUDA, under names that a C++ compiler on a host can stand in
// for: with nvcc they are CUDA itself, without it native/src/emulation runs every thread of a block
// as a fiber. Blocks and grids have one dimension; that is all that our kernels need.

#ifdef __CUDACC__

#include <cuda_runtime.h>

#include <cstdint>
#include <cstring>

// A function that threads call.
#define FS_DEVICE static __device__ __forceinline__

// A function of a type that threads hold.
#define FS_METHOD __device__ __forceinline__

// The same, compiled once and called: for large ones that are not in a hurry.
#define FS_METHOD_APART __device__ __noinline__

// A function that launchers call too.
#define FS_ANYWHERE __host__ __device__

// A kernel of at most so many threads a block, of which so many blocks share a multiprocessor:
// the registers of a thread follow from both.
#define FS_KERNEL(threads, blocks) __global__ void __launch_bounds__(threads, blocks)

// An array of a block, of a size known when compiled.
#define FS_SHARED(type, name, count) __shared__ type name[count]

// The array of a block whose size the launch says; one a kernel.
#define FS_DYNAMIC_SHARED(type, name)                          \
  extern __shared__ __align__(16) unsigned char fs_dynamic[]; \
  type* name = reinterpret_cast<type*>(fs_dynamic)

// Waits for all threads of the block; what they wrote before is seen after.
#define FS_BARRIER() __syncthreads()

#define FS_UNROLL _Pragma("unroll")


// Unrolls a loop by a constant; 1 leaves it a loop.
#define FS_PRAGMA(text) _Pragma(#text)
#define FS_UNROLL_BY(count) FS_PRAGMA(unroll count)

// Launches a kernel; a template's name with a comma in it stands in parentheses.
#define FS_LAUNCH(kernel, grid, block, shared, stream, ...) \
  (kernel)<<<grid, block, shared, stream>>>(__VA_ARGS__)

namespace fewstep {

constexpr int WARP = 32;
constexpr unsigned ALL_LANES = 0xffffffffu;

FS_DEVICE int thread_index() { return static_cast<int>(threadIdx.x); }
FS_DEVICE int thread_count() { return static_cast<int>(blockDim.x); }
FS_DEVICE long long block_index() { return static_cast<long long>(blockIdx.x); }
FS_DEVICE long long block_count() { return static_cast<long long>(gridDim.x); }

// All lanes of a warp take part in these, or the result is undefined.
template <typename T>
FS_DEVICE T shuffle_xor(T value, int lanes) {
  return __shfl_xor_sync(ALL_LANES, value, lanes);
}

template <typename T>
FS_DEVICE T shuffle(T value, int lane) {
  return __shfl_sync(ALL_LANES, value, lane);
}

FS_DEVICE bool any_lane(bool value) { return __any_sync(ALL_LANES, value) != 0; }

FS_DEVICE void warp_barrier() { __syncwarp(); }

// 2^x for x <= 0 and of any size, to two units in the last place in float32; NaN stays NaN.
FS_DEVICE float exp2_fast(float x) {
  float y;
  asm("ex2.approx.ftz.f32 %0, %1;" : "=f"(y) : "f"(x));
  return y;
}

FS_DEVICE double exp2_fast(double x) { return exp2(x); }

// a b, rounded: the compiler takes no part of it into a sum, so that the product of the same
// numbers is the same in all places.
FS_DEVICE double rounded_product(double a, double b) { return __dmul_rn(a, b); }

// The index of the lowest bit that is set, of a word that is not 0.
FS_DEVICE int lowest_bit(unsigned word) { return __ffs(static_cast<int>(word)) - 1; }

}  // namespace fewstep

#else

#include "emulation.h"

#define FS_METHOD inline
#define FS_METHOD_APART
#define FS_ANYWHERE
#define FS_UNROLL_BY(count)

namespace fewstep {

FS_DEVICE double rounded_product(double a, double b) { return a * b; }

FS_DEVICE int lowest_bit(unsigned word) { return __builtin_ctz(word); }

}  // namespace fewstep

#endif
