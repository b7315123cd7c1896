#pragma once

// What a thread reads and writes in one go: 16 bytes.

#include "portable.cuh"

namespace fewstep {

template <typename Real>
constexpr int LANES = 16 / sizeof(Real);

template <typename Real>
struct alignas(16) Vector {
  Real lane[LANES<Real>];
};

// COUNT numbers by vectors that stand `stride` apart.
template <int COUNT, typename Real>
FS_DEVICE void load(const Real* from, int stride, Real (&to)[COUNT]) {
  FS_UNROLL
  for (int v = 0; v < COUNT / LANES<Real>; v++) {
    const Vector<Real> vector = *reinterpret_cast<const Vector<Real>*>(from + v * stride);
    FS_UNROLL
    for (int l = 0; l < LANES<Real>; l++) {
      to[v * LANES<Real> + l] = vector.lane[l];
    }
  }
}

template <int COUNT, typename Real>
FS_DEVICE void store(const Real (&from)[COUNT], Real* to, int stride) {
  FS_UNROLL
  for (int v = 0; v < COUNT / LANES<Real>; v++) {
    Vector<Real> vector;
    FS_UNROLL
    for (int l = 0; l < LANES<Real>; l++) {
      vector.lane[l] = from[v * LANES<Real> + l];
    }
    *reinterpret_cast<Vector<Real>*>(to + v * stride) = vector;
  }
}

}  // namespace fewstep
