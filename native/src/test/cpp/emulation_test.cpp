// What the emulation promises: kernels that are right give right results here, in whatever order
// their threads run, and what was not written is NaN.

#include <atomic>
#include <cstdlib>
#include <string>
#include <thread>

#include "check.h"
#include "device_array.h"
#include "environment.h"
#include "portable.cuh"

using namespace fewstep;

namespace {

bool reversed() {
  const char* order = std::getenv("FEWSTEP_EMULATION_ORDER");
  return order != nullptr && std::string(order) == "reverse";
}

// ---- Sums ----

// A tree over shared memory whose size the launch says.
template <typename T>
FS_KERNEL(1024, 1)
sum_by_tree(const T* values, long long count, T* sums) {
  FS_DYNAMIC_SHARED(T, partial);
  const int thread = thread_index();
  T sum = 0;
  for (long long i = block_index() * thread_count() + thread; i < count;
       i += block_count() * thread_count()) {
    sum += values[i];
  }
  partial[thread] = sum;
  FS_BARRIER();
  for (int half = thread_count() / 2; half > 0; half /= 2) {
    if (thread < half) partial[thread] += partial[thread + half];
    FS_BARRIER();
  }
  if (thread == 0) sums[block_index()] = partial[0];
}

// A butterfly in every warp, and one over what the warps found.
template <typename T, int THREADS>
FS_KERNEL(THREADS, 1)
sum_by_shuffles(const T* values, long long count, T* sums) {
  FS_SHARED(T, partial, THREADS / WARP);
  const int lane = thread_index() % WARP;
  const int warp = thread_index() / WARP;
  T sum = 0;
  for (long long i = block_index() * THREADS + thread_index(); i < count;
       i += block_count() * THREADS) {
    sum += values[i];
  }
  FS_UNROLL
  for (int lanes = WARP / 2; lanes > 0; lanes /= 2) sum += shuffle_xor(sum, lanes);
  if (lane == 0) partial[warp] = sum;
  FS_BARRIER();
  if (warp == 0) {
    sum = lane < THREADS / WARP ? partial[lane] : 0;
    FS_UNROLL
    for (int lanes = WARP / 2; lanes > 0; lanes /= 2) sum += shuffle_xor(sum, lanes);
    if (lane == 0) sums[block_index()] = sum;
  }
}

// Whole numbers, so that sums of any order are the same.
template <typename T>
void check_sums(long long count, int blocks) {
  std::vector<T> values(static_cast<size_t>(count));
  double expected = 0;
  for (long long i = 0; i < count; ++i) {
    values[static_cast<size_t>(i)] = static_cast<T>((i * 7919) % 101 - 50);
    expected += static_cast<double>(values[static_cast<size_t>(i)]);
  }
  const DeviceArray<T> device(values);
  const auto check = [&](auto launch) {
    const DeviceArray<T> sums(static_cast<size_t>(blocks));
    launch(sums.data());
    CHECK(cudaGetLastError() == cudaSuccess);
    double total = 0;
    for (T sum : sums.read()) total += static_cast<double>(sum);
    CHECK_NEAR(total, expected, 0);
  };
  for (int threads : {1, 2, 64, 128}) {
    check([&](T* sums) {
      FS_LAUNCH(sum_by_tree<T>, blocks, threads, threads * sizeof(T), nullptr, device.data(),
                count, sums);
    });
  }
  check([&](T* sums) {
    FS_LAUNCH((sum_by_shuffles<T, 32>), blocks, 32, 0, nullptr, device.data(), count, sums);
  });
  check([&](T* sums) {
    FS_LAUNCH((sum_by_shuffles<T, 128>), blocks, 128, 0, nullptr, device.data(), count, sums);
  });
}

TEST(sums_are_right_at_ragged_sizes) {
  for (int blocks : {1, 3}) {
    for (long long count : {1, 31, 32, 33, 127, 128, 129, 1000}) {
      check_sums<float>(count, blocks);
      check_sums<double>(count, blocks);
    }
  }
}

TEST(sums_are_right_in_reverse_order) {
  const Environment order("FEWSTEP_EMULATION_ORDER", "reverse");
  for (long long count : {1, 33, 129, 1000}) check_sums<float>(count, 3);
}

TEST(a_block_may_have_1024_threads) {
  if (check::EVERY_THREAD_IS_DEAR) return;
  const DeviceArray<float> values(std::vector<float>(5000, 1));
  const DeviceArray<float> sums(2);
  FS_LAUNCH(sum_by_tree<float>, 2, 1024, 1024 * sizeof(float), nullptr, values.data(), 5000,
            sums.data());
  CHECK_NEAR(sums.read()[0] + sums.read()[1], 5000, 0);
}

TEST(thousands_of_blocks_are_cheap) {
  const int blocks = check::EVERY_THREAD_IS_DEAR ? 20 : 2000;
  const DeviceArray<float> values(std::vector<float>(100000, 1));
  const DeviceArray<float> sums(static_cast<size_t>(blocks));
  FS_LAUNCH((sum_by_shuffles<float, 128>), blocks, 128, 0, nullptr, values.data(), 100000,
            sums.data());
  double total = 0;
  for (float sum : sums.read()) total += sum;
  CHECK_NEAR(total, 100000, 0);
}

// ---- Warps ----

template <typename T>
FS_KERNEL(64, 1)
exchange(T* mirrored, T* rotated, T* broadcast, int* any) {
  const int thread = thread_index();
  const T value = static_cast<T>(thread + 1);
  mirrored[thread] = shuffle_xor(value, WARP - 1);
  rotated[thread] = shuffle(value, (thread + 1) % WARP);
  broadcast[thread] = shuffle(value, 5);
  any[thread] = any_lane(thread == 40);
}

template <typename T>
void check_exchange() {
  const DeviceArray<T> mirrored(64);
  const DeviceArray<T> rotated(64);
  const DeviceArray<T> broadcast(64);
  const DeviceArray<int> any(64);
  FS_LAUNCH(exchange<T>, 1, 64, 0, nullptr, mirrored.data(), rotated.data(), broadcast.data(),
            any.data());
  for (int thread = 0; thread < 64; ++thread) {
    const size_t i = static_cast<size_t>(thread);
    const int first = thread / WARP * WARP;
    CHECK(mirrored.read()[i] == static_cast<T>(first + WARP - thread % WARP));
    CHECK(rotated.read()[i] == static_cast<T>(first + (thread + 1) % WARP + 1));
    CHECK(broadcast.read()[i] == static_cast<T>(first + 6));
    CHECK(any.read()[i] == (thread >= 32));
  }
}

TEST(lanes_exchange_values_of_every_type) {
  check_exchange<int>();
  check_exchange<unsigned>();
  check_exchange<long long>();
  check_exchange<float>();
  check_exchange<double>();
}

// Every warp transposes a tile of its own, ordered by nothing but the warp's barrier.
FS_KERNEL(64, 1) reverse_in_warps(int* out) {
  FS_SHARED(int, tile, 64);
  const int thread = thread_index();
  const int mirror = thread / WARP * WARP + WARP - 1 - thread % WARP;
  for (int round = 0; round < 3; ++round) {
    tile[thread] = thread + round;
    warp_barrier();
    out[thread] = tile[mirror];
    warp_barrier();
  }
}

TEST(a_warp_barrier_orders_memory) {
  const DeviceArray<int> out(64);
  FS_LAUNCH(reverse_in_warps, 1, 64, 0, nullptr, out.data());
  for (int thread = 0; thread < 64; ++thread) {
    CHECK(out.read()[static_cast<size_t>(thread)] ==
          thread / WARP * WARP + WARP - 1 - thread % WARP + 2);
  }
}

// ---- Shared memory ----

// Says what it finds, and leaves something for the next block to find.
FS_KERNEL(1, 1) find_poison(int* poisoned) {
  FS_SHARED(float, fixed, 3);
  FS_DYNAMIC_SHARED(double, dynamic);
  poisoned[block_index()] = std::isnan(fixed[0]) && std::isnan(fixed[2]) &&
                            std::isnan(dynamic[0]) && std::isnan(dynamic[1]);
  fixed[0] = fixed[2] = 1;
  dynamic[0] = dynamic[1] = 1;
}

TEST(shared_memory_of_every_block_begins_as_nan) {
  const DeviceArray<int> poisoned(3);
  FS_LAUNCH(find_poison, 3, 1, 2 * sizeof(double), nullptr, poisoned.data());
  CHECK(poisoned.read() == std::vector<int>({1, 1, 1}));
}

template <typename T>
FS_DEVICE T* scratch() {
  FS_SHARED(T, array, 4);
  return array;
}

template <typename T>
FS_KERNEL(2, 1)
tell_addresses(uintptr_t* addresses, int* sizes) {
  FS_SHARED(T, first, 4);
  FS_SHARED(T, second, 5);
  FS_DYNAMIC_SHARED(T, dynamic);
  uintptr_t* own = addresses + 4 * thread_index();
  own[0] = reinterpret_cast<uintptr_t>(first);
  own[1] = reinterpret_cast<uintptr_t>(second);
  own[2] = reinterpret_cast<uintptr_t>(scratch<T>());
  own[3] = reinterpret_cast<uintptr_t>(dynamic);
  if (thread_index() == 0) sizes[0] = static_cast<int>(sizeof second / sizeof second[0]);
}

TEST(threads_share_arrays_and_names_do_not) {
  const DeviceArray<uintptr_t> addresses(8);
  const DeviceArray<int> size(1);
  FS_LAUNCH(tell_addresses<double>, 1, 2, 64, nullptr, addresses.data(), size.data());
  const std::vector<uintptr_t> told = addresses.read();
  for (size_t i = 0; i < 4; ++i) {
    CHECK(told[i] == told[i + 4]);
    CHECK(told[i] % 16 == 0);
    for (size_t j = 0; j < i; ++j) CHECK(told[i] != told[j]);
  }
  CHECK(size.read()[0] == 5);
}

// ---- Launches that a device refuses ----

FS_KERNEL(1024, 1) mark(int* ran) { *ran = 1; }

FS_KERNEL(1024, 1) mark_with_more(int* ran) { *ran = 1; }

cudaError_t launch_mark(long long blocks, long long threads, size_t shared, cudaStream_t stream) {
  const DeviceArray<int> ran(1);
  FS_LAUNCH(mark, blocks, threads, shared, stream, ran.data());
  const cudaError_t error = cudaGetLastError();
  CHECK((ran.read()[0] == 1) == (error == cudaSuccess));
  CHECK(cudaGetLastError() == cudaSuccess);
  return error;
}

TEST(a_launch_too_large_is_an_error_and_does_not_run) {
  CHECK(launch_mark(1, 1, 48 * 1024, nullptr) == cudaSuccess);
  CHECK(launch_mark(0, 1, 0, nullptr) == cudaErrorInvalidConfiguration);
  CHECK(launch_mark(1, 0, 0, nullptr) == cudaErrorInvalidConfiguration);
  CHECK(launch_mark(1, 1025, 0, nullptr) == cudaErrorInvalidConfiguration);
  CHECK(launch_mark(1LL << 31, 1, 0, nullptr) == cudaErrorInvalidConfiguration);
  CHECK(launch_mark(1, 1, 48 * 1024 + 1, nullptr) == cudaErrorInvalidValue);
}

TEST(more_shared_memory_must_be_asked_for) {
  const DeviceArray<int> ran(1);
  const auto launch = [&](size_t shared) {
    FS_LAUNCH(mark_with_more, 1, 1, shared, nullptr, ran.data());
    return cudaGetLastError();
  };
  CHECK(launch(100000) == cudaErrorInvalidValue);
  CHECK(cudaFuncSetAttribute(mark_with_more, cudaFuncAttributeMaxDynamicSharedMemorySize,
                             227 * 1024 + 1) == cudaErrorInvalidValue);
  CHECK(cudaGetLastError() == cudaErrorInvalidValue);
  CHECK(cudaFuncSetAttribute(mark_with_more, cudaFuncAttributeMaxDynamicSharedMemorySize,
                             227 * 1024) == cudaSuccess);
  CHECK(launch(100000) == cudaSuccess);
  CHECK(launch(227 * 1024) == cudaSuccess);
  CHECK(launch(227 * 1024 + 1) == cudaErrorInvalidValue);
}

// ---- The runtime ----

TEST(memory_of_the_device_begins_as_nan) {
  const DeviceArray<float> floats(10);
  const DeviceArray<double> doubles(10);
  for (float value : floats.read()) CHECK(std::isnan(value));
  for (double value : doubles.read()) CHECK(std::isnan(value));
  CHECK(reinterpret_cast<uintptr_t>(floats.data()) % 256 == 0);
}

TEST(addresses_are_checked) {
  const DeviceArray<char> array(100);
  char host[200] = {};
  const auto copy = [&](void* to, const void* from, size_t bytes, cudaMemcpyKind kind) {
    const cudaError_t status = cudaMemcpyAsync(to, from, bytes, kind, nullptr);
    CHECK(cudaGetLastError() == status);
    return status;
  };
  char* device = array.data();
  CHECK(copy(device, host, 100, cudaMemcpyHostToDevice) == cudaSuccess);
  CHECK(copy(device + 99, host, 1, cudaMemcpyHostToDevice) == cudaSuccess);
  CHECK(copy(device, host, 101, cudaMemcpyHostToDevice) == cudaErrorInvalidValue);
  CHECK(copy(device + 100, host, 1, cudaMemcpyHostToDevice) == cudaErrorInvalidValue);
  CHECK(copy(host, host + 100, 100, cudaMemcpyHostToDevice) == cudaErrorInvalidValue);
  CHECK(copy(device, host, 100, cudaMemcpyDeviceToHost) == cudaErrorInvalidValue);
  CHECK(copy(host, device, 100, cudaMemcpyDeviceToHost) == cudaSuccess);
  CHECK(copy(host, device, 100, cudaMemcpyDefault) == cudaSuccess);
  CHECK(copy(device, device + 50, 50, cudaMemcpyDeviceToDevice) == cudaSuccess);
  CHECK(cudaMemsetAsync(device, 0, 100, nullptr) == cudaSuccess);
  CHECK(cudaMemsetAsync(device, 0, 101, nullptr) == cudaErrorInvalidValue);
  CHECK(cudaFree(device + 1) == cudaErrorInvalidValue);
  CHECK(cudaGetLastError() == cudaErrorInvalidValue);
}

TEST(a_copy_from_page_locked_memory_is_made_late) {
  const DeviceArray<int> array(std::vector<int>{1});
  int* host = nullptr;
  CHECK(cudaMallocHost(&host, sizeof(int)) == cudaSuccess);
  *host = 2;
  const auto copy = [&] {
    CHECK(cudaMemcpyAsync(array.data(), host, sizeof(int), cudaMemcpyHostToDevice, nullptr) ==
          cudaSuccess);
  };
  copy();
  *host = 3;  // too early
  CHECK(cudaStreamSynchronize(nullptr) == cudaSuccess);
  CHECK(array.read()[0] == 3);
  copy();
  CHECK(cudaFreeHost(host) == cudaSuccess);  // waits, as a device does
  CHECK(array.read()[0] == 3);
}

TEST(a_graph_repeats_what_a_stream_recorded) {
  const int before = fs_emulation_live_allocations();
  cudaStream_t stream = nullptr;
  cudaGraph_t graph = nullptr;
  cudaGraphExec_t made = nullptr;
  CHECK(cudaStreamCreate(&stream) == cudaSuccess);
  {
    const DeviceArray<int> array(std::vector<int>{0});
    CHECK(cudaStreamBeginCapture(stream, cudaStreamCaptureModeThreadLocal) == cudaSuccess);
    FS_LAUNCH(mark, 1, 1, 0, stream, array.data());
    CHECK(cudaStreamEndCapture(stream, &graph) == cudaSuccess);
    CHECK(cudaGraphInstantiate(&made, graph, 0) == cudaSuccess);
    CHECK(cudaGraphDestroy(graph) == cudaSuccess);
    CHECK(array.read()[0] == 0);
    CHECK(cudaGraphLaunch(made, stream) == cudaSuccess);
    CHECK(array.read()[0] == 1);
    CHECK(cudaGraphExecDestroy(made) == cudaSuccess);
    CHECK(cudaGraphLaunch(made, stream) == cudaErrorInvalidValue);
  }
  // What cannot be recorded spoils the recording.
  void* memory = nullptr;
  CHECK(cudaStreamBeginCapture(stream, cudaStreamCaptureModeThreadLocal) == cudaSuccess);
  CHECK(cudaMallocAsync(&memory, 4, stream) == cudaErrorStreamCaptureUnsupported);
  CHECK(cudaStreamEndCapture(stream, &graph) == cudaErrorStreamCaptureInvalidated);
  CHECK(graph == nullptr);
  CHECK(cudaStreamEndCapture(stream, &graph) == cudaErrorInvalidValue);
  CHECK(cudaStreamDestroy(stream) == cudaSuccess);
  CHECK(fs_emulation_live_allocations() == before);
  cudaGetLastError();
}

TEST(what_is_alive_is_counted) {
  const int before = fs_emulation_live_allocations();
  cudaStream_t stream = nullptr;
  cudaEvent_t start = nullptr;
  cudaEvent_t end = nullptr;
  float* device = nullptr;
  float* pinned = nullptr;
  CHECK(cudaStreamCreateWithFlags(&stream, cudaStreamNonBlocking) == cudaSuccess);
  CHECK(cudaEventCreate(&start) == cudaSuccess);
  CHECK(cudaEventCreate(&end) == cudaSuccess);
  CHECK(cudaMallocAsync(&device, 4, stream) == cudaSuccess);
  CHECK(cudaMallocHost(&pinned, 4) == cudaSuccess);
  CHECK(fs_emulation_live_allocations() == before + 5);
  CHECK(cudaFree(pinned) == cudaErrorInvalidValue);
  CHECK(cudaEventRecord(start, stream) == cudaSuccess);
  CHECK(cudaEventRecord(end, stream) == cudaSuccess);
  CHECK(cudaEventSynchronize(end) == cudaSuccess);
  float milliseconds = -1;
  CHECK(cudaEventElapsedTime(&milliseconds, start, end) == cudaSuccess);
  CHECK(milliseconds >= 0);
  CHECK(cudaFreeHost(pinned) == cudaSuccess);
  CHECK(cudaFreeAsync(device, stream) == cudaSuccess);
  CHECK(cudaFree(device) == cudaErrorInvalidValue);
  CHECK(cudaEventDestroy(start) == cudaSuccess);
  CHECK(cudaEventDestroy(end) == cudaSuccess);
  CHECK(cudaEventDestroy(end) == cudaErrorInvalidResourceHandle);
  CHECK(cudaStreamDestroy(stream) == cudaSuccess);
  CHECK(cudaStreamSynchronize(stream) == cudaErrorInvalidResourceHandle);
  CHECK(launch_mark(1, 1, 0, stream) == cudaErrorInvalidResourceHandle);
  CHECK(fs_emulation_live_allocations() == before);
}

TEST(memory_comes_to_an_end) {
  void* memory = nullptr;
  CHECK(cudaMalloc(&memory, size_t{1} << 40) == cudaErrorMemoryAllocation);
  CHECK(cudaGetLastError() == cudaErrorMemoryAllocation);
}

TEST(the_device_claims_the_capability_it_is_told_to) {
  const auto capability = [] {
    int major = 0;
    int minor = 0;
    CHECK(cudaDeviceGetAttribute(&major, cudaDevAttrComputeCapabilityMajor, 0) == cudaSuccess);
    CHECK(cudaDeviceGetAttribute(&minor, cudaDevAttrComputeCapabilityMinor, 0) == cudaSuccess);
    cudaDeviceProp properties;
    CHECK(cudaGetDeviceProperties(&properties, 0) == cudaSuccess);
    CHECK(properties.major == major && properties.minor == minor);
    return 10 * major + minor;
  };
  CHECK(capability() == 90);
  const Environment turing("FEWSTEP_EMULATION_CAPABILITY", "75");
  CHECK(capability() == 75);
}

TEST(there_is_one_device) {
  int count = 0;
  CHECK(cudaGetDeviceCount(&count) == cudaSuccess && count == 1);
  CHECK(cudaSetDevice(0) == cudaSuccess);
  CHECK(cudaSetDevice(1) == cudaErrorInvalidDevice);
  CHECK(cudaGetLastError() == cudaErrorInvalidDevice);
  cudaDeviceProp properties;
  CHECK(cudaGetDeviceProperties(&properties, 0) == cudaSuccess);
  CHECK(std::string(properties.name) == "emulated device");
  int processors = 0;
  CHECK(cudaDeviceGetAttribute(&processors, cudaDevAttrMultiProcessorCount, 0) == cudaSuccess);
  CHECK(processors == properties.multiProcessorCount);
  CHECK(std::string(cudaGetErrorName(cudaErrorMemoryAllocation)) == "cudaErrorMemoryAllocation");
  CHECK(std::string(cudaGetErrorString(cudaErrorMemoryAllocation)) == "out of memory");
}

// ---- Failures by order ----

TEST(the_call_that_is_told_to_fails_and_no_other) {
  void* memory = nullptr;
  fs_emulation_fail_after(2);
  CHECK(cudaSetDevice(0) == cudaSuccess);
  CHECK(cudaMalloc(&memory, 4) == cudaErrorMemoryAllocation);
  CHECK(memory == nullptr);
  CHECK(cudaGetLastError() == cudaErrorMemoryAllocation);
  CHECK(cudaMalloc(&memory, 4) == cudaSuccess);

  const DeviceArray<int> ran(1);
  fs_emulation_fail_after(1);
  FS_LAUNCH(mark, 1, 1, 0, nullptr, ran.data());
  CHECK(cudaGetLastError() == cudaErrorLaunchFailure);
  CHECK(ran.read()[0] != 1);

  fs_emulation_fail_after(1);
  CHECK(cudaStreamSynchronize(nullptr) == cudaErrorLaunchFailure);
  CHECK(cudaStreamSynchronize(nullptr) == cudaSuccess);

  // What is given back is so, whatever the status.
  const int before = fs_emulation_live_allocations();
  fs_emulation_fail_after(1);
  CHECK(cudaFree(memory) == cudaErrorLaunchFailure);
  CHECK(fs_emulation_live_allocations() == before - 1);

  fs_emulation_fail_after(1);
  fs_emulation_fail_after(0);
  CHECK(cudaStreamSynchronize(nullptr) == cudaSuccess);
  cudaGetLastError();
}

TEST(the_environment_makes_calls_fail_from_a_stream_on) {
  cudaStream_t stream = nullptr;
  {
    const Environment fail("FEWSTEP_EMULATION_FAIL", "1");
    CHECK(cudaStreamCreate(&stream) == cudaErrorMemoryAllocation);
    CHECK(stream == nullptr);
  }
  {
    const Environment fail("FEWSTEP_EMULATION_FAIL", "2");
    CHECK(cudaStreamCreate(&stream) == cudaSuccess);
    CHECK(cudaStreamSynchronize(stream) == cudaErrorLaunchFailure);
    CHECK(cudaStreamSynchronize(stream) == cudaSuccess);
  }
  CHECK(cudaStreamDestroy(stream) == cudaSuccess);
  cudaGetLastError();
}

// ---- Order ----

// In which order threads come here. The counter is no device's: that is what shows the order.
FS_KERNEL(32, 1) record_order(std::atomic<int>* arrived, int* order) {
  const int own = static_cast<int>(block_index()) * thread_count() + thread_index();
  order[arrived->fetch_add(1, std::memory_order_relaxed)] = own;
  FS_BARRIER();
}

TEST(threads_run_forward_or_in_reverse_as_the_environment_says) {
  for (const char* direction : {"forward", "reverse"}) {
    const Environment order("FEWSTEP_EMULATION_ORDER", direction);
    std::atomic<int> arrived{0};
    const DeviceArray<int> recorded(96);
    FS_LAUNCH(record_order, 3, 32, 0, nullptr, &arrived, recorded.data());
    for (int i = 0; i < 96; ++i) {
      CHECK(recorded.read()[static_cast<size_t>(i)] == (reversed() ? 95 - i : i));
    }
  }
}

TEST(threads_of_the_host_run_kernels_at_the_same_time) {
  std::vector<std::thread> threads;
  std::vector<float> totals(3);
  for (size_t i = 0; i < totals.size(); ++i) {
    threads.emplace_back([&totals, i] {
      const std::vector<float> ones(1000, static_cast<float>(i + 1));
      const DeviceArray<float> values(ones);
      for (int repeat = 0; repeat < (check::EVERY_THREAD_IS_DEAR ? 2 : 50); ++repeat) {
        const DeviceArray<float> sums(2);
        FS_LAUNCH((sum_by_shuffles<float, 32>), 2, 32, 0, nullptr, values.data(), 1000,
                  sums.data());
        totals[i] = sums.read()[0] + sums.read()[1];
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  for (size_t i = 0; i < totals.size(); ++i) CHECK_NEAR(totals[i], 1000.0 * (i + 1), 0);
}

// ---- Numbers ----

TEST(exp2_fast_is_that_of_a_device) {
  CHECK(exp2_fast(0.0f) == 1.0f);
  CHECK(exp2_fast(-1.0f) == 0.5f);
  CHECK(exp2_fast(-126.0f) == FLT_MIN);
  CHECK(exp2_fast(-127.0f) == 0.0f);
  CHECK(exp2_fast(-INFINITY) == 0.0f);
  CHECK(std::isnan(exp2_fast(NAN)));
  CHECK(exp2_fast(-0.5) == std::exp2(-0.5));
  CHECK(std::isnan(exp2_fast(static_cast<double>(NAN))));
}

}  // namespace
