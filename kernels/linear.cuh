#pragma once

// Element-wise operations on states: linear combinations, and steps with a step size per row. They
// read every operand once and write once, so memory is their limit: (terms + 1) elements moved for
// each element of the result.

#include "numbers.cuh"
#include "portable.cuh"
#include "tuning.cuh"

namespace fewstep {

constexpr int MOST_TERMS = 8;

// The operands of a sum, those without a weight left out.
template <typename Real>
struct Terms {
  const Real* address[MOST_TERMS];
  Real weight[MOST_TERMS];
  Real error_weight[MOST_TERMS];
  int count;
};

// out[e] = sum_j weight[j] term_j[e], in the order of the terms.
template <typename Real>
FS_KERNEL(tuning::LINEAR_THREADS, 4)
combine(Real* out, int64_t elements, Terms<Real> terms) {
  const int64_t stride = block_count() * thread_count();
  for (int64_t e = block_index() * thread_count() + thread_index(); e < elements; e += stride) {
    Real sum = 0;
    FS_UNROLL
    for (int j = 0; j < MOST_TERMS; j++) {
      if (j < terms.count) {
        sum = fma(terms.weight[j], terms.address[j][e], sum);
      }
    }
    out[e] = sum;
  }
}

template <typename Real>
struct ErrorScale {
  Real* squares;  // [rows], or null if no error is wanted
  Real absolute;
  Real relative;
};

// next = x + h sum_j weight[j] slope_j with h of each row, and squares[row] += the sum over columns
// of (h sum_j error_weight[j] slope_j / (absolute + relative max(|x|, |next|)))^2. LANES threads
// share a row: 1 for few columns, a warp for many.
template <typename Real, int LANES>
FS_KERNEL(tuning::LINEAR_THREADS, 4)
step(const Real* x, int64_t rows, int columns, Terms<Real> slopes, const double* step_sizes,
     Real* next, ErrorScale<Real> error) {
  const int lane = thread_index() % LANES;
  const int64_t stride = block_count() * thread_count() / LANES;
  const int64_t first = (block_index() * thread_count() + thread_index()) / LANES;
  for (int64_t row = first; row < rows; row += stride) {
    const Real h = static_cast<Real>(step_sizes[row]);
    Real squares = 0;
    for (int column = lane; column < columns; column += LANES) {
      const int64_t e = row * columns + column;
      Real slope = 0;
      Real difference = 0;
      FS_UNROLL
      for (int j = 0; j < MOST_TERMS; j++) {
        if (j < slopes.count) {
          const Real value = slopes.address[j][e];
          // A weight of zero must not meet an infinite slope.
          slope = slopes.weight[j] == 0 ? slope : fma(slopes.weight[j], value, slope);
          difference = slopes.error_weight[j] == 0
                           ? difference
                           : fma(slopes.error_weight[j], value, difference);
        }
      }
      const Real before = x[e];
      // A row that stands still is not touched by what its slopes hold, be it infinite.
      const Real after = h == 0 ? before : fma(slope, h, before);
      next[e] = after;
      if (error.squares != nullptr && h != 0) {
        const Real size = larger(magnitude(before), magnitude(after));
        const Real ratio = difference * h / fma(size, error.relative, error.absolute);
        squares = fma(ratio, ratio, squares);
      }
    }
    if (error.squares != nullptr) {
      squares = lane_sum<LANES>(squares);
      if (lane == 0) {
        error.squares[row] += squares;
      }
    }
  }
}

}  // namespace fewstep
