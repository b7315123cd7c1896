#pragma once

// A Gaussian mixture at a time of each row's own, for adaptive solvers. The passes are those of
// mixture_point.cuh; a component is put together in registers when a row comes to it.

#include "point_group.cuh"
#include "process.cuh"
#include "row_time.cuh"
#include "tuning.cuh"

namespace fewstep {

// What a component is made of: the mixture at t = 0.
template <typename Real, Kind KIND, int D>
struct alignas(16) Origin {
  static constexpr int EIGENVALUES = static_cast<int>(eigenvalues_of(KIND, D));

  Real log_weight;  // log2 w_k; -infinity if w_k = 0
  Real eigenvalue[EIGENVALUES];  // sigma^2
  Real mean[D];  // mu_k
  Real low[D];   // what rounding it has lost; nothing in float64
};

template <typename Real, Kind KIND, int D>
struct Origins {
  const Origin<Real, KIND, D>* components;
  const Rotation<Real, D>* rotations;
  int rotation_step;
  long long count;
  double least_eigenvalue;  // of all covariances
};

// The smallest eigenvalue of all C_k.
FS_DEVICE double least_lambda(const RowTime& time, double least_eigenvalue) {
  return time.alpha * time.alpha * least_eigenvalue + time.variance;
}

// What the components of one row have in common, rounded once.
template <typename Real>
struct Moment {
  Real alpha;
  Real alpha_low;
  Real alpha_square;
  Real variance;
  Real least;  // the inverse of the smallest lambda, which determinants are relative to

  FS_METHOD Moment(const RowTime& time, double least_eigenvalue) {
    alpha = static_cast<Real>(time.alpha);
    alpha_low = static_cast<Real>(time.alpha - alpha);
    alpha_square = static_cast<Real>(time.alpha * time.alpha);
    variance = static_cast<Real>(time.variance);
    least = static_cast<Real>(1 / least_lambda(time, least_eigenvalue));
  }

  // Without a digit of more than the precision has.
  FS_METHOD Moment(const Instant<Real>& at, Real least_eigenvalue) {
    alpha = at.alpha;
    alpha_low = at.alpha_low;
    alpha_square = at.alpha * at.alpha;
    variance = at.variance;
    least = 1 / fma(alpha_square, least_eigenvalue, variance);
  }
};

template <typename Real, Kind KIND, int D>
FS_DEVICE Component<Real, KIND, D> component_at(const Origin<Real, KIND, D>& origin,
                                                const Moment<Real>& at, int d) {
  Component<Real, KIND, D> component;
  Real logarithms = 0;
  component.trace = 0;
  FS_UNROLL
  for (int i = 0; i < component.EIGENVALUES; i++) {
    const Real lambda = fma(at.alpha_square, origin.eigenvalue[i], at.variance);
    const Real precision = 1 / lambda;
    component.precision[i] = precision;
    component.gain[i] = at.alpha * origin.eigenvalue[i] * precision;
    const Real multiplicity = KIND == Kind::ISOTROPIC ? Real(d) : Real(i < d);
    logarithms = fma(multiplicity, log2(lambda * at.least), logarithms);
    component.trace = fma(multiplicity, -precision, component.trace);
  }
  component.logit = origin.log_weight - Real(0.5) * logarithms;
  FS_UNROLL
  for (int i = 0; i < D; i++) {
    // alpha mu to twice the digits, but for the product of what both have lost.
    component.mean[i] = at.alpha * origin.mean[i];
    const Real lost = fma(at.alpha, origin.mean[i], -component.mean[i]);
    component.low[i] = fma(at.alpha_low, origin.mean[i], fma(at.alpha, origin.low[i], lost));
    component.start[i] = origin.mean[i];
  }
  return component;
}

// d <= 16, or 8 in float64: a thread a row. times: [n,2].
template <typename Real, Kind KIND, int D>
FS_KERNEL(tuning::MIXTURE_THREADS, tuning::MIXTURE_BLOCKS)
mixture_rows_at_times(Origins<Real, KIND, D> mixture, int d, const double* times, const Real* x,
                      long long n, MixtureOutputs<Real> outputs, FarRows far) {
  PointGroup<Real, KIND, D, 1> group;
  group.load(x, outputs, n, d);
  const long long row = group.row_of_point(0);
  const RowTime time(times + 2 * (row < n ? row : n - 1), mixture.least_eigenvalue);
  const Moment<Real> moment(time, mixture.least_eigenvalue);
  Point<Real, KIND, D>& point = group.points[0];
  const auto each = [&](auto body) {
    FS_UNROLL_BY(1)
    for (long long k = 0; k < mixture.count; k++) {
      body(component_at(mixture.components[k], moment, d),
           mixture.rotations + k * mixture.rotation_step, k);
    }
  };
  const bool wants_mean = outputs.posterior_mean != nullptr;
  each([&](const auto& component, const auto* rotation, long long) {
    point.add(component, rotation, wants_mean);
  });
  if (!time.valid) {
    point.total = 0;  // not near to anything
  }
  // The log-density of a component of weight 1 and the smallest lambda, at its mean.
  const double log_scale =
      -0.5 * d * (log(least_lambda(time, mixture.least_eigenvalue)) + LOG_TWO_PI);
  group.end_first_pass(far, log_scale, outputs, n, d);
  const bool wants_second = outputs.divergence != nullptr || outputs.jvp != nullptr ||
                            outputs.responsibilities != nullptr;
  if (!wants_second || !group.near[0]) {
    return;
  }
  each([&](const auto& component, const auto* rotation, long long k) {
    const Real share = point.differentiate(component, rotation, 1, outputs.jvp != nullptr);
    if (outputs.responsibilities != nullptr) {
      outputs.responsibilities[row * mixture.count + k] = share;
    }
  });
  group.end_second_pass(outputs, d);
}

}  // namespace fewstep
