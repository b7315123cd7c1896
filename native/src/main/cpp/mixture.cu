// A Gaussian mixture at one time.

#include "mixture.cuh"

#include "mixture_launch.h"

namespace fewstep {
namespace {

template <typename Real, Kind KIND, int D>
int launch(const MixtureCall& call) {
  using Part = Component<Real, KIND, D>;
  const Part* components = pointer<const Part>(call.packed);
  const auto* rotations =
      reinterpret_cast<const Rotation<Real, D>*>(components + call.mixture.components);
  const Gaussians<Real, KIND, D> mixture = {components, rotations, call.mixture.shared ? 0 : 1,
                                            call.mixture.components, call.log_scale};
  FarRows far;
  const int status = far_rows(call.context, call.n, 0, &far, nullptr);
  if (status != FS_SUCCESS) {
    return status;
  }
  const bool second = wants_second_pass(call.outputs);
  const auto kernel =
      second ? mixture_rows<Real, KIND, D, true> : mixture_rows<Real, KIND, D, false>;
  const int rows = second ? 1 : rows_of_thread(D * sizeof(Real));
  FS_LAUNCH(kernel, blocks_for(call.n, tuning::MIXTURE_THREADS * rows), tuning::MIXTURE_THREADS, 0,
            call.context->stream, mixture, call.mixture.dimension, pointer<const Real>(call.x),
            call.n, outputs_of<Real>(call.outputs), far);
  const int done = launched();
  return done != FS_SUCCESS ? done : redo(call, far);
}

}  // namespace
}  // namespace fewstep

using namespace fewstep;

int fs_mixture(fs_context* context, const fs_gaussians* mixture, uint64_t packed, double log_scale,
               double alpha, double variance, int64_t n, uint64_t x,
               const fs_mixture_outputs* outputs) {
  const Entry entry(context);
  const int status = entry.status();
  if (status != FS_SUCCESS || n == 0) {
    return status;
  }
  const MixtureCall call = {context, *mixture, n, x, *outputs, packed, log_scale, alpha,
                            variance, 0};
  if (mixture->dimension > MOST_REGISTER_DIMENSION) {
    return launch_wide(call);
  }
  return with_dimension(*mixture, [&](auto kind, auto dimension) {
    return mixture->precision == FS_FLOAT32 ? launch<float, kind, dimension>(call)
                                            : launch<double, kind, dimension>(call);
  });
}
