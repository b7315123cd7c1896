// A mixture of many dimensions at one time, on tensor cores: its values, or the components that
// count.

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

// Launches a kernel with a tile of rows a block.
template <int ROWS, typename... P, typename... A>
int launch_rows(void (*kernel)(P...), const MixtureCall& call, const MixtureTiles& tiles,
                A... outputs) {
  const int bytes = static_cast<int>(TileShape<ROWS>::numbers(tiles.width) * sizeof(float));
  const int status =
      cudaFuncSetAttribute(kernel, cudaFuncAttributeMaxDynamicSharedMemorySize, bytes);
  if (status != FS_SUCCESS) {
    return status;
  }
  FS_LAUNCH(kernel, blocks_for(call.n, ROWS), TileShape<ROWS>::THREADS, bytes,
            call.context->stream, tiles, pointer<const float>(call.x), call.n, outputs...);
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
  tiles.margin = static_cast<float>(given.margin);
  tiles.log_constant = given.log_constant;
  return tiles;
}

// The same with one block where there is no room for more.
template <typename Body>
bool with_rows(const Chip& chip, int width, Body body) {
  return with_rows(chip, width, tuning::TILE_BLOCKS, body) || with_rows(chip, width, 1, body);
}

// All rows in tiles, then those left out with a warp each.
int launch_values(const MixtureCall& call, const MixtureTiles& tiles, const Chip& chip) {
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
  with_rows(chip, tiles.width, [&](auto rows) {
    status = launch_rows<rows>(mixture_tiles<rows>, call, tiles, outputs_of<float>(call.outputs),
                               far);
  });
  return status == FS_SUCCESS ? launch_wide(call, grid, scratch, far) : status;
}

// The survivors of all rows in tiles, then each row with a warp.
int launch_survivors(const MixtureCall& call, const MixtureTiles& tiles, const Chip& chip) {
  WideGrid grid;
  int status = wide_grid(call, &grid);
  const long long words = tiles.components / 32;
  const uint64_t bytes = (call.n * words * sizeof(unsigned) + 15) / 16 * 16;
  void* memory = nullptr;
  if (status == FS_SUCCESS) {
    status = workspace(call.context, bytes + grid.scratch_bytes, &memory);
  }
  if (status != FS_SUCCESS) {
    return status;
  }
  unsigned* survivors = static_cast<unsigned*>(memory);
  with_rows(chip, tiles.width, [&](auto rows) {
    status = launch_rows<rows>(mixture_survivors<rows>, call, tiles, survivors);
  });
  void* scratch = static_cast<char*>(memory) + bytes;
  return status == FS_SUCCESS ? launch_wide(call, grid, scratch, survivors, words) : status;
}

// The outputs of rows from one on.
fs_mixture_outputs outputs_from(const fs_mixture_outputs& all, int64_t first, int dimension) {
  const auto from = [&](uint64_t address, int64_t columns) {
    return address == 0 ? 0 : address + first * columns * sizeof(float);
  };
  return {from(all.log_density, 1),        from(all.score, dimension),
          from(all.posterior_mean, dimension), from(all.divergence, 1),
          from(all.direction, dimension),  from(all.jvp, dimension),
          all.responsibilities};
}

// The same, as many rows at a time as there may be survivors of.
int launch_survivors_by_parts(const MixtureCall& call, const MixtureTiles& tiles,
                              const Chip& chip) {
  const int64_t fit = tuning::SURVIVOR_BYTES / (tiles.components / 8);
  const int64_t part = fit < 64 ? 64 : fit / 64 * 64;
  int status = FS_SUCCESS;
  for (int64_t first = 0; status == FS_SUCCESS && first < call.n; first += part) {
    const int64_t rest = call.n - first;
    const int d = call.mixture.dimension;
    const fs_mixture_outputs outputs = outputs_from(call.outputs, first, d);
    const MixtureCall rows = {call.context, call.mixture,   rest < part ? rest : part,
                              call.x + first * d * sizeof(float),
                              outputs,      call.packed,    call.log_scale,
                              call.alpha,   call.variance,  0};
    status = launch_survivors(rows, tiles, chip);
  }
  return status;
}

}  // namespace
}  // namespace fewstep

using namespace fewstep;

int fs_mixture_in_tiles(fs_context* context, const fs_gaussians* mixture,
                        const fs_mixture_tiles* tiles, uint64_t packed, double log_scale,
                        double alpha, double variance, int64_t n, uint64_t x,
                        const fs_mixture_outputs* outputs) {
  const Entry entry(context);
  int status = entry.status();
  if (status != FS_SUCCESS || n == 0) {
    return status;
  }
  Chip chip;
  status = describe(context->device, &chip);
  if (status != FS_SUCCESS) {
    return status;
  }
  constexpr int LEAST_CAPABILITY = 8;
  const bool finds = tiles->margin > 0;
  const bool serves = finds ? outputs->responsibilities == 0 : !wants_second_pass(*outputs);
  if (chip.capability < LEAST_CAPABILITY || !serves ||
      !with_rows(chip, tiles->width, [](auto) {})) {
    return fs_mixture(context, mixture, packed, log_scale, alpha, variance, n, x, outputs);
  }
  const MixtureCall call = {context, *mixture, n, x, *outputs, packed, log_scale, alpha,
                            variance, 0};
  const MixtureTiles form = tiles_of(*tiles, mixture->dimension);
  return finds ? launch_survivors_by_parts(call, form, chip) : launch_values(call, form, chip);
}
