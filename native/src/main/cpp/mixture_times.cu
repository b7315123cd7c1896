// A Gaussian mixture at a time of each row's own.

#include "mixture_times.cuh"

#include "mixture_launch.h"

namespace fewstep {
namespace {

template <typename Real, Kind KIND, int D>
int launch(const MixtureCall& call) {
  using Part = Origin<Real, KIND, D>;
  const Part* components = pointer<const Part>(call.packed);
  const auto* rotations =
      reinterpret_cast<const Rotation<Real, D>*>(components + call.mixture.components);
  const Origins<Real, KIND, D> mixture = {components, rotations, call.mixture.shared ? 0 : 1,
                                          call.mixture.components, call.mixture.least_eigenvalue};
  FarRows far;
  const int status = far_rows(call.context, call.n, 0, &far, nullptr);
  if (status != FS_SUCCESS) {
    return status;
  }
  FS_LAUNCH((mixture_rows_at_times<Real, KIND, D>), blocks_for(call.n, tuning::MIXTURE_THREADS),
            tuning::MIXTURE_THREADS, 0, call.context->stream, mixture, call.mixture.dimension,
            pointer<const double>(call.times), pointer<const Real>(call.x), call.n,
            outputs_of<Real>(call.outputs), far);
  const int done = launched();
  return done != FS_SUCCESS ? done : redo(call, far);
}

}  // namespace
}  // namespace fewstep

using namespace fewstep;

int fs_mixture_at_times(fs_context* context, const fs_gaussians* mixture, uint64_t origins,
                        uint64_t times, int64_t n, uint64_t x, const fs_mixture_outputs* outputs) {
  const Entry entry(context);
  const int status = entry.status();
  if (status != FS_SUCCESS || n == 0) {
    return status;
  }
  const MixtureCall call = {context, *mixture, n, x, *outputs, origins, 0, 0, 0, times};
  const bool single = mixture->precision == FS_FLOAT32;
  if (mixture->dimension > (single ? MOST_REGISTER_DIMENSION : MOST_DOUBLE_DIMENSION)) {
    return launch_wide(call);
  }
  return with_dimension(*mixture, [&](auto kind, auto dimension) {
    if constexpr (dimension <= MOST_DOUBLE_DIMENSION) {
      if (!single) {
        return launch<double, kind, dimension>(call);
      }
    }
    return launch<float, kind, dimension>(call);
  });
}
