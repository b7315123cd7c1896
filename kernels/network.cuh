#pragma once

// ReLU-ReQU networks, and products with their Jacobians.
//
// A block carries a tile of rows through all layers. What the rows hold stands column by column, so
// that the threads of a warp read neighbouring rows; two such arrays, the inputs of a layer and its
// outputs, take turns. A layer is a product: a thread has a patch of outputs by rows in registers,
// adds the inputs one after another, and applies the units when all are added. So every output of
// every row is the same sum in the same order, whatever the tile, the block and the batch around it.
//
// Derivatives run through the same product. Tangents go forwards and cotangents backwards, and
// either is multiplied by the slopes of the units at the affine parts z that the value left.

#include "numbers.cuh"
#include "portable.cuh"
#include "tensor.cuh"
#include "tuning.cuh"
#include "vectors.cuh"

namespace fewstep::network {

constexpr int TILE = tuning::NETWORK_TILE_ROWS;
constexpr int OUTPUTS = tuning::NETWORK_THREAD_OUTPUTS;

template <typename Real>
constexpr int ROWS = tuning::NETWORK_THREAD_BYTES / sizeof(Real);

// ---- A network ----

enum Unit { LINEAR = 0, RELU = 1, REQU = 2 };

// One affine map, and the units that its outputs go through. Indices are into the integers and the
// numbers of the network; -1 stands for what a map does not have.
struct Map {
  int inputs;
  int outputs;
  int bias;     // [outputs padded] numbers; cotangents have none
  int weights;  // dense: [inputs][outputs padded]; sparse: the values of the entries
  int starts;   // sparse: [outputs + 1] integers, where the entries of each output begin; or a form
  int columns;  // sparse: the input of each entry
  int units;    // [outputs] codes; -1: linear
  int affine;   // the number of the first unit among those of all layers
};

// What a dense map has for starts: its weights as above, or in fragments for tensor cores, of 16
// outputs by 8 inputs each, 4 numbers a lane; those of all inputs follow one another, and outputs
// are padded with zeros to two fragments.
enum Form { DENSE = -1, FRAGMENTS = -2 };

// Outputs are padded to what a thread has of them.
FS_DEVICE int padded(int outputs) { return (outputs + OUTPUTS - 1) / OUTPUTS * OUTPUTS; }

// A network as NetworkPack.java lays it out: the integers begin with the maps, first those of the
// layers in their order, then the transposed ones in the order in which cotangents meet them, each
// with the units of the layer before; the numbers begin with the bounds of the clamp, low [inputs]
// and high [inputs].
template <typename Real>
struct Network {
  const int* integers;
  const Real* numbers;
  int inputs;  // the time not among them
  int outputs;
  int layers;
  int width;   // the largest number of columns between two layers
  int units;   // of all layers together
  bool takes_time;
  bool residual;
  Real input_scale;
  Real output_scale;
  double time_low;
  double time_high;
};

template <typename Real>
FS_DEVICE const Map* maps_of(const Network<Real>& net) {
  return reinterpret_cast<const Map*>(net.integers);
}

template <typename Real>
FS_DEVICE int unit_of(const Network<Real>& net, const Map& map, int output) {
  return map.units < 0 ? LINEAR : net.integers[map.units + output];
}

// Not a maximum: NaN of an overflow has to stay.
template <typename Real>
FS_DEVICE Real unit_value(int unit, Real z) {
  return unit == LINEAR ? z : z < 0 ? Real(0) : unit == RELU ? z : z * z;
}

// The slope of a unit at z times that of what comes after it.
template <typename Real>
FS_DEVICE Real unit_slope(int unit, Real z, Real outer) {
  return unit == LINEAR ? outer : !(z > 0) ? Real(0) : unit == RELU ? outer : 2 * z * outer;
}

// ---- The frame around the layers ----

template <typename Real>
FS_DEVICE Real clamped(const Network<Real>& net, Real x, int i) {
  const Real low = net.numbers[i];
  const Real high = net.numbers[net.inputs + i];
  return x < low ? low : x > high ? high : x;
}

// Whether a coordinate passes the clamp as it is, and derivatives with it.
template <typename Real>
FS_DEVICE bool passes(const Network<Real>& net, Real x, int i) {
  return x >= net.numbers[i] && x <= net.numbers[net.inputs + i];
}

// An input of the first layer; the clamp must not hide what is not finite.
template <typename Real>
FS_DEVICE Real entered(const Network<Real>& net, Real x, int i) {
  return (clamped(net, x, i) + 0 * x) / net.input_scale;
}

// ---- A tile of rows ----

struct Tile {
  int64_t first;  // row of the batch
  int count;      // of the rows that exist; the others are computed and not stored
  int rows;       // a power of two, ROWS to TILE
  int shift;      // its logarithm
  int stride;     // from one column to the next of the arrays between layers
};

// Where a column of a row is between layers. What a block holds beside has `rows` for a stride.
FS_DEVICE int between(const Tile& tile, int column, int row) {
  return column * tile.stride + row;
}

template <typename Body>
FS_DEVICE void for_each(const Tile& tile, int columns, Body body) {
  const int elements = columns << tile.shift;
  FS_UNROLL_BY(1)
  for (int e = thread_index(); e < elements; e += thread_count()) {
    body(e >> tile.shift, e & (tile.rows - 1));
  }
}

template <typename Real>
FS_DEVICE void read_rows(const Tile& tile, const Real* batch, int columns, Real* to) {
  for_each(tile, columns, [&](int c, int r) {
    to[(c << tile.shift) + r] = r < tile.count ? batch[(tile.first + r) * columns + c] : Real(0);
  });
}

// Zero if all columns of a row are finite, else NaN. Added to a result it makes a row NaN that
// began as no number.
template <typename Real>
FS_DEVICE Real fault_of(const Tile& tile, const Real* held, int columns, int row) {
  Real fault = 0;
  for (int c = 0; c < columns; c++) {
    fault += 0 * held[(c << tile.shift) + row];
  }
  return fault;
}

// What a pass keeps and finds of the units of all layers, a row of them per unit: entry (unit, row)
// is at [unit * stride + row].
template <typename Real>
struct Tape {
  Real* affine;  // z, which passes of values keep and all others want
  Real* slopes;  // the derivatives in z, which passes of cotangents keep; or null
  int units;     // whose z is kept: the first so many
  int stride;
  int rows;      // no more than so many are kept
};

// A batch [n, units] for a backward pass has an order of its own: tiles of TILE rows one after
// another, and in each of them, the last one shorter, unit by unit.
FS_DEVICE int64_t tape_begin(int64_t row) { return row / TILE * TILE; }

FS_DEVICE int tape_stride(int64_t n, int64_t row) {
  const int64_t left = n - tape_begin(row);
  return static_cast<int>(left < TILE ? left : TILE);
}

// Where entry (unit, row) is.
FS_DEVICE int64_t tape_place(int units, int64_t n, int unit, int64_t row) {
  const int64_t begin = tape_begin(row);
  return begin * units + static_cast<int64_t>(unit) * tape_stride(n, row) + row - begin;
}

template <typename Real>
FS_DEVICE Tape<Real> tape_in(Real* batch, int units, int64_t n, const Tile& tile) {
  return {batch + tape_place(units, n, 0, tile.first), nullptr, units, tape_stride(n, tile.first),
          tile.count};
}

// ---- Products ----

enum Pass { VALUES, TANGENTS, COTANGENTS };

// Which rows and outputs are a thread's: neighbouring threads have neighbouring vectors of rows.
template <typename Real>
struct Share {
  int row;     // the first one
  int stride;  // from one vector of rows to the next
  int output;  // the number of its patch of outputs
  int patches;
};

template <typename Real>
FS_DEVICE Share<Real> share_of(const Tile& tile) {
  const int groups = tile.rows / ROWS<Real>;
  return {(thread_index() & (groups - 1)) * LANES<Real>, groups * LANES<Real>,
          thread_index() / groups, thread_count() / groups};
}

// How far behind the first row a thread's k-th one is.
template <typename Real>
FS_DEVICE int row_of(const Share<Real>& share, int k) {
  return k / LANES<Real> * share.stride + k % LANES<Real>;
}

template <typename Real>
FS_DEVICE void keep(const Real (&values)[ROWS<Real>], const Tape<Real>& tape,
                    const Share<Real>& share, Real* to) {
  FS_UNROLL
  for (int k = 0; k < ROWS<Real>; k++) {
    const int row = row_of(share, k);
    if (share.row + row < tape.rows) {
      to[row] = values[k];
    }
  }
}

// Sends the sums of an output through its unit, and keeps what the tape is to keep.
template <typename Real>
FS_DEVICE void finish(const Network<Real>& net, const Map& map, const Tile& tile, Pass pass,
                      const Tape<Real>& tape, const Share<Real>& share, int output,
                      Real (&sums)[ROWS<Real>], Real* out) {
  const int unit = unit_of(net, map, output);
  const int place = map.affine + output;
  const int64_t begin = static_cast<int64_t>(place) * tape.stride + share.row;
  if (pass == VALUES) {
    if (place < tape.units) {
      keep(sums, tape, share, tape.affine + begin);
    }
    FS_UNROLL
    for (int k = 0; k < ROWS<Real>; k++) {
      sums[k] = unit_value(unit, sums[k]);
    }
  } else {
    if (unit != LINEAR) {
      const Real* const affine = tape.affine + begin;
      FS_UNROLL
      for (int k = 0; k < ROWS<Real>; k++) {
        const int row = row_of(share, k);
        const Real z = share.row + row < tape.rows ? affine[row] : Real(0);
        sums[k] = unit_slope(unit, z, sums[k]);
      }
    }
    if (tape.slopes != nullptr && map.affine >= 0) {
      keep(sums, tape, share, tape.slopes + begin);
    }
  }
  store(sums, out + between(tile, output, share.row), share.stride);
}

// The same of one row: what the layer gives it.
template <typename Real>
FS_DEVICE Real finished(const Network<Real>& net, const Map& map, Pass pass,
                        const Tape<Real>& tape, int output, int row, Real sum) {
  const int unit = unit_of(net, map, output);
  const int64_t at = static_cast<int64_t>(map.affine + output) * tape.stride + row;
  const bool kept = row < tape.rows;
  if (pass == VALUES) {
    if (kept && map.affine + output < tape.units) {
      tape.affine[at] = sum;
    }
    return unit_value(unit, sum);
  }
  const Real value = unit == LINEAR ? sum : unit_slope(unit, kept ? tape.affine[at] : 0, sum);
  if (kept && tape.slopes != nullptr && map.affine >= 0) {
    tape.slopes[at] = value;
  }
  return value;
}

template <typename Real>
FS_DEVICE void dense(const Network<Real>& net, const Map& map, const Tile& tile, Pass pass,
                     const Tape<Real>& tape, const Real* in, Real* out) {
  const Share<Real> share = share_of<Real>(tile);
  const int width = padded(map.outputs);
  const bool biased = pass == VALUES && map.bias >= 0;
  for (int first = share.output * OUTPUTS; first < width; first += share.patches * OUTPUTS) {
    Real sums[OUTPUTS][ROWS<Real>];
    FS_UNROLL
    for (int o = 0; o < OUTPUTS; o++) {
      const Real bias = biased ? net.numbers[map.bias + first + o] : Real(0);
      FS_UNROLL
      for (int k = 0; k < ROWS<Real>; k++) {
        sums[o][k] = bias;
      }
    }
    const Real* weights = net.numbers + map.weights + first;
    const Real* values = in + share.row;
    for (int i = 0; i < map.inputs; i++) {
      Real weight[OUTPUTS];
      Real value[ROWS<Real>];
      load(weights, LANES<Real>, weight);
      load(values, share.stride, value);
      FS_UNROLL
      for (int o = 0; o < OUTPUTS; o++) {
        FS_UNROLL
        for (int k = 0; k < ROWS<Real>; k++) {
          sums[o][k] = fma(weight[o], value[k], sums[o][k]);
        }
      }
      weights += width;
      values += tile.stride;
    }
    FS_UNROLL
    for (int o = 0; o < OUTPUTS; o++) {
      if (first + o < map.outputs) {
        finish(net, map, tile, pass, tape, share, first + o, sums[o], out);
      }
    }
  }
}

template <typename Real>
FS_DEVICE void sparse(const Network<Real>& net, const Map& map, const Tile& tile, Pass pass,
                      const Tape<Real>& tape, const Real* in, Real* out) {
  const Share<Real> share = share_of<Real>(tile);
  const int* starts = net.integers + map.starts;
  const int* columns = net.integers + map.columns;
  const Real* weights = net.numbers + map.weights;
  const bool biased = pass == VALUES && map.bias >= 0;
  for (int output = share.output; output < map.outputs; output += share.patches) {
    Real sums[ROWS<Real>];
    const Real bias = biased ? net.numbers[map.bias + output] : Real(0);
    FS_UNROLL
    for (int k = 0; k < ROWS<Real>; k++) {
      sums[k] = bias;
    }
    for (int e = starts[output]; e < starts[output + 1]; e++) {
      Real value[ROWS<Real>];
      load(in + between(tile, columns[e], share.row), share.stride, value);
      FS_UNROLL
      for (int k = 0; k < ROWS<Real>; k++) {
        sums[k] = fma(weights[e], value[k], sums[k]);
      }
    }
    finish(net, map, tile, pass, tape, share, output, sums, out);
  }
}

// ---- Products on tensor cores ----

// A warp has a square of so many outputs by rows, of fragments of 16 by 8.
constexpr int SQUARE = 32;
constexpr int SQUARE_LEFT = SQUARE / 16;
constexpr int SQUARE_RIGHT = SQUARE / 8;

// Inputs of a fragment.
constexpr int DEPTH = 8;

// The product of a map in fragments in 3xTF32: of weights and values in two parts each, all
// products but that of the low parts. Tensor cores truncate: they sum 8 inputs, the small products
// first, and float32 the rest. A row's sums do not depend on where in the tile it is.
FS_DEVICE void dense_fragments(const Network<float>& net, const Map& map, const Tile& tile,
                               Pass pass, const Tape<float>& tape, const float* in, float* out) {
  const int lane = thread_index() % WARP;
  const int group = lane / 4;
  const int lane_of_group = lane % 4;
  const int depth = (map.inputs + DEPTH - 1) / DEPTH;
  const int rights = (tile.rows + SQUARE - 1) / SQUARE;
  const int squares = (map.outputs + SQUARE - 1) / SQUARE * rights;
  const bool biased = pass == VALUES && map.bias >= 0;
  for (int square = thread_index() / WARP; square < squares; square += thread_count() / WARP) {
    const int first = square / rights * SQUARE + group;  // output
    const int row = square % rights * SQUARE;
    const int blocks = (tile.rows - row) / 8;
    const Vector<float>* weights =
        reinterpret_cast<const Vector<float>*>(net.numbers + map.weights) +
        static_cast<int64_t>(square / rights * SQUARE_LEFT) * depth * WARP + lane;
    const float* values = in + between(tile, lane_of_group, row + group);

    float sums[SQUARE_LEFT][SQUARE_RIGHT][4];
    FS_UNROLL
    for (int m = 0; m < SQUARE_LEFT; m++) {
      FS_UNROLL
      for (int v = 0; v < 4; v++) {
        const int output = first + 16 * m + 8 * (v / 2);
        const float bias = biased && output < map.outputs ? net.numbers[map.bias + output] : 0;
        FS_UNROLL
        for (int b = 0; b < SQUARE_RIGHT; b++) {
          sums[m][b][v] = bias;
        }
      }
    }
    FS_UNROLL_BY(1)
    for (int step = 0; step < depth; step++) {
      FragmentA<Tf32> high[SQUARE_LEFT];
      FragmentA<Tf32> low[SQUARE_LEFT];
      FS_UNROLL
      for (int m = 0; m < SQUARE_LEFT; m++) {
        const Vector<float> weight = weights[(m * depth + step) * WARP];
        FS_UNROLL
        for (int w = 0; w < 4; w++) {
          split(weight.lane[w], high[m].word[w], low[m].word[w]);
        }
      }
      FS_UNROLL
      for (int b = 0; b < SQUARE_RIGHT; b++) {
        if (b < blocks) {
          FragmentB<Tf32> high_value;
          FragmentB<Tf32> low_value;
          FS_UNROLL
          for (int w = 0; w < 2; w++) {
            const int input = DEPTH * step + 4 * w;
            // Behind the last input is what others left, perhaps no number.
            const float value = input + lane_of_group < map.inputs
                                    ? values[input * tile.stride + 8 * b]
                                    : 0.0f;
            split(value, high_value.word[w], low_value.word[w]);
          }
          FS_UNROLL
          for (int m = 0; m < SQUARE_LEFT; m++) {
            FragmentC part;
            multiply_add(part, low[m], high_value);
            multiply_add(part, high[m], low_value);
            multiply_add(part, high[m], high_value);
            FS_UNROLL
            for (int v = 0; v < 4; v++) {
              sums[m][b][v] += part.value[v];
            }
          }
        }
      }
    }
    FS_UNROLL
    for (int m = 0; m < SQUARE_LEFT; m++) {
      FS_UNROLL
      for (int b = 0; b < SQUARE_RIGHT; b++) {
        FS_UNROLL
        for (int v = 0; v < 4; v++) {
          const int output = first + 16 * m + 8 * (v / 2);
          const int at = row + 8 * b + 2 * lane_of_group + v % 2;
          if (b < blocks && output < map.outputs) {
            out[between(tile, output, at)] =
                finished(net, map, pass, tape, output, at, sums[m][b][v]);
          }
        }
      }
    }
  }
}

// Takes a tile through the first so many maps of a pass: from `in`, which is overwritten, by way of
// `out`. Returns the one of the two that has the result. Everything is seen by all when it returns.
template <bool TENSOR = false, typename Real>
FS_DEVICE const Real* run(const Network<Real>& net, const Tile& tile, Pass pass, int steps,
                          const Tape<Real>& tape, Real* in, Real* out) {
  const Map* maps = maps_of(net) + (pass == COTANGENTS ? net.layers : 0);
  FS_BARRIER();
  for (int step = 0; step < steps; step++) {
    const Map map = maps[step];
    if (map.starts == DENSE) {
      dense(net, map, tile, pass, tape, in, out);
    } else if (TENSOR && map.starts == FRAGMENTS) {
      if constexpr (TENSOR) {
        dense_fragments(net, map, tile, pass, tape, in, out);
      }
    } else {
      sparse(net, map, tile, pass, tape, in, out);
    }
    FS_BARRIER();
    Real* const free = in;
    in = out;
    out = free;
  }
  return in;
}

// ---- A tile on its way into the layers and out of them ----

template <typename Real>
FS_DEVICE void enter_values(const Network<Real>& net, const Tile& tile, const Real* x,
                            const Real* time, Real* to) {
  for_each(tile, net.inputs, [&](int i, int r) {
    to[between(tile, i, r)] = entered(net, x[(i << tile.shift) + r], i);
  });
  if (net.takes_time) {
    for_each(tile, 1, [&](int, int r) { to[between(tile, net.inputs, r)] = time[r]; });
  }
}

// A coordinate of the value of a network.
template <typename Real>
FS_DEVICE Real left_value(const Network<Real>& net, const Tile& tile, const Real* last,
                          const Real* x, const Real* faults, int o, int r) {
  const Real value = net.output_scale * last[between(tile, o, r)] + faults[r];
  return net.residual ? value + clamped(net, x[(o << tile.shift) + r], o) : value;
}

template <typename Real>
FS_DEVICE void leave_values(const Network<Real>& net, const Tile& tile, const Real* last,
                            const Real* x, const Real* faults, Real* y) {
  for_each(tile, net.outputs, [&](int o, int r) {
    if (r < tile.count) {
      y[(tile.first + r) * net.outputs + o] = left_value(net, tile, last, x, faults, o, r);
    }
  });
}

// v(i, row) is the vector that the Jacobian is multiplied by.
template <typename Real, typename Vectors>
FS_DEVICE void enter_tangents(const Network<Real>& net, const Tile& tile, const Vectors& v,
                              const Real* x, Real* to) {
  for_each(tile, net.inputs, [&](int i, int r) {
    to[between(tile, i, r)] =
        passes(net, x[(i << tile.shift) + r], i) ? v(i, r) / net.input_scale : Real(0);
  });
  if (net.takes_time) {
    for_each(tile, 1, [&](int, int r) { to[between(tile, net.inputs, r)] = 0; });
  }
}

// A coordinate of the product with the Jacobian.
template <typename Real, typename Vectors>
FS_DEVICE Real left_tangent(const Network<Real>& net, const Tile& tile, const Vectors& v,
                            const Real* last, const Real* x, int o, int r) {
  const Real tangent = net.output_scale * last[between(tile, o, r)];
  return net.residual && passes(net, x[(o << tile.shift) + r], o) ? tangent + v(o, r) : tangent;
}

// z(o, row) is the affine part of the last layer.
template <typename Real, typename Affine>
FS_DEVICE void enter_cotangents(const Network<Real>& net, const Tile& tile, const Affine& z,
                                const Real* cotangent, Real* to) {
  const Map last = maps_of(net)[net.layers - 1];
  for_each(tile, net.outputs, [&](int o, int r) {
    const int unit = unit_of(net, last, o);
    const Real outer = net.output_scale * cotangent[(o << tile.shift) + r];
    to[between(tile, o, r)] = unit == LINEAR ? outer : unit_slope(unit, z(o, r), outer);
  });
}

template <typename Real>
FS_DEVICE void leave_cotangents(const Network<Real>& net, const Tile& tile, const Real* first,
                                const Real* x, const Real* cotangent, const Real* faults,
                                Real* to) {
  for_each(tile, net.inputs, [&](int i, int r) {
    const int at = (i << tile.shift) + r;
    const Real inner = first[between(tile, i, r)] / net.input_scale;
    const Real slope = net.residual ? inner + cotangent[at] : inner;
    if (r < tile.count) {
      to[(tile.first + r) * net.inputs + i] =
          (passes(net, x[at], i) ? slope : Real(0)) + faults[r];
    }
  });
}

// ---- Evaluation ----

// Where a block works: the two arrays between layers on chip (of the whole network or not at all),
// what it holds of its rows beside them behind the two or, apart, in its slice of the workspace.
template <typename Real>
struct Room {
  Real* workspace;
  int64_t slice;  // elements
  int rows;
  int shift;
  int stride;  // of the arrays between layers
  bool apart;
};

template <typename Real>
FS_DEVICE Tile tile_at(int64_t first, int64_t n, const Room<Real>& room) {
  const int64_t left = n - first;
  return {first, static_cast<int>(left < room.rows ? left : room.rows), room.rows, room.shift,
          room.stride};
}

// The arrays of a call; null for what is not wanted.
template <typename Real>
struct Evaluation {
  int64_t n;
  const Real* x;        // [n, inputs]
  const double* times;  // [n], or null: all rows have the one time
  Real time;
  Real* value;  // [n, outputs]
  Real* saved;  // [n, units of all layers but the last], for a pass backwards; excludes derivatives
  int hidden;   // those units
  Real* divergence;   // [n]
  const Real* signs;  // [probes, inputs], or null: the axes
  int probes;
  const Real* direction;  // [n, inputs]
  Real* jvp;              // [n, outputs]
  const Real* cotangent;  // [n, outputs]
  Real* vjp;              // [n, inputs]
};

// The time of a row as the layers take it: NaN where the network does not hold, and zero where it
// does not matter.
template <typename Real>
FS_DEVICE Real time_of(const Network<Real>& net, const Evaluation<Real>& call, const Tile& tile,
                       int row) {
  if (call.times == nullptr || row >= tile.count) {
    return net.takes_time ? call.time : Real(0);
  }
  const double time = call.times[tile.first + row];
  const bool holds = time >= net.time_low && time <= net.time_high;
  return !holds ? NOT_A_NUMBER<Real> : net.takes_time ? static_cast<Real>(time) : Real(0);
}

// What a block knows of each row of its tile: the time, and zero or NaN for what was read.
template <typename Real>
struct RowFacts {
  Real time[TILE];
  Real faults[TILE];
  Real direction_faults[TILE];
  Real cotangent_faults[TILE];
  Real trace[TILE];
};

// The products of a call in their order; the probes of a divergence follow from PROBE on.
enum Product { VALUE, JVP, VJP, PROBE };

// With maps in fragments or without; those are on chip.
template <typename Real, bool ON_CHIP, bool TENSOR = false>
FS_KERNEL(tuning::NETWORK_THREADS, ON_CHIP ? tuning::NETWORK_BLOCKS : tuning::NETWORK_BLOCKS_OFF)
evaluate(Network<Real> net, Evaluation<Real> call, Room<Real> room) {
  if (TENSOR && !TENSOR_CORES) {
    return;
  }
  FS_DYNAMIC_SHARED(Real, shared);
  FS_SHARED(RowFacts<Real>, facts, 1);

  Real* const slice = room.workspace + block_index() * room.slice;
  Real* const one = ON_CHIP ? shared : slice;
  Real* const other = one + net.width * room.stride;
  Real* const x = ON_CHIP && room.apart ? slice : other + net.width * room.stride;
  Real* const direction = x + (net.inputs << room.shift);
  Real* const cotangent = direction + (call.jvp == nullptr ? 0 : net.inputs << room.shift);
  Real* const affine = cotangent + (call.vjp == nullptr ? 0 : net.outputs << room.shift);

  const int probes = call.divergence == nullptr ? 0
                     : call.signs == nullptr    ? net.inputs
                                                : call.probes;
  const bool differentiates = probes > 0 || call.jvp != nullptr || call.vjp != nullptr;

  const int64_t stride = block_count() << room.shift;
  for (int64_t first = block_index() << room.shift; first < call.n; first += stride) {
    const Tile tile = tile_at(first, call.n, room);
    const Tape<Real> tape =
        call.saved != nullptr
            ? tape_in(call.saved, call.hidden, call.n, tile)
            : Tape<Real>{affine, nullptr, differentiates ? net.units : 0, tile.rows, tile.rows};

    // All inputs are read before anything is written: an output may lie where an input does.
    read_rows(tile, call.x, net.inputs, x);
    if (call.jvp != nullptr) {
      read_rows(tile, call.direction, net.inputs, direction);
    }
    if (call.vjp != nullptr) {
      read_rows(tile, call.cotangent, net.outputs, cotangent);
    }
    FS_BARRIER();
    for_each(tile, 1, [&](int, int r) {
      const Real time = time_of(net, call, tile, r);
      const Real fault = fault_of(tile, x, net.inputs, r) + 0 * time;
      facts->time[r] = time;
      facts->faults[r] = fault;
      facts->direction_faults[r] =
          call.jvp == nullptr ? fault : fault + fault_of(tile, direction, net.inputs, r);
      facts->cotangent_faults[r] =
          call.vjp == nullptr ? fault : fault + fault_of(tile, cotangent, net.outputs, r);
      facts->trace[r] = 0;
    });
    FS_BARRIER();

    for (int product = VALUE; product < PROBE + probes; product++) {
      if ((product == JVP && call.jvp == nullptr) || (product == VJP && call.vjp == nullptr)) {
        continue;
      }
      const int probe = product - PROBE;
      const auto v = [&](int i, int r) {
        return product == JVP          ? direction[(i << tile.shift) + r]
               : call.signs == nullptr ? Real(i == probe)
                                       : call.signs[probe * net.inputs + i];
      };

      Pass pass = TANGENTS;
      if (product == VALUE) {
        pass = VALUES;
        enter_values(net, tile, x, facts->time, one);
      } else if (product == VJP) {
        pass = COTANGENTS;
        const Real* const z = affine + (maps_of(net)[net.layers - 1].affine << tile.shift);
        enter_cotangents(
            net, tile, [&](int o, int r) { return z[(o << tile.shift) + r]; }, cotangent, one);
      } else {
        enter_tangents(net, tile, v, x, one);
      }

      const Real* const last = run<TENSOR>(net, tile, pass, net.layers, tape, one, other);

      if (product == VALUE && call.value != nullptr) {
        leave_values(net, tile, last, x, facts->faults, call.value);
      } else if (product == JVP) {
        for_each(tile, net.outputs, [&](int o, int r) {
          if (r < tile.count) {
            call.jvp[(first + r) * net.outputs + o] =
                left_tangent(net, tile, v, last, x, o, r) + facts->direction_faults[r];
          }
        });
      } else if (product == VJP) {
        leave_cotangents(net, tile, last, x, cotangent, facts->cotangent_faults, call.vjp);
      } else if (product >= PROBE) {
        for_each(tile, 1, [&](int, int r) {
          Real sum = facts->trace[r];
          const int from = call.signs == nullptr ? probe : 0;
          const int to = call.signs == nullptr ? probe + 1 : net.inputs;
          for (int i = from; i < to; i++) {
            sum = fma(v(i, r), left_tangent(net, tile, v, last, x, i, r), sum);
          }
          facts->trace[r] = sum;
        });
      }
      FS_BARRIER();
    }

    if (call.divergence != nullptr) {
      for_each(tile, 1, [&](int, int r) {
        if (r < tile.count) {
          const Real count = call.signs == nullptr ? Real(1) : Real(probes);
          call.divergence[first + r] = facts->trace[r] / count + facts->faults[r];
        }
      });
    }
  }
}

}  // namespace fewstep::network
