#pragma once

// Sums over a whole batch, in float64 whatever the precision.
//
// A batch is a row of vectors of 16 bytes, dealt out to threads like cards. Every thread adds up
// its own in their order, a block its lanes and then its warps, and a second kernel the blocks. The
// number of blocks follows from the size of the batch alone, so that for a given batch every sum
// is taken in one order: no atomics, and no look at the device.

#include "numbers.cuh"
#include "portable.cuh"
#include "tuning.cuh"
#include "vectors.cuh"

namespace fewstep {

// Vectors that hold so many numbers, the last one filled up.
template <typename Real>
FS_ANYWHERE int64_t vectors_of(int64_t count) {
  return (count + LANES<Real> - 1) / LANES<Real>;
}

template <typename Real>
FS_DEVICE bool begins_a_vector(const Real* address) {
  return reinterpret_cast<uintptr_t>(address) % sizeof(Vector<Real>) == 0;
}

// Reads COUNT vectors of each batch, `stride` apart from v on, before it calls add(numbers) for the
// numbers at one place of all batches, place after place.
template <int COUNT, int BATCHES, typename Real, typename Add>
FS_DEVICE void add_vectors(const Real* const (&batches)[BATCHES], int64_t v, int64_t stride,
                           Add add) {
  Real values[COUNT][BATCHES][LANES<Real>];
  FS_UNROLL
  for (int i = 0; i < COUNT; i++) {
    FS_UNROLL
    for (int b = 0; b < BATCHES; b++) {
      load(batches[b] + (v + i * stride) * LANES<Real>, 0, values[i][b]);
    }
  }
  FS_UNROLL
  for (int i = 0; i < COUNT; i++) {
    FS_UNROLL
    for (int l = 0; l < LANES<Real>; l++) {
      Real at[BATCHES];
      FS_UNROLL
      for (int b = 0; b < BATCHES; b++) {
        at[b] = values[i][b][l];
      }
      add(at);
    }
  }
}

// Calls add(numbers) for the numbers at one place of batches of so many numbers each, place after
// place of those that are this thread's. A view of a batch may begin anywhere: it is then read
// number by number, by the same threads in the same order.
template <int BATCHES, typename Real, typename Add>
FS_DEVICE void for_own(const Real* const (&batches)[BATCHES], int64_t count, Add add) {
  constexpr int AHEAD = tuning::REDUCTION_AHEAD;
  int64_t whole = count / LANES<Real>;
  FS_UNROLL
  for (int b = 0; b < BATCHES; b++) {
    whole = begins_a_vector(batches[b]) ? whole : 0;
  }
  const int64_t stride = block_count() * thread_count();
  int64_t v = block_index() * thread_count() + thread_index();
  FS_UNROLL_BY(1)
  for (; v + (AHEAD - 1) * stride < whole; v += AHEAD * stride) {
    add_vectors<AHEAD>(batches, v, stride, add);
  }
  FS_UNROLL_BY(1)
  for (; v < whole; v += stride) {
    add_vectors<1>(batches, v, stride, add);
  }
  FS_UNROLL_BY(1)
  for (; v < vectors_of<Real>(count); v += stride) {
    FS_UNROLL_BY(1)
    for (int64_t e = v * LANES<Real>; e < count && e < (v + 1) * LANES<Real>; e++) {
      Real at[BATCHES];
      FS_UNROLL
      for (int b = 0; b < BATCHES; b++) {
        at[b] = batches[b][e];
      }
      add(at);
    }
  }
}

// What Stein's coefficient is made of: <u, x>, |u|^2 and the divergence, summed over rows.
constexpr int STEIN_SUMS = 3;

// The share of each block, parts [STEIN_SUMS, blocks]. A product of float is exact in double.
template <typename Real>
FS_KERNEL(tuning::REDUCTION_THREADS, tuning::REDUCTION_RESIDENT)
stein_parts(const Real* x, const Real* u, int64_t elements, const Real* divergence, int64_t rows,
            double* parts) {
  FS_SHARED(double, partial, STEIN_SUMS * tuning::REDUCTION_THREADS / WARP);
  double sums[STEIN_SUMS] = {};
  const Real* const points[] = {x, u};
  for_own(points, elements, [&](const Real (&at)[2]) {
    const double displacement = at[1];
    sums[0] = fma(displacement, static_cast<double>(at[0]), sums[0]);
    sums[1] = fma(displacement, displacement, sums[1]);
  });
  const Real* const numbers[] = {divergence};
  for_own(numbers, rows, [&](const Real (&at)[1]) { sums[2] += at[0]; });
  FS_UNROLL
  for (int s = 0; s < STEIN_SUMS; s++) {
    const double sum = block_sum(sums[s], partial + s * tuning::REDUCTION_THREADS / WARP);
    if (thread_index() == 0) {
      parts[s * block_count() + block_index()] = sum;
    }
  }
}

// sums[s] = the sum of parts[s, :] of [SUMS, count], by one block.
template <int SUMS>
FS_KERNEL(tuning::REDUCTION_THREADS, 1)
add_parts(const double* parts, int count, double* sums) {
  FS_SHARED(double, partial, SUMS * tuning::REDUCTION_THREADS / WARP);
  FS_UNROLL
  for (int s = 0; s < SUMS; s++) {
    double own = 0;
    for (int part = thread_index(); part < count; part += thread_count()) {
      own += parts[s * count + part];
    }
    const double sum = block_sum(own, partial + s * tuning::REDUCTION_THREADS / WARP);
    if (thread_index() == 0) {
      sums[s] = sum;
    }
  }
}

}  // namespace fewstep
