#pragma once

// Products of small matrices by a warp on tensor cores: C += A B, with C 16 by 8 in float32, and A
// and B of numbers of fewer bits, 16 by 8 and 8 by 8 of TF32, or 16 by 16 and 16 by 8 of BF16. The
// lanes of the warp hold the matrices in parts, fragments; all of them take part in a product.
//
// Lane l = 4 g + t holds, of
//   A, TF32   word w:  row g + 8 (w % 2), column t + 4 (w / 2)
//   A, BF16   word w:  row g + 8 (w % 2), columns 2 t + 8 (w / 2) and the next, the first below
//   B, TF32   word w:  row t + 4 w, column g
//   B, BF16   word w:  rows 2 t + 8 w and the next, column g
//   C         value v: row g + 8 (v / 2), column 2 t + v % 2
//
// A sum of products is truncated to float32, not rounded, and its error is one-sided: a long sum
// is to be made of shorter ones that are added outside.
//
// Devices before sm_80 have no such products (TENSOR_CORES is false there): kernels leave their
// bodies empty, and launchers choose others.

#include "numbers.cuh"
#include "portable.cuh"

namespace fewstep {

#if !defined(__CUDA_ARCH__) || __CUDA_ARCH__ >= 800
constexpr bool TENSOR_CORES = true;
#else
constexpr bool TENSOR_CORES = false;
#endif

// float32 with 10 bits after the point, in 32 bits of which the last 13 are zero.
struct Tf32 {};

// float32 with 7 bits after the point, two in 32 bits.
struct Bf16 {};

template <typename Number>
struct FragmentA {
  uint32_t word[4];
};

template <typename Number>
struct FragmentB {
  uint32_t word[2];
};

// Aligned, so that memory gives and takes all of it at once.
struct alignas(16) FragmentC {
  float value[4] = {};
};

}  // namespace fewstep

#ifdef __CUDACC__

namespace fewstep {

// The nearest TF32, of two the one farther from zero.
FS_DEVICE uint32_t to_tf32(float value) {
  uint32_t bits = 0;
#if __CUDA_ARCH__ >= 800
  asm("cvt.rna.tf32.f32 %0, %1;" : "=r"(bits) : "f"(value));
#endif
  return bits;
}

// Two numbers as BF16, rounded to nearest, the first in the lower half.
FS_DEVICE uint32_t to_bf16(float first, float second) {
  uint32_t bits = 0;
#if __CUDA_ARCH__ >= 800
  asm("cvt.rn.bf16x2.f32 %0, %1, %2;" : "=r"(bits) : "f"(second), "f"(first));
#endif
  return bits;
}

// c += a b.
FS_DEVICE void multiply_add(FragmentC& c, const FragmentA<Tf32>& a, const FragmentB<Tf32>& b) {
#if __CUDA_ARCH__ >= 800
  asm("mma.sync.aligned.m16n8k8.row.col.f32.tf32.tf32.f32 {%0, %1, %2, %3}, {%4, %5, %6, %7}, "
      "{%8, %9}, {%0, %1, %2, %3};"
      : "+f"(c.value[0]), "+f"(c.value[1]), "+f"(c.value[2]), "+f"(c.value[3])
      : "r"(a.word[0]), "r"(a.word[1]), "r"(a.word[2]), "r"(a.word[3]), "r"(b.word[0]),
        "r"(b.word[1]));
#endif
}

FS_DEVICE void multiply_add(FragmentC& c, const FragmentA<Bf16>& a, const FragmentB<Bf16>& b) {
#if __CUDA_ARCH__ >= 800
  asm("mma.sync.aligned.m16n8k16.row.col.f32.bf16.bf16.f32 {%0, %1, %2, %3}, {%4, %5, %6, %7}, "
      "{%8, %9}, {%0, %1, %2, %3};"
      : "+f"(c.value[0]), "+f"(c.value[1]), "+f"(c.value[2]), "+f"(c.value[3])
      : "r"(a.word[0]), "r"(a.word[1]), "r"(a.word[2]), "r"(a.word[3]), "r"(b.word[0]),
        "r"(b.word[1]));
#endif
}

// Four squares of shared memory, each 8 rows of 16 bytes: lane l gives the address of row l % 8 of
// square l / 8, a multiple of 16 bytes, and gets of square s, in word s, the 4 bytes t of row g.
// That is A and B of TF32, and A of BF16, where rows of A and columns of B lie in memory.
FS_DEVICE void load_squares(uint32_t (&word)[4], const void* row) {
#if __CUDA_ARCH__ >= 800
  const uint32_t address = static_cast<uint32_t>(__cvta_generic_to_shared(row));
  asm volatile("ldmatrix.sync.aligned.m8n8.x4.shared.b16 {%0, %1, %2, %3}, [%4];"
               : "=r"(word[0]), "=r"(word[1]), "=r"(word[2]), "=r"(word[3])
               : "r"(address)
               : "memory");
#endif
}

// The same of squares of 8 by 8 halves of words, transposed: the lane gets of square s the halves g
// of rows 2 t and 2 t + 1. That is B of BF16 where rows of B lie in memory.
FS_DEVICE void load_transposed_squares(uint32_t (&word)[4], const void* row) {
#if __CUDA_ARCH__ >= 800
  const uint32_t address = static_cast<uint32_t>(__cvta_generic_to_shared(row));
  asm volatile("ldmatrix.sync.aligned.m8n8.x4.trans.shared.b16 {%0, %1, %2, %3}, [%4];"
               : "=r"(word[0]), "=r"(word[1]), "=r"(word[2]), "=r"(word[3])
               : "r"(address)
               : "memory");
#endif
}

// Begins to copy 16 bytes from global to shared memory, both at multiples of 16. Nobody may touch
// the shared ones before this thread has awaited the copy.
FS_DEVICE void copy_async(void* shared, const void* global) {
#if __CUDA_ARCH__ >= 800
  const uint32_t address = static_cast<uint32_t>(__cvta_generic_to_shared(shared));
  asm volatile("cp.async.cg.shared.global [%0], [%1], 16;" ::"r"(address), "l"(global) : "memory");
#endif
}

// Makes one group of the copies that this thread began after the last group.
FS_DEVICE void commit_copies() {
#if __CUDA_ARCH__ >= 800
  asm volatile("cp.async.commit_group;" ::: "memory");
#endif
}

// Waits for this thread's copies, but for those of so many groups made last.
template <int GROUPS>
FS_DEVICE void await_copies() {
#if __CUDA_ARCH__ >= 800
  asm volatile("cp.async.wait_group %0;" ::"n"(GROUPS) : "memory");
#endif
}

}  // namespace fewstep

#else

#include "tensor_emulation.h"

#endif

namespace fewstep {

// value = high + low, both TF32, but for a unit in the last place of the value.
FS_DEVICE void split(float value, uint32_t& high, uint32_t& low) {
  high = to_tf32(value);
  low = to_tf32(value - float_of(high));
}

// A fragment, of words that are float32, in two parts.
template <typename Fragment>
FS_DEVICE void split(const uint32_t* values, Fragment& high, Fragment& low) {
  FS_UNROLL
  for (int w = 0; w < static_cast<int>(sizeof high.word / sizeof *high.word); w++) {
    split(float_of(values[w]), high.word[w], low.word[w]);
  }
}

}  // namespace fewstep
