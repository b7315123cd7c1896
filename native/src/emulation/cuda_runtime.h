#pragma once

// A stand-in for the CUDA runtime: one device whose memory is the host's, and whose streams are
// done with a call before it returns, but for a copy from page-locked memory, which is made as late
// as a device might. With it a C++ compiler makes the library from the same launchers, and a machine
// without a device runs all that stands above them.
//
// It is stricter than a device where that shows mistakes: memory begins as NaN, an address is
// checked against the allocations, and a call can be made to fail (fs_emulation_fail_after).

#include <atomic>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <functional>
#include <map>
#include <mutex>
#include <vector>

// The runtime's own numbers: they are the statuses of the C interface.
enum cudaError_t {
  cudaSuccess = 0,
  cudaErrorInvalidValue = 1,
  cudaErrorMemoryAllocation = 2,
  cudaErrorInitializationError = 3,
  cudaErrorInvalidConfiguration = 9,
  cudaErrorInvalidMemcpyDirection = 21,
  cudaErrorInsufficientDriver = 35,
  cudaErrorInvalidDeviceFunction = 98,
  cudaErrorNoDevice = 100,
  cudaErrorInvalidDevice = 101,
  cudaErrorNoKernelImageForDevice = 209,
  cudaErrorInvalidResourceHandle = 400,
  cudaErrorNotReady = 600,
  cudaErrorIllegalAddress = 700,
  cudaErrorLaunchOutOfResources = 701,
  cudaErrorLaunchFailure = 719,
  cudaErrorNotSupported = 801,
  cudaErrorStreamCaptureUnsupported = 900,
  cudaErrorStreamCaptureInvalidated = 901,
  cudaErrorUnknown = 999
};

enum cudaMemcpyKind {
  cudaMemcpyHostToHost = 0,
  cudaMemcpyHostToDevice = 1,
  cudaMemcpyDeviceToHost = 2,
  cudaMemcpyDeviceToDevice = 3,
  cudaMemcpyDefault = 4
};

enum cudaFuncAttribute {
  cudaFuncAttributeMaxDynamicSharedMemorySize = 8,
  cudaFuncAttributePreferredSharedMemoryCarveout = 9
};

enum cudaDeviceAttr {
  cudaDevAttrMaxThreadsPerBlock = 1,
  cudaDevAttrMaxGridDimX = 5,
  cudaDevAttrMaxSharedMemoryPerBlock = 8,
  cudaDevAttrWarpSize = 10,
  cudaDevAttrClockRate = 13,
  cudaDevAttrMultiProcessorCount = 16,
  cudaDevAttrMemoryClockRate = 36,
  cudaDevAttrGlobalMemoryBusWidth = 37,
  cudaDevAttrMaxThreadsPerMultiProcessor = 39,
  cudaDevAttrComputeCapabilityMajor = 75,
  cudaDevAttrComputeCapabilityMinor = 76,
  cudaDevAttrMaxSharedMemoryPerMultiprocessor = 81,
  cudaDevAttrMaxSharedMemoryPerBlockOptin = 97,
  cudaDevAttrMemoryPoolsSupported = 115
};

enum cudaStreamCaptureMode {
  cudaStreamCaptureModeGlobal = 0,
  cudaStreamCaptureModeThreadLocal = 1,
  cudaStreamCaptureModeRelaxed = 2
};

enum cudaMemAllocationType { cudaMemAllocationTypePinned = 1 };
enum cudaMemLocationType { cudaMemLocationTypeDevice = 1 };
enum cudaMemPoolAttr { cudaMemPoolAttrReleaseThreshold = 4 };

struct cudaMemLocation {
  cudaMemLocationType type;
  int id;
};

struct cudaMemPoolProps {
  cudaMemAllocationType allocType;
  cudaMemLocation location;
};

constexpr unsigned cudaStreamDefault = 0;
constexpr unsigned cudaStreamNonBlocking = 1;
constexpr unsigned cudaEventDefault = 0;
constexpr unsigned cudaEventDisableTiming = 2;

struct cudaDeviceProp {
  char name[256];
  int major;
  int minor;
  int multiProcessorCount;
  int maxThreadsPerBlock;
  int warpSize;
  size_t totalGlobalMem;
  size_t sharedMemPerBlock;
  size_t sharedMemPerBlockOptin;
  size_t sharedMemPerMultiprocessor;
};

// What a stream is told while it records, in its order.
struct CUgraph_st {
  std::vector<std::function<void()>> work;
};

struct CUgraphExec_st {
  std::vector<std::function<void()>> work;
};

struct CUstream_st {
  CUgraph_st* recording = nullptr;
  bool invalid = false;  // told of something that cannot be recorded
};

struct CUmemPoolHandle_st {};

struct CUevent_st {
  std::chrono::steady_clock::time_point recorded;
};

typedef CUstream_st* cudaStream_t;
typedef CUevent_st* cudaEvent_t;
typedef CUgraph_st* cudaGraph_t;
typedef CUgraphExec_st* cudaGraphExec_t;
typedef CUmemPoolHandle_st* cudaMemPool_t;

#define cudaStreamLegacy (reinterpret_cast<cudaStream_t>(1))
#define cudaStreamPerThread (reinterpret_cast<cudaStream_t>(2))

namespace fewstep::emulation {

constexpr int MAX_THREADS = 1024;
constexpr size_t KIB = 1024;
// What a block may have without asking, and what it may have after cudaFuncSetAttribute.
constexpr size_t SHARED_MEMORY = 48 * KIB;
constexpr size_t SHARED_MEMORY_OPTIN = 227 * KIB;
constexpr long long MAX_BLOCKS = 0x7fffffff;
// Few, so that a grid made to fill the device once goes around its loop more than once.
constexpr int MULTIPROCESSORS = 3;
// Little, so that a test meets the end of it.
constexpr size_t DEVICE_MEMORY = size_t{2} << 30;
// Of no device in particular: a figure held against them means nothing.
constexpr int CLOCK_KHZ = 1000000;
constexpr int MEMORY_BUS_BITS = 64;
// The byte of which NaNs of all precisions consist.
constexpr int POISON = 0xff;

// That of the device, times 10. All that kernels may use is there whatever it is: this is for those
// who choose between kernels by it. Read at every call, so that a test sees several.
inline int capability() {
  const char* given = std::getenv("FEWSTEP_EMULATION_CAPABILITY");
  return given != nullptr && *given != '\0' ? std::atoi(given) : 90;
}

// What is alive on the device, and what shall fail. Used by all threads of the host.
class Device {
 public:
  enum Kind { DEVICE_MEMORY_KIND, HOST_MEMORY_KIND, STREAM, EVENT, GRAPH, GRAPH_EXEC, POOL };

  // Never destroyed: threads of a JVM may come here while statics are being destroyed.
  static Device& instance() {
    static Device* device = new Device;
    return *device;
  }

  // The status of a call that would otherwise succeed.
  cudaError_t enter(cudaError_t failure) {
    return countdown_.load() > 0 && countdown_.fetch_sub(1) == 1 ? failure : cudaSuccess;
  }

  void fail_after(int calls) { countdown_ = calls; }

  void fail_as_environment_says() {
    const char* calls = std::getenv("FEWSTEP_EMULATION_FAIL");
    if (calls != nullptr && *calls != '\0') fail_after(std::atoi(calls));
  }

  cudaError_t allocate(Kind kind, size_t bytes, void** address) {
    std::lock_guard<std::mutex> lock(mutex_);
    *address = nullptr;
    if (bytes == 0) return cudaSuccess;
    if (bytes > DEVICE_MEMORY - (kind == DEVICE_MEMORY_KIND ? used_ : 0)) {
      return cudaErrorMemoryAllocation;
    }
    void* memory;
    if (posix_memalign(&memory, 256, bytes) != 0) return cudaErrorMemoryAllocation;
    std::memset(memory, POISON, bytes);
    if (kind == DEVICE_MEMORY_KIND) used_ += bytes;
    live_[reinterpret_cast<uintptr_t>(memory)] = {kind, bytes};
    *address = memory;
    return cudaSuccess;
  }

  cudaError_t free(Kind kind, void* address) {
    if (address == nullptr) return cudaSuccess;
    std::lock_guard<std::mutex> lock(mutex_);
    auto found = live_.find(reinterpret_cast<uintptr_t>(address));
    if (found == live_.end() || found->second.kind != kind) return cudaErrorInvalidValue;
    copy_pending();
    if (kind == DEVICE_MEMORY_KIND) used_ -= found->second.bytes;
    live_.erase(found);
    std::free(address);
    return cudaSuccess;
  }

  template <typename T>
  T* create(Kind kind) {
    std::lock_guard<std::mutex> lock(mutex_);
    T* object = new T{};
    live_[reinterpret_cast<uintptr_t>(object)] = {kind, sizeof(T)};
    return object;
  }

  template <typename T>
  cudaError_t destroy(Kind kind, T* object) {
    std::lock_guard<std::mutex> lock(mutex_);
    if (!lives(kind, object)) return cudaErrorInvalidResourceHandle;
    live_.erase(reinterpret_cast<uintptr_t>(object));
    delete object;
    return cudaSuccess;
  }

  bool has(cudaStream_t stream) {
    if (stream == nullptr || stream == cudaStreamLegacy || stream == cudaStreamPerThread) {
      return true;
    }
    std::lock_guard<std::mutex> lock(mutex_);
    return lives(STREAM, stream);
  }

  bool has(cudaEvent_t event) { return has(EVENT, event); }

  bool has(Kind kind, const void* object) {
    std::lock_guard<std::mutex> lock(mutex_);
    return lives(kind, object);
  }

  // Whether these bytes lie in one allocation of the device, or whether none of them does.
  bool on_device(const void* address, size_t bytes) {
    return overlap(DEVICE_MEMORY_KIND, address, bytes) == WHOLE;
  }
  bool on_host(const void* address, size_t bytes) {
    return overlap(DEVICE_MEMORY_KIND, address, bytes) == NONE;
  }
  bool page_locked(const void* address, size_t bytes) {
    return overlap(HOST_MEMORY_KIND, address, bytes) == WHOLE;
  }

  // Does the work of a stream, or, while that records, keeps it.
  void perform(cudaStream_t stream, const std::function<void()>& work) {
    if (records(stream)) {
      stream->recording->work.push_back(work);
    } else {
      settle();
      work();
    }
  }

  // A copy whose source the caller may not touch before it has waited: so that who does is found
  // out, it is made no sooner than something else wants the stream's order.
  void perform_late(cudaStream_t stream, const std::function<void()>& copy) {
    if (records(stream)) {
      stream->recording->work.push_back(copy);
    } else {
      std::lock_guard<std::mutex> lock(mutex_);
      pending_.push_back(copy);
    }
  }

  // Makes the copies that are still to be made.
  void settle() {
    std::lock_guard<std::mutex> lock(mutex_);
    copy_pending();
  }

  // Whether a stream records what it is told. cudaStreamLegacy and its like never do.
  bool records(cudaStream_t stream) {
    std::lock_guard<std::mutex> lock(mutex_);
    return lives(STREAM, stream) && stream->recording != nullptr;
  }

  // The status of a call that a recording cannot hold, which spoils it.
  cudaError_t unless_recording(cudaStream_t stream) {
    if (!records(stream)) return cudaSuccess;
    stream->invalid = true;
    return cudaErrorStreamCaptureUnsupported;
  }

  int live() {
    std::lock_guard<std::mutex> lock(mutex_);
    return static_cast<int>(live_.size());
  }

  void allow_shared(const void* kernel, size_t bytes) {
    std::lock_guard<std::mutex> lock(mutex_);
    shared_[kernel] = bytes;
  }

  // What a block may have, dynamic and in all; a kernel that asked for more gets it.
  struct Shared {
    size_t dynamic;
    size_t total;
  };

  Shared allowed_shared(const void* kernel) {
    std::lock_guard<std::mutex> lock(mutex_);
    auto found = shared_.find(kernel);
    if (found == shared_.end()) return {SHARED_MEMORY, SHARED_MEMORY};
    return {found->second, SHARED_MEMORY_OPTIN};
  }

 private:
  struct Allocation {
    Kind kind;
    size_t bytes;
  };

  enum Overlap { NONE, PART, WHOLE };

  bool lives(Kind kind, const void* object) const {
    auto found = live_.find(reinterpret_cast<uintptr_t>(object));
    return found != live_.end() && found->second.kind == kind;
  }

  void copy_pending() {
    for (const auto& copy : pending_) copy();
    pending_.clear();
  }

  Overlap overlap(Kind kind, const void* address, size_t bytes) {
    std::lock_guard<std::mutex> lock(mutex_);
    uintptr_t begin = reinterpret_cast<uintptr_t>(address);
    uintptr_t end = begin + bytes;
    auto next = live_.lower_bound(end);
    while (next != live_.begin()) {
      --next;
      if (next->second.kind != kind) continue;
      uintptr_t last = next->first + next->second.bytes;
      if (next->first <= begin && end <= last) return WHOLE;
      return begin < last ? PART : NONE;
    }
    return NONE;
  }

  std::mutex mutex_;
  std::map<uintptr_t, Allocation> live_;
  std::map<const void*, size_t> shared_;
  std::vector<std::function<void()>> pending_;
  size_t used_ = 0;
  std::atomic<int> countdown_{0};
};

// Of whose memory and streams all but the first know nothing: they are there to be set by others.
inline int devices() {
  const char* count = std::getenv("FEWSTEP_EMULATION_DEVICES");
  return count == nullptr ? 1 : std::atoi(count);
}

// The device of this thread.
inline thread_local int current_device = 0;

// The error of the last call that failed on this thread.
inline thread_local cudaError_t last_error = cudaSuccess;

inline cudaError_t done(cudaError_t status) {
  if (status != cudaSuccess) last_error = status;
  return status;
}

// A call that makes something, and does not when it shall fail.
template <typename Call>
cudaError_t make(Call call) {
  cudaError_t status = Device::instance().enter(cudaErrorMemoryAllocation);
  return done(status == cudaSuccess ? call(Device::instance()) : status);
}

// A call that works with what there is, and does nothing when it shall fail.
template <typename Call>
cudaError_t use(Call call) {
  cudaError_t status = Device::instance().enter(cudaErrorLaunchFailure);
  return done(status == cudaSuccess ? call(Device::instance()) : status);
}

// A call that gives something back. As on a device it does so even when it tells of a failure,
// which is that of an earlier launch.
template <typename Call>
cudaError_t give_back(Call call) {
  cudaError_t failure = Device::instance().enter(cudaErrorLaunchFailure);
  cudaError_t status = call(Device::instance());
  return done(status == cudaSuccess ? failure : status);
}

}  // namespace fewstep::emulation

// ---- What tests of the library call; exported as C functions ----

#define FS_EMULATION_EXPORT extern "C" __attribute__((used, visibility("default"))) inline

// Makes the n-th call of the runtime from now on fail, once; 0 for none. Making something then
// fails as for want of memory, all else as after a kernel that failed. The environment variable
// FEWSTEP_EMULATION_FAIL does the same whenever a stream is created, which is call 1.
FS_EMULATION_EXPORT void fs_emulation_fail_after(int n) {
  fewstep::emulation::Device::instance().fail_after(n);
}

// The allocations, streams and events that nobody has given back.
FS_EMULATION_EXPORT int fs_emulation_live_allocations() {
  return fewstep::emulation::Device::instance().live();
}

// ---- The runtime ----

#define FS_EMULATED_ERRORS(row)                                                          \
  row(cudaSuccess, "no error")                                                           \
  row(cudaErrorInvalidValue, "invalid argument")                                         \
  row(cudaErrorMemoryAllocation, "out of memory")                                        \
  row(cudaErrorInitializationError, "initialization error")                              \
  row(cudaErrorInvalidConfiguration, "invalid configuration argument")                   \
  row(cudaErrorInvalidMemcpyDirection, "invalid copy direction for memcpy")              \
  row(cudaErrorInsufficientDriver, "CUDA driver version is insufficient for CUDA runtime version") \
  row(cudaErrorInvalidDeviceFunction, "invalid device function")                         \
  row(cudaErrorNoDevice, "no CUDA-capable device is detected")                           \
  row(cudaErrorInvalidDevice, "invalid device ordinal")                                  \
  row(cudaErrorNoKernelImageForDevice, "no kernel image is available for execution on the device") \
  row(cudaErrorInvalidResourceHandle, "invalid resource handle")                         \
  row(cudaErrorNotReady, "device not ready")                                             \
  row(cudaErrorIllegalAddress, "an illegal memory access was encountered")               \
  row(cudaErrorLaunchOutOfResources, "too many resources requested for launch")          \
  row(cudaErrorLaunchFailure, "unspecified launch failure")                              \
  row(cudaErrorNotSupported, "operation not supported")                                  \
  row(cudaErrorStreamCaptureUnsupported, "operation not permitted when stream is capturing") \
  row(cudaErrorStreamCaptureInvalidated, "operation failed due to a previous error during capture") \
  row(cudaErrorUnknown, "unknown error")

inline const char* cudaGetErrorName(cudaError_t error) {
  switch (error) {
#define FS_ROW(name, text) \
  case name:               \
    return #name;
    FS_EMULATED_ERRORS(FS_ROW)
#undef FS_ROW
  }
  return "unrecognized error code";
}

inline const char* cudaGetErrorString(cudaError_t error) {
  switch (error) {
#define FS_ROW(name, text) \
  case name:               \
    return text;
    FS_EMULATED_ERRORS(FS_ROW)
#undef FS_ROW
  }
  return "unrecognized error code";
}

#undef FS_EMULATED_ERRORS

inline cudaError_t cudaPeekAtLastError() { return fewstep::emulation::last_error; }

inline cudaError_t cudaGetLastError() {
  cudaError_t error = fewstep::emulation::last_error;
  fewstep::emulation::last_error = cudaSuccess;
  return error;
}

inline cudaError_t cudaGetDeviceCount(int* count) {
  return fewstep::emulation::use([=](auto&) {
    *count = fewstep::emulation::devices();
    return cudaSuccess;
  });
}

inline cudaError_t cudaSetDevice(int device) {
  using namespace fewstep::emulation;
  return use([=](auto&) {
    if (device < 0 || device >= devices()) return cudaErrorInvalidDevice;
    current_device = device;
    return cudaSuccess;
  });
}

inline cudaError_t cudaGetDevice(int* device) {
  return fewstep::emulation::use([=](auto&) {
    *device = fewstep::emulation::current_device;
    return cudaSuccess;
  });
}

inline cudaError_t cudaDeviceGetAttribute(int* value, cudaDeviceAttr attribute, int device) {
  using namespace fewstep::emulation;
  return use([=](auto&) {
    if (device != 0) return cudaErrorInvalidDevice;
    switch (attribute) {
      case cudaDevAttrMaxThreadsPerBlock:
        *value = MAX_THREADS;
        return cudaSuccess;
      case cudaDevAttrMaxGridDimX:
        *value = static_cast<int>(MAX_BLOCKS);
        return cudaSuccess;
      case cudaDevAttrMaxSharedMemoryPerBlock:
        *value = static_cast<int>(SHARED_MEMORY);
        return cudaSuccess;
      case cudaDevAttrWarpSize:
        *value = 32;
        return cudaSuccess;
      case cudaDevAttrClockRate:
      case cudaDevAttrMemoryClockRate:
        *value = CLOCK_KHZ;
        return cudaSuccess;
      case cudaDevAttrGlobalMemoryBusWidth:
        *value = MEMORY_BUS_BITS;
        return cudaSuccess;
      case cudaDevAttrMultiProcessorCount:
        *value = MULTIPROCESSORS;
        return cudaSuccess;
      case cudaDevAttrMaxThreadsPerMultiProcessor:
        *value = 2 * MAX_THREADS;
        return cudaSuccess;
      case cudaDevAttrComputeCapabilityMajor:
        *value = capability() / 10;
        return cudaSuccess;
      case cudaDevAttrComputeCapabilityMinor:
        *value = capability() % 10;
        return cudaSuccess;
      case cudaDevAttrMaxSharedMemoryPerMultiprocessor:
        *value = static_cast<int>(SHARED_MEMORY_OPTIN + KIB);
        return cudaSuccess;
      case cudaDevAttrMaxSharedMemoryPerBlockOptin:
        *value = static_cast<int>(SHARED_MEMORY_OPTIN);
        return cudaSuccess;
      case cudaDevAttrMemoryPoolsSupported:
        *value = 1;
        return cudaSuccess;
    }
    return cudaErrorInvalidValue;
  });
}

// Blocks run one after another.
template <typename Kernel>
cudaError_t cudaOccupancyMaxActiveBlocksPerMultiprocessor(int* blocks, Kernel*, int, size_t) {
  return fewstep::emulation::use([=](auto&) {
    *blocks = 1;
    return cudaSuccess;
  });
}

inline cudaError_t cudaGetDeviceProperties(cudaDeviceProp* properties, int device) {
  using namespace fewstep::emulation;
  return use([=](auto&) {
    if (device != 0) return cudaErrorInvalidDevice;
    *properties = cudaDeviceProp{};
    std::snprintf(properties->name, sizeof properties->name, "emulated device");
    properties->major = capability() / 10;
    properties->minor = capability() % 10;
    properties->multiProcessorCount = MULTIPROCESSORS;
    properties->maxThreadsPerBlock = MAX_THREADS;
    properties->warpSize = 32;
    properties->totalGlobalMem = DEVICE_MEMORY;
    properties->sharedMemPerBlock = SHARED_MEMORY;
    properties->sharedMemPerBlockOptin = SHARED_MEMORY_OPTIN;
    properties->sharedMemPerMultiprocessor = SHARED_MEMORY_OPTIN + KIB;
    return cudaSuccess;
  });
}

// Version 0, as the runtime says of a driver that is not there.
inline cudaError_t cudaDriverGetVersion(int* version) {
  return fewstep::emulation::use([=](auto&) {
    *version = 0;
    return cudaSuccess;
  });
}

inline cudaError_t cudaRuntimeGetVersion(int* version) {
  return fewstep::emulation::use([=](auto&) {
    *version = 0;
    return cudaSuccess;
  });
}

inline cudaError_t cudaStreamCreateWithFlags(cudaStream_t* stream, unsigned) {
  using namespace fewstep::emulation;
  Device::instance().fail_as_environment_says();
  return make([=](Device& device) {
    *stream = device.create<CUstream_st>(Device::STREAM);
    return cudaSuccess;
  });
}

inline cudaError_t cudaStreamCreate(cudaStream_t* stream) {
  return cudaStreamCreateWithFlags(stream, cudaStreamDefault);
}

inline cudaError_t cudaStreamDestroy(cudaStream_t stream) {
  using namespace fewstep::emulation;
  return give_back([=](Device& device) { return device.destroy(Device::STREAM, stream); });
}

inline cudaError_t cudaStreamSynchronize(cudaStream_t stream) {
  using namespace fewstep::emulation;
  return use([=](Device& device) {
    if (!device.has(stream)) return cudaErrorInvalidResourceHandle;
    device.settle();
    return device.unless_recording(stream);
  });
}

inline cudaError_t cudaDeviceSynchronize() {
  return fewstep::emulation::use([](auto& device) {
    device.settle();
    return cudaSuccess;
  });
}

template <typename T>
cudaError_t cudaMalloc(T** address, size_t bytes) {
  using namespace fewstep::emulation;
  return make([=](Device& device) {
    void* memory;
    cudaError_t status = device.allocate(Device::DEVICE_MEMORY_KIND, bytes, &memory);
    if (status == cudaSuccess) *address = static_cast<T*>(memory);
    return status;
  });
}

inline cudaError_t cudaFree(void* address) {
  using namespace fewstep::emulation;
  return give_back(
      [=](Device& device) { return device.free(Device::DEVICE_MEMORY_KIND, address); });
}

// A recording of allocations is none of ours: the emulation refuses it.
template <typename T>
cudaError_t cudaMallocAsync(T** address, size_t bytes, cudaStream_t stream) {
  using namespace fewstep::emulation;
  if (!Device::instance().has(stream)) return done(cudaErrorInvalidResourceHandle);
  const cudaError_t refused = done(Device::instance().unless_recording(stream));
  return refused != cudaSuccess ? refused : cudaMalloc(address, bytes);
}

inline cudaError_t cudaFreeAsync(void* address, cudaStream_t stream) {
  using namespace fewstep::emulation;
  if (!Device::instance().has(stream)) return done(cudaErrorInvalidResourceHandle);
  const cudaError_t refused = done(Device::instance().unless_recording(stream));
  return refused != cudaSuccess ? refused : cudaFree(address);
}

inline cudaError_t cudaMemPoolCreate(cudaMemPool_t* pool, const cudaMemPoolProps* properties) {
  using namespace fewstep::emulation;
  return make([=](Device& device) {
    if (properties->allocType != cudaMemAllocationTypePinned ||
        properties->location.type != cudaMemLocationTypeDevice || properties->location.id != 0) {
      return cudaErrorInvalidValue;
    }
    *pool = device.create<CUmemPoolHandle_st>(Device::POOL);
    return cudaSuccess;
  });
}

inline cudaError_t cudaMemPoolSetAttribute(cudaMemPool_t pool, cudaMemPoolAttr, void*) {
  using namespace fewstep::emulation;
  return use([=](Device& device) {
    return device.has(Device::POOL, pool) ? cudaSuccess : cudaErrorInvalidValue;
  });
}

inline cudaError_t cudaMemPoolDestroy(cudaMemPool_t pool) {
  using namespace fewstep::emulation;
  return give_back([=](Device& device) { return device.destroy(Device::POOL, pool); });
}

template <typename T>
cudaError_t cudaMallocFromPoolAsync(T** address, size_t bytes, cudaMemPool_t pool,
                                    cudaStream_t stream) {
  using namespace fewstep::emulation;
  if (!Device::instance().has(Device::POOL, pool)) return done(cudaErrorInvalidValue);
  return cudaMallocAsync(address, bytes, stream);
}

template <typename T>
cudaError_t cudaMallocHost(T** address, size_t bytes) {
  using namespace fewstep::emulation;
  return make([=](Device& device) {
    void* memory;
    cudaError_t status = device.allocate(Device::HOST_MEMORY_KIND, bytes, &memory);
    if (status == cudaSuccess) *address = static_cast<T*>(memory);
    return status;
  });
}

inline cudaError_t cudaFreeHost(void* address) {
  using namespace fewstep::emulation;
  return give_back([=](Device& device) { return device.free(Device::HOST_MEMORY_KIND, address); });
}

inline cudaError_t cudaMemcpyAsync(void* to, const void* from, size_t bytes, cudaMemcpyKind kind,
                                   cudaStream_t stream) {
  using namespace fewstep::emulation;
  return use([=](Device& device) {
    if (!device.has(stream)) return cudaErrorInvalidResourceHandle;
    if (bytes == 0) return cudaSuccess;
    bool to_device = kind == cudaMemcpyHostToDevice || kind == cudaMemcpyDeviceToDevice;
    bool from_device = kind == cudaMemcpyDeviceToHost || kind == cudaMemcpyDeviceToDevice;
    if (kind == cudaMemcpyDefault) {
      to_device = device.on_device(to, bytes);
      from_device = device.on_device(from, bytes);
    }
    if (!(to_device ? device.on_device(to, bytes) : device.on_host(to, bytes)) ||
        !(from_device ? device.on_device(from, bytes) : device.on_host(from, bytes))) {
      return cudaErrorInvalidValue;
    }
    const auto copy = [=] { std::memmove(to, from, bytes); };
    if (to_device && !from_device && device.page_locked(from, bytes)) {
      device.perform_late(stream, copy);
    } else {
      device.perform(stream, copy);
    }
    return cudaSuccess;
  });
}

inline cudaError_t cudaMemsetAsync(void* address, int byte, size_t bytes, cudaStream_t stream) {
  using namespace fewstep::emulation;
  return use([=](Device& device) {
    if (!device.has(stream)) return cudaErrorInvalidResourceHandle;
    if (bytes == 0) return cudaSuccess;
    if (!device.on_device(address, bytes)) return cudaErrorInvalidValue;
    device.perform(stream, [=] { std::memset(address, byte, bytes); });
    return cudaSuccess;
  });
}

// Shared memory beyond what every kernel has must be asked for, here as on a device.
template <typename T>
cudaError_t cudaFuncSetAttribute(T* kernel, cudaFuncAttribute attribute, int value) {
  using namespace fewstep::emulation;
  return use([=](Device& device) {
    if (attribute != cudaFuncAttributeMaxDynamicSharedMemorySize) return cudaSuccess;
    if (value < 0 || static_cast<size_t>(value) > SHARED_MEMORY_OPTIN) return cudaErrorInvalidValue;
    device.allow_shared(reinterpret_cast<const void*>(kernel), static_cast<size_t>(value));
    return cudaSuccess;
  });
}

struct cudaFuncAttributes {
  int numRegs;
};

template <typename T>
cudaError_t cudaFuncGetAttributes(cudaFuncAttributes* attributes, T*) {
  return fewstep::emulation::use([=](auto&) {
    *attributes = cudaFuncAttributes{};
    return cudaSuccess;
  });
}

inline cudaError_t cudaEventCreateWithFlags(cudaEvent_t* event, unsigned) {
  using namespace fewstep::emulation;
  return make([=](Device& device) {
    *event = device.create<CUevent_st>(Device::EVENT);
    return cudaSuccess;
  });
}

inline cudaError_t cudaEventCreate(cudaEvent_t* event) {
  return cudaEventCreateWithFlags(event, cudaEventDefault);
}

inline cudaError_t cudaEventDestroy(cudaEvent_t event) {
  using namespace fewstep::emulation;
  return give_back([=](Device& device) { return device.destroy(Device::EVENT, event); });
}

inline cudaError_t cudaEventRecord(cudaEvent_t event, cudaStream_t stream = nullptr) {
  using namespace fewstep::emulation;
  return use([=](Device& device) {
    if (!device.has(event) || !device.has(stream)) return cudaErrorInvalidResourceHandle;
    event->recorded = std::chrono::steady_clock::now();
    return cudaSuccess;
  });
}

inline cudaError_t cudaEventSynchronize(cudaEvent_t event) {
  using namespace fewstep::emulation;
  return use([=](Device& device) {
    if (!device.has(event)) return cudaErrorInvalidResourceHandle;
    device.settle();
    return cudaSuccess;
  });
}

inline cudaError_t cudaEventElapsedTime(float* milliseconds, cudaEvent_t start, cudaEvent_t end) {
  using namespace fewstep::emulation;
  return use([=](Device& device) {
    if (!device.has(start) || !device.has(end)) return cudaErrorInvalidResourceHandle;
    *milliseconds =
        std::chrono::duration<float, std::milli>(end->recorded - start->recorded).count();
    return cudaSuccess;
  });
}

inline cudaError_t cudaStreamBeginCapture(cudaStream_t stream, cudaStreamCaptureMode) {
  using namespace fewstep::emulation;
  return make([=](Device& device) {
    if (!device.has(Device::STREAM, stream)) return cudaErrorStreamCaptureUnsupported;
    if (device.records(stream)) return cudaErrorInvalidValue;
    stream->recording = device.create<CUgraph_st>(Device::GRAPH);
    stream->invalid = false;
    return cudaSuccess;
  });
}

// Ends the recording whatever it says, as a device does.
inline cudaError_t cudaStreamEndCapture(cudaStream_t stream, cudaGraph_t* graph) {
  using namespace fewstep::emulation;
  *graph = nullptr;
  return give_back([=](Device& device) {
    if (!device.records(stream)) return cudaErrorInvalidValue;
    CUgraph_st* recorded = stream->recording;
    stream->recording = nullptr;
    if (stream->invalid) {
      device.destroy(Device::GRAPH, recorded);
      return cudaErrorStreamCaptureInvalidated;
    }
    *graph = recorded;
    return cudaSuccess;
  });
}

inline cudaError_t cudaGraphInstantiate(cudaGraphExec_t* made, cudaGraph_t graph,
                                        unsigned long long) {
  using namespace fewstep::emulation;
  return make([=](Device& device) {
    if (!device.has(Device::GRAPH, graph)) return cudaErrorInvalidValue;
    *made = device.create<CUgraphExec_st>(Device::GRAPH_EXEC);
    (*made)->work = graph->work;
    return cudaSuccess;
  });
}

inline cudaError_t cudaGraphLaunch(cudaGraphExec_t graph, cudaStream_t stream) {
  using namespace fewstep::emulation;
  return use([=](Device& device) {
    if (!device.has(Device::GRAPH_EXEC, graph) || !device.has(stream)) {
      return cudaErrorInvalidValue;
    }
    for (const auto& work : graph->work) device.perform(stream, work);
    return cudaSuccess;
  });
}

inline cudaError_t cudaGraphDestroy(cudaGraph_t graph) {
  using namespace fewstep::emulation;
  return give_back([=](Device& device) { return device.destroy(Device::GRAPH, graph); });
}

inline cudaError_t cudaGraphExecDestroy(cudaGraphExec_t graph) {
  using namespace fewstep::emulation;
  return give_back([=](Device& device) { return device.destroy(Device::GRAPH_EXEC, graph); });
}
