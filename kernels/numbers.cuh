#pragma once

// Numbers of either precision, and their sums over lanes.

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
