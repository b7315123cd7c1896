// Values of a mixture of many dimensions at one time, on tensor cores.

#include "mixture_launch.h"
#include "mixture_tiles.cuh"

namespace fewstep {
namespace {

// What a device has, of what tiles ask for.
struct Chip {
  int capability;  // major
  int block_bytes;
  int multiprocessor_bytes;
};

int describe(int device, Chip* chip) {
  int status = cudaDeviceGetAttribute(&chip->capability, cudaDevAttrComputeCapabilityMajor, device);
  if (status == FS_SUCCESS) {
    status = cudaDeviceGetAttribute(&chip->block_bytes, cudaDevAttrMaxSharedMemoryPerBlockOptin,
                                    device);
  }
  if (status == FS_SUCCESS) {
    status = cudaDeviceGetAttribute(&chip->multiprocessor_bytes,
                                    cudaDevAttrMaxSharedMemoryPerMultiprocessor, device);
  }
  return status;
}

// Calls body(rows) for the largest tile of which so many blocks have room, or returns false.
template <typename Body>
bool with_rows(const Chip& chip, int width, int blocks, Body body) {
  constexpr int BLOCK_BYTES_OF_SYSTEM = 1024;
  const auto fits = [&](auto rows) {
    const long long bytes = TileShape<rows>::numbers(width) * sizeof(float);
    return bytes <= chip.block_bytes &&
           blocks * (bytes + BLOCK_BYTES_OF_SYSTEM) <= chip.multiprocessor_bytes;
  };
  if (fits(DimensionOf<64>())) return body(DimensionOf<64>()), true;
  if (fits(DimensionOf<32>())) return body(DimensionOf<32>()), true;
  if (fits(DimensionOf<16>())) return body(DimensionOf<16>()), true;
  return false;
}

template <int ROWS>
int launch(const MixtureCall& call, const MixtureTiles& tiles, const FarRows& far) {
  const int bytes = static_cast<int>(TileShape<ROWS>::numbers(tiles.width) * sizeof(float));
  const int status = cudaFuncSetAttribute(mixture_tiles<ROWS>,
                                          cudaFuncAttributeMaxDynamicSharedMemorySize, bytes);
  if (status != FS_SUCCESS) {
    return status;
  }
  FS_LAUNCH(mixture_tiles<ROWS>, blocks_for(call.n, ROWS), TileShape<ROWS>::THREADS, bytes,
            call.context->stream, tiles, pointer<const float>(call.x), call.n,
            outputs_of<float>(call.outputs), far);
  return launched();
}

MixtureTiles tiles_of(const fs_mixture_tiles& given, int dimension) {
  MixtureTiles tiles = {};
  tiles.means = pointer<const float>(given.means);
  tiles.coordinates = pointer<const float>(given.constants);
  tiles.log_weights =
      tiles.coordinates + static_cast<long long>(MixtureTiles::COORDINATE_CONSTANTS) * given.width;
  tiles.starts = tiles.log_weights + given.components;
  if (given.one_covariance == 0) {
    const long long chains = (given.width + CHAIN - 1) / CHAIN;
    tiles.gains = tiles.starts + chains * given.components;
    tiles.precisions = tiles.gains + given.components;
    tiles.contractions = tiles.precisions + given.components;
  }
  tiles.components = given.components;
  tiles.dimension = dimension;
  tiles.width = given.width;
  tiles.alpha = static_cast<float>(given.alpha);
  tiles.alpha_low = static_cast<float>(given.alpha - tiles.alpha);
  tiles.largest_square = static_cast<float>(given.largest_square);
  tiles.log_constant = given.log_constant;
  return tiles;
}

// All rows in tiles, then those left out with a warp each. Sets *fits to whether there is room.
int launch_tiles(const MixtureCall& call, const fs_mixture_tiles& given, const Chip& chip,
                 bool* fits) {
  WideGrid grid;
  int status = wide_grid(call, &grid);
  FarRows far;
  void* scratch;
  if (status == FS_SUCCESS) {
    status = far_rows(call.context, call.n, grid.scratch_bytes, &far, &scratch);
  }
  if (status != FS_SUCCESS) {
    return status;
  }
  const MixtureTiles tiles = tiles_of(given, call.mixture.dimension);
  const auto body = [&](auto rows) { status = launch<rows>(call, tiles, far); };
  *fits = with_rows(chip, given.width, tuning::TILE_BLOCKS, body) ||
          with_rows(chip, given.width, 1, body);
  return *fits && status == FS_SUCCESS ? launch_wide(call, grid, scratch, far) : status;
}

}  // namespace
}  // namespace fewstep

using namespace fewstep;

int fs_mixture_in_tiles(fs_context* context, const fs_gaussians* mixture,
                        const fs_mixture_tiles* tiles, uint64_t packed, double log_scale,
                        double alpha, double variance, int64_t n, uint64_t x,
                        const fs_mixture_outputs* outputs) {
  int status = enter(context);
  if (status != FS_SUCCESS || n == 0) {
    return status;
  }
  Chip chip;
  status = describe(context->device, &chip);
  if (status != FS_SUCCESS) {
    return status;
  }
  constexpr int LEAST_CAPABILITY = 8;
  if (chip.capability >= LEAST_CAPABILITY && !wants_second_pass(*outputs)) {
    const MixtureCall call = {context, *mixture, n, x, *outputs, packed, log_scale, alpha,
                              variance, 0};
    bool fits;
    status = launch_tiles(call, *tiles, chip, &fits);
    if (status != FS_SUCCESS || fits) {
      return status;
    }
  }
  return fs_mixture(context, mixture, packed, log_scale, alpha, variance, n, x, outputs);
}
