// To be compiled without contraction to multiply-adds, see philox.cuh.

#include "context.h"
#include "fewstep_linear.h"
#include "launch.h"
#include "philox.cuh"

namespace fewstep {
namespace {

constexpr int THREADS = tuning::LINEAR_THREADS;

template <typename Real>
void launch_random(fs_context* context, int distribution, int64_t elements, uint64_t out,
                   uint64_t seed, int64_t first) {
  const unsigned blocks = grid(elements / 2 + 1, THREADS);
  if (distribution == FS_NORMAL) {
    FS_LAUNCH((fill_random<Real, true>), blocks, THREADS, 0, context->stream, pointer<Real>(out),
              elements, seed, first);
  } else {
    FS_LAUNCH((fill_random<Real, false>), blocks, THREADS, 0, context->stream, pointer<Real>(out),
              elements, seed, first);
  }
}

template <typename Real>
void launch_draw(fs_context* context, int64_t count, int columns, uint64_t out, uint64_t source,
                 int64_t rows, uint64_t seed, int64_t first) {
  FS_LAUNCH(draw_rows<Real>, grid(count * columns, THREADS), THREADS, 0, context->stream,
            pointer<Real>(out), count, columns, pointer<const Real>(source), rows, seed, first);
}

}  // namespace
}  // namespace fewstep

using namespace fewstep;

int fs_random(fs_context* context, int precision, int distribution, int64_t elements,
              uint64_t out, uint64_t seed, int64_t first) {
  const Entry entry(context);
  const int status = entry.status();
  if (status != FS_SUCCESS || elements == 0) {
    return status;
  }
  if (precision == FS_FLOAT32) {
    launch_random<float>(context, distribution, elements, out, seed, first);
  } else {
    launch_random<double>(context, distribution, elements, out, seed, first);
  }
  return launched();
}

int fs_draw(fs_context* context, int precision, int64_t count, int columns, uint64_t out,
            uint64_t source, int64_t rows, uint64_t seed, int64_t first) {
  const Entry entry(context);
  const int status = entry.status();
  if (status != FS_SUCCESS || count == 0) {
    return status;
  }
  if (precision == FS_FLOAT32) {
    launch_draw<float>(context, count, columns, out, source, rows, seed, first);
  } else {
    launch_draw<double>(context, count, columns, out, source, rows, seed, first);
  }
  return launched();
}
