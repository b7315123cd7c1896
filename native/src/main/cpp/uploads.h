#pragma once

// Small copies to the device that nobody waits for.

#include <cuda_runtime.h>

#include <cstdint>
#include <cstring>

#include "fewstep_cuda.h"

namespace fewstep {

// A ring of page-locked memory: what is to be copied is put there, so that the caller has its own
// memory back at once. A piece of the ring is used again when the device has read it, which an event
// tells that was enqueued behind its last copy.
class Uploads {
 public:
  // The most bytes of a copy. More are copied, with a wait, from where they are.
  static constexpr uint64_t MOST = uint64_t{64} << 10;

  int enqueue(cudaStream_t stream, void* to, const void* from, uint64_t bytes) {
    int status = memory_ == nullptr ? make() : FS_SUCCESS;
    if (status == FS_SUCCESS && used_ + bytes > PIECE) {
      status = turn(stream);
    }
    if (status != FS_SUCCESS) {
      return status;
    }
    unsigned char* const place = memory_ + piece_ * PIECE + used_;
    std::memcpy(place, from, bytes);
    used_ += (bytes + ALIGNMENT - 1) / ALIGNMENT * ALIGNMENT;
    return cudaMemcpyAsync(to, place, bytes, cudaMemcpyHostToDevice, stream);
  }

  // Once the stream is done with everything.
  int close() {
    int first = FS_SUCCESS;
    const auto note = [&first](int status) { first = first == FS_SUCCESS ? status : first; };
    for (cudaEvent_t& event : read_) {
      if (event != nullptr) {
        note(cudaEventDestroy(event));
        event = nullptr;
      }
    }
    if (memory_ != nullptr) {
      note(cudaFreeHost(memory_));
      memory_ = nullptr;
    }
    return first;
  }

 private:
  static constexpr int PIECES = 4;
  static constexpr uint64_t PIECE = 4 * MOST;
  static constexpr uint64_t ALIGNMENT = 256;

  int make() {
    void* memory = nullptr;
    int status = cudaMallocHost(&memory, PIECES * PIECE);
    memory_ = static_cast<unsigned char*>(memory);
    for (int i = 0; i < PIECES && status == FS_SUCCESS; i++) {
      status = cudaEventCreateWithFlags(&read_[i], cudaEventDisableTiming);
    }
    if (status != FS_SUCCESS) {
      close();
    }
    return status;
  }

  int turn(cudaStream_t stream) {
    int status = cudaEventRecord(read_[piece_], stream);
    if (status != FS_SUCCESS) {
      return status;
    }
    const int next = (piece_ + 1) % PIECES;
    status = cudaEventSynchronize(read_[next]);  // at once if it was never recorded
    if (status == FS_SUCCESS) {
      piece_ = next;
      used_ = 0;
    }
    return status;
  }

  unsigned char* memory_ = nullptr;
  cudaEvent_t read_[PIECES] = {};
  int piece_ = 0;
  uint64_t used_ = 0;
};

}  // namespace fewstep
