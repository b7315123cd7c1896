#pragma once

// What the launchers of the mixture kernels share: from numbers of a call to types of a kernel.

#include <type_traits>

#include "context.h"
#include "fewstep_mixture.h"
#include "launch.h"
#include "far_rows.cuh"
#include "mixture_component.cuh"
#include "mixture_general.cuh"
#include "plan.cuh"
#include "tuning.cuh"

namespace fewstep {

template <Kind KIND>
using KindOf = std::integral_constant<Kind, KIND>;

template <int D>
using DimensionOf = std::integral_constant<int, D>;

// Calls body(KindOf) for the kind of a mixture.
template <typename Body>
int with_kind(const fs_gaussians& mixture, Body body) {
  switch (mixture.kind) {
    case FS_ISOTROPIC:
      return body(KindOf<Kind::ISOTROPIC>());
    case FS_DIAGONAL:
      return body(KindOf<Kind::DIAGONAL>());
    case FS_FULL:
      return body(KindOf<Kind::FULL>());
    default:
      return FS_INVALID_ARGUMENT;
  }
}

// Calls body(KindOf, DimensionOf) for the kernel that a mixture of d <= 16 uses: the next one.
template <typename Body>
int with_dimension(const fs_gaussians& mixture, Body body) {
  return with_kind(mixture, [&](auto kind) {
    const int d = mixture.dimension;
    if constexpr (kind == Kind::ISOTROPIC) {
      if (d == 1) return body(kind, DimensionOf<1>());
    }
    if (d == 2) return body(kind, DimensionOf<2>());
    if (d == 3) return body(kind, DimensionOf<3>());
    if (d == 4) return body(kind, DimensionOf<4>());
    if (d > 4 && d <= 8) return body(kind, DimensionOf<8>());
    if (d > 8 && d <= 16) return body(kind, DimensionOf<16>());
    return FS_INVALID_ARGUMENT;
  });
}

template <typename Real>
MixtureOutputs<Real> outputs_of(const fs_mixture_outputs& outputs) {
  return {pointer<Real>(outputs.log_density),     pointer<Real>(outputs.score),
          pointer<Real>(outputs.posterior_mean),  pointer<Real>(outputs.divergence),
          pointer<const Real>(outputs.direction), pointer<Real>(outputs.jvp),
          pointer<Real>(outputs.responsibilities)};
}

inline bool wants_second_pass(const fs_mixture_outputs& outputs) {
  return outputs.divergence != 0 || outputs.jvp != 0 || outputs.responsibilities != 0;
}

// Room to mark the far ones among so many rows, and after it for so many bytes.
inline int far_rows(fs_context* context, int64_t n, uint64_t more, FarRows* far, void** rest) {
  const uint64_t words = static_cast<uint64_t>((n + WARP - 1) / WARP);
  const uint64_t bytes = (words * sizeof(unsigned) + 15) / 16 * 16;
  void* memory;
  const int status = workspace(context, bytes + more, &memory);
  far->words = static_cast<unsigned*>(memory);
  if (rest != nullptr) {
    *rest = static_cast<char*>(memory) + bytes;
  }
  return status;
}

template <Kind KIND>
Exact<KIND> exact_of(const fs_gaussians& mixture) {
  Exact<KIND> exact = {};
  const long long d = mixture.dimension;
  exact.components = pointer<const double>(mixture.exact);
  exact.rotations = exact.components + mixture.components * Exact<KIND>::stride_of(d);
  exact.rotation_step = mixture.shared ? 0 : 2 * d * d;
  exact.dimension = mixture.dimension;
  exact.count = mixture.components;
  exact.log_scale = -0.5 * d * LOG_TWO_PI;
  exact.square_factor = 1;
  return exact;
}

// An evaluation of a mixture.
struct MixtureCall {
  fs_context* context;
  const fs_gaussians& mixture;
  int64_t n;
  uint64_t x;
  const fs_mixture_outputs& outputs;
  uint64_t packed;   // the mixture in the form that the kernels want
  double log_scale;  // of packed
  double alpha;      // of the process at the time of all rows
  double variance;
  uint64_t times;  // or of each row, if not 0
};

// A trajectory.
struct TrajectoryCall {
  fs_context* context;
  const fs_gaussians& mixture;
  uint64_t packed;
  int64_t evaluations;
  uint64_t program;
  uint64_t times;
  int operations;
  int slots;
  bool denoised;
  int64_t n;
  uint64_t x;
  uint64_t end;
  const void* knots;  // the device's
  uint64_t log_density;
};

template <typename Real>
Program<Real> program_of(const TrajectoryCall& call) {
  return {pointer<const Operation<Real>>(call.program), pointer<const double>(call.times),
          call.operations, call.slots, call.denoised};
}

template <typename Real>
TrajectoryOutputs<Real> outputs_of(const TrajectoryCall& call) {
  return {pointer<Real>(call.end), static_cast<Real* const*>(call.knots),
          pointer<Real>(call.log_density)};
}

// A grid of warps with a row each at a time, and their scratch memory, if it is not shared.
struct WideGrid {
  unsigned blocks;
  unsigned shared_bytes;
  uint64_t scratch_bytes;
  long long doubles;  // of one warp
};

int wide_grid(const MixtureCall& call, WideGrid* grid);

// Evaluations with a warp a row; of the rows marked alone, if there are such words.
int launch_wide(const MixtureCall& call);
int launch_wide(const MixtureCall& call, const WideGrid& grid, void* scratch, const FarRows& only);

// The same in float32 at one time, of survivors [n,words] alone.
int launch_wide(const MixtureCall& call, const WideGrid& grid, void* scratch,
                const unsigned* survivors, long long words);

// Does the marked rows again.
int redo(const MixtureCall& call, const FarRows& far);
int redo(const TrajectoryCall& call, const FarRows& far);

}  // namespace fewstep
