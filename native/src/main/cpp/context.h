#pragma once

#include <cuda_runtime.h>

#include <cstdint>

#include "fewstep_cuda.h"
#include "uploads.h"

namespace fewstep {

// Scratch memory that became too small while a graph still uses it.
struct OldWorkspace {
  void* memory;
  OldWorkspace* next;
};

}  // namespace fewstep

// A device and a stream, and scratch memory that the operations of the stream share: they run one
// after another, so that one piece serves all.
struct fs_context {
  int device = 0;
  cudaStream_t stream = nullptr;
  bool owns_stream = false;
  bool recording = false;
  int graphs = 0;  // not freed yet
  // Memory comes from a pool of the context's own: what it keeps for the next allocation is nobody
  // else's business, and goes with it.
  cudaMemPool_t pool = nullptr;
  void* workspace = nullptr;
  uint64_t workspace_bytes = 0;
  fewstep::OldWorkspace* old_workspaces = nullptr;
  fewstep::Uploads uploads;
};

namespace fewstep {

// A device is the calling thread's while this lives, as the runtime demands before every call; then
// the one before is again, for whoever else uses CUDA on this thread.
class DeviceScope {
 public:
  explicit DeviceScope(int device);
  ~DeviceScope();
  DeviceScope(const DeviceScope&) = delete;
  DeviceScope& operator=(const DeviceScope&) = delete;

  int status() const { return status_; }

 private:
  int before_ = 0;
  bool changed_ = false;
  int status_;
};

// A call is at work on a context.
class Entry {
 public:
  enum Recording { ANY, UNRECORDED };

  explicit Entry(const fs_context* context, Recording recording = ANY)
      : scope_(context->device),
        refused_(recording == UNRECORDED && context->recording) {}

  int status() const { return refused_ ? FS_NOT_RECORDABLE : scope_.status(); }

 private:
  DeviceScope scope_;
  bool refused_;
};

// Scratch of at least that many bytes, not initialised, for operations enqueued by this call only.
int workspace(fs_context* context, uint64_t bytes, void** address);

// Copies from host memory, which may be reused on return.
int upload(fs_context* context, void* to, const void* from, uint64_t bytes);

// The status of the launches since the last call.
int launched();

template <typename T>
T* pointer(uint64_t address) {
  return reinterpret_cast<T*>(static_cast<uintptr_t>(address));
}

}  // namespace fewstep
