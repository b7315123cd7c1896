#pragma once

// What launchers share.

#include <cstdint>

namespace fewstep {

// The blocks that so many items make, for kernels that do not go over them in strides: memory holds
// fewer than a grid may have.
inline unsigned blocks_for(int64_t items, int64_t items_of_block) {
  return static_cast<unsigned>((items + items_of_block - 1) / items_of_block);
}

// So many blocks that every thread has one item, but no more than a grid may have: kernels go over
// the rest in strides.
inline unsigned grid(int64_t items, int threads) {
  constexpr int64_t MOST = int64_t{1} << 30;
  return items < MOST * threads ? blocks_for(items, threads) : static_cast<unsigned>(MOST);
}

}  // namespace fewstep
