// Mixtures of any dimension, and the rows that the kernels with a thread a row leave to others.

#include "mixture_launch.h"
#include "mixture_wide.cuh"
#include "redo.cuh"

namespace fewstep {
namespace {

Scratch scratch_of(const WideGrid& grid, void* memory) {
  return {grid.scratch_bytes == 0 ? nullptr : static_cast<double*>(memory), grid.doubles};
}

unsigned far_blocks(int64_t n) {
  return blocks_for((n + WARP - 1) / WARP, tuning::FAR_THREADS);
}

template <typename Real, Kind KIND>
Packed<Real, KIND> packed_of(const MixtureCall& call) {
  const Exact<KIND> exact = exact_of<KIND>(call.mixture);
  Packed<Real, KIND> mixture = {};
  mixture.components = pointer<const Real>(call.packed);
  mixture.rotations =
      mixture.components + exact.count * Packed<Real, KIND>::stride_of(exact.dimension);
  mixture.rotation_step = exact.rotation_step;
  mixture.dimension = exact.dimension;
  mixture.count = exact.count;
  mixture.log_scale = call.log_scale;
  return mixture;
}

template <typename Real, Kind KIND>
int launch_wide(const MixtureCall& call, const WideGrid& grid, const Scratch& scratch,
                const FarRows& only) {
  const Exact<KIND> exact = exact_of<KIND>(call.mixture);
  const Real* x = pointer<const Real>(call.x);
  const MixtureOutputs<Real> outputs = outputs_of<Real>(call.outputs);
  constexpr int THREADS = tuning::MIXTURE_WARPS * WARP;
  if (call.times != 0) {
    FS_LAUNCH((mixture_wide_at_times<Real, KIND>), grid.blocks, THREADS, grid.shared_bytes,
              call.context->stream, exact, call.mixture.least_eigenvalue,
              pointer<const double>(call.times), x, call.n, outputs, scratch);
    return launched();
  }
  FS_LAUNCH((mixture_wide<Real, KIND>), grid.blocks, THREADS, grid.shared_bytes,
            call.context->stream, packed_of<Real, KIND>(call),
            at_time(exact, call.alpha, call.variance), x, call.n, outputs, scratch, only);
  return launched();
}

template <typename Real, Kind KIND>
int launch_redo(const MixtureCall& call, const FarRows& far) {
  FS_LAUNCH((redo_rows<Real, KIND>), far_blocks(call.n), tuning::FAR_THREADS, 0,
            call.context->stream, far,
            at_time(exact_of<KIND>(call.mixture), call.alpha, call.variance),
            pointer<const double>(call.times), call.mixture.least_eigenvalue,
            pointer<const Real>(call.x), call.n, outputs_of<Real>(call.outputs));
  return launched();
}

template <typename Real, Kind KIND>
int launch_redo(const TrajectoryCall& call, const FarRows& far) {
  Exact<KIND> exact = exact_of<KIND>(call.mixture);
  exact.of_mean = call.denoised;
  FS_LAUNCH((redo_trajectories<Real, KIND>), far_blocks(call.n), tuning::FAR_THREADS, 0,
            call.context->stream, far, exact, program_of<Real>(call),
            pointer<const Real>(call.x), call.n, outputs_of<Real>(call));
  return launched();
}

}  // namespace

int wide_grid(const MixtureCall& call, WideGrid* grid) {
  int vectors = 0;
  const int known = with_kind(call.mixture, [&](auto kind) {
    vectors = scratch_vectors(kind);
    return FS_SUCCESS;
  });
  if (known != FS_SUCCESS) {
    return known;
  }
  int multiprocessors;
  const int status = cudaDeviceGetAttribute(&multiprocessors, cudaDevAttrMultiProcessorCount,
                                            call.context->device);
  if (status != FS_SUCCESS) {
    return status;
  }
  grid->doubles = static_cast<long long>(vectors) * call.mixture.dimension;
  const uint64_t block_bytes = tuning::MIXTURE_WARPS * grid->doubles * sizeof(double);
  int64_t blocks = (call.n + tuning::MIXTURE_WARPS - 1) / tuning::MIXTURE_WARPS;
  const int64_t wave = static_cast<int64_t>(multiprocessors) * tuning::MIXTURE_WARP_BLOCKS;
  blocks = blocks < wave ? blocks : wave;
  grid->shared_bytes = static_cast<unsigned>(block_bytes);
  grid->scratch_bytes = 0;
  if (block_bytes > tuning::MIXTURE_SHARED_BYTES) {
    const int64_t fit = static_cast<int64_t>(tuning::MIXTURE_WORKSPACE_BYTES / block_bytes);
    blocks = blocks <= fit ? blocks : fit > 0 ? fit : 1;
    grid->shared_bytes = 0;
    grid->scratch_bytes = blocks * block_bytes;
  }
  grid->blocks = static_cast<unsigned>(blocks);
  return FS_SUCCESS;
}

int launch_wide(const MixtureCall& call, const WideGrid& grid, void* memory, const FarRows& only) {
  const Scratch scratch = scratch_of(grid, memory);
  return with_kind(call.mixture, [&](auto kind) {
    return call.mixture.precision == FS_FLOAT32
               ? launch_wide<float, kind>(call, grid, scratch, only)
               : launch_wide<double, kind>(call, grid, scratch, only);
  });
}

int launch_wide(const MixtureCall& call, const WideGrid& grid, void* memory,
                const unsigned* survivors, long long words) {
  return with_kind(call.mixture, [&](auto kind) {
    if constexpr (kind == Kind::FULL) {
      return FS_INVALID_ARGUMENT;
    } else {
      FS_LAUNCH(mixture_wide_by_survivors<kind>, grid.blocks, tuning::MIXTURE_WARPS * WARP,
                grid.shared_bytes, call.context->stream, packed_of<float, kind>(call),
                at_time(exact_of<kind>(call.mixture), call.alpha, call.variance),
                pointer<const float>(call.x), call.n, outputs_of<float>(call.outputs),
                scratch_of(grid, memory), survivors, words);
      return launched();
    }
  });
}

int launch_wide(const MixtureCall& call) {
  WideGrid grid;
  int status = wide_grid(call, &grid);
  void* scratch = nullptr;
  if (status == FS_SUCCESS && grid.scratch_bytes > 0) {
    status = workspace(call.context, grid.scratch_bytes, &scratch);
  }
  return status == FS_SUCCESS ? launch_wide(call, grid, scratch, {}) : status;
}

int redo(const MixtureCall& call, const FarRows& far) {
  return with_kind(call.mixture, [&](auto kind) {
    return call.mixture.precision == FS_FLOAT32 ? launch_redo<float, kind>(call, far)
                                                : launch_redo<double, kind>(call, far);
  });
}

int redo(const TrajectoryCall& call, const FarRows& far) {
  return with_kind(call.mixture, [&](auto kind) {
    return call.mixture.precision == FS_FLOAT32 ? launch_redo<float, kind>(call, far)
                                                : launch_redo<double, kind>(call, far);
  });
}

}  // namespace fewstep
