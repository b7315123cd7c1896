#ifndef FEWSTEP_NETWORK_H
#define FEWSTEP_NETWORK_H

/* Networks: evaluation, training, Adam; see org.fewstep.backend.Backend for what each means. */

#include "fewstep_cuda.h"

#ifdef __cplusplus
extern "C" {
#endif

/* A network that org.fewstep.cuda.NetworkPack laid out, which has the names of all fields. */
typedef struct {
  int precision;
  int inputs;  /* columns of x, the time not among them */
  int outputs;
  int layers;
  int width;   /* the largest number of columns between two layers */
  int units;   /* of all layers together */
  int takes_time;
  int residual;
  double input_scale;
  double output_scale;
  double time_low;
  double time_high;
  int64_t parameters;  /* of all layers, zeros included */
  uint64_t integers;   /* device memory, int32_t */
  uint64_t numbers;    /* device memory of the network's precision; training writes to it */
  int layer_numbers;   /* the first so many of them are all that values need */
  int tensor;          /* whether maps of a network of float are in fragments for tensor cores */
} fs_network;

/* Whether the device has tensor cores for networks of float, of at most 256 units a layer. */
int fs_tensor_cores(fs_context* context, int* has);

/* Evaluates a network at x [n, inputs]. times is [n] of double, or 0 for one time of all rows.
   With y(x) and J = dy/dx, outputs are value [n, outputs]; divergence [n], the trace of J, exact
   where signs is 0 and else the mean of v . J v over the probes v of signs [probes, inputs];
   jvp [n, outputs] = J direction and vjp [n, inputs] = J' cotangent. */
int fs_network_evaluate(fs_context* context, const fs_network* network, double time,
                        uint64_t times, int64_t n, uint64_t x, uint64_t value,
                        uint64_t divergence, uint64_t signs, int probes, uint64_t direction,
                        uint64_t jvp, uint64_t cotangent, uint64_t vjp);

/* Whether fs_network_trajectory runs plans of so many slots: whether a tile fits on chip. */
int fs_network_fuses(fs_context* context, const fs_network* network, int slots, int* fuses);

/* Runs a plan of so many operations, of which an evaluation is drift x - half y(x), on x [n, d]
   with d inputs and outputs. times [evaluations] are double. knots, steps + 1 addresses of batches
   [n, d] in an array of the host, may be null; end [n, d] may be x, or 0. */
int fs_network_trajectory(fs_context* context, const fs_network* network, uint64_t times,
                          int operations, uint64_t program, int slots, int64_t n, uint64_t x,
                          uint64_t end, int knot_count, const uint64_t* knots);

/* The forward pass of a network without a time input and with the parameters [parameters]: y
   [n, outputs], and, unless 0, saved [n, units of all layers but the last]. */
int fs_network_forward(fs_context* context, const fs_network* network, uint64_t parameters,
                       int64_t n, uint64_t x, uint64_t y, uint64_t saved);

/* The backward pass, from dy [n, outputs] to dx [n, inputs] and gradient [parameters], either of
   them 0 where it is not wanted. saved is as the forward pass left it; 0 for one layer. */
int fs_network_backward(fs_context* context, const fs_network* network, uint64_t parameters,
                        int64_t n, uint64_t x, uint64_t saved, uint64_t dy, uint64_t dx,
                        uint64_t gradient);

/* One step of Adam on count parameters; the arguments are those of org.fewstep.backend.AdamStep,
   the corrections 1 - beta^t of the step t. */
int fs_adam(fs_context* context, int precision, int64_t count, uint64_t parameters,
            uint64_t gradient, uint64_t mean, uint64_t square, double learning_rate, double beta1,
            double beta2, double epsilon, double weight_decay, double clip_norm,
            double mean_correction, double square_correction);

#ifdef __cplusplus
}
#endif

#endif
