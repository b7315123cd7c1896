#pragma once

// Networks for tests: by their definition in double (values by plain loops, Jacobians and gradients
// by dual numbers), and as the kernels read them.

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <cstdio>
#include <cstring>
#include <limits>
#include <random>
#include <vector>

#include "check.h"
#include "fewstep_network.h"

namespace networks {


// A check that tells what it is about.
#define EXPECT(condition, ...)                    \
  do {                                            \
    const bool holds = condition;                 \
    CHECK(holds);                                 \
    if (!holds) {                                 \
      std::printf("  " __VA_ARGS__);              \
      std::printf("\n");                          \
    }                                             \
  } while (false)

#define SUCCEED(call) CHECK((call) == FS_SUCCESS)

using Doubles = std::vector<double>;

constexpr double NOT_A_NUMBER = std::numeric_limits<double>::quiet_NaN();
constexpr double INFINITE = std::numeric_limits<double>::infinity();

// ---- Networks by definition ----

// A number and its derivative in one direction.
struct Dual {
  double value;
  double slope;
};

inline Dual operator+(Dual a, Dual b) { return {a.value + b.value, a.slope + b.slope}; }
inline Dual operator*(Dual a, Dual b) {
  return {a.value * b.value, a.slope * b.value + a.value * b.slope};
}

struct Layer {
  int inputs;
  int outputs;
  bool sparse;
  Doubles weights;  // [outputs, inputs]
  Doubles biases;
  std::vector<int> units;
};

struct Net {
  std::vector<Layer> layers;
  bool takes_time = false;
  bool residual = false;
  double input_scale = 1;
  double output_scale = 1;
  double time_low = 0;
  double time_high = INFINITE;
  Doubles low;
  Doubles high;

  int inputs() const { return layers.front().inputs - (takes_time ? 1 : 0); }
  int outputs() const { return layers.back().outputs; }
  int64_t parameters() const {
    int64_t sum = 0;
    for (const Layer& layer : layers) sum += (layer.inputs + INT64_C(1)) * layer.outputs;
    return sum;
  }
  int units() const {
    int sum = 0;
    for (const Layer& layer : layers) sum += layer.outputs;
    return sum;
  }
};

inline Dual clamped(const Net& net, Dual x, int i) {
  if (x.value < net.low[i]) return {net.low[i], 0};
  if (x.value > net.high[i]) return {net.high[i], 0};
  return x;
}

// y at x, and its derivative along the slopes of x and, if asked, in one parameter.
inline std::vector<Dual> evaluate(const Net& net, const std::vector<Dual>& x, double time,
                           int64_t parameter = -1) {
  std::vector<Dual> in;
  for (int i = 0; i < net.inputs(); i++) {
    in.push_back(clamped(net, x[i], i) * Dual{1 / net.input_scale, 0});
  }
  if (net.takes_time) in.push_back({time, 0});
  int64_t number = 0;
  for (const Layer& layer : net.layers) {
    std::vector<Dual> out;
    const int64_t biases = number + static_cast<int64_t>(layer.inputs) * layer.outputs;
    for (int o = 0; o < layer.outputs; o++) {
      Dual z = {layer.biases[o], biases + o == parameter ? 1.0 : 0.0};
      for (int i = 0; i < layer.inputs; i++, number++) {
        const double weight = layer.weights[static_cast<size_t>(o) * layer.inputs + i];
        z = z + Dual{weight, number == parameter ? 1.0 : 0.0} * in[i];
      }
      const Dual zero = {0, 0};
      const int unit = layer.units[o];
      out.push_back(unit == 0 ? z : z.value <= 0 ? zero : unit == 1 ? z : z * z);
    }
    number = biases + layer.outputs;
    in = out;
  }
  for (int o = 0; o < net.outputs(); o++) {
    in[o] = in[o] * Dual{net.output_scale, 0};
    if (net.residual) in[o] = in[o] + clamped(net, x[o], o);
  }
  return in;
}

// dy/dx, [outputs, inputs].
inline Doubles jacobian(const Net& net, const double* x, double time) {
  const int d = net.inputs();
  const int m = net.outputs();
  Doubles result(static_cast<size_t>(m) * d);
  for (int axis = 0; axis < d; axis++) {
    std::vector<Dual> point;
    for (int i = 0; i < d; i++) point.push_back({x[i], i == axis ? 1.0 : 0.0});
    const std::vector<Dual> y = evaluate(net, point, time);
    for (int o = 0; o < m; o++) result[static_cast<size_t>(o) * d + axis] = y[o].slope;
  }
  return result;
}

inline Doubles value(const Net& net, const double* x, double time) {
  std::vector<Dual> point;
  for (int i = 0; i < net.inputs(); i++) point.push_back({x[i], 0});
  Doubles result;
  for (const Dual& y : evaluate(net, point, time)) result.push_back(y.value);
  return result;
}

// ---- Draws: numbers that float has, so that both precisions mean the same ----

inline std::mt19937_64 random(20240607);

inline double normal() { return static_cast<float>(std::normal_distribution<double>()(random)); }

inline int below(int bound) { return static_cast<int>(random() % bound); }

inline Doubles normals(size_t count) {
  Doubles values(count);
  for (double& v : values) v = normal();
  return values;
}

enum Style { ALL_DENSE, ALL_SPARSE, MIXED };

inline Net draw_net(const std::vector<int>& widths, Style style, bool linear_end) {
  Net net;
  for (size_t l = 1; l < widths.size(); l++) {
    const int in = widths[l - 1];
    const int out = widths[l];
    const bool sparse = style == ALL_SPARSE || (style == MIXED && below(2) == 0);
    Layer layer = {in, out, sparse, normals(static_cast<size_t>(in) * out), normals(out), {}};
    for (double& w : layer.weights) {
      // A sparse layer keeps about four entries an output, none of some.
      w = sparse && below(in) >= 4 ? 0 : static_cast<float>(w / std::sqrt(sparse ? 4 : in));
    }
    for (int o = 0; o < out; o++) layer.units.push_back(below(3));
    if (linear_end && l + 1 == widths.size()) layer.units.assign(out, 0);
    net.layers.push_back(layer);
  }
  net.low.assign(net.inputs(), -INFINITE);
  net.high.assign(net.inputs(), INFINITE);
  return net;
}

inline void add_frame(Net& net) {
  net.input_scale = 1.5;
  net.output_scale = 0.75;
  net.residual = net.inputs() == net.outputs();
  for (int i = 0; i < net.inputs(); i++) {
    net.low[i] = i % 3 == 0 ? -0.5 : -1;
    net.high[i] = i % 4 == 0 ? 0.25 : 1.25;
  }
}

inline void add_time(Net& net) {
  net.takes_time = true;
  net.time_low = 0.125;
  net.time_high = 2;
  net.low.pop_back();
  net.high.pop_back();
}

// ---- A network as NetworkPack lays it out ----

inline int padded(int outputs) { return (outputs + 3) / 4 * 4; }

struct Packed {
  std::vector<int32_t> integers;
  Doubles numbers;
  int layer_numbers;
};

inline void align(Doubles& numbers) { numbers.resize(padded(static_cast<int>(numbers.size()))); }

inline bool in_fragments(const Layer& layer) {
  return layer.outputs >= 32 && layer.inputs >= 16;
}

// Appends one map, of weights [outputs, inputs].
inline void pack_map(Packed& packed, bool tensor, size_t record, const Layer& layer,
                     const Doubles* biases, int units, int affine) {
  int32_t bias = -1;
  int32_t starts = -1;
  int32_t columns = -1;
  align(packed.numbers);
  if (biases != nullptr) {
    bias = static_cast<int32_t>(packed.numbers.size());
    packed.numbers.insert(packed.numbers.end(), biases->begin(), biases->end());
    align(packed.numbers);
  }
  const int32_t weights = static_cast<int32_t>(packed.numbers.size());
  if (layer.sparse) {
    std::vector<int32_t> begin = {0};
    std::vector<int32_t> inputs;
    for (int o = 0; o < layer.outputs; o++) {
      for (int i = 0; i < layer.inputs; i++) {
        const double w = layer.weights[static_cast<size_t>(o) * layer.inputs + i];
        if (w != 0) {
          inputs.push_back(i);
          packed.numbers.push_back(w);
        }
      }
      begin.push_back(static_cast<int32_t>(inputs.size()));
    }
    starts = static_cast<int32_t>(packed.integers.size());
    packed.integers.insert(packed.integers.end(), begin.begin(), begin.end());
    columns = static_cast<int32_t>(packed.integers.size());
    packed.integers.insert(packed.integers.end(), inputs.begin(), inputs.end());
  } else {
    const auto weight = [&](int o, int i) {
      return o < layer.outputs && i < layer.inputs
                 ? layer.weights[static_cast<size_t>(o) * layer.inputs + i]
                 : 0;
    };
    if (tensor && in_fragments(layer)) {
      starts = -2;
      for (int first = 0; first < (layer.outputs + 31) / 32 * 32; first += 16) {
        for (int step = 0; step < layer.inputs; step += 8) {
          for (int lane = 0; lane < 32; lane++) {
            for (int w = 0; w < 4; w++) {
              packed.numbers.push_back(
                  weight(first + lane / 4 + 8 * (w % 2), step + lane % 4 + 4 * (w / 2)));
            }
          }
        }
      }
    } else {
      for (int i = 0; i < layer.inputs; i++) {
        for (int o = 0; o < padded(layer.outputs); o++) packed.numbers.push_back(weight(o, i));
      }
    }
  }
  const int32_t fields[8] = {layer.inputs, layer.outputs, bias,  weights,
                             starts,       columns,       units, affine};
  std::copy(fields, fields + 8, packed.integers.begin() + static_cast<long>(record * 8));
}

inline Packed pack(const Net& net, bool tensor) {
  Packed packed;
  const size_t depth = net.layers.size();
  packed.integers.resize(2 * depth * 8);
  packed.numbers = net.low;
  packed.numbers.insert(packed.numbers.end(), net.high.begin(), net.high.end());
  std::vector<int> units;
  std::vector<int> affine;
  int place = 0;
  for (const Layer& layer : net.layers) {
    bool linear = true;
    for (int unit : layer.units) linear = linear && unit == 0;
    units.push_back(linear ? -1 : static_cast<int>(packed.integers.size()));
    if (!linear) {
      packed.integers.insert(packed.integers.end(), layer.units.begin(), layer.units.end());
    }
    affine.push_back(place);
    place += layer.outputs;
  }
  for (size_t l = 0; l < depth; l++) {
    pack_map(packed, tensor, l, net.layers[l], &net.layers[l].biases, units[l], affine[l]);
  }
  align(packed.numbers);
  packed.layer_numbers = static_cast<int>(packed.numbers.size());
  for (size_t l = 0; l < depth; l++) {
    const Layer& layer = net.layers[l];
    Layer back = {layer.outputs, layer.inputs, layer.sparse, Doubles(layer.weights.size()), {}, {}};
    for (int o = 0; o < layer.outputs; o++) {
      for (int i = 0; i < layer.inputs; i++) {
        back.weights[static_cast<size_t>(i) * layer.outputs + o] =
            layer.weights[static_cast<size_t>(o) * layer.inputs + i];
      }
    }
    pack_map(packed, tensor, 2 * depth - 1 - l, back, nullptr, l == 0 ? -1 : units[l - 1],
             l == 0 ? -1 : affine[l - 1]);
  }
  return packed;
}

inline Doubles flat_parameters(const Net& net) {
  Doubles flat;
  for (const Layer& layer : net.layers) {
    flat.insert(flat.end(), layer.weights.begin(), layer.weights.end());
    flat.insert(flat.end(), layer.biases.begin(), layer.biases.end());
  }
  return flat;
}

// ---- The device ----

class Device {
 public:
  explicit Device(int precision, bool tensor = false) : precision_(precision), tensor_(tensor) {
    SUCCEED(fs_open(0, 0, &context_));
  }
  ~Device() {
    clear();
    SUCCEED(fs_close(context_));
  }
  Device(const Device&) = delete;
  Device& operator=(const Device&) = delete;

  fs_context* context() { return context_; }
  int precision() const { return precision_; }
  // Whether layers that are large enough are on tensor cores.
  bool tensor() const { return tensor_; }
  bool single() const { return precision_ == FS_FLOAT32; }

  // Memory with these values in the device's precision.
  uint64_t write(const Doubles& values) {
    const std::vector<float> floats(values.begin(), values.end());
    return single() ? write_bytes(floats.data(), floats.size() * sizeof(float))
                    : write_double(values);
  }
  uint64_t write_double(const Doubles& values) {
    return write_bytes(values.data(), values.size() * sizeof(double));
  }
  uint64_t write_integers(const std::vector<int32_t>& values) {
    return write_bytes(values.data(), values.size() * sizeof(int32_t));
  }
  // Memory that shows where nothing was written.
  uint64_t unwritten(size_t count) { return write(Doubles(count, 12345)); }

  Doubles read(uint64_t address, size_t count) {
    Doubles values(count);
    if (single()) {
      std::vector<float> floats(count);
      read_bytes(floats.data(), address, count * sizeof(float));
      values.assign(floats.begin(), floats.end());
    } else {
      read_bytes(values.data(), address, count * sizeof(double));
    }
    return values;
  }

  // Frees what was written.
  void clear() {
    for (uint64_t address : allocated_) SUCCEED(fs_free(context_, address));
    allocated_.clear();
  }

 private:
  uint64_t write_bytes(const void* values, size_t bytes) {
    uint64_t address = 0;
    SUCCEED(fs_allocate(context_, bytes, &address));
    SUCCEED(fs_write(context_, address, reinterpret_cast<uintptr_t>(values), bytes));
    allocated_.push_back(address);
    return address;
  }
  void read_bytes(void* values, uint64_t address, size_t bytes) {
    SUCCEED(fs_read(context_, reinterpret_cast<uintptr_t>(values), address, bytes));
  }

  int precision_;
  bool tensor_;
  fs_context* context_ = nullptr;
  std::vector<uint64_t> allocated_;
};

inline fs_network upload(Device& device, const Net& net) {
  const Packed packed = pack(net, device.tensor());
  fs_network network = {};
  network.precision = device.precision();
  network.inputs = net.inputs();
  network.outputs = net.outputs();
  network.layers = static_cast<int>(net.layers.size());
  network.width = net.layers.front().inputs;
  for (const Layer& layer : net.layers) network.width = std::max(network.width, layer.outputs);
  network.units = net.units();
  network.takes_time = net.takes_time;
  network.residual = net.residual;
  network.input_scale = net.input_scale;
  network.output_scale = net.output_scale;
  network.time_low = net.time_low;
  network.time_high = net.time_high;
  network.parameters = net.parameters();
  network.integers = device.write_integers(packed.integers);
  network.numbers = device.write(packed.numbers);
  network.tensor = device.tensor();
  network.layer_numbers = packed.layer_numbers;
  return network;
}

// ---- Comparisons ----

inline bool same_bits(double a, double b) { return std::memcmp(&a, &b, sizeof a) == 0; }

// Within some units of the precision of the size of what was added.
inline bool close(const Device& device, double actual, double expected, double size) {
  const double unit = device.single() ? 4e-5 : 1e-12;
  return std::fabs(actual - expected) <= unit * (1 + size);
}

inline double largest(const Doubles& values) {
  double size = 0;
  for (double v : values) size = std::max(size, std::fabs(v));
  return size;
}

// In either precision.
template <typename Check>
void in_both(Check check) {
  for (int precision : {FS_FLOAT32, FS_FLOAT64}) {
    Device device(precision);
    check(device);
  }
}

// In either precision, and on tensor cores.
template <typename Check>
void in_all(Check check) {
  in_both(check);
  Device device(FS_FLOAT32, true);
  check(device);
}

}  // namespace networks
