#pragma once

// Numbers of either precision.

#include "portable.cuh"

namespace fewstep {

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
