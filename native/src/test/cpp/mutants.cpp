// Kernels with a mistake each, by which the emulation and the sanitizers prove that they notice.
// The program runs one mutant and says whether its result is right; CMakeLists.txt says who has
// to notice it: the result, the emulation, AddressSanitizer, or ThreadSanitizer.

#include <signal.h>
#include <unistd.h>

#include <cstring>

#include "device_array.h"
#include "portable.cuh"
#include "tensor.cuh"

using namespace fewstep;

namespace {

constexpr int THREADS = 64;

enum Mistake {
  NONE,
  NO_BARRIER_AFTER_WRITE,
  NO_BARRIER_BEFORE_OVERWRITE,
  DIVERGENT_BARRIER,
  TWO_BARRIERS,
  ENDED_BEFORE_BARRIER,
  MISSING_LANE,
  LANE_AT_BARRIER,
  TWO_SHUFFLES,
  SHUFFLE_FOR_BARRIER,
  ARRAY_TOO_SMALL,
  DYNAMIC_ARRAY_TOO_SMALL,
  ARRAY_UNWRITTEN,
  BLOCKS_RACE
};

// out[i] = twice the sum over i's block, in a roundabout way: from the neighbour in a circle, from
// the mirror image in the warp, by shuffles, and over the warps; last[b] = that of block b.
template <Mistake MISTAKE>
FS_KERNEL(THREADS, 1)
neighbours(const float* in, float* out, float* last) {
  FS_SHARED(float, held, MISTAKE == ARRAY_TOO_SMALL ? THREADS - 1 : THREADS);
  FS_SHARED(float, partial, THREADS / WARP);
  FS_DYNAMIC_SHARED(float, staged);
  const int thread = thread_index();
  const long long own = block_index() * THREADS + thread;

  if (MISTAKE != ARRAY_UNWRITTEN || thread > 0) held[thread] = in[own];
  if (MISTAKE == DIVERGENT_BARRIER) {
    if (thread < THREADS - 1) FS_BARRIER();
  } else if (MISTAKE == TWO_BARRIERS) {
    if (thread < WARP) {
      FS_BARRIER();
    } else {
      FS_BARRIER();
    }
  } else if (MISTAKE != NO_BARRIER_AFTER_WRITE) {
    FS_BARRIER();
  }
  float value = held[(thread + 1) % THREADS];
  if (MISTAKE != NO_BARRIER_BEFORE_OVERWRITE) FS_BARRIER();
  held[thread] = 2 * value;

  // What the lanes of the warp wrote, from the other side of it.
  if (MISTAKE == SHUFFLE_FOR_BARRIER) {
    shuffle(value, 0);
  } else {
    warp_barrier();
  }
  value = held[thread ^ (WARP - 1)];

  if (MISTAKE == MISSING_LANE && thread == WARP + 3) return;
  if (MISTAKE == TWO_SHUFFLES && thread % 2 == 0) {
    value += shuffle_xor(value, 16);
  } else {
    value += shuffle_xor(value, 16);
  }
  const int first = MISTAKE == LANE_AT_BARRIER && thread == 40 ? 0 : 8;
  for (int lanes = first; lanes > 0; lanes /= 2) value += shuffle_xor(value, lanes);
  if (thread % WARP == 0) partial[thread / WARP] = value;
  if (MISTAKE == ENDED_BEFORE_BARRIER && thread == 5) return;
  FS_BARRIER();
  staged[thread] = partial[0] + partial[1];
  FS_BARRIER();
  out[own] = staged[THREADS - 1 - thread];
  if (thread == 0) last[MISTAKE == BLOCKS_RACE ? 0 : block_index()] = staged[0];
}

// out[i] = in[i - 1], without a barrier: right as long as threads happen to run forward.
FS_KERNEL(THREADS, 1) left_neighbours(const float* in, float* out) {
  FS_SHARED(float, held, THREADS);
  const int thread = thread_index();
  held[thread] = in[thread];
  out[thread] = thread == 0 ? 0 : held[thread - 1];
}

void tell(bool right) { std::printf("the result is %s\n", right ? "right" : "wrong"); }

template <Mistake MISTAKE>
void run() {
  constexpr int BLOCKS = 2;
  std::vector<float> values(BLOCKS * THREADS);
  std::vector<float> expected(BLOCKS, 0);
  for (size_t i = 0; i < values.size(); ++i) {
    values[i] = static_cast<float>(i * i % 17);
    expected[i / THREADS] += 2 * values[i];
  }
  const DeviceArray<float> in(values);
  const DeviceArray<float> out(values.size());
  const DeviceArray<float> last(BLOCKS);
  const size_t staged = THREADS - (MISTAKE == DYNAMIC_ARRAY_TOO_SMALL ? 1 : 0);
  FS_LAUNCH(neighbours<MISTAKE>, BLOCKS, THREADS, staged * sizeof(float), nullptr, in.data(),
            out.data(), last.data());
  bool right = cudaGetLastError() == cudaSuccess;
  const std::vector<float> result = out.read();
  for (size_t i = 0; i < result.size(); ++i) right = right && result[i] == expected[i / THREADS];
  tell(right);
}

void run_order_for_barrier() {
  const DeviceArray<float> in(std::vector<float>(THREADS, 3));
  const DeviceArray<float> out(THREADS);
  FS_LAUNCH(left_neighbours, 1, THREADS, 0, nullptr, in.data(), out.data());
  std::vector<float> expected(THREADS, 3);
  expected[0] = 0;
  tell(out.read() == expected);
}

// The sum of what the lanes of a warp hold, 16 rows of ones times it, in TF32; a lane may be missing.
template <bool MISSING_LANE_OF_PRODUCT>
FS_KERNEL(WARP, 1)
sum_by_product(const float* in, float* out) {
  if (MISSING_LANE_OF_PRODUCT && thread_index() == 9) return;
  FragmentA<Tf32> ones;
  for (uint32_t& word : ones.word) word = to_tf32(1);
  FragmentB<Tf32> numbers = {{to_tf32(in[thread_index()]), 0}};
  FragmentC sums;
  multiply_add(sums, ones, numbers);
  const float pair = sums.value[0] + sums.value[1];
  const float half = pair + shuffle_xor(pair, 1);
  out[thread_index()] = half + shuffle_xor(half, 2);
}

template <bool MISSING_LANE_OF_PRODUCT>
void run_product() {
  const DeviceArray<float> in(std::vector<float>(WARP, 3));
  const DeviceArray<float> out(WARP);
  FS_LAUNCH(sum_by_product<MISSING_LANE_OF_PRODUCT>, 1, WARP, 0, nullptr, in.data(), out.data());
  tell(out.read() == std::vector<float>(WARP, 3 * WARP));
}

enum CopyMistake {
  NO_COPY_MISTAKE,
  COPY_NOT_AWAITED,
  COPY_AWAITED_TOO_LATE,
  COPY_WITHOUT_BARRIER,
  COPY_OVER_WHAT_IS_READ,
  COPY_OF_ODD_ADDRESS
};

// out = in, two stages through one buffer; a thread copies what its neighbour then stores.
template <CopyMistake MISTAKE>
FS_KERNEL(THREADS, 1)
copy_through(const float* in, float* out) {
  FS_SHARED(float, held, 4 * THREADS + 4);
  const int thread = thread_index();
  const int other = THREADS - 1 - thread;
  for (int stage = 0; stage < 2; ++stage) {
    const int first = stage * 4 * THREADS;
    if (MISTAKE != COPY_OVER_WHAT_IS_READ) FS_BARRIER();
    copy_async(held + 4 * thread + (MISTAKE == COPY_OF_ODD_ADDRESS), in + first + 4 * thread);
    commit_copies();
    if (MISTAKE == COPY_AWAITED_TOO_LATE) {
      await_copies<1>();
    } else if (MISTAKE != COPY_NOT_AWAITED) {
      await_copies<0>();
    }
    if (MISTAKE != COPY_WITHOUT_BARRIER) FS_BARRIER();
    for (int i = 0; i < 4; ++i) out[first + 4 * other + i] = held[4 * other + i];
  }
  if (MISTAKE == COPY_AWAITED_TOO_LATE) await_copies<0>();
}

template <CopyMistake MISTAKE>
void run_copies() {
  std::vector<float> values(8 * THREADS);
  for (size_t i = 0; i < values.size(); ++i) values[i] = static_cast<float>(i);
  const DeviceArray<float> in(values);
  const DeviceArray<float> out(values.size());
  FS_LAUNCH(copy_through<MISTAKE>, 1, THREADS, 0, nullptr, in.data(), out.data());
  tell(out.read() == values);
}

// Half a warp: its shuffles are undefined.
FS_KERNEL(WARP, 1) shuffle_once(float* out) {
  out[thread_index()] = shuffle_xor(1.0f, 1);
}

void run_part_of_a_warp() {
  const DeviceArray<float> out(WARP);
  FS_LAUNCH(shuffle_once, 1, WARP / 2, 0, nullptr, out.data());
}

// More than every kernel has, of both kinds together.
FS_KERNEL(1, 1) take_shared_memory(float* out) {
  FS_SHARED(float, fixed, 4096);
  FS_DYNAMIC_SHARED(float, dynamic);
  fixed[0] = dynamic[0] = 1;
  *out = fixed[0] + dynamic[0];
}

void run_too_much_shared_memory() {
  const DeviceArray<float> out(1);
  FS_LAUNCH(take_shared_memory, 1, 1, 40 * 1024, nullptr, out.data());
}

// Deeper than a stack.
FS_DEVICE float sum_of_array(int depth) {
  volatile float array[2048];
  array[0] = 1;
  return depth == 0 ? array[0] : array[0] + sum_of_array(depth - 1);
}

FS_KERNEL(1, 1) recurse(float* out, int depth) { *out = sum_of_array(depth); }

void run_stack_overflow() {
  const DeviceArray<float> out(1);
  FS_LAUNCH(recurse, 1, 1, 0, nullptr, out.data(), 1000);
}

// CTest takes a signal for a failure of the test, whatever was printed: ends without one. Where a
// stack has ended the handler needs another.
void end_on_signals() {
  static char stack[64 * 1024];
  stack_t other = {};
  other.ss_sp = stack;
  other.ss_size = sizeof stack;
  sigaltstack(&other, nullptr);
  struct sigaction action = {};
  action.sa_flags = SA_ONSTACK;
  action.sa_handler = [](int signal) {
    const char text[] = "the stack has ended\n";
    if (signal == SIGSEGV && write(STDOUT_FILENO, text, sizeof text - 1) < 0) _exit(2);
    _exit(1);
  };
  sigaction(SIGABRT, &action, nullptr);
#if !defined(__SANITIZE_ADDRESS__) && !defined(__SANITIZE_THREAD__)
  sigaction(SIGSEGV, &action, nullptr);
#endif
}

struct Mutant {
  const char* name;
  void (*run)();
};

constexpr Mutant MUTANTS[] = {
    {"none", run<NONE>},
    {"no-barrier-after-write", run<NO_BARRIER_AFTER_WRITE>},
    {"no-barrier-before-overwrite", run<NO_BARRIER_BEFORE_OVERWRITE>},
    {"divergent-barrier", run<DIVERGENT_BARRIER>},
    {"two-barriers", run<TWO_BARRIERS>},
    {"ended-before-barrier", run<ENDED_BEFORE_BARRIER>},
    {"lane-at-barrier", run<LANE_AT_BARRIER>},
    {"missing-lane", run<MISSING_LANE>},
    {"two-shuffles", run<TWO_SHUFFLES>},
    {"shuffle-for-barrier", run<SHUFFLE_FOR_BARRIER>},
    {"array-too-small", run<ARRAY_TOO_SMALL>},
    {"dynamic-array-too-small", run<DYNAMIC_ARRAY_TOO_SMALL>},
    {"array-unwritten", run<ARRAY_UNWRITTEN>},
    {"blocks-race", run<BLOCKS_RACE>},
    {"order-for-barrier", run_order_for_barrier},
    {"no-mistake-in-product", run_product<false>},
    {"missing-lane-of-product", run_product<true>},
    {"no-mistake-in-copies", run_copies<NO_COPY_MISTAKE>},
    {"copy-not-awaited", run_copies<COPY_NOT_AWAITED>},
    {"copy-awaited-too-late", run_copies<COPY_AWAITED_TOO_LATE>},
    {"copy-without-barrier", run_copies<COPY_WITHOUT_BARRIER>},
    {"copy-over-what-is-read", run_copies<COPY_OVER_WHAT_IS_READ>},
    {"copy-of-odd-address", run_copies<COPY_OF_ODD_ADDRESS>},
    {"part-of-a-warp", run_part_of_a_warp},
    {"too-much-shared-memory", run_too_much_shared_memory},
    {"stack-overflow", run_stack_overflow},
};

}  // namespace

int main(int count, char** names) {
  end_on_signals();
  for (const Mutant& mutant : MUTANTS) {
    if (count == 2 && std::strcmp(names[1], mutant.name) == 0) {
      mutant.run();
      return 0;
    }
  }
  std::printf("usage: mutants NAME\n");
  return 2;
}
