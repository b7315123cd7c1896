#pragma once

// Gaussian mixtures of any dimension: a warp a row.

#include "far_rows.cuh"
#include "mixture_general.cuh"
#include "row_time.cuh"
#include "tuning.cuh"

namespace fewstep {

// At one time, all rows or, if there are such words, those marked. Scratch memory is that of
// float64, in which far rows are done again.
template <typename Real, Kind KIND>
FS_KERNEL(tuning::MIXTURE_WARPS * WARP, 1)
mixture_wide(Packed<Real, KIND> mixture, Exact<KIND> exact, const Real* x, long long n,
             MixtureOutputs<Real> outputs, Scratch scratch, FarRows only) {
  FS_DYNAMIC_SHARED(double, shared);
  const int warp = thread_index() / WARP;
  const long long first = block_index() * tuning::MIXTURE_WARPS + warp;
  double* memory = scratch.of_warp(shared, warp, first);
  const int d = mixture.dimension;
  for (long long row = first; row < n; row += block_count() * tuning::MIXTURE_WARPS) {
    if (only.words != nullptr && !only.marked(row)) {
      continue;
    }
    const MixtureOutputs<Real> out = row_of(outputs, row, d, mixture.count);
    const bool done =
        evaluate_row<KIND>(Warp(), mixture, x + row * d, out, reinterpret_cast<Real*>(memory));
    if (sizeof(Real) == sizeof(float) && !done) {
      evaluate_row<KIND>(Warp(), exact, x + row * d, out, memory);
    }
  }
}

// At one time in float32, each row by its survivors [n,words], one bit a component, alone.
template <Kind KIND>
FS_KERNEL(tuning::MIXTURE_WARPS * WARP, 1)
mixture_wide_by_survivors(Packed<float, KIND> mixture, Exact<KIND> exact, const float* x,
                          long long n, MixtureOutputs<float> outputs, Scratch scratch,
                          const unsigned* survivors, long long words) {
  FS_DYNAMIC_SHARED(double, shared);
  const int warp = thread_index() / WARP;
  const long long first = block_index() * tuning::MIXTURE_WARPS + warp;
  double* memory = scratch.of_warp(shared, warp, first);
  const int d = mixture.dimension;
  for (long long row = first; row < n; row += block_count() * tuning::MIXTURE_WARPS) {
    const MixtureOutputs<float> out = row_of(outputs, row, d, mixture.count);
    const MarkedComponents marked = {survivors + row * words, mixture.count};
    if (!evaluate_row<KIND>(Warp(), mixture, x + row * d, out, reinterpret_cast<float*>(memory),
                            marked)) {
      evaluate_row<KIND>(Warp(), exact, x + row * d, out, memory, marked);
    }
  }
}

// At a time of each row's own, [n,2] as in row_time.cuh. In float64, as constants have to be then.
template <typename Real, Kind KIND>
FS_KERNEL(tuning::MIXTURE_WARPS * WARP, 1)
mixture_wide_at_times(Exact<KIND> exact, double least_eigenvalue, const double* times,
                      const Real* x, long long n, MixtureOutputs<Real> outputs, Scratch scratch) {
  FS_DYNAMIC_SHARED(double, shared);
  const int warp = thread_index() / WARP;
  const long long first = block_index() * tuning::MIXTURE_WARPS + warp;
  double* memory = scratch.of_warp(shared, warp, first);
  const int d = exact.dimension;
  for (long long row = first; row < n; row += block_count() * tuning::MIXTURE_WARPS) {
    const MixtureOutputs<Real> out = row_of(outputs, row, d, exact.count);
    const RowTime time(times + 2 * row, least_eigenvalue);
    if (time.valid) {
      evaluate_row<KIND>(Warp(), at_time(exact, time.alpha, time.variance), x + row * d, out,
                         memory);
    } else {
      fail_row(Warp(), d, exact.count, out);
    }
  }
}

}  // namespace fewstep
