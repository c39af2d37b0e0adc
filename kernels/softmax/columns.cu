// softmax, one thread a row: for any dimension. Where rows are strided (a dimension that is not the
// last), neighbouring threads read neighbouring elements.
#include "kernels/elementwise/domain.h"
#include "kernels/softmax/rows.cuh"

namespace iolaus {
namespace {

const bool kForward = softmax_kernels().add(
    {"columns", kCUDA, dtypes_of(FloatTypes{}), gpu::run_softmax<gpu::Group::kThread>, 1});
const bool kBackward = softmax_backward_kernels().add(
    {"columns", kCUDA, dtypes_of(FloatTypes{}), gpu::run_softmax<gpu::Group::kThread>, 1});

}  // namespace
}  // namespace iolaus
