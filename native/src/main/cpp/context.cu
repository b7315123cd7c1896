// Devices, contexts and memory.

#include "context.h"

#include <cstdio>
#include <cstring>
#include <new>

namespace fewstep {

int enter(const fs_context* context) { return cudaSetDevice(context->device); }

int launched() { return cudaGetLastError(); }

int workspace(fs_context* context, uint64_t bytes, void** address) {
  if (bytes > context->workspace_bytes) {
    // What is enqueued may still use the old one: it is freed in the order of the stream.
    if (context->workspace != nullptr) {
      void* old = context->workspace;
      context->workspace = nullptr;
      context->workspace_bytes = 0;
      const cudaError_t freed = cudaFreeAsync(old, context->stream);
      if (freed != cudaSuccess) {
        return freed;
      }
    }
    const cudaError_t made = cudaMallocAsync(&context->workspace, bytes, context->stream);
    if (made != cudaSuccess) {
      context->workspace = nullptr;
      return made;
    }
    context->workspace_bytes = bytes;
  }
  *address = context->workspace;
  return FS_SUCCESS;
}

}  // namespace fewstep

using fewstep::enter;
using fewstep::pointer;

const char* fs_error_name(int status) {
  switch (status) {
    case FS_SUCCESS:
      return "success";
    case FS_INVALID_ARGUMENT:
      return "FS_INVALID_ARGUMENT";
    case FS_OUT_OF_HOST_MEMORY:
      return "FS_OUT_OF_HOST_MEMORY";
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
  status = cudaDriverGetVersion(&properties->driver);
  return status != FS_SUCCESS ? status : cudaRuntimeGetVersion(&properties->runtime);
}

int fs_open(int device, uint64_t stream, fs_context** context) {
  *context = nullptr;
  int status = cudaSetDevice(device);
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
    if (status != FS_SUCCESS) {
      delete made;
      return status;
    }
  } else {
    made->stream = pointer<CUstream_st>(stream);
  }
  *context = made;
  return FS_SUCCESS;
}

int fs_close(fs_context* context) {
  // Everything is let go of whatever fails on the way; the first failure is told.
  int first = enter(context);
  const auto note = [&first](int status) {
    if (first == FS_SUCCESS) {
      first = status;
    }
  };
  note(cudaStreamSynchronize(context->stream));
  if (context->workspace != nullptr) {
    note(cudaFreeAsync(context->workspace, context->stream));
    note(cudaStreamSynchronize(context->stream));
  }
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
  const int status = enter(context);
  return status != FS_SUCCESS ? status : cudaStreamSynchronize(context->stream);
}

int fs_allocate(fs_context* context, uint64_t bytes, uint64_t* address) {
  *address = 0;
  int status = enter(context);
  if (status != FS_SUCCESS) {
    return status;
  }
  void* memory = nullptr;
  status = cudaMallocAsync(&memory, bytes == 0 ? 1 : bytes, context->stream);
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
  const int entered = enter(context);
  const int given = call();
  return entered != FS_SUCCESS ? entered : given;
}

int fs_free(fs_context* context, uint64_t address) {
  return give_back(
      context, [=] { return cudaFreeAsync(pointer<void>(address), context->stream); });
}

int fs_allocate_host(fs_context* context, uint64_t bytes, uint64_t* address) {
  *address = 0;
  int status = enter(context);
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

static int copy(fs_context* context, void* to, const void* from, uint64_t bytes,
                cudaMemcpyKind kind, bool wait) {
  int status = enter(context);
  if (status != FS_SUCCESS || bytes == 0) {
    return status;
  }
  status = cudaMemcpyAsync(to, from, bytes, kind, context->stream);
  return status != FS_SUCCESS || !wait ? status : cudaStreamSynchronize(context->stream);
}

int fs_write(fs_context* context, uint64_t device, uint64_t host, uint64_t bytes) {
  return copy(context, pointer<void>(device), pointer<void>(host), bytes, cudaMemcpyHostToDevice,
              true);
}

int fs_read(fs_context* context, uint64_t host, uint64_t device, uint64_t bytes) {
  return copy(context, pointer<void>(host), pointer<void>(device), bytes, cudaMemcpyDeviceToHost,
              true);
}

int fs_copy(fs_context* context, uint64_t to, uint64_t from, uint64_t bytes) {
  return copy(context, pointer<void>(to), pointer<void>(from), bytes, cudaMemcpyDeviceToDevice,
              false);
}
