#pragma once

// The rows that a kernel with a thread a row leaves to a second one: those whose exponents float32
// would round too much, or that overflow, and those with NaN or infinity. They are few, and all
// there is to doing them right (float64, any size of number) would take registers from the others.

#include "portable.cuh"

namespace fewstep {

// One bit a row, 32 rows a word.
struct FarRows {
  unsigned* words;

  // Tells of the row of this lane; all lanes of a warp do so together, with 32 rows that begin at a
  // multiple of 32. Words are there for n rows.
  FS_METHOD void mark(long long row, long long n, bool far) const {
    unsigned word = far ? 1u << (thread_index() % WARP) : 0u;
    FS_UNROLL
    for (int lanes = WARP / 2; lanes > 0; lanes /= 2) {
      word |= shuffle_xor(word, lanes);
    }
    if (thread_index() % WARP == 0 && row < n) {
      words[row / WARP] = word;
    }
  }

  FS_METHOD bool marked(long long row) const { return (words[row / WARP] >> row % WARP & 1) != 0; }
};

// Calls body(row) for every row marked; a thread has the rows of a word.
template <typename Body>
FS_DEVICE void each_far_row(const FarRows& far, long long n, Body body) {
  const long long index = block_index() * thread_count() + thread_index();
  if (index * WARP < n) {
    for (unsigned word = far.words[index], bit = 0; word != 0; word >>= 1, bit++) {
      if ((word & 1) != 0) {
        body(index * WARP + bit);
      }
    }
  }
}

}  // namespace fewstep
