#pragma once

// The rows that far_rows.cuh marks, d <= 16, one by one in float64 and with numbers of any size.

#include "far_rows.cuh"
#include "mixture_general.cuh"
#include "plan.cuh"
#include "row_time.cuh"
#include "tuning.cuh"

namespace fewstep {

// times: [n,2] as in row_time.cuh, or null if the mixture is at the time of all rows.
template <typename Real, Kind KIND>
FS_KERNEL(tuning::FAR_THREADS, 1)
redo_rows(FarRows far, Exact<KIND> mixture, const double* times, double least_eigenvalue,
          const Real* x, long long n, MixtureOutputs<Real> outputs) {
  constexpr int NUMBERS = scratch_vectors(KIND) * MOST_REGISTER_DIMENSION;
  const int d = mixture.dimension;
  each_far_row(far, n, [&](long long row) {
    double scratch[NUMBERS];
    const MixtureOutputs<Real> out = row_of(outputs, row, d, mixture.count);
    if (times == nullptr) {
      evaluate_row<KIND>(Alone(), mixture, x + row * d, out, scratch);
      return;
    }
    const RowTime time(times + 2 * row, least_eigenvalue);
    if (time.valid) {
      evaluate_row<KIND>(Alone(), at_time(mixture, time.alpha, time.variance), x + row * d, out,
                         scratch);
    } else {
      fail_row(Alone(), d, mixture.count, out);
    }
  });
}

template <typename Real>
FS_DEVICE void store_narrowed(const double* values, int d, Real* out) {
  for (int i = 0; i < d; i++) {
    out[i] = static_cast<Real>(values[i]);
  }
}

// Whole trajectories. A start that is no point makes all that follows NaN.
template <typename Real, Kind KIND>
FS_KERNEL(tuning::FAR_THREADS, 1)
redo_trajectories(FarRows far, Exact<KIND> mixture, Program<Real> program, const Real* x,
                  long long n, TrajectoryOutputs<Real> outputs) {
  constexpr int D = MOST_REGISTER_DIMENSION;
  constexpr int NUMBERS = scratch_vectors(KIND) * D;
  const int d = mixture.dimension;
  each_far_row(far, n, [&](long long row) {
    double scratch[NUMBERS];
    double slots[MAX_SLOTS][D] = {};
    double divergences[MAX_SLOTS] = {};
    const bool wants_log_density = outputs.log_density != nullptr;
    double log_density = wants_log_density ? outputs.log_density[row] : 0;
    bool failed = false;
    for (int i = 0; i < d; i++) {
      slots[0][i] = x[row * d + i];
      failed |= !isfinite(slots[0][i]);
    }
    for (int i = 0; failed && i < d; i++) {
      slots[0][i] = log_density = NOT_A_NUMBER<double>;
    }
    int knot = 0;
    const auto store_knot = [&] {
      if (outputs.knots != nullptr) {
        store_narrowed(slots[0], d, outputs.knots[knot++] + row * d);
      }
    };
    store_knot();
    const double* time = program.times;
    for (int o = 0; o < program.count; o++) {
      const Operation<Real>& operation = program.operations[o];
      const int target = static_cast<int>(operation.target);
      if (target == 0) {
        combine_slots(operation.weights, program.slots, slots, slots[0]);
        log_density += log_density_change(operation, program.slots, divergences);
        store_knot();
        continue;
      }
      double y[D];
      double value[D];
      double divergence = 0;
      combine_slots(operation.weights, program.slots, slots, y);
      MixtureOutputs<double> wanted = {};
      (program.denoised ? wanted.posterior_mean : wanted.score) = value;
      wanted.divergence = wants_log_density ? &divergence : nullptr;
      evaluate_row<KIND>(Alone(), at_time(mixture, time[0], time[1]), y, wanted, scratch);
      for (int i = 0; i < d; i++) {
        slots[target][i] =
            program.denoised ? value[i] : operation.drift * y[i] - operation.half * value[i];
      }
      divergences[target] = operation.offset - operation.half * divergence;
      time += 2;
    }
    if (outputs.end != nullptr) {
      store_narrowed(slots[0], d, outputs.end + row * d);
    }
    if (wants_log_density) {
      outputs.log_density[row] = static_cast<Real>(log_density);
    }
  });
}

}  // namespace fewstep
