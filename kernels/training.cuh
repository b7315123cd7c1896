#pragma once

// Training: the backward pass of a network, and Adam.
//
// The forward pass is the evaluation of network.cuh, which keeps the affine parts z of the hidden
// units. Backwards, one kernel carries cotangents through the tiles of rows and writes the slopes,
// the derivatives in every z; a second one sums, for a square of the weights of a layer and a run
// of rows, the products of the layer's slopes and inputs; a third adds up the runs in their order.
// No sum is taken by atomics, so that the bits of a gradient depend on the batch alone.

#include "network.cuh"

namespace fewstep::network {

// ---- Weights ----

// Puts the parameters of this call, in the order of NetworkShape, where the maps look for weights:
// those of all layers, and the transposed ones too if asked. Padding is zero.
template <typename Real>
FS_KERNEL(tuning::ELEMENT_THREADS, 4)
pack(Network<Real> net, Real* numbers, const Real* parameters, bool transposed) {
  const int64_t thread = block_index() * thread_count() + thread_index();
  const int64_t threads = block_count() * thread_count();
  int64_t begin = 0;
  for (int layer = 0; layer < net.layers; layer++) {
    const Map map = maps_of(net)[layer];
    const Map back = maps_of(net)[2 * net.layers - 1 - layer];
    const int width = padded(map.outputs);
    const int back_width = padded(back.outputs);
    const int64_t bias = begin + static_cast<int64_t>(map.inputs) * map.outputs;
    for (int64_t o = thread; o < width; o += threads) {
      numbers[map.bias + o] = o < map.outputs ? parameters[bias + o] : Real(0);
    }
    for (int64_t e = thread; e < static_cast<int64_t>(map.inputs) * width; e += threads) {
      const int64_t i = e / width;
      const int64_t o = e % width;
      numbers[map.weights + e] =
          o < map.outputs ? parameters[begin + o * map.inputs + i] : Real(0);
    }
    for (int64_t e = thread; transposed && e < static_cast<int64_t>(map.outputs) * back_width;
         e += threads) {
      const int64_t o = e / back_width;
      const int64_t i = e % back_width;
      numbers[back.weights + e] = i < map.inputs ? parameters[begin + o * map.inputs + i] : Real(0);
    }
    begin = bias + map.outputs;
  }
}

// ---- Slopes ----

template <typename Real>
struct Backward {
  int64_t n;
  const Real* x;   // [n, inputs]
  const Real* dy;  // [n, outputs]
  Real* saved;     // [n, hidden], as the forward pass left it
  int hidden;
  Real* slopes;  // [n, units], by tiles like what was saved; or null
  Real* dx;      // [n, inputs]; or null
};

// Leaves the last layer's z in `other`. It is not saved: only units that are not linear want it.
template <typename Real>
FS_DEVICE void recompute_last(const Network<Real>& net, const Tile& tile, const Tape<Real>& tape,
                              const Real* x, Real* one, Real* other) {
  const Map* const maps = maps_of(net);
  Map last = maps[net.layers - 1];
  for_each(tile, last.inputs, [&](int i, int r) {
    const int at = between(tile, i, r);
    if (net.layers == 1) {
      one[at] = entered(net, x[(i << tile.shift) + r], i);
    } else if (r < tape.rows) {
      const Map before = maps[net.layers - 2];
      const int64_t place = static_cast<int64_t>(before.affine + i) * tape.stride + r;
      one[at] = unit_value(unit_of(net, before, i), tape.affine[place]);
    } else {
      one[at] = 0;
    }
  });
  FS_BARRIER();
  last.units = -1;
  dense(net, last, tile, VALUES, tape, one, other);
  FS_BARRIER();
}

// From the derivatives of a loss in y to those in every z and in x.
template <typename Real, bool ON_CHIP>
FS_KERNEL(tuning::NETWORK_THREADS, ON_CHIP ? tuning::NETWORK_BLOCKS : tuning::NETWORK_BLOCKS_OFF)
carry_back(Network<Real> net, Backward<Real> call, Room<Real> room) {
  FS_DYNAMIC_SHARED(Real, shared);
  FS_SHARED(Real, faults, TILE);

  Real* const slice = room.workspace + block_index() * room.slice;
  Real* const one = ON_CHIP ? shared : slice;
  Real* const other = one + net.width * room.stride;
  Real* const x = ON_CHIP && room.apart ? slice : other + net.width * room.stride;
  Real* const dy = x + (net.inputs << room.shift);
  const Map last = maps_of(net)[net.layers - 1];

  const int64_t stride = block_count() << room.shift;
  for (int64_t first = block_index() << room.shift; first < call.n; first += stride) {
    const Tile tile = tile_at(first, call.n, room);
    Tape<Real> tape = tape_in(call.saved, call.hidden, call.n, tile);
    if (call.slopes != nullptr) {
      tape.slopes = tape_in(call.slopes, net.units, call.n, tile).affine;
    }
    read_rows(tile, call.x, net.inputs, x);
    read_rows(tile, call.dy, net.outputs, dy);
    FS_BARRIER();
    for_each(tile, 1, [&](int, int r) {
      faults[r] = fault_of(tile, x, net.inputs, r) + fault_of(tile, dy, net.outputs, r);
    });
    if (last.units >= 0) {
      recompute_last(net, tile, tape, x, one, other);
    }
    enter_cotangents(
        net, tile, [&](int o, int r) { return other[between(tile, o, r)]; }, dy, one);
    for_each(tile, tape.slopes == nullptr ? 0 : net.outputs, [&](int o, int r) {
      if (r < tape.rows) {
        const int64_t place = static_cast<int64_t>(last.affine + o) * tape.stride + r;
        tape.slopes[place] = one[between(tile, o, r)];
      }
    });
    // The slopes in the inputs of the first layer are for x alone.
    const int steps = call.dx == nullptr ? net.layers - 1 : net.layers;
    const Real* const inner = run(net, tile, COTANGENTS, steps, tape, one, other);
    if (call.dx != nullptr) {
      leave_cotangents(net, tile, inner, x, dy, faults, call.dx);
    }
    FS_BARRIER();
  }
}

// ---- The gradient ----

// Columns of rows that a block sums at a time: 128 bytes of each, and a vector that keeps
// neighbouring columns from the same banks.
template <typename Real>
constexpr int STEP = 128 / sizeof(Real);

template <typename Real>
constexpr int PITCH = STEP<Real> + LANES<Real>;

// The number of squares that cover the weights of a layer.
FS_DEVICE int64_t squares_of(const Map& map) {
  constexpr int SIDE = tuning::GRADIENT_TILE;
  return static_cast<int64_t>((map.outputs + SIDE - 1) / SIDE) * ((map.inputs + SIDE - 1) / SIDE);
}

// A square of the weights of a layer, and where the layer begins among the parameters.
struct Square {
  int layer;
  int output;
  int input;
  int64_t begin;
};

// The square of a number, those of all layers counted through.
template <typename Real>
FS_DEVICE Square square_of(const Network<Real>& net, int64_t number) {
  constexpr int SIDE = tuning::GRADIENT_TILE;
  Square square = {};
  Map map = maps_of(net)[0];
  while (number >= squares_of(map)) {
    number -= squares_of(map);
    square.begin += (map.inputs + INT64_C(1)) * map.outputs;
    map = maps_of(net)[++square.layer];
  }
  const int across = (map.inputs + SIDE - 1) / SIDE;
  square.output = static_cast<int>(number / across) * SIDE;
  square.input = static_cast<int>(number % across) * SIDE;
  return square;
}

// The columns that a block multiplies, a row of PITCH numbers each.
template <typename Real>
struct Columns {
  Vector<Real> outputs[tuning::GRADIENT_TILE * PITCH<Real> / LANES<Real>];
  Vector<Real> inputs[tuning::GRADIENT_TILE * PITCH<Real> / LANES<Real>];
};

// Adds the products of a thread's columns, of which the outputs and the inputs of a thin layer are
// only the first.
template <int OUTPUTS_HERE, int INPUTS_HERE, typename Real>
FS_DEVICE void add_products(const Real* outputs, const Real* inputs,
                            Real (&products)[tuning::GRADIENT_PATCH][tuning::GRADIENT_PATCH]) {
  constexpr int NEXT = tuning::GRADIENT_TILE / tuning::GRADIENT_PATCH * PITCH<Real>;
  FS_UNROLL_BY(1)
  for (int k = 0; k < STEP<Real>; k += LANES<Real>) {
    Real left[OUTPUTS_HERE][LANES<Real>];
    Real right[INPUTS_HERE][LANES<Real>];
    FS_UNROLL
    for (int a = 0; a < OUTPUTS_HERE; a++) {
      load(outputs + a * NEXT + k, 0, left[a]);
    }
    FS_UNROLL
    for (int b = 0; b < INPUTS_HERE; b++) {
      load(inputs + b * NEXT + k, 0, right[b]);
    }
    FS_UNROLL
    for (int l = 0; l < LANES<Real>; l++) {
      FS_UNROLL
      for (int a = 0; a < OUTPUTS_HERE; a++) {
        FS_UNROLL
        for (int b = 0; b < INPUTS_HERE; b++) {
          products[a][b] = fma(left[a][l], right[b][l], products[a][b]);
        }
      }
    }
  }
}

// Sums a square of the gradient over the rows of a run, by all threads of a block.
template <typename Real>
FS_DEVICE void sum_square(const Network<Real>& net, const Backward<Real>& call,
                          const Square& square, int64_t run, Columns<Real>& columns, Real* sums) {
  constexpr int SIDE = tuning::GRADIENT_TILE;
  constexpr int PATCH = tuning::GRADIENT_PATCH;
  constexpr int ACROSS = SIDE / PATCH;
  const Map map = maps_of(net)[square.layer];
  const Map below = maps_of(net)[square.layer == 0 ? 0 : square.layer - 1];
  Real* const outputs = columns.outputs->lane;
  Real* const inputs = columns.inputs->lane;
  const int64_t run_begin = run * tuning::GRADIENT_RUN;
  const int64_t left = call.n - run_begin;
  const int64_t run_end = run_begin + (left < tuning::GRADIENT_RUN ? left : tuning::GRADIENT_RUN);

  const int o = thread_index() / ACROSS;
  const int i = thread_index() % ACROSS;
  Real products[PATCH][PATCH] = {};
  Real bias = 0;
  for (int64_t step = run_begin; step < run_end; step += STEP<Real>) {
    // A thread reads one row of every so many columns.
    const int64_t row = step + thread_index() % STEP<Real>;
    const int stride = tape_stride(call.n, row);
    const Real* const slopes =
        call.slopes + tape_place(net.units, call.n, map.affine + square.output, row);
    const Real* const before =
        square.layer == 0
            ? call.x + row * net.inputs + square.input
            : call.saved + tape_place(call.hidden, call.n, below.affine + square.input, row);
    constexpr int COLUMNS = tuning::GRADIENT_THREADS / STEP<Real>;
    const int at = thread_index() / STEP<Real> * PITCH<Real> + thread_index() % STEP<Real>;
    FS_UNROLL_BY(1)
    for (int c = 0; c < SIDE; c += 4 * COLUMNS) {
      FS_UNROLL
      for (int j = 0; j < 4; j++) {
        const int column = c + j * COLUMNS + thread_index() / STEP<Real>;
        const int64_t place = static_cast<int64_t>(column) * stride;
        const int input = square.input + column;
        Real slope = 0;
        Real value = 0;
        if (row < run_end && square.output + column < map.outputs) {
          slope = slopes[place];
        }
        if (row < run_end && input < map.inputs) {
          value = square.layer == 0 ? entered(net, before[column], input)
                                    : unit_value(unit_of(net, below, input), before[place]);
        }
        outputs[at + (c + j * COLUMNS) * PITCH<Real>] = slope;
        inputs[at + (c + j * COLUMNS) * PITCH<Real>] = value;
      }
    }
    FS_BARRIER();
    if (map.inputs - square.input <= ACROSS) {
      add_products<PATCH, 1>(outputs + o * PITCH<Real>, inputs + i * PITCH<Real>, products);
    } else if (map.outputs - square.output <= ACROSS) {
      add_products<1, PATCH>(outputs + o * PITCH<Real>, inputs + i * PITCH<Real>, products);
    } else {
      add_products<PATCH, PATCH>(outputs + o * PITCH<Real>, inputs + i * PITCH<Real>, products);
    }
    if (square.input == 0 && thread_index() < SIDE) {
      for (int k = 0; k < STEP<Real>; k++) {
        bias += outputs[thread_index() * PITCH<Real> + k];
      }
    }
    FS_BARRIER();
  }

  Real* const to = sums + square.begin;
  FS_UNROLL
  for (int a = 0; a < PATCH; a++) {
    FS_UNROLL
    for (int b = 0; b < PATCH; b++) {
      const int output = square.output + o + a * ACROSS;
      const int input = square.input + i + b * ACROSS;
      if (output < map.outputs && input < map.inputs) {
        to[static_cast<int64_t>(output) * map.inputs + input] = products[a][b];
      }
    }
  }
  const int output = square.output + thread_index();
  if (square.input == 0 && thread_index() < SIDE && output < map.outputs) {
    to[static_cast<int64_t>(map.inputs) * map.outputs + output] = bias;
  }
}

// Sums the gradient over the runs of a batch, each on its own: sums is [runs, parameters].
template <typename Real>
FS_KERNEL(tuning::GRADIENT_THREADS, 2)
sum_runs(Network<Real> net, Backward<Real> call, int64_t runs, int64_t parameters, Real* sums) {
  FS_SHARED(Columns<Real>, columns, 1);
  int64_t squares = 0;
  for (int layer = 0; layer < net.layers; layer++) {
    squares += squares_of(maps_of(net)[layer]);
  }
  for (int64_t b = block_index(); b < runs * squares; b += block_count()) {
    const int64_t run = b / squares;
    sum_square(net, call, square_of(net, b % squares), run, columns[0], sums + run * parameters);
  }
}

// Adds the sums of runs in their order, to nothing or to what the gradient has already.
template <typename Real>
FS_KERNEL(tuning::ELEMENT_THREADS, 4)
add_runs(Real* gradient, const Real* sums, int64_t parameters, int64_t runs, bool begins) {
  const int64_t stride = block_count() * thread_count();
  for (int64_t p = block_index() * thread_count() + thread_index(); p < parameters; p += stride) {
    Real sum = begins ? Real(0) : gradient[p];
    for (int64_t run = 0; run < runs; run++) {
      sum += sums[run * parameters + p];
    }
    gradient[p] = sum;
  }
}

// ---- Adam ----

// The sum of squares of a gradient, a part a block; in double, in which no float overflows.
template <typename Real>
FS_KERNEL(tuning::ELEMENT_THREADS, 4)
sum_squares(const Real* gradient, int64_t count, double* parts) {
  FS_SHARED(double, partial, tuning::ELEMENT_THREADS / WARP);
  const int64_t stride = block_count() * thread_count();
  double sum = 0;
  for (int64_t p = block_index() * thread_count() + thread_index(); p < count; p += stride) {
    const double g = gradient[p];
    sum = fma(g, g, sum);
  }
  const double total = block_sum(sum, partial);
  if (thread_index() == 0) {
    parts[block_index()] = total;
  }
}

// The constants of a step; see org.fewstep.backend.AdamStep.
template <typename Real>
struct Step {
  double clip_norm;
  Real mean_decay;
  Real mean_share;  // 1 - mean_decay, rounded once
  Real square_decay;
  Real square_share;
  Real mean_scale;  // 1 / the corrections
  Real square_scale;
  Real epsilon;
  Real learning_rate;
  Real weight_decay;
};

template <typename Real>
FS_KERNEL(tuning::ELEMENT_THREADS, 4)
adam(Step<Real> step, int64_t count, const double* parts, int part_count, Real* parameters,
     const Real* gradient, Real* mean, Real* square) {
  FS_SHARED(double, partial, tuning::ELEMENT_THREADS / WARP);
  static_assert(tuning::NORM_BLOCKS <= tuning::ELEMENT_THREADS, "a thread adds one part");
  const double part = thread_index() < part_count ? parts[thread_index()] : 0;
  const double norm = sqrt(block_sum(part, partial));
  const double clip = norm > step.clip_norm ? step.clip_norm / norm : 1;
  const Real factor = norm < INFINITE<double> ? static_cast<Real>(clip) : NOT_A_NUMBER<Real>;
  const int64_t stride = block_count() * thread_count();
  for (int64_t p = block_index() * thread_count() + thread_index(); p < count; p += stride) {
    const Real g = factor * gradient[p];
    const Real m = step.mean_decay * mean[p] + step.mean_share * g;
    const Real v = step.square_decay * square[p] + step.square_share * g * g;
    const Real w = parameters[p];
    const Real direction = m * step.mean_scale / (sqrt(v * step.square_scale) + step.epsilon);
    mean[p] = m;
    square[p] = v;
    parameters[p] = w - step.learning_rate * (direction + step.weight_decay * w);
  }
}

}  // namespace fewstep::network
