#pragma once

// The counter-based random stream Philox4x32-10 (Salmon et al., 2011) and the uniforms and normals
// drawn from it, number for number those of org.fewstep.backend.Philox, whose javadoc defines them.
//
// The same bits on every machine: only operations whose rounding IEEE 754 prescribes, in the order
// of the Java source, so this file must be compiled without contraction to multiply-adds
// (-fmad=false, -ffp-contract=off).

#include "numbers.cuh"
#include "portable.cuh"
#include "tuning.cuh"

namespace fewstep {

struct PhiloxWords {
  uint32_t w0, w1, w2, w3;
};

FS_DEVICE PhiloxWords philox(uint64_t seed, uint64_t block) {
  uint32_t c0 = static_cast<uint32_t>(block);
  uint32_t c1 = static_cast<uint32_t>(block >> 32);
  uint32_t c2 = 0;
  uint32_t c3 = 0;
  uint32_t key0 = static_cast<uint32_t>(seed);
  uint32_t key1 = static_cast<uint32_t>(seed >> 32);
  FS_UNROLL
  for (int round = 0; round < 10; round++) {
    const uint64_t product0 = uint64_t{0xD2511F53u} * c0;
    const uint64_t product1 = uint64_t{0xCD9E8D57u} * c2;
    c0 = static_cast<uint32_t>(product1 >> 32) ^ c1 ^ key0;
    c2 = static_cast<uint32_t>(product0 >> 32) ^ c3 ^ key1;
    c1 = static_cast<uint32_t>(product1);
    c3 = static_cast<uint32_t>(product0);
    key0 += 0x9E3779B9u;
    key1 += 0xBB67AE85u;
  }
  return {c0, c1, c2, c3};
}

// Two numbers of a stream: those with the indices 2 block and 2 block + 1.
struct NumberPair {
  double even, odd;
};

FS_DEVICE double unit_interval(uint32_t low, uint32_t high) {
  const uint64_t word = uint64_t{high} << 32 | low;
  return static_cast<double>(static_cast<int64_t>(word >> 11)) * 0x1p-53;
}

FS_DEVICE NumberPair uniform_pair(uint64_t seed, uint64_t block) {
  const PhiloxWords words = philox(seed, block);
  return {unit_interval(words.w0, words.w1), unit_interval(words.w2, words.w3)};
}

// log(1 - u) for u in [0, 1 - 2^-53], rounded as the freely distributable math library rounds it,
// which Java's StrictMath follows: with 1 - u = 2^k (1 + f), f in [sqrt(2)/2 - 1, sqrt(2) - 1], and
// s = f/(2 + f), log(1 + f) = 2 s + s R(s^2) with a minimax polynomial R.
FS_DEVICE double log_of_complement(double u) {
  constexpr double LN2_HIGH = 6.93147180369123816490e-01;
  constexpr double LN2_LOW = 1.90821492927058770002e-10;
  constexpr double COEFFICIENTS[] = {6.666666666666735130e-01, 3.999999999940941908e-01,
                                     2.857142874366239149e-01, 2.222219843214978396e-01,
                                     1.818357216161805012e-01, 1.531383769920937332e-01,
                                     1.479819860510658591e-01};
  const double x = -u;
  if (u < 0x1p-29) {
    return u < 0x1p-54 ? x : x - x * x * 0.5;
  }
  int k = 0;
  double f = x;
  double correction = 0;
  bool power_of_two = false;
  // The high words of doubles decide, as in the original: this is u <= about 0.29289.
  if (static_cast<uint32_t>(bits_of(u) >> 32) > 0x3fd2bec3u) {
    const double sum = 1.0 + x;
    const uint64_t bits = bits_of(sum);
    k = static_cast<int>(bits >> 52) - 1023;
    correction = (k > 0 ? 1.0 - (sum - x) : x - (sum - 1.0)) / sum;
    const uint32_t high = static_cast<uint32_t>(bits >> 32) & 0xfffffu;
    const uint64_t mantissa = bits & 0xfffffffffffffu;
    uint32_t small = high;
    if (high < 0x6a09eu) {
      f = double_of(mantissa | 0x3ff0000000000000u) - 1.0;
    } else {
      k++;
      small = (0x100000u - high) >> 2;
      f = double_of(mantissa | 0x3fe0000000000000u) - 1.0;
    }
    power_of_two = small == 0;
  }
  const double half_square = 0.5 * f * f;
  if (power_of_two) {
    if (f == 0) {
      return k * LN2_HIGH + (correction + k * LN2_LOW);
    }
    const double rest = half_square * (1.0 - 0.66666666666666666 * f);
    return k * LN2_HIGH - ((rest - (k * LN2_LOW + correction)) - f);
  }
  const double s = f / (2.0 + f);
  const double z = s * s;
  double polynomial = COEFFICIENTS[6];
  FS_UNROLL
  for (int i = 5; i >= 0; i--) {
    polynomial = COEFFICIENTS[i] + z * polynomial;
  }
  const double rest = z * polynomial;
  if (k == 0) {
    return f - (half_square - s * (half_square + rest));
  }
  return k * LN2_HIGH -
         ((half_square - (s * (half_square + rest) + (k * LN2_LOW + correction))) - f);
}

// The cosine of an angle and that many quarter turns; for the sine, pass the sine and -cosine.
FS_DEVICE double turned(double cosine, double sine, int quarters) {
  switch (quarters & 3) {
    case 0:
      return cosine;
    case 1:
      return -sine;
    case 2:
      return -cosine;
    default:
      return sine;
  }
}

FS_DEVICE NumberPair normal_pair(uint64_t seed, uint64_t block) {
  // Taylor series of (sin v - v)/v^3 and (cos v - 1)/v^2 in v^2, highest power first.
  constexpr double SINE[] = {1 / 355687428096000.0, -1 / 1307674368000.0, 1 / 6227020800.0,
                             -1 / 39916800.0,       1 / 362880.0,         -1 / 5040.0,
                             1 / 120.0,             -1 / 6.0};
  constexpr double COSINE[] = {-1 / 6402373705728000.0, 1 / 20922789888000.0, -1 / 87178291200.0,
                               1 / 479001600.0,         -1 / 3628800.0,       1 / 40320.0,
                               -1 / 720.0,              1 / 24.0,             -1 / 2.0};
  constexpr double PI = 3.14159265358979323846;
  const NumberPair uniforms = uniform_pair(seed, block);
  const double radius = sqrt(-2 * log_of_complement(uniforms.even));
  // The nearest quarter turn and the rest, at most an eighth, both exact.
  const int quarter = static_cast<int>(rint(4 * uniforms.odd));
  const double rest = 2 * PI * (uniforms.odd - 0.25 * quarter);
  const double square = rest * rest;
  double sine_sum = 0;
  double cosine_sum = 0;
  FS_UNROLL
  for (double coefficient : SINE) {
    sine_sum = sine_sum * square + coefficient;
  }
  FS_UNROLL
  for (double coefficient : COSINE) {
    cosine_sum = cosine_sum * square + coefficient;
  }
  const double cosine = radius * (1 + square * cosine_sum);
  const double sine = radius * (rest + rest * (square * sine_sum));
  return {turned(cosine, sine, quarter), turned(sine, -cosine, quarter)};
}

// A uniform number as it is stored: rounding to float must not make it 1.
FS_DEVICE float stored_uniform(double value, float) {
  const float rounded = static_cast<float>(value);
  return rounded < 1.0f ? rounded : 0x1.fffffep-1f;
}

FS_DEVICE double stored_uniform(double value, double) { return value; }

// out[e] = number first + e of the stream of the seed, one block of the stream a thread.
template <typename Real, bool NORMAL>
FS_KERNEL(tuning::LINEAR_THREADS, 4)
fill_random(Real* out, int64_t count, uint64_t seed, int64_t first) {
  const int64_t first_block = first >> 1;
  const int64_t blocks = ((first + count - 1) >> 1) - first_block + 1;
  const int64_t stride = block_count() * thread_count();
  for (int64_t b = block_index() * thread_count() + thread_index(); b < blocks; b += stride) {
    const uint64_t block = static_cast<uint64_t>(first_block + b);
    const NumberPair pair = NORMAL ? normal_pair(seed, block) : uniform_pair(seed, block);
    const int64_t even = 2 * (first_block + b) - first;
    if (even >= 0) {
      out[even] =
          NORMAL ? static_cast<Real>(pair.even) : stored_uniform(pair.even, Real{});
    }
    if (even + 1 < count) {
      out[even + 1] = NORMAL ? static_cast<Real>(pair.odd) : stored_uniform(pair.odd, Real{});
    }
  }
}

// Row i of out is row floor(u rows) of source, u the uniform number first + i of the stream. An
// element a thread: the few integer operations of the stream hide behind the gather.
template <typename Real>
FS_KERNEL(tuning::LINEAR_THREADS, 4)
draw_rows(Real* out, int64_t count, int columns, const Real* source, int64_t rows, uint64_t seed,
          int64_t first) {
  const int64_t elements = count * columns;
  const int64_t stride = block_count() * thread_count();
  for (int64_t e = block_index() * thread_count() + thread_index(); e < elements; e += stride) {
    const int64_t row = e / columns;
    const uint64_t number = static_cast<uint64_t>(first + row);
    const NumberPair pair = uniform_pair(seed, number >> 1);
    const double u = number & 1 ? pair.odd : pair.even;
    const int64_t drawn = static_cast<int64_t>(u * static_cast<double>(rows));
    out[e] = source[drawn * columns + (e - row * columns)];
  }
}

}  // namespace fewstep
