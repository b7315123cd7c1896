// Trajectories in one kernel against plans that are run by definition, in double.

#include "networks.h"

using namespace networks;

namespace {

constexpr int MOST_SLOTS = 8;

// An evaluation, or with target 0 the end of a step.
struct Action {
  Doubles weights;  // [slots]
  int target;
  double time;
  double drift;
  double half;
};

struct TestPlan {
  int slots;
  std::vector<Action> actions;

  int steps() const {
    int count = 0;
    for (const Action& action : actions) count += action.target == 0;
    return count;
  }
};

// The weights of a combination: the state and a little of some of the others.
Doubles draw_weights(int slots) {
  Doubles weights(slots);
  weights[0] = below(4) == 0 ? 1 : 0.75;
  for (int j = 1; j < slots; j++) weights[j] = below(3) == 0 ? 0 : 0.25 * normal() / slots;
  return weights;
}

// Slots are read before they are written, too, and a step may evaluate nothing.
TestPlan draw_plan(int slots, int steps, double low, double high) {
  TestPlan plan = {slots, {}};
  for (int s = 0; s < steps; s++) {
    const int stages = slots == 1 || s == 1 ? 0 : 1 + below(2);
    for (int j = 0; j < stages; j++) {
      const double time = low + (high - low) * below(9) / 8;
      plan.actions.push_back(
          {draw_weights(slots), 1 + below(slots - 1), time, below(2) * 0.5, 0.5 - below(2)});
    }
    plan.actions.push_back({draw_weights(slots), 0, 0, 0, 0});
  }
  return plan;
}

Doubles combined(const Doubles& weights, const std::vector<Doubles>& slots) {
  Doubles sum(slots[0].size());
  for (size_t j = 0; j < slots.size(); j++) {
    for (size_t i = 0; i < sum.size(); i++) sum[i] += weights[j] * slots[j][i];
  }
  return sum;
}

// The states of a row at all knots.
std::vector<Doubles> follow(const Net& net, const TestPlan& plan, const double* x) {
  const size_t d = net.inputs();
  std::vector<Doubles> slots(plan.slots, Doubles(d));
  slots[0].assign(x, x + d);
  std::vector<Doubles> knots = {slots[0]};
  for (const Action& action : plan.actions) {
    const Doubles y = combined(action.weights, slots);
    slots[action.target] = y;
    if (action.target == 0) {
      knots.push_back(y);
      continue;
    }
    const Doubles field = value(net, y.data(), action.time);
    for (size_t i = 0; i < d; i++) {
      slots[action.target][i] = action.drift * y[i] - action.half * field[i];
    }
  }
  return knots;
}

// As PlanProgram lays it out.
Doubles program_of(const TestPlan& plan) {
  Doubles program;
  for (const Action& action : plan.actions) {
    Doubles numbers = action.weights;
    numbers.resize(2 * MOST_SLOTS);
    numbers.insert(numbers.end(), {0, action.drift, action.half, 0.0});
    numbers.push_back(action.target);
    numbers.resize(24);
    program.insert(program.end(), numbers.begin(), numbers.end());
  }
  return program;
}

enum Wanted { END = 1, KNOTS = 2, IN_PLACE = 4 };

struct Path {
  Doubles end;
  std::vector<Doubles> knots;
};

Path run(Device& device, const Net& net, const TestPlan& plan, const Doubles& x, int wanted) {
  const fs_network network = upload(device, net);
  int fuses = 0;
  SUCCEED(fs_network_fuses(device.context(), &network, plan.slots, &fuses));
  CHECK(fuses == 1);
  Doubles times;
  int operations = 0;
  for (const Action& action : plan.actions) {
    operations++;
    if (action.target > 0) times.push_back(action.time);
  }
  const uint64_t start = device.write(x);
  const uint64_t end = wanted & IN_PLACE ? start : wanted & END ? device.unwritten(x.size()) : 0;
  std::vector<uint64_t> knots;
  for (int s = 0; wanted & KNOTS && s <= plan.steps(); s++) {
    knots.push_back(device.unwritten(x.size()));
  }
  SUCCEED(fs_network_trajectory(
      device.context(), &network, device.write_double(times), operations,
      device.write(program_of(plan)), plan.slots, static_cast<int64_t>(x.size() / net.inputs()),
      start, end, static_cast<int>(knots.size()), knots.empty() ? nullptr : knots.data()));
  Path path;
  if (end != 0) path.end = device.read(end, x.size());
  for (uint64_t knot : knots) path.knots.push_back(device.read(knot, x.size()));
  device.clear();
  return path;
}

void check_same(const Doubles& part, const Doubles& whole, size_t from, const char* name) {
  for (size_t e = 0; e < part.size(); e++) {
    if (!same_bits(part[e], whole[from + e])) {
      EXPECT(false, "%s: element %zu is %.17g and not %.17g", name, e, part[e], whole[from + e]);
      return;
    }
  }
}

void check_path(Device& device, const Net& net, int slots, int64_t n, const char* name) {
  const int d = net.inputs();
  const TestPlan plan =
      draw_plan(slots, 4, net.takes_time ? net.time_low : 0, net.takes_time ? net.time_high : 1);
  const Doubles x = normals(n * d);
  const Path path = run(device, net, plan, x, END | KNOTS);
  for (int64_t row = 0; row < n; row += n <= 3 ? 1 : n / 3) {
    const std::vector<Doubles> expected = follow(net, plan, &x[row * d]);
    double size = 0;
    for (size_t k = 0; k < expected.size(); k++) {
      size = std::max(size, largest(expected[k]));
      for (int i = 0; i < d; i++) {
        const double actual = path.knots[k][row * d + i];
        EXPECT(close(device, actual, expected[k][i], size),
               "%s: knot %zu of row %ld [%d] is %.17g and not %.17g", name, k,
               static_cast<long>(row), i, actual, expected[k][i]);
      }
    }
  }
  check_same(path.knots.front(), x, 0, name);
  check_same(path.knots.back(), path.end, 0, name);
  for (int64_t size : {0, 1, 63, 64, 65}) {
    const int64_t first = n - size - (size == 63 ? 3 : 0);
    if (first < 0) continue;
    const Doubles part(x.begin() + first * d, x.begin() + (first + size) * d);
    check_same(run(device, net, plan, part, IN_PLACE).end, path.end, first * d, name);
  }
}

// Dense networks whose weights fit on chip beside a tile, and others; all that surrounds layers.
void check_shapes(Device& device, const std::vector<std::vector<int>>& shapes, int64_t n) {
  int number = 0;
  for (const std::vector<int>& shape : shapes) {
    for (Style style : {ALL_DENSE, ALL_SPARSE, MIXED}) {
      char name[64];
      std::snprintf(name, sizeof name, "%zu layers from %d inputs, style %d", shape.size() - 1,
                    shape[0], style);
      Net net = draw_net(shape, style, true);
      if (style != ALL_DENSE) add_frame(net);
      check_path(device, net, 1 + number % MOST_SLOTS, n, name);
      number++;
      std::vector<int> timed = shape;
      timed[0]++;
      net = draw_net(timed, style, true);
      add_time(net);
      if (style != ALL_SPARSE) add_frame(net);
      check_path(device, net, 2 + number % (MOST_SLOTS - 1), n, name);
      number++;
    }
  }
}

// What is not finite, or becomes so on the way, makes its row NaN and changes no other.
void check_bad_rows(Device& device, const Net& net, const char* name) {
  const int d = net.inputs();
  const int64_t n = 70;
  const TestPlan plan = draw_plan(3, 3, 0.25, 1);
  const Doubles good = normals(n * d);
  const Path expected = run(device, net, plan, good, END | KNOTS);
  const double bad[] = {NOT_A_NUMBER, INFINITE, -INFINITE};
  for (int64_t row : {0, 5, 64, 69}) {
    Doubles x = good;
    x[row * d + row % d] = bad[row % 3];
    const Path path = run(device, net, plan, x, END | KNOTS);
    for (int64_t r = 0; r < n; r++) {
      for (int i = 0; i < d; i++) {
        const size_t at = r * d + i;
        if (r != row) {
          EXPECT(same_bits(path.end[at], expected.end[at]), "%s: beside a bad row", name);
        } else {
          EXPECT(std::isnan(path.end[at]), "%s: a bad row is %.17g", name, path.end[at]);
          EXPECT(std::isnan(path.knots[1][at]), "%s: a bad row becomes %.17g", name,
                 path.knots[1][at]);
        }
      }
    }
  }
}

}  // namespace

TEST(trajectories_are_those_of_their_plans) {
  in_all([](Device& device) {
    check_shapes(device, {{1, 1}, {2, 17, 2}}, check::EVERY_THREAD_IS_DEAR ? 65 : 200);
    if (check::EVERY_THREAD_IS_DEAR) return;
    check_shapes(device, {{3, 64, 33, 3}, {20, 100, 20}, {8, 129, 128, 8}}, 67);
  });
}

TEST(plans_of_any_number_of_slots_are_run) {
  in_both([](Device& device) {
    for (int slots = 1; slots <= MOST_SLOTS; slots++) {
      check_path(device, draw_net({3, 9, 3}, ALL_DENSE, true), slots, 66, "slots");
    }
  });
}

// More tiles than blocks stay for, on a device of few multiprocessors.
TEST(blocks_go_over_many_tiles) {
  if (check::EVERY_THREAD_IS_DEAR) return;
  in_both([](Device& device) {
    check_path(device, draw_net({2, 8, 2}, ALL_DENSE, true), 3, 64 * 70 + 1, "many tiles");
  });
}

TEST(a_plan_without_steps_leaves_rows_as_they_are) {
  in_both([](Device& device) {
    const Net net = draw_net({2, 8, 2}, ALL_DENSE, true);
    const Doubles x = normals(2 * 65);
    check_same(run(device, net, {2, {}}, x, END).end, x, 0, "no steps");
  });
}

TEST(a_bad_row_is_a_bad_row_throughout_and_alone) {
  in_all([](Device& device) {
    check_bad_rows(device, draw_net({2, 9, 2}, ALL_DENSE, true), "dense");
    if (check::EVERY_THREAD_IS_DEAR) return;
    Net framed = draw_net({5, 33, 5}, MIXED, true);
    add_frame(framed);
    check_bad_rows(device, framed, "clamped");
  });
}

// An overflow on the way is seen by the evaluation after it, in all columns of its row.
TEST(an_overflow_stays_in_its_row) {
  Device device(FS_FLOAT32);
  Net net = draw_net({2, 2}, ALL_SPARSE, true);
  net.layers[0].units.assign(2, 2);
  net.layers[0].weights = {1, 0, 0, 1};
  const TestPlan plan = {2,
                         {{{1, 0}, 1, 0.5, 0, -1}, {{1, 1}, 0, 0, 0, 0},
                          {{1, 0}, 1, 0.5, 0, -1}, {{1, 1}, 0, 0, 0, 0}}};
  const Doubles ones(2 * 65, 1);
  Doubles x = ones;
  x[128] = 1e30;
  const Doubles expected = run(device, net, plan, ones, END).end;
  const Doubles end = run(device, net, plan, x, END).end;
  CHECK(std::isnan(end[128]) && std::isnan(end[129]));
  for (int e = 0; e < 128; e++) CHECK(same_bits(end[e], expected[e]));
}

TEST(networks_too_wide_for_a_tile_on_chip_are_left_to_others) {
  in_both([](Device& device) {
    fs_network network = {};
    network.precision = device.precision();
    network.inputs = network.outputs = 2;
    int fuses = -1;
    for (int width : {3000, 4000}) {
      network.width = width;
      SUCCEED(fs_network_fuses(device.context(), &network, 4, &fuses));
      CHECK(fuses == (width == 3000));
    }
    // Slots take their room too.
    network.width = network.inputs = network.outputs = 1000;
    SUCCEED(fs_network_fuses(device.context(), &network, 3, &fuses));
    CHECK(fuses == 1);
    SUCCEED(fs_network_fuses(device.context(), &network, 8, &fuses));
    CHECK(fuses == 0);
    CHECK(fs_network_trajectory(device.context(), &network, 0, 0, 0, 8, 5, 0, 0, 0, nullptr) ==
          FS_INVALID_ARGUMENT);
    CHECK(fs_network_trajectory(device.context(), &network, 0, 0, 0, 9, 5, 0, 0, 0, nullptr) ==
          FS_INVALID_ARGUMENT);
  });
}
