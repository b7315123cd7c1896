#include "linear.cuh"

#include "context.h"
#include "fewstep_linear.h"
#include "launch.h"

namespace fewstep {
namespace {

constexpr int THREADS = tuning::LINEAR_THREADS;

// Columns from which on a warp shares a row.
constexpr int MANY_COLUMNS = 16;

template <typename Real>
Terms<Real> terms_of(int count, const uint64_t* addresses, const double* weights,
                     const double* error_weights) {
  Terms<Real> terms = {};
  for (int j = 0; j < count; j++) {
    const double error_weight = error_weights == nullptr ? 0 : error_weights[j];
    if (weights[j] != 0 || error_weight != 0) {
      terms.address[terms.count] = pointer<const Real>(addresses[j]);
      terms.weight[terms.count] = static_cast<Real>(weights[j]);
      terms.error_weight[terms.count++] = static_cast<Real>(error_weight);
    }
  }
  return terms;
}

template <typename Real>
void launch_combine(fs_context* context, int64_t elements, uint64_t out, int count,
                    const uint64_t* addresses, const double* weights) {
  FS_LAUNCH(combine<Real>, grid(elements, THREADS), THREADS, 0, context->stream,
            pointer<Real>(out), elements, terms_of<Real>(count, addresses, weights, nullptr));
}

template <typename Real, int LANES>
void launch_step(fs_context* context, int64_t rows, int columns, uint64_t x,
                 const Terms<Real>& slopes, uint64_t step_sizes, uint64_t next,
                 const ErrorScale<Real>& error) {
  FS_LAUNCH((step<Real, LANES>), grid(rows * LANES, THREADS), THREADS, 0, context->stream,
            pointer<const Real>(x), rows, columns, slopes, pointer<const double>(step_sizes),
            pointer<Real>(next), error);
}

template <typename Real>
void launch_step(fs_context* context, int64_t rows, int columns, uint64_t x, int count,
                 const uint64_t* addresses, const double* weights, uint64_t step_sizes,
                 uint64_t next, const double* error_weights, double absolute, double relative,
                 uint64_t squares) {
  const Terms<Real> slopes = terms_of<Real>(count, addresses, weights, error_weights);
  const ErrorScale<Real> error = {error_weights == nullptr ? nullptr : pointer<Real>(squares),
                                  static_cast<Real>(absolute), static_cast<Real>(relative)};
  if (columns < MANY_COLUMNS) {
    launch_step<Real, 1>(context, rows, columns, x, slopes, step_sizes, next, error);
  } else {
    launch_step<Real, WARP>(context, rows, columns, x, slopes, step_sizes, next, error);
  }
}

}  // namespace
}  // namespace fewstep

using namespace fewstep;

int fs_device_check(int device) {
  const DeviceScope scope(device);
  int status = scope.status();
  if (status == FS_SUCCESS) {
    // All kernels were compiled for the same devices: any will do.
    cudaFuncAttributes attributes;
    status = cudaFuncGetAttributes(&attributes, combine<float>);
  }
  cudaGetLastError();  // asked and answered: the next call must not see it again
  return status;
}

int fs_combine(fs_context* context, int precision, int64_t elements, uint64_t out, int count,
               const uint64_t* terms, const double* weights) {
  const Entry entry(context);
  const int status = entry.status();
  if (status != FS_SUCCESS || elements == 0) {
    return status;
  }
  if (count > MOST_TERMS) {
    return FS_INVALID_ARGUMENT;
  }
  if (precision == FS_FLOAT32) {
    launch_combine<float>(context, elements, out, count, terms, weights);
  } else {
    launch_combine<double>(context, elements, out, count, terms, weights);
  }
  return launched();
}

int fs_step(fs_context* context, int precision, int64_t rows, int columns, uint64_t x, int count,
            const uint64_t* slopes, const double* weights, uint64_t step_sizes, uint64_t next,
            const double* error_weights, double absolute, double relative, uint64_t squares) {
  const Entry entry(context);
  const int status = entry.status();
  if (status != FS_SUCCESS || rows == 0) {
    return status;
  }
  if (count > MOST_TERMS) {
    return FS_INVALID_ARGUMENT;
  }
  if (precision == FS_FLOAT32) {
    launch_step<float>(context, rows, columns, x, count, slopes, weights, step_sizes, next,
                       error_weights, absolute, relative, squares);
  } else {
    launch_step<double>(context, rows, columns, x, count, slopes, weights, step_sizes, next,
                        error_weights, absolute, relative, squares);
  }
  return launched();
}
