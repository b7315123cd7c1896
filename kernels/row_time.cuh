#pragma once

#include <math.h>

#include "portable.cuh"

namespace fewstep {

// The process at the time of one row, x_t = alpha x_0 + sqrt(variance) z.
struct RowTime {
  double alpha;
  double variance;
  bool valid;

  // times: rho and the Ornstein-Uhlenbeck time t'. Without a density the row is not valid, and has
  // some other time instead.
  FS_METHOD RowTime(const double* times, double least_eigenvalue) {
    const double scale = times[0];
    const double t = times[1];
    const double a = exp(-t);
    const double b = -expm1(-2 * t);
    valid = scale > 0 && isfinite(scale) && t >= 0 && a * a * least_eigenvalue + b >= 0x1p-1022;
    alpha = valid ? scale * a : 0;
    variance = valid ? scale * scale * b : 1;
  }
};

}  // namespace fewstep
