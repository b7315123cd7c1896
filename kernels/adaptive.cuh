#pragma once

// Adaptive trajectories of the probability flow of a mixture: every row takes steps of its own by
// an embedded Runge-Kutta method of 7 stages whose last one is the first of the next step. What is
// decided, and in which order, is told in org.fewstep.backend.AdaptivePlan.

#include "mixture_times.cuh"
#include "numbers.cuh"

namespace fewstep {

constexpr int STAGES = 7;

// org.fewstep.backend.AdaptivePlan as kernels read it.
template <typename Real>
struct AdaptivePlan {
  Process<Real> process;
  Real weights[STAGES][STAGES];  // of the slopes in the state of each stage; the last is the step's
  Real error[STAGES];            // of the slopes in the error
  Real quadratic[STAGES];        // and in the continuous extension
  Real cubic[STAGES];
  Real quartic[STAGES];
  double nodes[STAGES];  // of the stages' times, from 0 to 1
  double start;
  double end;
  double smallest;  // step sizes
  double largest;
  Real absolute;
  Real relative;
  Real error_exponent;
  Real previous_exponent;
  Real safety;
  Real least_factor;
  Real most_factor;
  Real least_remembered;
  Real first_exponent;
  int most_steps;
  int knots;            // 0 if they are not wanted
  const double* times;  // of the knots, from the start to the end
};

// How a row ended, org.fewstep.backend.AdaptiveOutputs.End; or that float32 could not tell.
enum class Ending { REACHED, MOST_STEPS, STEP_UNDERFLOW, NOT_FINITE, RUNNING, FAR };

template <typename Value>
struct AdaptiveOutputs {
  Value* end;           // [n,d], or null
  Value* const* knots;  // [knots] of [n,d]
  Value* log_density;   // [n], read and written, or null
  float* report;        // [n,3]: how it ended, steps accepted, steps rejected
};

// One row. UNROLLED: whether vectors over coordinates and stages are in registers.
template <typename Real, int D, bool UNROLLED>
struct AdaptiveRow {
  static constexpr int COORDINATES_AT_ONCE = UNROLLED ? D : 1;
  static constexpr int STAGES_AT_ONCE = UNROLLED ? STAGES : 1;

  const AdaptivePlan<Real>& plan;
  const int d;
  const bool wants_log_density;

  Real x[D];
  Real y[D];  // the state of the stage, after the last one the next state
  Real slopes[STAGES][D];
  Real log_density;
  Real divergences[STAGES];

  double time;
  double target;  // where the present attempt ends
  double step;
  Real previous_error;
  bool beginning;  // its first step size is yet to be found
  bool after_rejection;
  int accepted;
  int rejected;
  int next_knot;
  Ending ending;

  FS_METHOD AdaptiveRow(const AdaptivePlan<Real>& plan, int d, bool wants_log_density)
      : plan(plan), d(d), wants_log_density(wants_log_density) {}

  template <typename Body>
  FS_METHOD void each(Body body) const {
    FS_UNROLL_BY((COORDINATES_AT_ONCE))
    for (int i = 0; i < D; i++) {
      body(i);
    }
  }

  template <typename Value>
  FS_METHOD void begin(const Value* from, Real starting_log_density) {
    each([&](int i) { x[i] = i < d ? static_cast<Real>(from[i]) : Real(0); });
    log_density = starting_log_density;
    time = target = plan.start;
    previous_error = plan.least_remembered;
    beginning = true;
    after_rejection = false;
    accepted = rejected = 0;
    next_knot = 1;
    ending = Ending::RUNNING;
  }

  // ---- One attempt ----

  // Makes an attempt, or the two evaluations that find the first step size: field(y, t, slope,
  // divergence) evaluates, and returns whether it can be trusted.
  template <typename Value, typename Field>
  FS_METHOD void attempt(const AdaptiveOutputs<Value>& outputs, long long row, Field field) {
    bool far = false;
    FS_UNROLL_BY(1)
    for (int stage = 1; stage < STAGES; stage++) {
      if (beginning && stage > 2) {
        break;
      }
      double at;
      if (beginning) {
        // The first slope is that of stage 1, a probe of the curvature follows.
        at = target;
        each([&](int i) {
          y[i] = stage == 1 ? x[i] : fma(slopes[1][i], size(), x[i]);
        });
      } else {
        at = plan.nodes[stage] == 1 ? target : time + plan.nodes[stage] * (target - time);
        extrapolate(stage);
      }
      Real slope[D];
      Real divergence = 0;
      far |= !field(y, static_cast<Real>(at), slope, divergence);
      FS_UNROLL_BY((STAGES_AT_ONCE))
      for (int j = 1; j < STAGES; j++) {
        if (j == stage) {
          each([&](int i) { slopes[j][i] = slope[i]; });
          divergences[j] = divergence;
        }
      }
      if (beginning && stage == 1) {
        probe();
      }
      if (ending != Ending::RUNNING) {
        break;
      }
    }
    if (beginning) {
      find_first_step(far);
    } else {
      judge(far, outputs, row);
    }
  }

  // The signed size of the attempt.
  FS_METHOD Real size() const { return static_cast<Real>(target - time); }

  // y = x + h sum_j weights[stage][j] slope_j; slopes of later stages, which may be anything, are
  // not read.
  FS_METHOD void extrapolate(int stage) {
    const Real h = size();
    Real sum[D];
    each([&](int i) { sum[i] = 0; });
    FS_UNROLL_BY((STAGES_AT_ONCE))
    for (int j = 0; j < STAGES - 1; j++) {
      if (j < stage) {
        const Real weight = plan.weights[stage][j];
        each([&](int i) { sum[i] = fma(weight, slopes[j][i], sum[i]); });
      }
    }
    each([&](int i) { y[i] = fma(sum[i], h, x[i]); });
  }

  // sum_j weights[j] values(j)
  template <typename Values>
  FS_METHOD Real combine(const Real (&weights)[STAGES], Values values) const {
    Real sum = 0;
    FS_UNROLL_BY((STAGES_AT_ONCE))
    for (int j = 0; j < STAGES; j++) {
      sum = fma(weights[j], values(j), sum);
    }
    return sum;
  }

  FS_METHOD Real tolerance(Real size) const { return fma(size, plan.relative, plan.absolute); }

  // The root mean square of what has the squares, over the components of the state.
  FS_METHOD Real norm(Real squares) const {
    return sqrt(squares / static_cast<Real>(d + (wants_log_density ? 1 : 0)));
  }

  // ---- The first step size: Hairer, Norsett and Wanner, 1993, II.4.14 ----

  template <typename Values>
  FS_METHOD Real norm_at_start(Values values) const {
    Real squares = 0;
    each([&](int i) {
      const Real ratio = values(i) / tolerance(magnitude(x[i]));
      squares = fma(ratio, ratio, squares);
    });
    return norm(squares);
  }

  FS_METHOD Real interval() const { return static_cast<Real>(fabs(plan.end - plan.start)); }

  // Aims an Euler step.
  FS_METHOD void probe() {
    const Real state = norm_at_start([&](int i) { return x[i]; });
    const Real slope = norm_at_start([&](int i) { return slopes[1][i]; });
    if (state != state || slope != slope) {
      ending = Ending::NOT_FINITE;
      return;
    }
    const bool small = state < Real(1e-5) || slope < Real(1e-5);
    step = clip(small ? Real(1e-6) * interval() : Real(0.01) * state / slope);
    aim();
  }

  FS_METHOD void find_first_step(bool far) {
    if (far) {
      ending = Ending::FAR;
    }
    if (ending != Ending::RUNNING) {
      return;
    }
    const Real probed = magnitude(size());
    const Real slope = norm_at_start([&](int i) { return slopes[1][i]; });
    const Real change = norm_at_start([&](int i) { return slopes[2][i] - slopes[1][i]; });
    const Real largest = larger(slope, change / probed);
    Real first = probed;
    if (largest == largest) {
      first = largest <= Real(1e-15) ? larger(Real(1e-6) * interval(), Real(1e-3) * probed)
                                     : exp2(plan.first_exponent * log2(Real(0.01) / largest));
      first = first < 100 * probed ? first : 100 * probed;
    }
    each([&](int i) { slopes[0][i] = slopes[1][i]; });
    divergences[0] = divergences[1];
    beginning = false;
    step = clip(first);
    aim();
  }

  // ---- Control ----

  FS_METHOD double clip(double size) const {
    const double least = plan.smallest < plan.largest ? plan.smallest : plan.largest;
    return size < least ? least : size > plan.largest ? plan.largest : size;
  }

  // Aims the next attempt; one that would nearly reach the end is stretched or cut to it.
  FS_METHOD void aim() {
    const bool reaches = 1.01 * step >= fabs(plan.end - time);
    target = reaches ? plan.end : time + (plan.end > plan.start ? step : -step);
  }

  FS_METHOD Real factor_after_accepted(Real error) const {
    Real factor = plan.most_factor;
    if (error != 0) {
      factor = plan.safety * exp2(fma(plan.previous_exponent, log2(previous_error),
                                      -plan.error_exponent * log2(error)));
    }
    const Real most = after_rejection ? Real(1) : plan.most_factor;
    return factor < plan.least_factor ? plan.least_factor : factor > most ? most : factor;
  }

  FS_METHOD Real factor_after_rejected(Real error) const {
    const Real factor = isfinite(error)
                            ? plan.safety * exp2(-plan.error_exponent * log2(error))
                            : plan.least_factor;
    return factor > plan.least_factor ? factor : plan.least_factor;
  }

  // Accepts or rejects the attempt by its error in units of the tolerance, and goes on from there.
  template <typename Value>
  FS_METHOD void judge(bool far, const AdaptiveOutputs<Value>& outputs, long long row) {
    const Real h = size();
    Real squares = 0;
    each([&](int i) {
      const Real difference = combine(plan.error, [&](int j) { return slopes[j][i]; });
      const Real ratio =
          difference * h / tolerance(larger(magnitude(x[i]), magnitude(y[i])));
      squares = fma(ratio, ratio, squares);
    });
    Real next_log_density = 0;
    if (wants_log_density) {
      // The last slope has no weight in the step.
      Real change = 0;
      FS_UNROLL_BY((STAGES_AT_ONCE))
      for (int j = 0; j < STAGES - 1; j++) {
        change = fma(plan.weights[STAGES - 1][j], divergences[j], change);
      }
      next_log_density = fma(-h, change, log_density);
      const Real difference = combine(plan.error, [&](int j) { return divergences[j]; });
      const Real ratio =
          difference * h /
          tolerance(larger(magnitude(log_density), magnitude(next_log_density)));
      squares = fma(ratio, ratio, squares);
    }
    const Real error = norm(squares);
    const double whole = fabs(target - time);
    if (error <= 1) {
      if (far) {
        ending = Ending::FAR;
        return;
      }
      accepted++;
      step = clip(whole * factor_after_accepted(error));
      previous_error = larger(error, plan.least_remembered);
      after_rejection = false;
      store_passed_knots(outputs, row);
      take(next_log_density);
    } else {
      rejected++;
      step = whole * factor_after_rejected(error);
      after_rejection = true;
      const bool ends = step < plan.smallest;
      // Of an attempt that went far the error is of the right size at least. Where one much
      // smaller had shrunk the step as strongly, nothing depends on it.
      if (far && (ends || factor_after_rejected(error / 16) > plan.least_factor)) {
        ending = Ending::FAR;
      } else if (ends) {
        ending = isfinite(error) ? Ending::STEP_UNDERFLOW : Ending::NOT_FINITE;
      }
    }
    if (ending == Ending::RUNNING && accepted + rejected >= plan.most_steps) {
      ending = Ending::MOST_STEPS;
    }
    aim();
  }

  FS_METHOD void take(Real next_log_density) {
    each([&](int i) {
      x[i] = y[i];
      slopes[0][i] = slopes[STAGES - 1][i];
    });
    divergences[0] = divergences[STAGES - 1];
    log_density = next_log_density;
    time = target;
    if (time == plan.end) {
      ending = Ending::REACHED;
    }
  }

  // ---- Outputs ----

  // With theta the part of the step up to a knot, the state there is
  // x + h theta (k_1 + theta (quadratic + theta (cubic + theta quartic))).
  template <typename Value>
  FS_METHOD void store_passed_knots(const AdaptiveOutputs<Value>& outputs, long long row) {
    FS_UNROLL_BY(1)
    for (; next_knot < plan.knots - 1; next_knot++) {
      const double knot = plan.times[next_knot];
      if (plan.end > plan.start ? target < knot : target > knot) {
        return;
      }
      const double part = (knot - time) / (target - time);
      const Real theta = static_cast<Real>(part);
      const Real scaled = static_cast<Real>(part * (target - time));
      Value* out = outputs.knots[next_knot] + row * d;
      each([&](int i) {
        const auto slope = [&](int j) { return slopes[j][i]; };
        Real inner = fma(combine(plan.quartic, slope), theta, combine(plan.cubic, slope));
        inner = fma(inner, theta, combine(plan.quadratic, slope));
        inner = fma(inner, theta, slopes[0][i]);
        if (i < d) {
          out[i] = static_cast<Value>(fma(inner, scaled, x[i]));
        }
      });
    }
  }

  // Writes what is wanted of a row that has ended; NaN of one that has not reached the end.
  template <typename Value>
  FS_METHOD void store(const AdaptiveOutputs<Value>& outputs, long long row) const {
    float* report = outputs.report + 3 * row;
    report[0] = static_cast<float>(ending);
    report[1] = static_cast<float>(accepted);
    report[2] = static_cast<float>(rejected);
    if (ending == Ending::FAR) {
      return;
    }
    const bool reached = ending == Ending::REACHED;
    each([&](int i) {
      const Value value = static_cast<Value>(reached ? x[i] : NOT_A_NUMBER<Real>);
      if (i < d && outputs.end != nullptr) {
        outputs.end[row * d + i] = value;
      }
      FS_UNROLL_BY(1)
      for (int knot = next_knot; i < d && knot < plan.knots; knot++) {
        outputs.knots[knot][row * d + i] = value;
      }
    });
    if (wants_log_density) {
      outputs.log_density[row] =
          static_cast<Value>(reached ? log_density : NOT_A_NUMBER<Real>);
    }
  }
};

// The largest dimension of these kernels.
constexpr int MOST_ADAPTIVE_DIMENSION = 8;

// A thread a row at a time, with all of it in registers, and d <= 8. Rows end after different
// numbers of steps: a thread whose row has ended goes on with one a grid further while the others
// of its warp are at theirs, and the evaluations of all are in step.
template <typename Real, Kind KIND, int D>
FS_KERNEL(tuning::MIXTURE_THREADS, tuning::MIXTURE_BLOCKS)
adaptive_rows(Origins<Real, KIND, D> mixture, int d, AdaptivePlan<Real> plan, const Real* x,
              long long n, AdaptiveOutputs<Real> outputs) {
  const bool wants_divergence = outputs.log_density != nullptr;
  const long long stride = block_count() * thread_count();
  long long row = block_index() * thread_count() + thread_index();
  AdaptiveRow<Real, D, true> state(plan, d, wants_divergence);
  const auto begin = [&] {
    if (row < n) {
      state.begin(x + row * d, wants_divergence ? outputs.log_density[row] : Real(0));
      if (plan.knots > 0) {
        store_row(state.x, d, outputs.knots[0] + row * d);
      }
    }
  };
  begin();
  while (row < n) {
    state.attempt(outputs, row, [&](const Real (&y)[D], Real t, Real (&slope)[D],
                                    Real& divergence) {
      const Instant<Real> at = plan.process.at(t);
      const Moment<Real> moment(at, static_cast<Real>(mixture.least_eigenvalue));
      Point<Real, KIND, D> point;
      store_row(y, D, point.x);
      const auto each = [&](auto body) {
        FS_UNROLL_BY(1)
        for (long long k = 0; k < mixture.count; k++) {
          body(component_at(mixture.components[k], moment, d),
               mixture.rotations + k * mixture.rotation_step);
        }
      };
      each([&](const auto& component, const auto* rotation) {
        point.add(component, rotation, false);
      });
      const bool near = point.near();
      point.normalise();
      FS_UNROLL
      for (int i = 0; i < D; i++) {
        slope[i] = fma(at.half, point.pull[i], at.drift * y[i]);
      }
      if (wants_divergence) {
        each([&](const auto& component, const auto* rotation) {
          point.differentiate(component, rotation, 1, false);
        });
        divergence = fma(-at.half, point.divergence, at.drift * static_cast<Real>(d));
      }
      return near;
    });
    if (state.ending != Ending::RUNNING) {
      state.store(outputs, row);
      row += stride;
      begin();
    }
  }
}

}  // namespace fewstep
