#pragma once

// One point in the registers of one thread, d <= 16, and the two passes over the components that
// evaluate a mixture there. With residuals e_k = x - m_k, precisions P_k = C_k^-1, distances
// q_k = e_k' P_k e_k and logits c_k:
//
//   first    r_k ~ 2^(c_k - u_k), u_k = q_k log2(e)/2       responsibilities, log p
//            s = -sum r_k P_k e_k                           score
//            D = sum r_k (mu_k + alpha Sigma_k P_k e_k)     posterior mean
//   second   div s = sum r_k (|g_k - s|^2 - tr P_k)         g_k = -P_k e_k
//            H v = sum r_k ((g_k - s) (g_k - s).v - P_k v)
//
// The second one takes scores that are centred: the textbook form, sum r_k g_k g_k' - s s', cancels
// to nothing where one component has all the weight.

#include "mixture_component.cuh"

namespace fewstep {

// How far loops over the coordinates are unrolled: wholly, so that vectors are in registers; but
// with large matrices only those over eigenvectors are, or the code would be large, and the
// registers few.
template <typename Real, Kind KIND, int D>
constexpr int COORDINATES = KIND == Kind::FULL && D * sizeof(Real) >= 64 ? 1 : D;

// A component seen from a point.
template <typename Real, Kind KIND, int D>
struct Residual {
  Real along[D];  // e, in the coordinates of the eigenvectors if the kind is full
  Real pull[D];   // P e / factor, likewise
  Real factor;    // 1/lambda of the isotropic kind, else 1
  Real square;    // q / factor

  FS_METHOD Residual(const Real (&x)[D], const Component<Real, KIND, D>& component,
                     const Rotation<Real, D>* rotation) {
    FS_UNROLL
    for (int i = 0; KIND == Kind::FULL && i < D; i++) {
      along[i] = 0;
    }
    FS_UNROLL_BY((COORDINATES<Real, KIND, D>))
    for (int i = 0; i < D; i++) {
      Real e = x[i] - component.mean[i];
      if (sizeof(Real) == sizeof(float)) {
        e -= component.low[i];
      }
      if constexpr (KIND == Kind::FULL) {
        FS_UNROLL
        for (int j = 0; j < D; j++) {
          along[j] = fma(rotation->q[i][j], e, along[j]);
        }
      } else {
        along[i] = e;
      }
    }
    square = 0;
    factor = KIND == Kind::ISOTROPIC ? component.precision[0] : Real(1);
    FS_UNROLL
    for (int i = 0; i < D; i++) {
      pull[i] = KIND == Kind::ISOTROPIC ? along[i] : component.precision[i] * along[i];
      square = fma(pull[i], along[i], square);
    }
  }

  // c - u, the exponent of the component's weight in base 2.
  FS_METHOD Real power(const Component<Real, KIND, D>& component) const {
    return fma(-factor * static_cast<Real>(HALF_LOG2_E), square, component.logit);
  }
};

// out += Q v for the full kind, out += v for the others.
template <typename Real, Kind KIND, int D>
FS_DEVICE void add_turned(const Real (&v)[D], const Rotation<Real, D>* rotation, Real (&out)[D]) {
  FS_UNROLL_BY((COORDINATES<Real, KIND, D>))
  for (int i = 0; i < D; i++) {
    if constexpr (KIND == Kind::FULL) {
      Real sum = out[i];
      FS_UNROLL
      for (int j = 0; j < D; j++) {
        sum = fma(rotation->q[i][j], v[j], sum);
      }
      out[i] = sum;
    } else {
      out[i] += v[i];
    }
  }
}

template <typename Real, Kind KIND, int D>
struct Point {
  Real x[D];
  // The largest c_k - u_k so far: weights are relative to it, so that the largest is 1 however far
  // the point is from all components.
  Real largest = Limits<Real>::LEAST;
  Real total = 0;       // sum of the weights
  Real pull[D] = {};    // sum of weight P e, then -score
  Real mean[D] = {};    // sum of weight E[x0 | x, k], then E[x0 | x]
  // Set and read by the second pass.
  Real v[D] = {};       // the direction
  Real divergence = 0;
  Real jvp[D] = {};

  // The first pass, with the posterior mean if it is wanted.
  FS_METHOD void add(const Component<Real, KIND, D>& component, const Rotation<Real, D>* rotation,
                     bool wants_mean) {
    const Residual<Real, KIND, D> at(x, component, rotation);
    const Real power = at.power(component);
    if (power > largest) {
      shrink(exp2_fast(largest - power), wants_mean);
      largest = power;
    }
    const Real weight = exp2_fast(power - largest);
    total += weight;
    if (KIND == Kind::FULL && weight == 0) {
      return;  // as most are at low noise; for the others asking costs as much as going on
    }
    const Real factor = weight * at.factor;
    if constexpr (KIND == Kind::FULL) {
      Real turned[D];
      FS_UNROLL
      for (int i = 0; i < D; i++) {
        turned[i] = factor * at.pull[i];
      }
      add_turned<Real, KIND, D>(turned, rotation, pull);
    } else {
      FS_UNROLL_BY((COORDINATES<Real, KIND, D>))
      for (int i = 0; i < D; i++) {
        pull[i] = fma(factor, at.pull[i], pull[i]);
      }
    }
    if (wants_mean) {
      add_mean(component, rotation, at, weight);
    }
  }

  FS_METHOD void shrink(Real factor, bool wants_mean) {
    total *= factor;
    FS_UNROLL_BY((COORDINATES<Real, KIND, D>))
    for (int i = 0; i < D; i++) {
      pull[i] *= factor;
      mean[i] *= wants_mean ? factor : Real(1);
    }
  }

  FS_METHOD void add_mean(const Component<Real, KIND, D>& component,
                          const Rotation<Real, D>* rotation, const Residual<Real, KIND, D>& at,
                          Real weight) {
    Real shift[D];
    FS_UNROLL
    for (int i = 0; i < D; i++) {
      shift[i] = weight * component.gain[KIND == Kind::ISOTROPIC ? 0 : i] * at.along[i];
    }
    FS_UNROLL_BY((COORDINATES<Real, KIND, D>))
    for (int i = 0; i < D; i++) {
      mean[i] = fma(weight, component.start[i], mean[i]);
    }
    add_turned<Real, KIND, D>(shift, rotation, mean);
  }

  // Whether the sums can be trusted. Otherwise x is not finite, or so far from every component that
  // the rounding of its exponents, or their overflow, would be seen.
  FS_METHOD bool near() const {
    return largest >= -Limits<Real>::FAR && total >= 1;
  }

  // Ends the first pass.
  FS_METHOD void normalise() {
    const Real inverse = 1 / total;
    FS_UNROLL_BY((COORDINATES<Real, KIND, D>))
    for (int i = 0; i < D; i++) {
      pull[i] *= inverse;
      mean[i] *= inverse;
    }
  }

  // log_scale: the largest log-normaliser, with the constant of d dimensions.
  FS_METHOD Real log_density(double log_scale) const {
    return static_cast<Real>((static_cast<double>(log2(total)) + largest) * LN_2 + log_scale);
  }

  // The second pass; returns the component's responsibility. The divergence of the score has
  // square_factor 1; that of the posterior mean has the same form, since the means of components
  // deviate by (variance/alpha) (g_k - s).
  FS_METHOD Real differentiate(const Component<Real, KIND, D>& component,
                               const Rotation<Real, D>* rotation, Real square_factor,
                               bool wants_jvp) {
    const Residual<Real, KIND, D> at(x, component, rotation);
    const Real weight = exp2_fast(at.power(component) - largest) / total;
    if (weight == 0) {
      return weight;
    }
    Real centred[D];  // s - g_k
    FS_UNROLL_BY((COORDINATES<Real, KIND, D>))
    for (int i = 0; i < D; i++) {
      centred[i] = KIND == Kind::FULL ? -pull[i] : fma(at.factor, at.pull[i], -pull[i]);
    }
    if constexpr (KIND == Kind::FULL) {
      add_turned<Real, KIND, D>(at.pull, rotation, centred);
    }
    Real squares = 0;
    FS_UNROLL_BY((COORDINATES<Real, KIND, D>))
    for (int i = 0; i < D; i++) {
      squares = fma(centred[i], centred[i], squares);
    }
    divergence = fma(weight, fma(square_factor, squares, component.trace), divergence);
    if (wants_jvp) {
      add_jvp(component, rotation, centred, weight);
    }
    return weight;
  }

  FS_METHOD void add_jvp(const Component<Real, KIND, D>& component,
                         const Rotation<Real, D>* rotation, const Real (&centred)[D],
                         Real weight) {
    Real along = 0;
    FS_UNROLL_BY((COORDINATES<Real, KIND, D>))
    for (int i = 0; i < D; i++) {
      along = fma(centred[i], v[i], along);
    }
    Real turned[D];  // -weight P v, in the coordinates of the eigenvectors if the kind is full
    if constexpr (KIND == Kind::FULL) {
      FS_UNROLL
      for (int j = 0; j < D; j++) {
        turned[j] = 0;
      }
      FS_UNROLL_BY((COORDINATES<Real, KIND, D>))
      for (int i = 0; i < D; i++) {
        FS_UNROLL
        for (int j = 0; j < D; j++) {
          turned[j] = fma(rotation->q[i][j], v[i], turned[j]);
        }
      }
    }
    FS_UNROLL
    for (int i = 0; i < D; i++) {
      const Real precision = component.precision[KIND == Kind::ISOTROPIC ? 0 : i];
      turned[i] = -weight * precision * (KIND == Kind::FULL ? turned[i] : v[i]);
    }
    FS_UNROLL_BY((COORDINATES<Real, KIND, D>))
    for (int i = 0; i < D; i++) {
      jvp[i] = fma(weight * along, centred[i], jvp[i]);
    }
    add_turned<Real, KIND, D>(turned, rotation, jvp);
  }
};

}  // namespace fewstep
