// Evaluation of networks, and the forward pass of their training.

#include "network_launch.h"

#include <type_traits>

namespace fewstep::network {

int grid_for(const fs_context* context, const fs_network& network, int64_t n, int64_t columns,
             int64_t held, Grid* grid) {
  int on_chip = 0;
  int multiprocessors = 0;
  int status = cudaDeviceGetAttribute(&on_chip, cudaDevAttrMaxSharedMemoryPerBlockOptin,
                                      context->device);
  if (status == cudaSuccess) {
    status = cudaDeviceGetAttribute(&multiprocessors, cudaDevAttrMultiProcessorCount,
                                    context->device);
  }
  if (status != cudaSuccess) {
    return status;
  }
  const int element = network.precision == FS_FLOAT32 ? sizeof(float) : sizeof(double);
  const int least = tuning::NETWORK_THREAD_BYTES / element;  // rows
  // Bytes of so many rows on chip, and of one of what is held.
  const int padding = network.tensor ? tuning::NETWORK_PADDING : 0;
  const auto between = [&](int rows) {
    return static_cast<uint64_t>(element) * columns * (rows + padding);
  };
  const uint64_t beside = static_cast<uint64_t>(element) * held;
  const uint64_t most = on_chip - tuning::NETWORK_OTHER_SHARED;

  // A batch too small to keep every multiprocessor busy is cut finer.
  int rows = TILE;
  while (rows > least && (n + rows - 1) / rows < multiprocessors) {
    rows /= 2;
  }
  // Two blocks a multiprocessor hide each other's barriers; failing that, one of fewer rows.
  const auto fitting = [&](uint64_t bytes) {
    int fit = rows;
    while (fit >= least && between(fit) > bytes) {
      fit /= 2;
    }
    return fit;
  };
  uint64_t budget = most / 2;
  if (fitting(budget) < least) {
    budget = most;
  }
  grid->most_shared = static_cast<int>(most);
  grid->on_chip = fitting(budget) >= least;
  grid->rows = grid->on_chip ? fitting(budget) : rows;
  grid->stride = grid->rows + padding;
  const uint64_t held_bytes = grid->rows * beside;
  const uint64_t all = between(grid->rows) + held_bytes;
  grid->apart = grid->on_chip && all > budget;
  grid->shared = !grid->on_chip ? 0 : grid->apart ? between(grid->rows) : all;
  grid->slice = !grid->on_chip ? all : grid->apart ? held_bytes : 0;
  grid->multiprocessors = multiprocessors;
  grid->shift = 0;
  while (1 << grid->shift < grid->rows) {
    grid->shift++;
  }

  const int64_t patches =
      (network.width + OUTPUTS - 1) / OUTPUTS * static_cast<int64_t>(grid->rows / least);
  const int64_t threads = (patches + WARP - 1) / WARP * WARP;
  grid->threads =
      static_cast<int>(threads < tuning::NETWORK_THREADS ? threads : tuning::NETWORK_THREADS);
  const int64_t tiles = (n + grid->rows - 1) / grid->rows;
  const int64_t blocks = static_cast<int64_t>(multiprocessors) * tuning::NETWORK_GRID;
  grid->blocks = static_cast<unsigned>(tiles < blocks ? tiles : blocks);
  return FS_SUCCESS;
}

namespace {

template <typename Real>
int launch_evaluation(fs_context* context, const fs_network& network,
                      const Evaluation<Real>& call) {
  const bool jvp = call.jvp != nullptr;
  const bool vjp = call.vjp != nullptr;
  const int64_t held = int64_t{network.inputs} + (jvp ? network.inputs : 0) +
                       (vjp ? network.outputs : 0) +
                       (jvp || vjp || call.divergence != nullptr ? network.units : 0);
  Grid grid;
  void* slices = nullptr;
  int status = grid_for(context, network, call.n, columns_between(network), held, &grid);
  if (status == FS_SUCCESS && grid.slice > 0) {
    status = workspace(context, grid.blocks * grid.slice, &slices);
  }
  if (status != FS_SUCCESS) {
    return status;
  }
  if constexpr (std::is_same_v<Real, float>) {
    if (network.tensor) {
      return grid.on_chip
                 ? launch(context, evaluate<float, true, true>, grid, network, call, slices)
                 : FS_INVALID_ARGUMENT;
    }
  }
  return launch(context, evaluate<Real, true>, evaluate<Real, false>, grid, network, call, slices);
}

template <typename Real>
int evaluate_network(fs_context* context, const fs_network& network, double time, uint64_t times,
                     int64_t n, uint64_t x, uint64_t value, uint64_t divergence, uint64_t signs,
                     int probes, uint64_t direction, uint64_t jvp, uint64_t cotangent,
                     uint64_t vjp) {
  Evaluation<Real> call = {};
  call.n = n;
  call.x = pointer<const Real>(x);
  call.times = pointer<const double>(times);
  call.time = static_cast<Real>(time);
  call.value = pointer<Real>(value);
  call.divergence = pointer<Real>(divergence);
  call.signs = pointer<const Real>(signs);
  call.probes = probes;
  call.direction = pointer<const Real>(direction);
  call.jvp = pointer<Real>(jvp);
  call.cotangent = pointer<const Real>(cotangent);
  call.vjp = pointer<Real>(vjp);
  return launch_evaluation(context, network, call);
}

}  // namespace

template <typename Real>
int launch_forward(fs_context* context, const fs_network& network, int64_t n, uint64_t x,
                   uint64_t y, uint64_t saved) {
  Evaluation<Real> call = {};
  call.n = n;
  call.x = pointer<const Real>(x);
  call.value = pointer<Real>(y);
  call.saved = pointer<Real>(saved);
  call.hidden = network.units - network.outputs;
  return launch_evaluation(context, network, call);
}

template int launch_forward<float>(fs_context*, const fs_network&, int64_t, uint64_t, uint64_t,
                                   uint64_t);
template int launch_forward<double>(fs_context*, const fs_network&, int64_t, uint64_t, uint64_t,
                                    uint64_t);

}  // namespace fewstep::network

using namespace fewstep;

int fs_tensor_cores(fs_context* context, int* has) {
#ifdef __CUDACC__
  constexpr int LEAST_CAPABILITY = 8;
#else
  constexpr int LEAST_CAPABILITY = 0;
#endif
  int capability = 0;
  const int status = cudaDeviceGetAttribute(&capability, cudaDevAttrComputeCapabilityMajor,
                                            context->device);
  *has = capability >= LEAST_CAPABILITY;
  return status;
}

int fs_network_evaluate(fs_context* context, const fs_network* network, double time,
                        uint64_t times, int64_t n, uint64_t x, uint64_t value,
                        uint64_t divergence, uint64_t signs, int probes, uint64_t direction,
                        uint64_t jvp, uint64_t cotangent, uint64_t vjp) {
  const Entry entry(context);
  const int status = entry.status();
  const bool wanted = value != 0 || divergence != 0 || jvp != 0 || vjp != 0;
  if (status != FS_SUCCESS || n == 0 || !wanted) {
    return status;
  }
  const auto evaluation = network->precision == FS_FLOAT32 ? network::evaluate_network<float>
                                                           : network::evaluate_network<double>;
  return evaluation(context, *network, time, times, n, x, value, divergence, signs, probes,
                    direction, jvp, cotangent, vjp);
}
