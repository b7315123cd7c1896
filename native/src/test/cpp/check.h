#pragma once

// Tests are functions that register themselves; main.cpp runs them, or those that its arguments
// name. A check that fails is told, and the test goes on.

#include <atomic>
#include <cmath>
#include <cstdio>
#include <vector>

namespace check {

#ifdef __SANITIZE_THREAD__
// To ThreadSanitizer a thread costs milliseconds and a switch microseconds: tests do less then.
constexpr bool EVERY_THREAD_IS_DEAR = true;
#else
constexpr bool EVERY_THREAD_IS_DEAR = false;
#endif

struct Test {
  const char* name;
  void (*run)();
};

inline std::vector<Test>& tests() {
  static std::vector<Test> all;
  return all;
}

inline std::atomic<int> failures{0};

struct Registration {
  Registration(const char* name, void (*run)()) { tests().push_back({name, run}); }
};

inline void that(bool holds, const char* text, const char* file, int line) {
  if (holds) return;
  ++failures;
  std::printf("%s:%d: failed: %s\n", file, line, text);
}

inline void near(double actual, double expected, double tolerance, const char* text,
                 const char* file, int line) {
  if (std::fabs(actual - expected) <= tolerance) return;
  ++failures;
  std::printf("%s:%d: failed: %s is %.17g, not %.17g to %g\n", file, line, text, actual, expected,
              tolerance);
}

}  // namespace check

#define TEST(name)                                                 \
  static void name();                                              \
  static const check::Registration name##_registered(#name, name); \
  static void name()

#define CHECK(condition) check::that(condition, #condition, __FILE__, __LINE__)

// Of numbers; NaN is near to nothing.
#define CHECK_NEAR(actual, expected, tolerance) \
  check::near(actual, expected, tolerance, #actual, __FILE__, __LINE__)
