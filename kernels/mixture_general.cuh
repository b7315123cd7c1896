#pragma once

// A row of any dimension, in memory: by a warp, its lanes over the coordinates, or by one thread.
// It does what mixture_point.cuh does in registers, with exponents in float64. One thread does in
// this way, and in float64, the few rows that the registers cannot do; see far_rows.cuh.

#include "mixture_component.cuh"
#include "numbers.cuh"

namespace fewstep {

// Those who share a row.
struct Alone {
  FS_METHOD int lane() const { return 0; }
  FS_METHOD int lanes() const { return 1; }
  template <typename Real>
  FS_METHOD Real sum(Real value) const { return value; }
  FS_METHOD bool any(bool value) const { return value; }
  FS_METHOD void barrier() const {}
};

struct Warp {
  FS_METHOD int lane() const { return thread_index() % WARP; }
  FS_METHOD int lanes() const { return WARP; }
  template <typename Real>
  FS_METHOD Real sum(Real value) const { return lane_sum<WARP>(value); }
  FS_METHOD bool any(bool value) const { return any_lane(value); }
  FS_METHOD void barrier() const { warp_barrier(); }
};

// The mixture at one time with its constants computed, as Component has them with D = d; after the
// components of the full kind come the rotations, each Q, then Q'.
template <typename R, Kind KIND>
struct Packed {
  using Real = R;
  const Real* components;
  const Real* rotations;
  long long rotation_step;
  int dimension;
  long long count;
  double log_scale;
  Real square_factor = 1;

  FS_ANYWHERE static constexpr long long stride_of(long long d) {
    constexpr long long UNIT = 16 / sizeof(Real);
    return (3 + 2 * eigenvalues_of(KIND, d) + 3 * d + UNIT - 1) / UNIT * UNIT;
  }

  // What is read of one component.
  struct View {
    double logit;
    Real trace;
    const Real* precisions;
    const Real* gains;
    const Real* means;
    const Real* lows;
    const Real* starts;

    FS_METHOD Real residual(Real x, int i) const { return x - means[i] - lows[i]; }
    FS_METHOD Real precision(int i) const { return precisions[KIND == Kind::ISOTROPIC ? 0 : i]; }
    FS_METHOD Real gain(int i) const { return gains[KIND == Kind::ISOTROPIC ? 0 : i]; }
    FS_METHOD Real start(int i) const { return starts[i]; }
  };

  template <typename Team>
  FS_METHOD View view(const Team&, long long k) const {
    const Real* at = components + k * stride_of(dimension);
    const Real* precisions = at + 3;
    const Real* gains = precisions + eigenvalues_of(KIND, dimension);
    const Real* means = gains + eigenvalues_of(KIND, dimension);
    const double logit = static_cast<double>(at[0]) + at[1];
    const Real* lows = means + dimension;
    return {logit, at[2], precisions, gains, means, lows, lows + dimension};
  }
};

// The mixture at t = 0 in float64, with the time beside it: a record a component of log2 w_k, the
// eigenvalues sigma^2 and mu_k, and after them the rotations as Packed has them. Constants are
// computed where they are used.
template <Kind KIND>
struct Exact {
  using Real = double;
  const double* components;
  const double* rotations;
  long long rotation_step;
  int dimension;
  long long count;
  double alpha;
  double variance;
  double log_scale;
  double square_factor = 1;
  bool of_mean = false;  // whether the divergence is that of the posterior mean

  FS_ANYWHERE static constexpr long long stride_of(long long d) {
    return 1 + eigenvalues_of(KIND, d) + d;
  }

  struct View {
    double logit;
    double trace;
    double alpha;
    double variance;
    const double* eigenvalues;
    const double* starts;

    FS_METHOD double eigenvalue(int i) const {
      return eigenvalues[KIND == Kind::ISOTROPIC ? 0 : i];
    }
    FS_METHOD double lambda(int i) const { return fma(alpha * alpha, eigenvalue(i), variance); }
    FS_METHOD double residual(double x, int i) const { return fma(-alpha, starts[i], x); }
    FS_METHOD double precision(int i) const { return 1 / lambda(i); }
    FS_METHOD double gain(int i) const { return alpha * eigenvalue(i) / lambda(i); }
    FS_METHOD double start(int i) const { return starts[i]; }
  };

  template <typename Team>
  FS_METHOD View view(const Team& team, long long k) const {
    const double* at = components + k * stride_of(dimension);
    const int eigenvalues = static_cast<int>(eigenvalues_of(KIND, dimension));
    View view = {0, 0, alpha, variance, at + 1, at + 1 + eigenvalues};
    double logarithms = 0;
    double trace = 0;
    for (int i = team.lane(); i < eigenvalues; i += team.lanes()) {
      logarithms += log2(view.lambda(i));
      trace += of_mean ? view.gain(i) : -view.precision(i);
    }
    const double multiplicity = KIND == Kind::ISOTROPIC ? dimension : 1;
    view.logit = at[0] - 0.5 * multiplicity * team.sum(logarithms);
    view.trace = multiplicity * team.sum(trace);
    return view;
  }
};

// The exact mixture at another time.
template <Kind KIND>
FS_DEVICE Exact<KIND> at_time(Exact<KIND> mixture, double alpha, double variance) {
  mixture.alpha = alpha;
  mixture.variance = variance;
  mixture.square_factor = mixture.of_mean ? variance / alpha : 1;
  return mixture;
}

// The vectors of d numbers that a row needs.
FS_ANYWHERE constexpr int scratch_vectors(Kind kind) { return kind == Kind::FULL ? 7 : 5; }

// The components that a row is evaluated for: all of them, or those that words have a bit for. The
// rest is then known to have no weight.
struct AllComponents {
  FS_METHOD long long from(long long k) const { return k; }
};

struct MarkedComponents {
  const unsigned* words;
  long long count;

  // The first from k on, or beyond the last.
  FS_METHOD long long from(long long k) const {
    while (k < count) {
      const unsigned rest = words[k / 32] >> k % 32;
      if (rest != 0) {
        return k + lowest_bit(rest);
      }
      k = (k / 32 + 1) * 32;
    }
    return k;
  }
};

template <typename Team, typename Mixture, Kind KIND, typename Components>
struct GeneralRow {
  using Real = typename Mixture::Real;

  // Distances that overflow are taken of residuals shrunk by this power of two.
  static constexpr double SHRINK = 0x1p-600;

  Team team;
  Components components;
  const Mixture& mixture;
  const int dimension;
  Real* x;
  Real* v;
  Real* score;
  Real* mean;
  Real* jvp;
  Real* one;  // of the full kind
  Real* two;
  // The heaviest component so far is the reference that weights are relative to. Its logit and its
  // exponent stay apart: one added to the other would be lost where that is huge.
  double logit = 0;
  double exponent = 0;
  double total = 0;
  double divergence = 0;

  // scratch: scratch_vectors(KIND) d numbers.
  FS_METHOD GeneralRow(const Mixture& mixture, const Components& components, Real* scratch)
      : components(components), mixture(mixture), dimension(mixture.dimension) {
    const long long d = dimension;
    x = scratch;
    v = scratch + d;
    score = scratch + 2 * d;
    mean = scratch + 3 * d;
    jvp = scratch + 4 * d;
    one = scratch + 5 * d;
    two = scratch + 6 * d;
  }

  template <typename Body>
  FS_METHOD void each(Body body) const {
    FS_UNROLL_BY(2)
    for (int i = team.lane(); i < dimension; i += team.lanes()) {
      body(i);
    }
  }

  // Copies numbers of the row, and tells whether they are finite.
  template <typename Value>
  FS_METHOD bool load(const Value* from, Real* to) const {
    bool infinite = false;
    each([&](int i) {
      to[i] = static_cast<Real>(from[i]);
      infinite |= !isfinite(from[i]);
    });
    return !team.any(infinite);
  }

  // two = Q' one.
  FS_METHOD void into_eigenbasis(const Real* rotation) const {
    team.barrier();
    each([&](int j) {
      Real sum = 0;
      for (int i = 0; i < dimension; i++) {
        sum = fma(rotation[static_cast<long long>(i) * dimension + j], one[i], sum);
      }
      two[j] = sum;
    });
    team.barrier();
  }

  // Coordinate i of Q (factor_j two_j).
  template <typename Factor>
  FS_METHOD Real out_of_eigenbasis(const Real* rotation, int i, Factor factor) const {
    const Real* transposed = rotation + static_cast<long long>(dimension) * dimension;
    Real sum = 0;
    for (int j = 0; j < dimension; j++) {
      sum = fma(transposed[static_cast<long long>(j) * dimension + i], factor(j) * two[j], sum);
    }
    return sum;
  }

  FS_METHOD const Real* rotation(long long k) const {
    return mixture.rotations + k * mixture.rotation_step;
  }

  // q shrink^2; of the full kind the residual is left in two.
  template <typename View>
  FS_METHOD double square(const View& component, long long k, Real shrink) const {
    if (KIND == Kind::FULL) {
      team.barrier();
      each([&](int i) { one[i] = component.residual(x[i], i); });
      into_eigenbasis(rotation(k));
    }
    Real sum = 0;
    each([&](int i) {
      const Real e = shrink * (KIND == Kind::FULL ? two[i] : component.residual(x[i], i));
      sum = fma(component.precision(i) * e, e, sum);
    });
    return team.sum(sum);
  }

  // log2 of the weight that the reference makes of a component. The stretch is applied twice,
  // because the square of the shrinkage does not fit the range of a double.
  FS_METHOD double relative(double component_logit, double u, double shrink) const {
    return (component_logit - logit) - (u - exponent) / shrink / shrink;
  }

  // The first pass, with the posterior mean if it is wanted.
  FS_METHOD_APART void locate(double shrink, bool wants_mean) {
    total = 0;
    each([&](int i) { score[i] = mean[i] = 0; });
    FS_UNROLL_BY(1)
    for (long long k = components.from(0); k < mixture.count; k = components.from(k + 1)) {
      const auto component = mixture.view(team, k);
      const double u =
          rounded_product(HALF_LOG2_E, square(component, k, static_cast<Real>(shrink)));
      if (!isfinite(u) || !isfinite(component.logit)) {
        continue;  // beyond all numbers, or of weight zero
      }
      double power = relative(component.logit, u, shrink);
      if (total == 0 || power > 0) {
        const double fade = total == 0 ? 0 : exp2(-power);
        total *= fade;
        each([&](int i) {
          score[i] *= static_cast<Real>(fade);
          mean[i] *= static_cast<Real>(fade);
        });
        logit = component.logit;
        exponent = u;
        power = 0;
      }
      const double weight = exp2(power);
      if (weight > 0) {
        total += weight;
        add(component, k, static_cast<Real>(weight), wants_mean);
      }
    }
    const Real inverse = static_cast<Real>(1 / total);
    each([&](int i) {
      score[i] *= inverse;
      mean[i] *= inverse;
    });
  }

  template <typename View>
  FS_METHOD void add(const View& component, long long k, Real weight, bool wants_mean) const {
    each([&](int i) {
      if (KIND == Kind::FULL) {
        const auto precision = [&](int j) { return component.precision(j); };
        score[i] -= weight * out_of_eigenbasis(rotation(k), i, precision);
        if (wants_mean) {
          const auto gain = [&](int j) { return component.gain(j); };
          mean[i] += weight * (component.start(i) + out_of_eigenbasis(rotation(k), i, gain));
        }
      } else {
        const Real e = component.residual(x[i], i);
        score[i] -= weight * (component.precision(i) * e);
        if (wants_mean) {
          mean[i] += weight * fma(component.gain(i), e, component.start(i));
        }
      }
    });
  }

  // The second pass, with the responsibilities where they are wanted, [K] of either precision.
  FS_METHOD_APART void differentiate(double shrink, bool wants_jvp, float* shares,
                                     double* wide_shares) {
    divergence = 0;
    each([&](int i) { jvp[i] = 0; });
    FS_UNROLL_BY(1)
    for (long long k = components.from(0); k < mixture.count; k = components.from(k + 1)) {
      const auto component = mixture.view(team, k);
      const double u =
          rounded_product(HALF_LOG2_E, square(component, k, static_cast<Real>(shrink)));
      const double weight = exp2(relative(component.logit, u, shrink)) / total;
      const bool dead = !(weight > 0);
      if (shares != nullptr && team.lane() == 0) {
        shares[k] = dead ? 0 : static_cast<float>(weight);
      }
      if (wide_shares != nullptr && team.lane() == 0) {
        wide_shares[k] = dead ? 0 : weight;
      }
      if (!dead) {
        add_curvature(component, k, static_cast<Real>(weight), wants_jvp);
      }
    }
  }

  template <typename View>
  FS_METHOD void add_curvature(const View& component, long long k, Real weight, bool wants_jvp) {
    Real squares = 0;
    Real along = 0;
    const auto precision = [&](int j) { return component.precision(j); };
    const auto centred = [&](int i) {  // g_k - s
      return -score[i] - (KIND == Kind::FULL
                              ? out_of_eigenbasis(rotation(k), i, precision)
                              : component.precision(i) * component.residual(x[i], i));
    };
    each([&](int i) {
      const Real c = centred(i);
      squares = fma(c, c, squares);
      along = wants_jvp ? fma(c, v[i], along) : along;
      if (wants_jvp && KIND == Kind::FULL) {
        one[i] = c;
      }
    });
    divergence += weight * (mixture.square_factor * team.sum(squares) + component.trace);
    if (!wants_jvp) {
      return;
    }
    along = team.sum(along);
    if (KIND == Kind::FULL) {
      each([&](int i) { jvp[i] += weight * along * one[i]; });
      team.barrier();
      each([&](int i) { one[i] = v[i]; });
      into_eigenbasis(rotation(k));
      each([&](int i) { jvp[i] -= weight * out_of_eigenbasis(rotation(k), i, precision); });
    } else {
      each([&](int i) {
        jvp[i] += weight * (along * centred(i) - component.precision(i) * v[i]);
      });
    }
  }

  template <typename Value>
  FS_METHOD void store(const Real* vector, Value* out) const {
    if (out != nullptr) {
      each([&](int i) { out[i] = static_cast<Value>(vector[i]); });
    }
  }
};

// All outputs of one row are NaN. The outputs here and below are those of the row alone.
template <typename Team, typename Value>
FS_DEVICE void fail_row(const Team& team, int dimension, long long components,
                        const MixtureOutputs<Value>& row) {
  const Value nan = NOT_A_NUMBER<Value>;
  const auto fill = [&](Value* out, long long count) {
    for (long long i = team.lane(); out != nullptr && i < count; i += team.lanes()) {
      out[i] = nan;
    }
  };
  fill(row.log_density, 1);
  fill(row.score, dimension);
  fill(row.posterior_mean, dimension);
  fill(row.divergence, 1);
  fill(row.jvp, dimension);
  fill(row.responsibilities, components);
}

// Evaluates one row. Returns false, nothing being written, if it lies farther from every component
// than the exponents of Real reach.
template <Kind KIND, typename Team, typename Mixture, typename Value,
          typename Components = AllComponents>
FS_DEVICE bool evaluate_row(const Team& team, const Mixture& mixture, const Value* x,
                            const MixtureOutputs<Value>& row, typename Mixture::Real* scratch,
                            const Components& components = {}) {
  using Real = typename Mixture::Real;
  GeneralRow<Team, Mixture, KIND, Components> at(mixture, components, scratch);
  const int d = mixture.dimension;
  if (!at.load(x, at.x)) {
    fail_row(team, d, mixture.count, row);
    return true;
  }
  const bool directed = row.direction == nullptr || at.load(row.direction, at.v);
  // All coordinates are read before an output is written: one may lie where they do.
  team.barrier();
  double shrink = 1;
  at.locate(shrink, row.posterior_mean != nullptr);
  if (sizeof(Real) == sizeof(float)) {
    const double far = Limits<float>::FAR > 2.0 * d ? Limits<float>::FAR : 2.0 * d;
    if (!(at.total >= 1 && at.exponent <= far)) {
      team.barrier();
      return false;
    }
  } else if (!(at.total >= 1)) {
    shrink = at.SHRINK;
    at.locate(shrink, row.posterior_mean != nullptr);
  }
  const double power = log2(at.total) + at.logit - at.exponent / shrink / shrink;
  if (row.divergence != nullptr || row.jvp != nullptr || row.responsibilities != nullptr) {
    float* shares = nullptr;
    double* wide_shares = nullptr;
    if constexpr (sizeof(Value) == sizeof(float)) {
      shares = row.responsibilities;
    } else {
      wide_shares = row.responsibilities;
    }
    at.differentiate(shrink, row.jvp != nullptr && directed, shares, wide_shares);
  }
  if (row.log_density != nullptr && team.lane() == 0) {
    *row.log_density = static_cast<Value>(power * LN_2 + mixture.log_scale);
  }
  at.store(at.score, row.score);
  at.store(at.mean, row.posterior_mean);
  if (row.divergence != nullptr && team.lane() == 0) {
    *row.divergence = static_cast<Value>(at.divergence);
  }
  if (row.jvp != nullptr) {
    at.each([&](int i) {
      row.jvp[i] = directed ? static_cast<Value>(at.jvp[i]) : NOT_A_NUMBER<Value>;
    });
  }
  team.barrier();
  return true;
}

// The outputs of one row.
template <typename Value>
FS_DEVICE MixtureOutputs<Value> row_of(const MixtureOutputs<Value>& all, long long row,
                                       long long dimension, long long components) {
  const auto at = [row](auto* out, long long columns) {
    return out == nullptr ? nullptr : out + row * columns;
  };
  return {at(all.log_density, 1),        at(all.score, dimension),
          at(all.posterior_mean, dimension), at(all.divergence, 1),
          at(all.direction, dimension),  at(all.jvp, dimension),
          at(all.responsibilities, components)};
}

// Where the warps of a kernel have their scratch memory: shared, or elsewhere if that is not null.
struct Scratch {
  double* elsewhere;
  long long doubles;  // of one warp

  FS_METHOD double* of_warp(double* shared, int warp, long long warp_of_grid) const {
    return elsewhere == nullptr ? shared + warp * doubles : elsewhere + warp_of_grid * doubles;
  }
};

}  // namespace fewstep
