#pragma once

// The host's form of kernels/tensor.cuh. Lanes show each other their fragments, and each computes
// its own part of C; copies are done when they are waited for, and what they will overwrite is NaN
// until then.

#include <cstring>

#include "emulation.h"

namespace fewstep {

namespace emulation {

// Numbers of so many to a word: of 4 lanes, the one with number k of a row of A or a column of B,
// and its word of those that lie along the row or column; and the number in the word.
template <typename Number>
struct Packing;

template <>
struct Packing<Tf32> {
  static constexpr int NUMBERS = 1;
  static constexpr const char* PRODUCT = "a product of TF32";
  // The bits that a device does not look at.
  static float number(uint32_t word, int) { return from_bits<float>(word & 0xffffe000u); }
};

template <>
struct Packing<Bf16> {
  static constexpr int NUMBERS = 2;
  static constexpr const char* PRODUCT = "a product of BF16";
  static float number(uint32_t word, int half) {
    return from_bits<float>(half == 0 ? word << 16 : word & 0xffff0000u);
  }
};

// Towards zero.
FS_DEVICE float truncate(double value) {
  return static_cast<float>(from_bits<double>(to_bits(value) & ~uint64_t{0x1fffffff}));
}

FS_DEVICE uint32_t round_to_bf16(float value) {
  uint32_t bits = static_cast<uint32_t>(to_bits(value));
  if (value != value) return 0x7fff;
  return (bits + 0x7fff + (bits >> 16 & 1)) >> 16;
}

FS_DEVICE uint64_t pair(uint32_t low, uint32_t high) { return low | uint64_t{high} << 32; }

FS_DEVICE uint32_t part_of(uint64_t pair, int part) {
  return static_cast<uint32_t>(pair >> 32 * part);
}

}  // namespace emulation

FS_DEVICE uint32_t to_tf32(float value) {
  if (value != value) return 0x7fffe000u;
  return (static_cast<uint32_t>(emulation::to_bits(value)) + 0x1000u) & 0xffffe000u;
}

FS_DEVICE uint32_t to_bf16(float first, float second) {
  return emulation::round_to_bf16(first) | emulation::round_to_bf16(second) << 16;
}

// The products are exact, and summed without an error that one would see in float32.
template <typename Number>
FS_DEVICE void multiply_add(FragmentC& c, const FragmentA<Number>& a, const FragmentB<Number>& b,
                            const char* file = __builtin_FILE(), int line = __builtin_LINE()) {
  using Packing = emulation::Packing<Number>;
  constexpr int NUMBERS = Packing::NUMBERS;
  const uint64_t own[] = {emulation::pair(a.word[0], a.word[1]),
                          emulation::pair(a.word[2], a.word[3]),
                          emulation::pair(b.word[0], b.word[1])};
  const auto* shown = emulation::running->exchange(own, 3, {Packing::PRODUCT, file, line});
  const int group = thread_index() % WARP / 4;
  const int lane = thread_index() % 4;
  for (int v = 0; v < 4; ++v) {
    const int column = 2 * lane + v % 2;
    double sum = c.value[v];
    for (int k = 0; k < 8 * NUMBERS; ++k) {
      const int holder = k / NUMBERS % 4;
      const int half = k / (4 * NUMBERS);
      const uint32_t left = emulation::part_of(shown[half][4 * group + holder], v / 2);
      const uint32_t right = emulation::part_of(shown[2][4 * column + holder], half);
      sum += static_cast<double>(Packing::number(left, k % NUMBERS)) *
             Packing::number(right, k % NUMBERS);
    }
    c.value[v] = emulation::truncate(sum);
  }
}

FS_DEVICE void load_squares(uint32_t (&word)[4], const void* row,
                            const char* file = __builtin_FILE(), int line = __builtin_LINE()) {
  const emulation::Place place = {"a load of squares", file, line};
  emulation::running->require_aligned(row, place);
  const uint64_t* rows = emulation::running->exchange(reinterpret_cast<uint64_t>(row), place);
  const int lane = thread_index() % WARP;
  for (int s = 0; s < 4; ++s) {
    std::memcpy(&word[s], reinterpret_cast<const uint32_t*>(rows[8 * s + lane / 4]) + lane % 4,
                sizeof word[s]);
  }
}

FS_DEVICE void load_transposed_squares(uint32_t (&word)[4], const void* row,
                                       const char* file = __builtin_FILE(),
                                       int line = __builtin_LINE()) {
  const emulation::Place place = {"a transposed load of squares", file, line};
  emulation::running->require_aligned(row, place);
  const uint64_t* rows = emulation::running->exchange(reinterpret_cast<uint64_t>(row), place);
  const int lane = thread_index() % WARP;
  for (int s = 0; s < 4; ++s) {
    uint16_t halves[2];
    for (int half = 0; half < 2; ++half) {
      const uint64_t from = rows[8 * s + 2 * (lane % 4) + half];
      std::memcpy(&halves[half], reinterpret_cast<const uint16_t*>(from) + lane / 4,
                  sizeof halves[half]);
    }
    word[s] = halves[0] | static_cast<uint32_t>(halves[1]) << 16;
  }
}

FS_DEVICE void copy_async(void* shared, const void* global, const char* file = __builtin_FILE(),
                          int line = __builtin_LINE()) {
  emulation::running->begin_copy(shared, global, {"a copy", file, line});
  std::memset(shared, emulation::POISON, 16);
}

FS_DEVICE void commit_copies() { emulation::running->commit_copies(); }

template <int GROUPS>
FS_DEVICE void await_copies() {
  emulation::Machine::Copy copy;
  while (emulation::running->next_copy(GROUPS, &copy)) std::memcpy(copy.to, copy.from, 16);
}

}  // namespace fewstep
