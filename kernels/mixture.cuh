#pragma once

// A Gaussian mixture of d <= 16 at one time, for every row of x: a thread has a few rows. See
// mixture_component.cuh for the data and mixture_point.cuh for the formulas.

#include "point_group.cuh"
#include "tuning.cuh"

namespace fewstep {

template <typename Real, Kind KIND, int D>
struct Tile {
  static constexpr bool FULL = KIND == Kind::FULL;
  static constexpr int BYTES = static_cast<int>(
      sizeof(Component<Real, KIND, D>) + (FULL ? sizeof(Rotation<Real, D>) : 0));
  static constexpr int COMPONENTS =
      BYTES < tuning::MIXTURE_TILE_BYTES ? tuning::MIXTURE_TILE_BYTES / BYTES : 1;
  static constexpr int ROTATIONS = FULL ? COMPONENTS : 1;
};

// Copies records by all threads of a block.
template <typename Real, typename Record>
FS_DEVICE void stage(const Record* from, long long count, Record* to) {
  const int numbers = static_cast<int>(count * (sizeof(Record) / sizeof(Real)));
  const Real* source = reinterpret_cast<const Real*>(from);
  Real* target = reinterpret_cast<Real*>(to);
  for (int i = thread_index(); i < numbers; i += thread_count()) {
    target[i] = source[i];
  }
}

// Calls body(component, rotation, k) for every component, which all threads of the block do
// together: they bring a tile of components into shared memory, and wait for each other.
template <typename Real, Kind KIND, int D, typename Body>
FS_DEVICE void each_component(const Gaussians<Real, KIND, D>& mixture,
                              Component<Real, KIND, D>* components, Rotation<Real, D>* rotations,
                              Body body) {
  constexpr int TILE = Tile<Real, KIND, D>::COMPONENTS;
  for (long long first = 0; first < mixture.count; first += TILE) {
    const int count = static_cast<int>(mixture.count - first < TILE ? mixture.count - first : TILE);
    FS_BARRIER();
    stage<Real>(mixture.components + first, count, components);
    if (KIND == Kind::FULL) {
      stage<Real>(mixture.rotations + first * mixture.rotation_step,
                  mixture.rotation_step == 0 ? 1 : count, rotations);
    }
    FS_BARRIER();
    FS_UNROLL_BY(1)
    for (int k = 0; k < count; k++) {
      body(components[k], rotations + k * mixture.rotation_step, first + k);
    }
  }
}

FS_ANYWHERE constexpr int rows_of_thread(int point_bytes) {
  return point_bytes < tuning::MIXTURE_POINT_BYTES ? tuning::MIXTURE_POINT_BYTES / point_bytes : 1;
}

// SECOND: whether divergence, Jacobian-vector product or responsibilities are wanted.
template <typename Real, Kind KIND, int D, bool SECOND>
FS_KERNEL(tuning::MIXTURE_THREADS, tuning::MIXTURE_BLOCKS)
mixture_rows(Gaussians<Real, KIND, D> mixture, int d, const Real* x, long long n,
             MixtureOutputs<Real> outputs, FarRows far) {
  constexpr int ROWS = SECOND ? 1 : rows_of_thread(D * sizeof(Real));
  using Gaussian = Component<Real, KIND, D>;
  using Turn = Rotation<Real, D>;
  using Room = Tile<Real, KIND, D>;
  FS_SHARED(Gaussian, components, Room::COMPONENTS);
  FS_SHARED(Turn, rotations, Room::ROTATIONS);
  PointGroup<Real, KIND, D, ROWS> group;
  group.load(x, outputs, n, d);
  const bool wants_mean = outputs.posterior_mean != nullptr;
  each_component(mixture, components, rotations,
                 [&](const Gaussian& component, const Turn* rotation, long long) {
                   FS_UNROLL
                   for (int r = 0; r < ROWS; r++) {
                     group.points[r].add(component, rotation, wants_mean);
                   }
                 });
  group.end_first_pass(far, mixture.log_scale, outputs, n, d);
  if constexpr (SECOND) {
    Point<Real, KIND, D>& point = group.points[0];
    const bool wants_jvp = outputs.jvp != nullptr;
    Real* responsibilities = nullptr;
    if (outputs.responsibilities != nullptr && group.near[0]) {
      responsibilities = outputs.responsibilities + group.row_of_point(0) * mixture.count;
    }
    each_component(mixture, components, rotations,
                   [&](const Gaussian& component, const Turn* rotation, long long k) {
                     const Real share = point.differentiate(component, rotation, 1, wants_jvp);
                     if (responsibilities != nullptr) {
                       responsibilities[k] = share;
                     }
                   });
    group.end_second_pass(outputs, d);
  }
}

}  // namespace fewstep
