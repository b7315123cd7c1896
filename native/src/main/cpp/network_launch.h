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
  int threads;
  unsigned blocks;
  bool on_chip;      // the columns between layers
  bool apart;        // what is held beside them, in the workspace though they are on chip
  size_t shared;     // bytes of a block on chip
  int most_shared;   // that a block may have
  uint64_t slice;    // bytes of a block in the workspace
};

// A grid for a network of which every row holds so many columns beside the two between layers. It
// may look at n, for the rows of a tile do not change what comes out.
int grid_for(const fs_context* context, const fs_network& network, int64_t n, int64_t held,
             Grid* grid);

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

// Launches the form of a kernel that a grid asks for.
template <typename Real, typename Call>
int launch(const fs_context* context, void (*on_chip)(Network<Real>, Call, Room<Real>),
           void (*off_chip)(Network<Real>, Call, Room<Real>), const Grid& grid,
           const fs_network& network, const Call& call, void* slices) {
  const auto kernel = grid.on_chip ? on_chip : off_chip;
  const cudaError_t allowed =
      cudaFuncSetAttribute(reinterpret_cast<const void*>(kernel),
                           cudaFuncAttributeMaxDynamicSharedMemorySize,
                           grid.most_shared);
  if (allowed != cudaSuccess) {
    return allowed;
  }
  const Room<Real> room = {static_cast<Real*>(slices),
                           static_cast<int64_t>(grid.slice / sizeof(Real)), grid.rows, grid.shift,
                           grid.apart};
  FS_LAUNCH(kernel, grid.blocks, grid.threads, grid.shared, context->stream,
            network_of<Real>(network), call, room);
  return launched();
}

// The forward pass, whose weights are in place; evaluates with nothing but a value.
template <typename Real>
int launch_forward(fs_context* context, const fs_network& network, int64_t n, uint64_t x,
                   uint64_t y, uint64_t saved);

}  // namespace fewstep::network
