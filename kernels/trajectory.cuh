#pragma once

// Whole trajectories of the probability flow of a mixture, d <= 16 or in float64 d <= 8: one kernel
// runs any plan of org.fewstep.backend.Plan, a thread a row, whose slots never leave it.

#include "plan.cuh"
#include "point_group.cuh"
#include "tuning.cuh"

namespace fewstep {

// mixture: its components at the time of the first evaluation, after which come those at the time
// of the second, and so on. A row that comes far from every component is left to redo_trajectories.
template <typename Real, Kind KIND, int D>
FS_KERNEL(tuning::MIXTURE_THREADS, tuning::MIXTURE_BLOCKS)
trajectory_rows(Gaussians<Real, KIND, D> mixture, int d, Program<Real> program, const Real* x,
                long long n, TrajectoryOutputs<Real> outputs, FarRows far) {
  const long long row = block_index() * thread_count() + thread_index();
  bool near = row < n;
  Real slots[MAX_SLOTS][D] = {};
  Real divergences[MAX_SLOTS] = {};
  const bool wants_log_density = outputs.log_density != nullptr;
  Real log_density = 0;
  int knot = 0;
  if (near) {
    load_row(x + row * d, d, slots[0]);
    log_density = wants_log_density ? outputs.log_density[row] : Real(0);
    if (outputs.knots != nullptr) {
      store_row(slots[0], d, outputs.knots[knot++] + row * d);
    }
  }
  for (int o = 0; near && o < program.count; o++) {
    const Operation<Real>& operation = program.operations[o];
    const int target = static_cast<int>(operation.target);
    if (target == 0) {
      Real next[D];
      combine_slots(operation.weights, program.slots, slots, next);
      store_row(next, D, slots[0]);
      log_density += log_density_change(operation, program.slots, divergences);
      if (outputs.knots != nullptr) {
        store_row(next, d, outputs.knots[knot++] + row * d);
      }
      continue;
    }
    Point<Real, KIND, D> point;
    combine_slots(operation.weights, program.slots, slots, point.x);
    FS_UNROLL_BY(1)
    for (long long k = 0; k < mixture.count; k++) {
      point.add(mixture.components[k], mixture.rotations + k * mixture.rotation_step,
                program.denoised);
    }
    near = point.near();
    point.normalise();
    FS_UNROLL
    for (int i = 0; i < D; i++) {
      const Real drift = operation.drift * point.x[i];
      slots[target][i] =
          program.denoised ? point.mean[i] : fma(operation.half, point.pull[i], drift);
    }
    // The second pass comes after that: registers of the mean are free then.
    FS_UNROLL_BY(1)
    for (long long k = 0; wants_log_density && k < mixture.count; k++) {
      point.differentiate(mixture.components[k], mixture.rotations + k * mixture.rotation_step,
                          operation.square_factor, false);
    }
    divergences[target] = fma(-operation.half, point.divergence, operation.offset);
    mixture.components += mixture.count;
  }
  far.mark(row, n, row < n && !near);
  if (near && outputs.end != nullptr) {
    store_row(slots[0], d, outputs.end + row * d);
  }
  if (near && wants_log_density) {
    outputs.log_density[row] = log_density;
  }
}

}  // namespace fewstep
