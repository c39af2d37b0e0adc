// softmax, one warp a row: for short rows. One pass for maximum and sum together, a second over
// what the first left in the cache. 8 n flops and, out of the cache, 2 n elements a row.
#include "kernels/elementwise/domain.h"
#include "kernels/softmax/rows.cuh"

namespace iolaus {
namespace {

const char* why_not(const Softmax& s) {
  if (s.inner != 1) return "rows must be contiguous (the last dimension)";
  return s.n <= 1024 ? nullptr : "rows must have at most 1024 elements";
}

const bool kForward = softmax_kernels().add(
    {"warp", kCUDA, dtypes_of(FloatTypes{}), gpu::run_softmax<gpu::Group::kWarp>, 3, why_not});
const bool kBackward = softmax_backward_kernels().add(
    {"warp", kCUDA, dtypes_of(FloatTypes{}), gpu::run_softmax<gpu::Group::kWarp>, 3, why_not});

}  // namespace
}  // namespace iolaus
