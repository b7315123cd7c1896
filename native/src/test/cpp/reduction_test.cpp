// Sums over a batch against sums in long double.

#include <cmath>
#include <cstdint>
#include <cstring>
#include <limits>
#include <random>
#include <vector>

#include "check.h"
#include "device_array.h"
#include "fewstep_linear.h"
#include "tuning.cuh"

namespace {

using fewstep::tuning::REDUCTION_BLOCKS;
using fewstep::tuning::REDUCTION_THREADS;

constexpr int SUMS = 3;
constexpr double NOT_A_NUMBER = std::numeric_limits<double>::quiet_NaN();
constexpr double INFINITE = std::numeric_limits<double>::infinity();

template <typename Real>
struct Points {
  int64_t rows;
  int columns;
  std::vector<Real> x;
  std::vector<Real> u;
  std::vector<Real> divergence;
};

template <typename Real, typename Draw>
Points<Real> draw(int64_t rows, int columns, Draw number) {
  Points<Real> points = {rows, columns, {}, {}, {}};
  for (int64_t e = 0; e < rows * columns; e++) {
    points.x.push_back(static_cast<Real>(number()));
    points.u.push_back(static_cast<Real>(number()));
  }
  for (int64_t row = 0; row < rows; row++) {
    points.divergence.push_back(static_cast<Real>(number()));
  }
  return points;
}

template <typename Real>
Points<Real> draw_normals(int64_t rows, int columns) {
  std::mt19937 random(static_cast<unsigned>(rows * 31 + columns));
  std::normal_distribution<double> normal;
  return draw<Real>(rows, columns, [&] { return normal(random); });
}

// None of them is 0, so that each is missed.
template <typename Real>
Points<Real> draw_integers(int64_t rows, int columns) {
  std::mt19937 random(static_cast<unsigned>(rows * 31 + columns));
  return draw<Real>(rows, columns, [&] {
    const int magnitude = 1 + static_cast<int>(random() % 1000);
    return random() % 2 == 0 ? magnitude : -magnitude;
  });
}

// Numbers on the device, so many places behind an address that is a multiple of 16, between others
// that are NaN.
template <typename Real>
class Placed {
 public:
  Placed(const std::vector<Real>& numbers, int offset) : offset_(offset), array_(around(numbers)) {}

  uint64_t address() const {
    return reinterpret_cast<uintptr_t>(array_.data() + ALIGNED + offset_);
  }

 private:
  static constexpr int ALIGNED = 16 / sizeof(Real);

  std::vector<Real> around(const std::vector<Real>& numbers) const {
    std::vector<Real> all(ALIGNED + offset_, static_cast<Real>(NOT_A_NUMBER));
    all.insert(all.end(), numbers.begin(), numbers.end());
    all.insert(all.end(), ALIGNED, static_cast<Real>(NOT_A_NUMBER));
    return all;
  }

  int offset_;
  DeviceArray<Real> array_;
};

template <typename Real>
std::vector<double> sums_of(const Points<Real>& points, int x_offset = 0, int u_offset = 0,
                            int divergence_offset = 0) {
  const Placed<Real> x(points.x, x_offset);
  const Placed<Real> u(points.u, u_offset);
  const Placed<Real> divergence(points.divergence, divergence_offset);
  const DeviceArray<double> sums(std::vector<double>(SUMS + 1, 7));
  fs_context* context;
  CHECK(fs_open(0, 0, &context) == FS_SUCCESS);
  CHECK(fs_stein_sums(context, sizeof(Real) == 4 ? FS_FLOAT32 : FS_FLOAT64, points.rows,
                      points.columns, x.address(), u.address(), divergence.address(),
                      reinterpret_cast<uintptr_t>(sums.data())) == FS_SUCCESS);
  CHECK(fs_close(context) == FS_SUCCESS);
  std::vector<double> result = sums.read();
  CHECK(result.back() == 7);
  result.pop_back();
  return result;
}

// A sum that keeps what rounding takes from it. Without, the squares of so many floats would be
// off by more than the sums under test: the square of an odd integer is 1 modulo 8, and so most
// squares are rounded down.
class Sum {
 public:
  void add(long double term) {
    const long double sum = sum_ + term;
    const long double left = sum - term;
    rest_ += (sum_ - left) + (term - (sum - left));
    sum_ = sum;
    size_ += std::fabs(term);
  }

  double value() const { return static_cast<double>(sum_ + rest_); }

  // The same of magnitudes.
  double size() const { return static_cast<double>(size_); }

 private:
  long double sum_ = 0;
  long double rest_ = 0;
  long double size_ = 0;
};

template <typename Real>
std::vector<Sum> reference(const Points<Real>& points) {
  std::vector<Sum> sums(SUMS);
  for (size_t e = 0; e < points.u.size(); e++) {
    const long double u = points.u[e];
    sums[0].add(u * points.x[e]);
    sums[1].add(u * u);
  }
  for (Real divergence : points.divergence) sums[2].add(divergence);
  return sums;
}

// Shapes about which something changes: lanes, warps, blocks, the most blocks, vectors read ahead.
template <typename Real>
std::vector<std::pair<int64_t, int>> shapes() {
  constexpr int LANES = 16 / sizeof(Real);
  constexpr int BLOCK = REDUCTION_THREADS * LANES;
  std::vector<std::pair<int64_t, int>> shapes = {{1, 1},  {1, 2},   {2, 1},   {3, 3},    {5, 17},
                                                 {33, 4}, {127, 1}, {129, 2}, {1, BLOCK}};
  const std::vector<int64_t> one_column =
      check::EVERY_THREAD_IS_DEAR
          ? std::vector<int64_t>{BLOCK - 1, BLOCK + 1, 3 * BLOCK}
          : std::vector<int64_t>{BLOCK - 1,
                                 BLOCK,
                                 BLOCK + 1,
                                 7 * BLOCK + 3,
                                 int64_t{REDUCTION_BLOCKS} * BLOCK - 1,
                                 int64_t{REDUCTION_BLOCKS} * BLOCK + LANES,
                                 2 * int64_t{REDUCTION_BLOCKS} * BLOCK - BLOCK / 2,
                                 5 * int64_t{REDUCTION_BLOCKS} * BLOCK + 1};
  for (int64_t rows : one_column) shapes.push_back({rows, 1});
  if (!check::EVERY_THREAD_IS_DEAR) {
    shapes.insert(shapes.end(), {{1000, 3}, {77, 784}, {2, 100003}, {3001, 257}});
  }
  return shapes;
}

template <typename Real>
void check_sums() {
  for (const auto& [rows, columns] : shapes<Real>()) {
    const auto points = draw_normals<Real>(rows, columns);
    const std::vector<double> actual = sums_of(points);
    const std::vector<Sum> expected = reference(points);
    for (int s = 0; s < SUMS; s++) {
      CHECK_NEAR(actual[s], expected[s].value(), 4 * 0x1p-53 * expected[s].size());
    }
  }
}

template <typename Real>
void check_integers() {
  for (const auto& [rows, columns] : shapes<Real>()) {
    const auto points = draw_integers<Real>(rows, columns);
    const std::vector<double> actual = sums_of(points);
    const std::vector<Sum> expected = reference(points);
    for (int s = 0; s < SUMS; s++) CHECK_NEAR(actual[s], expected[s].value(), 0);
  }
}

bool same_bits(const std::vector<double>& a, const std::vector<double>& b) {
  return std::memcmp(a.data(), b.data(), a.size() * sizeof(double)) == 0;
}

template <typename Real>
void check_places() {
  const int64_t rows = check::EVERY_THREAD_IS_DEAR ? 301 : 70001;
  const auto points = draw_normals<Real>(rows, 5);
  const std::vector<double> sums = sums_of(points);
  CHECK(same_bits(sums, sums_of(points)));
  CHECK(same_bits(sums, sums_of(points, 1, 0, 0)));
  CHECK(same_bits(sums, sums_of(points, 0, 1, 0)));
  CHECK(same_bits(sums, sums_of(points, 1, 1, 1)));
}

template <typename Real>
void check_what_is_no_number() {
  auto points = draw_normals<Real>(1500, 3);
  const std::vector<double> clean = sums_of(points);
  for (int place : {0, 1023, 1024, 4499}) {
    const Real held = points.x[place];
    points.x[place] = static_cast<Real>(NOT_A_NUMBER);
    const std::vector<double> sums = sums_of(points);
    CHECK(std::isnan(sums[0]) && sums[1] == clean[1] && sums[2] == clean[2]);
    points.x[place] = held;
  }
  points.x[17] = 0;
  points.u[17] = static_cast<Real>(INFINITE);
  points.divergence[1499] = static_cast<Real>(-INFINITE);
  const std::vector<double> sums = sums_of(points);
  CHECK(std::isnan(sums[0]) && sums[1] == INFINITE && sums[2] == -INFINITE);
}

}  // namespace

TEST(sums_are_those_of_long_double) {
  check_sums<float>();
  check_sums<double>();
}

TEST(sums_of_integers_are_exact) {
  check_integers<float>();
  check_integers<double>();
}

TEST(bits_of_sums_do_not_depend_on_the_place) {
  check_places<float>();
  check_places<double>();
}

TEST(what_is_no_number_goes_the_way_of_arithmetic) {
  check_what_is_no_number<float>();
  check_what_is_no_number<double>();
}

TEST(the_sums_of_no_rows_are_zero) {
  CHECK(sums_of(Points<float>{0, 3, {}, {}, {}}) == std::vector<double>(SUMS, 0));
  CHECK(sums_of(Points<double>{0, 3, {}, {}, {}}) == std::vector<double>(SUMS, 0));
}

TEST(squares_of_large_floats_do_not_overflow) {
  const Points<float> points = {2, 1, {-1e30f, 2}, {1e30f, 1}, {1e30f, 1e30f}};
  const std::vector<double> sums = sums_of(points);
  const double large = 1e30f;
  CHECK(sums[0] == -large * large && sums[1] == large * large && sums[2] == 2 * large);
}
