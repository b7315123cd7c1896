#pragma once

// The built-in diffusion processes at any time, org.fewstep.diffusion, for kernels whose rows have
// times of their own.

#include <math.h>

#include "portable.cuh"

namespace fewstep {

enum class Schedule {
  LINEAR,    // variance preserving, of rate beta(t) = rate + slope t; Ornstein-Uhlenbeck is 2 + 0 t
  COSINE,    // variance preserving, alpha = cos(u(t))/cos(u(0))
  EXPLODING  // alpha = 1, sigma = t
};

// x_t = alpha x_0 + sqrt(variance) z, and the probability flow drift x - half score.
template <typename Real>
struct Instant {
  Real alpha;
  Real alpha_low;  // what rounding it has lost, where the noise is low
  Real variance;
  Real drift;
  Real half;
};

template <typename Real>
struct Process {
  Schedule schedule;
  Real rate;
  Real slope;

  FS_METHOD Instant<Real> at(Real t) const {
    if (schedule == Schedule::EXPLODING) {
      return {Real(1), Real(0), t * t, Real(0), t};
    }
    // 1 - alpha keeps its digits at small t, and gives the variance and the low part of alpha
    // theirs; at large t alpha itself is what has them.
    Real faded;
    Real alpha;
    Real half;
    if (schedule == Schedule::LINEAR) {
      const Real integral = t * fma(slope, Real(0.25) * t, Real(0.5) * rate);
      faded = -expm1(-integral);
      alpha = exp(-integral);
      half = Real(0.5) * fma(slope, t, rate);
    } else {
      // Nichol and Dhariwal, 2021, eq. 17: u(t) = (t + s)/(1 + s) pi/2; in units of pi.
      constexpr double OFFSET = 0.008;
      constexpr double RATE = 0.5 / (1 + OFFSET);
      constexpr double START = RATE * OFFSET;
      constexpr double START_COSINE = 0.99992229248097490;  // cos(u(0))
      const Real turn = static_cast<Real>(RATE) * t;
      const Real inverse = static_cast<Real>(1 / START_COSINE);
      const Real angle = static_cast<Real>(START) + turn;
      const Real cosine = cospi(angle);
      faded = 2 * sinpi(fma(Real(0.5), turn, static_cast<Real>(START))) *
              sinpi(Real(0.5) * turn) * inverse;
      alpha = cosine * inverse;
      half = static_cast<Real>(RATE * 3.14159265358979323846) * sinpi(angle) / cosine;
    }
    const bool sharp = faded < Real(0.5);
    const Real rounded = 1 - faded;
    return {sharp ? rounded : alpha, sharp ? (1 - rounded) - faded : Real(0),
            faded * (2 - faded), -half, half};
  }
};

}  // namespace fewstep
