#pragma once

// Memory of the device for a test: written from the host, handed to a kernel, read back.

#include <cuda_runtime.h>

#include <cstddef>
#include <vector>

#include "check.h"

template <typename T>
class DeviceArray {
 public:
  // What nobody has written is NaN.
  explicit DeviceArray(size_t count) : count_(count) {
    CHECK(cudaMalloc(&data_, count * sizeof(T)) == cudaSuccess);
  }

  explicit DeviceArray(const std::vector<T>& values) : DeviceArray(values.size()) {
    CHECK(cudaMemcpyAsync(data_, values.data(), count_ * sizeof(T), cudaMemcpyHostToDevice,
                          nullptr) == cudaSuccess);
    CHECK(cudaStreamSynchronize(nullptr) == cudaSuccess);
  }

  DeviceArray(const DeviceArray&) = delete;
  DeviceArray& operator=(const DeviceArray&) = delete;

  ~DeviceArray() { CHECK(cudaFree(data_) == cudaSuccess); }

  T* data() const { return data_; }

  std::vector<T> read() const {
    std::vector<T> values(count_);
    CHECK(cudaMemcpyAsync(values.data(), data_, count_ * sizeof(T), cudaMemcpyDeviceToHost,
                          nullptr) == cudaSuccess);
    CHECK(cudaStreamSynchronize(nullptr) == cudaSuccess);
    return values;
  }

 private:
  T* data_ = nullptr;
  size_t count_;
};
