// Contexts: memory, copies that nobody waits for, and graphs.

#include <cuda_runtime.h>

#include <vector>

#include "check.h"
#include "environment.h"
#include "fewstep_cuda.h"
#include "fewstep_linear.h"

namespace {

// A context that leaves nothing behind.
class Context {
 public:
  Context() : before_(fs_emulation_live_allocations()) {
    CHECK(fs_open(0, 0, &context_) == FS_SUCCESS);
  }

  ~Context() {
    CHECK(fs_close(context_) == FS_SUCCESS);
    CHECK(fs_emulation_live_allocations() == before_);
  }

  operator fs_context*() const { return context_; }

 private:
  int before_;
  fs_context* context_ = nullptr;
};

uint64_t address_of(const void* memory) { return reinterpret_cast<uintptr_t>(memory); }

uint64_t allocate(fs_context* context, uint64_t bytes) {
  uint64_t address = 0;
  CHECK(fs_allocate(context, bytes, &address) == FS_SUCCESS);
  return address;
}

std::vector<double> read(fs_context* context, uint64_t from, size_t count) {
  std::vector<double> values(count);
  CHECK(fs_read(context, address_of(values.data()), from, count * sizeof(double)) == FS_SUCCESS);
  return values;
}

// out = weight x.
int scale(fs_context* context, uint64_t out, uint64_t x, double weight, int64_t elements) {
  return fs_combine(context, FS_FLOAT64, elements, out, 1, &x, &weight);
}

}  // namespace

TEST(memory_that_was_written_may_be_reused) {
  const Context context;
  // More than the ring holds, in pieces of all sizes up to the largest that goes through it.
  const size_t count = 600 * 1024;
  const uint64_t memory = allocate(context, count * sizeof(double));
  std::vector<double> source(16 * 1024);
  size_t size = 1;
  for (size_t first = 0; first < count; first += size) {
    size = first % 8191 + 1;
    size = size < count - first ? size : count - first;
    for (size_t i = 0; i < size; i++) {
      source[i] = static_cast<double>(first + i);
    }
    CHECK(fs_write(context, memory + first * sizeof(double), address_of(source.data()),
                   size * sizeof(double)) == FS_SUCCESS);
  }
  const std::vector<double> values = read(context, memory, count);
  for (size_t i = 0; i < count; i++) {
    CHECK(values[i] == static_cast<double>(i));
  }
  CHECK(fs_free(context, memory) == FS_SUCCESS);
}

TEST(the_device_of_the_thread_is_the_one_before) {
  const Environment two("FEWSTEP_EMULATION_DEVICES", "2");
  CHECK(cudaSetDevice(1) == cudaSuccess);
  int device = 0;
  {
    const Context context;
    const uint64_t x = allocate(context, sizeof(double));
    CHECK(cudaGetDevice(&device) == cudaSuccess && device == 1);
    CHECK(scale(context, x, x, 2, 1) == FS_SUCCESS);
    CHECK(fs_synchronize(context) == FS_SUCCESS);
    CHECK(cudaGetDevice(&device) == cudaSuccess && device == 1);
    CHECK(fs_free(context, x) == FS_SUCCESS);
    CHECK(fs_device_check(0) == FS_SUCCESS);
    CHECK(fs_device_check(2) == cudaErrorInvalidDevice);
  }
  CHECK(cudaGetDevice(&device) == cudaSuccess && device == 1);
  CHECK(cudaSetDevice(0) == cudaSuccess);
}

TEST(a_call_does_not_tell_what_failed_before_it) {
  const Context context;
  const uint64_t x = allocate(context, sizeof(double));
  const double number = 1;
  int refused = 0;
  for (int calls = 1; calls < 10; calls++) {
    fs_emulation_fail_after(calls);
    refused += fs_write(context, x, address_of(&number), sizeof number) != FS_SUCCESS;
    fs_emulation_fail_after(0);
    CHECK(scale(context, x, x, 2, 1) == FS_SUCCESS);
  }
  CHECK(refused > 2);
  CHECK(read(context, x, 1)[0] == 2);
  CHECK(fs_free(context, x) == FS_SUCCESS);
}

TEST(a_large_write_keeps_its_place_among_small_ones) {
  const Context context;
  const size_t count = 32 * 1024;
  const uint64_t memory = allocate(context, count * sizeof(double));
  const std::vector<double> large(count, 1);
  const double small = 2;
  CHECK(fs_write(context, memory, address_of(&small), sizeof small) == FS_SUCCESS);
  CHECK(fs_write(context, memory, address_of(large.data()), count * sizeof(double)) ==
        FS_SUCCESS);
  CHECK(fs_write(context, memory + sizeof small, address_of(&small), sizeof small) == FS_SUCCESS);
  const std::vector<double> values = read(context, memory, 3);
  CHECK(values[0] == 1 && values[1] == 2 && values[2] == 1);
  CHECK(fs_free(context, memory) == FS_SUCCESS);
}

TEST(a_graph_runs_what_was_recorded_in_its_order) {
  const Context context;
  const uint64_t x = allocate(context, 2 * sizeof(double));
  const uint64_t y = allocate(context, 2 * sizeof(double));
  const double ones[2] = {1, -1};
  CHECK(fs_write(context, x, address_of(ones), sizeof ones) == FS_SUCCESS);

  uint64_t graph = 0;
  CHECK(fs_record_begin(context) == FS_SUCCESS);
  CHECK(scale(context, y, x, 2, 2) == FS_SUCCESS);
  CHECK(scale(context, x, y, 3, 2) == FS_SUCCESS);
  CHECK(fs_record_end(context, &graph) == FS_SUCCESS);
  CHECK(read(context, x, 2)[0] == 1);

  CHECK(fs_graph_launch(context, graph) == FS_SUCCESS);
  CHECK(fs_graph_launch(context, graph) == FS_SUCCESS);
  const std::vector<double> values = read(context, x, 2);
  CHECK(values[0] == 36 && values[1] == -36);
  CHECK(fs_graph_free(context, graph) == FS_SUCCESS);
  CHECK(fs_free(context, x) == FS_SUCCESS);
  CHECK(fs_free(context, y) == FS_SUCCESS);
}

TEST(what_cannot_be_recorded_is_refused_and_does_no_harm) {
  const Context context;
  const uint64_t x = allocate(context, sizeof(double));
  double number = 5;
  CHECK(fs_write(context, x, address_of(&number), sizeof number) == FS_SUCCESS);

  uint64_t address = 0;
  uint64_t graph = 0;
  CHECK(fs_record_begin(context) == FS_SUCCESS);
  CHECK(fs_record_begin(context) == FS_NOT_RECORDABLE);
  CHECK(fs_allocate(context, 8, &address) == FS_NOT_RECORDABLE);
  CHECK(fs_free(context, x) == FS_NOT_RECORDABLE);
  CHECK(fs_write(context, x, address_of(&number), sizeof number) == FS_NOT_RECORDABLE);
  CHECK(fs_read(context, address_of(&number), x, sizeof number) == FS_NOT_RECORDABLE);
  CHECK(fs_synchronize(context) == FS_NOT_RECORDABLE);
  CHECK(scale(context, x, x, 2, 1) == FS_SUCCESS);
  CHECK(fs_record_end(context, &graph) == FS_SUCCESS);
  CHECK(fs_graph_launch(context, graph) == FS_SUCCESS);
  CHECK(read(context, x, 1)[0] == 10);
  CHECK(fs_graph_free(context, graph) == FS_SUCCESS);
  CHECK(fs_free(context, x) == FS_SUCCESS);
}
