// Values of mixtures of many dimensions in tiles, through the C interface, against sums of
// differences in float64; and their errors against those of the same sums in float32.

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <limits>
#include <random>
#include <string>
#include <vector>

#include "check.h"
#include "device_array.h"
#include "environment.h"
#include "fewstep_mixture.h"

namespace {

void expect(bool good, const std::string& what, int line = __builtin_LINE()) {
  check::that(good, what.c_str(), __FILE__, line);
}

const double LOG_2 = std::log(2.0);
const double LOG_TWO_PI = std::log(2 * std::acos(-1.0));

// An isotropic mixture, or a diagonal one of one covariance, at one time.
struct Mixture {
  int kind;
  int d;
  int k;
  bool shared;
  double alpha;
  double variance;
  std::vector<double> weights;  // of sum 1
  std::vector<double> means;    // [k,d]
  std::vector<double> sigmas;   // [k,d], eigenvalues at t = 0, repeated if isotropic or shared

  double lambda(int c, int j) const { return alpha * alpha * sigmas[c * d + j] + variance; }

  std::string name() const {
    return std::string(kind == FS_ISOTROPIC ? "isotropic" : "diagonal") +
           (shared ? " shared" : "") + " d=" + std::to_string(d) + " K=" + std::to_string(k) + " ";
  }

  std::vector<double> centre() const {
    std::vector<double> mean(d, 0.0);
    for (int c = 0; c < k; c++) {
      for (int j = 0; j < d; j++) mean[j] += weights[c] * means[c * d + j];
    }
    return mean;
  }
};

double least(const std::vector<double>& values) {
  return *std::min_element(values.begin(), values.end());
}

double most(const std::vector<double>& values) {
  return *std::max_element(values.begin(), values.end());
}

// The largest square of a mean, in units of lambda if all components share it.
double largest_mean_square(const Mixture& mixture) {
  const std::vector<double> centre = mixture.centre();
  double largest = 0;
  for (int c = 0; c < mixture.k; c++) {
    double square = 0;
    for (int j = 0; j < mixture.d && mixture.weights[c] > 0; j++) {
      const double m = mixture.alpha * (mixture.means[c * mixture.d + j] - centre[j]);
      square += m * m / (mixture.shared ? mixture.lambda(c, j) : 1);
    }
    largest = std::max(largest, square);
  }
  return largest;
}

double lambda_of(const Mixture& mixture, double sigma) {
  return mixture.alpha * mixture.alpha * sigma + mixture.variance;
}

// The squares that cancel in a logit, and the most of them that the expanded form is taken for; as
// org.fewstep.mixture.ExpandedForm has them.
double cancelling(const Mixture& mixture) {
  const double square = largest_mean_square(mixture);
  return mixture.shared ? square
                        : (square + 0.5 * mixture.d * lambda_of(mixture, most(mixture.sigmas))) /
                              lambda_of(mixture, least(mixture.sigmas));
}

double allowed(int d) { return std::min(3.0 * d, 0.5 * std::pow(d, 1.5)); }

// Means in a ball, so wide that so much of what is allowed cancels.
Mixture draw(std::mt19937& random, int kind, int d, int k, bool shared, double share) {
  std::normal_distribution<double> normal;
  std::uniform_real_distribution<double> uniform(0.9, 1.1);
  Mixture mixture = {kind, d, k, shared, 0.8, 0.05, {}, {}, {}};
  double sum = 0;
  for (int c = 0; c < k; c++) {
    mixture.weights.push_back(k > 2 && c == 1 ? 0 : uniform(random));
    sum += mixture.weights.back();
  }
  for (double& weight : mixture.weights) weight /= sum;
  std::vector<double> offset;
  for (int j = 0; j < d; j++) offset.push_back(5 * normal(random));
  for (int c = 0; c < k; c++) {
    const double one = uniform(random);
    for (int j = 0; j < d; j++) {
      mixture.means.push_back(normal(random));
      const double own = kind == FS_ISOTROPIC ? one : uniform(random);
      mixture.sigmas.push_back(shared && c > 0 ? mixture.sigmas[j] : 0.3 * own);
    }
  }
  const std::vector<double> centre = mixture.centre();
  const double target = share * allowed(d);
  const double fixed = shared ? 0 : cancelling(mixture) - largest_mean_square(mixture) /
                                        lambda_of(mixture, least(mixture.sigmas));
  const double square =
      largest_mean_square(mixture) / (shared ? 1 : lambda_of(mixture, least(mixture.sigmas)));
  const double scale = k > 1 ? std::sqrt((target - fixed) / square) : 1;
  for (int c = 0; c < k; c++) {
    for (int j = 0; j < d; j++) {
      double& mean = mixture.means[c * d + j];
      mean = offset[j] + scale * (mean - centre[j]);
    }
  }
  return mixture;
}

// Points that the mixture sends, and some between two of them.
std::vector<float> points_of(std::mt19937& random, const Mixture& mixture, int n) {
  std::normal_distribution<double> normal;
  std::vector<float> x;
  for (int row = 0; row < n; row++) {
    const int a = static_cast<int>(random() % mixture.k);
    const int b = row % 4 == 3 ? static_cast<int>(random() % mixture.k) : a;
    for (int j = 0; j < mixture.d; j++) {
      const double mean =
          (mixture.means[a * mixture.d + j] + mixture.means[b * mixture.d + j]) / 2;
      x.push_back(static_cast<float>(mixture.alpha * mean +
                                     std::sqrt(mixture.lambda(a, j)) * normal(random)));
    }
  }
  return x;
}

struct Values {
  std::vector<double> log_density, score, mean;
};

// By differences, with squares summed in the type given.
template <typename Real>
Values by_differences(const Mixture& mixture, const std::vector<float>& x) {
  const int d = mixture.d;
  Values values;
  for (size_t first = 0; first < x.size(); first += d) {
    std::vector<double> logits;
    for (int c = 0; c < mixture.k; c++) {
      Real square = 0;
      double determinant = 0;
      for (int j = 0; j < d; j++) {
        const Real e = static_cast<Real>(x[first + j]) -
                       static_cast<Real>(mixture.alpha * mixture.means[c * d + j]);
        square += e * e * static_cast<Real>(1 / mixture.lambda(c, j));
        determinant += std::log(mixture.lambda(c, j));
      }
      logits.push_back(mixture.weights[c] > 0
                           ? std::log(mixture.weights[c]) - 0.5 * determinant - 0.5 * square
                           : -std::numeric_limits<double>::infinity());
    }
    const double largest = most(logits);
    double sum = 0;
    for (double& logit : logits) sum += (logit = std::exp(logit - largest));
    values.log_density.push_back(largest + std::log(sum) - 0.5 * d * LOG_TWO_PI);
    for (int j = 0; j < d; j++) {
      Real score = 0;
      Real mean = 0;
      for (int c = 0; c < mixture.k; c++) {
        const double lambda = mixture.lambda(c, j);
        const Real r = static_cast<Real>(logits[c] / sum);
        const Real e = static_cast<Real>(x[first + j]) -
                       static_cast<Real>(mixture.alpha * mixture.means[c * d + j]);
        score -= r * e * static_cast<Real>(1 / lambda);
        mean += r * static_cast<Real>(mixture.means[c * d + j] +
                                      mixture.alpha * mixture.sigmas[c * d + j] / lambda * e);
      }
      values.score.push_back(score);
      values.mean.push_back(mean);
    }
  }
  return values;
}

// ---- The arrays that describe it to the kernels; see TilePack and MixturePack ----

struct Pack {
  std::vector<float> means, constants, packed;
  std::vector<double> exact;
  fs_mixture_tiles tiles;
  double log_scale;
};

int padded(int count, int unit) { return (count + unit - 1) / unit * unit; }

Pack pack(const Mixture& mixture) {
  constexpr int UNIT = 16, TILE = 64, CHAIN = 32;
  const int d = mixture.d;
  const int width = padded(d, UNIT);
  const int components = padded(mixture.k, TILE);
  const double alpha = mixture.alpha;
  const std::vector<double> centre = mixture.centre();
  Pack pack = {};
  pack.means.assign(size_t(components) * width, 0.0f);
  for (int c = 0; c < mixture.k; c++) {
    for (int j = 0; j < d; j++) {
      pack.means[size_t(c) * width + j] = static_cast<float>(mixture.means[c * d + j] - centre[j]);
    }
  }
  const auto put = [&](double value) { pack.constants.push_back(static_cast<float>(value)); };
  const auto put_coordinates = [&](auto value) {
    for (int j = 0; j < width; j++) put(j < d ? value(j) : 0);
  };
  const bool one = mixture.shared;
  const auto low = [](double value) { return value - static_cast<float>(value); };
  put_coordinates([&](int j) { return alpha * centre[j]; });
  put_coordinates([&](int j) { return low(alpha * centre[j]); });
  put_coordinates([&](int j) { return one ? alpha / LOG_2 / mixture.lambda(0, j) : alpha; });
  put_coordinates([&](int j) { return one ? 0.5 / mixture.lambda(0, j) : 0.5; });
  put_coordinates([&](int j) { return one ? 1 / mixture.lambda(0, j) : 1; });
  put_coordinates([&](int j) {
    return one ? mixture.variance / mixture.lambda(0, j) : mixture.variance;
  });
  put_coordinates([&](int j) {
    return one ? alpha * mixture.sigmas[j] / mixture.lambda(0, j) : 1;
  });
  put_coordinates([&](int j) { return centre[j]; });

  std::vector<double> normalisers;
  for (int c = 0; c < mixture.k; c++) {
    double normaliser = std::log(mixture.weights[c]);
    for (int j = 0; j < d; j++) normaliser -= 0.5 * std::log(mixture.lambda(c, j));
    normalisers.push_back(normaliser);
  }
  const double largest = most(normalisers);
  const double nothing = -std::numeric_limits<double>::infinity();
  const auto log_weight = [&](int c) {
    return c < mixture.k ? (normalisers[c] - largest) / LOG_2 : nothing;
  };
  for (int c = 0; c < components; c++) put(log_weight(c));
  for (int begin = 0; begin < width; begin += CHAIN) {
    for (int c = 0; c < components; c++) {
      double start = one && begin == 0 ? log_weight(c) : 0;
      for (int j = begin; j < std::min(begin + CHAIN, d) && c < mixture.k; j++) {
        const double m = alpha * pack.means[size_t(c) * width + j];
        start -= 0.5 * m * m / (one ? LOG_2 * mixture.lambda(c, j) : 1);
      }
      put(start);
    }
  }
  for (int array = 0; !one && array < 3; array++) {
    for (int c = 0; c < components; c++) {
      if (c >= mixture.k) {
        put(0);
        continue;
      }
      const double lambda = mixture.lambda(c, 0);
      put(array == 0   ? 1 / (LOG_2 * lambda)
          : array == 1 ? 1 / lambda
                       : alpha * mixture.sigmas[c * d] / lambda);
    }
  }
  const double deviation = one ? 1 : std::sqrt(lambda_of(mixture, most(mixture.sigmas)));
  const double radius = std::sqrt(largest_mean_square(mixture)) + deviation * (std::sqrt(d) + 6);
  pack.log_scale = largest - 0.5 * d * LOG_TWO_PI;
  // Twice the bound of an error of a logit, as ExpandedForm has it, and 2^-40.
  const double largest_mean = std::sqrt(largest_mean_square(mixture));
  const double terms = radius * largest_mean + 0.5 * largest_mean * largest_mean +
                       (one ? 0 : 0.5 * radius * radius);
  const double unit = one ? 1 : lambda_of(mixture, least(mixture.sigmas));
  const double margin =
      40 + std::log2(mixture.k) + 2 * (64 + d / 16.0) * 0x1p-23 * terms / unit / LOG_2;
  pack.tiles = {0,     0,
                components, width,
                one ? 1 : 0,
                alpha, 0.5 * radius * radius,
                cancelling(mixture) <= allowed(d) ? 0 : margin,
                pack.log_scale};

  // The form for a warp a row.
  const int each = mixture.kind == FS_ISOTROPIC ? 1 : d;
  const auto put_packed = [&](double v) { pack.packed.push_back(static_cast<float>(v)); };
  for (int c = 0; c < mixture.k; c++) {
    put_packed(log_weight(c));
    put_packed(mixture.weights[c] > 0 ? low(log_weight(c)) : 0);
    double trace = 0;
    for (int j = 0; j < d; j++) trace -= 1 / mixture.lambda(c, j);
    put_packed(trace);
    for (int j = 0; j < each; j++) put_packed(1 / mixture.lambda(c, j));
    for (int j = 0; j < each; j++) {
      put_packed(alpha * mixture.sigmas[c * d + j] / mixture.lambda(c, j));
    }
    for (int j = 0; j < d; j++) put_packed(alpha * mixture.means[c * d + j]);
    for (int j = 0; j < d; j++) put_packed(low(alpha * mixture.means[c * d + j]));
    for (int j = 0; j < d; j++) put_packed(mixture.means[c * d + j]);
    while (pack.packed.size() % 4 != 0) put_packed(0);
    pack.exact.push_back(std::log2(mixture.weights[c]));
    for (int j = 0; j < each; j++) pack.exact.push_back(mixture.sigmas[c * d + j]);
    for (int j = 0; j < d; j++) pack.exact.push_back(mixture.means[c * d + j]);
  }
  return pack;
}

// ---- The device ----

fs_context* context;

// By which a test makes margins too small.
double margin_factor = 1;

uint64_t address_of(const void* data) { return reinterpret_cast<uint64_t>(data); }

// Which outputs are wanted: bits in this order.
enum { LOG_DENSITY = 1, SCORE = 2, MEAN = 4, DIVERGENCE = 8, MEAN_IN_PLACE = 16 };

constexpr int ALL = LOG_DENSITY | SCORE | MEAN;

// With tiles or, as fs_mixture does, with a warp a row.
Values evaluate(const Mixture& mixture, const std::vector<float>& x, int wanted = ALL,
                bool in_tiles = true) {
  const size_t n = x.size() / mixture.d;
  Pack arrays = pack(mixture);
  const DeviceArray<float> means(arrays.means), constants(arrays.constants), packed(arrays.packed),
      points(x), log_density(n), score(x.size()), mean(x.size()), divergence(n);
  const DeviceArray<double> exact(arrays.exact);
  const fs_gaussians gaussians = {FS_FLOAT32,
                                  mixture.kind,
                                  mixture.shared ? 1 : 0,
                                  mixture.d,
                                  mixture.k,
                                  least(mixture.sigmas),
                                  address_of(exact.data())};
  arrays.tiles.margin *= margin_factor;
  arrays.tiles.means = address_of(means.data());
  arrays.tiles.constants = address_of(constants.data());
  const auto output = [&](int bit, const DeviceArray<float>& array) {
    return (wanted & bit) != 0 ? address_of(array.data()) : 0;
  };
  const fs_mixture_outputs outputs = {
      output(LOG_DENSITY, log_density),
      output(SCORE, score),
      (wanted & MEAN_IN_PLACE) != 0 ? address_of(points.data()) : output(MEAN, mean),
      output(DIVERGENCE, divergence),
      0,
      0,
      0};
  const auto call = [&](auto function, auto... form) {
    return function(context, &gaussians, form..., address_of(packed.data()), arrays.log_scale,
                    mixture.alpha, mixture.variance, static_cast<int64_t>(n),
                    address_of(points.data()), &outputs);
  };
  const int status =
      in_tiles ? call(fs_mixture_in_tiles, &arrays.tiles) : call(fs_mixture);
  expect(status == FS_SUCCESS, mixture.name() + fs_error_text(status));
  const auto wide = [](const std::vector<float>& values) {
    return std::vector<double>(values.begin(), values.end());
  };
  return {wide(log_density.read()), wide(score.read()),
          (wanted & MEAN_IN_PLACE) != 0 ? wide(points.read()) : wide(mean.read())};
}

Values by_warps(const Mixture& mixture, const std::vector<float>& x, int wanted = ALL) {
  return evaluate(mixture, x, wanted, false);
}

// The largest error of a row, relative to the row's largest coordinate or to a unit.
double error(const std::vector<double>& found, const std::vector<double>& truth, size_t columns) {
  double worst = 0;
  for (size_t row = 0; row < truth.size(); row += columns) {
    double largest = 1, difference = 0;
    for (size_t i = row; i < row + columns; i++) {
      largest = std::max(largest, std::fabs(truth[i]));
      const double gap = std::fabs(found[i] - truth[i]);
      // Written so that NaN is an error.
      if (!(gap <= difference)) difference = gap;
    }
    if (!(difference / largest <= worst)) worst = difference / largest;
  }
  return worst;
}

// Against differences in float32 at these points and at more: the error of a few says little.
void compare(const Mixture& mixture, const std::vector<float>& x, const Values& found) {
  std::mt19937 random(20262);
  std::vector<float> all = points_of(random, mixture, mixture.d * mixture.k > 100000 ? 20 : 80);
  all.insert(all.begin(), x.begin(), x.end());
  const Values truth = by_differences<double>(mixture, all);
  const Values plain = by_differences<float>(mixture, all);
  const auto check_output = [&](const char* output, const std::vector<double>& of_tiles,
                                const std::vector<double>& of_truth,
                                const std::vector<double>& of_plain, size_t columns) {
    const std::vector<double> own_truth(of_truth.begin(), of_truth.begin() + of_tiles.size());
    const double own = error(of_tiles, own_truth, columns);
    const double others = error(of_plain, of_truth, columns);
    char text[200];
    std::snprintf(text, sizeof text, "%s%s: error %.2g, of plain float32 %.2g",
                  mixture.name().c_str(), output, own, others);
    if (std::getenv("FEWSTEP_TEST_VERBOSE") != nullptr) std::printf("%s\n", text);
    expect(own <= 2 * others + 0x1p-22, text);
  };
  check_output("log-density", found.log_density, truth.log_density, plain.log_density, 1);
  check_output("score", found.score, truth.score, plain.score, mixture.d);
  check_output("mean", found.mean, truth.mean, plain.mean, mixture.d);
}

// Opens the device for a test, which draws from a stream of its own.
void run(void (*test)(std::mt19937&)) {
  std::mt19937 random(20261);
  CHECK(fs_open(0, 0, &context) == FS_SUCCESS);
  test(random);
  CHECK(fs_close(context) == FS_SUCCESS);
}

// ---- Tests ----

void drawn_shapes(std::mt19937& random) {
  for (int d : {17, 31, 64, 100, 128, 300, 784}) {
    for (int k : {1, 7, 64, 131, 1000}) {
      if (check::EVERY_THREAD_IS_DEAR && (d > 31 || k > 64)) continue;
      const bool large = d * k > 100000;
      for (int kind : {0, 1, 2}) {
        if (large && kind != (d + k) % 3) continue;
        const Mixture mixture = draw(random, kind == 2 ? FS_DIAGONAL : FS_ISOTROPIC, d, k,
                                     kind != 1, kind == 1 ? 0.95 : 0.98);
        const std::vector<int> sizes =
            large || check::EVERY_THREAD_IS_DEAR ? std::vector<int>{5} : std::vector<int>{0, 1, 83};
        for (int n : sizes) {
          const std::vector<float> x = points_of(random, mixture, n);
          compare(mixture, x, evaluate(mixture, x));
        }
      }
    }
  }
}

// Bit for bit, NaN being NaN.
bool same(const std::vector<double>& a, size_t first_a, const std::vector<double>& b,
          size_t first_b, size_t count) {
  for (size_t i = 0; i < count; i++) {
    const double p = a[first_a + i], q = b[first_b + i];
    if (!(p == q || (std::isnan(p) && std::isnan(q)))) return false;
  }
  return true;
}

bool same_row(const Values& a, size_t row_a, const Values& b, size_t row_b, size_t d) {
  return same(a.log_density, row_a, b.log_density, row_b, 1) &&
         same(a.score, row_a * d, b.score, row_b * d, d) &&
         same(a.mean, row_a * d, b.mean, row_b * d, d);
}

bool same_all(const Values& a, const Values& b, size_t d) {
  bool all = a.log_density.size() == b.log_density.size();
  for (size_t row = 0; all && row < a.log_density.size(); row++) all = same_row(a, row, b, row, d);
  return all;
}

// One of every shape of tiles: d asks for 64, 32 or 16 rows.
std::vector<Mixture> one_of_each(std::mt19937& random) {
  if (check::EVERY_THREAD_IS_DEAR) return {draw(random, FS_ISOTROPIC, 20, 70, false, 0.97)};
  return {draw(random, FS_ISOTROPIC, 20, 100, false, 0.97),
          draw(random, FS_DIAGONAL, 150, 70, true, 0.9),
          draw(random, FS_ISOTROPIC, 700, 66, true, 0.9)};
}

// Rows out of the radius, and those that are no points, are those of a warp each; the others do
// not notice.
void far_and_bad_rows(std::mt19937& random) {
  for (const Mixture& mixture : one_of_each(random)) {
    const int n = check::EVERY_THREAD_IS_DEAR ? 5 : 70;
    const size_t d = mixture.d;
    const std::vector<float> x = points_of(random, mixture, n);
    const Values good = evaluate(mixture, x);
    std::vector<float> bad_x = x;
    std::vector<size_t> bad = {1, 2};
    if (n > 66) bad.insert(bad.end(), {33, 66, 69});
    for (size_t j = 0; j < d; j++) bad_x[d + j] += 100;
    bad_x[2 * d + 7] = std::numeric_limits<float>::quiet_NaN();
    if (n > 66) {
      bad_x[33 * d] = std::numeric_limits<float>::infinity();
      bad_x[66 * d + d - 1] = 1e30f;
      bad_x[69 * d] = -1e4f;
    }
    const Values found = evaluate(mixture, bad_x);
    const Values warps = by_warps(mixture, bad_x);
    for (size_t row = 0; row < size_t(n); row++) {
      const bool is_bad = std::count(bad.begin(), bad.end(), row) > 0;
      expect(same_row(found, row, is_bad ? warps : good, row, d),
             mixture.name() + "row " + std::to_string(row) + (is_bad ? " is bad" : " is good"));
    }
    expect(std::isnan(found.score[2 * d]) && std::isfinite(found.score[d]),
           mixture.name() + "what is no point has no score, what is far has one");
    expect(!same_all(good, by_warps(mixture, x), d), mixture.name() + "tiles are taken");
  }
}

// A row's bits depend neither on the batch nor on the other outputs.
void same_bits(std::mt19937& random) {
  for (const Mixture& mixture : one_of_each(random)) {
    const int n = check::EVERY_THREAD_IS_DEAR ? 3 : 130;
    const size_t d = mixture.d;
    const std::vector<float> x = points_of(random, mixture, n);
    const Values all = evaluate(mixture, x);
    for (size_t row : {0, 1, n / 2, n - 1}) {
      const std::vector<float> own(&x[row * d], &x[row * d] + d);
      expect(same_row(evaluate(mixture, own), 0, all, row, d),
             mixture.name() + "bits of row " + std::to_string(row));
    }
    std::vector<float> reversed;
    for (int row = n - 1; row >= 0; row--) {
      reversed.insert(reversed.end(), &x[row * d], &x[row * d] + d);
    }
    const Values mirrored = evaluate(mixture, reversed);
    for (int row = 0; row < n; row++) {
      expect(same_row(mirrored, n - 1 - row, all, row, d), mixture.name() + "bits in reverse");
    }
    const Values density = evaluate(mixture, x, LOG_DENSITY);
    const Values score = evaluate(mixture, x, SCORE);
    const Values mean = evaluate(mixture, x, MEAN_IN_PLACE | LOG_DENSITY);
    expect(density.log_density == all.log_density && score.score == all.score &&
               mean.mean == all.mean && mean.log_density == all.log_density,
           mixture.name() + "bits of one output");
    expect(std::all_of(score.mean.begin(), score.mean.end(),
                       [](double value) { return std::isnan(value); }),
           mixture.name() + "an output that is not wanted is not written");
  }
}

// So little noise that most of the squares cancels: the few components that a row is near to.
void survivors(std::mt19937& random) {
  for (double share : {1.1, 30.0, 1e4}) {
    for (int d : {17, 100, 700}) {
      for (int kind : {0, 1, 2}) {
        if (check::EVERY_THREAD_IS_DEAR && (d > 17 || share > 30)) continue;
        if (d == 700 && kind != 1) continue;
        const Mixture mixture = draw(random, kind == 2 ? FS_DIAGONAL : FS_ISOTROPIC, d,
                                     d == 17 ? 131 : 66, kind != 1, share);
        const size_t n = check::EVERY_THREAD_IS_DEAR ? 5 : 70;
        std::vector<float> x = points_of(random, mixture, static_cast<int>(n));
        const Values found = evaluate(mixture, x);
        compare(mixture, x, found);
        expect(same_all(found, evaluate(mixture, x, ALL | DIVERGENCE), d),
               mixture.name() + "survivors with derivatives");
        const std::vector<float> last(x.end() - d, x.end());
        expect(same_row(evaluate(mixture, last), 0, found, n - 1, d),
               mixture.name() + "survivors of one row");
        x[1] = std::numeric_limits<float>::quiet_NaN();
        x[d] = 1e20f;
        const Values bad = evaluate(mixture, x), warps = by_warps(mixture, x);
        expect(same_row(bad, 0, warps, 0, d) && same_row(bad, 1, warps, 1, d) &&
                   same_row(bad, 3, found, 3, d),
               mixture.name() + "all survive where logits mean nothing");
      }
    }
  }
}

// A component that does not survive has no weight: tells that survivors are looked for.
void margins(std::mt19937& random) {
  const Mixture mixture = draw(random, FS_ISOTROPIC, 20, 70, true, 1.1);
  const std::vector<float> x = points_of(random, mixture, check::EVERY_THREAD_IS_DEAR ? 8 : 70);
  margin_factor = 1e-9;
  expect(!same_all(evaluate(mixture, x), by_warps(mixture, x), 20), "without a margin");
  margin_factor = 1;
  compare(mixture, x, evaluate(mixture, x));
}

// Where tiles cannot be, a warp has a row.
void what_tiles_cannot_do(std::mt19937& random) {
  const Mixture mixture = draw(random, FS_ISOTROPIC, 20, 70, true, 0.9);
  const std::vector<float> x = points_of(random, mixture, 7);
  const Values warps = by_warps(mixture, x);
  expect(!same_all(evaluate(mixture, x), warps, 20), "tiles are taken");
  expect(same_all(evaluate(mixture, x, ALL | DIVERGENCE), warps, 20), "derivatives");
  {
    const Environment turing("FEWSTEP_EMULATION_CAPABILITY", "75");
    expect(same_all(evaluate(mixture, x), warps, 20), "no tensor cores");
  }
  if (check::EVERY_THREAD_IS_DEAR) return;
  const Mixture large = draw(random, FS_ISOTROPIC, 3000, 17, true, 0.9);
  const std::vector<float> y = points_of(random, large, 3);
  expect(same_all(evaluate(large, y), by_warps(large, y), 3000), "more than shared memory holds");
}

}  // namespace

TEST(tiles_are_as_accurate_as_differences) { run(drawn_shapes); }
TEST(tiles_leave_far_and_bad_rows_to_warps) { run(far_and_bad_rows); }
TEST(tiles_give_every_row_the_same_bits) { run(same_bits); }
TEST(at_low_noise_tiles_find_the_components_that_count) { run(survivors); }
TEST(components_out_of_the_margin_have_no_weight) { run(margins); }
TEST(warps_do_what_tiles_cannot) { run(what_tiles_cannot_do); }
