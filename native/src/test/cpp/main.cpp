#include <cstring>

#include "check.h"

int main(int count, char** names) {
  int run = 0;
  for (const check::Test& test : check::tests()) {
    bool wanted = count == 1;
    for (int i = 1; i < count; ++i) wanted = wanted || std::strcmp(names[i], test.name) == 0;
    if (!wanted) continue;
    ++run;
    const int before = check::failures;
    test.run();
    std::printf("%s %s\n", check::failures == before ? "ok    " : "FAILED", test.name);
    std::fflush(stdout);
  }
  if (run == 0) std::printf("there is no such test\n");
  return run > 0 && check::failures == 0 ? 0 : 1;
}
