#pragma once

// From memory to the points of one thread, and back.

#include "far_rows.cuh"
#include "mixture_point.cuh"

namespace fewstep {

template <typename Real, int D>
FS_DEVICE void load_row(const Real* x, int d, Real (&out)[D]) {
  FS_UNROLL
  for (int i = 0; i < D; i++) {
    out[i] = i < d ? x[i] : Real(0);
  }
}

template <typename Real, int D>
FS_DEVICE void store_row(const Real (&values)[D], int d, Real* out) {
  FS_UNROLL
  for (int i = 0; i < D; i++) {
    if (i < d) {
      out[i] = values[i];
    }
  }
}

// The rows of one thread, and what becomes of them when a pass is over. Coordinates d to D are
// zero, in the points and in the components.
template <typename Real, Kind KIND, int D, int ROWS>
struct PointGroup {
  Point<Real, KIND, D> points[ROWS];
  bool near[ROWS];

  // Neighbouring threads have neighbouring rows.
  static FS_METHOD long long row_of_point(int r) {
    return (block_index() * ROWS + r) * thread_count() + thread_index();
  }

  // Threads beyond the last row evaluate it too, and write nothing.
  FS_METHOD void load(const Real* x, const MixtureOutputs<Real>& outputs, long long n, int d) {
    FS_UNROLL
    for (int r = 0; r < ROWS; r++) {
      const long long row = row_of_point(r) < n ? row_of_point(r) : n - 1;
      load_row(x + row * d, d, points[r].x);
      if (outputs.direction != nullptr) {
        load_row(outputs.direction + row * d, d, points[r].v);
      }
    }
  }

  // Writes what the first pass has found; all lanes of a warp do so together.
  FS_METHOD void end_first_pass(const FarRows& far, double log_scale,
                                const MixtureOutputs<Real>& outputs, long long n, int d) {
    FS_UNROLL
    for (int r = 0; r < ROWS; r++) {
      Point<Real, KIND, D>& point = points[r];
      const long long row = row_of_point(r);
      near[r] = point.near();
      far.mark(row, n, row < n && !near[r]);
      near[r] &= row < n;
      point.normalise();
      if (near[r] && outputs.log_density != nullptr) {
        outputs.log_density[row] = point.log_density(log_scale);
      }
      if (near[r] && outputs.score != nullptr) {
        Real score[D];
        FS_UNROLL
        for (int i = 0; i < D; i++) {
          score[i] = Real(0) - point.pull[i];  // not -0 at a mode
        }
        store_row(score, d, outputs.score + row * d);
      }
      if (near[r] && outputs.posterior_mean != nullptr) {
        store_row(point.mean, d, outputs.posterior_mean + row * d);
      }
    }
  }

  FS_METHOD void end_second_pass(const MixtureOutputs<Real>& outputs, int d) {
    FS_UNROLL
    for (int r = 0; r < ROWS; r++) {
      Point<Real, KIND, D>& point = points[r];
      const long long row = row_of_point(r);
      if (near[r] && outputs.divergence != nullptr) {
        outputs.divergence[row] = point.divergence;
      }
      if (near[r] && outputs.jvp != nullptr) {
        // The Hessian is finite here: NaN comes of the direction alone, to all coordinates.
        Real sum = 0;
        FS_UNROLL
        for (int i = 0; i < D; i++) {
          sum += point.v[i] - point.v[i];
        }
        FS_UNROLL
        for (int i = 0; i < D; i++) {
          point.jvp[i] += sum;
        }
        store_row(point.jvp, d, outputs.jvp + row * d);
      }
    }
  }
};

}  // namespace fewstep
