// softmax, one block a row: for long rows. Maximum and sum in one pass (Milakov and Gimelshein
// 2018), then the results.
#include "kernels/elementwise/domain.h"
#include "kernels/softmax/rows.cuh"

namespace iolaus {
namespace {

const char* why_not(const Softmax& s) {
  return s.inner == 1 ? nullptr : "rows must be contiguous (the last dimension)";
}

const bool kForward = softmax_kernels().add({"block_online", kCUDA, dtypes_of(FloatTypes{}),
                                             gpu::run_softmax<gpu::Group::kBlock>, 2, why_not});
const bool kBackward =
    softmax_backward_kernels().add({"block_online", kCUDA, dtypes_of(FloatTypes{}),
                                    gpu::run_softmax<gpu::Group::kBlock>, 2, why_not});

}  // namespace
}  // namespace iolaus
