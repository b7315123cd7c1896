#pragma once

// A Gaussian mixture at one time as kernels read it. In the coordinates of x itself component k has
// the mean m_k = alpha mu_k and the covariance C_k = alpha^2 Sigma_k + variance I, of eigenvalues
// lambda = alpha^2 sigma^2 + variance; the eigenvectors Q_k are those of Sigma_k at every time.
// org.fewstep.cuda.MixturePack writes what is declared here.

#include "portable.cuh"

namespace fewstep {

// The largest dimension whose vectors have room in the registers of a thread.
constexpr int MOST_REGISTER_DIMENSION = 16;

// The same in float64 for kernels that keep more there than a point and its sums.
constexpr int MOST_DOUBLE_DIMENSION = 8;

enum class Kind { ISOTROPIC, DIAGONAL, FULL };

// The different eigenvalues of one covariance.
FS_ANYWHERE constexpr long long eigenvalues_of(Kind kind, long long dimension) {
  return kind == Kind::ISOTROPIC ? 1 : dimension;
}

template <typename Real, Kind KIND, int D>
struct alignas(16) Component {
  static constexpr int EIGENVALUES = static_cast<int>(eigenvalues_of(KIND, D));

  Real logit;      // log2 of w_k / sqrt(det C_k) over the largest; -infinity if w_k = 0
  Real logit_low;  // what rounding it has lost; for d > 16, where exponents are in float64
  Real trace;      // -sum 1/lambda, or sum alpha sigma^2/lambda if the divergence is the mean's
  Real precision[EIGENVALUES];  // 1/lambda
  Real gain[EIGENVALUES];       // alpha sigma^2/lambda
  Real mean[D];                 // m_k
  Real low[D];                  // what rounding it has lost; nothing in float64
  Real start[D];                // mu_k
};

// Q_k, an eigenvector a column.
template <typename Real, int D>
struct alignas(16) Rotation {
  Real q[D][D];
};

// Components, and after them the rotations of the full kind: one, or one a component.
template <typename Real, Kind KIND, int D>
struct Gaussians {
  const Component<Real, KIND, D>* components;
  const Rotation<Real, D>* rotations;
  int rotation_step;  // 0 if they share one
  long long count;
  double log_scale;  // the largest log (w_k / sqrt(det C_k)), less d/2 log 2 pi
};

// What depends on the precision.
template <typename Real>
struct Limits;

template <>
struct Limits<float> {
  // From here on 2^-24 u, the rounding of an exponent, is no longer small against 1e-4.
  static constexpr float FAR = 0x1p10f;
  // Less than any exponent.
  static constexpr float LEAST = -0x1p100f;
};

template <>
struct Limits<double> {
  // From here on 2^-53 u is no longer small against 1e-10, nor is log w_k added to it in full.
  static constexpr double FAR = 0x1p20;
  static constexpr double LEAST = -0x1p1000;
};

// log2(e)/2 turns a squared Mahalanobis distance q into the exponent u of 2^-u = e^(-q/2).
constexpr double HALF_LOG2_E = 0.72134752044448170368;
constexpr double LN_2 = 0.69314718055994530942;
constexpr double LOG_TWO_PI = 1.83787706640934548356;

// The outputs wanted of an evaluation; null if not.
template <typename Value>
struct MixtureOutputs {
  Value* log_density;       // [n]
  Value* score;             // [n,d]
  Value* posterior_mean;    // [n,d]
  Value* divergence;        // [n]
  const Value* direction;   // [n,d], read
  Value* jvp;               // [n,d]
  Value* responsibilities;  // [n,K]
};

}  // namespace fewstep
