// Training of networks: the passes with parameters of the call, and Adam.

#include "training.cuh"

#include <algorithm>

#include "launch.h"
#include "network_launch.h"

namespace fewstep::network {
namespace {

constexpr int THREADS = tuning::ELEMENT_THREADS;

// A multiple of what the device wants to be aligned.
uint64_t aligned(uint64_t bytes) { return (bytes + 255) / 256 * 256; }

template <typename Real>
int launch_pack(const fs_context* context, const fs_network& network, uint64_t parameters,
                bool transposed) {
  FS_LAUNCH(pack<Real>, grid(network.parameters, THREADS), THREADS, 0, context->stream,
            network_of<Real>(network), pointer<Real>(network.numbers),
            pointer<const Real>(parameters), transposed);
  return launched();
}

template <typename Real>
int forward(fs_context* context, const fs_network& network, uint64_t parameters, int64_t n,
            uint64_t x, uint64_t y, uint64_t saved) {
  const int status = launch_pack<Real>(context, network, parameters, false);
  return status != FS_SUCCESS ? status
                              : launch_forward<Real>(context, network, n, x, y, saved);
}

// Enough blocks to keep the device busy: the squares of all layers are at least so many.
int gradient_blocks(const fs_network& network, int multiprocessors, int64_t runs) {
  constexpr int64_t SQUARE = int64_t{tuning::GRADIENT_TILE} * tuning::GRADIENT_TILE;
  const int64_t squares = network.layers + network.parameters / SQUARE;
  return static_cast<int>(
      std::min<int64_t>(runs * squares, int64_t{tuning::GRADIENT_GRID} * multiprocessors));
}

// Carries a part of the batch back, and adds its share to the gradient.
template <typename Real>
int backward_part(fs_context* context, const fs_network& network, const Grid& tiles, void* slices,
                  const Backward<Real>& call, Real* sums, Real* gradient, bool begins) {
  const int status = launch(context, carry_back<Real, true>, carry_back<Real, false>, tiles,
                            network, call, slices);
  if (status != FS_SUCCESS || gradient == nullptr) {
    return status;
  }
  const int64_t runs = (call.n + tuning::GRADIENT_RUN - 1) / tuning::GRADIENT_RUN;
  FS_LAUNCH(sum_runs<Real>, gradient_blocks(network, tiles.multiprocessors, runs),
            tuning::GRADIENT_THREADS, 0, context->stream, network_of<Real>(network), call, runs,
            network.parameters, sums);
  FS_LAUNCH(add_runs<Real>, grid(network.parameters, THREADS), THREADS, 0, context->stream,
            gradient, static_cast<const Real*>(sums), network.parameters, runs, begins);
  return launched();
}

template <typename Real>
int backward(fs_context* context, const fs_network& network, uint64_t parameters, int64_t n,
             uint64_t x, uint64_t saved, uint64_t dy, uint64_t dx, uint64_t gradient) {
  // Runs are taken together as far as memory for their slopes and sums is not too much to ask.
  const int64_t run_bytes =
      sizeof(Real) * (int64_t{tuning::GRADIENT_RUN} * network.units + network.parameters);
  const int64_t runs = std::max<int64_t>(1, tuning::GRADIENT_BYTES / run_bytes);
  const int64_t part = gradient == 0 ? n : std::min(n, runs * tuning::GRADIENT_RUN);

  Grid tiles;
  int status = grid_for(context, network, part, columns_between(network),
                        int64_t{network.inputs} + network.outputs, &tiles);
  if (status != FS_SUCCESS) {
    return status;
  }
  const bool wants_gradient = gradient != 0;
  const uint64_t slopes_at = aligned(tiles.blocks * tiles.slice);
  const uint64_t sums_at =
      slopes_at + (wants_gradient ? aligned(sizeof(Real) * part * network.units) : 0);
  const uint64_t part_runs = (part + tuning::GRADIENT_RUN - 1) / tuning::GRADIENT_RUN;
  const uint64_t x_at =
      sums_at + (wants_gradient ? aligned(sizeof(Real) * part_runs * network.parameters) : 0);
  // The gradient is summed when dx is written, and dx may lie where x does.
  const bool copies = wants_gradient && dx == x;
  const uint64_t x_bytes = sizeof(Real) * part * network.inputs;
  void* scratch = nullptr;
  status = workspace(context, x_at + (copies ? x_bytes : 0), &scratch);
  if (status == FS_SUCCESS) {
    status = launch_pack<Real>(context, network, parameters, true);
  }
  for (int64_t first = 0; status == FS_SUCCESS && first < n; first += part) {
    unsigned char* const bytes = static_cast<unsigned char*>(scratch);
    const int hidden = network.units - network.outputs;
    Backward<Real> call = {};
    call.n = std::min(part, n - first);
    call.x = pointer<const Real>(x) + first * network.inputs;
    call.dy = pointer<const Real>(dy) + first * network.outputs;
    call.saved = hidden == 0 ? nullptr : pointer<Real>(saved) + first * hidden;
    call.hidden = hidden;
    call.slopes = wants_gradient ? reinterpret_cast<Real*>(bytes + slopes_at) : nullptr;
    call.dx = dx == 0 ? nullptr : pointer<Real>(dx) + first * network.inputs;
    if (copies) {
      Real* const copy = reinterpret_cast<Real*>(bytes + x_at);
      status = cudaMemcpyAsync(copy, call.x, sizeof(Real) * call.n * network.inputs,
                               cudaMemcpyDeviceToDevice, context->stream);
      call.x = copy;
    }
    if (status == FS_SUCCESS) {
      status = backward_part(context, network, tiles, scratch, call,
                             reinterpret_cast<Real*>(bytes + sums_at), pointer<Real>(gradient),
                             first == 0);
    }
  }
  return status;
}

template <typename Real>
int take_step(fs_context* context, int64_t count, uint64_t parameters, uint64_t gradient,
              uint64_t mean, uint64_t square, const Step<Real>& step) {
  void* parts = nullptr;
  const int status = workspace(context, tuning::NORM_BLOCKS * sizeof(double), &parts);
  if (status != FS_SUCCESS) {
    return status;
  }
  const int blocks = std::min<int>(grid(count, THREADS), tuning::NORM_BLOCKS);
  FS_LAUNCH(sum_squares<Real>, blocks, THREADS, 0, context->stream,
            pointer<const Real>(gradient), count, static_cast<double*>(parts));
  FS_LAUNCH(adam<Real>, grid(count, THREADS), THREADS, 0, context->stream, step, count,
            static_cast<const double*>(parts), blocks, pointer<Real>(parameters),
            pointer<const Real>(gradient), pointer<Real>(mean), pointer<Real>(square));
  return launched();
}

template <typename Real>
Step<Real> step_of(double learning_rate, double beta1, double beta2, double epsilon,
                   double weight_decay, double clip_norm, double mean_correction,
                   double square_correction) {
  Step<Real> step = {};
  step.clip_norm = clip_norm;
  step.mean_decay = static_cast<Real>(beta1);
  step.mean_share = static_cast<Real>(1 - beta1);
  step.square_decay = static_cast<Real>(beta2);
  step.square_share = static_cast<Real>(1 - beta2);
  step.mean_scale = static_cast<Real>(1 / mean_correction);
  step.square_scale = static_cast<Real>(1 / square_correction);
  step.epsilon = static_cast<Real>(epsilon);
  step.learning_rate = static_cast<Real>(learning_rate);
  step.weight_decay = static_cast<Real>(weight_decay);
  return step;
}

}  // namespace
}  // namespace fewstep::network

using namespace fewstep;

int fs_network_forward(fs_context* context, const fs_network* network, uint64_t parameters,
                       int64_t n, uint64_t x, uint64_t y, uint64_t saved) {
  const Entry entry(context);
  const int status = entry.status();
  if (status != FS_SUCCESS || n == 0) {
    return status;
  }
  const auto pass =
      network->precision == FS_FLOAT32 ? network::forward<float> : network::forward<double>;
  return pass(context, *network, parameters, n, x, y, saved);
}

int fs_network_backward(fs_context* context, const fs_network* network, uint64_t parameters,
                        int64_t n, uint64_t x, uint64_t saved, uint64_t dy, uint64_t dx,
                        uint64_t gradient) {
  const Entry entry(context);
  const int status = entry.status();
  if (status != FS_SUCCESS || (dx == 0 && gradient == 0)) {
    return status;
  }
  const bool single = network->precision == FS_FLOAT32;
  if (n == 0) {
    const size_t bytes = (single ? sizeof(float) : sizeof(double)) * network->parameters;
    return gradient == 0
               ? FS_SUCCESS
               : cudaMemsetAsync(pointer<void>(gradient), 0, bytes, context->stream);
  }
  const auto pass = single ? network::backward<float> : network::backward<double>;
  return pass(context, *network, parameters, n, x, saved, dy, dx, gradient);
}

int fs_adam(fs_context* context, int precision, int64_t count, uint64_t parameters,
            uint64_t gradient, uint64_t mean, uint64_t square, double learning_rate, double beta1,
            double beta2, double epsilon, double weight_decay, double clip_norm,
            double mean_correction, double square_correction) {
  const Entry entry(context);
  const int status = entry.status();
  if (status != FS_SUCCESS) {
    return status;
  }
  if (precision == FS_FLOAT32) {
    return network::take_step(
        context, count, parameters, gradient, mean, square,
        network::step_of<float>(learning_rate, beta1, beta2, epsilon, weight_decay, clip_norm,
                                mean_correction, square_correction));
  }
  return network::take_step(
      context, count, parameters, gradient, mean, square,
      network::step_of<double>(learning_rate, beta1, beta2, epsilon, weight_decay, clip_norm,
                               mean_correction, square_correction));
}
