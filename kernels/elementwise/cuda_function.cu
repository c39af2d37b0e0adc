// More functions of one number on CUDA.
#include "kernels/elementwise/cuda_unary.cuh"

namespace iolaus {
namespace {
const bool kRegistered = gpu::add_unary(ops::FunctionOps{});
}  // namespace
}  // namespace iolaus
