#ifndef FEWSTEP_LINEAR_H
#define FEWSTEP_LINEAR_H

/* Combinations, steps, sums over a batch and random numbers; see org.fewstep.backend.Backend for
   what each means. */

#include "fewstep_cuda.h"

#ifdef __cplusplus
extern "C" {
#endif

#define FS_UNIFORM 0
#define FS_NORMAL 1

/* out[e] = sum_j weights[j] terms[j][e]; terms and weights, at most 8, are the host's. */
int fs_combine(fs_context* context, int precision, int64_t elements, uint64_t out, int count,
               const uint64_t* terms, const double* weights);

/* next = x + h sum_j weights[j] slopes[j], with step_sizes [rows] of double; error_weights may be
   null, else squares [rows] is added to. Slopes and weights, at most 8, are the host's. */
int fs_step(fs_context* context, int precision, int64_t rows, int columns, uint64_t x, int count,
            const uint64_t* slopes, const double* weights, uint64_t step_sizes, uint64_t next,
            const double* error_weights, double absolute, double relative, uint64_t squares);

/* sums [3] of double = the sums over rows of <u, x>, |u|^2 and divergence, with x and u
   [rows, columns] and divergence [rows] of the precision. */
int fs_stein_sums(fs_context* context, int precision, int64_t rows, int columns, uint64_t x,
                  uint64_t u, uint64_t divergence, uint64_t sums);

/* out[e] = number first + e of the stream of a seed, FS_UNIFORM or FS_NORMAL. */
int fs_random(fs_context* context, int precision, int distribution, int64_t elements,
              uint64_t out, uint64_t seed, int64_t first);

/* out[i] = source[floor(u rows)], u the uniform number first + i. */
int fs_draw(fs_context* context, int precision, int64_t count, int columns, uint64_t out,
            uint64_t source, int64_t rows, uint64_t seed, int64_t first);

#ifdef __cplusplus
}
#endif

#endif
