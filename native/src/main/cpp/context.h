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

// Makes the context's device the calling thread's, as the runtime demands before every call.
int enter(const fs_context* context);

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
