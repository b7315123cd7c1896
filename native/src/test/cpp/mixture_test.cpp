// The mixture and trajectory kernels through their C interface, against the formulas as they are
// written: covariance matrices that are inverted, sums of exponentials, all in long double.

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <limits>
#include <memory>
#include <random>
#include <string>
#include <type_traits>
#include <vector>

#include "check.h"
#include "fewstep_mixture.h"
#include "process.cuh"

namespace {

using Number = long double;
using Numbers = std::vector<Number>;

void expect(bool good, const std::string& what, int line = __builtin_LINE()) {
  check::that(good, what.c_str(), __FILE__, line);
}

void require(int status, const char* call) {
  if (status != FS_SUCCESS) {
    std::printf("%s: %s, %s\n", call, fs_error_name(status), fs_error_text(status));
    std::exit(2);
  }
}

// ---- A mixture and what is true of it ----

struct Mixture {
  int kind;
  int d;
  int k;
  bool shared;
  std::vector<double> weights;      // [k], of sum 1
  std::vector<double> means;        // [k,d]
  std::vector<double> eigenvalues;  // [k,d], repeated if isotropic or shared
  std::vector<double> rotations;    // [k,d,d], eigenvectors in columns, of the full kind
};

struct Time {
  double alpha;
  double variance;
};

Mixture draw(std::mt19937& random, int kind, int d, int k, bool shared, double spread) {
  std::normal_distribution<double> normal;
  std::uniform_real_distribution<double> uniform(0.3, 1.2);
  Mixture mixture = {kind, d, k, shared, {}, {}, {}, {}};
  double sum = 0;
  for (int c = 0; c < k; c++) {
    // One of them has no weight.
    mixture.weights.push_back(k > 2 && c == 1 ? 0 : uniform(random));
    sum += mixture.weights.back();
  }
  for (double& weight : mixture.weights) weight /= sum;
  for (int e = 0; e < k * d; e++) mixture.means.push_back(spread * normal(random));
  for (int c = 0; c < k; c++) {
    const double one = uniform(random);
    for (int i = 0; i < d; i++) {
      const double own = kind == FS_ISOTROPIC ? one : uniform(random);
      mixture.eigenvalues.push_back(shared && c > 0 ? mixture.eigenvalues[i] : own * own);
    }
    std::vector<double> q(d * d, 0.0);
    for (int i = 0; i < d; i++) q[i * d + i] = 1;
    if (kind == FS_FULL && shared && c > 0) {
      q.assign(mixture.rotations.begin(), mixture.rotations.begin() + d * d);
    } else if (kind == FS_FULL) {
      // A reflection after another: I - 2 u u'.
      for (int turn = 0; turn < 3; turn++) {
        std::vector<double> u(d);
        double square = 0;
        for (double& value : u) {
          value = normal(random);
          square += value * value;
        }
        for (int i = 0; i < d; i++) {
          double along = 0;
          for (int j = 0; j < d; j++) along += q[i * d + j] * u[j];
          for (int j = 0; j < d; j++) q[i * d + j] -= 2 * along * u[j] / square;
        }
      }
    }
    mixture.rotations.insert(mixture.rotations.end(), q.begin(), q.end());
  }
  return mixture;
}

// Inverts a positive definite matrix in place by Gauss-Jordan; returns log of its determinant.
Number invert(Numbers& a, int d) {
  Number logarithm = 0;
  for (int p = 0; p < d; p++) {
    const Number pivot = a[p * d + p];
    logarithm += std::log(pivot);
    a[p * d + p] = 1;
    for (int j = 0; j < d; j++) a[p * d + j] /= pivot;
    for (int i = 0; i < d; i++) {
      if (i == p) continue;
      const Number factor = a[i * d + p];
      a[i * d + p] = 0;
      for (int j = 0; j < d; j++) a[i * d + j] -= factor * a[p * d + j];
    }
  }
  return logarithm;
}

// The mixture at one time, as matrices.
struct Truth {
  const Mixture& mixture;
  Time time;
  std::vector<Numbers> precisions;  // [d,d] each
  Numbers log_determinants;
  // Of the point last evaluated:
  Number log_density;
  Numbers responsibilities, score, mean, jvp;
  Number divergence;
  Number trace;  // sum_k r_k tr P_k, one of the two terms of the divergence
  Number mean_divergence;

  Truth(const Mixture& given, Time at) : mixture(given), time(at) {
    const int d = mixture.d;
    const int different = mixture.shared ? 1 : mixture.k;
    for (int c = 0; c < different; c++) {
      Numbers matrix(d * d, 0);
      for (int i = 0; i < d; i++) {
        for (int j = 0; j < d; j++) {
          Number entry = i == j ? time.variance : 0;
          for (int e = 0; e < d; e++) {
            if (mixture.kind != FS_FULL && (e != i || e != j)) continue;
            entry += Number(time.alpha) * time.alpha * rotation(c, i, e) * rotation(c, j, e) *
                     mixture.eigenvalues[c * d + e];
          }
          matrix[i * d + j] = entry;
        }
      }
      log_determinants.push_back(invert(matrix, d));
      precisions.push_back(matrix);
    }
  }

  Number rotation(int c, int i, int j) const {
    return mixture.rotations[(size_t(c) * mixture.d + i) * mixture.d + j];
  }

  void evaluate(const Numbers& x, const Numbers& v) {
    const int d = mixture.d;
    const int k = mixture.k;
    std::vector<Numbers> residuals(k, Numbers(d)), pulls(k, Numbers(d, 0));
    Numbers logits(k, -std::numeric_limits<Number>::infinity());
    for (int c = 0; c < k; c++) {
      const Numbers& p = precisions[mixture.shared ? 0 : c];
      Number q = 0;
      for (int i = 0; i < d; i++) {
        residuals[c][i] = x[i] - Number(time.alpha) * mixture.means[c * d + i];
      }
      for (int i = 0; i < d; i++) {
        for (int j = 0; j < d; j++) pulls[c][i] += p[i * d + j] * residuals[c][j];
        q += residuals[c][i] * pulls[c][i];
      }
      if (mixture.weights[c] > 0) {
        logits[c] = std::log(Number(mixture.weights[c])) -
                    (q + log_determinants[mixture.shared ? 0 : c] +
                     d * std::log(2 * std::acos(Number(-1)))) / 2;
      }
    }
    const Number largest = *std::max_element(logits.begin(), logits.end());
    Number sum = 0;
    for (Number logit : logits) sum += std::exp(logit - largest);
    log_density = largest + std::log(sum);
    responsibilities.assign(k, 0);
    score.assign(d, 0);
    mean.assign(d, 0);
    jvp.assign(d, 0);
    divergence = 0;
    trace = 0;
    for (int c = 0; c < k; c++) {
      responsibilities[c] = std::exp(logits[c] - log_density);
      for (int i = 0; i < d; i++) {
        // Sigma_k alpha = (C_k - variance I)/alpha.
        score[i] -= responsibilities[c] * pulls[c][i];
        mean[i] += responsibilities[c] *
                   (mixture.means[c * d + i] +
                    (residuals[c][i] - time.variance * pulls[c][i]) / time.alpha);
      }
    }
    for (int c = 0; c < k; c++) {
      const Numbers& p = precisions[mixture.shared ? 0 : c];
      Number along = 0, square = 0, own_trace = 0;
      for (int i = 0; i < d; i++) {
        const Number centred = -pulls[c][i] - score[i];
        along += centred * v[i];
        square += centred * centred;
        own_trace += p[i * d + i];
      }
      divergence += responsibilities[c] * (square - own_trace);
      trace += responsibilities[c] * own_trace;
      for (int i = 0; i < d; i++) {
        Number pv = 0;
        for (int j = 0; j < d; j++) pv += p[i * d + j] * v[j];
        jvp[i] += responsibilities[c] * ((-pulls[c][i] - score[i]) * along - pv);
      }
    }
    mean_divergence = (d + time.variance * divergence) / time.alpha;
  }
};

// ---- The arrays that describe it to the kernels; see MixturePack ----

int eigenvalues_each(const Mixture& mixture) {
  return mixture.kind == FS_ISOTROPIC ? 1 : mixture.d;
}

int padded(int d) { return d <= 4 || d > 16 ? d : d <= 8 ? 8 : 16; }

template <typename Real>
struct Writer {
  std::vector<Real> numbers;

  void put(double value) { numbers.push_back(static_cast<Real>(value)); }
  void zeros(int count) { numbers.resize(numbers.size() + count, Real(0)); }
  // Records begin at multiples of 16 bytes.
  void align() {
    while (numbers.size() * sizeof(Real) % 16 != 0) put(0);
  }
};

template <typename Real>
double low(double exact) {
  return exact - static_cast<Real>(exact);
}

template <typename Real>
double put_component_table(Writer<Real>& writer, const Mixture& mixture, Time time, bool of_mean) {
  const int d = mixture.d;
  const int width = padded(d);
  const int each = eigenvalues_each(mixture);
  std::vector<double> normalisers;
  for (int c = 0; c < mixture.k; c++) {
    double normaliser = std::log(mixture.weights[c]);
    for (int i = 0; i < d; i++) {
      const double sigma = mixture.eigenvalues[c * d + i];
      normaliser -= 0.5 * std::log(time.alpha * time.alpha * sigma + time.variance);
    }
    normalisers.push_back(normaliser);
  }
  const double largest = *std::max_element(normalisers.begin(), normalisers.end());
  for (int c = 0; c < mixture.k; c++) {
    const double logit = (normalisers[c] - largest) / std::log(2.0);
    writer.put(logit);
    writer.put(mixture.weights[c] > 0 ? low<Real>(logit) : 0);
    std::vector<double> precision, gain;
    double trace = 0;
    for (int i = 0; i < d; i++) {
      const double sigma = mixture.eigenvalues[c * d + i];
      const double lambda = time.alpha * time.alpha * sigma + time.variance;
      precision.push_back(1 / lambda);
      gain.push_back(time.alpha * sigma / lambda);
      trace += of_mean ? gain.back() : -precision.back();
    }
    writer.put(trace);
    const int padding = each == 1 ? 0 : width - d;
    for (int i = 0; i < each; i++) writer.put(precision[i]);
    writer.zeros(padding);
    for (int i = 0; i < each; i++) writer.put(gain[i]);
    writer.zeros(padding);
    for (int i = 0; i < d; i++) writer.put(time.alpha * mixture.means[c * d + i]);
    writer.zeros(width - d);
    for (int i = 0; i < d; i++) writer.put(low<Real>(time.alpha * mixture.means[c * d + i]));
    writer.zeros(width - d);
    for (int i = 0; i < d; i++) writer.put(mixture.means[c * d + i]);
    writer.zeros(width - d);
    writer.align();
  }
  return largest - 0.5 * d * std::log(2 * std::acos(-1.0));
}

template <typename Real>
void put_rotations(Writer<Real>& writer, const Mixture& mixture, bool both) {
  const int d = mixture.d;
  const int width = both ? d : padded(d);
  const int count = mixture.shared ? 1 : mixture.k;
  for (int c = 0; mixture.kind == FS_FULL && c < count; c++) {
    for (int transposed = 0; transposed < (both ? 2 : 1); transposed++) {
      for (int i = 0; i < width; i++) {
        for (int j = 0; j < width; j++) {
          const bool inside = i < d && j < d;
          const int row = transposed ? j : i, column = transposed ? i : j;
          writer.put(inside ? mixture.rotations[(size_t(c) * d + row) * d + column] : 0);
        }
      }
    }
    if (!both) writer.align();
  }
}

template <typename Real>
std::vector<Real> packed_form(const Mixture& mixture, Time time, double* log_scale) {
  Writer<Real> writer;
  *log_scale = put_component_table(writer, mixture, time, false);
  put_rotations(writer, mixture, mixture.d > 16);
  return writer.numbers;
}

std::vector<double> exact_form(const Mixture& mixture) {
  Writer<double> writer;
  const int d = mixture.d;
  for (int c = 0; c < mixture.k; c++) {
    writer.put(std::log2(mixture.weights[c]));
    for (int i = 0; i < eigenvalues_each(mixture); i++) {
      writer.put(mixture.eigenvalues[c * d + i]);
    }
    for (int i = 0; i < d; i++) writer.put(mixture.means[c * d + i]);
  }
  put_rotations(writer, mixture, true);
  return writer.numbers;
}

template <typename Real>
std::vector<Real> origin_form(const Mixture& mixture) {
  Writer<Real> writer;
  const int d = mixture.d;
  const int width = padded(d);
  for (int c = 0; c < mixture.k; c++) {
    const int each = eigenvalues_each(mixture);
    writer.put(std::log2(mixture.weights[c]));
    for (int i = 0; i < each; i++) writer.put(mixture.eigenvalues[c * d + i]);
    writer.zeros(each == 1 ? 0 : width - d);
    for (int i = 0; i < d; i++) writer.put(mixture.means[c * d + i]);
    writer.zeros(width - d);
    for (int i = 0; i < d; i++) writer.put(low<Real>(mixture.means[c * d + i]));
    writer.zeros(width - d);
    writer.align();
  }
  put_rotations(writer, mixture, false);
  return writer.numbers;
}

// ---- The device ----

fs_context* context;

template <typename Real>
class Device {
 public:
  explicit Device(size_t count) : count_(count) {
    require(fs_allocate(context, bytes(), &address), "fs_allocate");
  }

  explicit Device(const std::vector<Real>& numbers) : Device(numbers.size()) { write(numbers); }

  Device(const Device&) = delete;

  ~Device() { require(fs_free(context, address), "fs_free"); }

  void write(const std::vector<Real>& numbers) {
    require(fs_write(context, address, reinterpret_cast<uint64_t>(numbers.data()),
                     numbers.size() * sizeof(Real)),
            "fs_write");
  }

  std::vector<Real> read() const {
    std::vector<Real> numbers(count_);
    require(fs_read(context, reinterpret_cast<uint64_t>(numbers.data()), address,
                    count_ * sizeof(Real)),
            "fs_read");
    return numbers;
  }

  uint64_t address;

 private:
  uint64_t bytes() const { return std::max<size_t>(count_, 1) * sizeof(Real); }
  size_t count_;
};

template <typename Real>
constexpr bool SINGLE = std::is_same_v<Real, float>;

template <typename Real>
struct Call {
  const Mixture& mixture;
  Device<double> exact;
  fs_gaussians gaussians;

  explicit Call(const Mixture& given) : mixture(given), exact(exact_form(given)) {
    const double least = *std::min_element(mixture.eigenvalues.begin(), mixture.eigenvalues.end());
    gaussians = {SINGLE<Real> ? FS_FLOAT32 : FS_FLOAT64,
                 mixture.kind,
                 mixture.shared ? 1 : 0,
                 mixture.d,
                 mixture.k,
                 least,
                 exact.address};
  }
};

// All outputs of a batch.
template <typename Real>
struct Results {
  std::vector<Real> log_density, score, mean, divergence, jvp, responsibilities;
};

// Which outputs are wanted: bits in the order of fs_mixture_outputs.
constexpr int EVERYTHING = 63;

template <typename Real>
Results<Real> evaluate(const Mixture& mixture, const std::vector<Time>& times, bool time_per_row,
                       const std::vector<Real>& points, const std::vector<Real>& directions,
                       int wanted = EVERYTHING) {
  const int64_t n = static_cast<int64_t>(points.size()) / mixture.d;
  Call<Real> call(mixture);
  Device<Real> x(points), v(directions);
  Device<Real> log_density(n), score(points.size()), mean(points.size()), divergence(n),
      jvp(points.size()), responsibilities(n * mixture.k);
  const auto address = [&](int bit, const Device<Real>& batch) {
    return (wanted >> bit & 1) != 0 ? batch.address : 0;
  };
  const fs_mixture_outputs outputs = {
      address(0, log_density), address(1, score),
      address(2, mean),        address(3, divergence),
      address(4, v),           address(4, jvp),
      address(5, responsibilities)};
  if (time_per_row) {
    Device<Real> origins(origin_form<Real>(mixture));
    std::vector<double> rows;
    for (int64_t row = 0; row < n; row++) {
      const Time time = times[row % times.size()];
      const double scale = std::sqrt(time.alpha * time.alpha + time.variance);
      rows.push_back(scale);
      rows.push_back(0.5 * std::log1p(time.variance / (time.alpha * time.alpha)));
    }
    Device<double> row_times(rows);
    require(fs_mixture_at_times(context, &call.gaussians, origins.address, row_times.address, n,
                                x.address, &outputs),
            "fs_mixture_at_times");
    require(fs_synchronize(context), "fs_synchronize");
  } else {
    double log_scale;
    Device<Real> packed(packed_form<Real>(mixture, times[0], &log_scale));
    require(fs_mixture(context, &call.gaussians, packed.address, log_scale, times[0].alpha,
                       times[0].variance, n, x.address, &outputs),
            "fs_mixture");
    require(fs_synchronize(context), "fs_synchronize");
  }
  return {log_density.read(), score.read(), mean.read(),
          divergence.read(),  jvp.read(),   responsibilities.read()};
}

// The error of a vector in its largest coordinate, relative to the truth's largest or to a unit.
template <typename Real>
double error(const Real* found, const Numbers& truth, Number unit) {
  Number largest = unit, difference = 0;
  for (size_t i = 0; i < truth.size(); i++) {
    largest = std::max(largest, std::abs(truth[i]));
    const Number gap = std::abs(found[i] - truth[i]);
    // Written so that NaN is an error.
    if (!(gap <= difference)) difference = gap;
  }
  return static_cast<double>(difference / largest);
}

std::string describe(const Mixture& mixture, bool single, int64_t n, const char* output) {
  const char* kinds[] = {"isotropic", "diagonal", "full"};
  return std::string(kinds[mixture.kind]) + (mixture.shared ? " shared" : "") +
         (single ? " float32" : " float64") + " d=" + std::to_string(mixture.d) +
         " K=" + std::to_string(mixture.k) + " n=" + std::to_string(n) + " " + output;
}

template <typename Real>
void compare(const Mixture& mixture, const std::vector<Time>& times,
             const std::vector<Real>& points, const std::vector<Real>& directions,
             const Results<Real>& found, double tolerance) {
  const int d = mixture.d;
  const int64_t n = static_cast<int64_t>(points.size()) / d;
  double worst[6] = {};
  std::vector<Truth> truths;
  for (Time time : times) truths.emplace_back(mixture, time);
  for (int64_t row = 0; row < n; row++) {
    Truth& truth = truths[row % truths.size()];
    truth.evaluate(Numbers(&points[row * d], &points[row * d] + d),
                   Numbers(&directions[row * d], &directions[row * d] + d));
    const double errors[6] = {
        error(&found.log_density[row], {truth.log_density}, 1),
        error(&found.score[row * d], truth.score, 1),
        error(&found.mean[row * d], truth.mean, 1),
        error(&found.divergence[row], {truth.divergence}, truth.trace),
        error(&found.jvp[row * d], truth.jvp, truth.trace / d),
        error(&found.responsibilities[row * mixture.k], truth.responsibilities, 1)};
    for (int o = 0; o < 6; o++) {
      if (!(errors[o] <= worst[o])) worst[o] = errors[o];
    }
  }
  const char* outputs[] = {"log-density", "score", "mean", "divergence", "jvp",
                           "responsibilities"};
  for (int o = 0; o < 6; o++) {
    expect(worst[o] <= tolerance, describe(mixture, SINGLE<Real>, n, outputs[o]) + ": error " +
                                     std::to_string(worst[o] / tolerance) + " of the tolerance");
  }
}

template <typename Real>
std::vector<Real> normals(std::mt19937& random, int64_t count, double scale) {
  std::normal_distribution<double> normal(0, scale);
  std::vector<Real> numbers(count);
  for (Real& number : numbers) number = static_cast<Real>(normal(random));
  return numbers;
}

// ---- Tests ----

template <typename Real>
void drawn_shapes(std::mt19937& random) {
  const double tolerance = SINGLE<Real> ? 5e-5 : 1e-12;
  for (int kind : {FS_ISOTROPIC, FS_DIAGONAL, FS_FULL}) {
    for (int d : {1, 2, 3, 4, 5, 16, 17, 100}) {
      for (int k : {1, 7, 300}) {
        const bool large = d * k > 5000 || (kind == FS_FULL && d * d * k > 100000);
        if (check::EVERY_THREAD_IS_DEAR && (d == 2 || d == 4 || d == 100 || k == 300)) continue;
        if ((d == 1 && kind != FS_ISOTROPIC) || (large && kind == FS_FULL)) continue;
        const bool shared = (d + k) % 2 == 0;
        const Mixture mixture = draw(random, kind, d, k, shared, 1.5);
        for (int64_t n : {0, 1, large || check::EVERY_THREAD_IS_DEAR ? 9 : 131}) {
          const auto x = normals<Real>(random, n * d, 1.5), v = normals<Real>(random, n * d, 1);
          const std::vector<Time> one = {{0.8, 0.36}};
          compare<Real>(mixture, one, x, v, evaluate<Real>(mixture, one, false, x, v), tolerance);
          const std::vector<Time> many = {{0.8, 0.36}, {0.99, 0.01}, {1, 2}, {0.1, 0.99}};
          compare<Real>(mixture, many, x, v, evaluate<Real>(mixture, many, true, x, v),
                        3 * tolerance);
        }
      }
    }
  }
}

// Points that all components are far from, up to where squares overflow float64.
template <typename Real>
void far_points(std::mt19937& random) {
  for (int kind : {FS_ISOTROPIC, FS_DIAGONAL, FS_FULL}) {
    for (int d : {2, 5, 40}) {
      const Mixture mixture = draw(random, kind, d, 5, false, 1);
      const std::vector<Time> time = {{0.9, 0.19}};
      for (double scale : {60.0, 1e6, SINGLE<Real> ? 1e25 : 1e140}) {
        std::vector<Real> x = normals<Real>(random, 3 * d, scale);
        const std::vector<Real> v = normals<Real>(random, 3 * d, 1);
        for (bool time_per_row : {false, true}) {
          const Results<Real> found = evaluate<Real>(mixture, time, time_per_row, x, v);
          Truth truth(mixture, time[0]);
          for (int row = 0; row < 3; row++) {
            truth.evaluate(Numbers(&x[row * d], &x[row * d] + d),
                           Numbers(&v[row * d], &v[row * d] + d));
            const double tolerance = SINGLE<Real> ? 2e-6 : 1e-12;
            const std::string name =
                describe(mixture, SINGLE<Real>, 3, "far ") + std::to_string(scale);
            expect(error(&found.score[row * d], truth.score, 0) <= tolerance, name + " score");
            expect(error(&found.mean[row * d], truth.mean, 0) <= tolerance, name + " mean");
            expect(error(&found.responsibilities[row * 5], truth.responsibilities, 1) <= 1e-4,
                  name + " responsibilities");
            const bool overflows =
                -truth.log_density > static_cast<Number>(std::numeric_limits<Real>::max());
            expect(overflows ? found.log_density[row] == -std::numeric_limits<Real>::infinity()
                            : error(&found.log_density[row], {truth.log_density}, 0) <= tolerance,
                  name + " log-density");
          }
        }
      }
    }
  }
  const Mixture mixture = draw(random, FS_ISOTROPIC, 3, 4, true, 1);
  const Real huge = std::numeric_limits<Real>::max() / 4;
  const std::vector<Real> x = {huge, -huge, huge}, v = {1, 1, 1};
  const Results<Real> found = evaluate<Real>(mixture, {{0.9, 0.19}}, false, x, v);
  expect(found.log_density[0] == -std::numeric_limits<Real>::infinity(), "log p of the farthest");
  for (Real value : found.mean) expect(std::isfinite(value), "mean of the farthest");
  Real sum = 0;
  for (Real share : found.responsibilities) sum += share;
  expect(std::abs(sum - 1) < 1e-5, "responsibilities of the farthest");
}

// Between two sharp modes everything cancels that is not centred.
template <typename Real>
void midpoints(std::mt19937&) {
  for (double noise : {1e-2, 1e-3}) {
    for (int d : {2, 6}) {
      Mixture mixture = {FS_ISOTROPIC, d, 2, true, {0.5, 0.5}, {}, {}, {}};
      for (int i = 0; i < d; i++) mixture.means.push_back(std::sqrt(0.5));
      for (int i = 0; i < d; i++) mixture.means.push_back(-std::sqrt(0.5));
      mixture.eigenvalues.assign(2 * d, noise * noise);
      mixture.rotations.assign(2 * d * d, 1);  // of which only the diagonals are read
      const std::vector<Time> time = {{std::sqrt(1 - 1e-4 * noise), 1e-4 * noise}};
      std::vector<Real> x(d, Real(0)), v(d, Real(1));
      x[0] = static_cast<Real>(noise * noise / 8);
      const double tolerance = SINGLE<Real> ? 1e-4 : 2e-9;
      compare<Real>(mixture, time, x, v, evaluate<Real>(mixture, time, false, x, v), tolerance);
      compare<Real>(mixture, time, x, v, evaluate<Real>(mixture, time, true, x, v), tolerance);
    }
  }
}

// A few sigma from a sharp mean that float cannot hold: what rounding it loses is in the score.
template <typename Real>
void sharp_means(std::mt19937&) {
  for (int kind : {FS_ISOTROPIC, FS_DIAGONAL}) {
    for (int d : {2, 20}) {
      const double noise = 1e-4;
      Mixture mixture = {kind, d, 1, true, {1}, {}, {}, {}};
      mixture.means.assign(d, std::sqrt(0.5));
      mixture.eigenvalues.assign(d, noise * noise);
      mixture.rotations.assign(d * d, 1);
      const Time time = {std::sqrt(1 - 1e-10), 1e-10};
      std::vector<Real> x, v(d, Real(1));
      for (int i = 0; i < d; i++) {
        x.push_back(static_cast<Real>(std::sqrt(0.5) + (i % 3 - 1.3) * noise));
      }
      Truth truth(mixture, time);
      truth.evaluate(Numbers(x.begin(), x.end()), Numbers(v.begin(), v.end()));
      for (bool time_per_row : {false, true}) {
        const Results<Real> found = evaluate<Real>(mixture, {time}, time_per_row, x, v);
        const double tolerance = SINGLE<Real> ? 2e-6 : 1e-11;
        expect(error(found.score.data(), truth.score, 0) <= tolerance,
               describe(mixture, SINGLE<Real>, 1, "score near a sharp mean"));
      }
    }
  }
}

template <typename Real>
bool all_nan(const std::vector<Real>& numbers, int64_t first, int64_t count) {
  return std::all_of(numbers.begin() + first, numbers.begin() + first + count,
                     [](Real value) { return std::isnan(value); });
}

template <typename Real>
bool same(const std::vector<Real>& a, const std::vector<Real>& b, int64_t row, int64_t columns) {
  return std::equal(a.begin() + row * columns, a.begin() + (row + 1) * columns,
                    b.begin() + row * columns,
                    [](Real p, Real q) { return p == q || (std::isnan(p) && std::isnan(q)); });
}

// Rows that are no points, directions that are none, and times without a density.
template <typename Real>
void bad_rows(std::mt19937& random) {
  const Real nan = std::numeric_limits<Real>::quiet_NaN();
  const Real infinity = std::numeric_limits<Real>::infinity();
  for (int kind : {FS_ISOTROPIC, FS_DIAGONAL, FS_FULL}) {
    for (int d : {3, 20}) {
      const int k = 4;
      const Mixture mixture = draw(random, kind, d, k, false, 1);
      std::vector<Real> x = normals<Real>(random, 40 * d, 1), v = normals<Real>(random, 40 * d, 1);
      for (bool time_per_row : {false, true}) {
        std::vector<Time> times = {{0.9, 0.19}};
        const Results<Real> good = evaluate<Real>(mixture, times, time_per_row, x, v);
        std::vector<Real> bad_x = x, bad_v = v;
        bad_x[21 * d + 1] = nan;
        bad_x[33 * d] = -infinity;
        bad_v[7 * d + d - 1] = infinity;
        if (time_per_row) {
          times.assign(40, times[0]);
          times[11].variance = std::numeric_limits<double>::quiet_NaN();
          times[12].alpha = std::numeric_limits<double>::quiet_NaN();
        }
        const Results<Real> found = evaluate<Real>(mixture, times, time_per_row, bad_x, bad_v);
        for (int row = 0; row < 40; row++) {
          const std::string name = describe(mixture, SINGLE<Real>, 40, "row ") +
                                   std::to_string(row) + (time_per_row ? " at its time" : "");
          if (row == 21 || row == 33 || (time_per_row && (row == 11 || row == 12))) {
            expect(all_nan(found.log_density, row, 1) && all_nan(found.score, row * d, d) &&
                      all_nan(found.mean, row * d, d) && all_nan(found.divergence, row, 1) &&
                      all_nan(found.jvp, row * d, d) &&
                      all_nan(found.responsibilities, row * k, k),
                  name + " must be NaN");
          } else {
            expect(same(found.log_density, good.log_density, row, 1) &&
                      same(found.score, good.score, row, d) &&
                      same(found.mean, good.mean, row, d) &&
                      same(found.divergence, good.divergence, row, 1) &&
                      same(found.responsibilities, good.responsibilities, row, k),
                  name + " must not notice");
            expect(row == 7 ? all_nan(found.jvp, row * d, d) : same(found.jvp, good.jvp, row, d),
                  name + " jvp");
          }
        }
      }
    }
  }
}

// A row's bits depend neither on the batch nor on what else is wanted of the same pass.
template <typename Real>
void same_bits(std::mt19937& random) {
  for (int kind : {FS_ISOTROPIC, FS_DIAGONAL, FS_FULL}) {
    for (int d : {2, 7, 33}) {
      const Mixture mixture = draw(random, kind, d, 20, kind == FS_DIAGONAL, 1);
      const int n = 300;
      const std::vector<Time> time = {{0.9, 0.19}};
      const auto x = normals<Real>(random, n * d, 1), v = normals<Real>(random, n * d, 1);
      for (bool time_per_row : {false, true}) {
        const Results<Real> all = evaluate<Real>(mixture, time, time_per_row, x, v);
        for (int row : {0, 31, 128, 299}) {
          const std::vector<Real> own_x(&x[row * d], &x[row * d] + d);
          const std::vector<Real> own_v(&v[row * d], &v[row * d] + d);
          const Results<Real> own = evaluate<Real>(mixture, time, time_per_row, own_x, own_v);
          expect(std::equal(own.score.begin(), own.score.end(), all.score.begin() + row * d) &&
                    std::equal(own.jvp.begin(), own.jvp.end(), all.jvp.begin() + row * d) &&
                    own.log_density[0] == all.log_density[row] &&
                    own.divergence[0] == all.divergence[row],
                describe(mixture, SINGLE<Real>, n, "bits of row ") + std::to_string(row));
        }
        const Results<Real> values = evaluate<Real>(mixture, time, time_per_row, x, v, 7);
        expect(values.score == all.score && values.mean == all.mean &&
                  values.log_density == all.log_density,
              describe(mixture, SINGLE<Real>, n, "bits of the values alone"));
        const Results<Real> nothing = evaluate<Real>(mixture, time, time_per_row, x, v, 0);
        expect(nothing.score == std::vector<Real>(n * d, 0), "an output that was not wanted");
      }
    }
  }
}

// Outputs may lie where the points and the directions do.
template <typename Real>
void in_place(std::mt19937& random) {
  for (int d : {3, 18}) {
    const Mixture mixture = draw(random, FS_FULL, d, 6, false, 1);
    const int n = 50;
    auto points = normals<Real>(random, n * d, 1);
    points[4 * d] = static_cast<Real>(1e12);  // a row that is done again
    const auto directions = normals<Real>(random, n * d, 1);
    const Time time = {0.9, 0.19};
    const Results<Real> apart = evaluate<Real>(mixture, {time}, false, points, directions);
    Call<Real> call(mixture);
    double log_scale;
    Device<Real> packed(packed_form<Real>(mixture, time, &log_scale));
    Device<Real> x(points), v(directions);
    const fs_mixture_outputs outputs = {0, x.address, 0, 0, v.address, v.address, 0};
    require(fs_mixture(context, &call.gaussians, packed.address, log_scale, time.alpha,
                       time.variance, n, x.address, &outputs),
            "fs_mixture");
    expect(x.read() == apart.score && v.read() == apart.jvp,
          describe(mixture, SINGLE<Real>, n, "in place"));
  }
}

// A plan of two stages a step, by the kernel and in long double.
template <typename Real>
void trajectories(std::mt19937& random) {
  constexpr int SLOTS = 3, STEPS = 4;
  for (int kind : {FS_ISOTROPIC, FS_DIAGONAL, FS_FULL}) {
    for (int d : {2, 5, SINGLE<Real> ? 16 : 8}) {
      for (bool denoised : {false, true}) {
        const Mixture mixture = draw(random, kind, d, 6, kind == FS_FULL, 1);
        const int n = 70;
        auto points = normals<Real>(random, n * d, 1);
        points[3 * d] = static_cast<Real>(1e9);
        points[8 * d] = std::numeric_limits<Real>::quiet_NaN();
        const auto starts = normals<Real>(random, n, 1);
        Writer<Real> components, program;
        std::vector<double> times;
        std::vector<Time> stages;
        const double drift = -0.7, half = 0.6;
        const double inputs[2][SLOTS] = {{1, 0, 0}, {0.9, -0.2, 0}};
        const double update[SLOTS] = {0.8, -0.1, 0.15};
        const double weights[SLOTS] = {0, 0.3, -0.2};
        const auto operation = [&](const double* combination, const double* divergences,
                                   double offset, double square_factor, int target) {
          for (int j = 0; j < 8; j++) program.put(j < SLOTS ? combination[j] : 0);
          for (int j = 0; j < 8; j++) program.put(divergences && j < SLOTS ? divergences[j] : 0);
          program.put(offset);
          program.put(drift);
          program.put(denoised ? -1 : half);
          program.put(square_factor);
          program.put(target);
          program.zeros(3);
        };
        for (int step = 0; step < STEPS; step++) {
          for (int stage = 0; stage < 2; stage++) {
            const double b = 0.8 - 0.15 * step - 0.07 * stage;
            const Time time = {std::sqrt(1 - b), b};
            stages.push_back(time);
            times.push_back(time.alpha);
            times.push_back(time.variance);
            put_component_table(components, mixture, time, denoised);
            operation(inputs[stage], nullptr, denoised ? 0 : d * drift,
                      denoised ? time.variance / time.alpha : 1, stage + 1);
          }
          operation(update, weights, 0.05 * d, 0, 0);
        }
        put_rotations(components, mixture, false);
        Call<Real> call(mixture);
        Device<Real> packed(components.numbers), operations(program.numbers), x(points),
            log_density(starts);
        Device<double> stage_times(times);
        std::vector<std::unique_ptr<Device<Real>>> knots;
        std::vector<uint64_t> addresses;
        for (int knot = 0; knot <= STEPS; knot++) {
          knots.push_back(std::make_unique<Device<Real>>(n * d));
          addresses.push_back(knots.back()->address);
        }
        require(fs_trajectory(context, &call.gaussians, packed.address, stage_times.address,
                              2 * STEPS, 3 * STEPS, operations.address, SLOTS, denoised, n,
                              x.address, x.address, STEPS + 1, addresses.data(),
                              log_density.address),
                "fs_trajectory");
        const std::vector<Real> ends = x.read(), densities = log_density.read();
        std::vector<Truth> truths;
        for (Time time : stages) truths.emplace_back(mixture, time);
        const std::string name =
            describe(mixture, SINGLE<Real>, n, denoised ? "denoised" : "velocity");
        const double tolerance = SINGLE<Real> ? 1e-5 : 1e-12;
        expect(all_nan(ends, 8 * d, d) && all_nan(densities, 8, 1), name + " NaN");
        for (int row = 0; row < n; row++) {
          if (row == 8) continue;
          std::vector<Numbers> slots(SLOTS, Numbers(d, 0));
          Numbers divergences(SLOTS, 0);
          Number density = starts[row];
          slots[0].assign(&points[row * d], &points[row * d] + d);
          const auto combine = [&](const double* combination) {
            Numbers y(d, 0);
            for (int j = 0; j < SLOTS; j++) {
              for (int i = 0; i < d; i++) y[i] += Real(combination[j]) * slots[j][i];
            }
            return y;
          };
          const auto check_knot = [&](int knot) {
            const std::vector<Real> found = knots[knot]->read();
            expect(error(&found[row * d], slots[0], 1) <= tolerance,
                  name + " knot " + std::to_string(knot) + " of row " + std::to_string(row));
          };
          check_knot(0);
          for (int step = 0; step < STEPS; step++) {
            for (int stage = 0; stage < 2; stage++) {
              const Numbers y = combine(inputs[stage]);
              Truth& truth = truths[2 * step + stage];
              truth.evaluate(y, Numbers(d, 0));
              for (int i = 0; i < d; i++) {
                slots[stage + 1][i] =
                    denoised ? truth.mean[i] : Real(drift) * y[i] - Real(half) * truth.score[i];
              }
              divergences[stage + 1] = denoised ? truth.mean_divergence
                                                : d * drift - half * truth.divergence;
            }
            slots[0] = combine(update);
            density += 0.05 * d;
            for (int j = 0; j < SLOTS; j++) density += weights[j] * divergences[j];
            check_knot(step + 1);
          }
          expect(error(&ends[row * d], slots[0], 1) <= tolerance, name + " end");
          expect(error(&densities[row], {density}, 1) <= 10 * tolerance,
                name + " log-density of row " + std::to_string(row));
        }
      }
    }
  }
}

// ---- Adaptive trajectories ----

// The method of Dormand and Prince as published.
constexpr int STAGES = 7;
constexpr Number WEIGHTS[STAGES][STAGES] = {
    {},
    {1.0L / 5},
    {3.0L / 40, 9.0L / 40},
    {44.0L / 45, -56.0L / 15, 32.0L / 9},
    {19372.0L / 6561, -25360.0L / 2187, 64448.0L / 6561, -212.0L / 729},
    {9017.0L / 3168, -355.0L / 33, 46732.0L / 5247, 49.0L / 176, -5103.0L / 18656},
    {35.0L / 384, 0, 500.0L / 1113, 125.0L / 192, -2187.0L / 6784, 11.0L / 84}};
constexpr Number FOURTH_ORDER[STAGES] = {5179.0L / 57600,    0,
                                         7571.0L / 16695,    393.0L / 640,
                                         -92097.0L / 339200, 187.0L / 2100, 1.0L / 40};
constexpr Number NODES[STAGES] = {0, 0.2L, 0.3L, 0.8L, 8.0L / 9, 1, 1};
constexpr Number DENSE[STAGES] = {
    -12715105075.0L / 11282082432.0L, 0, 87487479700.0L / 32700410799.0L,
    -10690763975.0L / 1880347072.0L, 701980252875.0L / 199316789632.0L,
    -1453857185.0L / 822651844.0L, 69997945.0L / 29380423.0L};

struct Schedule {
  int code;
  double rate;
  double slope;

  Number alpha(Number t) const {
    return code == FS_LINEAR   ? std::exp(-(rate * t + slope * t * t / 2) / 2)
           : code == FS_COSINE ? std::cos(angle(t)) / std::cos(angle(0))
                               : Number(1);
  }

  Number variance(Number t) const {
    // cos^2 u(0) - cos^2 u = sin(u - u(0)) sin(u + u(0)), without the cancellation.
    return code == FS_LINEAR   ? -std::expm1(-(rate * t + slope * t * t / 2))
           : code == FS_COSINE ? std::sin(angle(t) - angle(0)) * std::sin(angle(t) + angle(0)) /
                                     std::pow(std::cos(angle(0)), 2)
                               : t * t;
  }

  Time at(Number t) const {
    return {static_cast<double>(alpha(t)), static_cast<double>(variance(t))};
  }

  static Number angle(Number t) { return (t + 0.008L) / 1.008L * std::acos(Number(-1)) / 2; }

  Number drift(Number t) const {
    return code == FS_LINEAR   ? -(rate + slope * t) / 2
           : code == FS_COSINE ? -std::acos(Number(-1)) / 2 / 1.008L * std::tan(angle(t))
                               : Number(0);
  }

  Number half(Number t) const { return code == FS_EXPLODING ? t : -drift(t); }
};

struct Adaptive {
  Schedule schedule;
  std::vector<double> times;
  double tolerance;
  int most_steps;
  double smallest;  // as a part of the interval
  bool wants_log_density;

  double interval() const { return std::abs(times.back() - times.front()); }
};

struct Path {
  int ending = -1;
  int accepted = 0;
  int rejected = 0;
  Numbers state;
  Number log_density;
  std::vector<Numbers> knots;
};

// One row, by plain loops.
Path follow(const Mixture& mixture, const Adaptive& how, const Numbers& from, Number log_density) {
  const int d = mixture.d;
  const int parts = d + (how.wants_log_density ? 1 : 0);
  const Number end = how.times.back();
  const Number sign = end > how.times.front() ? 1 : -1;
  Path path;
  path.knots.push_back(from);
  // The state, and behind it the log-density, which falls as the flow spreads.
  Numbers z = from;
  z.push_back(log_density);
  const auto field = [&](const Numbers& at, Number t) {
    Truth truth(mixture, how.schedule.at(t));
    truth.evaluate(at, Numbers(d, 0));
    Numbers slope;
    for (int i = 0; i < d; i++) {
      slope.push_back(how.schedule.drift(t) * at[i] - how.schedule.half(t) * truth.score[i]);
    }
    slope.push_back(-(d * how.schedule.drift(t) - how.schedule.half(t) * truth.divergence));
    return slope;
  };
  const auto norm = [&](const Numbers& v, const Numbers& a, const Numbers& b, int count) {
    Number squares = 0;
    for (int i = 0; i < count; i++) {
      const Number size = std::max(std::abs(a[i]), std::abs(b[i]));
      squares += std::pow(v[i] / (how.tolerance + how.tolerance * size), 2);
    }
    return std::sqrt(squares / parts);
  };
  const auto clip = [&](Number size) {
    return std::min<Number>(std::max<Number>(size, how.smallest * how.interval()),
                            how.interval());
  };
  Number t = how.times.front();
  std::vector<Numbers> k(STAGES);
  k[0] = field(z, t);
  const Number a = norm(z, z, z, d), b = norm(k[0], z, z, d);
  if (std::isnan(a) || std::isnan(b)) {
    path.ending = FS_NOT_FINITE;
    return path;
  }
  bool last;
  const auto stretched = [&](Number size) {
    last = 1.01L * size >= std::abs(end - t);
    return last ? end - t : sign * size;
  };
  Number h = stretched(clip(a < 1e-5 || b < 1e-5 ? 1e-6 * how.interval() : 0.01L * a / b));
  Numbers probe = z;
  for (int i = 0; i < d; i++) probe[i] += h * k[0][i];
  Numbers change = field(probe, t + h);
  for (int i = 0; i < d; i++) change[i] -= k[0][i];
  const Number steepest = std::max(b, norm(change, z, z, d) / std::abs(h));
  Number size =
      clip(std::min(100 * std::abs(h), steepest <= 1e-15
                                           ? std::max<Number>(1e-6 * how.interval(),
                                                              1e-3L * std::abs(h))
                                           : std::pow(0.01L / steepest, 0.2L)));
  Number previous = 1e-4;
  bool after_rejection = false;
  while (path.ending < 0) {
    h = stretched(size);
    for (int stage = 1; stage < STAGES; stage++) {
      Numbers y = z;
      for (int j = 0; j < stage; j++) {
        for (int i = 0; i < d; i++) y[i] += h * WEIGHTS[stage][j] * k[j][i];
      }
      k[stage] = field(y, t + NODES[stage] * h);
    }
    Numbers next = z, error(d + 1, 0);
    for (int j = 0; j < STAGES; j++) {
      for (int i = 0; i <= d; i++) {
        next[i] += h * WEIGHTS[STAGES - 1][j] * k[j][i];
        error[i] += h * (WEIGHTS[STAGES - 1][j] - FOURTH_ORDER[j]) * k[j][i];
      }
    }
    const Number e = norm(error, z, next, parts);
    if (!(e <= 1)) {
      path.rejected++;
      size = std::abs(h) *
             (std::isfinite(e) ? std::max(0.2L, 0.9L * std::pow(e, -0.17L)) : 0.2L);
      after_rejection = true;
      if (size < how.smallest * how.interval()) {
        path.ending = std::isfinite(e) ? FS_STEP_UNDERFLOW : FS_NOT_FINITE;
        break;
      }
    } else {
      path.accepted++;
      const Number factor =
          e == 0 ? 10 : 0.9L * std::pow(e, -0.17L) * std::pow(previous, 0.04L);
      size = clip(std::abs(h) * std::min(std::max(factor, 0.2L), after_rejection ? 1.0L : 10.0L));
      previous = std::max(e, 1e-4L);
      after_rejection = false;
      // Knots, as in the code that Hairer, Norsett and Wanner published.
      while (path.knots.size() + 1 < how.times.size() &&
             (last || sign * (t + h - how.times[path.knots.size()]) >= 0)) {
        const Number theta = (how.times[path.knots.size()] - t) / h;
        Numbers at;
        for (int i = 0; i < d; i++) {
          const Number rise = next[i] - z[i], bend = h * k[0][i] - rise;
          Number dense = 0;
          for (int j = 0; j < STAGES; j++) dense += h * DENSE[j] * k[j][i];
          at.push_back(z[i] + theta * (rise + (1 - theta) *
                                                  (bend + theta * (rise - h * k[6][i] - bend +
                                                                   (1 - theta) * dense))));
        }
        path.knots.push_back(at);
      }
      t = last ? end : t + h;
      z = next;
      k[0] = k[STAGES - 1];
      if (last) path.ending = FS_REACHED;
    }
    if (path.ending < 0 && path.accepted + path.rejected >= how.most_steps) {
      path.ending = FS_MOST_STEPS;
    }
  }
  if (path.ending == FS_REACHED) {
    path.log_density = z.back();
    z.pop_back();
    path.state = z;
    path.knots.push_back(z);
  }
  return path;
}

fs_adaptive_plan plan_of(const Adaptive& how) {
  fs_adaptive_plan plan = {};
  plan.schedule = how.schedule.code;
  plan.rate = how.schedule.rate;
  plan.slope = how.schedule.slope;
  plan.most_steps = how.most_steps;
  for (int j = 0; j < STAGES; j++) {
    for (int stage = 0; stage < STAGES; stage++) {
      plan.weights[stage * STAGES + j] = WEIGHTS[stage][j];
    }
    const Number b = WEIGHTS[STAGES - 1][j];
    const int first = j == 0, last = j == STAGES - 1;
    plan.error[j] = b - FOURTH_ORDER[j];
    plan.quadratic[j] = 3 * b - 2 * first - last + DENSE[j];
    plan.cubic[j] = first + last - 2 * b - 2 * DENSE[j];
    plan.quartic[j] = DENSE[j];
    plan.nodes[j] = NODES[j];
  }
  plan.smallest = how.smallest * how.interval();
  plan.largest = how.interval();
  plan.absolute = plan.relative = how.tolerance;
  plan.error_exponent = 0.17;
  plan.previous_exponent = 0.04;
  plan.safety = 0.9;
  plan.least_factor = 0.2;
  plan.most_factor = 10;
  plan.least_remembered = 1e-4;
  plan.first_exponent = 0.2;
  return plan;
}

template <typename Real>
struct AdaptiveResults {
  std::vector<Real> end, log_density;
  std::vector<std::vector<Real>> knots;
  std::vector<float> report;
};

template <typename Real>
AdaptiveResults<Real> run_adaptive(const Mixture& mixture, const Adaptive& how, bool wants_knots,
                                   const std::vector<Real>& points,
                                   const std::vector<Real>& starts, bool in_place) {
  const int64_t n = static_cast<int64_t>(points.size()) / mixture.d;
  Call<Real> call(mixture);
  Device<Real> origins(origin_form<Real>(mixture)), x(points), end(points.size()),
      log_density(starts);
  Device<float> report(3 * n);
  std::vector<std::unique_ptr<Device<Real>>> knots;
  std::vector<uint64_t> addresses;
  for (size_t knot = 0; wants_knots && knot < how.times.size(); knot++) {
    knots.push_back(std::make_unique<Device<Real>>(points.size()));
    addresses.push_back(knots.back()->address);
  }
  const fs_adaptive_plan plan = plan_of(how);
  require(fs_adaptive_trajectory(context, &call.gaussians, origins.address, &plan, n, x.address,
                                 in_place ? x.address : end.address,
                                 static_cast<int>(how.times.size()), how.times.data(),
                                 wants_knots ? addresses.data() : nullptr,
                                 how.wants_log_density ? log_density.address : 0, report.address),
          "fs_adaptive_trajectory");
  AdaptiveResults<Real> results = {(in_place ? x : end).read(), log_density.read(), {},
                                   report.read()};
  for (const auto& knot : knots) results.knots.push_back(knot->read());
  return results;
}

// Every row against its path. The first errors of a row may be no more than the rounding of
// float32, and its steps follow from them: there it takes others, to a state that is as good.
template <typename Real>
void compare_paths(const Mixture& mixture, const Adaptive& how, bool wants_knots,
                   const std::vector<Real>& points, const std::vector<Real>& starts,
                   const AdaptiveResults<Real>& found, const std::string& name) {
  const int d = mixture.d;
  const int64_t n = static_cast<int64_t>(points.size()) / d;
  double steps = 0, expected_steps = 0;
  for (int64_t row = 0; row < n; row++) {
    const Path path = follow(mixture, how, Numbers(&points[row * d], &points[row * d] + d),
                             starts[row]);
    const std::string where = name + " row " + std::to_string(row);
    const float* report = &found.report[3 * row];
    const bool same_steps = report[1] == path.accepted && report[2] == path.rejected;
    expect(same_steps || SINGLE<Real>, where + " takes other steps");
    steps += report[1] + report[2];
    expected_steps += path.accepted + path.rejected;
    const double tolerance = SINGLE<Real> ? 100 * how.tolerance : 1e-9;
    expect(report[0] == path.ending, where + " ends as " + std::to_string(report[0]) + ", not " +
                                         std::to_string(path.ending));
    const auto compare = [&](const std::vector<Real>& all, const Numbers* expected, int columns,
                             const char* what) {
      if (expected == nullptr) {
        expect(all_nan(all, row * columns, columns), where + what + " must be NaN");
      } else {
        const double worst = error(&all[row * columns], *expected, 1);
        expect(worst <= tolerance, where + what + " is off by " + std::to_string(worst));
      }
    };
    const bool reached = path.ending == FS_REACHED;
    compare(found.end, reached ? &path.state : nullptr, d, " end");
    if (how.wants_log_density) {
      const Numbers density = {path.log_density};
      compare(found.log_density, reached ? &density : nullptr, 1, " log-density");
    }
    // How far a row came that ended early follows from its steps.
    const bool knots_follow = wants_knots && (reached || !SINGLE<Real>);
    for (size_t knot = 1; knots_follow && knot < how.times.size(); knot++) {
      compare(found.knots[knot], knot < path.knots.size() ? &path.knots[knot] : nullptr, d,
              " knot");
    }
    if (wants_knots) {
      expect(std::equal(&points[row * d], &points[row * d] + d, &found.knots[0][row * d],
                        [](Real p, Real q) { return p == q || (std::isnan(p) && std::isnan(q)); }),
             where + " start");
    }
  }
  expect(std::abs(steps - expected_steps) <= 4 + 0.25 * expected_steps,
         name + ": " + std::to_string(steps) + " steps, not " + std::to_string(expected_steps));
}

const Schedule SCHEDULES[] = {
    {FS_LINEAR, 2, 0}, {FS_LINEAR, 0.1, 19.9}, {FS_COSINE, 0, 0}, {FS_EXPLODING, 0, 0}};

Adaptive adaptive(int schedule, double tolerance, bool reversed, bool wants_log_density) {
  const double start[] = {3, 1, 0.98, 20};
  const double end[] = {1e-4, 1e-3, 1e-3, 0.01};
  std::vector<double> times;
  for (int i = 0; i <= 6; i++) {
    times.push_back(start[schedule] * std::pow(end[schedule] / start[schedule], i / 6.0));
  }
  times.back() = end[schedule];
  if (reversed) std::reverse(times.begin(), times.end());
  return {SCHEDULES[schedule], times, tolerance, 10000, 1e-12, wants_log_density};
}

// To a few units in the last place at every time, and alpha to twice the digits at low noise.
template <typename Real>
void processes(std::mt19937&) {
  const double epsilon = std::numeric_limits<Real>::epsilon();
  for (const Schedule& schedule : SCHEDULES) {
    const fewstep::Process<Real> process = {static_cast<fewstep::Schedule>(schedule.code),
                                            static_cast<Real>(schedule.rate),
                                            static_cast<Real>(schedule.slope)};
    for (double at : {1e-6, 1e-5, 1e-3, 0.1, 0.3, 0.5, 0.9, 0.98, 3.0, 20.0}) {
      if (at > 1 && schedule.code != FS_EXPLODING && schedule.slope != 0) continue;
      if (at > 1 && schedule.code == FS_COSINE) continue;
      const Real t = static_cast<Real>(at);
      const fewstep::Instant<Real> found = process.at(t);
      const Number alpha = schedule.alpha(t), variance = schedule.variance(t);
      const auto near = [&](Number value, Number expected, Number unit, const char* what) {
        expect(std::abs(value - expected) <= 16 * epsilon * unit,
               std::string(what) + " of process " + std::to_string(schedule.code) + " at " +
                   std::to_string(at));
      };
      near(found.variance, variance, variance, "variance");
      near(Number(found.alpha) + found.alpha_low, alpha,
           std::min(std::max<Number>(1 - alpha, 1e-4L), alpha), "alpha");
      near(found.drift, schedule.drift(t), std::abs(schedule.drift(t)), "drift");
      near(found.half, schedule.half(t), schedule.half(t), "g^2/2");
    }
  }
}

template <typename Real>
void adaptive_shapes(std::mt19937& random) {
  int drawn = 0;
  for (int kind : {FS_ISOTROPIC, FS_DIAGONAL, FS_FULL}) {
    for (int d : {1, 2, 3, 4, 7}) {
      for (int k : {1, 7}) {
        if ((d == 1 && kind != FS_ISOTROPIC) || (d > 3 && (!SINGLE<Real> || kind == FS_FULL)) ||
            (check::EVERY_THREAD_IS_DEAR && (d + k) % 3 != 0)) {
          continue;
        }
        drawn++;
        const Mixture mixture = draw(random, kind, d, k, (d + k) % 2 == 0, 1.5);
        const bool reversed = drawn % 3 == 0, knots = drawn % 2 == 0;
        const Adaptive how = adaptive(drawn % 4, SINGLE<Real> ? 1e-4 : 1e-7, reversed,
                                      drawn % 5 < 3);
        const double noise = reversed ? 1 : std::sqrt(how.schedule.at(how.times[0]).variance);
        for (int64_t n : {0, 1, drawn == 3 && !check::EVERY_THREAD_IS_DEAR ? 530 : 33}) {
          const auto x = normals<Real>(random, n * d, noise);
          const auto starts = normals<Real>(random, n, 1);
          compare_paths<Real>(mixture, how, knots, x, starts,
                              run_adaptive<Real>(mixture, how, knots, x, starts, drawn % 4 == 1),
                              describe(mixture, SINGLE<Real>, n, "adaptive, process ") +
                                  std::to_string(drawn % 4));
        }
      }
    }
  }
}

// Rows that end early, in every way there is, and rows far from all components.
template <typename Real>
void adaptive_endings(std::mt19937& random) {
  const Real nan = std::numeric_limits<Real>::quiet_NaN();
  const Real infinity = std::numeric_limits<Real>::infinity();
  for (int kind : {FS_ISOTROPIC, FS_DIAGONAL, FS_FULL}) {
    const int d = 3, n = 40;
    const Mixture mixture = draw(random, kind, d, 4, false, 1);
    auto x = normals<Real>(random, n * d, 1);
    auto starts = normals<Real>(random, n, 1);
    x[4 * d + 1] = nan;
    x[33 * d] = -infinity;
    starts[7] = nan;
    for (int i = 0; i < d; i++) {
      x[9 * d + i] *= 200;
      x[10 * d + i] *= static_cast<Real>(1e6);
      x[11 * d + i] *= static_cast<Real>(1e25);
    }
    const double tolerance = SINGLE<Real> ? 1e-4 : 1e-7;
    Adaptive how = adaptive(0, tolerance, false, true);
    const std::string name = describe(mixture, SINGLE<Real>, n, "endings");
    const AdaptiveResults<Real> good = run_adaptive<Real>(mixture, how, true, x, starts, false);
    compare_paths<Real>(mixture, how, true, x, starts, good, name);
    expect(good.report[3 * 4] == FS_NOT_FINITE && good.report[3 * 7] == FS_NOT_FINITE &&
              good.report[3 * 33] == FS_NOT_FINITE && good.report[3 * 9] == FS_REACHED &&
              good.report[3 * 10] == FS_REACHED && good.report[3 * 11] == FS_REACHED,
           name + " reported");
    how.most_steps = 3;
    compare_paths<Real>(mixture, how, true, x, starts,
                        run_adaptive<Real>(mixture, how, true, x, starts, false),
                        name + " with few steps");
    how.most_steps = 10000;
    how.smallest = SINGLE<Real> ? 0.4 : 0.1;
    const AdaptiveResults<Real> stuck = run_adaptive<Real>(mixture, how, true, x, starts, false);
    if (!SINGLE<Real>) {
      compare_paths<Real>(mixture, how, true, x, starts, stuck, name + " with large steps");
    }
    int underflows = 0;
    for (int row = 0; row < n; row++) {
      if (stuck.report[3 * row] != FS_STEP_UNDERFLOW) continue;
      underflows++;
      expect(all_nan(stuck.end, row * d, d) && all_nan(stuck.log_density, row, 1),
             name + " with large steps must be NaN in row " + std::to_string(row));
    }
    expect(underflows > 0, name + ": no step was too small");
  }
}

// A row's bits depend on nothing but the row: not on which thread comes to it, nor when.
template <typename Real>
void adaptive_bits(std::mt19937& random) {
  for (int kind : {FS_ISOTROPIC, FS_FULL}) {
    const int d = 2, n = check::EVERY_THREAD_IS_DEAR ? 390 : 1000;
    const Mixture mixture = draw(random, kind, d, 5, false, 1);
    const Adaptive how = adaptive(kind, SINGLE<Real> ? 1e-3 : 1e-5, false, true);
    auto x = normals<Real>(random, n * d, 1);
    x[5 * d] = static_cast<Real>(1e5);
    const auto starts = normals<Real>(random, n, 1);
    const AdaptiveResults<Real> all = run_adaptive<Real>(mixture, how, true, x, starts, false);
    for (int row : {0, 5, 31, 128, 383, 384, n - 1}) {
      const AdaptiveResults<Real> own = run_adaptive<Real>(
          mixture, how, false, {&x[row * d], &x[row * d] + d}, {starts[row]}, true);
      expect(std::equal(own.end.begin(), own.end.end(), all.end.begin() + row * d) &&
                std::equal(own.end.begin(), own.end.end(), all.knots.back().begin() + row * d) &&
                own.log_density[0] == all.log_density[row] &&
                std::equal(own.report.begin(), own.report.end(), all.report.begin() + 3 * row),
             describe(mixture, SINGLE<Real>, n, "adaptive bits of row ") + std::to_string(row));
    }
  }
}

// More numbers a row than a block has shared memory for.
template <typename Real>
void many_dimensions(std::mt19937& random) {
  const int d = 2500;
  Mixture mixture = draw(random, FS_ISOTROPIC, d, 3, true, 0.05);
  const int n = 9;
  const auto x = normals<Real>(random, n * d, 0.8), v = normals<Real>(random, n * d, 1);
  const std::vector<Time> time = {{0.9, 0.19}};
  const Results<Real> found = evaluate<Real>(mixture, time, false, x, v);
  const Results<Real> at_times = evaluate<Real>(mixture, time, true, x, v);
  // One eigenvalue: sums of differences are all there is to it.
  const Number lambda = Number(0.81) * mixture.eigenvalues[0] + Number(0.19);
  for (int row = 0; row < n; row++) {
    Numbers logits, score(d, 0);
    for (int c = 0; c < 3; c++) {
      Number q = 0;
      for (int i = 0; i < d; i++) {
        const Number e = x[row * d + i] - Number(0.9) * mixture.means[c * d + i];
        q += e * e / lambda;
      }
      logits.push_back(mixture.weights[c] > 0 ? std::log(Number(mixture.weights[c])) - q / 2
                                              : -std::numeric_limits<Number>::infinity());
    }
    const Number largest = *std::max_element(logits.begin(), logits.end());
    Number sum = 0;
    for (Number& logit : logits) sum += (logit = std::exp(logit - largest));
    for (int c = 0; c < 3; c++) {
      for (int i = 0; i < d; i++) {
        score[i] -=
            logits[c] / sum * (x[row * d + i] - Number(0.9) * mixture.means[c * d + i]) / lambda;
      }
    }
    const double tolerance = SINGLE<Real> ? 1e-4 : 1e-11;
    expect(error(&found.score[row * d], score, 1) <= tolerance, "score of many dimensions");
    expect(error(&at_times.score[row * d], score, 1) <= tolerance, "the same at its time");
  }
}

// Opens the device for a test, which draws from a stream of its own.
void run(void (*test)(std::mt19937&)) {
  std::mt19937 random(20260);
  require(fs_open(0, 0, &context), "fs_open");
  test(random);
  require(fs_close(context), "fs_close");
}

}  // namespace

TEST(drawn_shapes_in_float32) { run(drawn_shapes<float>); }
TEST(drawn_shapes_in_float64) { run(drawn_shapes<double>); }
TEST(far_points_in_float32) { run(far_points<float>); }
TEST(far_points_in_float64) { run(far_points<double>); }
TEST(midpoints_in_float32) { run(midpoints<float>); }
TEST(midpoints_in_float64) { run(midpoints<double>); }
TEST(sharp_means_in_float32) { run(sharp_means<float>); }
TEST(sharp_means_in_float64) { run(sharp_means<double>); }
TEST(bad_rows_in_float32) { run(bad_rows<float>); }
TEST(bad_rows_in_float64) { run(bad_rows<double>); }
TEST(same_bits_in_float32) { run(same_bits<float>); }
TEST(same_bits_in_float64) { run(same_bits<double>); }
TEST(in_place_in_float32) { run(in_place<float>); }
TEST(in_place_in_float64) { run(in_place<double>); }
TEST(trajectories_in_float32) { run(trajectories<float>); }
TEST(trajectories_in_float64) { run(trajectories<double>); }
TEST(processes_in_float32) { run(processes<float>); }
TEST(processes_in_float64) { run(processes<double>); }
TEST(adaptive_shapes_in_float32) { run(adaptive_shapes<float>); }
TEST(adaptive_shapes_in_float64) { run(adaptive_shapes<double>); }
TEST(adaptive_endings_in_float32) { run(adaptive_endings<float>); }
TEST(adaptive_endings_in_float64) { run(adaptive_endings<double>); }
TEST(adaptive_bits_in_float32) { run(adaptive_bits<float>); }
TEST(adaptive_bits_in_float64) { run(adaptive_bits<double>); }
TEST(many_dimensions_in_float32) { run(many_dimensions<float>); }
TEST(many_dimensions_in_float64) { run(many_dimensions<double>); }
