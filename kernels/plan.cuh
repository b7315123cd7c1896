#pragma once

// A trajectory as data, org.fewstep.backend.Plan, as kernels read it.

#include "portable.cuh"

namespace fewstep {

constexpr int MAX_SLOTS = 8;

// A plan is a list of these. With target > 0 an evaluation, y = sum_j weights[j] slot_j and
// slot_target = drift y - half score(y), or E[x_0 | y]; with target 0 the end of a step,
// slot_0 = sum_j weights[j] slot_j. A network stands in the place of the score, whatever it gives.
template <typename Real>
struct alignas(16) Operation {
  Real weights[MAX_SLOTS];
  Real divergence_weights[MAX_SLOTS];  // of the change of log p at the end of a step
  Real offset;  // the rest of that change; at an evaluation d drift, which its divergence adds
  Real drift;
  Real half;           // g^2/2; -1 for E[x_0 | y], whose divergence is not that of a score
  Real square_factor;  // of the divergence, see Point::differentiate
  Real target;
  Real zeros[3];
};

template <typename Real>
struct Program {
  const Operation<Real>* operations;
  const double* times;  // alpha and variance of every evaluation; of a network, its time
  int count;
  int slots;
  bool denoised;  // whether evaluations give E[x_0 | y]
};

template <typename Real>
struct TrajectoryOutputs {
  Real* end;           // [n,d], or null
  Real* const* knots;  // one [n,d] for the start and one for the end of each step, or null
  Real* log_density;   // [n], read and written, or null
};

// y = sum_j weights[j] slot_j; slots of weight zero are not read.
template <typename Weight, typename Real, int D>
FS_DEVICE void combine_slots(const Weight* weights, int count, const Real (&slots)[MAX_SLOTS][D],
                       Real (&y)[D]) {
  Real sum[D] = {};
  for (int j = 0; j < count; j++) {
    const Real weight = weights[j];
    if (weight != 0) {
      FS_UNROLL
      for (int i = 0; i < D; i++) {
        sum[i] = fma(weight, slots[j][i], sum[i]);
      }
    }
  }
  FS_UNROLL
  for (int i = 0; i < D; i++) {
    y[i] = sum[i];
  }
}

// The end of a step: the change of log p.
template <typename Real, typename Weight>
FS_DEVICE Real log_density_change(const Operation<Weight>& operation, int slots,
                                  const Real (&divergences)[MAX_SLOTS]) {
  Real change = operation.offset;
  for (int j = 1; j < slots; j++) {
    const Real weight = operation.divergence_weights[j];
    change = weight == 0 ? change : fma(weight, divergences[j], change);
  }
  return change;
}

}  // namespace fewstep
