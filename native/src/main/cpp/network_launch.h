#pragma once

// What the launchers of networks share.

#include <cstddef>

#include "context.h"
#include "fewstep_network.h"
#include "network.cuh"

namespace fewstep::network {

// How the tiles of a batch are spread over a device, and where their columns stand.
struct Grid {
  int multiprocessors;
  int rows;
  int shift;
  int stride;        // from one column to the next between layers
  int threads;
  unsigned blocks;
  bool on_chip;      // the columns between layers
  bool apart;        // what is held beside them, in the workspace though they are on chip
  size_t shared;     // bytes of a block on chip
  int most_shared;   // that a block may have
  uint64_t slice;    // bytes of a block in the workspace
};

// A grid for a network of which every row has so many columns on chip, the two between layers
// among them, and holds so many beside them. It may look at n, for the rows of a tile do not change
// what comes out.
int grid_for(const fs_context* context, const fs_network& network, int64_t n, int64_t columns,
             int64_t held, Grid* grid);

// The columns between two layers: what a layer reads, and what it writes.
inline int64_t columns_between(const fs_network& network) { return int64_t{2} * network.width; }

template <typename Real>
Network<Real> network_of(const fs_network& network) {
  return {pointer<const int>(network.integers),
          pointer<const Real>(network.numbers),
          network.inputs,
          network.outputs,
          network.layers,
          network.width,
          network.units,
          network.takes_time != 0,
          network.residual != 0,
          static_cast<Real>(network.input_scale),
          static_cast<Real>(network.output_scale),
          network.time_low,
          network.time_high};
}

template <typename Real, typename Call>
using Kernel = void (*)(Network<Real>, Call, Room<Real>);

template <typename Real, typename Call>
int launch(const fs_context* context, Kernel<Real, Call> kernel, const Grid& grid,
           const fs_network& network, const Call& call, void* slices) {
  const cudaError_t allowed =
      cudaFuncSetAttribute(reinterpret_cast<const void*>(kernel),
                           cudaFuncAttributeMaxDynamicSharedMemorySize,
                           grid.most_shared);
  if (allowed != cudaSuccess) {
    return allowed;
  }
  const Room<Real> room = {static_cast<Real*>(slices),
                           static_cast<int64_t>(grid.slice / sizeof(Real)), grid.rows, grid.shift,
                           grid.stride, grid.apart};
  FS_LAUNCH(kernel, grid.blocks, grid.threads, grid.shared, context->stream,
            network_of<Real>(network), call, room);
  return launched();
}

// Launches the form of a kernel that a grid asks for.
template <typename Real, typename Call>
int launch(const fs_context* context, Kernel<Real, Call> on_chip, Kernel<Real, Call> off_chip,
           const Grid& grid, const fs_network& network, const Call& call, void* slices) {
  return launch(context, grid.on_chip ? on_chip : off_chip, grid, network, call, slices);
}

// The forward pass, whose weights are in place; evaluates with nothing but a value.
template <typename Real>
int launch_forward(fs_context* context, const fs_network& network, int64_t n, uint64_t x,
                   uint64_t y, uint64_t saved);

}  // namespace fewstep::network
