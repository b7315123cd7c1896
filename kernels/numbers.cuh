#pragma once

// Numbers of either precision, and their sums over lanes and blocks.

#include <limits>

#include "portable.cuh"

namespace fewstep {

template <typename Real>
constexpr Real NOT_A_NUMBER = std::numeric_limits<Real>::quiet_NaN();

template <typename Real>
constexpr Real INFINITE = std::numeric_limits<Real>::infinity();

// The sum over so many neighbouring lanes, a power of two, for all of them; all lanes of the warp
// take part.
template <int LANES, typename Real>
FS_DEVICE Real lane_sum(Real value) {
  FS_UNROLL
  for (int lanes = LANES / 2; lanes > 0; lanes /= 2) {
    value += shuffle_xor(value, lanes);
  }
  return value;
}

// The sum over a block of whole warps, for all its threads: over the lanes, then over the warps in
// their order. `partial` is shared and has a place for each warp.
FS_DEVICE double block_sum(double value, double* partial) {
  const double sum = lane_sum<WARP>(value);
  if (thread_index() % WARP == 0) {
    partial[thread_index() / WARP] = sum;
  }
  FS_BARRIER();
  double total = partial[0];
  for (int warp = 1; warp < thread_count() / WARP; warp++) {
    total += partial[warp];
  }
  return total;
}

FS_DEVICE uint64_t bits_of(double value) {
  uint64_t bits;
  memcpy(&bits, &value, sizeof bits);
  return bits;
}

FS_DEVICE double double_of(uint64_t bits) {
  double value;
  memcpy(&value, &bits, sizeof value);
  return value;
}

FS_DEVICE uint32_t bits_of(float value) {
  uint32_t bits;
  memcpy(&bits, &value, sizeof bits);
  return bits;
}

FS_DEVICE float float_of(uint32_t bits) {
  float value;
  memcpy(&value, &bits, sizeof value);
  return value;
}

template <typename Real>
FS_DEVICE Real magnitude(Real value) {
  return value < 0 ? -value : value;
}

// The larger of two numbers, NaN if either is.
template <typename Real>
FS_DEVICE Real larger(Real a, Real b) {
  return a > b || a != a ? a : b;
}

}  // namespace fewstep
