// Whole trajectories of the probability flow of a mixture.

#include "trajectory.cuh"

#include "mixture_launch.h"

namespace fewstep {
namespace {

template <typename Real, Kind KIND, int D>
int launch(const TrajectoryCall& call, const FarRows& far) {
  using Part = Component<Real, KIND, D>;
  const Part* components = pointer<const Part>(call.packed);
  const auto* rotations = reinterpret_cast<const Rotation<Real, D>*>(
      components + call.evaluations * call.mixture.components);
  const Gaussians<Real, KIND, D> mixture = {components, rotations, call.mixture.shared ? 0 : 1,
                                            call.mixture.components, 0};
  FS_LAUNCH((trajectory_rows<Real, KIND, D>), blocks_for(call.n, tuning::MIXTURE_THREADS),
            tuning::MIXTURE_THREADS, 0, call.context->stream, mixture, call.mixture.dimension,
            program_of<Real>(call), pointer<const Real>(call.x), call.n, outputs_of<Real>(call),
            far);
  const int done = launched();
  return done != FS_SUCCESS ? done : redo(call, far);
}

}  // namespace
}  // namespace fewstep

using namespace fewstep;

int fs_trajectory(fs_context* context, const fs_gaussians* mixture, uint64_t packed,
                  uint64_t times, int64_t evaluations, int operations, uint64_t program, int slots,
                  int denoised, int64_t n, uint64_t x, uint64_t end, int knot_count,
                  const uint64_t* knots, uint64_t log_density) {
  const Entry entry(context);
  int status = entry.status();
  if (status != FS_SUCCESS || n == 0) {
    return status;
  }
  if (slots > MAX_SLOTS) {
    return FS_INVALID_ARGUMENT;
  }
  FarRows far;
  void* knots_there;
  const uint64_t knot_bytes = knots == nullptr ? 0 : knot_count * sizeof(uint64_t);
  status = far_rows(context, n, knot_bytes, &far, &knots_there);
  if (status == FS_SUCCESS && knot_bytes > 0) {
    status = upload(context, knots_there, knots, knot_bytes);
  }
  if (status != FS_SUCCESS) {
    return status;
  }
  const TrajectoryCall call = {context,    *mixture, packed, evaluations,   program,
                               times,      operations, slots, denoised != 0, n,
                               x,          end,      knot_bytes > 0 ? knots_there : nullptr,
                               log_density};
  return with_dimension(*mixture, [&](auto kind, auto dimension) {
    if (mixture->precision == FS_FLOAT32) {
      return launch<float, kind, dimension>(call, far);
    }
    if constexpr (dimension <= MOST_DOUBLE_DIMENSION) {
      return launch<double, kind, dimension>(call, far);
    }
    return FS_INVALID_ARGUMENT;
  });
}
