// What kernels/tensor.cuh says of fragments, rounding, loads and copies, by matrices that are put
// together and taken apart as the PTX manual draws them.

#include <cmath>
#include <cstdlib>
#include <limits>
#include <random>
#include <vector>

#include "check.h"
#include "device_array.h"
#include "tensor.cuh"

using namespace fewstep;

namespace {

constexpr int WARPS = 2;

// ---- Rounding ----

// To so many bits, from binades and fractions.
template <typename Round>
float rounded(float value, int bits, Round round) {
  int exponent;
  const double fraction = std::frexp(value, &exponent);
  return static_cast<float>(std::ldexp(round(std::ldexp(fraction, bits)), exponent - bits));
}

float to_11_bits(float value) {  // ties away from zero
  return rounded(value, 11, [](double x) { return std::round(x); });
}

float to_8_bits(float value) {  // ties to even
  return rounded(value, 8, [](double x) { return std::nearbyint(x); });
}

std::vector<float> drawn(std::mt19937& random, size_t count) {
  std::normal_distribution<float> normal;
  std::vector<float> values;
  for (size_t i = 0; i < count; ++i) values.push_back(normal(random));
  return values;
}

FS_KERNEL(1, 1)
round_all(const float* values, int count, uint32_t* tf32, uint32_t* bf16, float* split_error) {
  for (int i = 0; i < count; ++i) {
    tf32[i] = to_tf32(values[i]);
    bf16[i] = to_bf16(values[i], -values[i]);
    uint32_t high, low;
    split(values[i], high, low);
    split_error[i] = values[i] - float_of(high) - float_of(low);
  }
}

float number(uint32_t bits) {
  float value;
  std::memcpy(&value, &bits, sizeof value);
  return value;
}

}  // namespace

TEST(numbers_are_rounded_as_the_formats_say) {
  std::mt19937 random(1);
  std::vector<float> values = drawn(random, 2000);
  const float ties[] = {1 + 0x1p-11f, 1 + 3 * 0x1p-11f, -1 - 0x1p-11f, 1 + 0x1p-8f,
                        1 + 3 * 0x1p-8f, -1 - 0x1p-8f,  0x1.fffffep0f, 0,
                        -0.0f,           0x1p-120f,     0x1.fffp100f};
  values.insert(values.end(), std::begin(ties), std::end(ties));
  const int count = static_cast<int>(values.size());
  const DeviceArray<float> in(values), error(count);
  const DeviceArray<uint32_t> tf32(count), bf16(count);
  FS_LAUNCH(round_all, 1, 1, 0, nullptr, in.data(), count, tf32.data(), bf16.data(), error.data());
  const auto a = tf32.read(), b = bf16.read();
  const auto e = error.read();
  for (int i = 0; i < count; ++i) {
    CHECK(number(a[i]) == to_11_bits(values[i]));
    CHECK((a[i] & 0x1fff) == 0);
    CHECK(number(b[i] << 16) == to_8_bits(values[i]));
    CHECK(number(b[i] & 0xffff0000) == -to_8_bits(values[i]));
    CHECK(std::fabs(e[i]) <= 0x1p-23 * std::fabs(values[i]));
  }
}

TEST(what_is_no_number_stays_none) {
  const float infinite = std::numeric_limits<float>::infinity();
  const std::vector<float> values = {infinite, -infinite, NAN, number(0x7fffffff),
                                     std::numeric_limits<float>::max()};
  const DeviceArray<float> in(values), error(5);
  const DeviceArray<uint32_t> tf32(5), bf16(5);
  FS_LAUNCH(round_all, 1, 1, 0, nullptr, in.data(), 5, tf32.data(), bf16.data(), error.data());
  const auto a = tf32.read(), b = bf16.read();
  CHECK(number(a[0]) == infinite && number(a[1]) == -infinite && number(a[4]) == infinite);
  CHECK(std::isnan(number(a[2])) && std::isnan(number(a[3])));
  CHECK(number(b[0] << 16) == infinite && number(b[0] & 0xffff0000) == -infinite);
  CHECK(std::isnan(number(b[2] << 16)) && std::isnan(number(b[3] << 16)));
  CHECK(number(b[4] << 16) == infinite);
}

// ---- Products ----

namespace {

// As in "Matrix Fragments for mma.m16n8k8" and "... mma.m16n8k16" of the PTX manual: groupID is
// lane / 4, threadID_in_group lane % 4.
struct Place {
  int row;
  int column;
};

FS_DEVICE Place place_of_a(Tf32, int lane, int i) {
  return {i == 0 || i == 2 ? lane / 4 : lane / 4 + 8, i < 2 ? lane % 4 : lane % 4 + 4};
}

FS_DEVICE Place place_of_b(Tf32, int lane, int i) {
  return {i == 0 ? lane % 4 : lane % 4 + 4, lane / 4};
}

FS_DEVICE Place place_of_a(Bf16, int lane, int i) {
  const bool upper = (i >= 0 && i < 2) || (i >= 4 && i < 6);
  return {upper ? lane / 4 : lane / 4 + 8,
          i < 4 ? lane % 4 * 2 + (i & 1) : lane % 4 * 2 + (i & 1) + 8};
}

FS_DEVICE Place place_of_b(Bf16, int lane, int i) {
  return {i < 2 ? lane % 4 * 2 + (i & 1) : lane % 4 * 2 + (i & 1) + 8, lane / 4};
}

FS_DEVICE Place place_of_c(int lane, int i) {
  return {i < 2 ? lane / 4 : lane / 4 + 8, lane % 4 * 2 + (i & 1)};
}

FS_DEVICE uint32_t word_of(Tf32, const float* values) { return to_tf32(values[0]); }
FS_DEVICE uint32_t word_of(Bf16, const float* values) { return to_bf16(values[0], values[1]); }

template <typename Number>
constexpr int IN_A_WORD = std::is_same_v<Number, Tf32> ? 1 : 2;

template <typename Number>
constexpr int DEPTH = 8 * IN_A_WORD<Number>;

// Each warp its own c += a b, all row by row.
template <typename Number>
FS_KERNEL(WARPS * WARP, 1)
multiply(const float* a, const float* b, float* c) {
  constexpr int DEEP = DEPTH<Number>;
  const int lane = thread_index() % WARP;
  const int warp = thread_index() / WARP;
  a += warp * 16 * DEEP;
  b += warp * DEEP * 8;
  c += warp * 16 * 8;
  FragmentA<Number> left;
  FragmentB<Number> right;
  FragmentC sum;
  for (int w = 0; w < 4; ++w) {
    float values[2];
    for (int i = 0; i < IN_A_WORD<Number>; ++i) {
      const Place place = place_of_a(Number(), lane, w * IN_A_WORD<Number> + i);
      values[i] = a[place.row * DEEP + place.column];
    }
    left.word[w] = word_of(Number(), values);
  }
  for (int w = 0; w < 2; ++w) {
    float values[2];
    for (int i = 0; i < IN_A_WORD<Number>; ++i) {
      const Place place = place_of_b(Number(), lane, w * IN_A_WORD<Number> + i);
      values[i] = b[place.row * 8 + place.column];
    }
    right.word[w] = word_of(Number(), values);
  }
  for (int v = 0; v < 4; ++v) {
    const Place place = place_of_c(lane, v);
    sum.value[v] = c[place.row * 8 + place.column];
  }
  multiply_add(sum, left, right);
  for (int v = 0; v < 4; ++v) {
    const Place place = place_of_c(lane, v);
    c[place.row * 8 + place.column] = sum.value[v];
  }
}

template <typename Number>
void products_are_right(float (*round)(float)) {
  constexpr int DEEP = DEPTH<Number>;
  std::mt19937 random(2);
  for (bool whole : {true, false}) {
    auto a = drawn(random, WARPS * 16 * DEEP);
    auto b = drawn(random, WARPS * DEEP * 8);
    auto c = drawn(random, WARPS * 16 * 8);
    for (auto* values : {&a, &b, &c}) {
      for (float& value : *values) value = whole ? std::round(8 * value) : value;
    }
    const DeviceArray<float> left(a), right(b), sums(c);
    FS_LAUNCH(multiply<Number>, 1, WARPS * WARP, 0, nullptr, left.data(), right.data(),
              sums.data());
    const auto found = sums.read();
    for (int warp = 0; warp < WARPS; ++warp) {
      for (int i = 0; i < 16; ++i) {
        for (int j = 0; j < 8; ++j) {
          const int at = (warp * 16 + i) * 8 + j;
          double sum = c[at];
          double size = std::fabs(sum);
          for (int k = 0; k < DEEP; ++k) {
            const double product = double{round(a[(warp * 16 + i) * DEEP + k])} *
                                   round(b[(warp * DEEP + k) * 8 + j]);
            sum += product;
            size += std::fabs(product);
          }
          if (whole) {
            CHECK(found[at] == sum);
          } else {
            CHECK_NEAR(found[at], sum, 0x1p-23 * size);
            CHECK(std::fabs(found[at]) <= std::fabs(sum));
          }
        }
      }
    }
  }
}

}  // namespace

TEST(products_of_tf32_are_right) { products_are_right<Tf32>(to_11_bits); }
TEST(products_of_bf16_are_right) { products_are_right<Bf16>(to_8_bits); }

// ---- Loads ----

namespace {

// A warp's squares, 8 rows of 16 bytes each, lie in shared memory with a gap after every row.
FS_KERNEL(WARPS * WARP, 1)
load(const uint32_t* squares, uint32_t* plain, uint32_t* transposed) {
  constexpr int PITCH = 12;
  FS_SHARED(uint32_t, rows, WARPS * 32 * PITCH);
  const int lane = thread_index() % WARP;
  const int thread = thread_index();
  for (int i = 0; i < 4; ++i) rows[thread * PITCH + i] = squares[thread * 4 + i];
  warp_barrier();
  uint32_t word[4];
  load_squares(word, rows + thread * PITCH);
  for (int s = 0; s < 4; ++s) plain[(thread - lane + s * 8) * 4 + lane] = word[s];
  load_transposed_squares(word, rows + thread * PITCH);
  for (int s = 0; s < 4; ++s) transposed[(thread - lane + s * 8) * 4 + lane] = word[s];
}

}  // namespace

TEST(squares_are_loaded_as_fragments) {
  std::vector<uint32_t> squares(WARPS * 32 * 4);
  for (size_t i = 0; i < squares.size(); ++i) {
    squares[i] = static_cast<uint32_t>(2 * i | (2 * i + 1) << 16);
  }
  const DeviceArray<uint32_t> in(squares), plain(squares.size()), transposed(squares.size());
  FS_LAUNCH(load, 1, WARPS * WARP, 0, nullptr, in.data(), plain.data(), transposed.data());
  // Lane 4 g + t has word t of row g, and so a square as it lies.
  CHECK(plain.read() == squares);
  const auto found = transposed.read();
  const auto half = [&](int square, int row, int column) {
    return squares[(square * 8 + row) * 4 + column / 2] >> 16 * (column % 2) & 0xffff;
  };
  for (int square = 0; square < WARPS * 4; ++square) {
    for (int lane = 0; lane < WARP; ++lane) {
      const int row = lane % 4 * 2;
      const int column = lane / 4;
      CHECK(found[square * WARP + lane] ==
            (half(square, row, column) | half(square, row + 1, column) << 16));
    }
  }
}

// ---- Copies ----

namespace {

constexpr int STAGE = 4 * WARP;

// Sums what the lanes of a warp copied, stages in turn through two buffers.
FS_KERNEL(WARP, 1)
sum_stages(const float* values, int stages, float* sums) {
  FS_SHARED(float, buffers, 2 * STAGE);
  const int thread = thread_index();
  const auto begin = [&](int stage) {
    if (stage < stages) {
      copy_async(buffers + stage % 2 * STAGE + 4 * thread, values + stage * STAGE + 4 * thread);
    }
    commit_copies();
  };
  begin(0);
  float sum = 0;
  for (int stage = 0; stage < stages; ++stage) {
    begin(stage + 1);
    await_copies<1>();
    warp_barrier();
    for (int i = 0; i < 4; ++i) sum += buffers[stage % 2 * STAGE + thread + WARP * i];
    warp_barrier();
  }
  sums[thread] = sum;
}

}  // namespace

TEST(copies_go_on_while_others_are_awaited) {
  for (int stages : {1, 2, 5}) {
    std::vector<float> values(stages * STAGE);
    for (size_t i = 0; i < values.size(); ++i) values[i] = static_cast<float>(i * i % 101);
    const DeviceArray<float> in(values), out(WARP);
    FS_LAUNCH(sum_stages, 1, WARP, 0, nullptr, in.data(), stages, out.data());
    const auto found = out.read();
    for (int thread = 0; thread < WARP; ++thread) {
      float sum = 0;
      for (size_t i = thread; i < values.size(); i += WARP) sum += values[i];
      CHECK(found[thread] == sum);
    }
  }
}
