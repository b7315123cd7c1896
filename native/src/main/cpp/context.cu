// Devices, contexts and memory.

#include "context.h"

#include <cstdio>
#include <cstring>
#include <new>

namespace fewstep {

DeviceScope::DeviceScope(int device) : status_(cudaGetDevice(&before_)) {
  // What failed before was told then: a launch of this call must not tell it again.
  cudaGetLastError();
  if (status_ == cudaSuccess && before_ != device) {
    status_ = cudaSetDevice(device);
    changed_ = status_ == cudaSuccess;
  }
}

DeviceScope::~DeviceScope() {
  if (changed_) {
    cudaSetDevice(before_);
  }
}

int launched() { return cudaGetLastError(); }

// Lets go of the workspace: at once, or, if a graph may use it, with the last graph.
static int retire_workspace(fs_context* context) {
  void* const old = context->workspace;
  if (context->graphs > 0) {
    OldWorkspace* const kept = new (std::nothrow) OldWorkspace{old, context->old_workspaces};
    if (kept == nullptr) {
      return FS_OUT_OF_HOST_MEMORY;
    }
    context->old_workspaces = kept;
  }
  context->workspace = nullptr;
  context->workspace_bytes = 0;
  // What is enqueued may still use it: it is freed in the order of the stream.
  return context->graphs > 0 ? FS_SUCCESS : cudaFreeAsync(old, context->stream);
}

static int free_old_workspaces(fs_context* context) {
  int first = FS_SUCCESS;
  while (context->old_workspaces != nullptr) {
    OldWorkspace* const old = context->old_workspaces;
    context->old_workspaces = old->next;
    const int status = cudaFreeAsync(old->memory, context->stream);
    first = first == FS_SUCCESS ? status : first;
    delete old;
  }
  return first;
}

int workspace(fs_context* context, uint64_t bytes, void** address) {
  if (bytes > context->workspace_bytes) {
    if (context->recording) {
      return FS_NOT_RECORDABLE;
    }
    if (context->workspace != nullptr) {
      const int retired = retire_workspace(context);
      if (retired != FS_SUCCESS) {
        return retired;
      }
    }
    const cudaError_t made =
        cudaMallocFromPoolAsync(&context->workspace, bytes, context->pool, context->stream);
    if (made != cudaSuccess) {
      context->workspace = nullptr;
      return made;
    }
    context->workspace_bytes = bytes;
  }
  *address = context->workspace;
  return FS_SUCCESS;
}

int upload(fs_context* context, void* to, const void* from, uint64_t bytes) {
  if (context->recording) {
    return FS_NOT_RECORDABLE;
  }
  if (bytes <= Uploads::MOST) {
    return context->uploads.enqueue(context->stream, to, from, bytes);
  }
  const cudaError_t status =
      cudaMemcpyAsync(to, from, bytes, cudaMemcpyHostToDevice, context->stream);
  return status != cudaSuccess ? status : cudaStreamSynchronize(context->stream);
}

}  // namespace fewstep

using fewstep::DeviceScope;
using fewstep::Entry;
using fewstep::pointer;

const char* fs_error_name(int status) {
  switch (status) {
    case FS_SUCCESS:
      return "success";
    case FS_INVALID_ARGUMENT:
      return "FS_INVALID_ARGUMENT";
    case FS_OUT_OF_HOST_MEMORY:
      return "FS_OUT_OF_HOST_MEMORY";
    case FS_NOT_RECORDABLE:
      return "FS_NOT_RECORDABLE";
    default:
      return cudaGetErrorName(static_cast<cudaError_t>(status));
  }
}

const char* fs_error_text(int status) {
  switch (status) {
    case FS_SUCCESS:
      return "no error";
    case FS_INVALID_ARGUMENT:
      return "an argument of the call is out of its range";
    case FS_OUT_OF_HOST_MEMORY:
      return "the host has no memory left";
    case FS_NOT_RECORDABLE:
      return "what allocates, frees, waits, or copies from or to the host cannot be recorded";
    default:
      return cudaGetErrorString(static_cast<cudaError_t>(status));
  }
}

int fs_device_count(int* count) {
  *count = 0;
  const cudaError_t status = cudaGetDeviceCount(count);
  if (status != cudaSuccess) {
    cudaGetLastError();  // asked and answered: the next call must not see it again
  }
  return status;
}

int fs_device_get(int device, fs_device* properties) {
  cudaDeviceProp found;
  int status = cudaGetDeviceProperties(&found, device);
  if (status != FS_SUCCESS) {
    return status;
  }
  std::memset(properties, 0, sizeof *properties);
  std::snprintf(properties->name, sizeof properties->name, "%s", found.name);
  properties->major = found.major;
  properties->minor = found.minor;
  properties->multiprocessors = found.multiProcessorCount;
  properties->memory = found.totalGlobalMem;
  const auto ask = [device](int* value, cudaDeviceAttr attribute) {
    if (cudaDeviceGetAttribute(value, attribute, device) != cudaSuccess) {
      cudaGetLastError();  // not every device tells: what it does not stays 0
      *value = 0;
    }
  };
  ask(&properties->clock, cudaDevAttrClockRate);
  ask(&properties->memory_clock, cudaDevAttrMemoryClockRate);
  ask(&properties->memory_bus, cudaDevAttrGlobalMemoryBusWidth);
  status = cudaDriverGetVersion(&properties->driver);
  return status != FS_SUCCESS ? status : cudaRuntimeGetVersion(&properties->runtime);
}

// Of what was freed it keeps so many bytes over a wait, for those who ask next.
static constexpr uint64_t KEPT_BYTES = uint64_t{1} << 30;

static int make_pool(int device, cudaMemPool_t* pool) {
  cudaMemPoolProps properties = {};
  properties.allocType = cudaMemAllocationTypePinned;
  properties.location.type = cudaMemLocationTypeDevice;
  properties.location.id = device;
  int status = cudaMemPoolCreate(pool, &properties);
  if (status == FS_SUCCESS) {
    uint64_t kept = KEPT_BYTES;
    status = cudaMemPoolSetAttribute(*pool, cudaMemPoolAttrReleaseThreshold, &kept);
    if (status != FS_SUCCESS) {
      cudaMemPoolDestroy(*pool);
    }
  }
  return status;
}

int fs_open(int device, uint64_t stream, fs_context** context) {
  *context = nullptr;
  const DeviceScope scope(device);
  int status = scope.status();
  if (status != FS_SUCCESS) {
    return status;
  }
  fs_context* made = new (std::nothrow) fs_context;
  if (made == nullptr) {
    return FS_OUT_OF_HOST_MEMORY;
  }
  made->device = device;
  made->owns_stream = stream == 0;
  if (made->owns_stream) {
    // Not blocking: it must not wait for what others do on the default stream.
    status = cudaStreamCreateWithFlags(&made->stream, cudaStreamNonBlocking);
  } else {
    made->stream = pointer<CUstream_st>(stream);
  }
  if (status == FS_SUCCESS) {
    status = make_pool(device, &made->pool);
    if (status != FS_SUCCESS && made->owns_stream) {
      cudaStreamDestroy(made->stream);
    }
  }
  if (status != FS_SUCCESS) {
    delete made;
    return status;
  }
  *context = made;
  return FS_SUCCESS;
}

int fs_close(fs_context* context) {
  // Everything is let go of whatever fails on the way; the first failure is told.
  const Entry entry(context);
  int first = entry.status();
  const auto note = [&first](int status) {
    if (first == FS_SUCCESS) {
      first = status;
    }
  };
  note(cudaStreamSynchronize(context->stream));
  note(context->uploads.close());
  note(fewstep::free_old_workspaces(context));
  if (context->workspace != nullptr) {
    note(cudaFreeAsync(context->workspace, context->stream));
  }
  note(cudaStreamSynchronize(context->stream));
  note(cudaMemPoolDestroy(context->pool));
  if (context->owns_stream) {
    note(cudaStreamDestroy(context->stream));
  }
  delete context;
  return first;
}

uint64_t fs_stream(const fs_context* context) {
  return reinterpret_cast<uintptr_t>(context->stream);
}

int fs_synchronize(fs_context* context) {
  const Entry entry(context, Entry::UNRECORDED);
  const int status = entry.status();
  return status != FS_SUCCESS ? status : cudaStreamSynchronize(context->stream);
}

int fs_allocate(fs_context* context, uint64_t bytes, uint64_t* address) {
  *address = 0;
  const Entry entry(context, Entry::UNRECORDED);
  int status = entry.status();
  if (status != FS_SUCCESS) {
    return status;
  }
  void* memory = nullptr;
  status = cudaMallocFromPoolAsync(&memory, bytes == 0 ? 1 : bytes, context->pool, context->stream);
  if (status != FS_SUCCESS) {
    cudaGetLastError();  // memory that is not to be had leaves the context as it was
    return status;
  }
  status = cudaMemsetAsync(memory, 0, bytes, context->stream);
  if (status != FS_SUCCESS) {
    cudaFreeAsync(memory, context->stream);
    return status;
  }
  *address = reinterpret_cast<uintptr_t>(memory);
  return FS_SUCCESS;
}

// Gives something back whatever was said before: a failure is told, and leaves nothing behind.
template <typename Call>
static int give_back(fs_context* context, Call call) {
  const Entry entry(context);
  const int entered = entry.status();
  const int given = call();
  return entered != FS_SUCCESS ? entered : given;
}

int fs_free(fs_context* context, uint64_t address) {
  return context->recording ? FS_NOT_RECORDABLE : give_back(context, [=] {
    return cudaFreeAsync(pointer<void>(address), context->stream);
  });
}

int fs_allocate_host(fs_context* context, uint64_t bytes, uint64_t* address) {
  *address = 0;
  const Entry entry(context);
  int status = entry.status();
  if (status != FS_SUCCESS) {
    return status;
  }
  void* memory = nullptr;
  status = cudaMallocHost(&memory, bytes);
  if (status != FS_SUCCESS) {
    cudaGetLastError();
    return status;
  }
  *address = reinterpret_cast<uintptr_t>(memory);
  return FS_SUCCESS;
}

int fs_free_host(fs_context* context, uint64_t address) {
  return give_back(context, [=] { return cudaFreeHost(pointer<void>(address)); });
}

int fs_write(fs_context* context, uint64_t device, uint64_t host, uint64_t bytes) {
  const Entry entry(context, Entry::UNRECORDED);
  const int status = entry.status();
  return status != FS_SUCCESS || bytes == 0
             ? status
             : fewstep::upload(context, pointer<void>(device), pointer<void>(host), bytes);
}

int fs_read(fs_context* context, uint64_t host, uint64_t device, uint64_t bytes) {
  const Entry entry(context, Entry::UNRECORDED);
  int status = entry.status();
  if (status != FS_SUCCESS || bytes == 0) {
    return status;
  }
  status = cudaMemcpyAsync(pointer<void>(host), pointer<void>(device), bytes,
                           cudaMemcpyDeviceToHost, context->stream);
  return status != FS_SUCCESS ? status : cudaStreamSynchronize(context->stream);
}

int fs_copy(fs_context* context, uint64_t to, uint64_t from, uint64_t bytes) {
  const Entry entry(context);
  const int status = entry.status();
  return status != FS_SUCCESS || bytes == 0
             ? status
             : cudaMemcpyAsync(pointer<void>(to), pointer<void>(from), bytes,
                               cudaMemcpyDeviceToDevice, context->stream);
}

int fs_record_begin(fs_context* context) {
  const Entry entry(context, Entry::UNRECORDED);
  int status = entry.status();
  if (status == FS_SUCCESS) {
    // Only this thread's calls are held to what can be recorded.
    status = cudaStreamBeginCapture(context->stream, cudaStreamCaptureModeThreadLocal);
    context->recording = status == FS_SUCCESS;
  }
  return status;
}

int fs_record_end(fs_context* context, uint64_t* graph) {
  *graph = 0;
  context->recording = false;
  cudaGraph_t recorded = nullptr;
  int status = give_back(
      context, [&] { return cudaStreamEndCapture(context->stream, &recorded); });
  cudaGraphExec_t made = nullptr;
  if (status == FS_SUCCESS) {
    status = cudaGraphInstantiate(&made, recorded, 0);
  }
  if (recorded != nullptr) {
    const int freed = cudaGraphDestroy(recorded);
    if (status == FS_SUCCESS && freed != FS_SUCCESS) {
      cudaGraphExecDestroy(made);
      status = freed;
    }
  }
  if (status == FS_SUCCESS) {
    context->graphs++;
    *graph = reinterpret_cast<uintptr_t>(made);
  }
  return status;
}

int fs_graph_launch(fs_context* context, uint64_t graph) {
  const Entry entry(context, Entry::UNRECORDED);
  const int status = entry.status();
  return status != FS_SUCCESS
             ? status
             : cudaGraphLaunch(pointer<CUgraphExec_st>(graph), context->stream);
}

int fs_graph_free(fs_context* context, uint64_t graph) {
  if (context->recording) {
    return FS_NOT_RECORDABLE;
  }
  // What it was launched for last may still run.
  const int waited = give_back(context, [=] { return cudaStreamSynchronize(context->stream); });
  const int freed = cudaGraphExecDestroy(pointer<CUgraphExec_st>(graph));
  context->graphs--;
  const int rest = context->graphs == 0 ? fewstep::free_old_workspaces(context) : FS_SUCCESS;
  return waited != FS_SUCCESS ? waited : freed != FS_SUCCESS ? freed : rest;
}

int fs_event_create(fs_context* context, uint64_t* event) {
  *event = 0;
  const Entry entry(context);
  int status = entry.status();
  if (status != FS_SUCCESS) {
    return status;
  }
  cudaEvent_t made = nullptr;
  status = cudaEventCreate(&made);
  if (status != FS_SUCCESS) {
    cudaGetLastError();  // nothing was made, and the context is as it was
    return status;
  }
  *event = reinterpret_cast<uintptr_t>(made);
  return FS_SUCCESS;
}

int fs_event_destroy(fs_context* context, uint64_t event) {
  return give_back(context, [=] { return cudaEventDestroy(pointer<CUevent_st>(event)); });
}

int fs_event_record(fs_context* context, uint64_t event) {
  const Entry entry(context);
  const int status = entry.status();
  return status != FS_SUCCESS ? status
                              : cudaEventRecord(pointer<CUevent_st>(event), context->stream);
}

int fs_event_elapsed(fs_context* context, uint64_t start, uint64_t end, float* milliseconds) {
  *milliseconds = 0;
  const Entry entry(context);
  int status = entry.status();
  if (status == FS_SUCCESS) {
    status = cudaEventSynchronize(pointer<CUevent_st>(end));
  }
  return status != FS_SUCCESS
             ? status
             : cudaEventElapsedTime(milliseconds, pointer<CUevent_st>(start),
                                    pointer<CUevent_st>(end));
}
