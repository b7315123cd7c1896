#pragma once

// What launchers share.

#include <cstdint>

namespace fewstep {

// So many blocks that every thread has one item, but no more than a grid may have: kernels go over
// the rest in strides.
inline unsigned grid(int64_t items, int threads) {
  constexpr int64_t MOST = 1 << 30;
  const int64_t blocks = (items + threads - 1) / threads;
  return static_cast<unsigned>(blocks < MOST ? blocks : MOST);
}

}  // namespace fewstep
