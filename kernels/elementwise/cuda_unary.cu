// The common unary operations on CUDA.
#include "kernels/elementwise/cuda_unary.cuh"

namespace iolaus {
namespace {
const bool kRegistered = gpu::add_unary(ops::UnaryOps{});
}  // namespace
}  // namespace iolaus
