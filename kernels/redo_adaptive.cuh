#pragma once

// The rows that adaptive.cuh leaves, one by one in float64 and with numbers of any size.

#include "adaptive.cuh"
#include "mixture_general.cuh"

namespace fewstep {

template <typename Value, Kind KIND>
FS_KERNEL(tuning::FAR_THREADS, 1)
redo_adaptive_rows(Exact<KIND> mixture, AdaptivePlan<double> plan, const Value* x, long long n,
                   AdaptiveOutputs<Value> outputs) {
  constexpr int D = MOST_ADAPTIVE_DIMENSION;
  const int d = mixture.dimension;
  const long long row = block_index() * thread_count() + thread_index();
  if (row >= n || outputs.report[3 * row] != static_cast<float>(Ending::FAR)) {
    return;
  }
  double scratch[scratch_vectors(KIND) * D];
  const bool wants_divergence = outputs.log_density != nullptr;
  AdaptiveRow<double, D, false> state(plan, d, wants_divergence);
  state.begin(x + row * d, wants_divergence ? outputs.log_density[row] : 0.0);
  while (state.ending == Ending::RUNNING) {
    state.attempt(outputs, row, [&](const double (&y)[D], double t, double (&slope)[D],
                                    double& divergence) {
      const Instant<double> at = plan.process.at(t);
      MixtureOutputs<double> wanted = {};
      wanted.score = slope;
      wanted.divergence = wants_divergence ? &divergence : nullptr;
      evaluate_row<KIND>(Alone(), at_time(mixture, at.alpha, at.variance), y, wanted, scratch);
      for (int i = 0; i < D; i++) {
        slope[i] = i < d ? at.drift * y[i] - at.half * slope[i] : 0.0;
      }
      divergence = d * at.drift - at.half * divergence;
      return true;
    });
  }
  state.store(outputs, row);
}

}  // namespace fewstep
