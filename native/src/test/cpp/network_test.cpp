// Networks and their training against the definitions in double.

#include "networks.h"

using namespace networks;

namespace {

// ---- Evaluation ----

struct Points {
  int64_t n;
  Doubles x;
  Doubles times;  // [n]
  bool timed;     // one time a row
  Doubles direction;
  Doubles cotangent;
  Doubles signs;  // [probes, d]; empty: the exact divergence
};

Points draw_points(const Net& net, int64_t n, bool timed, int probes) {
  Points points = {n, normals(n * net.inputs()), Doubles(n, 0.75), timed,
                   normals(n * net.inputs()), normals(n * net.outputs()), {}};
  for (double& time : points.times) {
    if (timed) time = 0.125 + below(15) * 0.125;
  }
  for (int i = 0; i < probes * net.inputs(); i++) points.signs.push_back(below(2) == 0 ? 1 : -1);
  return points;
}

struct Results {
  Doubles value;
  Doubles divergence;
  Doubles jvp;
  Doubles vjp;
};

enum Outputs { VALUE = 1, DIVERGENCE = 2, JVP = 4, VJP = 8 };

Results run(Device& device, const Net& net, const Points& points, int outputs) {
  const size_t n = points.n;
  const size_t d = net.inputs();
  const size_t m = net.outputs();
  const fs_network network = upload(device, net);
  const auto room = [&](int output, size_t count) {
    return outputs & output ? device.unwritten(count) : 0;
  };
  const uint64_t value = room(VALUE, n * m);
  const uint64_t divergence = room(DIVERGENCE, n);
  const uint64_t jvp = room(JVP, n * m);
  const uint64_t vjp = room(VJP, n * d);
  SUCCEED(fs_network_evaluate(
      device.context(), &network, points.timed ? NOT_A_NUMBER : 0.75,
      points.timed ? device.write_double(points.times) : 0, points.n, device.write(points.x), value,
      divergence, points.signs.empty() ? 0 : device.write(points.signs),
      static_cast<int>(points.signs.size() / d), outputs & JVP ? device.write(points.direction) : 0,
      jvp, outputs & VJP ? device.write(points.cotangent) : 0, vjp));
  Results results;
  if (value != 0) results.value = device.read(value, n * m);
  if (divergence != 0) results.divergence = device.read(divergence, n);
  if (jvp != 0) results.jvp = device.read(jvp, n * m);
  if (vjp != 0) results.vjp = device.read(vjp, n * d);
  device.clear();
  return results;
}

void check_row(const Device& device, const Net& net, const Points& points, const Results& results,
               int64_t row, const char* name) {
  const int d = net.inputs();
  const int m = net.outputs();
  const double time = points.times[row];
  const Doubles y = value(net, &points.x[row * d], time);
  for (int o = 0; o < m && !results.value.empty(); o++) {
    const double actual = results.value[row * m + o];
    EXPECT(close(device, actual, y[o], largest(y)), "%s: value[%ld, %d] is %.17g and not %.17g",
          name, static_cast<long>(row), o, actual, y[o]);
  }
  if (results.jvp.empty() && results.vjp.empty() && results.divergence.empty()) return;
  const Doubles slopes = jacobian(net, &points.x[row * d], time);
  const double size = largest(slopes) * std::max(d, m);
  for (int o = 0; o < m && !results.jvp.empty(); o++) {
    double sum = 0;
    for (int i = 0; i < d; i++) sum += slopes[o * d + i] * points.direction[row * d + i];
    EXPECT(close(device, results.jvp[row * m + o], sum, size),
           "%s: jvp[%ld, %d] is %.17g, not %.17g",
          name, static_cast<long>(row), o, results.jvp[row * m + o], sum);
  }
  for (int i = 0; i < d && !results.vjp.empty(); i++) {
    double sum = 0;
    for (int o = 0; o < m; o++) sum += slopes[o * d + i] * points.cotangent[row * m + o];
    EXPECT(close(device, results.vjp[row * d + i], sum, size),
           "%s: vjp[%ld, %d] is %.17g, not %.17g",
          name, static_cast<long>(row), i, results.vjp[row * d + i], sum);
  }
  if (!results.divergence.empty()) {
    double trace = 0;
    const size_t probes = points.signs.size() / d;
    for (int o = 0; o < d; o++) {
      trace += probes == 0 ? slopes[o * d + o] : 0;
      for (size_t p = 0; p < probes; p++) {
        for (int i = 0; i < d; i++) {
          trace += points.signs[p * d + o] * slopes[o * d + i] * points.signs[p * d + i] / probes;
        }
      }
    }
    EXPECT(close(device, results.divergence[row], trace, size),
          "%s: divergence[%ld] is %.17g, not %.17g", name, static_cast<long>(row),
          results.divergence[row], trace);
  }
}

Points slice(const Net& net, const Points& points, int64_t first, int64_t n) {
  const int64_t d = net.inputs();
  const int64_t m = net.outputs();
  const auto cut = [&](const Doubles& all, int64_t columns) {
    return Doubles(all.begin() + first * columns, all.begin() + (first + n) * columns);
  };
  return {n, cut(points.x, d), cut(points.times, 1), points.timed, cut(points.direction, d),
          cut(points.cotangent, m), points.signs};
}

void check_same(const Doubles& part, const Doubles& whole, size_t from, const char* name) {
  for (size_t e = 0; e < part.size(); e++) {
    if (!same_bits(part[e], whole[from + e])) {
      EXPECT(false, "%s: element %zu of a part is %.17g, of the whole %.17g", name, e, part[e],
            whole[from + e]);
      return;
    }
  }
}

// All outputs of some rows, and those of other batches with the same rows.
void check_evaluation(Device& device, const Net& net, bool timed, int probes, int outputs,
                      int64_t n, const char* name) {
  const Points points = draw_points(net, n, timed, probes);
  const Results results = run(device, net, points, outputs);
  for (int64_t row = 0; row < n; row += n <= 3 ? 1 : n / 3) {
    check_row(device, net, points, results, row, name);
  }
  const int64_t sizes[] = {0, 1, 63, 64, 65};
  for (int64_t size : sizes) {
    const int64_t first = n - size - (size == 63 ? 3 : 0);
    if (first < 0) continue;
    const Results part = run(device, net, slice(net, points, first, size), outputs);
    check_same(part.value, results.value, first * net.outputs(), name);
    check_same(part.divergence, results.divergence, first, name);
    check_same(part.jvp, results.jvp, first * net.outputs(), name);
    check_same(part.vjp, results.vjp, first * net.inputs(), name);
  }
  // An output's bits do not depend on the others asked for.
  const Results alone = run(device, net, points, VALUE);
  check_same(results.value, alone.value, 0, name);
}

constexpr int ALL = VALUE | DIVERGENCE | JVP | VJP;

// Every shape dense, sparse and with layers of both forms; with a frame and without, one time for
// all rows or one a row, the exact divergence or an estimate.
void check_shapes(Device& device, const std::vector<std::vector<int>>& shapes, int64_t n) {
  for (const std::vector<int>& shape : shapes) {
    for (Style style : {ALL_DENSE, ALL_SPARSE, MIXED}) {
      char name[64];
      std::snprintf(name, sizeof name, "%zu layers from %d inputs, style %d", shape.size() - 1,
                    shape[0], style);
      Net net = draw_net(shape, style, false);
      if (style != ALL_DENSE) add_frame(net);
      check_evaluation(device, net, style == MIXED, style == ALL_SPARSE ? 3 : 0, ALL, n, name);
    }
  }
}

// What is no number stays in its row, and in the results that read it.
void test_faults(Device& device) {
  Net net = draw_net({4, 33, 64, 3}, MIXED, true);
  add_frame(net);
  add_time(net);
  net.residual = true;
  const Points clean = draw_points(net, 70, true, 0);
  const Results expected = run(device, net, clean, ALL);
  Points points = clean;
  points.x[2 * 3 + 1] = NOT_A_NUMBER;
  points.x[69 * 3] = -INFINITE;
  points.times[10] = NOT_A_NUMBER;
  points.times[11] = 2.5;
  points.direction[20 * 3] = INFINITE;
  points.cotangent[30 * 3 + 2] = NOT_A_NUMBER;
  const Results results = run(device, net, points, ALL);
  for (int row = 0; row < 70; row++) {
    const bool bad = row == 2 || row == 69 || row == 10 || row == 11;
    const auto check = [&](const Doubles& actual, const Doubles& wanted, int columns, bool nan) {
      for (int c = 0; c < columns; c++) {
        const double v = actual[row * columns + c];
        EXPECT(nan ? std::isnan(v) : same_bits(v, wanted[row * columns + c]),
              "row %d, column %d of %d is %.17g", row, c, columns, v);
      }
    };
    check(results.value, expected.value, 3, bad);
    check(results.divergence, expected.divergence, 1, bad);
    check(results.jvp, expected.jvp, 3, bad || row == 20);
    check(results.vjp, expected.vjp, 3, bad || row == 30);
  }

  // An overflow is not hidden by a unit: infinity less infinity is no number.
  Net overflow = draw_net({1, 2, 1, 1}, ALL_DENSE, true);
  overflow.layers[0].weights = {1e30, 1e30};
  overflow.layers[0].units = {2, 2};
  overflow.layers[1].weights = {1e300, -1e300};
  if (device.single()) overflow.layers[1].weights = {1e30, -1e30};
  overflow.layers[1].units = {1};
  Points point = draw_points(overflow, 1, false, 0);
  point.x = {device.single() ? 1e20 : 1e200};
  EXPECT(std::isnan(run(device, overflow, point, VALUE).value[0]), "an overflow is hidden");
}

// Outputs where inputs lie are what they are elsewhere.
void test_in_place(Device& device) {
  Net net = draw_net({5, 33, 5}, MIXED, true);
  add_frame(net);
  const size_t count = 70 * 5;
  const Points points = draw_points(net, 70, false, 0);
  const Results expected = run(device, net, points, VALUE | JVP | VJP);
  for (int turn = 0; turn < 3; turn++) {
    const fs_network network = upload(device, net);
    const uint64_t inputs[3] = {device.write(points.x), device.write(points.direction),
                                device.write(points.cotangent)};
    const uint64_t value = inputs[turn];
    const uint64_t jvp = inputs[(turn + 1) % 3];
    const uint64_t vjp = inputs[(turn + 2) % 3];
    SUCCEED(fs_network_evaluate(device.context(), &network, 0, 0, 70, inputs[0], value, 0, 0, 0,
                                inputs[1], jvp, inputs[2], vjp));
    check_same(device.read(value, count), expected.value, 0, "value in place");
    check_same(device.read(jvp, count), expected.jvp, 0, "jvp in place");
    check_same(device.read(vjp, count), expected.vjp, 0, "vjp in place");
    device.clear();
  }
}

// ---- Training ----

struct Trained {
  Doubles y;
  Doubles dx;
  Doubles gradient;
};

enum Where { APART, DX_IS_X, DX_IS_DY };

Trained train(Device& device, const Net& net, int64_t n, const Doubles& x, const Doubles& dy,
              bool wants_dx, bool wants_gradient, Where where) {
  const int hidden = net.units() - net.outputs();
  Net blank = net;  // its weights come with the call
  for (Layer& layer : blank.layers) {
    layer.weights.assign(layer.weights.size(), 777);
    layer.biases.assign(layer.biases.size(), 777);
  }
  const fs_network network = upload(device, blank);
  const uint64_t parameters = device.write(flat_parameters(net));
  const uint64_t points = device.write(x);
  const uint64_t slopes = device.write(dy);
  const uint64_t y = device.unwritten(n * net.outputs());
  // One number more than promised, to see that it is left alone.
  const uint64_t saved = hidden == 0 ? 0 : device.unwritten(n * hidden + 1);
  const uint64_t dx = !wants_dx           ? 0
                      : where == DX_IS_X  ? points
                      : where == DX_IS_DY ? slopes
                                          : device.unwritten(n * net.inputs());
  const uint64_t gradient = wants_gradient ? device.unwritten(net.parameters() + 1) : 0;
  SUCCEED(fs_network_forward(device.context(), &network, parameters, n, points, y, saved));
  SUCCEED(fs_network_backward(device.context(), &network, parameters, n, points, saved, slopes, dx,
                              gradient));
  Trained trained;
  trained.y = device.read(y, n * net.outputs());
  if (wants_dx) trained.dx = device.read(dx, n * net.inputs());
  if (wants_gradient) {
    trained.gradient = device.read(gradient, net.parameters() + 1);
    EXPECT(trained.gradient.back() == 12345, "the gradient is written beyond its end");
    trained.gradient.pop_back();
  }
  if (saved != 0) {
    EXPECT(device.read(saved, n * hidden + 1).back() == 12345, "written beyond what is saved");
  }
  device.clear();
  return trained;
}

void check_training(Device& device, const Net& net, int64_t n, const char* name) {
  const int d = net.inputs();
  const int m = net.outputs();
  const Doubles x = normals(n * d);
  const Doubles dy = normals(n * m);
  const Trained trained = train(device, net, n, x, dy, true, true, APART);

  for (int64_t row = 0; row < n; row += n <= 5 ? 1 : n / 5) {
    const Doubles y = value(net, &x[row * d], 0);
    for (int o = 0; o < m; o++) {
      EXPECT(close(device, trained.y[row * m + o], y[o], largest(y)), "%s: y[%ld, %d] is %.17g",
            name, static_cast<long>(row), o, trained.y[row * m + o]);
    }
    const Doubles slopes = jacobian(net, &x[row * d], 0);
    for (int i = 0; i < d; i++) {
      double sum = 0;
      for (int o = 0; o < m; o++) sum += slopes[o * d + i] * dy[row * m + o];
      EXPECT(close(device, trained.dx[row * d + i], sum, largest(slopes) * m),
            "%s: dx[%ld, %d] is %.17g, not %.17g", name, static_cast<long>(row), i,
            trained.dx[row * d + i], sum);
    }
  }
  // Some parameters, the first and the last among them.
  const int64_t count = net.parameters();
  for (int j = 0; j < 12; j++) {
    const int64_t drawn = static_cast<int64_t>(networks::random() % count);
    const int64_t p = j == 0 ? 0 : j == 1 ? count - 1 : drawn;
    double sum = 0;
    double size = 0;
    for (int64_t row = 0; row < n; row++) {
      std::vector<Dual> point;
      for (int i = 0; i < d; i++) point.push_back({x[row * d + i], 0});
      const std::vector<Dual> y = evaluate(net, point, 0, p);
      for (int o = 0; o < m; o++) {
        sum += y[o].slope * dy[row * m + o];
        size += std::fabs(y[o].slope * dy[row * m + o]);
      }
    }
    EXPECT(close(device, trained.gradient[p], sum, size), "%s: gradient[%ld] is %.17g, not %.17g",
          name, static_cast<long>(p), trained.gradient[p], sum);
  }
  // Each result alone, and in the place of an input.
  check_same(train(device, net, n, x, dy, true, false, APART).dx, trained.dx, 0, name);
  check_same(train(device, net, n, x, dy, false, true, APART).gradient, trained.gradient, 0, name);
  const Trained over_x = train(device, net, n, x, dy, true, true, DX_IS_X);
  check_same(over_x.dx, trained.dx, 0, name);
  check_same(over_x.gradient, trained.gradient, 0, name);
  if (d == m) {
    const Trained over_dy = train(device, net, n, x, dy, true, true, DX_IS_DY);
    check_same(over_dy.dx, trained.dx, 0, name);
    check_same(over_dy.gradient, trained.gradient, 0, name);
  }
  // The forward pass is the evaluation of the same network.
  Points points = {n, x, Doubles(n, 0.0), false, {}, {}, {}};
  check_same(run(device, net, points, VALUE).value, trained.y, 0, name);
}

void check_training(Device& device, const std::vector<std::vector<int>>& shapes,
                    const std::vector<int64_t>& sizes) {
  for (const std::vector<int>& shape : shapes) {
    for (int64_t n : sizes) {
      char name[64];
      std::snprintf(name, sizeof name, "%zu layers from %d inputs, %ld rows", shape.size() - 1,
                    shape[0], static_cast<long>(n));
      Net net = draw_net(shape, ALL_DENSE, n % 2 == 0);
      if (n > 1) add_frame(net);
      check_training(device, net, n, name);
    }
  }
}

void test_training_faults(Device& device) {
  const Net net = draw_net({2, 3, 2}, ALL_DENSE, true);
  const Trained none = train(device, net, 0, {}, {}, true, true, APART);
  for (double g : none.gradient) EXPECT(g == 0, "the gradient of no rows is %.17g", g);

  Doubles x = normals(65 * 2);
  const Doubles dy = normals(65 * 2);
  const Trained clean = train(device, net, 65, x, dy, true, true, APART);
  x[7 * 2] = INFINITE;
  const Trained faulty = train(device, net, 65, x, dy, true, true, APART);
  for (int e = 0; e < 65 * 2; e++) {
    const bool bad = e / 2 == 7;
    EXPECT(bad ? std::isnan(faulty.dx[e]) : same_bits(faulty.dx[e], clean.dx[e]), "dx[%d]", e);
    EXPECT(bad ? std::isnan(faulty.y[e]) : same_bits(faulty.y[e], clean.y[e]), "y[%d]", e);
  }
  EXPECT(std::isnan(faulty.gradient[0]), "a gradient of a row that is not finite is finite");
}

// ---- Adam ----

struct AdamStep {
  double learning_rate = 0.01;
  double beta1 = 0.875;
  double beta2 = 0.96875;
  double epsilon = 1e-8;
  double weight_decay = 0.125;
  double clip_norm;
};

void check_adam(Device& device, size_t count, double clip_norm, bool faulty) {
  AdamStep step;
  step.clip_norm = clip_norm;
  Doubles parameters = normals(count);
  Doubles mean(count, 0);
  Doubles square(count, 0);
  const uint64_t parameters_at = device.write(parameters);
  const uint64_t mean_at = device.write(mean);
  const uint64_t square_at = device.write(square);
  for (int t = 1; t <= 3; t++) {
    Doubles gradient = normals(count);
    if (faulty) gradient[count / 2] = t == 1 ? INFINITE : 1;
    const double mean_correction = 1 - std::pow(step.beta1, t);
    const double square_correction = 1 - std::pow(step.beta2, t);
    SUCCEED(fs_adam(device.context(), device.precision(), static_cast<int64_t>(count),
                    parameters_at, device.write(gradient), mean_at, square_at, step.learning_rate,
                    step.beta1, step.beta2, step.epsilon, step.weight_decay, step.clip_norm,
                    mean_correction, square_correction));
    double norm = 0;
    for (double g : gradient) norm += g * g;
    norm = std::sqrt(norm);
    for (size_t p = 0; p < count; p++) {
      const double g = gradient[p] * (norm > clip_norm ? clip_norm / norm : 1);
      mean[p] = step.beta1 * mean[p] + (1 - step.beta1) * g;
      square[p] = step.beta2 * square[p] + (1 - step.beta2) * g * g;
      const double direction = mean[p] / mean_correction /
                               (std::sqrt(square[p] / square_correction) + step.epsilon);
      parameters[p] -= step.learning_rate * (direction + step.weight_decay * parameters[p]);
    }
  }
  const Doubles actual = device.read(parameters_at, count);
  for (size_t p = 0; p < count; p++) {
    EXPECT(faulty ? std::isnan(actual[p])
                 : std::fabs(actual[p] - parameters[p]) <= (device.single() ? 1e-6 : 1e-14) * 4,
          "adam of %zu, clip %g: parameter %zu is %.17g, not %.17g", count, clip_norm, p, actual[p],
          parameters[p]);
  }
  device.clear();
}

// ---- Both precisions ----

}  // namespace

TEST(small_networks_are_as_defined) {
  in_all([](Device& device) {
    check_shapes(device, {{1, 1}, {2, 33, 2}}, check::EVERY_THREAD_IS_DEAR ? 65 : 200);
    if (check::EVERY_THREAD_IS_DEAR) return;
    check_shapes(device, {{1, 2, 1}, {33, 64, 33}, {5, 129, 64, 5}}, 200);
    check_shapes(device, {{3, 33, 1, 64, 3}, {2, 64, 2, 33, 64, 2}}, 70);
    check_shapes(device, {{129, 2, 129}, {3, 700, 3}}, 70);
  });
}

// The error in 3xTF32 is at most twice that of float; here both are squared.
TEST(tensor_cores_round_like_float) {
  if (check::EVERY_THREAD_IS_DEAR) return;
  for (int width : {64, 128}) {
    const Net net = draw_net({16, width, width, width, width, width, width, width, 32}, ALL_DENSE,
                             true);
    const Points points = draw_points(net, 32, false, 0);
    double errors[2] = {};
    for (bool tensor : {false, true}) {
      Device device(FS_FLOAT32, tensor);
      const Results results = run(device, net, points, VALUE);
      for (int64_t row = 0; row < points.n; row++) {
        const Doubles right = value(net, &points.x[row * net.inputs()], 0.75);
        const double size = largest(right);
        for (int o = 0; o < net.outputs(); o++) {
          const double error = results.value[row * net.outputs() + o] - right[o];
          errors[tensor] += error * error / (size * size);
        }
      }
    }
    EXPECT(errors[1] > 0 && errors[1] <= 4 * errors[0], "width %d: %.3g and in float %.3g", width,
           std::sqrt(errors[1]), std::sqrt(errors[0]));
  }
}

TEST(networks_with_a_time_are_as_defined) {
  in_all([](Device& device) {
    for (bool timed : {false, true}) {
      Net net = draw_net({4, 64, 33, 3}, MIXED, true);
      add_frame(net);
      add_time(net);
      net.residual = true;
      check_evaluation(device, net, timed, timed ? 2 : 0, ALL,
                       check::EVERY_THREAD_IS_DEAR ? 9 : 200, "with a time");
    }
  });
}

TEST(networks_of_unlike_ends_are_as_defined) {
  in_all([](Device& device) {
    const int outputs = VALUE | JVP | VJP;
    check_evaluation(device, draw_net({3, 33, 7}, MIXED, true), false, 0, outputs, 65, "more out");
    check_evaluation(device, draw_net({64, 33, 1}, MIXED, true), false, 0, outputs, 65, "fewer");
    // Fragments reach behind the last input, where nothing was written yet.
    check_evaluation(device, draw_net({17, 33, 7}, ALL_DENSE, true), false, 0, outputs, 65, "odd");
  });
}

TEST(wide_networks_are_as_defined) {
  if (check::EVERY_THREAD_IS_DEAR) return;
  in_both([](Device& device) {
    check_evaluation(device, draw_net({700, 129, 700}, ALL_DENSE, true), false, 1, VALUE | VJP, 64,
                     "700 columns");
    check_evaluation(device, draw_net({1, 700, 700, 1}, ALL_DENSE, true), false, 0, ALL, 3,
                     "700 by 700");
  });
}

TEST(networks_too_wide_for_a_chip_are_as_defined) {
  in_both([](Device& device) {
    check_evaluation(device, draw_net({2, 7500, 2}, ALL_DENSE, true), false, 0, ALL,
                     check::EVERY_THREAD_IS_DEAR ? 5 : 65, "7500 wide");
  });
}

TEST(what_is_no_number_stays_in_its_row) { in_all(test_faults); }

TEST(outputs_may_lie_where_inputs_do) { in_all(test_in_place); }

TEST(training_follows_the_chain_rule) {
  in_both([](Device& device) {
    if (check::EVERY_THREAD_IS_DEAR) {
      check_training(device, {{2, 33, 2}}, {65});
      return;
    }
    check_training(device, {{1, 1}, {2, 3}, {2, 33, 2}, {2, 33, 64, 1, 33, 2}}, {1, 63, 64, 600});
    check_training(device, {{3, 64, 64, 3}, {5, 129, 2, 5}, {65, 1}, {20, 33, 20}}, {65});
  });
}

// So many units that the runs of rows are taken in parts, and off chip.
TEST(a_batch_goes_back_in_parts) {
  if (check::EVERY_THREAD_IS_DEAR) return;
  in_both([](Device& device) {
    check_training(device, draw_net({1, 10000, 1}, ALL_DENSE, true), device.single() ? 800 : 300,
                   "in parts");
  });
}

TEST(training_tells_of_what_is_no_number) { in_both(test_training_faults); }

TEST(adam_is_as_defined) {
  in_both([](Device& device) {
    for (size_t count : {1, 255, 256, 1000, check::EVERY_THREAD_IS_DEAR ? 2000 : 70000}) {
      check_adam(device, count, INFINITE, false);
      check_adam(device, count, 0.5, false);
    }
  });
}

TEST(adam_tells_of_a_gradient_that_is_not_finite) {
  in_both([](Device& device) {
    check_adam(device, 1000, 0.5, true);
    check_adam(device, 1000, INFINITE, true);
  });
}
