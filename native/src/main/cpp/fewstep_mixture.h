#ifndef FEWSTEP_MIXTURE_H
#define FEWSTEP_MIXTURE_H

/* Gaussian mixtures; see org.fewstep.backend.Backend for what each operation means, and
   org.fewstep.cuda.MixturePack for the arrays that describe a mixture. */

#include "fewstep_cuda.h"

#ifdef __cplusplus
extern "C" {
#endif

/* Kinds of covariances. */
#define FS_ISOTROPIC 0
#define FS_DIAGONAL 1
#define FS_FULL 2

/* The largest dimension of a mixture that trajectories are fused for, by precision. */
#define FS_MOST_FUSED_FLOAT32 16
#define FS_MOST_FUSED_FLOAT64 8

/* A mixture at t = 0. */
typedef struct {
  int precision;           /* of packed arrays, points and outputs */
  int kind;                /* a mixture of one dimension is isotropic */
  int shared;              /* whether all components have one covariance, 0 or 1 */
  int dimension;
  int64_t components;
  double least_eigenvalue; /* of all covariances */
  uint64_t exact;          /* the exact form, double whatever the precision */
} fs_gaussians;

/* The outputs wanted of an evaluation: addresses, 0 if not. */
typedef struct {
  uint64_t log_density;
  uint64_t score;
  uint64_t posterior_mean;
  uint64_t divergence;
  uint64_t direction;      /* an input, with jvp */
  uint64_t jvp;
  uint64_t responsibilities;
} fs_mixture_outputs;

/* Evaluates a mixture at one time for the rows of x [n,d]. packed is its form at that time,
   log_scale goes with it, alpha and variance are those of the process then. */
int fs_mixture(fs_context* context, const fs_gaussians* mixture, uint64_t packed, double log_scale,
               double alpha, double variance, int64_t n, uint64_t x,
               const fs_mixture_outputs* outputs);

/* A mixture of float32 at one time as products of matrices; org.fewstep.mixture.ExpandedForm and
   org.fewstep.cuda.TilePack describe it. */
typedef struct {
  uint64_t means;       /* whatever the time */
  uint64_t constants;   /* at the time */
  int64_t components;   /* padded */
  int width;            /* the dimension padded */
  int one_covariance;   /* whether all components have one, 0 or 1 */
  double alpha;
  double largest_square;
  double margin;        /* 0 if values come from the products themselves; else a component whose
                           logit, base 2, is below another by more has no weight */
  double log_constant;
} fs_mixture_tiles;

/* As fs_mixture, d > 16, and on devices that have tensor cores of float32 with tiles: for values if
   there is no margin, and else to find the components that count, for all but responsibilities.
   Rows that tiles are not accurate for are done as there. */
int fs_mixture_in_tiles(fs_context* context, const fs_gaussians* mixture,
                        const fs_mixture_tiles* tiles, uint64_t packed, double log_scale,
                        double alpha, double variance, int64_t n, uint64_t x,
                        const fs_mixture_outputs* outputs);

/* Evaluates a mixture at one time per row. origins is its form for that; times [n,2] are double,
   the scale rho and the Ornstein-Uhlenbeck time of each row: NaN in one makes the row NaN. */
int fs_mixture_at_times(fs_context* context, const fs_gaussians* mixture, uint64_t origins,
                        uint64_t times, int64_t n, uint64_t x, const fs_mixture_outputs* outputs);

/* Runs a plan of so many operations, with a dimension as above. packed is the form of the
   mixture at the times of all evaluations, times their alpha and variance [evaluations,2] in
   double; denoised tells whether they give E[x_0 | x]. knots, steps + 1 addresses of batches
   [n,d] in an array of the host, may be null; log_density [n] is read and written, or 0. */
int fs_trajectory(fs_context* context, const fs_gaussians* mixture, uint64_t packed,
                  uint64_t times, int64_t evaluations, int operations, uint64_t program, int slots,
                  int denoised, int64_t n, uint64_t x, uint64_t end, int knot_count,
                  const uint64_t* knots, uint64_t log_density);

/* The same for adaptive trajectories; full covariances have the second limit in either
   precision. */
#define FS_MOST_ADAPTIVE_FLOAT32 8
#define FS_MOST_ADAPTIVE_FLOAT64 3

/* Processes: variance preserving of rate beta(t) = rate + slope t, the same with the cosine
   schedule, variance exploding. */
#define FS_LINEAR 0
#define FS_COSINE 1
#define FS_EXPLODING 2

/* How a row of an adaptive trajectory ended. */
#define FS_REACHED 0
#define FS_MOST_STEPS 1
#define FS_STEP_UNDERFLOW 2
#define FS_NOT_FINITE 3

/* org.fewstep.backend.AdaptivePlan, but for its times. */
typedef struct {
  int schedule;             /* of the process, with its rate and slope */
  int most_steps;           /* accepted and rejected together, less than 2^24 */
  double rate;
  double slope;
  double weights[49];       /* [7,7], the slopes in the state of each stage */
  double error[7];          /* in the error */
  double quadratic[7];      /* and in the continuous extension */
  double cubic[7];
  double quartic[7];
  double nodes[7];
  double smallest;          /* step sizes */
  double largest;
  double absolute;          /* tolerances */
  double relative;
  double error_exponent;    /* of the control */
  double previous_exponent;
  double safety;
  double least_factor;
  double most_factor;
  double least_remembered;
  double first_exponent;
} fs_adaptive_plan;

/* Runs an adaptive trajectory, with a dimension as above. origins is the form of the mixture for
   times of rows. times and knots are arrays of the host: the times of the knots, of which the
   first is the start and the last the end, and the addresses of as many batches [n,d], or null.
   log_density [n] is read and written, or 0. report [n,3] is float: how the row ended, its steps
   accepted and rejected. */
int fs_adaptive_trajectory(fs_context* context, const fs_gaussians* mixture, uint64_t origins,
                           const fs_adaptive_plan* plan, int64_t n, uint64_t x, uint64_t end,
                           int knot_count, const double* times, const uint64_t* knots,
                           uint64_t log_density, uint64_t report);

#ifdef __cplusplus
}
#endif

#endif
