#include "reduction.cuh"

#include <algorithm>

#include "context.h"
#include "fewstep_linear.h"
#include "launch.h"

namespace fewstep {
namespace {

constexpr int THREADS = tuning::REDUCTION_THREADS;

template <typename Real>
int stein_sums(fs_context* context, int64_t rows, int columns, uint64_t x, uint64_t u,
               uint64_t divergence, uint64_t sums) {
  const int64_t elements = rows * columns;
  const int blocks = static_cast<int>(
      std::min<int64_t>(grid(vectors_of<Real>(elements), THREADS), tuning::REDUCTION_BLOCKS));
  void* parts = nullptr;
  const int status = workspace(context, STEIN_SUMS * blocks * sizeof(double), &parts);
  if (status != FS_SUCCESS) {
    return status;
  }
  FS_LAUNCH(stein_parts<Real>, blocks, THREADS, 0, context->stream, pointer<const Real>(x),
            pointer<const Real>(u), elements, pointer<const Real>(divergence), rows,
            static_cast<double*>(parts));
  FS_LAUNCH(add_parts<STEIN_SUMS>, 1, THREADS, 0, context->stream,
            static_cast<const double*>(parts), blocks, pointer<double>(sums));
  return launched();
}

}  // namespace
}  // namespace fewstep

using namespace fewstep;

int fs_stein_sums(fs_context* context, int precision, int64_t rows, int columns, uint64_t x,
                  uint64_t u, uint64_t divergence, uint64_t sums) {
  const Entry entry(context);
  const int status = entry.status();
  if (status != FS_SUCCESS) {
    return status;
  }
  if (rows == 0) {
    return cudaMemsetAsync(pointer<void>(sums), 0, STEIN_SUMS * sizeof(double), context->stream);
  }
  const auto sum = precision == FS_FLOAT32 ? stein_sums<float> : stein_sums<double>;
  return sum(context, rows, columns, x, u, divergence, sums);
}
