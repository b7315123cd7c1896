// Adaptive trajectories of the probability flow of a mixture.

#include "adaptive.cuh"

#include "mixture_launch.h"
#include "redo_adaptive.cuh"

namespace fewstep {
namespace {

static_assert(FS_MOST_ADAPTIVE_FLOAT32 == MOST_ADAPTIVE_DIMENSION);

struct AdaptiveCall {
  fs_context* context;
  const fs_gaussians& mixture;
  uint64_t origins;
  const fs_adaptive_plan& plan;
  double start;
  double finish;
  int64_t n;
  uint64_t x;
  uint64_t end;
  int knots;            // 0 if they are not wanted
  const double* times;  // the device's, as are the addresses
  const void* addresses;
  uint64_t log_density;
  uint64_t report;
};

template <typename Real>
AdaptivePlan<Real> plan_of(const AdaptiveCall& call) {
  const fs_adaptive_plan& from = call.plan;
  AdaptivePlan<Real> plan;
  plan.process = {static_cast<Schedule>(from.schedule), static_cast<Real>(from.rate),
                  static_cast<Real>(from.slope)};
  for (int j = 0; j < STAGES; j++) {
    for (int stage = 0; stage < STAGES; stage++) {
      plan.weights[stage][j] = static_cast<Real>(from.weights[stage * STAGES + j]);
    }
    plan.error[j] = static_cast<Real>(from.error[j]);
    plan.quadratic[j] = static_cast<Real>(from.quadratic[j]);
    plan.cubic[j] = static_cast<Real>(from.cubic[j]);
    plan.quartic[j] = static_cast<Real>(from.quartic[j]);
    plan.nodes[j] = from.nodes[j];
  }
  plan.start = call.start;
  plan.end = call.finish;
  plan.smallest = from.smallest;
  plan.largest = from.largest;
  plan.absolute = static_cast<Real>(from.absolute);
  plan.relative = static_cast<Real>(from.relative);
  plan.error_exponent = static_cast<Real>(from.error_exponent);
  plan.previous_exponent = static_cast<Real>(from.previous_exponent);
  plan.safety = static_cast<Real>(from.safety);
  plan.least_factor = static_cast<Real>(from.least_factor);
  plan.most_factor = static_cast<Real>(from.most_factor);
  plan.least_remembered = static_cast<Real>(from.least_remembered);
  plan.first_exponent = static_cast<Real>(from.first_exponent);
  plan.most_steps = from.most_steps;
  plan.knots = call.knots;
  plan.times = call.times;
  return plan;
}

// So many blocks that the device is full; rows beyond are taken by threads whose own have ended.
template <typename Kernel>
int full_grid(fs_context* context, Kernel* kernel, int64_t n, unsigned* blocks) {
  int multiprocessors;
  int resident;
  int status = cudaDeviceGetAttribute(&multiprocessors, cudaDevAttrMultiProcessorCount,
                                      context->device);
  if (status == FS_SUCCESS) {
    status = cudaOccupancyMaxActiveBlocksPerMultiprocessor(&resident, kernel,
                                                           tuning::MIXTURE_THREADS, 0);
  }
  if (status == FS_SUCCESS) {
    const unsigned wanted = blocks_for(n, tuning::MIXTURE_THREADS);
    const unsigned full = static_cast<unsigned>(multiprocessors) * resident;
    *blocks = wanted < full ? wanted : full;
  }
  return status;
}

template <typename Real, Kind KIND, int D>
int launch(const AdaptiveCall& call) {
  using Part = Origin<Real, KIND, D>;
  const Part* components = pointer<const Part>(call.origins);
  const auto* rotations =
      reinterpret_cast<const Rotation<Real, D>*>(components + call.mixture.components);
  const Origins<Real, KIND, D> mixture = {components, rotations, call.mixture.shared ? 0 : 1,
                                          call.mixture.components, call.mixture.least_eigenvalue};
  const Real* x = pointer<const Real>(call.x);
  const AdaptiveOutputs<Real> outputs = {
      pointer<Real>(call.end), static_cast<Real* const*>(call.addresses),
      pointer<Real>(call.log_density), pointer<float>(call.report)};
  unsigned blocks;
  int status = full_grid(call.context, adaptive_rows<Real, KIND, D>, call.n, &blocks);
  if (status != FS_SUCCESS) {
    return status;
  }
  FS_LAUNCH((adaptive_rows<Real, KIND, D>), blocks, tuning::MIXTURE_THREADS, 0,
            call.context->stream, mixture, call.mixture.dimension, plan_of<Real>(call), x, call.n,
            outputs);
  status = launched();
  if (status != FS_SUCCESS) {
    return status;
  }
  FS_LAUNCH((redo_adaptive_rows<Real, KIND>), blocks_for(call.n, tuning::FAR_THREADS),
            tuning::FAR_THREADS, 0, call.context->stream, exact_of<KIND>(call.mixture),
            plan_of<double>(call), x, call.n, outputs);
  return launched();
}

}  // namespace
}  // namespace fewstep

using namespace fewstep;

int fs_adaptive_trajectory(fs_context* context, const fs_gaussians* mixture, uint64_t origins,
                           const fs_adaptive_plan* plan, int64_t n, uint64_t x, uint64_t end,
                           int knot_count, const double* times, const uint64_t* knots,
                           uint64_t log_density, uint64_t report) {
  const Entry entry(context);
  int status = entry.status();
  if (status != FS_SUCCESS || n == 0) {
    return status;
  }
  // Times and addresses of the knots, one array after the other.
  const int wanted = knots == nullptr ? 0 : knot_count;
  const uint64_t bytes = wanted * sizeof(uint64_t);
  void* there = nullptr;
  if (wanted > 0) {
    status = workspace(context, 2 * bytes, &there);
    if (status == FS_SUCCESS) {
      status = upload(context, there, times, bytes);
    }
    if (status == FS_SUCCESS) {
      status = upload(context, static_cast<char*>(there) + bytes, knots, bytes);
    }
    if (status != FS_SUCCESS) {
      return status;
    }
  }
  const AdaptiveCall call = {context,
                             *mixture,
                             origins,
                             *plan,
                             times[0],
                             times[knot_count - 1],
                             n,
                             x,
                             end,
                             wanted,
                             static_cast<const double*>(there),
                             wanted > 0 ? static_cast<const char*>(there) + bytes : nullptr,
                             log_density,
                             report};
  return with_dimension(*mixture, [&](auto kind, auto dimension) {
    constexpr bool SMALL = dimension <= FS_MOST_ADAPTIVE_FLOAT64;
    if constexpr (SMALL || (kind != Kind::FULL && dimension <= FS_MOST_ADAPTIVE_FLOAT32)) {
      if (mixture->precision == FS_FLOAT32) {
        return launch<float, kind, dimension>(call);
      }
    }
    if constexpr (SMALL) {
      if (mixture->precision == FS_FLOAT64) {
        return launch<double, kind, dimension>(call);
      }
    }
    return FS_INVALID_ARGUMENT;
  });
}
