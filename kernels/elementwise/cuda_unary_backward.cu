// Derivatives of the common unary operations on CUDA.
#include "kernels/elementwise/cuda_unary.cuh"

namespace iolaus {
namespace {
const bool kRegistered = gpu::add_unary_backward(ops::UnaryOps{});
}  // namespace
}  // namespace iolaus
