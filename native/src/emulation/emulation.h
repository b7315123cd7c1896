#pragma once

// Runs kernels on the host, for kernels/portable.cuh: the threads of a block are fibers of the
// thread that launches. A fiber runs until it waits for others or ends, so that a kernel without
// barriers costs no more than its loops, and what threads do without a barrier between them
// happens in an order that shows it.
//
// A kernel that would hang or be undefined on a device aborts with a message: a barrier that not
// all threads reach, or that they reach at different places; an operation of a warp that not all
// of its lanes reach. AddressSanitizer knows the fibers' stacks, and to ThreadSanitizer every
// thread of a block is one that only barriers order: what it reports is a race on a device too.

#include <math.h>
#include <sys/mman.h>

#include <cfloat>
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <deque>
#include <memory>
#include <tuple>
#include <type_traits>

#include "cuda_runtime.h"

#if defined(__SANITIZE_ADDRESS__)
#include <sanitizer/common_interface_defs.h>
#endif

#if defined(__SANITIZE_THREAD__)
#include <sanitizer/tsan_interface.h>

extern "C" {
void AnnotateIgnoreWritesBegin(const char* file, int line);
void AnnotateIgnoreWritesEnd(const char* file, int line);
}

// The emulation's own functions: fibers that share its state would be taken for racing threads.
#define FS_UNSEEN __attribute__((noinline, no_sanitize("thread")))
#else
#define FS_UNSEEN
#endif

// Saving registers takes some 10 instructions; the portable way takes two system calls.
#if !defined(__x86_64__) && !defined(FS_EMULATION_UCONTEXT)
#define FS_EMULATION_UCONTEXT
#endif

#ifdef FS_EMULATION_UCONTEXT
#include <ucontext.h>
#endif

// ---- What portable.cuh promises ----

#define FS_DEVICE static inline

#define FS_KERNEL(threads, blocks) void

// The variable behind a name is one of the kernel, so its address tells the arrays of a block
// apart. Arrays are of the heap, each of its own: statics of templates could not be poisoned.
#define FS_SHARED(type, name, count)                                \
  static char name##_of_kernel;                                     \
  type(&name)[count] = *static_cast<type(*)[count]>(                \
      ::fewstep::emulation::running->shared(&name##_of_kernel, #name, sizeof(type[count])))

#define FS_DYNAMIC_SHARED(type, name) \
  type* name = static_cast<type*>(::fewstep::emulation::running->dynamic_shared())

#define FS_BARRIER() ::fewstep::emulation::running->barrier({"a barrier", __FILE__, __LINE__})

#define FS_UNROLL

#define FS_LAUNCH(kernel, grid, block, shared, stream, ...)                            \
  ::fewstep::emulation::launch(#kernel, kernel, grid, block, shared, stream)(__VA_ARGS__)

namespace fewstep {

constexpr int WARP = 32;
constexpr unsigned ALL_LANES = 0xffffffffu;

namespace emulation {

constexpr int MAX_WARPS = MAX_THREADS / WARP;

// The most values that a lane shows to others at once: the matrices A and B of a product.
constexpr int SHOWN = 3;

// Room for a kernel's local arrays; pages that are not used are not there. The sanitizers put
// much between variables.
#if defined(__SANITIZE_ADDRESS__)
constexpr size_t STACK = 1024 * KIB;
#else
constexpr size_t STACK = 128 * KIB;
#endif

// Below a stack, not to be touched: one that is too small ends there. Frames are smaller.
constexpr size_t GUARD = 64 * KIB;

// Where a thread waits, and for what.
struct Place {
  const char* operation;
  const char* file;
  int line;

  FS_UNSEEN bool operator==(const Place& other) const {
    return line == other.line && same(operation, other.operation) && same(file, other.file);
  }

  // Mostly they are one literal.
  FS_UNSEEN static bool same(const char* a, const char* b) {
    return a == b || std::strcmp(a, b) == 0;
  }
};

// A stack on which threads run, and where it was left.
class Fiber {
 public:
  // The stack that the host came on, of the thread that makes this.
  FS_UNSEEN Fiber() {
#if defined(__SANITIZE_THREAD__)
    context_ = __tsan_get_current_fiber();
#endif
  }

  // A stack of its own, that begins with a function that never returns. The colour keeps the tops
  // of stacks, the same number of pages apart, from the same lines of the cache.
  FS_UNSEEN Fiber(int colour, void (*begin)()) {
    void* memory = mmap(nullptr, GUARD + STACK, PROT_READ | PROT_WRITE,
                        MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    if (memory == MAP_FAILED || mprotect(memory, GUARD, PROT_NONE) != 0) {
      std::perror("fewstep emulation: the stack of a fiber");
      std::abort();
    }
    memory_ = static_cast<char*>(memory);
    bottom_ = memory_ + GUARD;
    size_ = STACK - static_cast<size_t>(colour % 16) * 256;
#ifdef FS_EMULATION_UCONTEXT
    getcontext(&stopped_);
    stopped_.uc_stack.ss_sp = memory_ + GUARD;
    stopped_.uc_stack.ss_size = size_;
    stopped_.uc_link = nullptr;
    makecontext(&stopped_, begin, 0);
#else
    // What switch_stacks takes from the stack: six registers, where to return to, and, as a
    // function finds it when it begins, an address to return to itself.
    void** frame = reinterpret_cast<void**>(memory_ + GUARD + size_) - 8;
    frame[6] = reinterpret_cast<void*>(begin);
    stopped_ = frame;
#endif
#if defined(__SANITIZE_THREAD__)
    context_ = __tsan_create_fiber(0);
#endif
  }

  Fiber(const Fiber&) = delete;
  Fiber& operator=(const Fiber&) = delete;

  FS_UNSEEN ~Fiber() {
    if (memory_ == nullptr) return;
    munmap(memory_, GUARD + STACK);
#if defined(__SANITIZE_THREAD__)
    __tsan_destroy_fiber(context_);
#endif
  }

  // Leaves this stack, the one that runs, for another; returns when another leaves for this.
  FS_UNSEEN void leave_for(Fiber* to) {
#if defined(__SANITIZE_ADDRESS__)
    void* fake;
    to->from_ = this;
    __sanitizer_start_switch_fiber(&fake, to->bottom_, to->size_);
#endif
#if defined(__SANITIZE_THREAD__)
    __tsan_switch_to_fiber(to->context_, __tsan_switch_to_fiber_no_sync);
#endif
#ifdef FS_EMULATION_UCONTEXT
    swapcontext(&stopped_, &to->stopped_);
#else
    switch_stacks(&stopped_, to->stopped_);
#endif
#if defined(__SANITIZE_ADDRESS__)
    __sanitizer_finish_switch_fiber(fake, &from_->bottom_, &from_->size_);
#endif
  }

  // What the function that a stack begins with calls first.
  FS_UNSEEN void arrive() {
#if defined(__SANITIZE_ADDRESS__)
    // Tells where the stack lies that was left: so that of the host becomes known.
    __sanitizer_finish_switch_fiber(nullptr, &from_->bottom_, &from_->size_);
#endif
  }

 private:
#ifndef FS_EMULATION_UCONTEXT
  // Saves on the stack what a call must keep, and takes it from the other.
  __attribute__((naked, noinline)) static void switch_stacks(void** /*from*/, void* /*to*/) {
    asm("pushq %rbp\n\t"
        "pushq %rbx\n\t"
        "pushq %r12\n\t"
        "pushq %r13\n\t"
        "pushq %r14\n\t"
        "pushq %r15\n\t"
        "movq %rsp, (%rdi)\n\t"
        "movq %rsi, %rsp\n\t"
        "popq %r15\n\t"
        "popq %r14\n\t"
        "popq %r13\n\t"
        "popq %r12\n\t"
        "popq %rbx\n\t"
        "popq %rbp\n\t"
        "ret");
  }
#endif

  char* memory_ = nullptr;
  const void* bottom_ = nullptr;
  size_t size_ = 0;
#ifdef FS_EMULATION_UCONTEXT
  ucontext_t stopped_;
#else
  void* stopped_ = nullptr;
#endif
#if defined(__SANITIZE_ADDRESS__)
  Fiber* from_ = nullptr;
#endif
#if defined(__SANITIZE_THREAD__)
  void* context_;
#endif
};

// What a launch says.
struct Launch {
  const char* kernel;
  long long blocks;
  int threads;
  size_t dynamic_shared;
  size_t shared_limit;
  void (*call)(const void* arguments);
  const void* arguments;
};

class Machine;

// The machine that runs a kernel on this thread of the host. A kernel asks it for the index of
// its thread again and again, hence the model of thread-local storage that needs no call.
inline thread_local Machine* running __attribute__((tls_model("initial-exec"))) = nullptr;

// Runs the blocks of a launch one after another, for one thread of the host.
class Machine {
 public:
  // That of this thread of the host, with its stacks from launch to launch.
  static Machine& of_this_thread() {
    // Behind a pointer: a library that is loaded late has little storage for threads.
    static thread_local std::unique_ptr<Machine> machine;
    if (machine == nullptr) machine.reset(new Machine);
    return *machine;
  }

  Machine() = default;
  Machine(const Machine&) = delete;
  Machine& operator=(const Machine&) = delete;

  ~Machine() {
#if defined(__SANITIZE_THREAD__)
    for (auto& team : teams_) {
      for (Fiber* fiber : team) delete fiber;
    }
#else
    for (int i = 0; i < idle_count_; ++i) delete idle_[i];
#endif
  }

  FS_UNSEEN void run(const Launch& launch) {
    if (running != nullptr) {
      running->stop("launches kernel %s: kernels cannot launch", launch.kernel);
    }
    // Read at every launch, so that a test runs both ways.
    const char* order = std::getenv("FEWSTEP_EMULATION_ORDER");
    reverse_ = order != nullptr && std::strcmp(order, "reverse") == 0;
    launch_ = &launch;
    running = this;
    release(&launched_);
    for (long long i = 0; i < launch.blocks; ++i) {
      block_ = reverse_ ? launch.blocks - 1 - i : i;
      run_block();
    }
    running = nullptr;
    launch_ = nullptr;
    // Not before: blocks are not ordered, so a race between two of them shall be seen.
    acquire(&ended_);
  }

  FS_UNSEEN int thread() const { return thread_; }
  FS_UNSEEN int threads() const { return launch_->threads; }
  FS_UNSEEN long long block() const { return block_; }
  FS_UNSEEN long long blocks() const { return launch_->blocks; }

  // The array of the block behind a key.
  FS_UNSEEN void* shared(const void* key, const char* name, size_t bytes) {
    for (int i = 0; i < arrays_; ++i) {
      if (array_[i].key == key) return array_[i].memory;
    }
    static_shared_ += bytes;
    if (static_shared_ > SHARED_MEMORY) {
      stop("declares %s, and with it more than %zu bytes of shared arrays", name, SHARED_MEMORY);
    }
    if (static_shared_ + launch_->dynamic_shared > launch_->shared_limit) {
      stop("declares %s, and has with its dynamic array more than %zu bytes of shared memory", name,
           launch_->shared_limit);
    }
    return add_array(key, bytes);
  }

  FS_UNSEEN void* dynamic_shared() { return array_[0].memory; }

  FS_UNSEEN void barrier(const Place& place) {
    if (waiting_ == 0) {
      barrier_ = place;
      first_ = thread_;
    } else if (!(place == barrier_)) {
      stop("is at %s at %s:%d, but thread %d waits at %s at %s:%d", place.operation, place.file,
           place.line, first_, barrier_.operation, barrier_.file, barrier_.line);
    }
    // Two fences in turn: a thread that is late must not see what others do after the barrier.
    char* fence = fences_ + generation_;
    release(fence);
    if (++waiting_ == launch_->threads) {
      waiting_ = 0;
      generation_ ^= 1;
      wake(0, launch_->threads);
    } else {
      wait(place);
    }
    acquire(fence);
  }

  // Shows to every lane of a warp a value of each, and returns when all have shown theirs.
  FS_UNSEEN const uint64_t* exchange(uint64_t value, const Place& place, bool orders = false) {
    return exchange(&value, 1, place, orders)[0];
  }

  // The same of several values of each, at most SHOWN; the w-th ones of all lanes are in row w.
  FS_UNSEEN const uint64_t (*exchange(const uint64_t* shown, int count, const Place& place,
                                      bool orders = false))[WARP] {
    int warp_index = thread_ / WARP;
    int lane = thread_ % WARP;
    int first = warp_index * WARP;
    if (launch_->threads < first + WARP) {
      stop("is at %s at %s:%d in a warp of only %d lanes", place.operation, place.file, place.line,
           launch_->threads - first);
    }
    Warp& warp = warps_[warp_index];
    if (warp.waiting == 0) {
      warp.place = place;
      warp.first = thread_;
    } else if (!(place == warp.place)) {
      stop("is at %s at %s:%d, but thread %d of its warp waits at %s at %s:%d", place.operation,
           place.file, place.line, warp.first, warp.place.operation, warp.place.file,
           warp.place.line);
    }
    // Two rows in turn: a lane that is late must find what was shown to it.
    auto& values = warp.values[warp.generation];
    char* fence = fences_ + 2 * (1 + warp_index) + warp.generation;
    for (int w = 0; w < count; ++w) values[w][lane] = shown[w];
    if (orders) release(fence);
    if (++warp.waiting == WARP) {
      warp.waiting = 0;
      warp.generation ^= 1;
      wake(first, WARP);
    } else {
      wait(place);
    }
    if (orders) acquire(fence);
    return values;
  }

  // Copies of 16 bytes that threads have begun. Nothing is copied before its thread waits for it.
  struct Copy {
    void* to;
    const void* from;
    int group;
  };

  FS_UNSEEN void begin_copy(void* to, const void* from, const Place& place) {
    require_aligned(to, place);
    require_aligned(from, place);
    copies_[thread_].begun.push_back({to, from, copies_[thread_].groups});
  }

  FS_UNSEEN void commit_copies() { ++copies_[thread_].groups; }

  // The next copy that is not in one of so many groups made last; false if there is none.
  FS_UNSEEN bool next_copy(int groups, Copy* copy) {
    Copies& copies = copies_[thread_];
    if (copies.begun.empty() || copies.begun.front().group >= copies.groups - groups) return false;
    *copy = copies.begun.front();
    copies.begun.pop_front();
    return true;
  }

  FS_UNSEEN void require_aligned(const void* address, const Place& place) {
    if (reinterpret_cast<uintptr_t>(address) % 16 != 0) {
      stop("is at %s at %s:%d with an address that is no multiple of 16", place.operation,
           place.file, place.line);
    }
  }

 private:
  // A thread of the block. It waits at a place, or it runs, or it has ended.
  struct Thread {
    Fiber* fiber;
    bool waits;
    Place place;
  };

  struct Warp {
    Place place;
    int first;
    int waiting;
    int generation;
    uint64_t values[2][SHOWN][WARP];
  };

  struct Copies {
    std::deque<Copy> begun;
    int groups = 0;
  };

  struct Array {
    const void* key;
    void* memory;
  };

  static constexpr int MAX_ARRAYS = 64;

  FS_UNSEEN void run_block() {
    int threads = launch_->threads;
    begun_ = finished_ = waiting_ = 0;
    for (int i = 0; i < (threads + WARP - 1) / WARP; ++i) warps_[i].waiting = 0;
    add_array(&dynamic_key_, launch_->dynamic_shared);
    fences_ = static_cast<char*>(add_array(&fences_key_, 2 * (1 + MAX_WARPS)));
    current_ = &host_;
#if defined(__SANITIZE_THREAD__)
    // Made by the host: what it does comes before all that its fibers do.
    team_ = teams_[block_ % 2];
    for (int i = 0; i < threads; ++i) {
      if (team_[i] == nullptr) team_[i] = new Fiber(i, serve);
    }
#endif
    leave_for(next());
    thread_ = NONE;
    remove_arrays();
  }

  // What a stack does, forever: begins threads while none that has begun can go on.
  FS_UNSEEN static void serve() {
    Machine& machine = *running;
    machine.current_->arrive();
    for (;;) machine.begin_threads();
  }

  FS_UNSEEN void begin_threads() {
    while (ready_ == 0 && begun_ < launch_->threads) {
      thread_ = next_to_begin();
      ++begun_;
      threads_[thread_].fiber = current_;
      threads_[thread_].waits = false;
      acquire(&launched_);
      launch_->call(launch_->arguments);
      if (!copies_[thread_].begun.empty()) stop("has ended and not awaited all its copies");
      release(&ended_);
      ++finished_;
#if defined(__SANITIZE_THREAD__)
      break;
#endif
    }
    Fiber* to = next();
#if !defined(__SANITIZE_THREAD__)
    idle_[idle_count_++] = current_;
#endif
    leave_for(to);
  }

  FS_UNSEEN int next_to_begin() const {
    return reverse_ ? launch_->threads - 1 - begun_ : begun_;
  }

  // The stack to go on with.
  FS_UNSEEN Fiber* next() {
    if (ready_ > 0) {
      int index = queue_[head_];
      head_ = (head_ + 1) % MAX_THREADS;
      --ready_;
      return threads_[index].fiber;
    }
    if (begun_ < launch_->threads) {
#if defined(__SANITIZE_THREAD__)
      return team_[next_to_begin()];
#else
      return idle_count_ > 0 ? idle_[--idle_count_] : new Fiber(made_++, serve);
#endif
    }
    if (finished_ == launch_->threads) return &host_;
    stop_for_ever_waiting();
  }

  FS_UNSEEN void leave_for(Fiber* to) {
    Fiber* from = current_;
    current_ = to;
    from->leave_for(to);
  }

  FS_UNSEEN void wait(const Place& place) {
    int self = thread_;
    threads_[self].waits = true;
    threads_[self].place = place;
    leave_for(next());
    thread_ = self;
  }

  // Lets all of these threads but the one that runs go on.
  FS_UNSEEN void wake(int first, int count) {
    for (int i = 0; i < count; ++i) {
      int index = first + (reverse_ ? count - 1 - i : i);
      if (index == thread_) continue;
      threads_[index].waits = false;
      queue_[(head_ + ready_) % MAX_THREADS] = static_cast<short>(index);
      ++ready_;
    }
  }

  FS_UNSEEN static void release(char* fence) {
#if defined(__SANITIZE_THREAD__)
    __tsan_release(fence);
#else
    (void)fence;
#endif
  }

  FS_UNSEEN static void acquire(char* fence) {
#if defined(__SANITIZE_THREAD__)
    __tsan_acquire(fence);
#else
    (void)fence;
#endif
  }

  // An array of NaN that lives as long as the block, of its own size to the byte, so that
  // AddressSanitizer finds where it ends.
  FS_UNSEEN void* add_array(const void* key, size_t bytes) {
    if (arrays_ == MAX_ARRAYS) stop("declares more than %d shared arrays", MAX_ARRAYS - 1);
#if defined(__SANITIZE_THREAD__)
    // Memory as nobody has touched it: this thread of the block is not the one that made it.
    AnnotateIgnoreWritesBegin(__FILE__, __LINE__);
#endif
    void* memory;
    if (posix_memalign(&memory, 128, bytes) != 0) stop("has no memory for shared arrays");
    std::memset(memory, POISON, bytes);
#if defined(__SANITIZE_THREAD__)
    AnnotateIgnoreWritesEnd(__FILE__, __LINE__);
#endif
    array_[arrays_++] = {key, memory};
    return memory;
  }

  FS_UNSEEN void remove_arrays() {
#if defined(__SANITIZE_THREAD__)
    AnnotateIgnoreWritesBegin(__FILE__, __LINE__);
#endif
    for (int i = 0; i < arrays_; ++i) std::free(array_[i].memory);
#if defined(__SANITIZE_THREAD__)
    AnnotateIgnoreWritesEnd(__FILE__, __LINE__);
#endif
    arrays_ = 0;
    static_shared_ = 0;
  }

  // Every thread has ended or waits, and none can go on: says of one whom it waits for, if
  // possible of one that waits for a thread that has ended.
  [[noreturn]] FS_UNSEEN void stop_for_ever_waiting() {
    int missing = 0;
    for (int i = 0; i < launch_->threads; ++i) {
      if (!threads_[i].waits) continue;
      thread_ = i;
      missing = missed_by(i);
      if (!threads_[missing].waits) break;
    }
    const Place& place = threads_[thread_].place;
    if (!threads_[missing].waits) {
      stop("waits at %s at %s:%d, but thread %d has ended", place.operation, place.file, place.line,
           missing);
    }
    const Place& other = threads_[missing].place;
    stop("waits at %s at %s:%d, but thread %d waits at %s at %s:%d", place.operation, place.file,
         place.line, missing, other.operation, other.file, other.line);
  }

  // A thread that is not where the one that waits wants it to be.
  FS_UNSEEN int missed_by(int waiting) const {
    const Place& place = threads_[waiting].place;
    bool at_barrier = waiting_ > 0 && place == barrier_;
    int missing = at_barrier ? 0 : waiting / WARP * WARP;
    while (threads_[missing].waits && threads_[missing].place == place) ++missing;
    return missing;
  }

  // The kernel is wrong: what its thread does completes the sentence.
  template <typename... A>
  [[noreturn]] FS_UNSEEN void stop(const char* format, A... values) {
    std::fprintf(stderr, "fewstep emulation: kernel %s, block %lld: ", launch_->kernel, block_);
    if (thread_ == NONE) {
      std::fprintf(stderr, "it ");
    } else {
      std::fprintf(stderr, "thread %d ", thread_);
    }
    char text[512];
    // The formats are those above; the compiler cannot follow them through a template.
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wformat-security"
#pragma GCC diagnostic ignored "-Wformat-nonliteral"
    std::snprintf(text, sizeof text, format, values...);
#pragma GCC diagnostic pop
    std::fprintf(stderr, "%s\n", text);
    std::abort();
  }

  static constexpr int NONE = -1;

  const Launch* launch_ = nullptr;
  bool reverse_ = false;
  long long block_ = 0;
  int thread_ = NONE;

  // Threads that have begun, and have ended.
  int begun_ = 0;
  int finished_ = 0;

  // What orders the host's doings before those of threads, and those before what it does next.
  char launched_ = 0;
  char ended_ = 0;

  // The barrier that threads wait at.
  Place barrier_ = {};
  int first_ = 0;
  int waiting_ = 0;
  int generation_ = 0;

  // Two for the block and two for every warp; addresses that ThreadSanitizer remembers an order
  // by, and nothing is stored there. In memory of the block's, or they would order blocks.
  char* fences_ = nullptr;

  // Threads that can go on, in a ring.
  short queue_[MAX_THREADS] = {};
  int head_ = 0;
  int ready_ = 0;

  Fiber host_;
  Fiber* current_ = nullptr;
#if defined(__SANITIZE_THREAD__)
  // To ThreadSanitizer a fiber is a thread, so every thread of a block has its own. It takes some
  // milliseconds to make one, so blocks share them, but none with the next: the likely races of
  // blocks, between neighbours, are between two fibers.
  Fiber* teams_[2][MAX_THREADS] = {};
  Fiber** team_ = nullptr;
#else
  // Stacks that no thread is on; a thread that ends without having waited leaves its to the next.
  Fiber* idle_[MAX_THREADS] = {};
  int idle_count_ = 0;
  int made_ = 0;
#endif

  // The first is the dynamic one.
  static constexpr char dynamic_key_ = 0;
  static constexpr char fences_key_ = 1;
  Array array_[MAX_ARRAYS] = {};
  int arrays_ = 0;
  size_t static_shared_ = 0;

  Thread threads_[MAX_THREADS] = {};
  Warp warps_[MAX_WARPS] = {};
  Copies copies_[MAX_THREADS];
};

// Checks a launch as a device would, and runs it when it is called with the arguments.
template <typename... P>
class Launcher {
  static_assert((std::is_trivially_copyable_v<P> && ...), "arguments are copied to the device");

 public:
  Launcher(const char* name, void (*kernel)(P...), long long grid, long long block, size_t shared,
           cudaStream_t stream)
      : name_(name), kernel_(kernel), grid_(grid), block_(block), shared_(shared), stream_(stream) {
  }

  void operator()(P... arguments) const {
    use([&](Device& device) {
      Device::Shared allowed = device.allowed_shared(reinterpret_cast<const void*>(kernel_));
      if (grid_ < 1 || grid_ > MAX_BLOCKS || block_ < 1 || block_ > MAX_THREADS) {
        return cudaErrorInvalidConfiguration;
      }
      if (shared_ > allowed.dynamic) return cudaErrorInvalidValue;
      if (!device.has(stream_)) return cudaErrorInvalidResourceHandle;
      // By value: a stream that records runs it when this launch is long over.
      device.perform(stream_, [launcher = *this, limit = allowed.total, arguments...] {
        launcher.run(limit, arguments...);
      });
      return cudaSuccess;
    });
  }

 private:
  void run(size_t shared_limit, const P&... arguments) const {
    auto thread = [&] { kernel_(arguments...); };
    using Body = decltype(thread);
    Launch launch = {name_,
                     grid_,
                     static_cast<int>(block_),
                     shared_,
                     shared_limit,
                     [](const void* body) { (*static_cast<const Body*>(body))(); },
                     &thread};
    Machine::of_this_thread().run(launch);
  }

  const char* name_;
  void (*kernel_)(P...);
  long long grid_;
  long long block_;
  size_t shared_;
  cudaStream_t stream_;
};

template <typename... P>
Launcher<P...> launch(const char* name, void (*kernel)(P...), long long grid, long long block,
                      size_t shared, cudaStream_t stream) {
  return Launcher<P...>(name, kernel, grid, block, shared, stream);
}

template <typename T>
uint64_t to_bits(T value) {
  static_assert(std::is_arithmetic_v<T>, "warps exchange numbers");
  uint64_t bits = 0;
  std::memcpy(&bits, &value, sizeof value);
  return bits;
}

template <typename T>
T from_bits(uint64_t bits) {
  T value;
  std::memcpy(&value, &bits, sizeof value);
  return value;
}

}  // namespace emulation

FS_DEVICE int thread_index() { return emulation::running->thread(); }
FS_DEVICE int thread_count() { return emulation::running->threads(); }
FS_DEVICE long long block_index() { return emulation::running->block(); }
FS_DEVICE long long block_count() { return emulation::running->blocks(); }

// A warp's operations know their caller's line by a default argument. As on a device only
// warp_barrier orders memory; a shuffle does not.
template <typename T>
FS_DEVICE T shuffle_xor(T value, int lanes, const char* file = __builtin_FILE(),
                        int line = __builtin_LINE()) {
  const uint64_t* values =
      emulation::running->exchange(emulation::to_bits(value), {"a shuffle", file, line});
  return emulation::from_bits<T>(values[((thread_index() % WARP) ^ lanes) % WARP]);
}

template <typename T>
FS_DEVICE T shuffle(T value, int lane, const char* file = __builtin_FILE(),
                    int line = __builtin_LINE()) {
  const uint64_t* values =
      emulation::running->exchange(emulation::to_bits(value), {"a shuffle", file, line});
  return emulation::from_bits<T>(values[lane & (WARP - 1)]);
}

FS_DEVICE bool any_lane(bool value, const char* file = __builtin_FILE(),
                        int line = __builtin_LINE()) {
  const uint64_t* values = emulation::running->exchange(value, {"a vote", file, line});
  bool any = false;
  for (int lane = 0; lane < WARP; ++lane) any = any || values[lane] != 0;
  return any;
}

FS_DEVICE void warp_barrier(const char* file = __builtin_FILE(), int line = __builtin_LINE()) {
  emulation::running->exchange(0, {"a warp barrier", file, line}, true);
}

// Exact, where a device has 2 ulp; what is subnormal becomes 0 as there.
FS_DEVICE float exp2_fast(float x) {
  float y = exp2f(x);
  return y < FLT_MIN ? 0.0f : y;
}

FS_DEVICE double exp2_fast(double x) { return exp2(x); }

// CUDA has these; by way of a wider type, so that pi x loses nothing.
constexpr long double PI = 3.14159265358979323846264338327950288L;

FS_DEVICE float sinpi(float x) { return static_cast<float>(sin(static_cast<double>(PI) * x)); }
FS_DEVICE double sinpi(double x) { return static_cast<double>(sinl(PI * x)); }
FS_DEVICE float cospi(float x) { return static_cast<float>(cos(static_cast<double>(PI) * x)); }
FS_DEVICE double cospi(double x) { return static_cast<double>(cosl(PI * x)); }

}  // namespace fewstep
