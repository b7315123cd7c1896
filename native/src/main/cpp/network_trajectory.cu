// Whole trajectories of flows that networks hold.

#include "network_trajectory.cuh"

#include "network_launch.h"

#include <type_traits>

namespace fewstep::network {
namespace {

// The columns of a row on chip: those between layers, the point of an evaluation, and the slots.
int64_t columns_of(const fs_network& network, int slots) {
  return columns_between(network) + (1 + int64_t{slots}) * network.inputs;
}

template <typename Real>
int launch_trajectory(fs_context* context, const fs_network& network, Grid grid,
                      const Trajectory<Real>& call) {
  if constexpr (std::is_same_v<Real, float>) {
    if (network.tensor) {
      return launch(context, trajectory<float, false, true>, grid, network, call, nullptr);
    }
  }
  // Two blocks a multiprocessor are worth more than weights on chip, which the caches have too.
  const uint64_t all = grid.shared + sizeof(Real) * static_cast<uint64_t>(call.weights);
  if (all > static_cast<uint64_t>(grid.most_shared) / 2) {
    return launch(context, trajectory<Real, false>, grid, network, call, nullptr);
  }
  // Blocks that copied the weights stay: no more than run at once.
  const unsigned resident = grid.multiprocessors * tuning::NETWORK_BLOCKS;
  grid.shared = all;
  grid.blocks = grid.blocks < resident ? grid.blocks : resident;
  return launch(context, trajectory<Real, true>, grid, network, call, nullptr);
}

}  // namespace
}  // namespace fewstep::network

using namespace fewstep;

int fs_network_fuses(fs_context* context, const fs_network* network, int slots, int* fuses) {
  const Entry entry(context);
  const int status = entry.status();
  if (status != FS_SUCCESS) {
    return status;
  }
  network::Grid grid;
  const int found =
      network::grid_for(context, *network, 0, network::columns_of(*network, slots), 0, &grid);
  *fuses = found == FS_SUCCESS && grid.on_chip;
  return found;
}

int fs_network_trajectory(fs_context* context, const fs_network* network, uint64_t times,
                          int operations, uint64_t program, int slots, int64_t n, uint64_t x,
                          uint64_t end, int knot_count, const uint64_t* knots) {
  const Entry entry(context);
  int status = entry.status();
  if (status != FS_SUCCESS || n == 0) {
    return status;
  }
  network::Grid grid;
  status = network::grid_for(context, *network, n, network::columns_of(*network, slots), 0, &grid);
  if (status != FS_SUCCESS) {
    return status;
  }
  if (slots > MAX_SLOTS || !grid.on_chip) {
    return FS_INVALID_ARGUMENT;
  }
  void* there = nullptr;
  if (knot_count > 0) {
    const uint64_t bytes = knot_count * sizeof(uint64_t);
    status = workspace(context, bytes, &there);
    if (status == FS_SUCCESS) {
      status = upload(context, there, knots, bytes);
    }
    if (status != FS_SUCCESS) {
      return status;
    }
  }
  const auto run = [&](auto zero) {
    using Real = decltype(zero);
    const network::Trajectory<Real> call = {
        n,
        pointer<const Real>(x),
        {pointer<const Operation<Real>>(program), pointer<const double>(times), operations, slots,
         false},
        {pointer<Real>(end), static_cast<Real* const*>(there), nullptr},
        network->layer_numbers};
    return network::launch_trajectory(context, *network, grid, call);
  };
  return network->precision == FS_FLOAT32 ? run(0.0f) : run(0.0);
}
